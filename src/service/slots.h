/* slots.h — which pods are behind a port of a Service: RUN/services/slots/<number>, an array of records in the order of their slots.
 *
 * Kernel and file say the same; the file is there so that the change of one pod is found without asking the kernel for all. Who changes it holds the lock
 * of the Services (state.h).
 */
#pragma once

#include <stdint.h>

#include "base/instance.h"
#include "base/memory.h"

enum { SLOTS_MAX = 4096, SLOT_UID_SIZE = 40 };

struct slot {
	char uid[SLOT_UID_SIZE]; /* the pod's */
	uint32_t pod;            /* its number in `ids` and `live` */
	uint16_t port;           /* host byte order */
	uint8_t six, unused;
	unsigned char address[16]; /* network byte order; IPv4: the first four bytes */
};

struct slots LIST(struct slot);

/* None is as good as an empty one. In A. */
void slots_read(const struct instance *in, uint32_t number, struct arena *a, struct slots *out);

/* What of NOW is not so in BEFORE; a file of nobody goes. */
int slots_write(const struct instance *in, uint32_t number, const struct slots *before,
		const struct slots *now, struct error *err);

/* Another list with the same in it, to be changed. */
void slots_copy(const struct slots *s, struct arena *a, struct slots *out);

/* The one of the pod UID; NULL: it is not there. */
struct slot *slots_find(const struct slots *s, const char *uid);

/* The last one takes its place, so that no slot before the last is ever empty. */
void slots_remove(struct slots *s, struct slot *slot);
