/* lock.h — locks of files that say whether somebody is alive.
 *
 * An open-file-description lock (fcntl_locking(2), F_OFD_SETLK) belongs to the descriptor and its copies, goes with the last of them however the
 * process ends, and whether somebody has it can be asked without taking it. That is what Seapod's claims are made of: names, addresses, ranges of ids.
 * (Where processes only wait for each other, flock(2) does.)
 */
#pragma once

#include <stdbool.h>

/* Takes the whole file FD (open for writing) without waiting. False: somebody has it, or part of it. */
bool lock_take(int fd);

/* Takes byte AT of it: a file of many claims. */
bool lock_take_byte(int fd, int at);

/* Whether somebody else has the file FD (open for reading is enough). */
bool lock_is_taken(int fd);
