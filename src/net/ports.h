/* ports.h — `-p [[IP:][HOST[-HOST]]:]POD[-POD][/PROTO]` as Docker writes it. Pure.
 *
 *	80                     any free port of the host      8000-8010:9000-9010    a range, one to one
 *	8080:80                that one                       8000-8010              of each, any free one
 *	127.0.0.1:8080:80      on that address only           127.0.0.1::80          any free one there
 *	53:53/udp              tcp, udp or sctp                 [::1]:8080:80          an IPv6 address
 *	8000-8010:80           the first of these that is free
 */
#pragma once

#include "base/memory.h"
#include "net/hostport.h"

enum { PORTS_MAX = 4096 }; /* of one pod: each is a socket of its keeper */

struct port_wishes LIST(struct port_wish);

/* Adds to OUT what TEXT wishes (host_port 0: any free one); each mistake has its own sentence. */
int ports_parse(const char *text, struct arena *a, struct port_wishes *out, struct error *err);
