/* help.h — what the commands are, said to people: the list, one command, the manual page's section, and near misses.
 */
#pragma once

#include <stdio.h>

#include "command/command.h"

/* The command called NAME; NULL with a sentence that names the nearest one, or what Seapod has instead of a word of kubectl's or Docker's. */
const struct command *command_find(const char *name, struct error *err);

void help_all(FILE *out);
void help_command(const struct command *c, FILE *out);

/* The section COMMANDS of seapod(1), in scdoc(5). */
void help_scdoc(FILE *out);
