/* sandbox.c — see sandbox.h. */
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "api/sysctl.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "linux/mount_kept.h"
#include "linux/proc.h"
#include "sandbox/mapped.h"
#include "sandbox/network.h"
#include "sandbox/parts.h"
#include "sandbox/process_namespace.h"

static int make_directory(struct sandbox *s, struct error *err)
{
	const char *uid = s->pod->metadata.uid;
	_cleanup_free_ char *run = memory_printf("pods/%s", uid), *root = memory_printf("pods/%s", uid);

	s->run_path = memory_printf("%s/%s", s->in->run, run);
	s->root_path = memory_printf("%s/%s", s->in->root, root);
	int r = file_make_dirs(s->in->runfd, run, 0711, err);
	if (r < 0)
		return r;
	s->dir = file_open_dir(s->in->runfd, run, 0, err);
	return s->dir < 0 ? s->dir : 0;
}

static bool pod_exists(const struct sandbox *s)
{
	_cleanup_free_ char *path = memory_printf("pods/%s/pod.json", s->pod->metadata.uid);
	return file_exists(s->in->runfd, path);
}

static int claim(struct sandbox *s, struct error *err)
{
	const struct object_meta *m = &s->pod->metadata;
	char holder[UID_SIZE];
	bool alive = false;

	s->claim = name_claim(s->in, m->namespace, m->name, m->uid, holder, &alive, err);
	return s->claim < 0 ? s->claim : 0;
}

/* System V IPC, message queues, and with them the shared memory of POSIX, which is files (shm_open(3)). */
static int enter_ipc(struct sandbox *s, struct error *err)
{
	static const struct mount_option options[] = { { "mode", "1777" }, { "size", "64m" } };

	int r = s->pod->spec.hostIPC ? 0 : mapped_unshare(s, CLONE_NEWIPC, err);

	if (r < 0)
		return r;
	s->shm = s->pod->spec.hostIPC
			 ? mount_kept(mount_copy(AT_FDCWD, "/dev/shm", false))
			 : mount_kept(mount_make("tmpfs", options, 2,
						 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
	if (s->shm >= 0)
		return 0;
	return error_code(err, s->shm, "cannot make the pod's shared memory");
}

struct setting_sysctls {
	const struct sandbox *sandbox;
	struct error *err;
};

static int set_sysctl(const struct sandbox *s, const struct sysctl *sysctl, struct error *err)
{
	char name[SYSCTL_SIZE], path[300];
	bool own = sysctl_normalize(sysctl->name, name) &&
		   ((sysctl_is_network(name) && !s->pod->spec.hostNetwork) ||
		    (sysctl_is_ipc(name) && !s->pod->spec.hostIPC));

	if (!own)
		return error_set(err, EPERM, "the sysctl '%s' is not one of the pod's own namespaces",
				 sysctl->name);
	sysctl_path(name, path, sizeof(path));
	int r = proc_write(path, sysctl->value);
	if (r < 0)
		return error_code(err, r, "cannot set the sysctl '%s' to '%s'", sysctl->name, sysctl->value);
	return 0;
}

static int set_all(void *argument)
{
	const struct setting_sysctls *setting = argument;
	int r = 0;

	list_each(sysctl, &setting->sandbox->pod->spec.securityContext->sysctls)
		if (r == 0)
			r = set_sysctl(setting->sandbox, sysctl, setting->err);
	return r;
}

/* Those of an IPC namespace are its owner's to set (ipc/ipc_sysctl.c of the kernel). */
static int set_sysctls(const struct sandbox *s, struct error *err)
{
	const struct pod_security_context *security = s->pod->spec.securityContext;

	return security && security->sysctls.n
		       ? mapped_inside(s, set_all, &(struct setting_sysctls){ s, err })
		       : 0;
}

/* ns/net -> /proc/<keeper>/ns/net: for nsenter and for pods that join; there is no mount that could be left behind. */
static int write_namespaces(struct sandbox *s, struct error *err)
{
	static const char *const names[] = { "net", "ipc", "uts" };
	char from[40], to[64];
	int r = file_make_dirs(s->dir, "ns", 0711, err);

	for (int i = 0; r == 0 && i < 3; i++) {
		snprintf(from, sizeof(from), "ns/%s", names[i]);
		snprintf(to, sizeof(to), "/proc/%d/ns/%s", (int)getpid(), names[i]);
		unlinkat(s->dir, from, 0);
		if (symlinkat(to, s->dir, from) < 0)
			r = error_errno(err, "cannot link '%s'", from);
	}
	unlinkat(s->dir, "ns/user", 0);
	snprintf(to, sizeof(to), "/proc/%d/fd/%d", (int)getpid(), s->user_namespace);
	if (r == 0 && s->user_namespace >= 0 && symlinkat(to, s->dir, "ns/user") < 0)
		r = error_errno(err, "cannot link 'ns/user'");
	return r;
}

static void learn_facts(struct sandbox *s)
{
	struct sysinfo info;
	struct statvfs disk = {};

	gethostname(s->node_name, sizeof(s->node_name) - 1);
	sysinfo(&info);
	fstatvfs(s->in->rootfd, &disk);
	s->facts = (struct pod_facts){
		.pod_ip = s->ip,
		.host_ip = s->host_ip,
		.node_name = s->node_name,
		.node_memory_bytes = (uint64_t)info.totalram * info.mem_unit,
		.node_cpu_milli = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN) * 1000,
		.node_disk_bytes = (uint64_t)disk.f_blocks * disk.f_frsize,
	};
}

int sandbox_create(struct sandbox *s, const struct instance *in, const struct launch *launch, struct arena *a,
		   struct error *err)
{
	*s = (struct sandbox){ .in = in,
			       .launch = launch,
			       .pod = &launch->pod,
			       .arena = a,
			       .claim = -1,
			       .dir = -1,
			       .endpoints = ENDPOINTS_NONE,
			       .watch = RULES_WATCH_NONE,
			       .cni_host = -1,
			       .base = CGROUP_NONE,
			       .cgroup = CGROUP_NONE,
			       .shm = -1,
			       .files = -1,
			       .init = CONTAINER_PROCESS_NONE,
			       .init_cgroup = CGROUP_NONE,
			       .pid_namespace = -1,
			       .user_namespace = -1,
			       .user_claim = -1 };
	_cleanup_free_ char *disk = memory_printf("pods/%s/volumes", s->pod->metadata.uid);

	learn_facts(s);
	int r = claim(s, err);
	if (r < 0)
		return r;
	s->again = pod_exists(s);
	r = make_directory(s, err);
	if (r == 0)
		unlinkat(s->dir, "ctl",
			 0); /* of an earlier keeper: who waits for this one looks for a new socket */
	if (r == 0)
		r = sandbox_cgroup_make(s, err);
	if (r == 0)
		r = mapped_begin(s, err);
	if (r == 0)
		r = sandbox_network_enter(s, err);
	if (r == 0)
		r = enter_ipc(s, err);
	if (r == 0)
		r = sandbox_files_make(s, err);
	if (r == 0) {
		s->has_volumes = true;
		s->volumes = (struct volume_set){ .in = in,
						  .pod = s->pod,
						  .facts = &s->facts,
						  .images = &launch->volumeImages,
						  .disk = disk };
		r = volumes_prepare(&s->volumes, err);
	}
	if (r < 0) {
		sandbox_destroy(s, !s->again);
		sandbox_erase(s);
	}
	return r;
}

int sandbox_connect(struct sandbox *s, struct error *err)
{
	int r = sandbox_network_connect(s, err);

	if (r == 0)
		r = set_sysctls(s, err);
	return r < 0 ? r : write_namespaces(s, err);
}

void sandbox_destroy(struct sandbox *s, bool delete)
{
	const struct object_meta *m = &s->pod->metadata;

	if (s->has_endpoint)
		endpoints_release(&s->endpoints);
	s->has_endpoint = false;
	rules_watch_close(&s->watch);
	sandbox_cni_leave(s);
	if (s->has_volumes)
		volumes_close(&s->volumes);
	s->has_volumes = false;
	close_fd(&s->shm);
	close_fd(&s->files);
	process_namespace_close(s);
	mapped_close(s);
	if (s->cgroups.version) {
		cgroup_remove(&s->cgroups, &s->base, s->cgroup_name);
		cgroup_sum_protection(&s->base, false);
		cgroup_close(&s->cgroup);
		cgroup_close(&s->base);
		cgroup_system_close(&s->cgroups);
		s->cgroups.version = 0;
	}
	close_fd(&s->dir);
	if (delete) {
		sandbox_directory_remove(s->in, m->uid, m->name);
		if (name_retire(s->in, m->namespace, m->name, m->uid) < 0) {
			sandbox_disk_remove(s->in, m->uid, m->namespace, m->name);
			name_release(s->in, m->namespace, m->name);
			close_fd(&s->claim);
		}
	} else {
		close_fd(&s->claim);
	}
	free(s->run_path);
	free(s->root_path);
	s->run_path = s->root_path = NULL;
}

void sandbox_erase(struct sandbox *s)
{
	const struct object_meta *m = &s->pod->metadata;

	if (s->claim < 0)
		return;
	sandbox_disk_remove(s->in, m->uid, m->namespace, m->name);
	name_forget(s->in, m->namespace, m->name, m->uid);
	close_fd(&s->claim);
}
