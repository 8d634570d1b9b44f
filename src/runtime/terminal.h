/* terminal.h — pseudoterminals of containers, opened without following any path of theirs. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct oci_terminal {
	int master, slave; /* owned */
};

/* Opens a terminal of the devpts mount DEVPTS. */
int oci_terminal_open(int devpts, struct oci_terminal *t, struct error *err);

/* The same of the devpts that the running process PID has on /dev/pts: only if it really is one. */
int oci_terminal_open_of(pid_t pid, struct oci_terminal *t, struct error *err);

void oci_terminal_close(struct oci_terminal *t);

void oci_terminal_size(const struct oci_terminal *t, uint16_t rows, uint16_t columns);

/* Sends the master to whoever listens at the socket PATH (runc's docs/terminals.md: one descriptor, the name as data). */
int oci_terminal_send(const struct oci_terminal *t, const char *path, struct error *err);
