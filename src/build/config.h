/* config.h — what instructions that run and copy nothing say of the image: the "config" of its config (image-spec config.md; HEALTHCHECK, SHELL and
 * ONBUILD as Docker keeps them there). Pure.
 */
#pragma once

#include "build/dockerfile.h"
#include "build/words.h"

struct image_change {
	struct node *config; /* changed */
	const struct variables *variables;
	bool has_cmd; /* this file has set CMD: an ENTRYPOINT leaves it */
	struct arena *arena;
	struct error *err;
};

/* Is KEYWORD one of them? (ENV, LABEL, EXPOSE, VOLUME, ENTRYPOINT, CMD, USER, WORKDIR, STOPSIGNAL, SHELL, HEALTHCHECK, ONBUILD, MAINTAINER.) */
bool config_has(const char *keyword);

/* Does what I says. */
int config_change(struct image_change *c, const struct instruction *i);

/* The words of the shell that commands are given to: SHELL, or /bin/sh -c. */
void config_shell(const struct node *config, struct arena *a, struct strings *out);
