/* expand.c — see expand.h. */
#include "api/expand.h"

#include "base/cleanup.h"
#include "base/text.h"

const char *expand(const char *text, expand_lookup *lookup, const void *context, struct arena *a,
		   const char **unknown)
{
	_cleanup_text_ struct text out = {};

	if (unknown)
		*unknown = NULL;
	for (const char *s = text; *s; s++) {
		const char *end = s[0] == '$' && s[1] == '(' ? strchr(s, ')') : NULL;
		if (s[0] == '$' && s[1] == '$') {
			text_add_char(&out, '$');
			s++;
		} else if (end) {
			const char *name = arena_strndup(a, s + 2, (size_t)(end - s - 2));
			const char *value = lookup(context, name);
			if (value)
				text_add(&out, value);
			else
				text_add_n(&out, s, (size_t)(end - s + 1));
			if (!value && unknown && !*unknown)
				*unknown = name;
			s = end;
		} else {
			text_add_char(&out, *s);
		}
	}
	return arena_strdup(a, text_str(&out));
}
