/* instance.h — which Seapod this is: two directories, and the names that follow from them.
 *
 * Two instances with different directories do not see or disturb each other: everything that the kernel names for the
 * whole machine (bridge, nftables table, cgroup) gets a name that follows from the directories. The default
 * directories give the plain names; others get a tag of 8 hexadecimal digits, a hash of both paths.
 *
 *	                   /var/lib/seapod + /run/seapod     others
 *	bridge             seapod0                           sp<tag>
 *	nftables table     inet seapod                       inet seapod_<tag>
 *	cgroup             seapod                            seapod-<tag>
 *	container logs     /var/log/pods                     ROOT/log/pods
 */
#pragma once

#include "base/error.h"

enum { INSTANCE_TAG_SIZE = 9, INSTANCE_NAME_SIZE = 24 };

#define INSTANCE_ROOT "/var/lib/seapod"
#define INSTANCE_RUN  "/run/seapod"

struct instance {
	char *root, *run, *log;      /* absolute paths, on the heap */
	int rootfd, runfd;           /* the first two opened */
	char tag[INSTANCE_TAG_SIZE]; /* "" for the default */
	char bridge[INSTANCE_NAME_SIZE];
	char table[INSTANCE_NAME_SIZE];
	char cgroup[INSTANCE_NAME_SIZE];
};

/* ROOT and RUN: NULL for $SEAPOD_ROOT and $SEAPOD_RUN, and without those the defaults. Makes both directories
 * (0711 and 0711) if missing. Relative paths are taken from the current directory. */
int instance_open(struct instance *in, const char *root, const char *run, struct error *err);
void instance_close(struct instance *in);

/* Where the program's other executables are (seapod-keeper, seapod-image …): beside this program in a build tree,
 * libexec otherwise. Writes NAME's full path to PATH. */
void instance_helper(const char *name, char path[static PATH_MAX]);

/* Tells instance_helper where this program is, when it runs from a mount that has no path (a keeper does): PATH is kept by pointer. */
void instance_program(const char *path);
