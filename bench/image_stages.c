/* image_stages.c — what each stage of making a layer costs alone: seapod-image-stages BLOB DIRECTORY
 *
 * BLOB is a layer as a registry has it (gzip, zstd or plain), in the page cache; DIRECTORY is where the stages that write write. Each stage is run three times, the
 * best counts: wall and processor time in milliseconds, and megabytes of its own input a second. The last line is all of them in one, as the store does it.
 */
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "image/digest.h"
#include "image/erofs.h"
#include "image/layer_make.h"
#include "image/stream.h"
#include "image/tar_index.h"

enum { TIMES = 3, CHUNK = 256 * 1024 };

static struct {
	const char *blob_path, *directory;
	unsigned char *blob, *tar;
	size_t blob_bytes, tar_bytes;
	struct error err;
} s;

static double processor_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static void check(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "image_stages: %s: %s\n", what, s.err.text);
	exit(1);
}

static int file_in_directory(const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", s.directory, name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(fd >= 0, path);
	return fd;
}

static struct stream *open_blob(int *fd)
{
	*fd = open(s.blob_path, O_RDONLY | O_CLOEXEC);
	check(*fd >= 0, s.blob_path);
	return stream_open(*fd, 0, -1, UINT64_MAX);
}

/* --- the stages --- */

static void decompress(void)
{
	static unsigned char out[CHUNK];
	struct inflate_state state;

	isal_inflate_init(&state);
	state.crc_flag = ISAL_GZIP;
	state.next_in = s.blob;
	state.avail_in = (uint32_t)s.blob_bytes;
	do {
		state.next_out = out;
		state.avail_out = sizeof(out);
		check(isal_inflate(&state) >= 0, "gunzip");
	} while (state.block_state != ISAL_BLOCK_FINISH);
}

static void hash(const unsigned char *data, size_t size)
{
	char text[DIGEST_SIZE];
	digest_of_bytes(data, size, text);
}

static void hash_blob(void)
{
	hash(s.blob, s.blob_bytes);
}

static void hash_tar(void)
{
	hash(s.tar, s.tar_bytes);
}

static void write_tar(void)
{
	int fd = file_in_directory("tar");

	for (size_t at = 0; at < s.tar_bytes; at += CHUNK)
		check(write_all(fd, s.tar + at, s.tar_bytes - at < CHUNK ? s.tar_bytes - at : CHUNK) == 0,
		      "write");
	close(fd);
}

static void write_and_sync(void)
{
	write_tar();
	int fd = open(s.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int tar = openat(fd, "tar", O_RDWR | O_CLOEXEC);

	check(fdatasync(tar) == 0, "fdatasync");
	close(tar);
	close(fd);
}

/* Reads the tar's headers and writes the index; the tar goes nowhere. */
static void index_tar(void)
{
	int in = file_in_directory("in"), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC),
	    out = file_in_directory("index");
	struct tree tree;
	bool fits;
	uint64_t bytes;

	check(write_all(in, s.tar, s.tar_bytes) == 0, "write");
	double begun = processor_ms();
	struct stream *stream = stream_open(in, 0, -1, UINT64_MAX);
	tree_begin(&tree);
	check(tar_index(stream, nowhere, &unpack_default_limits, &tree, &fits, &bytes, &s.err) == 0, "index");
	check(erofs_write(&tree, bytes, "x", out, &s.err) == 0, "index");
	printf("  (index with one digest: %.0f ms)\n", processor_ms() - begun);
	tree_end(&tree);
	stream_close(stream);
	close(in);
	close(out);
	close(nowhere);
}

static void everything(void)
{
	struct instance in = { .rootfd = -1, .runfd = -1 };
	struct layer_made made;
	char root[PATH_MAX], run[PATH_MAX];
	int fd = open(s.blob_path, O_RDONLY | O_CLOEXEC);

	snprintf(root, sizeof(root), "%s/root", s.directory);
	snprintf(run, sizeof(run), "%s/run", s.directory);
	check(instance_open(&in, root, run, &s.err) == 0, "store");
	check(file_make_dirs(in.rootfd, "images/blobs/sha256", 0700, &s.err) == 0, "store");
	const struct layer_source source = { .fd = fd, .size = -1, .keep = true, .ahead = true };
	check(layer_make_from(&in, &source, &unpack_default_limits, &made, &s.err) >= 0, "layer");
	file_remove_tree(in.rootfd, "layers", NULL);
	file_remove_tree(in.rootfd, "images", NULL);
	instance_close(&in);
	close(fd);
}

static const struct {
	const char *name;
	void (*run)(void);
	bool of_tar; /* its input is the tar, not the blob */
} stages[] = {
	{ "gunzip", decompress, false },
	{ "sha256 of the blob", hash_blob, false },
	{ "sha256 of the tar", hash_tar, true },
	{ "write the tar", write_tar, true },
	{ "write and sync", write_and_sync, true },
	{ "index", index_tar, true },
	{ "all, into a store", everything, true },
};

static void read_all(void)
{
	struct stat st;
	int fd;
	struct stream *stream = open_blob(&fd);
	const void *data;
	size_t room = 1 << 20;

	check(fstat(fd, &st) == 0 && (s.blob = malloc((size_t)st.st_size)), "memory");
	s.blob_bytes = (size_t)st.st_size;
	check(pread(fd, s.blob, s.blob_bytes, 0) == st.st_size, "read");
	s.tar = malloc(room);
	for (long n; (n = stream_next(stream, &data, &s.err)) != 0; s.tar_bytes += (size_t)n) {
		check(n > 0, "read");
		if (s.tar_bytes + (size_t)n > room)
			s.tar = realloc(s.tar, room *= 2);
		check(s.tar, "memory");
		memcpy(s.tar + s.tar_bytes, data, (size_t)n);
	}
	stream_close(stream);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	s.blob_path = argv[1];
	s.directory = argv[2];
	read_all();
	printf("blob %.0f MB, tar %.0f MB\n", (double)s.blob_bytes / 1e6, (double)s.tar_bytes / 1e6);
	for (size_t i = 0; i < sizeof(stages) / sizeof(*stages); i++) {
		double wall = 1e9, processor = 1e9;
		for (int k = 0; k < TIMES; k++) {
			uint64_t begun = clock_boot_us();
			double used = processor_ms();
			stages[i].run();
			double w = (double)(clock_boot_us() - begun) / 1e3;
			wall = w < wall ? w : wall;
			processor = processor_ms() - used < processor ? processor_ms() - used : processor;
		}
		double megabytes = (double)(stages[i].of_tar ? s.tar_bytes : s.blob_bytes) / 1e6;
		printf("%-20s %6.0f ms, processor %6.0f ms, %6.0f MB/s\n", stages[i].name, wall, processor,
		       megabytes / wall * 1e3);
	}
	return 0;
}
