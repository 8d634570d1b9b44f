/* sweep.c — what is removed by name when a pod is gone: its directories, and all that a keeper left that was killed.
 *
 * Whatever the kernel does not drop with its owner has the pod's uid in its name. */
#include "sandbox/parts.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "net/cni.h"
#include "sandbox/name.h"
#include "sandbox/network.h"

static void remove_tree(int dir, const char *path, const char *name)
{
	struct error err = {};

	if (file_remove_tree(dir, path, &err) < 0)
		log_warning("cannot remove what the pod '%s' left: %s", name, err.text);
}

void sandbox_directory_remove(const struct instance *in, const char *uid, const char *name)
{
	_cleanup_free_ char *path = memory_printf("pods/%s", uid);
	remove_tree(in->runfd, path, name);
}

void sandbox_disk_remove(const struct instance *in, const char *uid, const char *namespace, const char *name)
{
	_cleanup_free_ char *path = memory_printf("pods/%s", uid);
	_cleanup_free_ char *logs = memory_printf("%s/%s_%s_%s", in->log, namespace, name, uid);

	remove_tree(AT_FDCWD, logs, name);
	remove_tree(in->rootfd, path, name);
}

void sandbox_sweep(const struct instance *in, const char *uid, const char *namespace, const char *name)
{
	struct cgroup_system cgroups;
	struct cgroup base = CGROUP_NONE;
	char cgroup[48], holder[UID_SIZE];
	bool alive;
	struct error err = {};

	snprintf(cgroup, sizeof(cgroup), "pod%.36s", uid);
	if (cgroup_probe(&cgroups, NULL) == 0 &&
	    cgroup_open(&base, &cgroups, NULL, in->cgroup, NULL, NULL) == 0) {
		cgroup_remove(&cgroups, &base, cgroup);
		cgroup_sum_protection(&base, false);
		cgroup_close(&base);
	}
	cgroup_system_close(&cgroups);
	sandbox_network_sweep(in, uid);
	if (cni_delete(in, uid, -1, 0, &err) < 0)
		log_warning("%s", err.text);
	sandbox_disk_remove(in, uid, namespace, name);
	sandbox_directory_remove(in, uid, name);
	if (name_holder(in, namespace, name, holder, &alive) == 0 && !alive && text_is(holder, uid))
		name_release(in, namespace, name);
}

void sandbox_sweep_left(const struct instance *in)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct left_names left = {};

	names_left(in, a, &left);
	list_each(pod, &left) {
		sandbox_sweep(in, pod->uid, pod->namespace, pod->name);
		name_forget(in, pod->namespace, pod->name, pod->uid);
	}
}
