/* mount_open.c — see mount_open.h. */
#include "oci/mount_open.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "linux/mount.h"

static int open_source(const struct oci_mount *m)
{
	if (m->type)
		return mount_make(m->type, m->options.at, (unsigned)m->options.n, m->attributes);
	if (m->source_fd >= 0)
		return m->copied ? mount_copy(m->source_fd, "", m->recursive) : m->source_fd;
	return mount_copy(AT_FDCWD, m->source, m->recursive);
}

/* What is mounted below may be of a file system that cannot map ids: it is then the one who sees it that is nobody there. */
static int map_ids(const struct oci_mount *m, int source)
{
	int r = mount_map_ids(source, m->user_namespace, m->recursive);

	return r == -EINVAL && m->recursive ? mount_map_ids(source, m->user_namespace, false) : r;
}

/* A copy is in the host's peer group until told otherwise; a new file system is in none. */
int oci_mount_open(const struct oci_mount *m)
{
	enum { PRIVATE = 1 << 18, RECURSIVE = 1 << 14 }; /* MS_PRIVATE, MS_REC */
	uint64_t attributes = m->type ? 0 : m->attributes, cleared = m->type ? 0 : m->cleared;
	uint64_t propagation = (m->propagation || m->type ? m->propagation : PRIVATE) & ~(uint64_t)RECURSIVE;
	int source = open_source(m), r = source;

	if (r >= 0 && m->user_namespace > 0)
		r = map_ids(m, source);
	if (r >= 0 && m->recursive && !m->recursive_attributes) {
		r = mount_change(source, 0, propagation, true);
		propagation = 0;
	}
	if (r >= 0)
		r = mount_alter(source, m->below, m->below_cleared, 0, true);
	if (r >= 0)
		r = mount_alter(source, attributes, cleared, propagation,
				m->recursive && m->recursive_attributes);
	return r < 0 ? r : source;
}
