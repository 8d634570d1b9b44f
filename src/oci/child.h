/* child.h — carries out a plan; what runs between clone and execve.
 *
 * Nothing here allocates, locks or decides. The first step that fails ends it: its sentence goes to the parent in one write. The steps are
 * in files: child.c (kinship), child_namespaces.c, child_files.c (the view of files), child_identity.c (who the process is, and
 * execve), child_schedule.c (how it is run), child_hook.c.
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
	int label;          /* the file of /proc/self/attr */
	mode_t umask;       /* the caller's */
	bool in_cwd, is_user;
};

/* An error of this code is not one: the descriptor of a filter's listener comes with it. */
enum { REPORT_LISTENER = -1, REPORT_BORN = -2 /* its text is the number of the child, an int */ };

/* Carries out PLAN; never returns. */
void __attribute__((noreturn)) child_run(const struct plan *plan, int sync);

/* --- one function a step; 0 or negative with a sentence; not for others --- */

typedef int step_function(struct child *c, const struct step *s, struct error *err);

/* What execve(2) says, as a sentence. Negative. */
int child_not_executed(int why, const char *name, struct error *err);
int child_no_loader(const char *name, struct error *err);

/* Loads F, which has SECCOMP_FILTER_FLAG_NEW_LISTENER, and sends the listener to the parent. */
int child_filter_listening(struct child *c, const struct oci_filter *f, struct error *err);

step_function child_open, child_leave, child_root_open, child_root_overlay, child_root_bind,
	child_root_attach, child_attach, child_device, child_device_file, child_link, child_console,
	child_readonly, child_mask, child_make_cwd, child_change_root, child_root_readonly,
	child_root_propagation;
step_function child_be_root, child_enter, child_namespaces, child_time, child_hostname, child_domainname,
	child_loopback, child_sysctl, child_hook;
step_function child_scheduler, child_io_priority, child_personality, child_memory_policy, child_affinity,
	child_label_open, child_label;
step_function child_rlimit, child_oom_score, child_stdio, child_bound, child_cwd, child_user,
	child_no_new_privs, child_capabilities, child_filter, child_find, child_execute;
step_function child_forget, child_birth;
