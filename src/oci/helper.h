/* helper.h — starts another of Seapod's programs, which does what this one shall not link: compile a filter, talk D-Bus. */
#pragma once

#include <sys/types.h>

#include "base/error.h"

/* Runs the program argv[0] with ARGV and ENVP; IN and OUT become its standard input and output. 0, and *PID is to be waited for. */
int helper_spawn(char *const argv[], char *const envp[], int in, int out, pid_t *pid, struct error *err);
