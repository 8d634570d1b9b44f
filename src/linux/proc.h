/* proc.h — files of procfs that are opened to be written to.
 *
 * What decides over a process's rights (id maps, security labels, kernel parameters, oom_score_adj) is written to files of procfs. If something else
 * lies there, nothing is set and nobody notices, or another file is written to (CVE-2019-16884, CVE-2025-52881: volumes over /proc). So these are
 * opened from the root of a procfs, without magic links, and looked at again when they are open. The /proc is the caller's own: a container's
 * is never used to set anything.
 */
#pragma once

/* Opens PATH, which begins with "/proc/", with FLAGS of open(2). A descriptor on procfs or -errno (-ENOSYS: there is no procfs at /proc; -EXDEV: PATH is
 * on another file system). Allocates nothing. */
int proc_open(const char *path, int flags);

/* Writes TEXT to PATH as one. 0 or -errno. */
int proc_write(const char *path, const char *text);
