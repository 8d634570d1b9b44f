/* runtime_parts.h — what the files runtime*.c share. */
#pragma once

#include "runtime/bundle.h"
#include "runtime/runtime.h"
#include "runtime/systemd.h"

/* The state as one line of JSON; free(3) it. */
char *runtime_state_text(const struct oci_state *s, const char *status);

/* The bundle as it was when S was created. */
int runtime_open_saved(struct oci_state *s, struct oci_bundle *b, struct error *err);

/* The container's process as a pidfd: its number is looked at again when the descriptor holds it. -ESRCH: it has ended. */
int runtime_process(struct oci_state *s, struct error *err);

/* Where the cgroup of the container ID is; without systemd. */
const char *runtime_cgroup_path(const struct oci_bundle *b, const char *id);

/* The unit of the container S, when it has one. */
bool runtime_unit(const struct oci_state *s, struct oci_unit *unit);

/* Waits until P, whose id is PID, has executed its program; the agent gets the listener of its filter, when it has one. */
int runtime_report_executed(const struct oci_state *s, const struct oci_bundle *b,
			    struct container_process *p, pid_t pid, struct error *err);

int runtime_check_preserved(unsigned n, struct error *err);
int runtime_write_pid_file(const char *path, pid_t pid, struct error *err);

/* What is to be done with io->terminal before a process P of the user OWNER (on the host) has it. */
int runtime_open_terminal(struct oci_io *io, const struct config_process *p, uid_t owner, struct error *err);
