/* quantity.h — amounts as Kubernetes writes them: 100m, 1.5, 64Mi, 1e3 (apimachinery resource.Quantity).
 *
 * Exact: kept in billionths in 128 bits, which holds every amount that Kubernetes can express.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct quantity {
	bool set;
	__int128 nano;	  /* billionths of the unit */
	const char *text; /* as written, for output */
};

/* Reads TEXT (kept by pointer). 0; -EINVAL: not a quantity; -ERANGE: beyond what Kubernetes can express. */
int quantity_parse(const char *text, struct quantity *q);

/* Whole units and thousandths, rounded up as Kubernetes rounds; at most INT64_MAX. */
int64_t quantity_value(const struct quantity *q);
int64_t quantity_milli(const struct quantity *q);

/* -1, 0, 1. Unset counts as 0. */
int quantity_compare(const struct quantity *a, const struct quantity *b);
