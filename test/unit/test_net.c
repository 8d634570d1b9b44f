/* test_net.c — the pure parts of networks: ports as people write them, the choice of a subnet, the rules as text. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "net/network.h"
#include "net/ports.h"
#include "net/resolver.h"
#include "net/rules.h"
#include "net/subnet.h"

/* --- ports ------------------------------------------------------------------------------------------------------------- */

/* "tcp 127.0.0.1:8080>80 …", or the error. */
static const char *parse(const char *text, struct arena *a)
{
	struct port_wishes wishes = {};
	struct error err = {};
	_cleanup_text_ struct text out = {};
	char address[INET6_ADDRSTRLEN];

	if (ports_parse(text, a, &wishes, &err) < 0)
		return arena_strdup(a, err.text);
	list_each(w, &wishes)
		text_printf(&out, w->host_last ? "%s%s %s:%u..%u>%u" : "%s%s %s:%u%.0u>%u", out.n ? ", " : "",
			    protocol_name(w->protocol),
			    inet_ntop(w->host.family ? w->host.family : AF_INET, &w->host.v4, address,
				      sizeof(address)),
			    w->host_port, w->host_last, w->pod_port);
	return arena_strdup(a, text_str(&out));
}

static void ports_as_docker_writes_them(void **state)
{
	static const struct {
		const char *text, *means;
	} cases[] = {
		{ "80", "TCP 0.0.0.0:0>80" },
		{ "8080:80", "TCP 0.0.0.0:8080>80" },
		{ "53:53/udp", "UDP 0.0.0.0:53>53" },
		{ "53/UDP", "UDP 0.0.0.0:0>53" },
		{ "9:9/sctp", "SCTP 0.0.0.0:9>9" },
		{ "127.0.0.1:8080:80", "TCP 127.0.0.1:8080>80" },
		{ "127.0.0.1::80", "TCP 127.0.0.1:0>80" },
		{ "8000-8002:9000-9002",
		  "TCP 0.0.0.0:8000>9000, TCP 0.0.0.0:8001>9001, TCP 0.0.0.0:8002>9002" },
		{ "8000-8001", "TCP 0.0.0.0:0>8000, TCP 0.0.0.0:0>8001" },
		{ "127.0.0.1:1-2:3-4/udp", "UDP 127.0.0.1:1>3, UDP 127.0.0.1:2>4" },
		{ "[::1]:8080:80", "TCP ::1:8080>80" },
		{ "[::]:8080:80", "TCP 0.0.0.0:8080>80" },
		{ "8000-8010:80", "TCP 0.0.0.0:8000..8010>80" },
		{ "[::1]::80/udp", "UDP ::1:0>80" },
		{ "[::1]:8000-8010:80", "TCP ::1:8000..8010>80" },
		{ "65535:65535", "TCP 0.0.0.0:65535>65535" },
	};
	_cleanup_arena_ struct arena *a = arena_new();
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(parse(cases[i].text, a), cases[i].means);
}

static void ports_that_are_wrong(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "no port of the pod is in it" },
		{ "0", "there is no port 0" },
		{ "65536", "65536 is more than 65535" },
		{ "99999999999999999999", "99999999999999999999 is more than 65535" },
		{ "http", "'http' is no number" },
		{ "8080:", "no port of the pod is after the ':'" },
		{ ":80", "no host port is before the ':'" },
		{ "0:80", "there is no port 0" },
		{ "0-5:80", "there is no port 0" },
		{ "80:80/", "no protocol is after the '/'" },
		{ "80/icmp", "there is no protocol 'icmp'" },
		{ "80/tcp/udp", "there is no protocol 'tcp/udp'" },
		{ "9-8", "the range 9-8 ends before it begins" },
		{ "80-", "'80-' is no range" },
		{ "-80", "'-80' is no range" },
		{ "1-2-3", "'1-2-3' is no range" },
		{ "1-3:1-2", "3 ports of the host for 2 of the pod" },
		{ "1:1-2", "1 ports of the host for 2 of the pod" },
		{ "1-65535", "at most 4096 ports" },
		{ "[::x]:80:80", "'::x' is no IPv6 address" },
		{ "[::1:80:80", "no ']' ends" },
		{ "[::1]80:80", "after the address come the ports" },
		{ "[::1]:80", "after the address come the ports" },
		{ "[::1]:1:2:3", "too many ':'" },
		{ "::1:80:80", "stands in brackets" },
		{ ":80:80", "no address is before the first ':'" },
		{ "localhost:80:80", "'localhost' is no address" },
		{ "256.0.0.1:80:80", "'256.0.0.1' is no address" },
		{ "1.2.3.4:5:6:7", "'1.2.3.4:5' is no address" },
		{ " 80", "' 80' is no number" },
		{ "+80", "'+80' is no number" },
	};
	_cleanup_arena_ struct arena *a = arena_new();
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *said = parse(cases[i].text, a);
		if (!strstr(said, cases[i].says))
			fail_msg("'%s': says '%s', not '%s'", cases[i].text, said, cases[i].says);
	}
}

/* --- the subnet -------------------------------------------------------------------------------------------------------- */

#define ROUTE_HEAD "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"

static const char *choose(unsigned start, const char *routes, const char *resolver, struct arena *a)
{
	struct subnets taken = {};
	struct subnet s;
	struct error err = {};

	subnets_of_routes(routes, "seapod0", a, &taken);
	subnets_of_resolver(resolver, a, &taken);
	if (subnet_choose(&subnets_of_pods, start, &taken, &s, &err) < 0)
		return arena_strdup(a, err.text);
	return arena_printf(a, "%u.%u.0.0/%u", s.address >> 24, s.address >> 16 & 255, s.prefix);
}

static void a_subnet_that_nothing_of_the_host_overlaps(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	(void)state;

	assert_string_equal(choose(0, ROUTE_HEAD, "", a), "10.100.0.0/16");
	assert_string_equal(choose(119, ROUTE_HEAD, "", a), "10.219.0.0/16");
	assert_string_equal(choose(120, ROUTE_HEAD, "", a), "10.100.0.0/16");
	/* a default route overlaps nothing */
	assert_string_equal(
		choose(0, ROUTE_HEAD "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", "", a),
		"10.100.0.0/16");
	/* 10.100.5.0/24, smaller than a subnet, and 10.101.0.0/16; written in the byte order of the machine */
	assert_string_equal(choose(0,
				   ROUTE_HEAD "tun0\t0005640A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
					      "tun0\t0000650A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n",
				   "", a),
			    "10.102.0.0/16");
	/* 10.96.0.0/11 is greater */
	assert_string_equal(
		choose(0, ROUTE_HEAD "tun0\t0000600A\t00000000\t0001\t0\t0\t0\t0000E0FF\t0\t0\t0\n", "", a),
		"10.128.0.0/16");
	/* its own route is no obstacle */
	assert_string_equal(
		choose(0, ROUTE_HEAD "seapod0\t0000640A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n", "",
		       a),
		"10.100.0.0/16");
	/* a name server behind the default route */
	assert_string_equal(
		choose(0, ROUTE_HEAD, "search x\nnameserver 10.100.0.53\nnameserver fe80::1\n", a),
		"10.101.0.0/16");
	/* all of 10.0.0.0/8 */
	assert_non_null(strstr(
		choose(0, ROUTE_HEAD "tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n", "", a),
		"no subnet is free"));
}

/* --- rules --------------------------------------------------------------------------------------------------------------- */

static void rules_have_the_elements_of_all_endpoints(void **state)
{
	struct instance in = { .bridge = "sp12345678", .table = "seapod_12345678", .tag = "12345678" };
	struct network n = { .bridge = "sp12345678", .prefix = 16 };
	struct port_record ports[] = { { "TCP", NULL, 8080, 80 },
				       { "UDP", "127.0.0.1", 53, 5353 },
				       { "TCP", NULL, 8081, 81 },
				       { "TCP", NULL, 9000, 9000, 1001 } };
	struct endpoint_record records[] = {
		{ .pod = "a",
		  .namespace = "default",
		  .uid = "1",
		  .keeper = 1,
		  .address = "10.100.0.2",
		  .link = "sp1234567v2",
		  .ports = { ports, 4 } },
		{ .pod = "b",
		  .namespace = "default",
		  .uid = "2",
		  .keeper = 2,
		  .address = "10.100.1.3",
		  .link = "sp1234567v103" },
	};
	struct network_state states[] = {
		{ .network = n, .endpoints = { records, 2 } },
		{ .network = { .name = "back", .bridge = "sp1234567b1", .prefix = 24, .internal = true } }
	};
	struct network_states all = { states, 2 }, none = {};
	_cleanup_text_ struct text text = {}, empty = {}, unguarded = {};
	(void)state;

	inet_pton(AF_INET, "10.100.0.0", &states[0].network.subnet);
	inet_pton(AF_INET, "10.9.9.0", &states[1].network.subnet);
	rules_text(&in, &all, true, &text);
	assert_non_null(strstr(
		text.at, "elements = { 6 . 8080 : 10.100.0.2 . 80,\n\t\t\t6 . 8081 : 10.100.0.2 . 81 }"));
	assert_non_null(strstr(text.at, "elements = { 127.0.0.1 . 17 . 53 : 10.100.0.2 . 5353 }"));
	assert_non_null(strstr(text.at, "elements = { 6 . 9000-10000 : 10.100.0.2 }"));
	assert_non_null(strstr(text.at,
			       "\"sp1234567v2\" . 0a:58:0a:64:00:02 . 10.100.0.2,\n\t\t\t\"sp1234567v103\" "
			       ". 0a:58:0a:64:01:03 . 10.100.1.3 }"));
	assert_non_null(strstr(text.at, "iifname != \"sp1234567v*\" accept"));
	assert_non_null(strstr(
		text.at,
		"set internal {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 10.9.9.0/24 }"));
	assert_non_null(strstr(
		text.at, "elements = { 10.100.0.0/16 . 10.100.0.0/16,\n\t\t\t10.9.9.0/24 . 10.9.9.0/24 }"));

	rules_text(&in, &none, true, &empty);
	assert_null(strstr(empty.at, "elements"));
	assert_non_null(strstr(empty.at, "table bridge seapod_12345678"));

	rules_text(&in, &all, false, &unguarded);
	assert_null(strstr(unguarded.at, "table bridge"));
}

static void names_of_links_fit_and_tell_networks_apart(void **state)
{
	struct instance in = {};
	struct network n = { .number = 1 };
	struct in_addr address = { htonl(0x0a640123) };
	char name[IFNAMSIZ];
	(void)state;

	inet_pton(AF_INET, "10.100.0.0", &n.subnet);
	network_link_name(&in, &n, address, name);
	assert_string_equal(name, "seapodv1esj");
	n.number = NETWORK_NUMBER_MAX;
	strcpy(in.tag, "12345678");
	strcpy(in.bridge, "sp12345678");
	network_link_name(&in, &n, address, name);
	assert_int_equal(strlen(name), IFNAMSIZ - 1);
}

/* --- names --------------------------------------------------------------------------------------------------------------- */

static const char *resolv_conf(struct pod *pod, const char *host, bool own, struct arena *a)
{
	_cleanup_text_ struct text out = {};
	resolver_conf(pod, host, own, NULL, &out);
	return arena_strdup(a, text_str(&out));
}

static void resolv_conf_of_host_and_pod(void **state)
{
	static const char host[] = "# made by x\nnameserver 127.0.0.53\nnameserver 192.0.2.1\r\noptions "
				   "edns0 trust-ad\nsearch a.example b.example\n";
	_cleanup_arena_ struct arena *a = arena_new();
	const char *servers[] = { "192.0.2.1", "192.0.2.7" }, *searches[] = { "b.example", "c.example" };
	struct dns_option options[] = { { "ndots", "5" }, { "single-request", NULL } };
	struct dns_config config = { .nameservers = { servers, 2 },
				     .searches = { searches, 2 },
				     .options = { options, 2 } };
	struct pod pod = { .spec.dnsPolicy = "ClusterFirst" };
	(void)state;

	assert_string_equal(resolv_conf(&pod, host, true, a),
			    "nameserver 192.0.2.1\nsearch a.example b.example\noptions edns0 trust-ad\n");
	assert_string_equal(resolv_conf(&pod, host, false, a),
			    "nameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch a.example "
			    "b.example\noptions edns0 trust-ad\n");
	pod.spec.dnsConfig = &config;
	assert_string_equal(
		resolv_conf(&pod, host, true, a),
		"nameserver 192.0.2.1\nnameserver 192.0.2.7\n"
		"search a.example b.example c.example\noptions edns0 trust-ad ndots:5 single-request\n");
	pod.spec.dnsPolicy = "None";
	assert_string_equal(resolv_conf(&pod, host, true, a),
			    "nameserver 192.0.2.1\nnameserver 192.0.2.7\nsearch b.example c.example\noptions "
			    "ndots:5 single-request\n");
}

static void resolv_conf_of_the_cluster(void **state)
{
	static const char host[] = "nameserver 192.0.2.1\nsearch a.example\noptions edns0\n";
	static const char *const searches[] = { "default.svc.cluster.local", "svc.cluster.local",
						"cluster.local" };
	static const struct resolver_cluster cluster = { "10.139.0.1", searches, 3 };
	static const struct {
		const char *policy;
		bool host_network, asks_cluster;
	} cases[] = { { "ClusterFirst", false, true },
		      { "ClusterFirst", true, false },
		      { "ClusterFirstWithHostNet", true, true },
		      { "Default", false, false },
		      { "None", false, false } };
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pod pod = { .spec.dnsPolicy = cases[i].policy,
				   .spec.hostNetwork = cases[i].host_network };
		_cleanup_text_ struct text out = {};
		resolver_conf(&pod, host, !cases[i].host_network, &cluster, &out);
		assert_string_equal(text_str(&out),
				    cases[i].asks_cluster
					    ? "nameserver 10.139.0.1\n"
					      "search default.svc.cluster.local svc.cluster.local "
					      "cluster.local a.example\noptions ndots:5\n"
				    : text_is(cases[i].policy, "None") ? ""
								       : host);
	}
}

static void words_that_begin_alike_are_different(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct pod pod = { .spec.dnsPolicy = "Default" };
	(void)state;

	assert_string_equal(
		resolv_conf(&pod,
			    "nameserver 192.0.2.10\nnameserver 192.0.2.1\nsearch example.org example.or "
			    "example\n",
			    true, a),
		"nameserver 192.0.2.10\nnameserver 192.0.2.1\nsearch example.org example.or example\n");
}

static void options_of_the_pod_win(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct dns_option options[] = { { "ndots", "5" } };
	struct dns_config config = { .options = { options, 1 } };
	struct pod pod = { .spec.dnsPolicy = "Default", .spec.dnsConfig = &config };
	(void)state;

	assert_string_equal(
		resolv_conf(&pod, "nameserver\t192.0.2.1\noptions ndots:2 ndot timeout:1\n", true, a),
		"nameserver 192.0.2.1\noptions ndots:5 ndot timeout:1\n");
}

static void a_resolver_on_the_hosts_loopback(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct pod pod = { .spec.dnsPolicy = "Default" };
	(void)state;

	assert_true(resolver_is_local("nameserver 127.0.0.53\noptions edns0\n"));
	assert_true(resolver_is_local("nameserver ::1\nnameserver 127.0.0.1\n"));
	assert_false(resolver_is_local("nameserver 127.0.0.1\nnameserver 192.0.2.1\n"));
	assert_false(resolver_is_local("# nothing\n"));
	assert_string_equal(resolv_conf(&pod, "nameserver 127.0.0.53\n", false, a),
			    "nameserver 127.0.0.53\n");
	assert_non_null(strstr(resolv_conf(&pod, "nameserver 127.0.0.53\n", true, a),
			       "spec.dnsConfig.nameservers gives others"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_as_docker_writes_them),
		cmocka_unit_test(ports_that_are_wrong),
		cmocka_unit_test(a_subnet_that_nothing_of_the_host_overlaps),
		cmocka_unit_test(rules_have_the_elements_of_all_endpoints),
		cmocka_unit_test(names_of_links_fit_and_tell_networks_apart),
		cmocka_unit_test(resolv_conf_of_host_and_pod),
		cmocka_unit_test(resolv_conf_of_the_cluster),
		cmocka_unit_test(words_that_begin_alike_are_different),
		cmocka_unit_test(options_of_the_pod_win),
		cmocka_unit_test(a_resolver_on_the_hosts_loopback),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
