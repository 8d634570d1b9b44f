/* bundle_cgroup.c — a mount of type "cgroup": what a container sees of its control groups; see bundle.h.
 *
 * Version 2 is one file system. Version 1 becomes a small read-only tmpfs with a directory a hierarchy, on which the container's own cgroup is
 * bound: nothing of other containers is in view, with a cgroup namespace or without.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/mount_open.h"
#include "runtime/bundle.h"

enum { PRIVATE = 1 << 18 }; /* MS_PRIVATE */

/* "cpu" and "cpuacct" beside "cpu,cpuacct", as systemd has it on the host. */
static void add_links(struct oci_bundle *b, int dir, const char *name)
{
	char *copy = arena_strdup(b->arena, name), *state;

	if (strchr(name, ','))
		for (char *one = strtok_r(copy, ",", &state); one; one = strtok_r(NULL, ",", &state))
			(void)!symlinkat(name, dir, one);
}

static int add_hierarchies(struct oci_bundle *b, const struct oci_mount *m, int top, struct error *err)
{
	list_each(h, &b->cgroup->all) {
		const char *name = strrchr(h->mount, '/') + 1;
		if (h->dir < 0 || h->unified)
			continue;
		if (mkdirat(top, name, 0755) < 0)
			return error_errno(err, "cannot make the directory '%s' for the cgroups", name);
		add_links(b, top, name);
		int copy = bundle_keep(b, mount_copy(h->dir, "", false));
		int r = copy < 0 ? copy : mount_change(copy, m->attributes, PRIVATE, false);
		if (r < 0)
			return error_set(err, -r, "cannot bind the cgroup in %s: %s", h->mount,
					 error_meaning(-r));
		*list_add(b->arena, &b->spec.mounts) =
			(struct oci_mount){ .destination =
						    arena_printf(b->arena, "%s/%s", m->destination, name),
					    .source_fd = copy,
					    .open = true };
	}
	return 0;
}

int bundle_cgroup_mounts(struct oci_bundle *b, const struct oci_mount *m, size_t i, struct error *err)
{
	static const struct mount_option mode = { "mode", "755" };
	struct oci_mount top = *m;

	if (b->cgroup->v2) {
		top.type = "cgroup2";
		*list_add(b->arena, &b->spec.mounts) = top;
		return 0;
	}
	top.type = "tmpfs";
	top.attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	top.options.at = (struct mount_option *)&mode;
	top.options.n = 1;
	top.source_fd = bundle_keep(b, oci_mount_open(&top));
	top.open = true;
	if (top.source_fd < 0)
		return error_set(err, -top.source_fd, "mounts[%zu]: cannot mount '%s': %s", i, m->destination,
				 error_meaning(-top.source_fd));
	*list_add(b->arena, &b->spec.mounts) = top;
	int r = add_hierarchies(b, m, top.source_fd, err);
	if (r == 0 && mount_change(top.source_fd, m->attributes & MOUNT_ATTR_RDONLY, 0, false) < 0)
		r = error_errno(err, "mounts[%zu]: cannot make '%s' read-only", i, m->destination);
	return r;
}
