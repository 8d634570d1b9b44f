/* resolver.c — see resolver.h. */
#include "net/resolver.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

const char *resolver_hostname(const struct pod *pod, struct arena *a)
{
	const char *name = pod->spec.hostnameOverride ? pod->spec.hostnameOverride :
			   pod->spec.hostname	     ? pod->spec.hostname :
							 pod->metadata.name;
	if (pod->spec.setHostnameAsFQDN.value && pod->spec.subdomain)
		name = arena_printf(a, "%s.%s.%s.svc.cluster.local", name, pod->spec.subdomain, pod->metadata.namespace);
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
			text_printf(out, "%s\t%s.%s.%s.svc.cluster.local\t%s\n", ip ? ip : "127.0.1.1", name, pod->spec.subdomain,
				    pod->metadata.namespace, name);
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

/* Adds "nameserver X" once. */
static void add_server(struct text *out, const char *address)
{
	_cleanup_free_ char *line = memory_printf("nameserver %s\n", address);
	if (!strstr(text_str(out), line))
		text_add(out, line);
}

static void add_words(struct text *list, const char *words)
{
	_cleanup_free_ char *copy = memory_strdup(words);
	char *state;

	for (char *word = strtok_r(copy, " \t", &state); word; word = strtok_r(NULL, " \t", &state)) {
		_cleanup_free_ char *padded = memory_printf(" %s", word);
		if (!strstr(text_str(list), padded))
			text_add(list, padded);
	}
}

/* What the pod takes over from the host's file. */
static void take_host(const char *host_file, bool own_network, struct text *servers, struct text *searches, struct text *options)
{
	_cleanup_free_ char *copy = memory_strdup(host_file);
	char *state;

	for (char *line = strtok_r(copy, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		char *end = line + strlen(line);
		while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
			*--end = '\0';
		if (text_starts(line, "nameserver ") && !(own_network && is_loopback(line + 11)))
			add_server(servers, line + 11 + strspn(line + 11, " \t"));
		else if (text_starts(line, "search "))
			add_words(searches, line + 7);
		else if (text_starts(line, "options "))
			add_words(options, line + 8);
	}
}

void resolver_conf(const struct pod *pod, const char *host_file, bool own_network, struct text *out)
{
	_cleanup_text_ struct text servers = {}, searches = {}, options = {};
	const struct dns_config *config = pod->spec.dnsConfig;

	if (!text_is(pod->spec.dnsPolicy, "None"))
		take_host(host_file, own_network, &servers, &searches, &options);
	if (config) {
		list_each(server, &config->nameservers)
			add_server(&servers, *server);
		list_each(search, &config->searches)
			add_words(&searches, *search);
		list_each(option, &config->options) {
			_cleanup_free_ char *word = option->value ? memory_printf("%s:%s", option->name, option->value) :
								     memory_strdup(option->name);
			add_words(&options, word);
		}
	}
	text_add(out, text_str(&servers));
	if (searches.n)
		text_printf(out, "search%s\n", searches.at);
	if (options.n)
		text_printf(out, "options%s\n", options.at);
}
