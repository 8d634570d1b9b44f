/* forward.h — Services and pods come together: who is a Service's endpoint, in files and in the kernel, each change in one transaction.
 *
 * There is no process for it. Whoever changes something does what follows from it, with the lock of the Services held: the command that stores or deletes a
 * Service; the keeper whose pod becomes ready or unready, changes its labels or ends; for a keeper that was killed, the one that has the watch
 * (keeper/forwarding.c), and the sweep. A change reads the Services that the pod's labels lead to, or the pods, and nothing else.
 */
#pragma once

#include "linux/netlink.h"
#include "service/backend.h"
#include "service/state.h"

/* --- from the host's network namespace --- */

/* The Service of that name as it is stored now, or is not any more. Nothing of it forwards if it is headless or an ExternalName. */
int service_forward(const struct instance *in, const char *namespace, const char *name, struct error *err);

/* Makes all of it anew from the stored Services and the pods that live: files, rules, elements, the route of Services' addresses. */
int services_reload(const struct instance *in, struct error *err);

/* The same if there are Services and it is not there: after a boot, or when somebody has flushed the rule set. */
int services_ensure(const struct instance *in, struct error *err);

/* Nothing is left of it. */
void services_prune(const struct instance *in);

/* --- of pods, through NF, a socket of the bus NETLINK_NETFILTER in the host's namespace --- */

/* The pod of CLAIM (backend.h) was BEFORE (NULL: nothing) and is NOW. */
int backend_change(const struct instance *in, struct netlink *nf, int claim, const struct backend *before,
		   const struct backend *now, struct error *err);

/* It ends: it is in nothing after this. */
int backend_end(const struct instance *in, struct netlink *nf, const struct backend *before,
		struct error *err);

/* Those of keepers that were killed. ONLY: that of this pod; NULL: all. */
void backends_sweep(const struct instance *in, struct netlink *nf, const char *only);
