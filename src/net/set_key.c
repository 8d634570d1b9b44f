/* set_key.c — see set_key.h. */
#include "net/set_key.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "net/hostport.h"

void set_key_add(struct set_key *k, const void *part, size_t size)
{
	memcpy(k->at + k->n, part, size);
	k->n += (size + 3) & ~(size_t)3;
}

void set_key_port(struct set_key *k, int port)
{
	uint16_t big = htons((uint16_t)port);
	set_key_add(k, &big, sizeof(big));
}

void set_key_protocol(struct set_key *k, const char *protocol)
{
	uint8_t number = protocol_number(protocol);
	set_key_add(k, &number, sizeof(number));
}

void set_key_address(struct set_key *k, const char *text, bool six)
{
	struct in6_addr address = {};

	inet_pton(six ? AF_INET6 : AF_INET, text, &address);
	set_key_add(k, &address, six ? sizeof(struct in6_addr) : sizeof(struct in_addr));
}
