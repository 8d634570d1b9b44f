/* floor.h — the rooms of the yardstick (floor.c). Everything here ends the process when the kernel says no. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CONTAINERS = 2, HIERARCHIES = 6, PATH_SIZE = 1000 };

/* What is to be left out, or added (the options of floor.c). */
struct wish {
	bool bare, phases;
	struct sock_fprog *filter;
	char dir[PATH_SIZE];
};
extern struct wish wish;

void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* R, the result of a system call that must not fail. */
int must(long r, const char *what);

double now_ms(void);

/* A moment in the life of a pod (--phases). WHO: 0 the pod's process, 1 and 2 the containers'; NAME: a literal. */
void mark(int who, const char *name);

/* --- floor_cgroup.c --- */

/* Opens, and makes, the place of our cgroups in each hierarchy. */
void cgroups_open(void);
void cgroups_close(void);

/* Makes the cgroup POD and those of its containers, with limits; TASKS are the files by which processes enter. */
void cgroups_make(const char *pod, int tasks[CONTAINERS][HIERARCHIES]);
void cgroups_remove(const char *pod);

/* --- floor_network.c --- */

#define BRIDGE "spfloor0"
#define TABLE  "spfloor"
struct mnl_socket;

struct mnl_socket *bus_open(int number);

/* Moves the caller into new net, uts and ipc namespaces and connects it: veth, address, route, published port. */
void network_make(struct mnl_socket *host, struct mnl_socket *nf, unsigned number);
void port_unpublish(struct mnl_socket *nf);

/* --- floor_container.c --- */

/* What the pod's process has prepared for its containers. */
struct prepared {
	int pods, volume, shm; /* descriptors: the pod's directory, the volume, the shared memory */
	char overlay[CONTAINERS][4 * PATH_SIZE];
	char root[CONTAINERS][PATH_SIZE + 16];
};

/* A detached new mount; OPTIONS are pairs, NULL at the end. */
int new_mount(const char *type, uint64_t attributes, const char *const *options, const char *flag);

/* A detached copy of the mount at PATH below AT. */
int copy_mount(int at, const char *path);

/* From a fresh process to the container's program. */
void container_run(const struct prepared *p, int which, const int tasks[HIERARCHIES])
	__attribute__((noreturn));
