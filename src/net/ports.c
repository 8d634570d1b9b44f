/* ports.c — see ports.h. */
#include "net/ports.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"

struct range {
	long long first, last; /* both 0: none was given */
};

/* "80" or "8000-8010" */
static int parse_range(const char *text, char *s, struct range *out, struct error *err)
{
	char *dash = strchr(s, '-');

	if (dash)
		*dash++ = '\0';
	if (text_to_int(s, 1, 65535, &out->first) < 0 ||
	    text_to_int(dash ? dash : s, 1, 65535, &out->last) < 0)
		return error_set(
			err, EINVAL,
			"the port '%s' is wrong: '%s%s%s' is no number from 1 to 65535 and no range of them",
			text, s, dash ? "-" : "", dash ? dash : "");
	if (out->last < out->first)
		return error_set(err, EINVAL,
				 "the port '%s' is wrong: the range %lld-%lld ends before it begins", text,
				 out->first, out->last);
	if (out->last - out->first >= PORTS_MAX)
		return error_set(err, EINVAL, "the port '%s' is wrong: a pod publishes at most %d ports",
				 text, PORTS_MAX);
	return 0;
}

static int parse_protocol(const char *text, const char *s, uint8_t *out, struct error *err)
{
	static const struct {
		const char *name;
		uint8_t number;
	} protocols[] = { { "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "sctp", IPPROTO_SCTP } };

	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		if (strcasecmp(s, protocols[i].name) == 0) {
			*out = protocols[i].number;
			return 0;
		}
	}
	return error_set(err, EINVAL, "the port '%s' is wrong: there is no protocol '%s' (tcp, udp, sctp)",
			 text, s);
}

static int parse_address(const char *text, char *s, struct ip *out, struct error *err)
{
	size_t n = strlen(s);

	out->family = AF_INET;
	if (inet_pton(AF_INET, s, &out->v4) == 1)
		return 0;
	out->family = AF_INET6;
	if (*s == '[' && n > 2 && s[n - 1] == ']') {
		s[n - 1] = '\0';
		if (inet_pton(AF_INET6, s + 1, &out->v6) == 1)
			return 0;
		s[n - 1] = ']';
	}
	if (strchr(s, ':') && *s != '[')
		return error_set(err, EINVAL,
				 "the port '%s' is wrong: an IPv6 address stands in brackets ([::1]:8080:80)",
				 text);
	return error_set(err, EINVAL,
			 "the port '%s' is wrong: '%s' is no address of the host (127.0.0.1, [::1])", text,
			 s);
}

/* "0.0.0.0" and "[::]" are every address of their kind; here, of both. */
static void settle_address(struct ip *ip)
{
	static const struct in6_addr any = IN6ADDR_ANY_INIT;

	if ((ip->family == AF_INET && ip->v4.s_addr == INADDR_ANY) ||
	    (ip->family == AF_INET6 && memcmp(&ip->v6, &any, sizeof(any)) == 0))
		*ip = (struct ip){};
}

int ports_parse(const char *text, struct arena *a, struct port_wishes *out, struct error *err)
{
	char *pod = arena_strdup(a, text), *host = NULL, *address = NULL, *protocol = strchr(pod, '/'),
	     *colon;
	struct port_wish w = { .protocol = IPPROTO_TCP };
	struct range from = {}, to = {};
	int r = 0;

	if (protocol) {
		*protocol++ = '\0';
		r = parse_protocol(text, protocol, &w.protocol, err);
	}
	if ((colon = strrchr(pod, ':'))) {
		*colon = '\0';
		host = pod;
		pod = colon + 1;
	}
	if (host && (colon = strrchr(host, ':'))) {
		*colon = '\0';
		address = host;
		host = colon + 1;
	}
	if (r == 0 && address)
		r = parse_address(text, address, &w.host, err);
	settle_address(&w.host);
	if (r == 0)
		r = parse_range(text, pod, &to, err);
	if (r == 0 && !text_empty(host))
		r = parse_range(text, host, &from, err);
	if (r == 0 && host && !address && !*host)
		r = error_set(err, EINVAL, "the port '%s' is wrong: no host port is before the ':'", text);
	if (r == 0 && from.first && from.last - from.first != to.last - to.first)
		r = error_set(err, EINVAL,
			      "the port '%s' is wrong: %lld ports of the host for %lld of the pod", text,
			      from.last - from.first + 1, to.last - to.first + 1);
	for (long long i = 0; r == 0 && i <= to.last - to.first; i++) {
		w.host_port = (uint16_t)(from.first ? from.first + i : 0);
		w.pod_port = (uint16_t)(to.first + i);
		*list_add(a, out) = w;
	}
	return r;
}
