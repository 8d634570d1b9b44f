/* oci.c — `seapod oci`: the program seapod-oci in its place; see oci.h. */
#include <errno.h>
#include <unistd.h>

#include "cli/commands.h"

int run_oci(struct context *x, int argc, char **argv, struct error *err)
{
	char path[PATH_MAX];
	(void)x;
	(void)argc;

	instance_helper("seapod-oci", path);
	argv[-1] = (char *)"seapod-oci";
	execv(path, argv - 1);
	return error_errno(err, "cannot run '%s'", path);
}
