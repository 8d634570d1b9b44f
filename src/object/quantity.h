/* quantity.h — amounts as Kubernetes writes them: 100m, 1.5, 64Mi, 1e3 (apimachinery resource.Quantity).
 *
 * Exact: kept in billionths in 128 bits, which holds every amount that Kubernetes can express.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { QUANTITY_TEXT_SIZE = 48 };

/* How it was written decides how it is written again: 1000 and 1k are decimal, 1Ki is binary, 1e3 has an exponent. */
enum quantity_format { QUANTITY_DECIMAL, QUANTITY_BINARY, QUANTITY_EXPONENT };

struct quantity {
	bool set;
	enum quantity_format format;
	__int128 nano;    /* billionths of the unit */
	const char *text; /* for output: decoded objects have the canonical text here */
};

/* Reads TEXT (kept by pointer). 0; -EINVAL: not a quantity; -ERANGE: beyond what Kubernetes can express. */
int quantity_parse(const char *text, struct quantity *q);

/* Kubernetes' canonical text (Quantity.CanonicalizeBytes): no fraction, the largest suffix that is exact: 0.5 is 500m,
 * 1024Mi is 1Gi. Returns BUFFER. */
char *quantity_text(const struct quantity *q, char buffer[static QUANTITY_TEXT_SIZE]);

/* Whole units and thousandths, rounded up as Kubernetes rounds; at most INT64_MAX. */
int64_t quantity_value(const struct quantity *q);
int64_t quantity_milli(const struct quantity *q);

/* -1, 0, 1. Unset counts as 0. */
int quantity_compare(const struct quantity *a, const struct quantity *b);
