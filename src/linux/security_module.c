/* security_module.c — see security_module.h. */
#include "linux/security_module.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

bool security_module_is_active(const char *name)
{
	_cleanup_free_ char *list = NULL;

	return file_read(AT_FDCWD, "/sys/kernel/security/lsm", 1024, &list, NULL, NULL) == 0 &&
	       strstr(list, name);
}
