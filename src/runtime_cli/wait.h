/* wait.h — being in front of a container's process: its signals, its terminal, its end. */
#pragma once

#include "oci/container.h"

/* Before the process is made: from here on signals are kept for oci_wait. */
void oci_wait_prepare(void);

/* Sends signals on to P and, with MASTER >= 0, moves bytes between it and our own terminal, until P has ended. Its exit code. */
int oci_wait(struct container_process *p, int master);
