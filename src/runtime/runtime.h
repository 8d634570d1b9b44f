/* runtime.h — the operations of the runtime specification (runtime.md "Operations"), and exec.
 *
 *	create ── claim id ─ cgroup ─ bundle ─ clone ─ hooks ─ record ─ release ──► the process waits at ROOT/<id>/start
 *	start  ── connect ──► startContainer hooks, execve ── poststart hooks
 *	delete ── cgroup, record ── poststop hooks
 *
 * Each undoes what it made when it fails. None prints.
 */
#pragma once

#include "oci/container.h"
#include "runtime/cgroup.h"
#include "runtime/state.h"
#include "runtime/terminal.h"

/* What create, run and exec share of their command lines. */
struct oci_io {
	const char *console_socket, *pid_file; /* NULL: none */
	unsigned preserve_fds;
	bool no_new_keyring;
	bool keep_terminal; /* the terminal is given back, not sent */
	struct oci_terminal terminal;
};

struct oci_create_wish {
	const char *id, *bundle;
	bool no_pivot;
	bool systemd_cgroup; /* cgroupsPath names a unit of systemd's */
	const struct oci_criu_wish
		*restore; /* checkpoint.h: its processes come from files; NULL: a new one */
	struct oci_io io;
	void (*warn)(const char *text);
};

/* Creates a container; P is its process, which waits (P is closed by the caller; the process lives on). */
int oci_create(int rootfd, struct oci_create_wish *wish, struct container_process *p, struct error *err);

/* Lets ID's process execute its program. -EPERM with a sentence when it is not `created`. */
int oci_start(int rootfd, const char *id, void (*warn)(const char *text), struct error *err);

/* Sends the signal NUMBER; ALL: to every process of the container. */
int oci_kill(int rootfd, const char *id, int number, bool all, struct error *err);

/* FORCE: whatever its status, and it is fine when there is none. */
int oci_delete(int rootfd, const char *id, bool force, void (*warn)(const char *text), struct error *err);

struct oci_exec_wish {
	const char *id;
	const char *process; /* a file with a process, or NULL: the container's own with what follows */
	struct strings args, env, caps;
	const char *cwd;
	struct optional_int uid, gid;
	struct ints groups;
	bool terminal, no_new_privileges, ignore_paused;
	struct oci_io io;
	void (*warn)(const char *text);
};

int oci_exec(int rootfd, struct oci_exec_wish *wish, struct container_process *p, struct error *err);

int oci_pause(int rootfd, const char *id, bool pause, struct error *err);

/* Sets R, which has only what is to be changed. */
int oci_update(int rootfd, const char *id, const struct config_resources *r, struct error *err);

/* The cgroup of the container S, open. */
int oci_container_cgroup(struct oci_state *s, struct oci_cgroup *g, struct error *err);

/* Waits for the next report of P, however long it takes. */
int oci_report(struct container_process *p, struct error *err);

/* "KILL", "SIGKILL", "9", "RTMIN+1"; -EINVAL. */
int oci_signal_number(const char *name);
