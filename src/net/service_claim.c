/* service_claim.c — see service_claim.h. */
#include "net/service_claim.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/store.h"
#include "base/cleanup.h"
#include "base/file.h"

#define CLAIMS "services/claims"

char *service_claim_address(const char *ip, char key[static SERVICE_CLAIM_SIZE])
{
	snprintf(key, SERVICE_CLAIM_SIZE, "%s", ip);
	return key;
}

char *service_claim_port(int port, const char *protocol, char key[static SERVICE_CLAIM_SIZE])
{
	snprintf(key, SERVICE_CLAIM_SIZE, "%d-%s", port, protocol);
	return key;
}

static bool read_owner(const struct instance *in, const char *key, struct arena *a, struct service *s)
{
	char path[128], owner[512] = "";

	snprintf(path, sizeof(path), CLAIMS "/%s", key);
	if (readlinkat(in->rootfd, path, owner, sizeof(owner) - 1) <= 0)
		return false;
	char *slash = strchr(owner, '/');
	if (!slash)
		return false;
	*slash = '\0';
	const struct node *object = store_get(in, "services", owner, slash + 1, a, NULL);
	return object && service_read(object, s, a);
}

bool service_has_address(const struct instance *in, const char *ip, struct arena *a, struct service *s)
{
	char key[SERVICE_CLAIM_SIZE];

	if (!read_owner(in, service_claim_address(ip, key), a, s))
		return false;
	list_each(other, &s->spec.clusterIPs)
		if (text_is(*other, ip))
			return true;
	return text_is(s->spec.clusterIP, ip);
}

bool service_has_node_port(const struct instance *in, int port, const char *protocol, struct arena *a,
			   struct service *s)
{
	char key[SERVICE_CLAIM_SIZE];

	if (!read_owner(in, service_claim_port(port, protocol, key), a, s))
		return false;
	list_each(other, &s->spec.ports)
		if (other->nodePort == port && text_is(other->protocol, protocol))
			return true;
	return false;
}

static int take(const struct instance *in, const char *key, const struct service *s, struct error *err)
{
	_cleanup_free_ char *owner = memory_printf("%s/%s", s->metadata.namespace, s->metadata.name);
	char path[128];

	snprintf(path, sizeof(path), CLAIMS "/%s", key);
	if (symlinkat(owner, in->rootfd, path) == 0)
		return 0;
	unlinkat(in->rootfd, path, 0); /* of one that is gone, or our own */
	return symlinkat(owner, in->rootfd, path) == 0
		       ? 0
		       : error_errno(err, "cannot make '%s/%s'", in->root, path);
}

int service_claim(const struct instance *in, const struct service *s, struct error *err)
{
	char key[SERVICE_CLAIM_SIZE];
	int r = file_make_dirs(in->rootfd, CLAIMS, 0700, err);

	list_each(ip, &s->spec.clusterIPs)
		if (r == 0)
			r = take(in, service_claim_address(*ip, key), s, err);
	list_each(port, &s->spec.ports)
		if (r == 0 && port->nodePort)
			r = take(in, service_claim_port(port->nodePort, port->protocol, key), s, err);
	return r;
}
