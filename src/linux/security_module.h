/* security_module.h — which Linux security modules the kernel has active (Documentation/admin-guide/LSM: /sys/kernel/security/lsm). */
#pragma once

#include <stdbool.h>

bool security_module_is_active(const char *name); /* "apparmor", "selinux" */
