/* set_key.h — a concatenated key, or a value, of an nftables set: words of 4 bytes, each part padded at its end (nft(8) "Concatenations").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct set_key {
	unsigned char
		at[48]; /* a link's name, a hardware address and an IPv6 one are the longest there is: 40 */
	size_t n;
};

void set_key_add(struct set_key *k, const void *part, size_t size);
void set_key_port(struct set_key *k, int port);
void set_key_protocol(struct set_key *k, const char *protocol); /* "TCP", "UDP", "SCTP" */

/* TEXT is an address of IPv6 when SIX, of IPv4 else. */
void set_key_address(struct set_key *k, const char *text, bool six);
