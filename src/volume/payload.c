/* payload.c — volumes whose files come from objects: configMap, secret, downwardAPI, projected; see volume.h. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/config.h"
#include "api/store.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "linux/mount.h"
#include "linux/mount_kept.h"
#include "linux/path.h"
#include "volume/volume.h"

struct payload_file {
	const char *path;
	const char *data;
	size_t size;
	mode_t mode;
	uid_t user; /* KEP-5936 */
};

/* How files are that do not say it themselves. */
struct usual {
	struct optional_int mode, user;
};

struct payload {
	const struct volume_set *set;
	struct arena *arena;
	struct LIST(struct payload_file) files;
};

struct keys { /* what configMap, secret and their projections have in common */
	const char *kind, *name;
	const struct key_to_path *items;
	size_t item_count;
	struct usual usual;
	bool optional;
};

static void add_file(struct payload *p, const char *path, const char *data, size_t size, struct usual own,
		     struct usual usual)
{
	struct optional_int mode = own.mode.set ? own.mode : usual.mode,
			    user = own.user.set ? own.user : usual.user;

	*list_add(p->arena, &p->files) =
		(struct payload_file){ path, data, size, mode.set ? (mode_t)mode.value : 0644,
				       user.set ? (uid_t)user.value : 0 };
}

/* All keys of an object as bytes. */
static void object_data(struct node *object, struct arena *a, struct bytes_map *out)
{
	struct problems ignored = { .arena = a };
	bool secret = text_is(node_get_string(object, "kind"), "Secret");

	if (secret) {
		struct secret s = {};
		object_decode(&secret_table, object, &s, a, NULL, &ignored);
		*out = s.data;
		return;
	}
	struct config_map c = {};
	object_decode(&config_map_table, object, &c, a, NULL, &ignored);
	*out = c.binaryData;
	list_each(pair, &c.data)
		*list_add(a, out) = (struct bytes_pair){ pair->key, { pair->value, strlen(pair->value) } };
}

static const struct bytes *find_key(const struct bytes_map *data, const char *key)
{
	list_each(pair, data)
		if (text_is(pair->key, key))
			return &pair->value;
	return NULL;
}

static int add_keys(struct payload *p, const struct keys *k, struct error *err)
{
	struct bytes_map data = {};
	struct node *object =
		store_get(p->set->in, k->kind, p->set->pod->metadata.namespace, k->name, p->arena, err);

	if (!object)
		return k->optional && err->code == ENOENT ? 0 : -err->code;
	object_data(object, p->arena, &data);
	if (k->item_count == 0)
		list_each(pair, &data)
			add_file(p, pair->key, pair->value.at, pair->value.n, (struct usual){}, k->usual);
	for (size_t i = 0; i < k->item_count; i++) {
		const struct bytes *value = find_key(&data, k->items[i].key);
		if (value)
			add_file(p, k->items[i].path, value->at, value->n,
				 (struct usual){ k->items[i].mode, k->items[i].user }, k->usual);
		else if (!k->optional)
			return error_set(err, ENOENT, "'%s' has no key '%s'", k->name, k->items[i].key);
	}
	return 0;
}

static int add_downward(struct payload *p, const struct downward_api_file *files, size_t n,
			struct usual usual, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct downward_api_file *f = &files[i];
		const char *value = "";
		int r = 0;
		if (f->fieldRef)
			r = pod_field(p->set->pod, p->set->facts, f->fieldRef->fieldPath, p->arena, &value,
				      err);
		else if (f->resourceFieldRef)
			r = pod_resource_field(p->set->pod, p->set->facts, NULL, f->resourceFieldRef,
					       p->arena, &value, err);
		if (r < 0)
			return r;
		add_file(p, f->path, value, strlen(value), (struct usual){ f->mode, f->user }, usual);
	}
	return 0;
}

static int add_projected(struct payload *p, const struct projected_volume *v, struct error *err)
{
	const struct usual usual = { v->defaultMode, v->defaultUser };

	list_each(s, &v->sources) {
		int r = 0;
		const struct named_projection *named = s->configMap ? s->configMap : s->secret;
		if (named) {
			const struct keys k = { s->configMap ? "configmaps" : "secrets",
						named->name,
						named->items.at,
						named->items.n,
						usual,
						named->optional.value };
			r = add_keys(p, &k, err);
		} else if (s->downwardAPI) {
			r = add_downward(p, s->downwardAPI->items.at, s->downwardAPI->items.n, usual, err);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int collect(struct payload *p, const struct volume *v, struct error *err)
{
	if (v->configMap) {
		const struct keys k = { "configmaps",
					v->configMap->name,
					v->configMap->items.at,
					v->configMap->items.n,
					{ v->configMap->defaultMode, v->configMap->defaultUser },
					v->configMap->optional.value };
		return add_keys(p, &k, err);
	}
	if (v->secret) {
		const struct keys k = { "secrets",
					v->secret->secretName,
					v->secret->items.at,
					v->secret->items.n,
					{ v->secret->defaultMode, v->secret->defaultUser },
					v->secret->optional.value };
		return add_keys(p, &k, err);
	}
	if (v->downwardAPI)
		return add_downward(
			p, v->downwardAPI->items.at, v->downwardAPI->items.n,
			(struct usual){ v->downwardAPI->defaultMode, v->downwardAPI->defaultUser }, err);
	return add_projected(p, v->projected, err);
}

static int write_file(const struct payload *p, int dir, const struct payload_file *f, struct error *err)
{
	const struct pod_security_context *security = p->set->pod->spec.securityContext;
	const char *slash = strrchr(f->path, '/');
	_cleanup_close_ int parent =
		slash ? path_make_dirs_in_root(dir,
					       arena_strndup(p->arena, f->path, (size_t)(slash - f->path)),
					       0755, 0, 0, err)
		      : fcntl(dir, F_DUPFD_CLOEXEC, 3);
	if (parent < 0)
		return parent;
	_cleanup_close_ int fd = openat(parent, slash ? slash + 1 : f->path,
					O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : write_all(fd, f->data, f->size);
	if (r < 0)
		return error_code(err, r, "cannot write '%s'", f->path);
	mode_t mode = f->mode;
	if (security && security->fsGroup.set && fchown(fd, (uid_t)-1, (gid_t)security->fsGroup.value) == 0)
		mode |= 0440; /* the group may read what it owns, as the kubelet arranges */
	if (f->user && fchown(fd, f->user, (gid_t)-1) < 0)
		return error_errno(err, "cannot give '%s' to the user %u", f->path, f->user);
	fchmod(fd, mode);
	return 0;
}

/* The first part of each path is a link through ..data; what the links name is replaced as one. */
static int link_files(const struct payload *p, int root, const char *fresh, struct error *err)
{
	list_each(f, &p->files) {
		const char *top = arena_strndup(p->arena, f->path, strcspn(f->path, "/"));
		const char *to = arena_printf(p->arena, "..data/%s", top);
		if (symlinkat(to, root, top) < 0 && errno != EEXIST)
			return error_errno(err, "cannot link '%s'", top);
	}
	unlinkat(root, "..data_tmp", 0);
	if (symlinkat(fresh, root, "..data_tmp") < 0 || renameat(root, "..data_tmp", root, "..data") < 0)
		return error_errno(err, "cannot switch to the new contents");
	return 0;
}

/* Names that the object no longer has. */
static void unlink_gone(const struct payload *p, int root)
{
	int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		size_t n = strlen(entry->d_name);
		bool there =
			*entry->d_name == '.' && (n == 1 || entry->d_name[1] == '.'); /* ".", "..", ours */
		list_each(f, &p->files)
			there = there ||
				(strcspn(f->path, "/") == n && strncmp(f->path, entry->d_name, n) == 0);
		if (!there)
			unlinkat(root, entry->d_name, 0);
	}
}

bool is_payload(const struct volume *volume)
{
	return volume->configMap || volume->secret || volume->downwardAPI || volume->projected;
}

int payload_prepare(struct prepared_volume *v, const struct volume_set *set, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct payload p = { .set = set, .arena = a };
	struct mount_option options[] = { { "mode", "0755" }, { "size", "16m" } };
	int r = collect(&p, v->volume, err);

	if (r < 0)
		return r;
	if (v->fd < 0)
		v->fd = mount_kept(mount_make("tmpfs", options, 2,
					      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
	if (v->fd < 0)
		return error_code(err, v->fd, "cannot make a tmpfs");
	char fresh[sizeof(v->contents)];
	snprintf(fresh, sizeof(fresh), "..%" PRIu64 "_%u", clock_boot_us(), ++v->generation);
	_cleanup_close_ int root = openat(v->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int dir = root < 0 ? -1 : file_open_dir(root, fresh, 0755, err);
	if (dir < 0)
		return error_errno(err, "cannot write into the volume");
	for (size_t i = 0; r == 0 && i < p.files.n; i++)
		r = write_file(&p, dir, &p.files.at[i], err);
	if (r == 0)
		r = link_files(&p, root, fresh, err);
	if (r < 0 || *v->contents)
		file_remove_tree(root, r < 0 ? fresh : v->contents, NULL);
	if (r < 0)
		return r;
	memcpy(v->contents, fresh, sizeof(fresh));
	unlink_gone(&p, root);
	return 0;
}
