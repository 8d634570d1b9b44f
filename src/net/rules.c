/* rules.c — see rules.h. */
#include "net/rules.h"

#include <arpa/inet.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

/* %1$s table, %2$s bridge, %3$s subnet. The whole of it is one transaction. */
static const char ruleset[] =
	"add table inet %1$s\n"
	"delete table inet %1$s\n"
	"table inet %1$s {\n"
	"	map ports { type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
	"	map ports_at { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }\n"
	"	chain publish {\n"
	"		meta nfproto ipv4 fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @ports_at\n"
	"		meta nfproto ipv4 fib daddr type local dnat ip to meta l4proto . th dport map @ports\n"
	"	}\n"
	"	chain prerouting { type nat hook prerouting priority dstnat; policy accept; jump publish; }\n"
	"	chain output { type nat hook output priority -100; policy accept; jump publish; }\n"
	"	chain postrouting {\n"
	"		type nat hook postrouting priority srcnat; policy accept;\n"
	"		ip saddr %3$s oifname != \"%2$s\" masquerade\n"
	"		oifname \"%2$s\" ip saddr 127.0.0.0/8 masquerade\n"
	"		oifname \"%2$s\" ip saddr %3$s ct status dnat masquerade\n"
	"	}\n"
	"	chain guard {\n"
	"		type filter hook prerouting priority raw; policy accept;\n"
	"		iifname \"%2$s\" ip daddr 127.0.0.0/8 drop\n"
	"	}\n"
	"	chain forward {\n"
	"		type filter hook forward priority filter; policy accept;\n"
	"		iifname \"%2$s\" accept\n"
	"		oifname \"%2$s\" ct state established,related accept\n"
	"	}\n"
	"}\n";

/* nft(8) reads TEXT; what it says on an error comes back in ERR. */
static int run_nft(const char *text, struct error *err)
{
	_cleanup_close_ int in = memfd_create("nft", MFD_CLOEXEC), out = memfd_create("nft-errors", MFD_CLOEXEC);
	char *argv[] = { "nft", "-f", "-", NULL }, *env[] = { "PATH=/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin", NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;

	if (in < 0 || out < 0 || write_all(in, text, strlen(text)) < 0 || lseek(in, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot hand the rules to nft");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, out, 2);
	int r = posix_spawnp(&pid, "nft", &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	if (r == ENOENT)
		return error_set(err, ENOENT, "the program nft is missing; networks need it (install the package nftables)");
	if (r != 0 || waitpid(pid, &status, 0) < 0)
		return error_set(err, EIO, "cannot run nft");
	if (status == 0)
		return 0;
	_cleanup_free_ char *said = NULL;
	lseek(out, 0, SEEK_SET);
	file_read_fd(out, "nft", 4096, &said, NULL, NULL);
	return error_set(err, EIO, "nft does not take Seapod's rules: %.*s", said ? (int)strcspn(said, "\n") : 0, said ? said : "");
}

int rules_make(const struct network *n, const struct instance *in, struct error *err)
{
	char address[INET_ADDRSTRLEN], subnet[32];
	inet_ntop(AF_INET, &n->subnet, address, sizeof(address));
	snprintf(subnet, sizeof(subnet), "%s/%u", address, n->prefix);
	_cleanup_free_ char *text = memory_printf(ruleset, in->table, n->bridge, subnet);
	return run_nft(text, err);
}

static int ask_table(const struct instance *in, uint16_t type)
{
	char buffer[NETLINK_MESSAGE];
	struct netlink nf = {};

	if (netlink_open(&nf, NETLINK_NETFILTER, NULL) < 0)
		return -EIO;
	struct nftnl_table *table = nftnl_table_alloc();
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, in->table);
	struct nlmsghdr *m = nftnl_nlmsg_build_hdr(buffer, type, NFPROTO_INET, NLM_F_ACK, ++nf.sequence);
	nftnl_table_nlmsg_build_payload(m, table);
	nftnl_table_free(table);
	int r = netlink_ask(&nf, m);
	netlink_close(&nf);
	return r;
}

bool rules_exist(const struct instance *in)
{
	return ask_table(in, NFT_MSG_GETTABLE) == 0;
}

void rules_remove(const struct instance *in)
{
	if (!rules_exist(in))
		return;
	_cleanup_free_ char *text = memory_printf("delete table inet %s\n", in->table);
	run_nft(text, NULL);
}

/* Concatenated keys and values are words of 4 bytes, each part padded at its end (nft(8) "Concatenations"). */
static void add_element(struct nftnl_set *set, const struct port_rule *r, bool value)
{
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();
	uint32_t key[3] = {}, data[2] = { r->pod.s_addr, 0 };
	bool any = r->host.s_addr == INADDR_ANY;
	uint16_t host_port = htons(r->host_port), pod_port = htons(r->pod_port);
	uint32_t *part = key;

	if (!any)
		*part++ = r->host.s_addr;
	memcpy(part++, &r->protocol, 1);
	memcpy(part++, &host_port, 2);
	memcpy(&data[1], &pod_port, 2);
	nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key, (uint32_t)((char *)part - (char *)key));
	if (value)
		nftnl_set_elem_set(e, NFTNL_SET_ELEM_DATA, data, sizeof(data));
	nftnl_set_elem_add(set, e);
}

static void put_message(struct mnl_nlmsg_batch *batch, struct netlink *nf, const struct instance *in, const struct port_rule *r,
			uint16_t type, uint16_t flags)
{
	struct nftnl_set *set = nftnl_set_alloc();

	nftnl_set_set_str(set, NFTNL_SET_TABLE, in->table);
	nftnl_set_set_str(set, NFTNL_SET_NAME, r->host.s_addr == INADDR_ANY ? "ports" : "ports_at");
	add_element(set, r, type == NFT_MSG_NEWSETELEM);
	struct nlmsghdr *m = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch), type, NFPROTO_INET, flags | NLM_F_ACK, ++nf->sequence);
	nftnl_set_elems_nlmsg_build_payload(m, set);
	nftnl_set_free(set);
	mnl_nlmsg_batch_next(batch);
}

/* One transaction of one or two messages; 0 or the first message's -errno. */
static int transact(struct netlink *nf, const struct instance *in, const struct port_rule *r, const uint16_t *types, unsigned n)
{
	char buffer[2 * NETLINK_MESSAGE], answer[8192];
	struct mnl_nlmsg_batch *batch = mnl_nlmsg_batch_start(buffer, sizeof(buffer));
	int result = 0;

	nftnl_batch_begin(mnl_nlmsg_batch_current(batch), ++nf->sequence);
	mnl_nlmsg_batch_next(batch);
	for (unsigned i = 0; i < n; i++)
		put_message(batch, nf, in, r, types[i], types[i] == NFT_MSG_NEWSETELEM ? NLM_F_CREATE | NLM_F_EXCL : 0);
	nftnl_batch_end(mnl_nlmsg_batch_current(batch), ++nf->sequence);
	mnl_nlmsg_batch_next(batch);
	if (mnl_socket_sendto(nf->socket, mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch)) < 0)
		result = -errno;
	mnl_nlmsg_batch_stop(batch);
	for (unsigned acks = 0; result == 0 && acks < n;) { /* each message is answered, a failed transaction by one error or more */
		ssize_t size = mnl_socket_recvfrom(nf->socket, answer, sizeof(answer));
		if (size < 0)
			return -errno;
		int left = (int)size;
		for (struct nlmsghdr *m = (void *)answer; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);
			if (m->nlmsg_type != NLMSG_ERROR)
				continue;
			acks++;
			if (e->error && !result)
				result = e->error;
		}
	}
	return result;
}

int rules_publish(struct netlink *nf, const struct instance *in, const struct port_rule *rules, unsigned n, struct error *err)
{
	for (unsigned i = 0; i < n; i++) {
		int r = transact(nf, in, &rules[i], (uint16_t[]){ NFT_MSG_NEWSETELEM }, 1);
		if (r == -EEXIST) /* the port is ours (we hold its socket): what is there is a dead keeper's */
			r = transact(nf, in, &rules[i], (uint16_t[]){ NFT_MSG_DELSETELEM, NFT_MSG_NEWSETELEM }, 2);
		if (r < 0) {
			rules_unpublish(nf, in, rules, i);
			errno = -r;
			return error_errno(err, "cannot publish the host port %u", rules[i].host_port);
		}
	}
	return 0;
}

void rules_unpublish(struct netlink *nf, const struct instance *in, const struct port_rule *rules, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		transact(nf, in, &rules[i], (uint16_t[]){ NFT_MSG_DELSETELEM }, 1);
}
