/* child.h — carries out a plan; what runs between clone and execve.
 *
 * Nothing here allocates, locks or decides. The first step that fails ends it: its sentence goes to the parent in one write. The steps are
 * in three files: child.c (kinship, namespaces), child_files.c (the view of files), child_identity.c (who the process is, and execve).
 */
#pragma once

#include "oci/plan.h"

struct child {
	const struct plan *plan;
	int sync;           /* reports go here, the start comes from here */
	int root;           /* the container's root */
	bool root_attached; /* mount(2) has done it already */
	int dev;            /* the /dev that is being filled */
	int null, empty;    /* what hides files and directories */
	bool in_cwd, is_user;
};

/* Carries out PLAN; never returns. */
void __attribute__((noreturn)) child_run(const struct plan *plan, int sync);

/* --- one function a step; 0 or negative with a sentence; not for others --- */

typedef int step_function(struct child *c, const struct step *s, struct error *err);

step_function child_open, child_leave, child_root_overlay, child_root_bind, child_root_attach, child_attach,
	child_device, child_link, child_console, child_readonly, child_mask, child_make_cwd,
	child_change_root, child_root_readonly, child_root_propagation;
step_function child_rlimit, child_oom_score, child_stdio, child_bound, child_cwd, child_user,
	child_no_new_privs, child_capabilities, child_filter, child_execute;
