/* mount_kept.h — mounts of ours that have no place, and of which every container gets a copy.
 *
 * Since Linux 6.15 a detached mount can be copied (open_tree(2)). Before, only one that is attached in the caller's mount namespace can; so there
 * the first that is kept brings about the shelf: a mount namespace that holds kept mounts and nothing else, which a helper process enters to put
 * one there and to copy it. It is a descriptor of this process and goes with it, as detached mounts do: nothing is to be unmounted, and nobody sees it.
 *
 * Which of both it is, is found out once. For processes with one thread.
 */
#pragma once

#include <stdbool.h>

/* From now on FD, a detached mount (or the negative result of making one, which is passed on), can be copied by mount_copy_kept(), for as long as
 * this process lives. Returns FD, or -errno, and FD is closed. */
int mount_kept(int fd);

/* A detached copy of what FD is open on: any mount, or a file or directory in one that was kept. A descriptor or -errno. */
int mount_copy_kept(int fd, bool recursive);
