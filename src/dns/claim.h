/* claim.h — one server for an instance: RUN/dns, whose lock is the claim and whose text says who has it ("<pid> pods" or "<pid> service").
 *
 * The lock goes with the process, however it ends (fcntl_locking(2), F_OFD_SETLK). A server that a person starts takes the place of one that came for
 * pods; one that is to come for pods and finds another is not needed.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/instance.h"

/* Claims it: a descriptor to be kept. -EBUSY: another one has it, and err says which. */
int dns_claim(const struct instance *in, bool on_demand, struct error *err);

/* Who has it: its pid, and whether it came for pods; 0: nobody. */
pid_t dns_claim_look(const struct instance *in, bool *on_demand);
