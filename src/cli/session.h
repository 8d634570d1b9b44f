/* session.h — a terminal or pipes between a person and a process in a container, and its exit code.
 */
#pragma once

#include "command/command.h"
#include "keeper/client.h"

/* exec on connection FD with REQUEST; the program's exit code, or negative. */
int session_exec(struct context *x, int fd, struct request *request, struct error *err);

/* attach on connection FD; the container's exit code, or negative. TTY: the container has a terminal. */
int session_attach(struct context *x, int fd, const char *container, bool stdin_wanted, bool tty,
		   struct error *err);

/* Waits on FD, a connection that watches a pod, until the pod has ended. 0; 128 + n: signal n asked us to end first (the pod goes on); negative. To be
 * called after session_attach: signals that came meanwhile count, too. */
int session_wait_end(struct context *x, int fd, struct error *err);
