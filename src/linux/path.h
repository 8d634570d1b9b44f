/* path.h — paths that another party controls.
 *
 * A path inside a container, an image or a volume is never resolved as a string twice and never by the plain rules:
 * openat2(2) with RESOLVE_IN_ROOT treats ROOTFD as "/", so "..", absolute links and magic links stay inside; what it
 * returns is a descriptor, and every later step uses the descriptor. (Linux 5.6; the runtime needs 5.10.)
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Opens PATH as seen from inside ROOTFD. FLAGS as open(2), O_CLOEXEC is added. A new descriptor or -errno. */
int path_open_in_root(int rootfd, const char *path, uint64_t flags, mode_t mode);

/* The same but a symbolic link anywhere on the way is an error (-ELOOP). */
int path_open_beneath(int dirfd, const char *path, uint64_t flags, mode_t mode);

/* Makes the directory PATH inside ROOTFD with all that is missing above it (MODE, owner UID:GID for what is made)
 * and returns it opened O_PATH. What exists is used as it is, through links that stay inside. */
int path_make_dirs_in_root(int rootfd, const char *path, mode_t mode, uid_t uid, gid_t gid,
			   struct error *err);

/* Makes an empty regular file PATH inside ROOTFD if nothing is there (and directories above), returns it opened O_PATH. */
int path_make_file_in_root(int rootfd, const char *path, mode_t mode, struct error *err);

/* "/proc/self/fd/N" for calls that take no descriptor. BUFFER of at least 32 bytes; returns it. */
char *path_of_fd(int fd, char buffer[static 32]);

/* A new descriptor for the same file as the O_PATH descriptor FD, opened with FLAGS (never creates). */
int path_reopen(int fd, int flags);
