/* reload.c — see reload.h. */
#include "net/reload.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "net/bridge.h"
#include "net/endpoint.h"
#include "net/rules.h"

/* Of the link that is there: its place in the bridge, and the neighbour that it leads to. */
static int put_back(const struct endpoint_record *r, unsigned bridge, struct netlink *rt)
{
	unsigned char mac[MAC_SIZE];
	struct in_addr address;
	struct netlink_batch b;

	inet_pton(AF_INET, r->address, &address);
	network_mac(address, mac);
	batch_begin(&b, rt);
	link_set_master(&b, r->link, bridge);
	link_up(&b, r->link);
	if (r->ports.n)
		link_set_hairpin(&b, r->link);
	neighbour_add(&b, bridge, address, mac);
	return batch_send(&b);
}

static int restore(const struct network *n, const struct endpoint_record *r, struct netlink *rt,
		   struct reload_report *report, struct error *err)
{
	unsigned bridge = if_nametoindex(n->bridge);
	struct netlink pod = NETLINK_NONE;

	report->endpoints++;
	if (if_nametoindex(r->link) && put_back(r, bridge, rt) == 0)
		return 0;
	int result = netlink_open_in(&pod, NETLINK_ROUTE, r->keeper, err);
	if (result == 0)
		result = endpoint_connect(n, r, bridge, rt, &pod, err);
	netlink_close(&pod);
	report->connected += result == 0;
	return result < 0 ? error_prefix(err, "the pod '%s'", r->pod) : 0;
}

/* With the lock of the networks held. */
static int make_all(struct network *n, const struct instance *in, struct reload_report *report,
		    struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct endpoint_records records = {};
	struct netlink rt = NETLINK_NONE;
	_cleanup_close_ int pool = pool_open(in, NETWORK_DEFAULT, err);
	_cleanup_close_ int lock = pool < 0 ? -1 : pool_lock(pool, LOCK_EX, err);
	int restored = 0;

	if (lock < 0)
		return lock;
	int r = records_list(pool, true, a, &records, err);
	if (r == 0 && records.n == 0 && !if_nametoindex(n->bridge)) /* nobody lives in it, so it may move */
		r = network_choose_again(n, in, err);
	if (r == 0)
		r = netlink_open(&rt, NETLINK_ROUTE, err);
	if (r == 0)
		r = bridge_make(n, &rt, err);
	if (r == 0)
		r = rules_load(n, in, &records, err);
	if (r == 0)
		list_each(record, &records)
			if (restore(n, record, &rt, report, err) < 0)
				restored = -err->code;
	netlink_close(&rt);
	return r < 0 ? r : restored;
}

int network_reload(const struct instance *in, struct reload_report *report, struct error *err)
{
	struct network n;
	int r = network_open(&n, in, err);
	_cleanup_close_ int lock = r < 0 ? r : network_lock(in, err);

	*report = (struct reload_report){};
	return lock < 0 ? lock : make_all(&n, in, report, err);
}

int network_ensure(struct network *n, const struct instance *in, unsigned *index, struct error *err)
{
	struct reload_report ignored = {};

	if ((*index = if_nametoindex(n->bridge)))
		return 0;
	_cleanup_close_ int lock = network_lock(in, err);
	if (lock < 0)
		return lock;
	int r = if_nametoindex(n->bridge) ? network_open(n, in, err) : make_all(n, in, &ignored, err);
	*index = if_nametoindex(n->bridge);
	return r;
}

int network_reload_rules(const struct network *n, const struct instance *in, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct endpoint_records records = {};
	_cleanup_close_ int pool = pool_open(in, NETWORK_DEFAULT, err);
	_cleanup_close_ int lock = pool < 0 ? -1 : pool_lock(pool, LOCK_EX, err);

	if (lock < 0)
		return lock;
	int r = records_list(pool, true, a, &records, err);
	return r < 0 ? r : rules_load(n, in, &records, err);
}

void network_remove(const struct instance *in)
{
	rules_remove(in);
	bridge_remove(in->bridge);
	network_forget(in);
}
