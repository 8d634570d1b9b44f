/* env_file.h — variables in a file that a container wrote (KEP-3721; Kubernetes docs "Define Environment Variable Values Using An Init Container").
 *
 * A subset of the shell's: NAME='value', all between the quotes as it is, over several lines if need be; after it only a comment. Blank lines and
 * lines that begin with # are passed over. NAME= is an empty value. Anything else is an error with its line.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"

/* The value of KEY in TEXT, in A; NULL: it is not there. The text before it must be right. Pure. */
int env_file_find(const char *text, const char *key, struct arena *a, const char **value, struct error *err);
