/* ports.c — see ports.h. */
#include "net/ports.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"

static int parse_number(const char *text, const char *s, bool zero, uint16_t *out, struct error *err)
{
	long long value;

	if (strchr(s, '-'))
		return error_set(err, EINVAL, "the port '%s' is a range; ranges are not supported yet", text);
	if (text_to_int(s, zero ? 0 : 1, 65535, &value) < 0)
		return error_set(err, EINVAL, "the port '%s' is wrong: '%s' is no number from 1 to 65535", text, s);
	*out = (uint16_t)value;
	return 0;
}

int port_parse(const char *text, struct port_wish *wish, struct error *err)
{
	_cleanup_free_ char *copy = memory_strdup(text);
	char *protocol = strchr(copy, '/');

	*wish = (struct port_wish){ .protocol = IPPROTO_TCP };
	if (protocol) {
		*protocol++ = '\0';
		if (text_is(protocol, "udp"))
			wish->protocol = IPPROTO_UDP;
		else if (text_is(protocol, "sctp"))
			wish->protocol = IPPROTO_SCTP;
		else if (!text_is(protocol, "tcp"))
			return error_set(err, EINVAL, "the port '%s' is wrong: the protocol is tcp, udp or sctp", text);
	}
	if (*copy == '[')
		return error_set(err, EINVAL, "the port '%s' is on an IPv6 address, which is not supported yet", text);
	char *container = strrchr(copy, ':'), *host = copy;
	if (!container)
		return parse_number(text, copy, false, &wish->pod_port, err);
	*container++ = '\0';
	char *colon = strrchr(copy, ':');
	if (colon) {
		*colon = '\0';
		host = colon + 1;
		if (inet_pton(AF_INET, copy, &wish->host) != 1)
			return error_set(err, EINVAL, "the port '%s' is wrong: '%s' is no address", text, copy);
	} else if (inet_pton(AF_INET, copy, &wish->host) == 1) { /* IP::CONTAINER was cut to IP */
		host = "";
	}
	int r = parse_number(text, container, false, &wish->pod_port, err);
	if (r == 0 && *host)
		r = parse_number(text, host, true, &wish->host_port, err);
	return r;
}
