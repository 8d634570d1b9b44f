/* test_image_stream.c — a blob as it is read: in one thread or two, from a pipe, and while another writes it (src/image/{stream,ahead,blob_source,arrivals}.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "image/arrivals.h"
#include "image/digest.h"
#include "image/stream.h"

enum { BYTES = 5 * 1024 * 1024 + 17 };

static unsigned char *plain, *packed;
static size_t packed_n;
static char plain_digest[DIGEST_SIZE], packed_digest[DIGEST_SIZE];

static int set_up(void **state)
{
	(void)state;
	z_stream z = {};

	plain = malloc(BYTES);
	packed = malloc(2 * BYTES);
	for (size_t i = 0; i < BYTES; i++)
		plain[i] = (unsigned char)(i % 3 ? i >> 9 : (i * UINT64_C(2654435761)) >> 13);
	deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
	z.next_in = plain;
	z.avail_in = BYTES;
	z.next_out = packed;
	z.avail_out = 2 * BYTES;
	deflate(&z, Z_FINISH);
	packed_n = 2 * BYTES - z.avail_out;
	deflateEnd(&z);
	digest_of_bytes(plain, BYTES, plain_digest);
	digest_of_bytes(packed, packed_n, packed_digest);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(plain);
	free(packed);
	return 0;
}

static int file_of(const void *data, size_t n)
{
	int fd = memfd_create("blob", MFD_CLOEXEC);
	assert_int_equal(write_all(fd, data, n), 0);
	return fd;
}

/* All of S is the plain bytes. */
static void is_whole(struct stream *s)
{
	struct error err = {};
	const void *data;
	size_t at = 0;

	for (long n; (n = stream_next(s, &data, &err)) != 0; at += (size_t)n) {
		assert_true(n > 0 && at + (size_t)n <= BYTES);
		assert_memory_equal(data, plain + at, (size_t)n);
	}
	assert_int_equal(at, BYTES);
	assert_int_equal(stream_finish(s, &err), 0);
	assert_string_equal(stream_plain_digest(s), plain_digest);
}

static void two_threads_give_what_one_gives(void **state)
{
	(void)state;
	for (int ahead = 0; ahead < 2; ahead++) {
		_cleanup_close_ int fd = file_of(packed, packed_n);
		struct stream *s = stream_open(fd, 0, -1, UINT64_MAX);
		if (ahead)
			stream_run_ahead(s);
		is_whole(s);
		assert_string_equal(stream_raw_digest(s), packed_digest);
		assert_int_equal(stream_raw_size(s), packed_n);
		stream_close(s);
	}
}

static void whoever_has_enough_ends_both(void **state)
{
	(void)state;
	struct error err = {};
	const void *data;

	for (int taken = 0; taken < 4; taken++) {
		_cleanup_close_ int fd = file_of(packed, packed_n);
		struct stream *s = stream_open(fd, 0, -1, UINT64_MAX);
		stream_run_ahead(s);
		for (int i = 0; i < taken; i++)
			assert_true(stream_next(s, &data, &err) > 0);
		stream_close(s);
	}
}

static void errors_cross_from_the_thread(void **state)
{
	(void)state;
	struct error err = {};
	_cleanup_close_ int cut = file_of(packed, packed_n / 2), large = file_of(packed, packed_n);
	struct stream *s = stream_open(cut, 0, -1, UINT64_MAX);

	stream_run_ahead(s);
	assert_int_equal(stream_finish(s, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "cut off"));
	stream_close(s);
	s = stream_open(large, 0, -1, BYTES - 1);
	stream_run_ahead(s);
	assert_int_equal(stream_finish(s, &err), -EFBIG);
	stream_close(s);
}

static void what_is_read_is_copied_and_a_plain_one_only_if_asked(void **state)
{
	(void)state;
	for (int is_packed = 0; is_packed < 2; is_packed++)
		for (int plain_too = 0; plain_too < 2; plain_too++) {
			_cleanup_close_ int fd =
				is_packed ? file_of(packed, packed_n) : file_of(plain, BYTES);
			_cleanup_close_ int copy = memfd_create("copy", MFD_CLOEXEC);
			struct stream *s = stream_open(fd, 0, -1, UINT64_MAX);
			size_t wanted = is_packed ? packed_n : plain_too ? BYTES : 0, size;
			char digest[DIGEST_SIZE];
			stream_copy(s, copy, plain_too);
			stream_run_ahead(s);
			is_whole(s);
			stream_close(s);
			lseek(copy, 0, SEEK_SET);
			assert_int_equal(digest_of_file(copy, digest, &size, NULL), 0);
			assert_int_equal(size, wanted);
			if (wanted)
				assert_string_equal(digest, is_packed ? packed_digest : plain_digest);
		}
}

static void *write_byte_by_byte(void *context)
{
	int fd = *(int *)context;

	for (size_t i = 0; i < packed_n; i += i < 10 ? 1 : packed_n) {
		usleep(i < 10 ? 1000 : 0);
		write_all(fd, packed + i, i < 10 ? 1 : packed_n - i);
	}
	close(fd);
	return NULL;
}

static void the_first_bytes_of_a_pipe_may_come_one_by_one(void **state)
{
	(void)state;
	int fds[2];
	pthread_t thread;

	assert_int_equal(pipe(fds), 0);
	pthread_create(&thread, NULL, write_byte_by_byte, &fds[1]);
	struct stream *s = stream_open(fds[0], -1, -1, UINT64_MAX);
	is_whole(s);
	stream_close(s);
	pthread_join(thread, NULL);
	close(fds[0]);
}

struct growing {
	int file, arrivals;
	const unsigned char *data;
	size_t n;
};

static void *grow(void *context)
{
	const struct growing *g = context;
	size_t at = 0, steps[] = { 1, 2, 5, 1000, 300000, 1000000, SIZE_MAX };

	for (size_t i = 0; at < g->n; i++) {
		size_t n = steps[i] < g->n - at ? steps[i] : g->n - at;
		write_all(g->file, g->data + at, n);
		arrivals_add(g->arrivals, (int64_t)n, false);
		at += n;
		usleep(1000);
	}
	arrivals_add(g->arrivals, 0, true);
	return NULL;
}

static void a_file_is_read_while_it_is_written(void **state)
{
	(void)state;
	for (int is_packed = 0; is_packed < 2; is_packed++)
		for (int ahead = 0; ahead < 2; ahead++) {
			_cleanup_close_ int file = memfd_create("blob", MFD_CLOEXEC),
					    arrivals = arrivals_open();
			struct growing g = { file, arrivals, is_packed ? packed : plain,
					     is_packed ? packed_n : BYTES };
			pthread_t thread;
			struct stream *s = stream_open(file, 0, -1, UINT64_MAX);
			stream_follow(s, arrivals);
			if (ahead)
				stream_run_ahead(s);
			pthread_create(&thread, NULL, grow, &g);
			is_whole(s);
			stream_close(s);
			pthread_join(thread, NULL);
		}
}

/* The tar is found wrong while its blob is still coming: nobody waits for the rest. */
static void who_follows_can_leave(void **state)
{
	(void)state;
	struct error err = {};
	const void *data;
	_cleanup_close_ int file = file_of(packed, packed_n), arrivals = arrivals_open();
	struct stream *s = stream_open(file, 0, -1, UINT64_MAX);

	stream_follow(s, arrivals);
	stream_run_ahead(s);
	arrivals_add(arrivals, (int64_t)packed_n / 2, false);
	assert_true(stream_next(s, &data, &err) > 0);
	stream_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_threads_give_what_one_gives),
		cmocka_unit_test(whoever_has_enough_ends_both),
		cmocka_unit_test(errors_cross_from_the_thread),
		cmocka_unit_test(what_is_read_is_copied_and_a_plain_one_only_if_asked),
		cmocka_unit_test(the_first_bytes_of_a_pipe_may_come_one_by_one),
		cmocka_unit_test(a_file_is_read_while_it_is_written),
		cmocka_unit_test(who_follows_can_leave),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
