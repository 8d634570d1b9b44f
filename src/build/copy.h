/* copy.h — COPY and ADD: files from one tree into another, neither of which is trusted.
 *
 * Every path of the source is resolved by the kernel with the source's top as "/", every path of the target in the step's root (linux/path.h), and what
 * is below is walked by descriptors that follow no link, so a link leads nowhere else. What is copied is what Dockerfile reference "COPY" says: the
 * contents of directories, links as links, and a source that is itself a link as what it leads to.
 *
 * The same walk without a target gives the digest of what would be copied: names, kinds, modes, owners and contents, not times.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "build/ignore.h"
#include "image/digest.h"
#include "object/field.h"

struct copy {
	struct strings sources; /* with the patterns of ignore.h */
	const char *target;     /* absolute; a directory if it ends with "/" */
	bool keeps_owner;       /* --from without --chown */
	uint32_t uid, gid;
	int64_t mode;                /* --chmod; -1: the source's */
	const struct ignore *ignore; /* NULL: nothing is left out */
};

/* Adds what C would copy from the directory FROM to SUM. */
int copy_digest(const struct copy *c, int from, struct digest *sum, struct error *err);

/* Copies from the directory FROM into ROOT. */
int copy_files(const struct copy *c, int from, int root, struct error *err);
