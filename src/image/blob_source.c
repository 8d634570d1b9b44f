/* blob_source.c — see blob_source.h. */
#include "image/blob_source.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "image/arrivals.h"

enum { WRITE_BEHIND = 8 * 1024 * 1024 };

void blob_source_begin(struct blob_source *s, int fd, int64_t offset, int64_t size)
{
	*s = (struct blob_source){
		.fd = fd, .offset = offset, .left = size, .copy = -1, .arrivals = -1, .stop = -1
	};
	digest_begin(&s->sum);
}

/* How many of N bytes may be read now: some, unless it is the end. */
static int64_t room(struct blob_source *s, int64_t n, struct error *err)
{
	n = s->left >= 0 && s->left < n ? s->left : n;
	while (s->arrivals >= 0 && !s->whole && s->arrived <= s->offset) {
		int r = arrivals_wait(s->arrivals, s->stop, &s->arrived, &s->whole);
		if (r < 0)
			return error_code(err, r, "cannot wait for a layer");
	}
	return s->arrivals >= 0 && !s->whole && s->arrived - s->offset < n ? s->arrived - s->offset : n;
}

static int keep(struct blob_source *s, const void *data, size_t n, struct error *err)
{
	int r = write_all(s->copy, data, n);

	if (r < 0)
		return error_code(err, r, "cannot store a blob");
	if (s->size / WRITE_BEHIND != (s->size + n) / WRITE_BEHIND)
		sync_file_range(s->copy, (off_t)(s->size - s->size % WRITE_BEHIND), WRITE_BEHIND,
				SYNC_FILE_RANGE_WRITE);
	return 0;
}

long blob_source_read(struct blob_source *s, void *buffer, size_t size, struct error *err)
{
	int64_t most = room(s, (int64_t)size, err);
	ssize_t n;

	if (most < 0)
		return (long)most;
	do
		n = s->offset < 0 ? read(s->fd, buffer, (size_t)most)
				  : pread(s->fd, buffer, (size_t)most, s->offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_errno(err, "cannot read a layer");
	s->offset += s->offset < 0 ? 0 : n;
	s->left -= s->left < 0 ? 0 : n;
	if (!s->trusted)
		digest_add(&s->sum, buffer, (size_t)n);
	int r = s->copy < 0 ? 0 : keep(s, buffer, (size_t)n, err);
	s->size += (uint64_t)n;
	return r < 0 ? r : n;
}

int blob_source_copy(struct blob_source *s, int to, const void *data, size_t n, struct error *err)
{
	int r = write_all(to, data, n);

	s->copy = to;
	return r < 0 ? error_code(err, r, "cannot store a blob") : 0;
}

void blob_source_stop(struct blob_source *s)
{
	if (s->stop >= 0)
		eventfd_write(s->stop, 1);
}

void blob_source_end(struct blob_source *s)
{
	EVP_MD_CTX_free(s->sum.context);
	close_fd(&s->stop);
}
