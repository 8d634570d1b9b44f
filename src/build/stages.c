/* stages.c — see stages.h. */
#include "build/stages.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

struct plan {
	const struct dockerfile *file;
	unsigned n;
	const char *names[STAGES_MAX], *bases[STAGES_MAX];
	size_t first[STAGES_MAX]; /* its FROM, as a place in the instructions */
	bool *needed;
};

/* The stage WORD of those before BEFORE, the last of its name; -1: there is none. */
static int find(const struct plan *p, const char *word, unsigned before)
{
	long long number;

	for (unsigned n = before; n-- > 0;)
		if (p->names[n] && strcasecmp(p->names[n], word) == 0)
			return (int)n;
	return text_to_int(word, 0, (long long)before - 1, &number) == 0 ? (int)number : -1;
}

static void list_stages(struct plan *p, const struct variables *global, struct arena *a)
{
	for (size_t i = 0; i < p->file->instructions.n && p->n < STAGES_MAX; i++) {
		const struct instruction *from = &p->file->instructions.at[i];
		struct strings words = {};
		if (!text_is(from->keyword, "FROM"))
			continue;
		words_split(from->text, p->file->escape, a, &words);
		const char *base = words.n > 0 ? word_expand(words.at[0], global, a, NULL) : NULL;
		p->bases[p->n] = base ? base : "";
		p->names[p->n] = words.n == 3 ? words.at[2] : NULL;
		p->first[p->n++] = i;
	}
}

/* What the stage N takes from others. Each is before it, so one pass from the last to the first finds all. */
static void mark_sources(struct plan *p, unsigned n)
{
	size_t end = n + 1 < p->n ? p->first[n + 1] : p->file->instructions.n;
	int base = find(p, p->bases[n], n);

	if (base >= 0)
		p->needed[base] = true;
	for (size_t i = p->first[n] + 1; i < end; i++) {
		const char *from = instruction_flag(&p->file->instructions.at[i], "from");
		int source = from ? find(p, from, n) : -1;
		if (source >= 0)
			p->needed[source] = true;
		for (unsigned k = 0; from && strchr(from, '$') && k < n; k++)
			p->needed[k] = true;
	}
}

unsigned stages_needed(const struct dockerfile *f, const char *target, const struct variables *global,
		       struct arena *a, bool needed[static STAGES_MAX])
{
	struct plan p = { .file = f, .needed = needed };

	list_stages(&p, global, a);
	int last = target ? find(&p, target, p.n) : (int)p.n - 1;
	for (unsigned n = 0; n < p.n; n++)
		needed[n] = last < 0 || (int)n == last;
	for (unsigned n = p.n; n-- > 0;)
		if (needed[n])
			mark_sources(&p, n);
	return p.n;
}
