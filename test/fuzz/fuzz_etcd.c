/* fuzz_etcd.c — what an etcd, or whoever is in its place, may answer; and what seapod-etcd, if it has been taken over, may say to seapod-dns. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd/gateway.h"
#include "etcd/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int it_holds)
{
	if (!it_holds)
		abort();
}

static void try_answer(const char *text, size_t n)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct etcd_answer answer;
	struct error why = {};

	if (etcd_answer_read(text, n, a, &answer, &why) < 0) {
		must(why.code && why.text[0]);
		return;
	}
	list_each(item, &answer.items)
		must(item->key.n > 0 && item->key.n <= LINK_KEY_MAX && item->value.n <= LINK_VALUE_MAX &&
		     item->key.at && item->value.at);
}

static void try_frames(const char *bytes, size_t n)
{
	struct link l = { .fd = -1 };
	struct frame f;
	size_t all = 0;

	text_add_n(&l.in, bytes, n);
	while (link_next(&l, &f) > 0) {
		must(f.key >= l.in.at && f.value + f.n_value <= l.in.at + l.in.n);
		all += 8 + f.n_key + f.n_value;
	}
	must(all <= n);
	link_free(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1); /* of its own size, so that one byte too much is seen */

	memcpy(copy, data, size);
	if (size && data[0] == '#')
		try_frames(copy + 1, size - 1);
	else
		try_answer(copy, size);
	free(copy);
	return 0;
}
