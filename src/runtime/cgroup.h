/* cgroup.h — the control group of one container, at the place that its configuration names, in every hierarchy of the machine.
 *
 * (linux/cgroup.h is for pods: an instance's own tree, and few controllers.) Version 1 has a hierarchy a controller, and the path is made in
 * each of them; version 2 has one. All files are reached through descriptors of the directories. runtime-spec config-linux.md "Control
 * groups"; cgroups(7); Documentation/admin-guide/cgroup-v{1,2}.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "linux/cgroup_file.h"
#include "runtime/config.h"

struct oci_hierarchy {
	const char *controllers; /* v1: "cpu,cpuacct", "name=systemd"; v2: "" */
	const char *mount;       /* "/sys/fs/cgroup/memory" */
	int dir;                 /* the container's directory, -1: not open */
	bool unified;            /* version 2 */
	bool made;               /* by us, just now */
};

struct oci_cgroup {
	struct arena *arena;
	const char *path; /* "/machine/x", below each mount */
	bool v2;          /* the controllers are in the unified hierarchy */
	bool tracked; /* by systemd, which counts a unit's processes in the unified hierarchy where there is one beside version 1 */
	struct LIST(struct oci_hierarchy) all;
};

/* Finds the hierarchies; nothing is opened. PATH as in cgroupsPath (a relative one is below the roots). */
int oci_cgroup_find(struct oci_cgroup *g, const char *path, struct arena *a, struct error *err);

/* Opens the directories, making them if MAKE; without it, those that are missing stay closed. */
int oci_cgroup_open(struct oci_cgroup *g, bool make, struct error *err);
/* Only the hierarchy of CONTROLLER. */
int oci_cgroup_open_only(struct oci_cgroup *g, const char *controller, struct error *err);

/* Opens and makes them for a new container. -EBUSY: there is such a cgroup and it has processes or is frozen (config-linux.md "Control
 * groups": a container would be mixed up with another, or never run); nothing is changed then. */
int oci_cgroup_claim(struct oci_cgroup *g, struct error *err);
void oci_cgroup_close(struct oci_cgroup *g);

/* Whether there is any process in it or below. */
bool oci_cgroup_is_empty(const struct oci_cgroup *g);

/* Sets what R has. DEVICES: its rules for devices, too, which are for a new cgroup only. */
int oci_cgroup_set(const struct oci_cgroup *g, const struct config_resources *r, bool devices,
		   struct error *err);

/* For container.h: v1 `tasks` files (at most MAX; the caller closes them), v2: the directory (not to be closed), else -1. */
int oci_cgroup_tasks(const struct oci_cgroup *g, int *fds, int max);
int oci_cgroup_directory(const struct oci_cgroup *g);

int oci_cgroup_freeze(const struct oci_cgroup *g, bool freeze, struct error *err);
bool oci_cgroup_is_frozen(const struct oci_cgroup *g);

/* Every process of it and below, as the caller sees them. */
struct pids LIST(int);
int oci_cgroup_pids(const struct oci_cgroup *g, struct arena *a, struct pids *pids, struct error *err);
int oci_cgroup_signal(const struct oci_cgroup *g, int number, struct error *err);

/* Kills what is in it and removes it. A cgroup that is not there is fine. */
int oci_cgroup_remove(struct oci_cgroup *g, struct error *err);

/* What `events` prints as "data". */
struct node *oci_cgroup_stats(const struct oci_cgroup *g, struct arena *a);

/* The directory of the hierarchy that has CONTROLLER (v2: the only one); -1: none. */
int oci_cgroup_dir(const struct oci_cgroup *g, const char *controller);
