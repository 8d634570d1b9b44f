/* fuzz_image.c — image archives into a store in memory, in one process.
 *
 * The first byte says what follows. 'a': a whole archive. 'l': a layer's tar, whose header checksums are made right, or nothing but the first name would
 * ever be reached. 'd' and 'o': the files of a docker archive and of an OCI layout, each to its NUL, with "@1" meaning the digest of the second file.
 *
 * Afterwards there is nothing outside of the store, and no descriptor more than before.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/digest.h"
#include "image/load.h"
#include "image/store.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK = 512, FILES = 8 };

static const struct unpack_limits limits = { .entries = 100, .bytes = 1 << 20 };

static void write_file(int dir, const char *name, const void *data, size_t n)
{
	struct error err = {};

	must(file_write_atomic(dir, name, data, n, 0600, &err) == 0);
}

/* tar(5): the sum of a header's bytes, its own eight as spaces. */
static void right_checksums(char *tar, size_t n)
{
	for (size_t at = 0; at + BLOCK <= n; at += BLOCK) {
		unsigned sum = 0;
		if (memcmp(tar + at + 257, "ustar", 5) != 0)
			continue;
		memset(tar + at + 148, ' ', 8);
		for (int i = 0; i < BLOCK; i++)
			sum += (unsigned char)tar[at + (size_t)i];
		snprintf(tar + at + 148, 8, "%06o", sum);
	}
}

/* TEXT with "@N" as the digest of file N. */
static char *with_digests(const char *text, size_t n, char digests[FILES][DIGEST_SIZE], int count)
{
	_cleanup_text_ struct text out = {};

	for (size_t i = 0; i < n; i++) {
		int file = i + 1 < n && text[i] == '@' ? text[i + 1] - '0' : -1;
		if (file >= 0 && file < count && *digests[file])
			text_add(&out, digests[file]);
		else
			text_add_char(&out, text[i]);
		i += file >= 0 && file < count && *digests[file];
	}
	return text_take(&out);
}

/* The last file first, so that the others can name it. */
static void write_layout(int dir, bool oci, const uint8_t *data, size_t size)
{
	static const char *const docker[FILES] = { "manifest.json", "c", "l", "m", "n", "x", "y", "z" };
	char digests[FILES][DIGEST_SIZE] = {}, name[100];
	const char *text[FILES];
	size_t n[FILES], at = 0;
	int count = 0;

	while (count < FILES && at < size) {
		text[count] = part(data, size, &at, &n[count]);
		count++;
	}
	must(mkdirat(dir, "blobs", 0700) == 0 && mkdirat(dir, "blobs/sha256", 0700) == 0);
	for (int i = count; i-- > 0;) {
		_cleanup_free_ char *whole = with_digests(text[i], n[i], digests, FILES);
		size_t length = strlen(whole);
		digest_of_bytes(whole, length, digests[i]);
		snprintf(name, sizeof(name), "blobs/sha256/%s", digests[i] + 7);
		if (i == 0 || !oci)
			snprintf(name, sizeof(name), "%s", oci ? "index.json" : docker[i]);
		write_file(dir, name, whole, length);
	}
}

static void load(const struct instance *in, int top, char kind, const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct loaded_images out = {};
	struct error err = {};
	struct loaded one;
	char path[100];

	snprintf(path, sizeof(path), "%s/input", scratch());
	if (kind == 'd' || kind == 'o') {
		must(mkdirat(top, "input", 0700) == 0);
		_cleanup_close_ int dir = openat(top, "input", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		write_layout(dir, kind == 'o', data, size);
	} else {
		_cleanup_free_ char *copy = memory_new(size + 1, 1);
		memcpy(copy, data, size);
		if (kind == 'l')
			right_checksums(copy, size);
		write_file(top, "input", copy, size);
	}
	int r = kind == 'l' ? image_import(in, path, "fuzz", NULL, &limits, a, &one, &err)
			    : image_load(in, path, &limits, a, &out, &err);
	must(r == 0 || *err.text);
	struct images all = {};
	image_list(in, a, &all, &err);
}

static int count_descriptors(void)
{
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(lowest);
	return lowest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char root[100], run[100];
	struct error err = {};
	struct instance in;
	static int top = -1;

	if (size < 1)
		return 0;
	if (top < 0)
		top = open(scratch(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int before = count_descriptors();
	snprintf(root, sizeof(root), "%s/store/root", scratch());
	snprintf(run, sizeof(run), "%s/store/run", scratch());
	must(instance_open(&in, root, run, &err) == 0);
	load(&in, top, (char)data[0], data + 1, size - 1);
	instance_close(&in);
	must(file_remove_tree(top, "store", &err) == 0 && file_remove_tree(top, "input", &err) == 0);
	must(count_descriptors() == before);
	struct stat st;
	must(fstat(top, &st) == 0 && st.st_nlink == 2); /* nothing came to lie beside the store */
	return 0;
}
