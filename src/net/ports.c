/* ports.c — see ports.h. */
#include "net/ports.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"

struct range {
	long long first, last; /* both 0: none was given */
};

#define WRONG "the port '%s' is wrong: "

/* --- numbers ----------------------------------------------------------------------------------------------------------- */

static int parse_number(const char *text, const char *s, long long *out, struct error *err)
{
	if (!*s || strspn(s, "0123456789") != strlen(s))
		return error_set(err, EINVAL, WRONG "'%s' is no number", text, s);
	if (text_to_int(s, 0, 65535, out) < 0)
		return error_set(err, EINVAL, WRONG "%s is more than 65535", text, s);
	if (*out == 0)
		return error_set(err, EINVAL,
				 WRONG "there is no port 0 (-p 80 and -p 127.0.0.1::80 take any free one)",
				 text);
	return 0;
}

/* "80" or "8000-8010" */
static int parse_range(const char *text, char *s, struct range *out, struct error *err)
{
	char *dash = strchr(s, '-');

	if (dash && (dash == s || !dash[1] || strchr(dash + 1, '-')))
		return error_set(err, EINVAL, WRONG "'%s' is no range (8000-8010)", text, s);
	if (dash)
		*dash++ = '\0';
	int r = parse_number(text, s, &out->first, err);
	if (r == 0)
		r = parse_number(text, dash ? dash : s, &out->last, err);
	if (r < 0)
		return r;
	if (out->last < out->first)
		return error_set(err, EINVAL, WRONG "the range %lld-%lld ends before it begins", text,
				 out->first, out->last);
	return 0;
}

/* --- its parts --------------------------------------------------------------------------------------------------------- */

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
	if (!*s)
		return error_set(err, EINVAL, WRONG "no protocol is after the '/' (tcp, udp, sctp)", text);
	return error_set(err, EINVAL, WRONG "there is no protocol '%s' (tcp, udp, sctp)", text, s);
}

static int parse_ipv4(const char *text, const char *s, struct ip *out, struct error *err)
{
	out->family = AF_INET;
	if (inet_pton(AF_INET, s, &out->v4) == 1)
		return 0;
	if (!*s)
		return error_set(err, EINVAL, WRONG "no address is before the first ':'", text);
	if (strspn(s, "0123456789abcdefABCDEF:") == strlen(s) && strchr(s, ':'))
		return error_set(err, EINVAL, WRONG "an IPv6 address stands in brackets ([::1]:8080:80)",
				 text);
	return error_set(err, EINVAL, WRONG "'%s' is no address of the host (127.0.0.1, [::1])", text, s);
}

/* "[ADDRESS]:" before *S, which is then after it. */
static int parse_ipv6(const char *text, char **s, struct ip *out, struct error *err)
{
	char *end = strchr(*s, ']');

	if (!end)
		return error_set(err, EINVAL, WRONG "no ']' ends the IPv6 address", text);
	*end = '\0';
	out->family = AF_INET6;
	if (inet_pton(AF_INET6, *s + 1, &out->v6) != 1)
		return error_set(err, EINVAL, WRONG "'%s' is no IPv6 address", text, *s + 1);
	if (end[1] != ':' || !strchr(end + 2, ':'))
		return error_set(err, EINVAL,
				 WRONG "after the address come the ports ([::1]:8080:80, [::1]::80)", text);
	*s = end + 2;
	return 0;
}

/* "0.0.0.0" and "[::]" are every address of their kind; here, of both. */
static void settle_address(struct ip *ip)
{
	static const struct in6_addr any = IN6ADDR_ANY_INIT;

	if ((ip->family == AF_INET && ip->v4.s_addr == INADDR_ANY) ||
	    (ip->family == AF_INET6 && memcmp(&ip->v6, &any, sizeof(any)) == 0))
		*ip = (struct ip){};
}

/* Takes the address off *S, which is ADDRESS:HOST:POD, HOST:POD or POD. */
static int take_address(const char *text, char **s, struct ip *out, struct error *err)
{
	char *colon = strrchr(*s, ':');
	int r = 0;

	if (**s == '[') {
		r = parse_ipv6(text, s, out, err);
	} else if (colon) {
		*colon = '\0';
		char *before = strrchr(*s, ':');
		*colon = ':';
		if (before) {
			*before = '\0';
			r = parse_ipv4(text, *s, out, err);
			*s = before + 1;
		}
	}
	settle_address(out);
	return r;
}

/* --- the whole --------------------------------------------------------------------------------------------------------- */

static int check_counts(const char *text, struct range host, struct range pod, struct error *err)
{
	long long hosts = host.last - host.first + 1, pods = pod.last - pod.first + 1;

	if (pods > PORTS_MAX)
		return error_set(err, EINVAL, WRONG "a pod publishes at most %d ports", text, PORTS_MAX);
	if (host.first && hosts != pods && pods > 1)
		return error_set(err, EINVAL, WRONG "%lld ports of the host for %lld of the pod", text, hosts,
				 pods);
	return 0;
}

static int parse_both(const char *text, char *s, bool has_address, struct range *host, struct range *pod,
		      struct error *err)
{
	char *colon = strchr(s, ':'), *pod_text = colon ? colon + 1 : s;
	int r = 0;

	if (colon)
		*colon = '\0';
	if (!*pod_text)
		return error_set(err, EINVAL, WRONG "no port of the pod is %s", text,
				 colon ? "after the ':'" : "in it");
	if (strchr(pod_text, ':'))
		return error_set(err, EINVAL, WRONG "it has too many ':' ([IP:][HOST]:PORT)", text);
	if (colon && !*s && !has_address)
		return error_set(err, EINVAL, WRONG "no host port is before the ':'", text);
	if (colon && *s)
		r = parse_range(text, s, host, err);
	if (r == 0)
		r = parse_range(text, pod_text, pod, err);
	return r < 0 ? r : check_counts(text, *host, *pod, err);
}

int ports_parse(const char *text, struct arena *a, struct port_wishes *out, struct error *err)
{
	char *s = arena_strdup(a, text), *protocol = strchr(s, '/');
	struct port_wish w = { .protocol = IPPROTO_TCP };
	struct range host = {}, pod = {};
	int r = 0;

	if (protocol) {
		*protocol++ = '\0';
		r = parse_protocol(text, protocol, &w.protocol, err);
	}
	const char *whole = s;
	if (r == 0)
		r = take_address(text, &s, &w.host, err);
	if (r == 0)
		r = parse_both(text, s, s != whole, &host, &pod, err);
	if (r < 0)
		return r;
	bool choice = pod.first == pod.last && host.last > host.first;
	for (long long i = 0; i <= pod.last - pod.first; i++) {
		w.host_port = (uint16_t)(host.first ? host.first + i : 0);
		w.host_last = choice ? (uint16_t)host.last : 0;
		w.pod_port = (uint16_t)(pod.first + i);
		*list_add(a, out) = w;
	}
	return 0;
}
