/* defaults.c — see defaults.h. */
#include "oci/defaults.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "linux/capability.h"

const uint64_t default_capabilities =
	CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FSETID) |
	CAPABILITY(CAP_FOWNER) | CAPABILITY(CAP_MKNOD) | CAPABILITY(CAP_NET_RAW) | CAPABILITY(CAP_SETGID) |
	CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETFCAP) | CAPABILITY(CAP_SETPCAP) |
	CAPABILITY(CAP_NET_BIND_SERVICE) | CAPABILITY(CAP_SYS_CHROOT) | CAPABILITY(CAP_KILL) |
	CAPABILITY(CAP_AUDIT_WRITE);

static const struct oci_device devices[OCI_USUAL_DEVICES] = {
	{ "/dev/null", S_IFCHR | 0666, 1, 3, 0, 0 },    { "/dev/zero", S_IFCHR | 0666, 1, 5, 0, 0 },
	{ "/dev/full", S_IFCHR | 0666, 1, 7, 0, 0 },    { "/dev/random", S_IFCHR | 0666, 1, 8, 0, 0 },
	{ "/dev/urandom", S_IFCHR | 0666, 1, 9, 0, 0 }, { "/dev/tty", S_IFCHR | 0666, 5, 0, 0, 0 },
};

static const char *const masked[] = {
	"/proc/asound",      "/proc/acpi",          "/proc/interrupts", "/proc/kcore",
	"/proc/keys",        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
	"/proc/sched_debug", "/proc/scsi",          "/sys/firmware",    "/sys/devices/virtual/powercap",
};

static const char *const readonly[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
					"/proc/sysrq-trigger" };

static struct mount_option tmpfs_dev[] = { { "mode", "755" }, { "size", "65536k" } };
static struct mount_option tmpfs_shm[] = { { "mode", "1777" }, { "size", "65536k" } };

enum { SAFE = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };

/* What a container has of its own there (containerd oci/spec_opts "WithHostDevices" and Docker leave out the same). */
static bool is_own(const char *name)
{
	static const char *const own[] = { ".", "..", "pts", "shm", "mqueue", "fd", "console", "ptmx" };

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (text_is(name, own[i]))
			return true;
	return false;
}

/* Every device below the host's directory PATH; links are not followed. */
static void add_host_devices(struct oci_spec *spec, const char *path, int depth, struct arena *a)
{
	_cleanup_closedir_ DIR *d = opendir(path);
	struct stat st;

	for (struct dirent *e; d && (e = readdir(d));) {
		if (is_own(e->d_name) || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		const char *below = arena_printf(a, "%s/%s", path, e->d_name);
		if (S_ISDIR(st.st_mode) && depth < 4)
			add_host_devices(spec, below, depth + 1, a);
		if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
			continue;
		*list_add(a, &spec->devices) = (struct oci_device){ .path = below,
								    .mode = st.st_mode,
								    .major = major(st.st_rdev),
								    .minor = minor(st.st_rdev),
								    .uid = st.st_uid,
								    .gid = st.st_gid };
	}
}

void oci_default_files(struct oci_spec *spec, bool privileged, struct arena *a)
{
	const struct oci_mount proc = {
		.destination = "/proc", .type = "proc", .source_fd = -1, .attributes = SAFE
	};
	const struct oci_mount dev = { .destination = "/dev",
				       .type = "tmpfs",
				       .source_fd = -1,
				       .attributes = MOUNT_ATTR_NOSUID,
				       .options = { tmpfs_dev, 2 } };
	const struct oci_mount shm = { .destination = "/dev/shm",
				       .type = "tmpfs",
				       .source_fd = -1,
				       .attributes = SAFE,
				       .options = { tmpfs_shm, 2 } };
	const struct oci_mount mqueue = {
		.destination = "/dev/mqueue", .type = "mqueue", .source_fd = -1, .attributes = SAFE
	};
	const struct oci_mount sys = { .destination = "/sys",
				       .type = "sysfs",
				       .source_fd = -1,
				       .attributes = SAFE | (privileged ? 0 : MOUNT_ATTR_RDONLY) };

	*list_add(a, &spec->mounts) = proc;
	*list_add(a, &spec->mounts) = dev;
	*list_add(a, &spec->mounts) = shm;
	*list_add(a, &spec->mounts) = mqueue;
	*list_add(a, &spec->mounts) = sys;
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		*list_add(a, &spec->devices) = devices[i];
	if (privileged) {
		add_host_devices(spec, "/dev", 0, a);
		return;
	}
	for (size_t i = 0; i < sizeof(masked) / sizeof(*masked); i++)
		*list_add(a, &spec->maskedPaths) = masked[i];
	for (size_t i = 0; i < sizeof(readonly) / sizeof(*readonly); i++)
		*list_add(a, &spec->readonlyPaths) = readonly[i];
}
