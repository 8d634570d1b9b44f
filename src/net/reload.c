/* reload.c — see reload.h. */
#include "net/reload.h"

#include <arpa/inet.h>
#include <linux/ip.h>
#include <net/if.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "net/bridge.h"
#include "net/endpoint.h"
#include "net/rules.h"

/* Of the link that is there: its place in the bridge, and what leads to it. */
static int put_back(const struct network *n, const struct endpoint_record *r, unsigned bridge,
		    struct netlink *rt)
{
	struct netlink_batch b;

	batch_begin(&b, rt);
	if (n->driver == DRIVER_BRIDGE)
		link_set_master(&b, r->link, bridge);
	link_up(&b, r->link);
	if (n->driver == DRIVER_BRIDGE)
		link_set_hairpin(&b, r->link);
	if (n->driver == DRIVER_ROUTED)
		link_set_ipv4(&b, r->link, IPV4_DEVCONF_ROUTE_LOCALNET, 1);
	endpoint_point_to(n, r, n->driver == DRIVER_BRIDGE ? bridge : if_nametoindex(r->link), &b);
	int result = batch_send(&b);
	return result < 0 ? result : endpoint_shape(r->link, r->ingress, rt, NULL);
}

static int restore(const struct network *n, const struct endpoint_record *r, struct netlink *rt,
		   struct reload_report *report, struct error *err)
{
	unsigned bridge = if_nametoindex(n->bridge);
	struct netlink pod = NETLINK_NONE;

	report->endpoints++;
	if (!network_is_ours(n) || (if_nametoindex(r->link) && put_back(n, r, bridge, rt) == 0))
		return 0;
	int result = netlink_open_in(&pod, NETLINK_ROUTE, r->keeper, err);
	if (result == 0)
		result = endpoint_connect(n, r, bridge, rt, &pod, err);
	netlink_close(&pod);
	report->connected += result == 0;
	return result < 0 ? error_prefix(err, "the pod '%s'", r->pod) : 0;
}

static int make_one(const struct network_state *state, struct netlink *rt, struct reload_report *report,
		    struct error *err)
{
	int r = network_is_ours(&state->network) ? bridge_make(&state->network, rt, err) : 0, restored = 0;

	report->networks++;
	list_each(record, &state->endpoints)
		if (r == 0 && restore(&state->network, record, rt, report, err) < 0)
			restored = -err->code;
	return r < 0 ? r : restored;
}

/* With the lock of the networks held. ONLY: this one's links, and the rules of all; NULL: all. */
static int make_all(const struct instance *in, const struct network *only, struct reload_report *report,
		    struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct network_states states = {};
	struct netlink rt = NETLINK_NONE;
	_cleanup_close_ int lock = pool_lock(in, LOCK_EX, err);
	int r = lock < 0 ? lock : network_states_read(in, true, a, &states, err), made = 0;

	list_each(state, &states) /* nobody lives in it, so it may move */
		if (r == 0 && state->endpoints.n == 0 && network_is_ours(&state->network) &&
		    !if_nametoindex(state->network.bridge))
			r = network_choose_again(&state->network, in, err);
	if (r == 0)
		r = netlink_open(&rt, NETLINK_ROUTE, err);
	if (r == 0)
		r = rules_load(in, &states, err);
	list_each(state, &states)
		if (r == 0 && (!only || text_is(only->name, state->network.name)) &&
		    make_one(state, &rt, report, err) < 0)
			made = -err->code;
	netlink_close(&rt);
	return r < 0 ? r : made;
}

int network_reload(const struct instance *in, struct reload_report *report, struct error *err)
{
	struct network n;
	int r = network_open(&n, in, NETWORK_DEFAULT, err);
	_cleanup_close_ int lock = r < 0 ? r : network_lock(in, err);

	*report = (struct reload_report){};
	return lock < 0 ? lock : make_all(in, NULL, report, err);
}

static int ensure_parent(const struct network *n, unsigned *index, struct error *err)
{
	*index = if_nametoindex(n->parent);
	return *index ? 0
		      : error_set(err, ENODEV,
				  "the parent '%s' of the network '%s' is no link of this host any more (ip "
				  "link)",
				  n->parent, n->name);
}

int network_ensure(struct network *n, const struct instance *in, unsigned *index, struct error *err)
{
	struct reload_report ignored = {};

	if (!network_is_ours(n))
		return ensure_parent(n, index, err);
	if ((*index = if_nametoindex(n->bridge)))
		return 0;
	_cleanup_close_ int lock = network_lock(in, err);
	if (lock < 0)
		return lock;
	int r = if_nametoindex(n->bridge) ? 0 : make_all(in, n, &ignored, err);
	if (r == 0)
		r = network_open(n, in, n->name, err);
	*index = if_nametoindex(n->bridge);
	return r;
}

int network_reload_rules(const struct instance *in, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct network_states states = {};
	_cleanup_close_ int lock = pool_lock(in, LOCK_EX, err);
	int r = lock < 0 ? lock : network_states_read(in, true, a, &states, err);

	return r < 0 ? r : rules_load(in, &states, err);
}

int network_remove(const struct network *n, const struct instance *in, struct error *err)
{
	_cleanup_free_ char *pool = memory_printf("networks/%s", n->name);
	_cleanup_arena_ struct arena *a = arena_new();
	struct network_states states = {};
	_cleanup_close_ int networks = network_lock(in, err);
	_cleanup_close_ int lock = networks < 0 ? networks : pool_lock(in, LOCK_EX, err);
	bool others = false;
	int r = lock < 0 ? lock : network_states_read(in, true, a, &states, err);

	list_each(state, &states) {
		if (r == 0 && text_is(state->network.name, n->name) && state->endpoints.n)
			return error_set(err, EBUSY,
					 "the network '%s' is in use by the pod '%s'%s (delete it first)",
					 n->name, record_pod_name(&state->endpoints.at[0], a),
					 state->endpoints.n > 1 ? " and others" : "");
		others = others ||
			 (!text_is(state->network.name, n->name) && if_nametoindex(state->network.bridge));
	}
	if (r < 0)
		return r;
	network_forget(in, n->name);
	file_remove_tree(in->runfd, pool, NULL);
	if (network_is_ours(n))
		bridge_remove(n->bridge);
	if (!others) {
		rules_remove(in);
		return 0;
	}
	states = (struct network_states){};
	r = network_states_read(in, true, a, &states, err);
	return r < 0 ? r : rules_load(in, &states, err);
}

void networks_prune(const struct instance *in)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct networks networks = {};

	rules_remove(in);
	bridge_remove(in->bridge);
	networks_list(in, a, &networks, NULL);
	list_each(n, &networks) {
		if (network_is_ours(n))
			bridge_remove(n->bridge);
		if (text_is(n->name, NETWORK_DEFAULT) && !n->fixed)
			network_forget(in, n->name);
	}
}
