/* port_map.c — see port_map.h. */
#include "net/port_map.h"

#include <string.h>

#define FOUR "ipv4_addr"
#define SIX  "ipv6_addr"
#define PORT "inet_proto . inet_service"

const struct port_map port_maps[PORT_MAPS] = {
	{ "ports", PORT " : " FOUR " . inet_service", false, false, false },
	{ "ports_at", FOUR " . " PORT " : " FOUR " . inet_service", false, true, false },
	{ "ranges", PORT " : " FOUR, false, false, true },
	{ "ranges_at", FOUR " . " PORT " : " FOUR, false, true, true },
	{ "ports6", PORT " : " SIX " . inet_service", true, false, false },
	{ "ports6_at", SIX " . " PORT " : " SIX " . inet_service", true, true, false },
	{ "ranges6", PORT " : " SIX, true, false, true },
	{ "ranges6_at", SIX " . " PORT " : " SIX, true, true, true },
};

bool port_is_in(const struct port_record *port, const struct port_map *map)
{
	bool family = !port->hostIP || (strchr(port->hostIP, ':') != NULL) == map->six;

	return family && map->at == (port->hostIP != NULL) && map->ranges == (port->count > 1);
}
