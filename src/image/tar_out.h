/* tar_out.h — a directory as a tar (pax), for `seapod cp POD:PATH -`.
 */
#pragma once

#include "base/error.h"

/* Writes all that is in the directory PATH, which is nobody else's and does not change, to FD. Names are relative to it; links stay links. */
int tar_out(const char *path, int fd, struct error *err);
