/* record.h — an endpoint's facts, as they lie beside its claim: enough to make all that the kernel knows of it anew.
 *
 * RUN/networks/<network>/<address>, JSON:
 *
 *	{"pod":"web","namespace":"default","uid":"…","keeper":1234,"address":"10.139.0.2","link":"seapodv2","interface":"eth0",
 *	 "ports":[{"protocol":"TCP","hostIP":"127.0.0.1","hostPort":8080,"containerPort":80}]}
 *
 * Readers take it from files whose lock is held, so a record never outlives its keeper (pool.h). One that is just being written is empty and
 * passed over.
 */
#pragma once

#include <netinet/in.h>

#include "net/pool.h"
#include "object/field.h"

struct port_record {
	const char *protocol; /* TCP, UDP, SCTP */
	const char *hostIP;   /* NULL: every address of the host */
	int32_t hostPort, containerPort;
	int32_t count; /* 0: one; else that many in a row, each to the pod's port of the same number */
};

struct endpoint_record {
	const char *pod, *namespace, *uid;
	int32_t keeper; /* its pid, whose network namespace is the pod's */
	const char *address, *link;
	const char *address6;  /* NULL: none */
	const char *interface; /* the link's name in the pod */
	bool gateway;          /* its default route goes here */
	struct strings aliases;
	int64_t ingress, egress; /* bytes a second into the pod and out of it; 0: no limit */
	struct LIST(struct port_record) ports;
};

struct endpoint_records LIST(struct endpoint_record);

extern const struct table endpoint_record_table;

/* Writes R into the file that is the claim. */
int record_write(int claim, const struct endpoint_record *r, struct error *err);

/* Reads it; false: nothing is there (yet). */
bool record_read(int fd, struct endpoint_record *r, struct arena *a);

/* Those of all endpoints whose keepers live, sorted by address. REMOVE: the files of others are removed. */
int records_list(int pool, bool remove, struct arena *a, struct endpoint_records *out, struct error *err);

/* "web", or "kube-system/web" of another namespace than the default one. */
const char *record_pod_name(const struct endpoint_record *r, struct arena *a);
