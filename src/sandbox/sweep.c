/* sweep.c — what is removed by name when a pod is gone: its directories, and all that a keeper left that was killed.
 *
 * Whatever the kernel does not drop with its owner has the pod's uid in its name. */
#include "sandbox/parts.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "sandbox/name.h"
#include "sandbox/network.h"

void sandbox_directories_remove(const struct instance *in, const char *uid, const char *namespace,
				const char *name)
{
	_cleanup_free_ char *path = memory_printf("pods/%s", uid);
	_cleanup_free_ char *logs = memory_printf("%s/%s_%s_%s", in->log, namespace, name, uid);
	struct error err = {};

	if (file_remove_tree(AT_FDCWD, logs, &err) < 0 || file_remove_tree(in->rootfd, path, &err) < 0 ||
	    file_remove_tree(in->runfd, path, &err) < 0)
		log_warning("cannot remove what the pod '%s' left: %s", name, err.text);
}

void sandbox_sweep(const struct instance *in, const char *uid, const char *namespace, const char *name)
{
	struct cgroup_system cgroups;
	struct cgroup base = CGROUP_NONE;
	char cgroup[48], holder[UID_SIZE];
	bool alive;

	snprintf(cgroup, sizeof(cgroup), "pod%.36s", uid);
	if (cgroup_probe(&cgroups, NULL) == 0 &&
	    cgroup_open(&base, &cgroups, NULL, in->cgroup, NULL, NULL) == 0) {
		cgroup_remove(&cgroups, &base, cgroup);
		cgroup_sum_protection(&base, false);
		cgroup_close(&base);
	}
	cgroup_system_close(&cgroups);
	sandbox_network_sweep(in, uid);
	sandbox_directories_remove(in, uid, namespace, name);
	if (name_holder(in, namespace, name, holder, &alive) == 0 && !alive && text_is(holder, uid))
		name_release(in, namespace, name);
}
