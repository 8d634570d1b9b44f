/* erofs.h — an index of a tar that the kernel mounts.
 *
 * The image has inodes, directories, links and attributes; the contents of files stay in the tar, which is the second device. Each file is one
 * piece ("chunk") there: tar aligns contents to 512 bytes, and that is the block size. So a layer is ready when its tar is on disk and some 120 bytes
 * a file are written, and the tar is still there, bit for bit.
 *
 * Whiteouts are character devices 0/0, opaque directories have trusted.overlay.opaque (Documentation/filesystems/overlayfs.rst).
 */
#pragma once

#include "base/error.h"
#include "image/tree.h"

/* Writes T to FD, from its beginning. TAR_BYTES is the tar's size, a multiple of 512; TAG (at most 64 characters) tells which tar it is. */
int erofs_write(struct tree *t, uint64_t tar_bytes, const char *tag, int fd, struct error *err);

/* Can N be expressed? (The attributes of one file take at most 64 kB each.) */
bool erofs_can_hold(const struct tree_node *n);
