/* step.h — what a build asks its worker, the program seapod-build, to do: one step, as JSON.
 *
 *	find	LAYER of KEY if the cache has it
 *	copy	COPY, ADD and WORKDIR: the layer of a step that runs nothing
 *	pack	the layer of what a container left in its upper directory
 *	commit	CONFIG and LAYERS as the image NAME
 *
 * The cache is ROOT/cache/build/<digest of the key>: a layer's digests. The key of a step is all that its layer follows from: the layers below it, the
 * instruction with its variables, and the digest of the files that are copied. What was pruned is made again.
 */
#pragma once

#include "object/field.h"

struct build_step {
	const char *key;
	bool fresh;           /* --no-cache: nothing is taken from it */
	const char *scratch;  /* an absolute path that is the step's own; the build removes it */
	struct strings lower; /* diff ids, the lowest first */
	int64_t epoch;        /* SOURCE_DATE_EPOCH, or -1 */

	/* copy */
	const char *context;     /* the directory; NULL: FROM */
	struct strings from;     /* diff ids of the stage that is copied from */
	struct strings sources;  /* none: TARGET is a directory to be made */
	struct string_map texts; /* here-documents: name, contents */
	const char *target, *owner, *ignore;
	int64_t mode;
	bool unpacks; /* ADD: archives are unpacked */

	/* pack */
	const char *upper;
	struct strings
		stubs; /* what was made only to be mounted on: it goes when it is empty and not in LOWER */
	bool lives; /* the container may still use UPPER: nothing is removed from it, the stubs are only left out */
	bool mapped;            /* UPPER has the ids of a pod's user namespace */
	struct strings without; /* the worker's own: those */

	/* commit */
	const char *name;
	struct node *config, *layers;
};

extern const struct table build_step_table;

struct built_layer {
	const char *digest, *diff_id;
	int64_t size;
	bool cached;
};

extern const struct table built_layer_table;
