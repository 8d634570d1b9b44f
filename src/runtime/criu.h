/* criu.h — a conversation with the program criu, which takes running processes apart into files and makes them again from these.
 *
 *	us ── request: what to do, options ──► criu swrk 3
 *	   ◄── notices (a terminal's master, "there is a process") ── answered each
 *	   ◄── the answer
 *
 * `criu swrk` is asked over a socket (criu's images/rpc.proto) because its command line cannot hand back the master of a terminal and the process that
 * was made is our child then. The messages are Protocol Buffers: fields of numbers and of bytes, few enough to be written and read here.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/memory.h"
#include "base/text.h"
#include "runtime/cgroup.h"

/* criu_opts of rpc.proto, as far as it is used. */
enum criu_option {
	CRIU_IMAGES_DIR_FD = 1,
	CRIU_PID = 2,
	CRIU_LEAVE_RUNNING = 3,
	CRIU_EXT_UNIX_SK = 4,
	CRIU_TCP_ESTABLISHED = 5,
	CRIU_EVASIVE_DEVICES = 6,
	CRIU_SHELL_JOB = 7,
	CRIU_FILE_LOCKS = 8,
	CRIU_LOG_LEVEL = 9,
	CRIU_LOG_FILE = 10,
	CRIU_NOTIFY_SCRIPTS = 12,
	CRIU_ROOT = 13,
	CRIU_PARENT_IMG = 14,
	CRIU_TRACK_MEM = 15,
	CRIU_AUTO_DEDUP = 16,
	CRIU_WORK_DIR_FD = 17,
	CRIU_EXT_MNT = 23,
	CRIU_MANAGE_CGROUPS = 24,
	CRIU_CG_ROOT = 25,
	CRIU_RST_SIBLING = 26,
	CRIU_INHERIT_FD = 27,
	CRIU_MANAGE_CGROUPS_MODE = 34,
	CRIU_EXTERNAL = 37,
	CRIU_EMPTY_NS = 38,
	CRIU_JOIN_NS = 39,
	CRIU_FREEZE_CGROUP = 44,
	CRIU_ORPHAN_PTS_MASTER = 50,
};

enum criu_kind { CRIU_DUMP = 1, CRIU_RESTORE = 2, CRIU_SINGLE_PRE_DUMP = 13 };

struct criu_call {
	const char *program; /* NULL: criu along PATH */
	enum criu_kind kind;
	struct text options;
	struct LIST(int) fds; /* criu has them from CRIU_FIRST_FD on; not owned */
	struct arena *arena;
	const struct oci_cgroup *cgroup; /* where criu, and what it makes, begins; NULL: in ours */
	const char *log;                 /* its path, for errors */

	/* A notice. MASTER: of a terminal, owned by the callee, or -1. A negative answer ends the conversation. NULL: all are fine. */
	int (*notice)(void *context, const char *script, int master, struct error *err);
	void *context;
	pid_t pid; /* of the process that was restored */
};

enum { CRIU_FIRST_FD = 4 };

/* Options, in the order in which criu is to read them. */
void criu_number(struct criu_call *c, enum criu_option option, uint64_t value);
void criu_text(struct criu_call *c, enum criu_option option, const char *value);
/* Those that consist of two texts. */
void criu_pair(struct criu_call *c, enum criu_option option, const char *first, const char *second);
/* FD is what was KEY when the process was taken apart. */
void criu_inherit(struct criu_call *c, const char *key, int fd);

/* Does it. The error has the last one of criu's log. */
int criu_call(struct criu_call *c, struct error *err);
void criu_close(struct criu_call *c);

/* --- for tests --- */

struct criu_answer {
	uint64_t kind, success, pid;
	char script[64], message[256];
};

/* Reads a message of criu's; false: it is damaged. */
bool criu_read_answer(const void *bytes, size_t size, struct criu_answer *a);
