/* stream.c — see stream.h. */
#include "image/stream.h"

#include <isa-l/igzip_lib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/file.h"
#include "base/memory.h"
#include "image/digest.h"

enum format { FORMAT_UNKNOWN, FORMAT_PLAIN, FORMAT_GZIP, FORMAT_ZSTD };

struct stream {
	int fd, copy;
	int64_t offset, left; /* of the part of FD that is read; -1: see stream_open */
	uint64_t limit, out_size, in_size;
	enum format format;
	struct digest raw, plain;
	char raw_text[DIGEST_SIZE], plain_text[DIGEST_SIZE];
	struct inflate_state inflate;
	ZSTD_DStream *zstd;
	size_t in_at, in_n; /* what of IN is not used yet */
	bool ended, member_done;
	unsigned char in[STREAM_CHUNK], out[STREAM_CHUNK];
};

struct stream *stream_open(int fd, int64_t offset, int64_t size, uint64_t limit)
{
	struct stream *s = memory_one(struct stream);
	s->fd = fd;
	s->copy = -1;
	s->offset = offset;
	s->left = size;
	s->limit = limit;
	digest_begin(&s->raw);
	digest_begin(&s->plain);
	return s;
}

void stream_copy(struct stream *s, int to)
{
	s->copy = to;
}

static ssize_t read_some(struct stream *s)
{
	size_t most = s->left >= 0 && (uint64_t)s->left < sizeof(s->in) ? (size_t)s->left : sizeof(s->in);
	ssize_t n = s->offset < 0 ? read(s->fd, s->in, most) : pread(s->fd, s->in, most, s->offset);

	if (n > 0) {
		s->offset += s->offset < 0 ? 0 : n;
		s->left -= s->left < 0 ? 0 : n;
	}
	return n;
}

/* Fills IN when it is used up. 1: there is something; 0: the end; negative. */
static int fill(struct stream *s, struct error *err)
{
	while (s->in_at == s->in_n && !s->ended) {
		ssize_t n = read_some(s);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "cannot read a layer");
		s->ended = n == 0;
		s->in_at = 0;
		s->in_n = (size_t)n;
		s->in_size += (size_t)n;
		digest_add(&s->raw, s->in, (size_t)n);
		int r = s->copy < 0 ? 0 : write_all(s->copy, s->in, (size_t)n);
		if (r < 0)
			return error_code(err, r, "cannot store a blob");
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
static long step_gzip(struct stream *s, struct error *err)
{
	if (s->member_done) {
		isal_inflate_reset(&s->inflate);
		s->inflate.crc_flag = ISAL_GZIP;
		s->member_done = false;
	}
	s->inflate.next_in = s->in + s->in_at;
	s->inflate.avail_in = (uint32_t)(s->in_n - s->in_at);
	s->inflate.next_out = s->out;
	s->inflate.avail_out = sizeof(s->out);
	int r = isal_inflate(&s->inflate);
	if (r < 0)
		return error_set(err, EBADMSG, "a layer is not right gzip");
	s->in_at = s->in_n - s->inflate.avail_in;
	s->member_done = s->inflate.block_state == ISAL_BLOCK_FINISH;
	return (long)(sizeof(s->out) - s->inflate.avail_out);
}

static long step_zstd(struct stream *s, struct error *err)
{
	ZSTD_inBuffer in = { s->in, s->in_n, s->in_at };
	ZSTD_outBuffer out = { s->out, sizeof(s->out), 0 };
	size_t r = ZSTD_decompressStream(s->zstd, &out, &in);

	if (ZSTD_isError(r))
		return error_set(err, EBADMSG, "a layer is not right zstd: %s", ZSTD_getErrorName(r));
	s->member_done = r == 0;
	s->in_at = in.pos;
	return (long)out.pos;
}

/* As it is, and not hashed twice. */
static long step_plain(struct stream *s, const void **data)
{
	*data = s->in + s->in_at;
	size_t n = s->in_n - s->in_at;
	s->in_at = s->in_n;
	return (long)n;
}

/* Is there output inside the decompressor although its input is used up? */
static bool holds_back(const struct stream *s)
{
	return (s->format == FORMAT_GZIP && s->inflate.avail_out == 0 && !s->member_done && s->in_size) ||
	       (s->format == FORMAT_ZSTD && !s->member_done && s->out_size &&
		s->out_size % sizeof(s->out) == 0);
}

long stream_next(struct stream *s, const void **data, struct error *err)
{
	for (;;) {
		int more = fill(s, err);
		if (more < 0)
			return more;
		if (s->format == FORMAT_UNKNOWN)
			recognise(s);
		if (!more && !holds_back(s)) {
			if (s->format != FORMAT_PLAIN && !s->member_done)
				return error_set(err, EBADMSG, "a layer is cut off");
			return 0;
		}
		long n = s->format == FORMAT_GZIP   ? step_gzip(s, err)
			 : s->format == FORMAT_ZSTD ? step_zstd(s, err)
						    : step_plain(s, data);
		if (n < 0)
			return n;
		s->out_size += (uint64_t)n;
		if (s->out_size > s->limit)
			return error_set(err, EFBIG, "a layer unpacks to more than %llu bytes",
					 (unsigned long long)s->limit);
		if (n > 0) {
			if (s->format != FORMAT_PLAIN) {
				digest_add(&s->plain, s->out, (size_t)n);
				*data = s->out;
			}
			return n;
		}
		if (!more)
			return error_set(err, EBADMSG, "a layer is cut off");
	}
}

int stream_finish(struct stream *s, struct error *err)
{
	const void *data;
	long n;

	while ((n = stream_next(s, &data, err)) > 0)
		;
	if (n < 0)
		return (int)n;
	digest_end(&s->raw, s->raw_text);
	digest_end(&s->plain, s->plain_text);
	if (s->format == FORMAT_PLAIN)
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
	return s->in_size;
}

void stream_close(struct stream *s)
{
	EVP_MD_CTX_free(s->raw.context);
	EVP_MD_CTX_free(s->plain.context);
	ZSTD_freeDStream(s->zstd);
	free(s);
}
