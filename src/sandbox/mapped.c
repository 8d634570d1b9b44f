/* mapped.c — see mapped.h. */
#include "sandbox/mapped.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/proc.h"
#include "linux/user_namespace.h"
#include "oci/defaults.h"
#include "oci/mount_open.h"
#include "sandbox/descriptor_list.h"
#include "sandbox/user_range.h"

int mapped_begin(struct sandbox *s, struct error *err)
{
	const struct optional_bool *host_users = &s->pod->spec.hostUsers;
	char map[USER_RANGE_MAP_SIZE];

	if (!host_users->set || host_users->value)
		return 0;
	s->user_claim = user_range_claim(&s->first_id, err);
	if (s->user_claim < 0)
		return s->user_claim;
	user_range_map(s->first_id, map);
	s->user_namespace = user_namespace_make(map, map);
	if (s->user_namespace >= 0)
		return 0;
	return error_code(err, s->user_namespace, "hostUsers: false: cannot make a user namespace");
}

void mapped_close(struct sandbox *s)
{
	close_fd(&s->user_namespace);
	close_fd(&s->user_claim);
}

int mapped_unshare(const struct sandbox *s, uint64_t which, struct error *err)
{
	int r = s->user_namespace >= 0    ? user_namespace_own(s->user_namespace, which)
		: unshare((int)which) < 0 ? -errno
					  : 0;

	errno = r < 0 ? -r : 0;
	return r < 0 ? error_errno(err, "cannot make the pod's namespaces") : 0;
}

int mapped_inside(const struct sandbox *s, int (*deed)(void *argument), void *argument)
{
	return s->user_namespace < 0 ? deed(argument)
				     : user_namespace_inside(s->user_namespace, deed, argument);
}

uid_t mapped_id(const struct sandbox *s, uid_t id)
{
	return s->user_namespace < 0 ? id : s->first_id + id;
}

void mapped_oom_score(const struct sandbox *s, pid_t pid, int score)
{
	char path[40];

	if (s->user_namespace < 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	_cleanup_close_ int fd = proc_open(path, O_WRONLY);
	if (fd >= 0)
		dprintf(fd, "%d", score);
}

/* --- the root file system -------------------------------------------------------------------------------------------- */

struct layers {
	const struct sandbox *sandbox;
	const struct oci_root *root;
	const char *mount_point;
	int overlay;
	const char *which; /* of them cannot be mapped */
};

/* A copy of a layer that shows the pod's ids, attached, since an overlay takes only what is. Its descriptor. */
static int attach_layer(struct layers *l, const char *layer, int point)
{
	int fd = mount_copy(AT_FDCWD, layer, false);
	int r = fd < 0 ? fd : mount_map_ids(fd, l->sandbox->user_namespace, false);

	if (r == 0)
		r = mount_attach(fd, point);
	if (r == 0)
		return fd;
	l->which = layer;
	close_fd(&fd);
	return r;
}

/* In a helper with mounts of its own: what it attaches nobody else sees, and the overlay keeps it. The layers are named by their descriptors'
 * numbers, so that many of them have room in one option (fsconfig(2): 256 bytes). */
static int mount_layers(void *argument)
{
	struct layers *l = argument;
	const struct oci_root *root = l->root;
	_cleanup_(descriptor_list_close) struct descriptor_list fds = {};
	_cleanup_text_ struct text lower = {};
	int r = mount_leave();
	_cleanup_close_ int point = r < 0 ? -1 : open(l->mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (r == 0 && (point < 0 || chdir("/proc/self/fd") < 0))
		r = -errno;
	for (size_t i = root->lower.n; r == 0 && i-- > 0;) {
		int fd = attach_layer(l, root->lower.at[i], point);
		text_printf(&lower, "%s%d", lower.n ? ":" : "", fd);
		r = fd < 0 ? fd : descriptor_list_add(&fds, fd) ? 0 : -EMFILE;
	}
	if (r < 0)
		return r;
	const struct mount_option options[] = {
		{ "lowerdir", text_str(&lower) },
		{ "upperdir", root->upper },
		{ "workdir", root->work },
		{ "volatile", NULL },
	};
	l->overlay = mount_make("overlay", options, 4, 0);
	return l->overlay < 0 ? l->overlay : 0;
}

static int map_root(const struct sandbox *s, struct oci_spec *spec, const char *mount_point,
		    struct descriptor_list *kept, struct error *err)
{
	struct layers l = { .sandbox = s, .root = &spec->root, .mount_point = mount_point, .overlay = -1 };

	if (chown(spec->root.upper, s->first_id, s->first_id) < 0 ||
	    chown(spec->root.work, s->first_id, s->first_id) < 0)
		return error_errno(err, "cannot give '%s' to the pod's root", spec->root.upper);
	int r = user_namespace_aside(mount_layers, &l);
	if (r < 0 && l.which)
		return error_set(err, -r, "hostUsers: false: the file system of '%s' cannot map ids: %s",
				 l.which, error_meaning(-r));
	if (r == 0 && !descriptor_list_add(kept, l.overlay))
		r = -EMFILE;
	if (r < 0)
		return error_set(err, -r, "cannot mount the layers of the image: %s", error_meaning(-r));
	spec->root = (struct oci_root){ .fd = l.overlay, .readonly = spec->root.readonly };
	return 0;
}

/* --- mounts and devices ------------------------------------------------------------------------------------------------ */

/* What is to be bound is opened here, by who may; file systems of the namespace's own (proc, sysfs …) are made inside. */
static int open_mount(struct oci_mount *m, struct descriptor_list *kept, struct error *err)
{
	if (m->type)
		return 0;
	int fd = oci_mount_open(m);
	if (fd < 0 && m->user_namespace > 0)
		return error_set(err, -fd,
				 "hostUsers: false: what is mounted on '%s' is of a file system that cannot "
				 "map ids: %s",
				 m->destination, error_meaning(-fd));
	if (fd < 0)
		return error_set(err, -fd, "cannot mount '%s': %s", m->destination, error_meaning(-fd));
	if (fd != m->source_fd && !descriptor_list_add(kept, fd))
		return error_set(err, EMFILE, "the container has too many mounts");
	m->source_fd = fd;
	m->open = true;
	return 0;
}

/* A copy of the mount of the host's device D, if that is what the host has there. */
static int copy_device(const struct oci_device *d)
{
	struct stat st;
	_cleanup_close_ int source = open(d->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (source < 0 || fstat(source, &st) < 0)
		return -errno;
	if ((st.st_mode & S_IFMT) != (d->mode & S_IFMT) || st.st_rdev != makedev(d->major, d->minor))
		return -ENODEV;
	return mount_copy(source, "", false);
}

/* mknod(2) is not possible inside: the host's device is bound. A privileged container has all that can be; the usual ones, which come first,
 * every container has. */
static int bind_devices(const struct sandbox *s, struct oci_spec *spec, struct descriptor_list *kept,
			struct error *err)
{
	for (size_t i = 0; i < spec->devices.n; i++) {
		const struct oci_device *d = &spec->devices.at[i];
		int copy = copy_device(d);
		if (copy >= 0 && !descriptor_list_add(kept, copy))
			copy = -EMFILE;
		if (copy < 0 && i < OCI_USUAL_DEVICES)
			return error_set(err, -copy, "hostUsers: false: cannot bind the host's '%s': %s",
					 d->path, error_meaning(-copy));
		if (copy >= 0)
			*list_add(s->arena, &spec->mounts) = (struct oci_mount){
				.destination = d->path, .source_fd = copy, .open = true, .is_file = true
			};
	}
	spec->devices.n = 0;
	return 0;
}

/* A directory of the host's as the root. Its path may lead through what the pod's root may not enter. */
static int map_directory(const struct sandbox *s, struct oci_spec *spec, struct descriptor_list *kept,
			 struct error *err)
{
	int fd = mount_copy(AT_FDCWD, spec->root.path, false);
	int r = fd < 0                           ? fd
		: !descriptor_list_add(kept, fd) ? -EMFILE
						 : mount_map_ids(fd, s->user_namespace, false);

	spec->root.fd = fd;
	return r < 0 ? error_set(err, -r, "hostUsers: false: cannot map the ids of '%s': %s", spec->root.path,
				 error_meaning(-r))
		     : 0;
}

int mapped_container(const struct sandbox *s, struct oci_spec *spec, const char *mount_point,
		     struct descriptor_list *kept, struct error *err)
{
	if (s->user_namespace < 0)
		return 0;
	int r = spec->root.path ? map_directory(s, spec, kept, err)
				: map_root(s, spec, mount_point, kept, err);
	if (r < 0)
		return r;
	spec->user_namespace = true;
	*list_add(s->arena, &spec->joined) =
		(struct oci_namespace){ .type = CLONE_NEWUSER, .fd = s->user_namespace };
	if (s->pid_namespace >= 0)
		*list_add(s->arena, &spec->joined) =
			(struct oci_namespace){ .type = CLONE_NEWPID, .fd = s->pid_namespace };
	list_each(m, &spec->mounts)
		if ((r = open_mount(m, kept, err)) < 0)
			return r;
	return bind_devices(s, spec, kept, err);
}
