/* state.c — see state.h. */
#include "runtime/state.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/path.h"
#include "linux/process.h"
#include "object/json.h"
#include "runtime/cgroup.h"
#include "runtime/config.h"

enum { RECORD_MAX = 16 * 1024 * 1024 };

static const struct field record_fields[] = {
	VALUE(oci_record, ociVersion, .required = true),
	VALUE(oci_record, id, .required = true),
	VALUE(oci_record, pid, .keep = true),
	VALUE(oci_record, startTime),
	VALUE(oci_record, bundle, .required = true),
	VALUE(oci_record, rootfs),
	VALUE(oci_record, created),
	VALUE(oci_record, owner),
	VALUE(oci_record, cgroupPath),
	VALUE(oci_record, systemdUnit),
	VALUE(oci_record, systemdSlice),
	VALUE(oci_record, systemdUser),
	VALUE(oci_record, newUser),
	VALUE(oci_record, newTime),
	VALUE(oci_record, annotations),
};
static const struct table record_table =
	TABLE(oci_record, record_fields, "What is known of a container.", .open = true);

const char *oci_id_check(const char *id)
{
	size_t n = strlen(id);

	if (n == 0 || n > 255)
		return "it must have 1 to 255 characters";
	if (!isalnum((unsigned char)*id) && *id != '_')
		return "it must begin with a letter, a digit or '_'";
	for (const char *c = id; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_+-.", *c))
			return "only letters, digits and _ + - . may be in it";
	return NULL;
}

int oci_root_open(const char *path, struct error *err)
{
	int r = file_make_dirs(AT_FDCWD, path, 0711, err);

	if (r < 0)
		return r;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "cannot open '%s'", path) : fd;
}

/* --- the record --- */

static bool is_alive(const struct oci_record *r)
{
	char path[40], stat[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)r->pid);
	_cleanup_close_ int fd = r->pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd < 0 ? -1 : read(fd, stat, sizeof(stat) - 1);
	if (n <= 0)
		return false;
	stat[n] = '\0';
	const char *end =
		strrchr(stat, ')'); /* a zombie has ended, even if nobody has asked for its status yet */
	return end && end[1] && !strchr("ZXx", end[2]) && process_start_time((pid_t)r->pid) == r->startTime;
}

static bool is_paused(struct oci_state *s)
{
	struct oci_cgroup g;

	if (!s->record.cgroupPath || oci_cgroup_find(&g, s->record.cgroupPath, s->arena, NULL) < 0)
		return false;
	bool paused = oci_cgroup_open_only(&g, "freezer", NULL) == 0 && oci_cgroup_is_frozen(&g);
	oci_cgroup_close(&g);
	return paused;
}

static enum oci_status status_of(struct oci_state *s)
{
	if (!is_alive(&s->record))
		return OCI_STOPPED;
	if (is_paused(s))
		return OCI_PAUSED;
	return file_exists(s->dir, "start") ? OCI_CREATED : OCI_RUNNING;
}

static int read_record(struct oci_state *s, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct problems problems = { .arena = s->arena };
	size_t size;
	int r = file_read(s->dir, "state.json", RECORD_MAX, &text, &size, err);

	if (r < 0)
		return r;
	struct node *n = node_from_json(s->arena, text, size, err);
	if (!n || !object_decode(&record_table, n, &s->record, s->arena, NULL, &problems))
		return error_set(err, EBADMSG, "the record of the container '%s' is damaged: %s", s->id,
				 n     ? problems.errors.at[0].text
				 : err ? err->text
				       : "");
	s->status = status_of(s);
	return 0;
}

int oci_state_write(struct oci_state *s, struct error *err)
{
	_cleanup_text_ struct text text = {};

	node_to_json(object_encode(&record_table, &s->record, s->arena), false, &text);
	return file_write_atomic(s->dir, "state.json", text.at, text.n, 0600, err);
}

/* --- directories --- */

static void begin(struct oci_state *s, int rootfd, const char *id)
{
	*s = (struct oci_state){ .arena = arena_new(), .rootfd = rootfd, .dir = -1 };
	s->id = arena_strdup(s->arena, id);
	s->record.id = s->id;
}

static int open_dir(struct oci_state *s)
{
	s->dir = openat(s->rootfd, s->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return s->dir < 0 ? -errno : 0;
}

/* Did the directory that we have locked keep its name meanwhile? */
static bool is_current(const struct oci_state *s)
{
	struct stat mine, named;

	return fstat(s->dir, &mine) == 0 && fstatat(s->rootfd, s->id, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

/* Of a container without a mount namespace of its own: its root, with all that is mounted below. */
static void remove_root(const struct oci_state *s)
{
	char proc[32], path[64];

	while (unlinkat(s->dir, "rootfs", AT_REMOVEDIR) < 0 && errno == EBUSY) {
		snprintf(path, sizeof(path), "%s/rootfs", path_of_fd(s->dir, proc));
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			break;
	}
}

int oci_state_claim(int rootfd, const char *id, struct oci_state *s, struct error *err)
{
	const char *why = oci_id_check(id);

	begin(s, rootfd, id);
	if (why)
		return error_set(err, EINVAL, "'%s' cannot be a container's id: %s", id, why);
	bool made = mkdirat(rootfd, id, 0700) == 0;
	if (!made && errno != EEXIST)
		return error_errno(err, "cannot make the directory of the container '%s'", id);
	int r = open_dir(s);
	if (r < 0 && made)
		unlinkat(rootfd, id, AT_REMOVEDIR);
	if (r < 0 && r != -ENOENT)
		return error_set(err, -r, "cannot open the directory of the container '%s': %s", id,
				 error_meaning(-r));
	bool locked = r == 0 && flock(s->dir, LOCK_EX | LOCK_NB) == 0 && is_current(s);
	if (!locked || file_exists(s->dir, "state.json"))
		return error_set(err, EEXIST, "there is a container '%s' already", id);
	if (!made) { /* its creator died before there was a container */
		unlinkat(s->dir, "start", 0);
		unlinkat(s->dir, "config.json", 0);
		remove_root(s);
	}
	return 0;
}

int oci_state_open(int rootfd, const char *id, bool lock, struct oci_state *s, struct error *err)
{
	begin(s, rootfd, id);
	int r = oci_id_check(id) ? -ENOENT : open_dir(s);
	if (r == 0 && lock && (flock(s->dir, LOCK_EX) < 0 || !is_current(s)))
		r = -ENOENT;
	if (r < 0)
		return error_set(err, ENOENT, "the container '%s' does not exist", id);
	if (file_exists(s->dir, "state.json"))
		return read_record(s, err);
	s->status = OCI_CREATING;
	if (!lock && flock(s->dir, LOCK_EX | LOCK_NB) < 0)
		return 0;        /* somebody is at it */
	s->status = OCI_STOPPED; /* its creator died */
	s->record.ociVersion = OCI_VERSION_MAX;
	s->record.bundle = "/";
	return 0;
}

void oci_state_close(struct oci_state *s)
{
	if (s->dir >= 0)
		flock(s->dir, LOCK_UN); /* the container's process may have the descriptor still */
	close_fd(&s->dir);
	arena_free(s->arena);
	s->arena = NULL;
}

int oci_state_remove(struct oci_state *s, struct error *err)
{
	static const char *const files[] = { "start", "config.json", "state.json" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlinkat(s->dir, files[i], 0);
	remove_root(s);
	if (unlinkat(s->rootfd, s->id, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return errno == ENOTEMPTY ? file_remove_tree(s->rootfd, s->id, err)
				  : error_errno(err, "cannot remove the record of the container '%s'", s->id);
}

const char *oci_status_name(enum oci_status status)
{
	static const char *const names[] = { "creating", "created", "running", "paused", "stopped" };

	return names[status];
}

struct node *oci_state_node(const struct oci_state *s, const char *status, struct arena *a)
{
	const struct oci_record *r = &s->record;
	struct node *n = node_new(a, NODE_MAP), *annotations = node_new(a, NODE_MAP);
	bool stopped = !status && s->status == OCI_STOPPED;

	node_put(a, n, "ociVersion", node_string(a, OCI_VERSION_MAX));
	node_put(a, n, "id", node_string(a, s->id));
	node_put(a, n, "pid", node_int(a, stopped ? 0 : r->pid));
	node_put(a, n, "status", node_string(a, status ? status : oci_status_name(s->status)));
	node_put(a, n, "bundle", node_string(a, r->bundle ? r->bundle : "/"));
	if (r->rootfs)
		node_put(a, n, "rootfs", node_string(a, r->rootfs));
	if (r->created)
		node_put(a, n, "created", node_string(a, r->created));
	if (r->owner)
		node_put(a, n, "owner", node_string(a, r->owner));
	list_each(pair, &r->annotations)
		node_put(a, annotations, pair->key, node_string(a, pair->value));
	if (annotations->pairs.n)
		node_put(a, n, "annotations", annotations);
	return n;
}
