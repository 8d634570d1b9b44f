/* floor.c — the yardstick: the least that the kernel has to do for a pod of two containers.
 *
 * A bridge pod with one published port and one volume needs certain kernel objects, whoever asks for them: control groups with limits,
 * network, IPC and UTS namespaces, a veth pair with address and route, an element of the map of published ports, and for each container a
 * pid and a mount namespace, an overlay, the mounts of the OCI defaults, and a process. This program makes exactly these, each in the
 * fastest way that is known to us, from one process that has everything prepared: no manifest, no image store, no command line, no status,
 * no logs, no recovery. What Seapod takes longer is the price of being Seapod.
 *
 *	floor [--repeat N] [--bare] [--phases] [--filter FILE] [--dir DIR]
 *
 * prints the median time until both programs run ("ready") and until all is given back ("gone"), in milliseconds. --bare leaves out what
 * a container is not without but the shortest list has not: device rules, masked and read-only paths, /dev/{pts,shm,mqueue}, the mounts of
 * the cgroups and of /etc/{hosts,hostname,resolv.conf}, the termination message, capabilities. --filter loads a seccomp program, an array
 * of struct sock_filter. --phases shows where the time goes.
 *
 * It works in network and mount namespaces of its own and leaves nothing. cgroup v1 only, as on the machine it was written for.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"

enum {
	MARKS = 48,
	REPEAT_MAX = 10000,
	AFTERMATH_US = 50000 /* the last namespace is taken down meanwhile */,
	CLASSIC_REC = 0x4000,
	CLASSIC_SLAVE = 1 << 19
};

struct wish wish;

void die(const char *format, ...)
{
	va_list args;
	int e = errno;

	va_start(args, format);
	fprintf(stderr, "floor: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, ": %s\n", strerror(e));
	va_end(args);
	_exit(1);
}

int must(long r, const char *what)
{
	if (r < 0)
		die("%s", what);
	return (int)r;
}

double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* --- where the time goes: moments that the processes of one pod leave in a shared page ------------------------------------ */

struct mark {
	const char *name; /* of the program's text, the same in every process */
	double at;
	int who;
};
static struct {
	int n;
	struct mark at[MARKS];
} * marks;

void mark(int who, const char *name)
{
	int i = wish.phases ? __atomic_fetch_add(&marks->n, 1, __ATOMIC_RELAXED) : MARKS;

	if (i < MARKS)
		marks->at[i] = (struct mark){ name, now_ms(), who };
}

/* --- the pod's process ------------------------------------------------------------------------------------------------------ */

static int make_directory(const char *below)
{
	char path[PATH_SIZE + 16];

	snprintf(path, sizeof(path), "%s/%s", wish.dir, below);
	must(mkdir(path, 0755), path);
	return must(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path);
}

/* The pod's files in memory ("run"), what its containers write on the disk ("pod"). */
static void prepare(struct prepared *p)
{
	static const char *const files[] = { "hosts", "hostname", "resolv.conf", "termination-a",
					     "termination-b" };
	int disk = make_directory("pod");
	char path[64];

	p->pods = make_directory("run/pod");
	for (int i = 0; !wish.bare && i < 5; i++) {
		int fd = must(openat(p->pods, files[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644),
			      files[i]);
		must(write(fd, "127.0.0.1 localhost\n", 20), files[i]);
		close(fd);
	}
	must(mkdirat(disk, "volume", 0777), "volume");
	p->volume = copy_mount(disk, "volume");
	if (!wish.bare)
		p->shm = new_mount("tmpfs", MOUNT_ATTR_NOSUID,
				   (const char *[]){ "mode", "1777", "size", "64m", NULL }, NULL);
	for (int c = 0; c < CONTAINERS; c++) {
		const char *const names[] = { "upper-%c", "work-%c", "root-%c" };
		for (int i = 0; i < 3; i++) {
			snprintf(path, sizeof(path), names[i], 'a' + c);
			must(mkdirat(i < 2 ? disk : p->pods, path, 0755), path);
		}
		snprintf(p->root[c], sizeof(p->root[c]), "%s/run/pod/root-%c", wish.dir, 'a' + c);
		snprintf(p->overlay[c], sizeof(p->overlay[c]),
			 "lowerdir=%s/lower,upperdir=%s/pod/upper-%c,workdir=%s/pod/work-%c,volatile",
			 wish.dir, wish.dir, 'a' + c, wish.dir, 'a' + c);
	}
	close(disk);
	must(sethostname("floor", 5), "sethostname");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return must(remove(path), path);
}

static void remove_files(const char *below)
{
	char path[PATH_SIZE + 16];

	snprintf(path, sizeof(path), "%s/%s", wish.dir, below);
	must(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), path);
}

/* Returns when the program runs: execve closes the pipe's last writer. */
static void start_containers(const struct prepared *p, int tasks[CONTAINERS][HIERARCHIES],
			     int pidfds[CONTAINERS])
{
	int running[2];
	char byte;

	must(pipe2(running, O_CLOEXEC), "pipe");
	for (int c = 0; c < CONTAINERS; c++) {
		struct clone_args args = { .flags = CLONE_PIDFD | CLONE_NEWPID,
					   .pidfd = (uint64_t)(uintptr_t)&pidfds[c],
					   .exit_signal = SIGCHLD };
		if (must(syscall(SYS_clone3, &args, sizeof(args)), "clone3") == 0)
			container_run(p, c, tasks[c]);
	}
	close(running[1]);
	must(read(running[0], &byte, 1), "pipe");
}

static void __attribute__((noreturn)) pod(unsigned number, int control)
{
	static struct prepared prepared;
	int tasks[CONTAINERS][HIERARCHIES], pidfds[CONTAINERS];
	char name[32], byte = 0;

	mark(0, "the pod's process begins");
	struct mnl_socket *host = bus_open(NETLINK_ROUTE), *nf = bus_open(NETLINK_NETFILTER);
	snprintf(name, sizeof(name), "pod%u", number);
	cgroups_make(name, tasks);
	mark(0, "cgroups");
	network_make(host, nf, number);
	prepare(&prepared);
	mark(0, "files");
	start_containers(&prepared, tasks, pidfds);
	mark(0, "both programs run");
	must(write(control, &byte, 1), "control");
	must(read(control, &byte, 1), "control");

	mark(0, "asked to end");
	for (int c = 0; c < CONTAINERS; c++)
		must(syscall(SYS_pidfd_send_signal, pidfds[c], SIGTERM, NULL, 0), "signal");
	for (int status; wait(&status) > 0;)
		if (status != 0)
			die("a container did not run");
	mark(0, "both programs ended");
	port_unpublish(nf);
	close(prepared.volume);
	cgroups_remove(name);
	mark(0, "cgroups removed");
	remove_files("run/pod");
	remove_files("pod");
	mark(0, "files removed");
	/* What is left goes with this process, and nobody need wait for it. */
	must(write(control, &byte, 1), "control");
	mnl_socket_close(nf);
	mark(0, "socket of nftables closed");
	close(prepared.shm);
	mark(0, "shared memory closed");
	_exit(0);
}

/* --- repetitions ------------------------------------------------------------------------------------------------------------- */

static void make_place(const char *program)
{
	static const char *const folders[] = { "run",       "lower",     "lower/bin", "lower/proc",
					       "lower/sys", "lower/dev", "lower/etc", "lower/data" };
	static const char *const files[] = { "lower/etc/hosts", "lower/etc/hostname",
					     "lower/etc/resolv.conf" };
	char path[PATH_SIZE + 64], *command;

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", wish.dir, folders[i]);
		must(mkdir(path, 0755), path);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", wish.dir, files[i]);
		close(must(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644), path));
	}
	snprintf(path, sizeof(path), "%s/run",
		 wish.dir); /* what a system has in memory is in memory here, too */
	must(syscall(SYS_mount, "tmpfs", path, "tmpfs", 0, NULL), path);
	must(asprintf(&command, "cp '%.*sseapod-payload' '%s/lower/bin/pause'",
		      (int)(strrchr(program, '/') - program + 1), program, wish.dir),
	     "memory");
	if (system(command) != 0)
		die("the payload is not beside '%s'", program);
	free(command);
}

/* What every pod finds: the bridge and the table, as after the first pod of a machine. */
static void make_world(void)
{
	must(unshare(CLONE_NEWNET | CLONE_NEWNS), "unshare (it needs root)");
	must(syscall(SYS_mount, NULL, "/", NULL, CLASSIC_REC | CLASSIC_SLAVE, NULL), "propagation");
	if (system("ip link set lo up && ip link add " BRIDGE
		   " type bridge && ip addr add 10.99.0.1/16 dev " BRIDGE " && ip link set " BRIDGE
		   " up && nft 'table inet " TABLE
		   " { map ports { type inet_proto . inet_service : ipv4_addr . inet_service; }; }'") != 0)
		die("the bridge and the table cannot be made");
	cgroups_open();
}

static void remove_world(void)
{
	char command[2 * PATH_SIZE + 32];

	cgroups_close();
	snprintf(command, sizeof(command), "umount '%s/run'; rm -rf '%s'", wish.dir, wish.dir);
	if (system(command) != 0)
		die("'%s' cannot be removed", wish.dir);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *at, unsigned n)
{
	qsort(at, n, sizeof(*at), compare);
	return n % 2 ? at[n / 2] : (at[n / 2 - 1] + at[n / 2]) / 2;
}

static void run_one(unsigned number, double *ready, double *gone)
{
	int pair[2], status;
	char byte = 0;

	marks->n = 0;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
	double begin = now_ms();
	pid_t pid = must(fork(), "fork");
	if (pid == 0) {
		close(pair[0]);
		pod(number, pair[1]);
	}
	close(pair[1]);
	if (read(pair[0], &byte, 1) != 1)
		die("the pod did not become ready");
	*ready = now_ms() - begin;
	begin = now_ms();
	must(write(pair[0], &byte, 1), "control");
	must(read(pair[0], &byte, 1), "control");
	*gone = now_ms() - begin;
	must(waitpid(pid, &status, 0), "wait");
	if (status != 0)
		die("the pod did not end well");
	close(pair[0]);
}

/* Each phase of the last pod: the time since the mark before it of the same process. */
static void print_phases(void)
{
	static const char *const who[] = { "pod", "container a", "container b" };
	double last[1 + CONTAINERS] = {};

	for (int i = 0; i < marks->n && i < MARKS; i++) {
		const struct mark *m = &marks->at[i];
		if (last[m->who] > 0)
			printf("  %-12s %-28s %7.3f ms\n", who[m->who], m->name, m->at - last[m->who]);
		last[m->who] = m->at;
	}
}

static void read_filter(const char *path)
{
	int fd = must(open(path, O_RDONLY | O_CLOEXEC), path);
	static struct sock_fprog filter;
	struct stat st;

	must(fstat(fd, &st), path);
	filter.filter = malloc((size_t)st.st_size);
	must(read(fd, filter.filter, (size_t)st.st_size), path);
	close(fd);
	filter.len = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter));
	wish.filter = &filter;
}

int main(int argc, char **argv)
{
	static double ready[REPEAT_MAX], gone[REPEAT_MAX];
	const char *where = NULL;
	unsigned repeat = 20;

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "--bare") == 0)
			wish.bare = true;
		else if (strcmp(argv[i], "--phases") == 0)
			wish.phases = true;
		else if (strcmp(argv[i], "--repeat") == 0 && value)
			repeat = (unsigned)atoi(argv[++i]);
		else if (strcmp(argv[i], "--filter") == 0 && value)
			read_filter(argv[++i]);
		else if (strcmp(argv[i], "--dir") == 0 && value)
			where = argv[++i];
		else
			repeat = 0;
	}
	if (repeat < 1 || repeat > REPEAT_MAX) {
		fprintf(stderr,
			"usage: floor [--repeat N] [--bare] [--phases] [--filter FILE] [--dir DIR]\n");
		return 2;
	}
	marks = mmap(NULL, sizeof(*marks), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(wish.dir, PATH_SIZE, "%s/seapod-floor-XXXXXX", where ? where : "/tmp");
	if (marks == MAP_FAILED || !mkdtemp(wish.dir))
		die("%s", wish.dir);
	make_world();
	make_place(realpath("/proc/self/exe", NULL));
	for (unsigned i = 0; i < repeat; i++) {
		usleep(AFTERMATH_US);
		run_one(i, &ready[i], &gone[i]);
	}
	if (wish.phases)
		print_phases();
	printf("ready %.3f ms   gone %.3f ms   (median of %u%s)\n", median(ready, repeat),
	       median(gone, repeat), repeat, wish.bare ? ", bare" : "");
	remove_world();
	return 0;
}
