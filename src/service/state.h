/* state.h — the Services that forward, as they are in the kernel: RUN/services.
 *
 *	lock                          flock(2): who changes any of it, and what is in the kernel; its text: whether a change was left half done, and
 *	                              which number is next
 *	state/<namespace>/<name>      a Service as it was put into effect, with its ports' numbers (JSON)
 *	by-label/<namespace>/<hash>/<name>   an empty file: whose selector has this label. A pod looks only where its own labels lead
 *	slots/<number>                slots.h
 *	pods/<uid>                    backend.h
 *
 * All of it follows from the stored Services and the pods that live, and can be made anew at any time (forward.h).
 */
#pragma once

#include "api/service.h"
#include "base/instance.h"

struct forward_port {
	const char *name, *protocol;
	int32_t port, nodePort; /* nodePort 0: none */
	struct int_or_string targetPort;
	int64_t number, number6; /* 0: not of this family */
};

struct forward {
	const char *name, *namespace;
	struct string_map selector;
	bool notReadyToo;
	int32_t stickySeconds;               /* 0: without affinity */
	struct strings addresses, externals; /* of Services; externalIPs */
	const char *label;                   /* the directory in by-label */
	struct LIST(struct forward_port) ports;
};

struct forwards LIST(struct forward);

struct service_lock {
	int fd;
	bool dirty;    /* the last one who held it was killed in the midst of a change */
	uint32_t next; /* the next number */
};

/* Waits for it. RUN/services is made if missing. */
int service_lock(const struct instance *in, struct service_lock *l, struct error *err);
void service_unlock(struct service_lock *l);
void service_set_dirty(struct service_lock *l, bool dirty);

/* A number that nothing has. */
uint32_t service_number(struct service_lock *l);

/* False: it is not there. */
bool forward_read(const struct instance *in, const char *namespace, const char *name, struct arena *a,
		  struct forward *out);
int forwards_list(const struct instance *in, struct arena *a, struct forwards *out, struct error *err);

/* Writes F, and its place in by-label: F->label is chosen if it is NULL. */
int forward_write(const struct instance *in, struct forward *f, struct arena *a, struct error *err);
void forward_remove(const struct instance *in, const struct forward *f);

/* Those of NAMESPACE whose selectors may choose a pod of LABELS; each once. */
void forwards_by_labels(const struct instance *in, const char *namespace, const struct string_map *labels,
			struct arena *a, struct forwards *out);

bool forward_selects(const struct forward *f, const struct string_map *labels);

/* True if what is in RUN/services is whole: false after a boot. */
bool services_are_known(const struct instance *in);

/* True if no Service forwards. */
bool forwards_are_none(const struct instance *in);
