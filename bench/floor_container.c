/* floor_container.c — a container's process, from its clone to its program: mounts, root, identity.
 *
 * The mounts are those of the OCI defaults and of a pod: what Seapod's containers have, in the same order of making them detached,
 * leaving the host's mount namespace, and attaching them. */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "floor.h"

enum { CLASSIC_REC = 0x4000, CLASSIC_SLAVE = 1 << 19 }; /* of <sys/mount.h>, which excludes <linux/mount.h> */

int new_mount(const char *type, uint64_t attributes, const char *const *options, const char *flag)
{
	int context = must(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), type);

	for (; options && *options; options += 2)
		must(syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, options[0], options[1], 0),
		     options[0]);
	if (flag)
		must(syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, flag, NULL, 0), flag);
	must(syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0), type);
	int fd = must(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes), type);
	close(context);
	return fd;
}

int copy_mount(int at, const char *path)
{
	return must(syscall(SYS_open_tree, at, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH),
		    path);
}

static void attach(int fd, int root, const char *path)
{
	must(syscall(SYS_move_mount, fd, "", root, path, MOVE_MOUNT_F_EMPTY_PATH), path);
	close(fd);
}

/* Copies are made as long as the host's mounts are ours, and attached when the container's are. */
struct mounts {
	int n;
	struct {
		int fd;
		const char *path;
	} at[24];
};

static void add_mount(struct mounts *m, int fd, const char *path)
{
	m->at[m->n].fd = fd;
	m->at[m->n++].path = path;
}

static int make_dev(void)
{
	static const struct {
		const char *name;
		unsigned major, minor;
	} nodes[] = { { "null", 1, 3 },   { "zero", 1, 5 },    { "full", 1, 7 },
		      { "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 } };
	static const char *const links[][2] = { { "fd", "/proc/self/fd" },
						{ "stdin", "/proc/self/fd/0" },
						{ "stdout", "/proc/self/fd/1" },
						{ "stderr", "/proc/self/fd/2" },
						{ "ptmx", "pts/ptmx" } };
	int fd = new_mount("tmpfs", MOUNT_ATTR_NOSUID, (const char *[]){ "mode", "755", NULL }, NULL);

	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		must(mknodat(fd, nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)),
		     "mknod");
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		must(symlinkat(links[i][1], fd, links[i][0]), "symlink");
	return fd;
}

static int make_cgroup_place(void)
{
	static const char *const folders[] = { "cpu", "cpuacct", "memory", "pids" };
	int fd = new_mount("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, NULL, NULL);

	for (int i = 0; i < 4; i++)
		must(mkdirat(fd, folders[i], 0755), folders[i]);
	return fd;
}

static void open_mounts(struct mounts *m, const struct prepared *p, int which)
{
	static const char *const terminals[] = { "mode", "0620", "ptmxmode", "0666", NULL };
	const uint64_t safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		       locked = safe | MOUNT_ATTR_RDONLY;
	int dev = make_dev();

	add_mount(m, new_mount("proc", safe, NULL, NULL), "proc");
	add_mount(m, dev, "dev");
	add_mount(m, new_mount("sysfs", locked, NULL, NULL), "sys");
	add_mount(m, copy_mount(p->volume, ""), "data");
	if (wish.bare)
		return;
	must(mkdirat(dev, "pts", 0755) | mkdirat(dev, "shm", 0755) | mkdirat(dev, "mqueue", 0755),
	     "mkdir in /dev");
	close(must(openat(dev, "termination-log", O_WRONLY | O_CREAT | O_CLOEXEC, 0644), "termination-log"));
	add_mount(m, new_mount("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, terminals, "newinstance"),
		  "dev/pts");
	add_mount(m, copy_mount(p->shm, ""), "dev/shm");
	add_mount(m, new_mount("mqueue", safe, NULL, NULL), "dev/mqueue");
	add_mount(m, make_cgroup_place(), "sys/fs/cgroup");
	add_mount(m, new_mount("cgroup", locked, NULL, "cpu"), "sys/fs/cgroup/cpu");
	add_mount(m, new_mount("cgroup", locked, NULL, "cpuacct"), "sys/fs/cgroup/cpuacct");
	add_mount(m, new_mount("cgroup", locked, NULL, "memory"), "sys/fs/cgroup/memory");
	add_mount(m, new_mount("cgroup", locked, NULL, "pids"), "sys/fs/cgroup/pids");
	add_mount(m, copy_mount(p->pods, "hosts"), "etc/hosts");
	add_mount(m, copy_mount(p->pods, "hostname"), "etc/hostname");
	add_mount(m, copy_mount(p->pods, "resolv.conf"), "etc/resolv.conf");
	add_mount(m, copy_mount(p->pods, which ? "termination-b" : "termination-a"), "dev/termination-log");
}

/* Of the OCI defaults what this kernel has; a container on another has the same or fewer. */
static void protect(int root)
{
	static const char *const readonly[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys",
						"proc/sysrq-trigger" };
	static const char *const masked[] = { "proc/asound", "proc/acpi",    "proc/interrupts",
					      "proc/kcore",  "proc/keys",    "proc/timer_list",
					      "proc/scsi",   "sys/firmware", "sys/devices/virtual/powercap" };
	struct mount_attr change = { .attr_set = MOUNT_ATTR_RDONLY };
	struct stat st;
	int empty = -1;

	for (size_t i = 0; i < sizeof(readonly) / sizeof(*readonly); i++) {
		int fd = (int)syscall(SYS_open_tree, root, readonly[i], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (fd < 0)
			continue;
		must(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &change, sizeof(change)),
		     "mount_setattr");
		attach(fd, root, readonly[i]);
	}
	for (size_t i = 0; i < sizeof(masked) / sizeof(*masked); i++) {
		if (fstatat(root, masked[i], &st, 0) < 0)
			continue;
		if (!S_ISDIR(st.st_mode)) {
			attach(copy_mount(root, "dev/null"), root, masked[i]);
			continue;
		}
		if (empty < 0)
			empty = new_mount("tmpfs", MOUNT_ATTR_RDONLY,
					  (const char *[]){ "nr_inodes", "1", NULL }, NULL);
		attach(copy_mount(empty, ""), root, masked[i]);
	}
}

static void drop_capabilities(void)
{
	static const int kept[] = { CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_FSETID,           CAP_FOWNER,
				    CAP_MKNOD,   CAP_NET_RAW,      CAP_SETGID,           CAP_SETUID,
				    CAP_SETFCAP, CAP_SETPCAP,      CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT,
				    CAP_KILL,    CAP_AUDIT_WRITE };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};
	uint64_t set = 0;

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		set |= UINT64_C(1) << kept[i];
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		if (!(set & UINT64_C(1) << i))
			prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted = (uint32_t)(set >> (32 * i));
	must(syscall(SYS_capset, &header, data), "capset");
}

void container_run(const struct prepared *p, int which, const int tasks[HIERARCHIES])
{
	struct mounts mounts = {};
	sigset_t term;
	char *const argv[] = { "/bin/pause", NULL }, *const env[] = { NULL };

	mark(which + 1, "the process begins");
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (int i = 0; i < HIERARCHIES;
	     i++) /* moving oneself is quick; being moved waits for a grace period */
		must(write(tasks[i], "0", 1), "tasks");
	must(unshare(CLONE_NEWCGROUP), "unshare");
	mark(which + 1, "cgroups");
	open_mounts(&mounts, p, which);
	mark(which + 1, "mounts made");
	must(unshare(CLONE_NEWNS), "unshare");
	must(syscall(SYS_mount, NULL, "/", NULL, CLASSIC_REC | CLASSIC_SLAVE, NULL), "propagation");
	mark(which + 1, "mount namespace");
	must(syscall(SYS_mount, "overlay", p->root[which], "overlay", 0, p->overlay[which]), "overlay");
	int root = must(open(p->root[which], O_PATH | O_DIRECTORY | O_CLOEXEC), "root");
	mark(which + 1, "overlay");
	for (int i = 0; i < mounts.n; i++)
		attach(mounts.at[i].fd, root, mounts.at[i].path);
	mark(which + 1, "mounts attached");
	if (!wish.bare)
		protect(root);
	mark(which + 1, "masked and read-only paths");
	must(fchdir(root), "root");
	must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(syscall(SYS_umount2, ".", 2 /* MNT_DETACH */), "umount");
	mark(which + 1, "change of root");
	setsid();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!wish.bare)
		drop_capabilities();
	if (wish.filter)
		must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, wish.filter), "seccomp");
	mark(which + 1, "identity");
	sigemptyset(&term); /* the first signal may come before the program has its say */
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	execve(argv[0], argv, env);
	die("execve");
}
