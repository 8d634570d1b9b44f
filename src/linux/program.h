/* program.h — programs of ours whose file a container must not be able to change.
 *
 * What runs in a container before its own program does is ours, and a container can have the kernel execute it again: "#!/proc/self/exe"
 * (CVE-2019-5736). It then holds a descriptor of the program's file, and as root it may write to it when it has ended. So such a program is
 * executed from a file that nobody can open for writing, whoever owns it on the host: from a read-only mount of its own, or, where mounts are
 * not allowed, from sealed memory (memfd_create(2)).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* The program PATH as a descriptor for execveat(2). */
int program_open(const char *path, struct error *err);

/* Whether the calling program runs from such a file. Then its path, which nothing else tells any more, is told to instance_program. */
bool program_is_protected(void);

/* Executes the calling program once more, with the same arguments, unless it is protected. Does not return then. 0 or negative. */
int program_protect(char **argv, struct error *err);
