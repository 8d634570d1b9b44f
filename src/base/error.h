/* error.h — one sentence that says what failed, why, and what to do.
 *
 * A function that can fail returns 0 (or a useful number >= 0) or a negative errno-like code, and where a person
 * will read of it, it also fills a struct error with one sentence. Each level on the way up may put before it what
 * it alone knows (a file and line, a field's path, a pod, a container); nobody says again what is already said.
 * The sentence names no C identifier and no bare errno. Only cli/ prints it and only cli/ exits.
 *
 * The struct has a fixed size, below PIPE_BUF: a child between clone and exec, which may not allocate, sends it to
 * its parent with one write(2) that is atomic by pipe(7).
 *
 *	if (mkdirat(dirfd, name, 0700) < 0)
 *		return error_errno(err, "cannot make the directory '%s'", name);
 */
#pragma once

#include <errno.h>
#include <limits.h>
#include <stdarg.h>

struct error {
	int code;        /* errno value, positive; 0 while nothing failed */
	char text[1020]; /* one sentence, no full stop, no newline; cut at the end if too long */
};

_Static_assert(sizeof(struct error) <= PIPE_BUF, "an error crosses a pipe in one atomic write");

/* Each of these returns the negative code to return further. ERR may be NULL: then only the code is passed on. */

/* Sets the sentence. CODE is a positive errno value. */
int error_set(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Sets the sentence and adds ": " and the meaning of errno; returns -errno. */
int error_errno(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with the meaning of CODE, the negative result of a call; returns CODE. */
int error_code(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "PREFIX: " before the sentence that is there; returns -err->code. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds to the end of the sentence, as " (what to do)". Returns -err->code. */
int error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What an errno value means, in words. Never NULL; not a name like ENOENT. */
const char *error_meaning(int code);
