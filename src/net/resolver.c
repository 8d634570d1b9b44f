/* resolver.c — see resolver.h. */
#include "net/resolver.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

const char *resolver_hostname(const struct pod *pod, struct arena *a)
{
	const char *name = pod->spec.hostnameOverride ? pod->spec.hostnameOverride
			   : pod->spec.hostname       ? pod->spec.hostname
						      : pod->metadata.name;
	if (pod->spec.setHostnameAsFQDN.value && pod->spec.subdomain)
		name = arena_printf(a, "%s.%s.%s.svc.cluster.local", name, pod->spec.subdomain,
				    pod->metadata.namespace);
	char *copy = arena_strndup(a, name, strnlen(name, 63));
	for (size_t n = strlen(copy); n > 0 && (copy[n - 1] == '.' || copy[n - 1] == '-'); n--)
		copy[n - 1] = '\0';
	return copy;
}

void resolver_hosts(const struct pod *pod, const char *ip, const char *host_file, struct text *out)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const char *name = resolver_hostname(pod, a);

	if (host_file) {
		text_add(out, host_file);
	} else {
		text_add(out, "# Kubernetes-managed hosts file.\n"
			      "127.0.0.1\tlocalhost\n"
			      "::1\tlocalhost ip6-localhost ip6-loopback\n"
			      "fe00::0\tip6-localnet\n"
			      "fe00::0\tip6-mcastprefix\n"
			      "fe00::1\tip6-allnodes\n"
			      "fe00::2\tip6-allrouters\n");
		if (pod->spec.subdomain)
			text_printf(out, "%s\t%s.%s.%s.svc.cluster.local\t%s\n", ip ? ip : "127.0.1.1", name,
				    pod->spec.subdomain, pod->metadata.namespace, name);
		else
			text_printf(out, "%s\t%s\n", ip ? ip : "127.0.1.1", name);
	}
	if (pod->spec.hostAliases.n)
		text_add(out, "\n# Entries added by HostAliases.\n");
	list_each(alias, &pod->spec.hostAliases) {
		text_add(out, alias->ip);
		list_each(hostname, &alias->hostnames)
			text_printf(out, "\t%s", *hostname);
		text_add_char(out, '\n');
	}
}

static bool is_loopback(const char *address)
{
	return text_starts(address, "127.") || text_is(address, "::1");
}

/* resolv.conf(5), as the last word on each of its three subjects. */
struct resolver {
	struct arena *arena;
	struct strings servers, searches, options;
	bool left_out; /* a server on the host's loopback, which the pod cannot reach */
};

/* WORD, once; for options (NAMED) the part before the colon is what counts, and the later one wins. */
static void add_word(struct resolver *r, struct strings *list, const char *word, bool named)
{
	size_t n = named ? strcspn(word, ":") : strlen(word);

	list_each(there, list) {
		if (strncmp(*there, word, n) == 0 && ((*there)[n] == '\0' || (named && (*there)[n] == ':'))) {
			*there = arena_strdup(r->arena, word);
			return;
		}
	}
	*list_add(r->arena, list) = arena_strdup(r->arena, word);
}

static void add_server(struct resolver *r, const char *address, bool own_network)
{
	if (own_network && is_loopback(address))
		r->left_out = true;
	else
		add_word(r, &r->servers, address, false);
}

/* What the pod takes over from the host's file. */
static void take_host(struct resolver *r, const char *host_file, bool own_network)
{
	char *copy = arena_strdup(r->arena, host_file), *line_state, *state;

	for (char *line = strtok_r(copy, "\n", &line_state); line; line = strtok_r(NULL, "\n", &line_state)) {
		const char *keyword = strtok_r(line, " \t\r", &state);
		for (char *word; keyword && (word = strtok_r(NULL, " \t\r", &state));) {
			if (text_is(keyword, "nameserver"))
				add_server(r, word, own_network);
			else if (text_is(keyword, "search"))
				add_word(r, &r->searches, word, false);
			else if (text_is(keyword, "options"))
				add_word(r, &r->options, word, true);
		}
	}
}

static void write_words(struct text *out, const char *keyword, const struct strings *words)
{
	if (words->n)
		text_add(out, keyword);
	list_each(word, words)
		text_printf(out, " %s", *word);
	if (words->n)
		text_add_char(out, '\n');
}

/* With hostNetwork, ClusterFirst is not enough: the pod has to say ClusterFirstWithHostNet. */
static bool asks_cluster(const struct pod *pod)
{
	const char *policy = pod->spec.dnsPolicy;
	return text_is(policy, "ClusterFirstWithHostNet") ||
	       (text_is(policy, "ClusterFirst") && !pod->spec.hostNetwork);
}

/* The cluster's server alone, its search path before the host's, and ndots:5 for names with many parts. */
static void take_cluster(struct resolver *r, const struct resolver_cluster *cluster, const char *host_file)
{
	struct resolver host = { .arena = r->arena };

	add_server(r, cluster->server, false);
	for (size_t i = 0; i < cluster->n; i++)
		add_word(r, &r->searches, cluster->searches[i], false);
	take_host(&host, host_file, false);
	list_each(search, &host.searches)
		add_word(r, &r->searches, *search, false);
	add_word(r, &r->options, "ndots:5", true);
}

void resolver_conf(const struct pod *pod, const char *host_file, bool own_network,
		   const struct resolver_cluster *cluster, struct text *out)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct resolver r = { .arena = a };
	const struct dns_config *config = pod->spec.dnsConfig;

	if (cluster && asks_cluster(pod))
		take_cluster(&r, cluster, host_file);
	else if (!text_is(pod->spec.dnsPolicy, "None"))
		take_host(&r, host_file, own_network);
	if (config) {
		list_each(server, &config->nameservers)
			add_server(&r, *server, false);
		list_each(search, &config->searches)
			add_word(&r, &r.searches, *search, false);
		list_each(option, &config->options)
			add_word(&r, &r.options,
				 option->value ? arena_printf(a, "%s:%s", option->name, option->value)
					       : option->name,
				 true);
	}
	if (!r.servers.n && r.left_out)
		text_add(out, "# The host's name servers are on its loopback, which this pod cannot reach "
			      "(spec.dnsConfig.nameservers gives others).\n");
	list_each(server, &r.servers)
		text_printf(out, "nameserver %s\n", *server);
	write_words(out, "search", &r.searches);
	write_words(out, "options", &r.options);
}

bool resolver_is_local(const char *host_file)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct resolver r = { .arena = a };

	take_host(&r, host_file, true);
	return r.left_out && r.servers.n == 0;
}
