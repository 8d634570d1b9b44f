/* log.h — what a process says besides its answer.
 *
 * A command says warnings on stderr as "seapod: warning: …". A keeper has no terminal: its lines go, with a time, to
 * keeper.log in the pod's directory. An error that a caller can report is returned (error.h), not logged.
 */
#pragma once

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Where lines go: FD (not owned), each with a time if TIMES; lines below LEAST are dropped.
 * Before this is called: stderr, no times, LOG_WARNING. */
void log_to(int fd, int times, enum log_level least);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...)   log_line(LOG_ERROR, __VA_ARGS__)
