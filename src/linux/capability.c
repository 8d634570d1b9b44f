/* capability.c — see capability.h. */
#include "linux/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const names[] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};

enum { COUNT = sizeof(names) / sizeof(*names) };

const char *capability_name(int i)
{
	return i >= 0 && i < COUNT ? names[i] : NULL;
}

int capability_number(const char *name)
{
	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	for (int i = 0; i < COUNT; i++)
		if (strcasecmp(names[i], name) == 0)
			return i;
	return -1;
}

/* What this process may still have is in its bounding set; that is "all" (here CAP_SYS_RESOURCE may be missing). Asked once: who drops from it
 * is a child on its way to execve. */
uint64_t capability_all(void)
{
	static uint64_t all;

	if (all)
		return all;
	for (int i = 0; i < COUNT; i++)
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			all |= CAPABILITY(i);
	return all;
}

int capability_bound(uint64_t keep)
{
	for (int i = 0; i < 64; i++) {
		if (keep & CAPABILITY(i))
			continue;
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return errno == EINVAL ? 0 : -errno; /* EINVAL: beyond the kernel's last one */
	}
	return 0;
}

int capability_set(uint64_t effective, uint64_t permitted, uint64_t inheritable, uint64_t ambient)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	for (int i = 0; i < 2; i++)
		sets[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(effective >> 32 * i),
			.permitted = (uint32_t)(permitted >> 32 * i),
			.inheritable = (uint32_t)(inheritable >> 32 * i),
		};
	if (syscall(SYS_capset, &head, sets) < 0)
		return -errno;
	for (int i = 0; i < COUNT; i++)
		if (ambient & CAPABILITY(i) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			return -errno;
	return 0;
}

int capability_raise(uint64_t which)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	if (syscall(SYS_capget, &head, sets) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		sets[i].effective |= (uint32_t)(which >> 32 * i) & sets[i].permitted;
	return syscall(SYS_capset, &head, sets) < 0 ? -errno : 0;
}
