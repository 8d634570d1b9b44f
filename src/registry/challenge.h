/* challenge.h — what a registry wants to see: WWW-Authenticate (RFC 9110 11.6.1, RFC 6750 3; distribution "Token Authentication").
 */
#pragma once

#include <stdbool.h>

#include "base/memory.h"

enum challenge_kind { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
	enum challenge_kind kind;
	const char *realm, *service, *scope, *error; /* NULL: not given */
};

/* Reads the value of one header, which may have several challenges, and keeps the best in C: Bearer before Basic. What cannot
 * be read is passed over. */
void challenge_read(struct challenge *c, const char *value, struct arena *a);
