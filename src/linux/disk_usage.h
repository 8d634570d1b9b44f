/* disk_usage.h — what a directory and all below it take on disk.
 *
 * The tree belongs to somebody who may change it meanwhile, or mean harm: no name is followed through a symbolic link, another file system is not
 * entered, and one directory is open at a time however deep the tree is. The way up is "..", and only believed when it leads to where the way down
 * came from; a directory that was moved elsewhere ends the walk (fts(3) does the same).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What is below DIRFD (closed here), in bytes of blocks, as du(1) counts. A file with N names counts an Nth under each. Blocks for as long as it
 * takes. WHOLE: false if it could not be walked to its end; then it is at least the answer. */
int64_t disk_usage(int dirfd, bool *whole);
