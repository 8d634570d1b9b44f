/* service_rules.c — see service_rules.h. */
#include "net/service_rules.h"

void service_rules_text(const struct instance *in, struct text *out)
{
	(void)in;
	text_add(out, "	chain services {\n	}\n	chain node_ports {\n	}\n");
}
