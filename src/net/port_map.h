/* port_map.h — the maps of published ports, one for each form: their names and types, for the text of rules.c and for the messages of elements.c.
 */
#pragma once

#include "net/record.h"

struct port_map {
	const char *name, *type;
	bool six;    /* IPv6 */
	bool at;     /* at a certain address of the host; else at any */
	bool ranges; /* of ranges, whose ports are the pod's, too; else of single ports */
};

enum { PORT_MAPS = 8 };
extern const struct port_map port_maps[PORT_MAPS];

/* True if PORT belongs into MAP. One without a hostIP belongs into those of both families. */
bool port_is_in(const struct port_record *port, const struct port_map *map);
