/* cleanup.h — every resource has one owner, and the owner lets go of it by itself.
 *
 * A variable that owns something says so with one of the attributes below and is released at the end of its
 * scope, on every path. To hand the resource to another owner, take it: take_fd(&fd), take_ptr(&p). The idea is
 * systemd's and crun's; it is what makes "nothing leaks on any error path" a property of the code's shape.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(release) __attribute__((cleanup(release)))
#define _cleanup_free_     _cleanup_(cleanup_free)
#define _cleanup_close_    _cleanup_(cleanup_close)
#define _cleanup_fclose_   _cleanup_(cleanup_fclose)
#define _cleanup_closedir_ _cleanup_(cleanup_closedir)

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* The descriptor in *FD; the variable no longer owns it. */
static inline int take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

/* The pointer in *P (P is a pointer to a pointer); the variable no longer owns it. */
#define take_ptr(p)                             \
	({                                      \
		__typeof__(*(p)) taken_ = *(p); \
		*(p) = NULL;                    \
		taken_;                         \
	})

/* Closes *FD if it is open and forgets it. */
static inline void close_fd(int *fd)
{
	cleanup_close(fd);
	*fd = -1;
}
