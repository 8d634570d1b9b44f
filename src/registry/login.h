/* login.h — seapod login and logout: a name and a password that a registry has accepted are kept for the next time (credentials.h).
 */
#pragma once

#include "registry/session.h"

/* ARGV: REGISTRY USERNAME; the password comes from standard input, to its end or first line end. Tried at the registry before it is kept. */
int registry_login(struct registry_session *s, char **argv, struct error *err);

/* ARGV: REGISTRY. */
int registry_logout(struct registry_session *s, char **argv, struct error *err);
