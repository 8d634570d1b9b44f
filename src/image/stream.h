/* stream.h — a blob as the tar it holds: gzip (ISA-L), zstd (libzstd) or plain, told by its first bytes.
 *
 * Both digests are made on the way, of what is read and of what comes out, so a layer is read once. What comes out is limited:
 * a bomb ends with an error, not with a full disk.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct stream;

enum { STREAM_CHUNK = 256 * 1024 };

/* Reads from FD (not owned): SIZE bytes from OFFSET (SIZE -1: all that there is; OFFSET -1: from where FD is). At most LIMIT bytes come
 * out. */
struct stream *stream_open(int fd, int64_t offset, int64_t size, uint64_t limit);

/* Writes what is read, as it is read, to the file TO (not owned), too. */
void stream_copy(struct stream *s, int to);

/* The next piece, valid until the next call. Its size; 0 at the end; negative: err says why. */
long stream_next(struct stream *s, const void **data, struct error *err);

/* Reads what is left, so that both digests are whole. */
int stream_finish(struct stream *s, struct error *err);

/* After stream_finish: "sha256:…" of what was read (RAW) and of what came out (PLAIN). */
const char *stream_raw_digest(const struct stream *s);
const char *stream_plain_digest(const struct stream *s);
uint64_t stream_raw_size(const struct stream *s);
void stream_close(struct stream *s);
