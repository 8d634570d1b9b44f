/* token.h — getting in: Basic (RFC 7617) and tokens (distribution "Token Authentication Specification", and its OAuth2 form for
 * identity tokens).
 */
#pragma once

#include "registry/challenge.h"
#include "registry/client.h"

/* Answers CHALLENGE: gives C another authorization. 1: it has one; 0: there is none to have (no credentials for Basic, or the same
 * again); negative: the token server refuses or cannot be reached, and ERR says why. */
int token_renew(struct client *c, const struct challenge *challenge, struct error *err);
