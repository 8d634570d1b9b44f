/* change.h — one change of what is forwarded: gathered first, then carried out as a whole. What forward.c is made of; not for others.
 *
 *	change_begin     takes the lock; what a killed one left half done is put right
 *	change_port …    adds what is different to the transaction
 *	change_end       the transaction, then the files
 */
#pragma once

#include "linux/netlink.h"
#include "net/transaction.h"
#include "service/backend.h"
#include "service/rules.h"
#include "service/slots.h"
#include "service/state.h"

/* The slots of a number, as they were and as they will be. */
struct slots_change {
	uint32_t number;
	struct slots before, now;
};

/* Where UDP went that goes elsewhere now. */
struct old_flow {
	bool six;
	unsigned char address[16];
	uint16_t port;
};

struct change {
	const struct instance *in;
	struct netlink *nf;
	struct arena *arena;
	struct service_lock lock;
	struct transaction transaction;
	char table[TABLE_NAME_SIZE];
	struct LIST(struct slots_change) slots;
	struct LIST(struct old_flow) flows;
};

int change_begin(struct change *c, const struct instance *in, struct netlink *nf, struct error *err);
int change_end(struct change *c, struct error *err);
void change_free(struct change *c);

/* One family of a port: OLD and its slots BEFORE (number 0: it was not there) become NEW and NOW. */
struct port_change {
	const struct forward *old_service, *service;
	const struct forward_port *old, *port;
	bool six;
	struct slots before, now;
};
void change_port(struct change *c, const struct port_change *p);

/* The slot that B has behind PORT of F. False: it is none of its endpoints. */
bool slot_of(const struct forward *f, const struct forward_port *port, bool six, const struct backend *b,
	     struct slot *out);
bool slot_is_same(const struct slot *a, const struct slot *b);

/* All elements anew, from state/ and the pods. */
int change_refill(struct change *c, struct error *err);

static inline uint32_t port_number(const struct forward_port *port, bool six)
{
	return port ? (uint32_t)(six ? port->number6 : port->number) : 0;
}
