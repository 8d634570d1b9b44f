/* oci.c — `seapod oci`: the program seapod-oci in its place; see runtime_cli/. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"

int run_oci(struct context *x, int argc, char **argv, struct error *err)
{
	char path[PATH_MAX];
	char **words = arena_alloc(x->arena, ((size_t)argc + 2) * sizeof(*words)); /* zeroed */

	instance_helper("seapod-oci", path);
	words[0] = (char *)"seapod-oci";
	memcpy(words + 1, argv, (size_t)argc * sizeof(*words));
	execv(path, words);
	return error_errno(err, "cannot run '%s'", path);
}
