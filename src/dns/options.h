/* options.h — the command line of seapod-dns.
 */
#pragma once

#include "dns/server.h"

struct words {
	const char *root, *run;
	bool check; /* only say whether the options are right */
};

/* Into S (whose arena is there) and W. */
int options_read(struct settings *s, struct words *w, int argc, char **argv, struct error *err);
