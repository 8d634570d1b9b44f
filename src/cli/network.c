/* network.c — seapod network: what the networks are and who is on them, making and removing them, and making them anew. */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/pods.h"
#include "command/table.h"
#include "net/cni.h"
#include "net/record.h"
#include "net/reload.h"
#include "net/rules.h"
#include "service/forward.h"

#define VERBS "create, ls, inspect, reload, rm"

const struct option_spec network_options[] = {
	{ "driver", 'd', "NAME", "bridge, routed, macvlan or ipvlan" },
	{ "subnet", 0, "SUBNET", "its addresses; given again, IPv6 (fd00:1::/64)" },
	{ "gateway", 0, "ADDRESS", "else the subnet's first address" },
	{ "ip-range", 0, "SUBNET", "pods get addresses from this part" },
	{ "ipv6", 0, NULL, "IPv6 beside IPv4" },
	{ "internal", 0, NULL, "nobody comes in or goes out" },
	{ "mtu", 0, "BYTES", "the largest packet" },
	{ "parent", 0, "LINK", "the host's link of a macvlan or ipvlan" },
	{ "mode", 0, "MODE", "of macvlan or ipvlan (docs/networks.md)" },
	{ "publish-at", 0, "ADDRESS", "where ports are published by default" },
	{},
};

static const char *address_text(struct context *x, int family, const void *address)
{
	char text[INET6_ADDRSTRLEN];
	return arena_strdup(x->arena, inet_ntop(family, address, text, sizeof(text)));
}

static int read_endpoints(struct context *x, const struct network *n, struct endpoint_records *out,
			  struct error *err)
{
	_cleanup_close_ int pool = pool_open(&x->in, n->name, err);
	return pool < 0 ? pool : records_list(pool, false, x->arena, out, err);
}

static int list(struct context *x, const char *name, struct network_file *file, struct error *err)
{
	struct table_view t = { .arena = x->arena };
	struct networks networks = {};
	char subnet[SUBNET_TEXT_SIZE];
	struct network n;
	int r = network_open(&n, &x->in, NETWORK_DEFAULT, err); /* it is there from the first look on */
	(void)name;
	(void)file;

	if (r == 0)
		r = networks_list(&x->in, x->arena, &networks, err);
	table_row(&t, "NAME", "DRIVER", "SUBNET", "GATEWAY", "LINK", "PODS", NULL, NULL);
	list_each(network, &networks) {
		struct endpoint_records endpoints = {};
		if (r == 0)
			r = read_endpoints(x, network, &endpoints, err);
		table_row(&t, network->name, network_driver_name(network->driver),
			  arena_strdup(x->arena, network_subnet(network, subnet)),
			  address_text(x, AF_INET, &network->gateway),
			  network_is_ours(network) ? network->bridge : network->parent,
			  arena_printf(x->arena, "%zu", endpoints.n), NULL, NULL);
	}
	if (r < 0)
		return r;
	table_print(&t);
	return 0;
}

static void put_text(struct context *x, struct node *map, const char *key, const char *value)
{
	if (!text_empty(value))
		node_put(x->arena, map, key, node_string(x->arena, value));
}

/* What it is, what of it the kernel has, and the records of its endpoints. */
static int inspect(struct context *x, const char *name, struct network_file *file, struct error *err)
{
	_cleanup_text_ struct text text = {};
	struct endpoint_records endpoints = {};
	char subnet[SUBNET_TEXT_SIZE];
	struct network n;
	int r = network_open(&n, &x->in, name, err);
	(void)file;

	if (r == 0)
		r = read_endpoints(x, &n, &endpoints, err);
	if (r < 0)
		return r;
	struct node *top = node_new(x->arena, NODE_MAP), *all = node_new(x->arena, NODE_LIST);
	put_text(x, top, "name", n.name);
	put_text(x, top, "driver", network_driver_name(n.driver));
	put_text(x, top, "subnet", network_subnet(&n, subnet));
	put_text(x, top, "gateway", address_text(x, AF_INET, &n.gateway));
	put_text(x, top, "subnet6", n.ipv6 ? network_subnet6(&n, subnet) : NULL);
	put_text(x, top, "gateway6", n.ipv6 ? address_text(x, AF_INET6, &n.gateway6) : NULL);
	put_text(x, top, "parent", n.parent);
	put_text(x, top, "mode", n.mode);
	node_put(x->arena, top, "internal", node_bool(x->arena, n.internal));
	node_put(x->arena, top, "mtu", node_int(x->arena, n.mtu));
	if (network_is_ours(&n)) {
		put_text(x, top, "bridge", n.bridge);
		node_put(x->arena, top, "bridgeExists", node_bool(x->arena, if_nametoindex(n.bridge) != 0));
		put_text(x, top, "rules", arena_printf(x->arena, "inet %s", x->in.table));
		node_put(x->arena, top, "rulesExist", node_bool(x->arena, rules_exist(&x->in)));
	}
	list_each(endpoint, &endpoints)
		node_append(x->arena, all, object_encode(&endpoint_record_table, endpoint, x->arena));
	node_put(x->arena, top, "endpoints", all);
	node_to_json(top, true, &text);
	printf("%s\n", text_str(&text));
	return 0;
}

static int reload(struct context *x, const char *name, struct network_file *file, struct error *err)
{
	struct reload_report report;
	int r = network_reload(&x->in, &report, err);

	cni_sweep(&x->in);
	if (r == 0)
		r = cni_collect(&x->in, err);
	cni_check(&x->in);
	(void)name;
	(void)file;

	if (r == 0)
		r = services_reload(&x->in, err);
	if (r < 0)
		return r;
	printf("%u network%s reloaded, ", report.networks, report.networks == 1 ? "" : "s");
	if (report.connected)
		printf("%u of %u pods connected again\n", report.connected, report.endpoints);
	else
		printf("%u pods\n", report.endpoints);
	return 0;
}

/* The default one is made again by the next pod, maybe with another subnet. */
static int remove_network(struct context *x, const char *name, struct network_file *file, struct error *err)
{
	struct network n;
	int r = network_open(&n, &x->in, name, err);
	(void)file;

	if (r == 0)
		r = network_remove(&n, &x->in, err);
	if (r == 0)
		printf("network/%s removed\n", name);
	return r;
}

static int create(struct context *x, const char *name, struct network_file *file, struct error *err)
{
	file->name = name;
	int r = network_create(&x->in, file, err);
	if (r == 0)
		printf("network/%s created\n", name);
	return r;
}

static int take_option(struct network_file *f, const struct option_spec *option, const char *value,
		       struct error *err)
{
	const struct {
		const char *name;
		const char **to;
	} texts[] = { { "driver", &f->driver },
		      { "ip-range", &f->ipRange },
		      { "parent", &f->parent },
		      { "mode", &f->mode },
		      { "publish-at", &f->publishAt } };
	long long number;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (text_is(option->name, texts[i].name))
			*texts[i].to = value;
	if (text_is(option->name, "subnet"))
		*(strchr(value, ':') ? &f->subnet6 : &f->subnet) = value;
	else if (text_is(option->name, "gateway"))
		*(strchr(value, ':') ? &f->gateway6 : &f->gateway) = value;
	else if (text_is(option->name, "internal"))
		f->internal = true;
	else if (text_is(option->name, "mtu") && text_to_int(value, 576, 65535, &number) < 0)
		return usage_error(err, "'%s' is no MTU: it is a number from 576 to 65535", value);
	else if (text_is(option->name, "mtu"))
		f->mtu = (int32_t)number;
	f->ipv6 = f->ipv6 || f->subnet6 || text_is(option->name, "ipv6");
	return 0;
}

int run_network(struct context *x, int argc, char **argv, struct error *err)
{
	static const struct {
		const char *verb;
		int (*run)(struct context *, const char *, struct network_file *, struct error *);
		bool named; /* takes networks' names, and needs one */
	} verbs[] = { { "create", create, true },  { "ls", list, false },
		      { "list", list, false },     { "inspect", inspect, true },
		      { "reload", reload, false }, { "rm", remove_network, true } };
	const struct option_spec *option;
	struct network_file file = {};
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		if ((r = take_option(&file, option, value, err)) < 0)
			return r;
	const char *verb = r < 0 ? NULL : need(&o, 0, "a verb (" VERBS ")", err);
	if (!verb)
		return -EXIT_USAGE;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (!text_is(verb, verbs[i].verb))
			continue;
		if (verbs[i].named && !need(&o, 1, "a network", err))
			return -EXIT_USAGE;
		r = verbs[i].named ? 0 : verbs[i].run(x, NULL, &file, err);
		for (int name = 1; r == 0 && verbs[i].named && name < o.count; name++)
			r = verbs[i].run(x, o.positional[name], &file, err);
		return r;
	}
	return usage_error(err, "network has no verb '%s' (" VERBS ")", verb);
}
