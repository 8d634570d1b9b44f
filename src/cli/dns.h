/* dns.h — the DNS server of this instance, from the commands' side.
 */
#pragma once

#include "command/command.h"

/* Starts a server for pods, if they are to have one and none runs; it is not waited for. */
void dns_start(struct context *x);
