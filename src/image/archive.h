/* archive.h — the members of an image archive, where they are.
 *
 * A directory is taken as it is. Of a plain tar in a file only the headers are read: what is in it is read from its place, once, when it is needed. What
 * comes by a pipe or compressed is first written to a scratch file, since a tar of blobs cannot be read in the order in which one needs them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

struct archive_member {
	const char *path; /* cleaned */
	const char *link; /* of a link: the member that it means */
	int64_t offset, size;
};

struct image_archive {
	int fd; /* a directory, or the tar */
	bool directory;
	struct LIST(struct archive_member) members; /* sorted by path */
	struct arena *arena;
};

/* FILE "-" is standard input; SCRATCH a directory. At most LIMIT bytes are written there. */
int image_archive_open(struct image_archive *a, const char *file, int scratch, uint64_t limit,
		       struct arena *arena, struct error *err);
void image_archive_close(struct image_archive *a);

/* Where the bytes of the member PATH are. *FD is the caller's to close. -ENOENT. */
int image_archive_find(const struct image_archive *a, const char *path, int *fd, int64_t *offset,
		       int64_t *size);
