/* network_parts.h — what network.c (the file) and network_create.c (the choice) share; not for others. */
#pragma once

#include "net/network.h"

#define NETWORK_FILE "networks/%.63s.json"

enum { NETWORK_FILE_SIZE = 90, DEFAULT_MTU = 1500, MTU_MIN = 576 };

/* What F says, checked, as the network NAME. */
int network_take(struct network *n, const struct instance *in, const char *name, const struct network_file *f,
		 struct error *err);

/* Chooses the default network and writes its file. */
int network_write_default(const struct instance *in, struct error *err);

/* "10.1.0.0/16", "fd00::/64" */
bool cidr_parse(const char *text, struct in_addr *address, unsigned *prefix);
bool cidr6_parse(const char *text, struct in6_addr *address, unsigned *prefix);
