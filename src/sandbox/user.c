/* user.c — see user.h. */
#include "sandbox/user.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "linux/path.h"

/* More groups are no user's, but an attempt to keep us busy (CVE-2026-47262). */
enum { FILE_MAX = 1024 * 1024, FIELDS = 7, GROUPS_MAX = 1024 };

static bool hides_lower_layers(int root)
{
	char path[32], value = 0;
	_cleanup_close_ int etc = path_open_in_root(root, "etc", O_PATH, 0);
	return etc >= 0 && getxattr(path_of_fd(etc, path), "trusted.overlay.opaque", &value, 1) == 1 &&
	       value == 'y';
}

/* The text of NAME in the uppermost layer that has it; NULL if none has. */
static char *read_file(const int *roots, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		char *text = NULL;
		struct stat st;
		_cleanup_close_ int fd =
			path_open_in_root(roots[i], name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			return file_read_fd(fd, name, FILE_MAX, &text, NULL, NULL) == 0 ? text : NULL;
		if (fd != -ENOENT ||
		    hides_lower_layers(
			    roots[i])) /* a whiteout or something odd: the lower ones do not count */
			return NULL;
	}
	return NULL;
}

/* Splits the line at *TEXT at its colons and moves *TEXT to the next line. The number of fields; -1 at the end. */
static int next_line(char **text, char *field[FIELDS])
{
	char *line = *text;
	int n = 0;

	if (!line || !*line)
		return -1;
	char *end = strchr(line, '\n');
	*text = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	for (char *part; n < FIELDS && (part = strsep(&line, ":"));)
		field[n++] = part;
	return n;
}

static bool parse_id(const char *s, uid_t *id)
{
	long long value;
	if (text_to_int(s, 0, UINT32_MAX - 1, &value) < 0)
		return false;
	*id = (uid_t)value;
	return true;
}

struct passwd_line {
	uid_t uid;
	gid_t gid;
	const char *name, *home;
};

/* Finds the line of the user called NAME (if not NULL) or with the id UID. TEXT is changed. */
static bool find_user(char *text, const char *name, uid_t uid, struct arena *arena, struct passwd_line *found)
{
	char *field[FIELDS];

	for (int n; (n = next_line(&text, field)) >= 0;) {
		struct passwd_line line = {};
		if (n < 4 || !parse_id(field[2], &line.uid) || !parse_id(field[3], &line.gid))
			continue;
		if (name ? !text_is(field[0], name) : line.uid != uid)
			continue;
		line.name = arena_strdup(arena, field[0]);
		line.home = n > 5 ? arena_strdup(arena, field[5]) : "";
		*found = line;
		return true;
	}
	return false;
}

static void add_group(struct arena *arena, struct user *user, gid_t gid)
{
	list_each(have, &user->groups)
		if (*have == gid)
			return;
	*list_add(arena, &user->groups) = gid;
}

static bool is_member(char *members, const char *name)
{
	for (char *member; name && (member = strsep(&members, ","));)
		if (text_is(member, name))
			return true;
	return false;
}

/* Walks /etc/group: the id of the group called WANTED into *GID (true if found), and USER's groups by NAME. */
static bool walk_groups(char *text, const char *wanted, gid_t *gid, const char *name, struct arena *arena,
			struct user *user)
{
	char *field[FIELDS];
	bool found = false;

	for (int n; (n = next_line(&text, field)) >= 0;) {
		gid_t id;
		if (n < 3 || !parse_id(field[2], &id))
			continue;
		if (wanted && !found && text_is(field[0], wanted)) {
			*gid = id;
			found = true;
		}
		if (n > 3 && user->groups.n <= GROUPS_MAX && is_member(field[3], name))
			add_group(arena, user, id);
	}
	return found;
}

int user_find(const int *roots, size_t n, const struct user_wish *wish, struct arena *arena,
	      struct user *user, struct error *err)
{
	_cleanup_free_ char *copy = memory_strdup(wish->name ? wish->name : "");
	char *group_name = copy, *user_name = strsep(&group_name, ":");
	struct passwd_line line = {};
	bool numeric = wish->has_uid || !*user_name || parse_id(user_name, &user->uid);

	*user = (struct user){ .uid = user->uid };
	if (wish->has_uid)
		user->uid = wish->uid;
	else if (!*user_name)
		user->uid = 0;

	_cleanup_free_ char *passwd = read_file(roots, n, "etc/passwd");
	bool known = passwd && find_user(passwd, numeric ? NULL : user_name, user->uid, arena, &line);
	if (!known && !numeric)
		return error_set(err, ENOENT, "the image has no user '%s' in /etc/passwd", user_name);
	if (known) {
		user->uid = line.uid;
		user->gid = line.gid;
	}
	user->home = text_empty(line.home) ? "/" : line.home;

	bool named = !wish->has_gid && !text_empty(group_name) && !parse_id(group_name, &user->gid);
	if (wish->has_gid)
		user->gid = wish->gid;
	for (size_t i = 0; i < wish->group_count; i++)
		add_group(arena, user, wish->groups[i]);
	const char *member = wish->strict || !known || !text_empty(group_name) ? NULL : line.name;
	if (named || member) {
		_cleanup_free_ char *groups = read_file(roots, n, "etc/group");
		bool found = groups &&
			     walk_groups(groups, named ? group_name : NULL, &user->gid, member, arena, user);
		if (named && !found)
			return error_set(err, ENOENT, "the image has no group '%s' in /etc/group",
					 group_name);
		if (user->groups.n > GROUPS_MAX)
			return error_set(err, E2BIG,
					 "the image's /etc/group has more than %d groups of the user '%s'",
					 GROUPS_MAX, line.name);
	}
	return 0;
}
