/* address.h — addresses and prefixes, of both families, as people write them.
 *
 * One fixed struct for both: an IPv4 address has family AF_INET and its four bytes first. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

enum { ADDRESS_TEXT_SIZE = 64, DNS_PORT = 53 };

struct address {
	sa_family_t family; /* AF_INET, AF_INET6; 0: none */
	uint8_t bytes[16];  /* network byte order */
	uint16_t port;      /* host byte order; 0 where it does not matter */
};

struct prefix {
	struct address address;
	unsigned bits;
};

/* "10.0.0.1", "10.0.0.1:5353", "fd00::1", "[fd00::1]:5353"; without a port it is PORT. */
int address_parse(const char *text, uint16_t port, struct address *out, struct error *err);

/* "10.0.0.0/8", or an address: that one alone. */
int prefix_parse(const char *text, struct prefix *out, struct error *err);
bool prefix_holds(const struct prefix *p, const struct address *a);

bool address_is_loopback(const struct address *a);
bool address_equal(const struct address *a, const struct address *b); /* ports do not count */
int address_compare(const struct address *a, const struct address *b);
unsigned address_size(const struct address *a); /* 4 or 16 bytes */

/* "10.0.0.1" into TEXT; returns TEXT. */
char *address_text(const struct address *a, char text[static ADDRESS_TEXT_SIZE]);

socklen_t address_to_socket(const struct address *a, struct sockaddr_storage *out);

/* IPv4 addresses that came by an IPv6 socket become IPv4. */
void address_from_socket(const struct sockaddr_storage *from, struct address *out);
