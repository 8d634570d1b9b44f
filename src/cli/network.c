/* network.c — seapod network: what the networks are and who is on them, and making them anew. */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/pods.h"
#include "cli/table.h"
#include "net/record.h"
#include "net/reload.h"
#include "net/rules.h"

#define VERBS "ls, inspect, reload, rm"

static int read_endpoints(struct context *x, struct endpoint_records *out, struct error *err)
{
	_cleanup_close_ int pool = pool_open(&x->in, NETWORK_DEFAULT, err);
	return pool < 0 ? pool : records_list(pool, false, x->arena, out, err);
}

static int list(struct context *x, struct error *err)
{
	struct table_view t = { .arena = x->arena };
	struct endpoint_records endpoints = {};
	char subnet[SUBNET_TEXT_SIZE], gateway[INET_ADDRSTRLEN];
	struct network n;
	int r = network_open(&n, &x->in, err);

	if (r == 0)
		r = read_endpoints(x, &endpoints, err);
	if (r < 0)
		return r;
	table_row(&t, "NAME", "SUBNET", "GATEWAY", "BRIDGE", "PODS", NULL, NULL, NULL);
	table_row(&t, NETWORK_DEFAULT, network_subnet(&n, subnet),
		  inet_ntop(AF_INET, &n.gateway, gateway, sizeof(gateway)), n.bridge,
		  arena_printf(x->arena, "%zu", endpoints.n), NULL, NULL, NULL);
	table_print(&t);
	return 0;
}

/* What it is, what of it the kernel has, and the records of its endpoints. */
static int inspect(struct context *x, struct error *err)
{
	_cleanup_text_ struct text text = {};
	struct endpoint_records endpoints = {};
	char subnet[SUBNET_TEXT_SIZE], gateway[INET_ADDRSTRLEN];
	struct network n;
	int r = network_open(&n, &x->in, err);

	if (r == 0)
		r = read_endpoints(x, &endpoints, err);
	if (r < 0)
		return r;
	struct node *top = node_new(x->arena, NODE_MAP), *list = node_new(x->arena, NODE_LIST);
	node_put(x->arena, top, "name", node_string(x->arena, NETWORK_DEFAULT));
	node_put(x->arena, top, "driver", node_string(x->arena, "bridge"));
	node_put(x->arena, top, "subnet", node_string(x->arena, network_subnet(&n, subnet)));
	node_put(x->arena, top, "gateway",
		 node_string(x->arena, inet_ntop(AF_INET, &n.gateway, gateway, sizeof(gateway))));
	node_put(x->arena, top, "mtu", node_int(x->arena, n.mtu));
	node_put(x->arena, top, "bridge", node_string(x->arena, n.bridge));
	node_put(x->arena, top, "bridgeExists", node_bool(x->arena, if_nametoindex(n.bridge) != 0));
	node_put(x->arena, top, "rules",
		 node_string(x->arena, arena_printf(x->arena, "inet %s", x->in.table)));
	node_put(x->arena, top, "rulesExist", node_bool(x->arena, rules_exist(&x->in)));
	list_each(endpoint, &endpoints)
		node_append(x->arena, list, object_encode(&endpoint_record_table, endpoint, x->arena));
	node_put(x->arena, top, "endpoints", list);
	node_to_json(top, true, &text);
	printf("%s\n", text_str(&text));
	return 0;
}

static int reload(struct context *x, struct error *err)
{
	struct reload_report report;
	int r = network_reload(&x->in, &report, err);

	if (r == 0 && report.connected)
		printf("network/" NETWORK_DEFAULT " reloaded, %u of %u pods connected again\n",
		       report.connected, report.endpoints);
	else if (r == 0)
		printf("network/" NETWORK_DEFAULT " reloaded, %u pods\n", report.endpoints);
	return r;
}

/* The next pod makes it again, maybe with another subnet. */
static int remove_network(struct context *x, struct error *err)
{
	struct endpoint_records endpoints = {};
	int r = read_endpoints(x, &endpoints, err);

	if (r < 0)
		return r;
	if (endpoints.n)
		return error_set(err, EBUSY, "the network '" NETWORK_DEFAULT "' is in use by the pod '%s'%s",
				 record_pod_name(&endpoints.at[0], x->arena),
				 endpoints.n > 1 ? " and others" : "");
	network_remove(&x->in);
	printf("network/" NETWORK_DEFAULT " removed\n");
	return 0;
}

int run_network(struct context *x, int argc, char **argv, struct error *err)
{
	static const struct {
		const char *verb;
		int (*run)(struct context *, struct error *);
		bool named; /* takes the network's name, and needs it */
	} verbs[] = { { "ls", list, false },
		      { "list", list, false },
		      { "inspect", inspect, true },
		      { "reload", reload, false },
		      { "rm", remove_network, true } };
	const struct option_spec *option;
	const char *value;
	struct options o;

	options_begin(&o, x->command, argc, argv);
	int r = options_next(&o, &option, &value, err);
	const char *verb = r < 0 ? NULL : need(&o, 0, "a verb (" VERBS ")", err);
	if (!verb)
		return -EXIT_USAGE;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (!text_is(verb, verbs[i].verb))
			continue;
		const char *name = o.count > 1 ? o.positional[1] : NETWORK_DEFAULT;
		if (verbs[i].named && !need(&o, 1, "a network", err))
			return -EXIT_USAGE;
		if (!text_is(name, NETWORK_DEFAULT))
			return error_set(err, ENOENT, "there is no network '%s' (" NETWORK_DEFAULT ")", name);
		return verbs[i].run(x, err);
	}
	return usage_error(err, "network has no verb '%s' (" VERBS ")", verb);
}
