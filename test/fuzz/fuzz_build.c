/* fuzz_build.c — a Dockerfile, its words and a .dockerignore: what build/ reads of strangers.
 *
 * The bytes are parsed as a Dockerfile; each instruction's words are split and expanded, and the whole is tried as patterns, too.
 */
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "build/dockerfile.h"
#include "build/ignore.h"
#include "build/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_words(const struct dockerfile *file, const struct instruction *i, struct arena *a)
{
	struct variables v = { .escape = file->escape };
	struct strings words = {};
	struct error err = {};

	*list_add(a, &v.pairs) = "A=value";
	*list_add(a, &v.pairs) = "B=";
	words_split(i->text, file->escape, a, &words);
	list_each(word, &words)
		word_expand(*word, &v, a, &err);
	list_each(h, &i->heredocs)
		if (h->text)
			word_expand_plain(h->text, &v, a, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct dockerfile file;
	struct ignore ignore;
	struct error err = {};
	char *text = arena_strndup(a, (const char *)data, size);

	if (dockerfile_parse("Dockerfile", text, size, a, &file, &err) == 0)
		list_each(i, &file.instructions)
			try_words(&file, i, a);
	if (size <
	    512) { /* "**" several times takes long: only what a file is refused for is of interest here */
		ignore_parse(text, a, &ignore);
		ignore_matches(&ignore, "a/b/c.log");
	}
	arena_free(a);
	return 0;
}
