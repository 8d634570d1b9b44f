/* bundle.h — a bundle: config.json and what the executor makes of it.
 *
 *	config.json ── config.h ──► oci_config ── here ──► oci_spec ── container.h ──► process
 *
 * What only the host's root may open (sources of binds, the root, namespaces, devices) is opened here, before the clone: in a user namespace
 * the container's own root may not, and a path is resolved once. All memory is the bundle's arena's; its descriptors are closed with it.
 */
#pragma once

#include "oci/container.h"
#include "oci/seccomp.h"
#include "runtime/cgroup.h"
#include "runtime/config.h"

struct oci_bundle {
	struct arena *arena;
	const char *dir; /* absolute */
	const char *id;
	const char *config_text;
	size_t config_size;
	struct oci_config config;
	struct oci_spec spec;
	struct LIST(int) fds; /* closed with the bundle */
	int pid_namespace;    /* one that exists, or -1 */
	bool rootless;        /* in another user namespace than the machine's */
	int devpts;           /* of the container's terminals, or -1 */
	struct LIST(const char *) warnings;
	struct seccomp_filter filter;
	int cache;                       /* a directory for compiled seccomp filters; not owned */
	const struct oci_cgroup *cgroup; /* open; not owned */
};

/* Reads DIR/config.json (or TEXT, when not NULL: a copy that was kept) into *B, which is to be closed. */
int oci_bundle_open(struct oci_bundle *b, const char *dir, const char *id, const char *text, size_t size,
		    struct error *err);
void oci_bundle_close(struct oci_bundle *b);

/* For a caller who is not root: moves this process into the user namespace of the configuration (rootless.h). Before anything is made. */
int oci_bundle_enter(struct oci_bundle *b, struct error *err);

/* Fills b->spec from b->config. */
int oci_bundle_spec(struct oci_bundle *b, struct error *err);

/* Fills *TO from a process of the configuration (exec has its own). */
int oci_bundle_process(struct oci_bundle *b, const struct config_process *from, struct oci_process *to,
		       struct error *err);

/* The CPUs of an exec (execCPUAffinity is not for the first process). */
int oci_bundle_affinity(struct oci_bundle *b, const struct config_process *from, struct oci_process *to,
			struct error *err);

/* --- parts, not for others --- */

bool bundle_visits(const struct oci_bundle *b); /* does it join a mount namespace? */
int bundle_mounts(struct oci_bundle *b, struct error *err);
int bundle_cgroup_mounts(struct oci_bundle *b, const struct oci_mount *m, size_t i, struct error *err);
int bundle_devices(struct oci_bundle *b, struct error *err);
int bundle_namespaces(struct oci_bundle *b, struct error *err);
int bundle_sysctls(struct oci_bundle *b, struct error *err);
int bundle_filter(struct oci_bundle *b, uint64_t capabilities, struct error *err);
const struct config_linux *bundle_linux(const struct oci_bundle *b);
void bundle_warn(struct oci_bundle *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
int bundle_keep(struct oci_bundle *b, int fd); /* FD, closed with the bundle */

/* The id on the host of ID in the container; -1: not mapped. Without a new user namespace ID itself. */
int64_t bundle_host_id(const struct id_mappings *map, int64_t id);
