/* files.c — the files that a pod has of its own in every container: /etc/hosts, /etc/hostname and /etc/resolv.conf.
 *
 * They are on a small tmpfs that is attached nowhere, so a container that writes to them fills neither the disk nor the host's /run. */
#include "sandbox/parts.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "dns/config.h"
#include "linux/mount_kept.h"
#include "net/resolver.h"
#include "sandbox/network.h"

/* The host's resolv.conf, or where the resolver on its loopback has its servers from. */
static void read_resolver(bool own, char **text)
{
	_cleanup_free_ char *upstream = NULL;

	if (file_read(AT_FDCWD, "/etc/resolv.conf", 65536, text, NULL, NULL) == 0 && own &&
	    resolver_is_local(*text) &&
	    file_read(AT_FDCWD, RESOLVER_UPSTREAM, 65536, &upstream, NULL, NULL) == 0) {
		free(*text);
		*text = take_ptr(&upstream);
	}
}

/* The instance's DNS server, where pods have it: by the gateway, or for the host's network where the host has it. NULL: they have not. */
static const struct resolver_cluster *find_cluster(struct sandbox *s)
{
	const char **searches = arena_alloc(s->arena, 3 * sizeof(*searches));
	struct resolver_cluster *cluster = arena_one(s->arena, struct resolver_cluster);
	struct dns_settings settings;
	struct network network;
	char gateway[INET_ADDRSTRLEN];

	if (!*s->ip || !dns_settings_read(s->in, s->arena, &settings) || !settings.enabled ||
	    (!s->pod->spec.hostNetwork && !sandbox_network_of_names(s, &network)))
		return NULL;
	const char *zone = dns_settings_zone(&settings);
	searches[0] = arena_printf(s->arena, "%s.svc.%s", s->pod->metadata.namespace, zone);
	searches[1] = arena_printf(s->arena, "svc.%s", zone);
	searches[2] = zone;
	if (s->pod->spec.hostNetwork)
		strcpy(gateway, DNS_HOST_ADDRESS);
	else
		inet_ntop(AF_INET, &network.gateway, gateway, sizeof(gateway));
	*cluster = (struct resolver_cluster){ arena_strdup(s->arena, gateway), searches, 3 };
	return cluster;
}

int sandbox_files_make(struct sandbox *s, struct error *err)
{
	static const struct mount_option options[] = { { "mode", "0755" }, { "size", "1m" } };
	_cleanup_text_ struct text hosts = {}, resolv = {};
	_cleanup_free_ char *host_hosts = NULL, *host_resolv = NULL;
	const char *hostname = resolver_hostname(s->pod, s->arena);
	bool own = !s->pod->spec.hostNetwork;
	int r;

	s->files = mount_kept(
		mount_make("tmpfs", options, 2, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
	if (s->files < 0)
		return error_code(err, s->files, "cannot make the pod's own files");
	if (!own)
		file_read(AT_FDCWD, "/etc/hosts", 65536, &host_hosts, NULL, NULL);
	read_resolver(own, &host_resolv);
	resolver_hosts(s->pod, *s->ip ? s->ip : NULL, host_hosts, &hosts);
	resolver_conf(s->pod, host_resolv ? host_resolv : "", own, find_cluster(s), &resolv);
	if (own && sethostname(hostname, strlen(hostname)) < 0)
		return error_errno(err, "cannot set the host name '%s'", hostname);
	const char *name = arena_printf(s->arena, "%s\n", own ? hostname : s->node_name);
	r = file_write_atomic(s->files, "hosts", text_str(&hosts), hosts.n, 0644, err);
	if (r == 0)
		r = file_write_atomic(s->files, "hostname", name, strlen(name), 0644, err);
	if (r == 0)
		r = file_write_atomic(s->files, "resolv.conf", text_str(&resolv), resolv.n, 0644, err);
	if (r == 0 && *s->ip)
		r = file_write_atomic(s->dir, "ip", s->ip, strlen(s->ip), 0644, err);
	if (r == 0)
		r = sandbox_network_write(s, err);
	return r;
}
