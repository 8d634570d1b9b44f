/* user.h — which ids a process in a container gets.
 *
 * A Pod's runAsUser, runAsGroup and supplementalGroups win over the image's USER; names are looked up in the container's own
 * /etc/passwd and /etc/group, as every runtime does (OCI image-spec config.md "User"; KEP-3619 for supplementalGroupsPolicy).
 * The files are another party's: they are opened inside the root only, read up to 1 MiB, and broken lines are passed over.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/memory.h"

struct user_wish {
	const char *name;      /* "user[:group]", names or numbers; NULL or "": root */
	bool has_uid, has_gid; /* runAsUser, runAsGroup: win over NAME */
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementalGroups, fsGroup */
	size_t group_count;
	bool strict; /* supplementalGroupsPolicy: Strict: do not add the groups of /etc/group */
};

struct user {
	uid_t uid;
	gid_t gid;
	struct LIST(gid_t) groups;
	const char *home; /* from /etc/passwd; "/" if not there */
};

/* Finds the ids; ROOTS[0..N) are directories that are searched for etc/passwd and etc/group, the uppermost layer first.
 * Lists and strings live in ARENA. -ENOENT: the wish has a name that is not there. */
int user_find(const int *roots, size_t n, const struct user_wish *wish, struct arena *arena,
	      struct user *user, struct error *err);
