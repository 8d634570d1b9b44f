/* stream.h — a blob as the tar it holds: gzip (ISA-L), zstd (libzstd) or plain, told by its first bytes.
 *
 * Both digests are made on the way, of what is read and of what comes out, so a layer is read once. What comes out is limited:
 * a bomb ends with an error, not with a full disk.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct stream;

enum { STREAM_CHUNK = 256 * 1024 };

/* Reads from FD (not owned): SIZE bytes from OFFSET (SIZE -1: all that there is; OFFSET -1: from where FD is). At most LIMIT bytes come
 * out. */
struct stream *stream_open(int fd, int64_t offset, int64_t size, uint64_t limit);

/* Each of these before the first stream_next. */

/* Writes what is read, as it is read, to the file TO (not owned), too; of a plain tar, which comes out as it is, only if PLAIN_TOO. */
void stream_copy(struct stream *s, int to, bool plain_too);

/* Makes no digest of what is read: who wrote the file has made it. */
void stream_trust(struct stream *s);

/* The file is still being written, and the eventfd ARRIVALS (not owned) says how far (arrivals.h). Trusts, too. */
void stream_follow(struct stream *s, int arrivals);

/* Decompresses in a thread of its own, so that who takes the pieces works beside it. */
void stream_run_ahead(struct stream *s);

/* The next piece, valid until the next call. Its size; 0 at the end; negative: err says why. */
long stream_next(struct stream *s, const void **data, struct error *err);

/* Reads what is left, so that both digests are whole. */
int stream_finish(struct stream *s, struct error *err);

/* After stream_finish: "sha256:…" of what was read (RAW; not if it was trusted) and of what came out (PLAIN). */
const char *stream_raw_digest(const struct stream *s);
const char *stream_plain_digest(const struct stream *s);
uint64_t stream_raw_size(const struct stream *s);
void stream_close(struct stream *s);
