/* file.h — whole files, in and out.
 *
 * Names are relative to a directory's descriptor (AT_FDCWD for the process's own), so a caller that holds a
 * directory is not fooled when its path changes. These are for directories that belong to Seapod; a path inside a
 * container or an image is opened with linux/path.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Reads a whole file of at most MAX bytes into *DATA (NUL-terminated after *SIZE bytes; free(3) it).
 * -EFBIG when it is larger. SIZE may be NULL. */
int file_read(int dirfd, const char *name, size_t max, char **data, size_t *size, struct error *err);

/* The same from an open descriptor, from its current position to its end. NAME is for the error. */
int file_read_fd(int fd, const char *name, size_t max, char **data, size_t *size, struct error *err);

/* Writes a new file beside NAME and renames it over NAME: readers see the old text or the new, never a part.
 * Not synced to disk. */
int file_write_atomic(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		      struct error *err);

/* The same, and on disk before it has its name: whole after a power cut, too. */
int file_write_synced(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		      struct error *err);

/* write(2) until all is written; 0 or -errno. */
int write_all(int fd, const void *data, size_t size);

/* Makes PATH and what is missing above it, each with MODE; what exists stays as it is. */
int file_make_dirs(int dirfd, const char *path, mode_t mode, struct error *err);

/* Opens a directory for use as a dirfd (O_DIRECTORY|O_CLOEXEC|O_NOFOLLOW); with MODE != 0 makes it if missing. */
int file_open_dir(int dirfd, const char *name, mode_t mode, struct error *err);

/* Removes NAME and all below it, never following a symbolic link, never leaving its file system (a mount point
 * below is an error). A missing NAME is fine. */
int file_remove_tree(int dirfd, const char *name, struct error *err);

/* True if NAME exists (symbolic links not followed). */
bool file_exists(int dirfd, const char *name);

/* What NAME and all below it take on disk, in bytes, never leaving its file system. A file with several names is counted under none of
 * them, since removing one gives nothing back. What cannot be read counts nothing. */
int64_t file_tree_bytes(int dirfd, const char *name);
