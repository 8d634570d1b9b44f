/* mount_words.c — see mount_words.h. */
#include "runtime/mount_words.h"

#include <linux/mount.h>
#include <string.h>

#include "base/text.h"

/* <linux/mount.h> and <sys/mount.h> exclude each other; mount(2) has these values. */
enum { UNBINDABLE = 1 << 17, PRIVATE = 1 << 18, SLAVE = 1 << 19, SHARED = 1 << 20, RECURSIVE = 1 << 14 };

enum effect {
	ATTRIBUTE, /* of this mount */
	BELOW,     /* of it and all mounts in it */
	PROPAGATE,
	SUPERBLOCK, /* of a new file system */
	IGNORED,    /* nothing to do in a kernel of today */
	BIND,
	BIND_ALL,
	REMOUNT,
	COPY_UP,
	MAP_IDS,
	MAP_IDS_BELOW,
};

struct word {
	const char *name;
	enum effect effect;
	uint64_t set, clear;
};

#define ATIME MOUNT_ATTR__ATIME

/* In alphabetical order. The times of access are one field of the kernel's: 0 is relatime. */
static const struct word words[] = {
	{ "async", SUPERBLOCK },
	{ "atime", ATTRIBUTE, 0, ATIME },
	{ "bind", BIND },
	{ "defaults", IGNORED },
	{ "dev", ATTRIBUTE, 0, MOUNT_ATTR_NODEV },
	{ "diratime", ATTRIBUTE, 0, MOUNT_ATTR_NODIRATIME },
	{ "dirsync", SUPERBLOCK },
	{ "exec", ATTRIBUTE, 0, MOUNT_ATTR_NOEXEC },
	{ "idmap", MAP_IDS },
	{ "iversion", IGNORED },
	{ "lazytime", SUPERBLOCK },
	{ "loud", IGNORED },
	{ "mand", IGNORED },
	{ "noatime", ATTRIBUTE, MOUNT_ATTR_NOATIME, ATIME },
	{ "nodev", ATTRIBUTE, MOUNT_ATTR_NODEV },
	{ "nodiratime", ATTRIBUTE, MOUNT_ATTR_NODIRATIME },
	{ "noexec", ATTRIBUTE, MOUNT_ATTR_NOEXEC },
	{ "noiversion", IGNORED },
	{ "nolazytime", SUPERBLOCK },
	{ "nomand", IGNORED },
	{ "norelatime", ATTRIBUTE, 0, ATIME },
	{ "nostrictatime", ATTRIBUTE, 0, ATIME },
	{ "nosuid", ATTRIBUTE, MOUNT_ATTR_NOSUID },
	{ "nosymfollow", ATTRIBUTE, MOUNT_ATTR_NOSYMFOLLOW },
	{ "private", PROPAGATE, PRIVATE },
	{ "ratime", BELOW, 0, ATIME },
	{ "rbind", BIND_ALL },
	{ "rdev", BELOW, 0, MOUNT_ATTR_NODEV },
	{ "rdiratime", BELOW, 0, MOUNT_ATTR_NODIRATIME },
	{ "relatime", ATTRIBUTE, 0, ATIME },
	{ "remount", REMOUNT },
	{ "rexec", BELOW, 0, MOUNT_ATTR_NOEXEC },
	{ "ridmap", MAP_IDS_BELOW },
	{ "rnoatime", BELOW, MOUNT_ATTR_NOATIME, ATIME },
	{ "rnodev", BELOW, MOUNT_ATTR_NODEV },
	{ "rnodiratime", BELOW, MOUNT_ATTR_NODIRATIME },
	{ "rnoexec", BELOW, MOUNT_ATTR_NOEXEC },
	{ "rnorelatime", BELOW, 0, ATIME },
	{ "rnostrictatime", BELOW, 0, ATIME },
	{ "rnosuid", BELOW, MOUNT_ATTR_NOSUID },
	{ "rnosymfollow", BELOW, MOUNT_ATTR_NOSYMFOLLOW },
	{ "ro", ATTRIBUTE, MOUNT_ATTR_RDONLY },
	{ "rprivate", PROPAGATE, PRIVATE | RECURSIVE },
	{ "rrelatime", BELOW, 0, ATIME },
	{ "rro", BELOW, MOUNT_ATTR_RDONLY },
	{ "rrw", BELOW, 0, MOUNT_ATTR_RDONLY },
	{ "rshared", PROPAGATE, SHARED | RECURSIVE },
	{ "rslave", PROPAGATE, SLAVE | RECURSIVE },
	{ "rstrictatime", BELOW, MOUNT_ATTR_STRICTATIME, ATIME },
	{ "rsuid", BELOW, 0, MOUNT_ATTR_NOSUID },
	{ "rsymfollow", BELOW, 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "runbindable", PROPAGATE, UNBINDABLE | RECURSIVE },
	{ "rw", ATTRIBUTE, 0, MOUNT_ATTR_RDONLY },
	{ "shared", PROPAGATE, SHARED },
	{ "silent", IGNORED },
	{ "slave", PROPAGATE, SLAVE },
	{ "strictatime", ATTRIBUTE, MOUNT_ATTR_STRICTATIME, ATIME },
	{ "suid", ATTRIBUTE, 0, MOUNT_ATTR_NOSUID },
	{ "symfollow", ATTRIBUTE, 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "sync", SUPERBLOCK },
	{ "tmpcopyup", COPY_UP },
	{ "unbindable", PROPAGATE, UNBINDABLE },
};

enum { COUNT = sizeof(words) / sizeof(*words) };

const char *mount_word(size_t i)
{
	return i < COUNT ? words[i].name : NULL;
}

static const struct word *find(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (text_is(words[i].name, name))
			return &words[i];
	return NULL;
}

static void add_option(struct oci_mount *m, const char *option, struct arena *a)
{
	const char *equals = strchr(option, '=');

	*list_add(a, &m->options) = (struct mount_option){
		.key = equals ? arena_strndup(a, option, (size_t)(equals - option)) : option,
		.value = equals ? equals + 1 : NULL,
	};
}

static void apply(const struct word *w, struct oci_mount *m, struct mount_wish *wish)
{
	switch (w->effect) {
	case ATTRIBUTE:
		m->attributes = (m->attributes & ~w->clear) | w->set;
		m->cleared |= w->clear;
		break;
	case BELOW:
		m->below = (m->below & ~w->clear) | w->set;
		m->below_cleared |= w->clear;
		break;
	case PROPAGATE:
		m->propagation = w->set;
		break;
	case BIND:
	case BIND_ALL:
		wish->bind = true;
		m->recursive |= w->effect == BIND_ALL;
		break;
	case REMOUNT:
		m->remount = true;
		break;
	case COPY_UP:
		wish->copy_up = true;
		break;
	case MAP_IDS:
	case MAP_IDS_BELOW:
		wish->map_ids = true;
		wish->map_ids_below |= w->effect == MAP_IDS_BELOW;
		break;
	case SUPERBLOCK:
	case IGNORED:
		break;
	}
}

void mount_words_label(struct oci_mount *m, const char *label, struct arena *a)
{
	static const char *const policy[] = { "proc", "sysfs", "mqueue", "cgroup", "cgroup2" };

	for (size_t i = 0; i < sizeof(policy) / sizeof(*policy); i++)
		if (text_is(m->type, policy[i]))
			return;
	list_each(o, &m->options)
		if (text_ends(o->key, "context"))
			return;
	*list_add(a, &m->options) = (struct mount_option){ "context", label };
}

void mount_words_read(const char *const *at, size_t n, struct oci_mount *m, struct mount_wish *wish,
		      struct arena *a)
{
	for (size_t i = 0; i < n; i++) {
		const struct word *w = find(at[i]);
		if (w)
			apply(w, m, wish);
		if (*at[i] && (!w || w->effect == SUPERBLOCK))
			add_option(m, at[i], a);
	}
}
