/* network_wish.c — see network_wish.h. */
#include "sandbox/network_wish.h"

#include <arpa/inet.h>
#include <string.h>

#include "api/annotations.h"
#include "api/names.h"
#include "object/quantity.h"

static struct strings split(const char *text, struct arena *a)
{
	struct strings words = {};
	char *copy = arena_strdup(a, text ? text : ""), *state;

	for (char *word = strtok_r(copy, ", ", &state); word; word = strtok_r(NULL, ", ", &state))
		*list_add(a, &words) = word;
	return words;
}

static struct endpoint_wish *find(struct network_wishes *w, const char *network)
{
	for (size_t i = 0; i < w->n; i++)
		if (text_is(w->at[i].network, network))
			return &w->at[i];
	return NULL;
}

static int read_networks(const char *text, struct arena *a, struct network_wishes *out, struct error *err)
{
	struct strings names = split(text_empty(text) ? NETWORK_DEFAULT : text, a);

	if (names.n > NETWORKS_OF_POD_MAX)
		return error_set(err, EINVAL,
				 "a pod is on at most %d networks (" NETWORK_ANNOTATION " names %zu)",
				 NETWORKS_OF_POD_MAX, names.n);
	out->at = arena_alloc(a, names.n * sizeof(*out->at));
	list_each(name, &names) {
		if (find(out, *name))
			return error_set(err, EINVAL, NETWORK_ANNOTATION " names '%.60s' twice", *name);
		if (names.n > 1 && (text_is(*name, "none") || text_is(*name, "host") || strchr(*name, ':')))
			return error_set(err, EINVAL,
					 NETWORK_ANNOTATION
					 ": '%.60s' stands alone, it is no network beside others",
					 *name);
		out->at[out->n++].network = *name;
	}
	return 0;
}

static int read_addresses(const char *text, struct arena *a, struct network_wishes *out, struct error *err)
{
	struct strings words = split(text, a);

	list_each(word, &words) {
		const char *equals = strchr(*word, '='), *address = equals ? equals + 1 : *word;
		struct endpoint_wish *wish =
			equals ? find(out, arena_strndup(a, *word, (size_t)(equals - *word))) : &out->at[0];
		if (!wish)
			return error_set(err, EINVAL,
					 NETWORK_IP_ANNOTATION
					 ": '%.80s' is for a network that the pod is not on",
					 *word);
		if (inet_pton(AF_INET, address, &wish->address) != 1 || !wish->address.s_addr)
			return error_set(err, EINVAL, NETWORK_IP_ANNOTATION ": '%.60s' is no IPv4 address",
					 address);
	}
	return 0;
}

/* Kubernetes' limits of it (pkg/util/bandwidth/utils.go): from 1k to 1P bits a second. */
static int read_bandwidth(const char *name, const char *text, int64_t *bytes, struct error *err)
{
	static const int64_t least = 1000, most = 1000000000000000;
	struct quantity q;

	if (!text)
		return 0;
	if (quantity_parse(text, &q) < 0)
		return error_set(err, EINVAL, "%s: '%.40s' is no number of bits a second (10M)", name, text);
	if (quantity_value(&q) < least || quantity_value(&q) > most)
		return error_set(err, EINVAL, "%s: '%.40s' is not from 1k to 1P bits a second", name, text);
	*bytes = quantity_value(&q) / 8;
	return 0;
}

int network_bandwidth_read(const struct string_map *annotations, int64_t *ingress, int64_t *egress,
			   struct error *err)
{
	int r = read_bandwidth(INGRESS_ANNOTATION, string_map_get(annotations, INGRESS_ANNOTATION), ingress,
			       err);

	return r < 0 ? r
		     : read_bandwidth(EGRESS_ANNOTATION, string_map_get(annotations, EGRESS_ANNOTATION),
				      egress, err);
}

int network_wishes_read(const struct string_map *annotations, struct arena *a, struct network_wishes *out,
			struct error *err)
{
	const char *route = string_map_get(annotations, NETWORK_ROUTE_ANNOTATION);
	int r = read_networks(string_map_get(annotations, NETWORK_ANNOTATION), a, out, err);

	if (r == 0)
		r = read_addresses(string_map_get(annotations, NETWORK_IP_ANNOTATION), a, out, err);
	if (r == 0)
		r = network_bandwidth_read(annotations, &out->ingress, &out->egress, err);
	if (r < 0)
		return r;
	struct endpoint_wish *gateway = route ? find(out, route) : &out->at[0];
	if (!gateway)
		return error_set(err, EINVAL,
				 NETWORK_ROUTE_ANNOTATION ": the pod is not on the network '%.60s'", route);
	gateway->gateway = true;
	out->aliases = split(string_map_get(annotations, NETWORK_ALIASES_ANNOTATION), a);
	list_each(alias, &out->aliases)
		if (name_dns_subdomain(*alias))
			return error_set(err, EINVAL, NETWORK_ALIASES_ANNOTATION ": '%.80s' %s", *alias,
					 name_dns_subdomain(*alias));
	return 0;
}
