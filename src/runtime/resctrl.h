/* resctrl.h — a container's share of caches and memory bandwidth: linux.intelRdt (runtime-spec config-linux.md "IntelRdt"; the kernel's
 * Documentation/filesystems/resctrl.rst).
 *
 * A class of service is a directory of the resctrl file system: its `schemata` is what it may use, its `tasks` is who is in it; a monitoring
 * group is a directory below its mon_groups. A class that the configuration names is the machine's: it is made when it is missing, and stays.
 * One that it does not name is called as the container and goes with it, as the monitoring group always does.
 */
#pragma once

#include <sys/types.h>

#include "runtime/config.h"

struct resctrl {
	int root; /* of the mounted file system; owned; -1: the container has nothing to do with it */
	const struct config_intel_rdt *config;
	const char *id;
	bool made_class, made_monitor; /* by resctrl_make */
};

#define RESCTRL_NONE ((struct resctrl){ .root = -1 })

/* What no table can say of the configuration. Pure. */
int resctrl_check(const struct config_intel_rdt *config, struct error *err);

/* Does the file HAVE (lines like "    L3:0=fff;1=fff") say of each domain what WANTED ("L3:0=0fff") does? Pure. */
bool resctrl_agrees(const char *wanted, const char *have);

/* Opens the mounted file system; CONFIG NULL: R stays RESCTRL_NONE. */
int resctrl_open(struct resctrl *r, const struct config_intel_rdt *config, const char *id, struct error *err);

/* Makes class and monitoring group, or makes sure of the class that is there. After an error resctrl_undo takes back what was made. */
int resctrl_make(struct resctrl *r, struct error *err);
void resctrl_undo(struct resctrl *r);

/* Puts the process PID into them. Its children follow. */
int resctrl_enter(const struct resctrl *r, pid_t pid, struct error *err);

/* Removes what is the container's own. */
int resctrl_remove(const struct resctrl *r, struct error *err);

void resctrl_close(struct resctrl *r);
