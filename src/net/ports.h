/* ports.h — `-p [IP:][HOST]:CONTAINER[/PROTO]` as Docker writes it. Pure.
 */
#pragma once

#include "net/endpoint.h"

/* Reads TEXT into WISH; each mistake has its own sentence. */
int port_parse(const char *text, struct port_wish *wish, struct error *err);
