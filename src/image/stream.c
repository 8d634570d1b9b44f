/* stream.c — see stream.h. */
#include "image/stream.h"

#include <isa-l/igzip_lib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <zstd.h>

#include "base/memory.h"
#include "image/ahead.h"
#include "image/blob_source.h"

enum format { FORMAT_UNKNOWN, FORMAT_PLAIN, FORMAT_GZIP, FORMAT_ZSTD };

_Static_assert((int)AHEAD_PIECE == (int)STREAM_CHUNK,
	       "one piece of a stream is what a thread makes at a time");

/* The first part is the thread's while one runs ahead. */
struct stream {
	struct blob_source source;
	enum format format;
	struct inflate_state inflate;
	ZSTD_DStream *zstd;
	uint64_t limit, out_size;
	size_t in_at, in_n; /* what of IN is not used yet */
	bool ended, member_done;
	unsigned char in[STREAM_CHUNK];

	int copy;
	bool wants_ahead, copies_plain;
	struct ahead *ahead;
	struct digest plain;
	char raw_text[DIGEST_SIZE], plain_text[DIGEST_SIZE];
	unsigned char out[STREAM_CHUNK];
};

struct stream *stream_open(int fd, int64_t offset, int64_t size, uint64_t limit)
{
	struct stream *s = memory_one(struct stream);

	blob_source_begin(&s->source, fd, offset, size);
	s->limit = limit;
	s->copy = -1;
	digest_begin(&s->plain);
	return s;
}

void stream_copy(struct stream *s, int to, bool plain_too)
{
	s->copy = to;
	s->copies_plain = plain_too;
}

void stream_trust(struct stream *s)
{
	s->source.trusted = true;
}

void stream_follow(struct stream *s, int arrivals)
{
	s->source.arrivals = arrivals;
	s->source.trusted = true;
}

void stream_run_ahead(struct stream *s)
{
	s->wants_ahead = true;
	s->source.stop = eventfd(0, EFD_CLOEXEC);
}

/* Fills IN when it is used up. 1: there is something; 0: the end; negative. */
static int fill(struct stream *s, struct error *err)
{
	if (s->in_at == s->in_n && !s->ended) {
		long n = blob_source_read(&s->source, s->in, sizeof(s->in), err);
		if (n < 0)
			return (int)n;
		s->ended = n == 0;
		s->in_at = 0;
		s->in_n = (size_t)n;
	}
	return s->in_at < s->in_n;
}

static void recognise(struct stream *s)
{
	const unsigned char *b = s->in + s->in_at;
	size_t n = s->in_n - s->in_at;

	s->format = n >= 2 && b[0] == 0x1f && b[1] == 0x8b                                   ? FORMAT_GZIP
		    : n >= 4 && b[0] == 0x28 && b[1] == 0xb5 && b[2] == 0x2f && b[3] == 0xfd ? FORMAT_ZSTD
											     : FORMAT_PLAIN;
	if (s->format == FORMAT_GZIP) {
		isal_inflate_init(&s->inflate);
		s->inflate.crc_flag = ISAL_GZIP;
	} else if (s->format == FORMAT_ZSTD) {
		s->zstd = ZSTD_createDStream();
	}
}

/* One step of gzip, which may have several members (RFC 1952 2.2). What came out; negative. */
static long step_gzip(struct stream *s, unsigned char *out, struct error *err)
{
	if (s->member_done) {
		isal_inflate_reset(&s->inflate);
		s->inflate.crc_flag = ISAL_GZIP;
		s->member_done = false;
	}
	s->inflate.next_in = s->in + s->in_at;
	s->inflate.avail_in = (uint32_t)(s->in_n - s->in_at);
	s->inflate.next_out = out;
	s->inflate.avail_out = STREAM_CHUNK;
	int r = isal_inflate(&s->inflate);
	if (r < 0)
		return error_set(err, EBADMSG, "a layer is not right gzip");
	s->in_at = s->in_n - s->inflate.avail_in;
	s->member_done = s->inflate.block_state == ISAL_BLOCK_FINISH;
	return (long)(STREAM_CHUNK - s->inflate.avail_out);
}

static long step_zstd(struct stream *s, unsigned char *to, struct error *err)
{
	ZSTD_inBuffer in = { s->in, s->in_n, s->in_at };
	ZSTD_outBuffer out = { to, STREAM_CHUNK, 0 };
	size_t r = ZSTD_decompressStream(s->zstd, &out, &in);

	if (ZSTD_isError(r))
		return error_set(err, EBADMSG, "a layer is not right zstd: %s", ZSTD_getErrorName(r));
	s->member_done = r == 0;
	s->in_at = in.pos;
	return (long)out.pos;
}

/* Is there output inside the decompressor although its input is used up? */
static bool holds_back(const struct stream *s)
{
	return (s->format == FORMAT_GZIP && s->inflate.avail_out == 0 && !s->member_done && s->source.size) ||
	       (s->format == FORMAT_ZSTD && !s->member_done && s->out_size &&
		s->out_size % STREAM_CHUNK == 0);
}

static int count(struct stream *s, long n, struct error *err)
{
	s->out_size += (uint64_t)n;
	return s->out_size > s->limit ? error_set(err, EFBIG, "a layer unpacks to more than %llu bytes",
						  (unsigned long long)s->limit)
				      : 0;
}

/* What the decompressor makes next, into OUT. How many bytes; 0 at the end. */
static long decompress(void *with, unsigned char *out, struct error *err)
{
	struct stream *s = with;

	for (;;) {
		int more = fill(s, err);
		if (more < 0)
			return more;
		if (!more && !holds_back(s))
			return s->member_done ? 0 : error_set(err, EBADMSG, "a layer is cut off");
		long n = s->format == FORMAT_GZIP ? step_gzip(s, out, err) : step_zstd(s, out, err);
		int r = n < 0 ? (int)n : count(s, n, err);
		if (r < 0)
			return r;
		if (n > 0)
			return n;
		if (!more)
			return error_set(err, EBADMSG, "a layer is cut off");
	}
}

/* As it is, and hashed once: by the source, unless that need not. */
static long pass_on(struct stream *s, const void **data, struct error *err)
{
	int more = fill(s, err);
	size_t n = s->in_n - s->in_at;

	if (more <= 0)
		return more;
	*data = s->in + s->in_at;
	s->in_at = s->in_n;
	if (s->source.trusted)
		digest_add(&s->plain, *data, n);
	int r = count(s, (long)n, err);
	return r < 0 ? r : (long)n;
}

/* What it is, is told by the first four bytes, which may come one by one; and it decides whether a copy and a thread are of use. */
static int begin(struct stream *s, struct error *err)
{
	long n = 1;

	while (n > 0 && s->in_n < 4) {
		n = blob_source_read(&s->source, s->in + s->in_n, sizeof(s->in) - s->in_n, err);
		if (n < 0)
			return (int)n;
		s->in_n += (size_t)n;
	}
	s->ended = n == 0;
	recognise(s);
	bool plain = s->format == FORMAT_PLAIN;
	int r = s->copy < 0 || (plain && !s->copies_plain)
			? 0
			: blob_source_copy(&s->source, s->copy, s->in, s->in_n, err);
	if (r == 0 && s->wants_ahead && !plain)
		s->ahead = ahead_begin(decompress, s);
	return r;
}

long stream_next(struct stream *s, const void **data, struct error *err)
{
	int r = s->format == FORMAT_UNKNOWN ? begin(s, err) : 0;

	if (r < 0)
		return r;
	if (s->format == FORMAT_PLAIN)
		return pass_on(s, data, err);
	*data = s->out;
	long n = s->ahead ? ahead_next(s->ahead, data, err) : decompress(s, s->out, err);
	if (n > 0)
		digest_add(&s->plain, *data, (size_t)n);
	return n;
}

int stream_finish(struct stream *s, struct error *err)
{
	const void *data;
	long n;

	while ((n = stream_next(s, &data, err)) > 0)
		;
	if (n < 0)
		return (int)n;
	digest_end(&s->source.sum, s->raw_text);
	digest_end(&s->plain, s->plain_text);
	if (s->format == FORMAT_PLAIN && !s->source.trusted)
		strcpy(s->plain_text, s->raw_text);
	return 0;
}

const char *stream_raw_digest(const struct stream *s)
{
	return s->raw_text;
}

const char *stream_plain_digest(const struct stream *s)
{
	return s->plain_text;
}

uint64_t stream_raw_size(const struct stream *s)
{
	return s->source.size;
}

void stream_close(struct stream *s)
{
	blob_source_stop(&s->source);
	ahead_end(s->ahead);
	blob_source_end(&s->source);
	EVP_MD_CTX_free(s->plain.context);
	ZSTD_freeDStream(s->zstd);
	free(s);
}
