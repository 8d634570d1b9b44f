/* test_tar_index.c — what a hostile tar makes of a layer's index, which the kernel believes (src/image/tar_index.c, erofs.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "image/erofs.h"
#include "image/tar_index.h"

enum { BLOCK = 512, NAME = 100 };

static const unsigned char zeros[BLOCK];

/* tar(5): a header of TYPE, and CONTENT. */
static void add(int tar, char type, const char *name, const char *content, size_t n)
{
	char h[BLOCK] = {};
	unsigned sum = 0;

	snprintf(h, NAME, "%s", name);
	memcpy(h + 100, "0000644", 8);
	snprintf(h + 124, 12, "%011o", (unsigned)n);
	h[156] = type;
	memcpy(h + 257, "ustar\00000", 8);
	memset(h + 148, ' ', 8);
	for (int i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum & 0777777);
	write_all(tar, h, BLOCK);
	write_all(tar, content, n);
	write_all(tar, zeros, (BLOCK - n % BLOCK) % BLOCK);
}

/* A record of a pax header, "LENGTH KEY=VALUE\n". */
static void add_pax(int tar, const char *record)
{
	char text[200];
	size_t n = strlen(record) + 3 + 1; /* "NN " and the newline */

	snprintf(text, sizeof(text), "%02zu %s\n", n, record);
	add(tar, 'x', "pax", text, n);
}

static bool fits(int tar)
{
	struct unpack_limits limits = { .entries = 1000, .bytes = 1 << 30 };
	_cleanup_close_ int kept = memfd_create("tar", MFD_CLOEXEC),
			    index = memfd_create("index", MFD_CLOEXEC);
	struct error err = {};
	struct tree t;
	uint64_t bytes;
	bool answer = false;

	write_all(tar, zeros, BLOCK);
	write_all(tar, zeros, BLOCK);
	tree_begin(&t);
	struct stream *s = stream_open(tar, 0, -1, limits.bytes);
	assert_int_equal(tar_index(s, kept, &limits, &t, &answer, &bytes, &err), 0);
	stream_close(s);
	if (answer)
		assert_int_equal(erofs_write(&t, bytes, "test", index, &err), 0);
	tree_end(&t);
	return answer;
}

static void an_ordinary_file_fits(void **state)
{
	(void)state;
	_cleanup_close_ int tar = memfd_create("in", MFD_CLOEXEC);
	add(tar, '0', "a", "content", 7);
	add_pax(tar, "mtime=1.5");
	add(tar, '0', "b", "", 0);
	assert_true(fits(tar));
}

static void a_size_beyond_what_is_in_the_tar_does_not(void **state)
{
	(void)state;
	static const char *const lies[] = { "SCHILY.realsize=513", "SCHILY.realsize=99999999",
					    "GNU.sparse.realsize=8888888888888888" };
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++)
		for (int last = 0; last < 2; last++) {
			_cleanup_close_ int tar = memfd_create("in", MFD_CLOEXEC);
			add_pax(tar, lies[i]);
			add(tar, '0', "a", "content", 7);
			if (!last)
				add(tar, '0', "b", "content", 7);
			assert_true(last && i == 0
					    ? true
					    : !fits(tar)); /* the zeros at the end are an archive's own */
		}
}

static void names_that_make_many_directories_do_not_fill_memory(void **state)
{
	(void)state;
	_cleanup_close_ int tar = memfd_create("in", MFD_CLOEXEC);
	char path[4000];
	for (int i = 0; i < 200; i++) {
		for (size_t k = 0; k < sizeof(path); k++)
			path[k] = k % 2 ? '/' : 'd';
		path[0] = (char)(1 + i);
		path[sizeof(path) - 1] = '\0';
		add(tar, 'L', "././@LongLink", path, sizeof(path));
		add(tar, '0', "x", "", 0);
	}
	assert_false(fits(tar));
}

static void an_index_does_not_lead_out_of_the_tar(void **state)
{
	(void)state;
	static const struct {
		uint64_t data, size, tar;
		bool right;
	} cases[] = {
		{ 512, 512, 1024, true },
		{ 512, 513, 1024, false },
		{ 2048, 1, 1024, false },
		{ 512, UINT64_MAX, 1024, false },
		{ 512, (UINT64_C(1) << 40) + 1, (UINT64_C(1) << 41) - 512, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_cleanup_close_ int index = memfd_create("index", MFD_CLOEXEC);
		struct error err = {};
		struct tree t;
		tree_begin(&t);
		struct tree_node *n = tree_put(&t, "f", S_IFREG | 0644);
		n->data = cases[i].data;
		n->size = cases[i].size;
		assert_int_equal(erofs_write(&t, cases[i].tar, "test", index, &err),
				 cases[i].right ? 0 : -EBADMSG);
		tree_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_file_fits),
		cmocka_unit_test(a_size_beyond_what_is_in_the_tar_does_not),
		cmocka_unit_test(names_that_make_many_directories_do_not_fill_memory),
		cmocka_unit_test(an_index_does_not_lead_out_of_the_tar),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
