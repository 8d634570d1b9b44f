/* sandbox.h — what the containers of a pod share: name, directory, namespaces, network, cgroup, volumes. Mechanism, no policy.
 *
 * The process that makes the sandbox *is* in it: its network, IPC and UTS namespaces are the pod's (containers inherit them by clone), and
 * every claim is a descriptor of its. When it dies, all of it is gone.
 */
#pragma once

#include "linux/cgroup.h"
#include "net/endpoint.h"
#include "net/rules_watch.h"
#include "oci/container.h"
#include "sandbox/launch.h"
#include "sandbox/name.h"
#include "volume/volume.h"

struct sandbox {
	const struct instance *in;
	const struct launch *launch;
	const struct pod *pod;
	struct arena *arena;
	int claim;
	bool again;                 /* the pod was there, and is started again: it stays when that fails */
	char *run_path, *root_path; /* RUN/pods/<uid>, ROOT/pods/<uid> */
	int dir;                    /* RUN/pods/<uid> */
	struct endpoints endpoints;
	bool has_endpoint, owns_network;
	int cni_host;   /* the host's network namespace, of a pod on a CNI network (network_cni.c); -1 */
	int *cni_ports; /* that such a pod has claimed */
	unsigned cni_port_count;
	struct rules_watch watch; /* open if it has one on a network whose packets pass this host's filter */
	char ip[INET_ADDRSTRLEN], host_ip[INET_ADDRSTRLEN];
	struct cgroup_system cgroups;
	struct cgroup base, cgroup;
	char cgroup_name[48];
	struct huge_sizes huge; /* those that are limited */
	bool devices_limited;   /* in the pod's cgroup, and so in every container's */
	struct volume_set volumes;
	bool has_volumes;
	int shm;   /* /dev/shm of all containers, a detached mount */
	int files; /* hosts, hostname, resolv.conf, termination messages: what containers may write to is a small tmpfs, not the host's /run */
	struct container_process init; /* process_namespace.h */
	struct cgroup init_cgroup;
	int pid_namespace;
	int user_namespace, user_claim; /* hostUsers: false (mapped.h); -1 */
	uint32_t first_id;
	struct pod_facts facts;
	char node_name[65];
};

/* Makes the sandbox of LAUNCH's pod and moves this process into it. On an error all that it made is undone. All that others could have is
 * claimed then, and containers can be created, but none may execute its program before sandbox_connect. */
int sandbox_create(struct sandbox *s, const struct instance *in, const struct launch *launch, struct arena *a,
		   struct error *err);

/* What only running programs and other pods need of it, made while the first containers' processes are being set up, on another processor: the
 * links of its network, sysctls, and the namespaces for others to find. On an error the sandbox is still to be destroyed. */
int sandbox_connect(struct sandbox *s, struct error *err);

/* Gives back network, cgroup and volumes. DELETE: the pod's directory and name, too; else they stay for `ps -a` and `logs`. What it has on the
 * disk is left to sandbox_erase: a pod is gone when others can have what it had. */
void sandbox_destroy(struct sandbox *s, bool delete);

/* After a sandbox_destroy that DELETEs: what is on the disk. However long that takes, nobody waits for it; if this process does not live to its
 * end, sandbox_sweep_left takes over. */
void sandbox_erase(struct sandbox *s);

/* Lets what is in C use the usual devices only. */
int sandbox_limit_devices(const struct cgroup *c, struct error *err);

/* Removes what a pod left whose keeper is dead (or that has finished): by its uid, namespace and name. */
void sandbox_sweep(const struct instance *in, const char *uid, const char *namespace, const char *name);

/* The same for all pods that were deleted, and whose keeper was killed before sandbox_erase was through. */
void sandbox_sweep_left(const struct instance *in);

/* One container in the sandbox. */
struct sandbox_container {
	const struct container *spec;
	const struct launch_image *image;
	struct container_process process;
	struct cgroup cgroup;
	int in, out,
		err; /* our ends: standard input to write, outputs to read; with a terminal: IN and OUT are the master */
	int devpts; /* its devpts, to open terminals for exec */
	uint64_t oom_kills;
	unsigned attempt;
	pid_t target; /* it joins the process namespace of this process, a child of ours; 0: it has the pod's, or one of its own */
	uid_t uid; /* what its process began as; valid once it was created */
	gid_t gid;
	struct ints groups; /* the supplementary ones */
};

/* Makes the ATTEMPTth process of a container (oci/container.h: reports follow on c->process.sync). -ENODATA: a ConfigMap, a Secret or a key of one that its
 * variables come from is not there (yet). */
int sandbox_container_create(struct sandbox *s, struct sandbox_container *c, struct error *err);

/* After its process has ended: cgroup and descriptors. What it wrote stays until the next attempt or the end. */
void sandbox_container_clean(struct sandbox *s, struct sandbox_container *c);

/* True if the kernel has killed a process of it for lack of memory since its start. */
bool sandbox_container_was_oom_killed(const struct sandbox_container *c);

/* The text it left at terminationMessagePath, at most 4096 bytes, in A; NULL: none. */
const char *sandbox_container_message(const struct sandbox *s, const struct sandbox_container *c,
				      struct arena *a);

struct exec_wish {
	struct LIST(const char *) argv, env;
	const char *cwd;
	const char *user; /* "user[:group]", names or numbers; NULL: the container's */
	bool tty;
	int stdio[3]; /* without tty */
};

/* Another process in the container; *MASTER: the terminal's, with tty. */
int sandbox_exec(struct sandbox *s, struct sandbox_container *c, const struct exec_wish *wish,
		 struct container_process *p, int *master, struct error *err);
