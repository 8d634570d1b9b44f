/* address.c — see address.h. */
#include "dns/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static bool parse_bytes(const char *text, struct address *out)
{
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		out->family = AF_INET;
	else if (inet_pton(AF_INET6, text, out->bytes) == 1)
		out->family = AF_INET6;
	return out->family != 0;
}

int address_parse(const char *text, uint16_t port, struct address *out, struct error *err)
{
	char host[INET6_ADDRSTRLEN + 2];
	long long number = port;
	const char *colon = *text == '['                              ? strstr(text, "]:")
			    : strchr(text, ':') == strrchr(text, ':') ? strrchr(text, ':')
								      : NULL;
	const char *begin = text + (*text == '['), *end = colon ? colon : text + strlen(text);

	*out = (struct address){};
	if (!colon && *text == '[' && end[-1] == ']')
		end--;
	const char *digits = colon ? colon + (*colon == ']') + 1 : NULL;
	snprintf(host, sizeof(host), "%.*s", (int)(end - begin), begin);
	if ((size_t)(end - begin) >= sizeof(host) || !parse_bytes(host, out) ||
	    (digits && text_to_int(digits, 1, 65535, &number) < 0))
		return error_set(err, EINVAL,
				 "'%.100s' is no address (10.0.0.1, 10.0.0.1:5353, [fd00::1]:5353)", text);
	out->port = (uint16_t)number;
	return 0;
}

int prefix_parse(const char *text, struct prefix *out, struct error *err)
{
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	long long bits = 0;

	*out = (struct prefix){};
	snprintf(host, sizeof(host), "%.*s", (int)n, text);
	bool right = n < sizeof(host) && parse_bytes(host, &out->address);
	unsigned most = address_size(&out->address) * 8;
	if (!right || (slash && text_to_int(slash + 1, 0, most, &bits) < 0))
		return error_set(err, EINVAL, "'%.100s' is no network (10.0.0.0/8, fd00::/8)", text);
	out->bits = slash ? (unsigned)bits : most;
	return 0;
}

bool prefix_holds(const struct prefix *p, const struct address *a)
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;

	if (p->address.family != a->family || memcmp(p->address.bytes, a->bytes, whole) != 0)
		return false;
	return rest == 0 || (p->address.bytes[whole] ^ a->bytes[whole]) >> (8 - rest) == 0;
}

bool address_is_loopback(const struct address *a)
{
	return a->family == AF_INET
		       ? a->bytes[0] == 127
		       : a->family == AF_INET6 && IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)a->bytes);
}

int address_compare(const struct address *a, const struct address *b)
{
	int r = (int)a->family - (int)b->family;
	return r ? r : memcmp(a->bytes, b->bytes, address_size(a));
}

bool address_equal(const struct address *a, const struct address *b)
{
	return address_compare(a, b) == 0;
}

unsigned address_size(const struct address *a)
{
	return a->family == AF_INET ? 4 : 16;
}

char *address_text(const struct address *a, char text[static ADDRESS_TEXT_SIZE])
{
	if (a->family == 0 || !inet_ntop(a->family, a->bytes, text, ADDRESS_TEXT_SIZE))
		strcpy(text, "nowhere");
	return text;
}

socklen_t address_to_socket(const struct address *a, struct sockaddr_storage *out)
{
	*out = (struct sockaddr_storage){};
	if (a->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;
		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->bytes, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in = (struct sockaddr_in6 *)out;
	in->sin6_family = AF_INET6;
	in->sin6_port = htons(a->port);
	memcpy(&in->sin6_addr, a->bytes, 16);
	return sizeof(*in);
}

void address_from_socket(const struct sockaddr_storage *from, struct address *out)
{
	*out = (struct address){ .family = from->ss_family };
	if (from->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)from;
		memcpy(out->bytes, &in->sin_addr, 4);
		out->port = ntohs(in->sin_port);
		return;
	}
	const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)from;
	memcpy(out->bytes, &in->sin6_addr, 16);
	out->port = ntohs(in->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&in->sin6_addr)) {
		out->family = AF_INET;
		memcpy(out->bytes, in->sin6_addr.s6_addr + 12, 4);
	}
}
