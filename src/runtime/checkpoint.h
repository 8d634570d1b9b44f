/* checkpoint.h — containers as files: what criu has to know of them to write a running one down and to make it again.
 *
 * What belongs to the container is criu's: processes, memory, open files, sockets, namespaces, file systems in memory. What comes from outside
 * is named when it is written down ("external") and given again when it is restored: the sources of binds, control groups, a network
 * namespace that somebody else made, pipes and files that are standard input and output. The names are runc's. IMAGES has criu's files and
 * descriptors.json, a list of what 0, 1 and 2 were.
 */
#pragma once

#include "runtime/bundle.h"
#include "runtime/criu.h"
#include "runtime/runtime.h"

/* What checkpoint and restore share of their command lines. */
struct oci_criu_wish {
	const char *criu;         /* the program, or NULL */
	const char *images;       /* the directory; checkpoint makes it when it is missing */
	const char *work;         /* a directory for logs; NULL: IMAGES */
	const char *parent;       /* images of a checkpoint before, relative to IMAGES, or NULL */
	const char *cgroups_mode; /* NULL, "soft", "full", "strict", "ignore" */
	bool leave_running, pre_dump;
	bool tcp_established, ext_unix_sk, shell_job, file_locks, auto_dedup, empty_network;
};

/* Writes down the container ID, and removes it unless it is to go on. */
int oci_checkpoint(int rootfd, const char *id, const struct oci_criu_wish *wish,
		   void (*warn)(const char *text), struct error *err);

/* Makes the processes of a container that was written down: with the bundle B and its cgroup, on MOUNT_POINT, a directory that is only to
 * be there. P is the first of them. */
int oci_restore_processes(const struct oci_criu_wish *wish, struct oci_bundle *b, const char *mount_point,
			  struct oci_io *io, struct container_process *p, struct error *err);

/* --- shared --- */

struct checkpoint_files { /* descriptors and paths of the wish's directories */
	int images, work;
	const char *log;
};

/* Opens the directories and begins the call C, of which the kind is there, with what both directions need. */
int checkpoint_begin(struct criu_call *c, const struct oci_criu_wish *wish, struct checkpoint_files *files,
		     const char *log, struct error *err);
void checkpoint_end(struct criu_call *c, struct checkpoint_files *files);

/* Is the mount M of the configuration a bind? */
bool checkpoint_is_bind(const struct config_mount *m);

/* The name of the external namespace TYPE ("network", "pid"), NULL: criu has other means for it. */
const char *checkpoint_namespace_key(const char *type);
