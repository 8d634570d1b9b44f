/* copy_tar.h — seapod cp with "-": a tar of what is in a container to standard output, and one from standard input into a container.
 *
 * What is copied goes through a directory of this machine's, which nobody else can reach: what a container has is copied with care (copy.c) and
 * what an archive says is believed by nobody who writes into a container.
 */
#pragma once

#include "command/command.h"

/* A new directory; *PATH says where. Its descriptor, or negative. */
int staging_make(struct context *x, const char **path, struct error *err);
void staging_remove(struct context *x, const char *path);

/* The directory at PATH to standard output as a tar; standard input, a tar (gzip, zstd, or plain), into it. */
int staging_write_tar(struct context *x, const char *path, struct error *err);
int staging_read_tar(struct context *x, const char *path, struct error *err);
