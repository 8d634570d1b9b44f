/* image.h — what the commands about images share.
 */
#pragma once

#include "cli/image_use.h"
#include "command/command.h"
#include "image/gc.h"

/* "12MB", as docker says it: thousands. */
const char *human_size(int64_t bytes, struct arena *a);

/* "docker.io/library/nginx" and "1.25"; "<none>" for what REFERENCE (may be NULL) has not. */
void split_reference(const char *reference, struct arena *a, const char **repository, const char **tag);

/* What comes after `image VERB`: the options that the verb has, and names. */
struct image_arguments {
	struct options options;
	const struct image_verb *verb;
};

struct image_verb {
	const char *name, *other; /* the second may be NULL */
	const char *takes;        /* the names of its options, "all quiet" */
	int (*run)(struct context *x, struct image_arguments *o, struct error *err);
};

/* options_next, for the options of the verb only. */
int image_option(struct image_arguments *o, const struct option_spec **option, const char **value,
		 struct error *err);

/* For a verb without options that takes at least one image. */
int image_names(struct image_arguments *o, struct error *err);

int image_ls(struct context *x, struct image_arguments *o, struct error *err);
int image_inspect(struct context *x, struct image_arguments *o, struct error *err);
int image_rm(struct context *x, struct image_arguments *o, struct error *err);
int image_prune(struct context *x, struct image_arguments *o, struct error *err);

/* Of system prune: images without a name, unless a pod has them, and what no image has. RESULT is added to. */
int prune_dangling(struct context *x, struct gc_result *result, struct error *err);
