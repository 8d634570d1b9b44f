/* service_rules.h — Services in the packet filter: how what is sent to one is spread over its ready pods.
 */
#pragma once

#include "base/instance.h"
#include "base/text.h"

/* The services' part of the table as text for nft(8): the chains 'services' and 'node_ports' that rules.c jumps to. */
void service_rules_text(const struct instance *in, struct text *out);
