/* debug_profile.h — what a container of `seapod debug` may do, and what else it has, by kubectl's options of these names.
 */
#pragma once

#include "api/pod.h"
#include "command/command.h"

/* --profile: general, baseline, restricted, netadmin or sysadmin, into C's securityContext (kubectl pkg/cmd/debug/profiles.go). Negative: wrong usage. */
int debug_profile(struct context *x, struct container *c, const char *profile, struct error *err);

/* --custom: a part of a container, as YAML or JSON, from a file: volumeMounts, envFrom, securityContext, workingDir …; its name, image and command come from
 * the command line. It takes C's place. Negative, with the first thing that is wrong. */
int debug_custom(struct context *x, struct container *c, const char *path, struct error *err);
