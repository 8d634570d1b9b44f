/* terminal.h — the person's terminal (standard input), while a program in a container has one: what both command lines do with it.
 *
 * It passes every byte on as it is (termios(3), cfmakeraw), and is set back at the end, on whatever path this process ends by exit(3).
 */
#pragma once

#include <stdbool.h>

/* Passes on what is typed as it is, until terminal_restore(); nothing where standard input is no terminal. */
void terminal_make_raw(void);
void terminal_restore(void);

/* Gives the terminal whose master is MASTER the size of ours. */
void terminal_copy_size(int master);

/* Moves what is there, at most 16 KiB, from FROM to TO. False: FROM has ended, or nobody reads TO. */
bool terminal_move(int from, int to);
