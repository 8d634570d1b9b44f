/* rootless.c — see rootless.h. */
#include "runtime/rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/mount.h"
#include "linux/proc.h"
#include "linux/process.h"

enum { FIRST_NAMESPACE = 0xEFFFFFFD }; /* PROC_USER_INIT_INO of the kernel's */

bool rootless_is_inside(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino != FIRST_NAMESPACE;
}

bool rootless_may_set_groups(void)
{
	_cleanup_free_ char *text = NULL;

	return file_read(AT_FDCWD, "/proc/self/setgroups", 16, &text, NULL, NULL) < 0 ||
	       !text_starts(text, "deny");
}

/* --- mappings --- */

/* A mapping of only the caller's id: whoever makes a user namespace may write that itself. */
static bool is_own(const struct id_mappings *map, int64_t id)
{
	return map->n == 1 && map->at[0].hostID == id && map->at[0].size == 1;
}

static bool is_mapped(const struct id_mappings *map, int64_t id)
{
	list_each(m, map)
		if (id >= m->hostID && id < m->hostID + m->size)
			return true;
	return false;
}

static int write_own(const char *file, const struct id_mappings *map, struct error *err)
{
	char text[64];

	snprintf(text, sizeof(text), "%lld %lld 1\n", (long long)map->at[0].containerID,
		 (long long)map->at[0].hostID);
	int r = proc_write(file, text);
	return r < 0 ? error_set(err, -r, "cannot write '%s': %s", file, error_meaning(-r)) : 0;
}

/* A process that stays outside, where newuidmap has its rights, and becomes it when the namespace is there. */
struct mapper {
	const char *program, *property, *file;
	const struct id_mappings *map;
	int pidfd; /* -1: not needed */
};

static void __attribute__((noreturn)) become(const struct mapper *m, int go, char **argv)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC); /* its words are another program's: ours follow */
	char byte;

	if (null >= 0 && dup2(null, STDERR_FILENO) >= 0 && read(go, &byte, 1) == 1)
		execvp(m->program, argv);
	_exit(127);
}

static int start_mapper(struct mapper *m, int go, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct LIST(char *) argv = {};

	*list_add(a, &argv) = (char *)m->program;
	*list_add(a, &argv) = arena_printf(a, "%d", (int)getpid());
	list_each(map, m->map) {
		*list_add(a, &argv) = arena_printf(a, "%lld", (long long)map->containerID);
		*list_add(a, &argv) = arena_printf(a, "%lld", (long long)map->hostID);
		*list_add(a, &argv) = arena_printf(a, "%lld", (long long)map->size);
	}
	list_add(a, &argv);
	pid_t pid = process_clone(0, -1, &m->pidfd);
	if (pid == 0)
		become(m, go, argv.at);
	return pid < 0 ? error_set(err, -pid, "cannot make a process: %s", error_meaning(-pid)) : 0;
}

static int wait_for_mapper(struct mapper *m, struct error *err)
{
	struct exit_status status = { .code = 1 };

	if (m->pidfd < 0)
		return write_own(m->file, m->map, err) < 0 ? error_prefix(err, "linux.%s", m->property) : 0;
	int r = process_wait(m->pidfd, &status);
	if (r < 0 || status.code != 0)
		return error_set(err, EPERM,
				 status.code == 127
					 ? "linux.%s: there is no %s, which maps more than one's own id "
					   "(package uidmap)"
					 : "linux.%s: %s did not accept it (see /etc/subuid and /etc/subgid)",
				 m->property, m->program);
	return 0;
}

/* --- entering --- */

static const struct config_namespace *find_new(const struct config_linux *l)
{
	list_each(n, &l->namespaces)
		if (text_is(n->type, "user") && text_empty(n->path))
			return n;
	return NULL;
}

static int check(const struct oci_config *c, struct error *err)
{
	const struct config_linux *l = c->linux_;

	if (!l || !find_new(l))
		return error_set(err, EPERM,
				 "linux.namespaces: whoever is not root needs a new user namespace");
	if (!is_mapped(&l->uidMappings, geteuid()))
		return error_set(err, EPERM, "linux.uidMappings: the caller's own id %u is not in it",
				 geteuid());
	if (!is_mapped(&l->gidMappings, getegid()))
		return error_set(err, EPERM, "linux.gidMappings: the caller's own id %u is not in it",
				 getegid());
	return 0;
}

/* Groups that cannot be given back could be what keeps one out: without newgidmap they may not be dropped. */
static int make_namespace(struct mapper mappers[2], int go, struct error *err)
{
	if (unshare(CLONE_NEWUSER) < 0)
		return error_errno(err, "linux.namespaces: cannot make a user namespace");
	if (mappers[1].pidfd < 0) {
		int r = proc_write("/proc/self/setgroups", "deny");
		if (r < 0)
			return error_set(err, -r, "cannot write '/proc/self/setgroups': %s",
					 error_meaning(-r));
	}
	if (write(go, "!!", 2) != 2)
		return error_errno(err, "cannot tell the mappers");
	int r = wait_for_mapper(&mappers[0], err);
	if (r == 0)
		r = wait_for_mapper(&mappers[1], err);
	if (r == 0 && (r = mount_leave()) < 0)
		return error_set(err, -r, "cannot make a mount namespace: %s", error_meaning(-r));
	return r;
}

static void take_out(struct config_linux *l)
{
	size_t kept = 0;

	list_each(n, &l->namespaces)
		if (!text_is(n->type, "user"))
			l->namespaces.at[kept++] = *n;
	l->namespaces.n = kept;
	l->uidMappings.n = l->gidMappings.n = 0;
}

int rootless_enter(struct oci_config *c, struct error *err)
{
	int r = check(c, err), pair[2];

	if (r < 0)
		return r;
	struct config_linux *l = c->linux_;
	struct mapper mappers[] = {
		{ "newuidmap", "uidMappings", "/proc/self/uid_map", &l->uidMappings, -1 },
		{ "newgidmap", "gidMappings", "/proc/self/gid_map", &l->gidMappings, -1 },
	};
	if (pipe2(pair, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	_cleanup_close_ int go = pair[0], tell = pair[1];
	if (!is_own(&l->uidMappings, geteuid()))
		r = start_mapper(&mappers[0], go, err);
	if (r == 0 && !is_own(&l->gidMappings, getegid()))
		r = start_mapper(&mappers[1], go, err);
	if (r == 0)
		r = make_namespace(mappers, tell, err);
	close_fd(&tell); /* what has not begun ends */
	for (int i = 0; i < 2; i++)
		close_fd(&mappers[i].pidfd);
	if (r == 0)
		take_out(l);
	return r;
}

int rootless_join(pid_t pid, struct error *err)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	_cleanup_close_ int ns = open(path, O_RDONLY | O_CLOEXEC);
	return ns < 0 || setns(ns, CLONE_NEWUSER) < 0
		       ? error_errno(err, "cannot enter the user namespace of the container")
		       : 0;
}
