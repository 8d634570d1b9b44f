/* sysctl.c — see sysctl.h. */
#include "api/sysctl.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* kubernetes pkg/kubelet/sysctl/safe_sysctls.go */
static const char *const safe[] = {
	"kernel.shm_rmid_forced",
	"net.ipv4.ip_local_port_range",
	"net.ipv4.tcp_syncookies",
	"net.ipv4.ping_group_range",
	"net.ipv4.ip_unprivileged_port_start",
	"net.ipv4.ip_local_reserved_ports",
	"net.ipv4.tcp_keepalive_time",
	"net.ipv4.tcp_fin_timeout",
	"net.ipv4.tcp_keepalive_intvl",
	"net.ipv4.tcp_keepalive_probes",
	"net.ipv4.tcp_rmem",
	"net.ipv4.tcp_wmem",
};

bool sysctl_normalize(const char *name, char buffer[static SYSCTL_SIZE])
{
	size_t n = strlen(name), first = strcspn(name, "./");

	if (n == 0 || n >= SYSCTL_SIZE || name[0] == '.' || name[0] == '/')
		return false;
	for (size_t i = 0; i <= n; i++)
		buffer[i] = name[first] != '/' ? name[i]
			    : name[i] == '/'   ? '.'
			    : name[i] == '.'   ? '/'
					       : name[i];
	return !strstr(buffer, "..") && !strstr(buffer, "//") && !strstr(buffer, "./") &&
	       buffer[n - 1] != '.';
}

bool sysctl_is_network(const char *name)
{
	return text_starts(name, "net.");
}

/* kubernetes pkg/kubelet/sysctl/namespace.go */
bool sysctl_is_ipc(const char *name)
{
	return text_is(name, "kernel.sem") || text_starts(name, "kernel.shm") ||
	       text_starts(name, "kernel.msg") || text_starts(name, "fs.mqueue.");
}

bool sysctl_is_safe(const char *name)
{
	for (size_t i = 0; i < sizeof(safe) / sizeof(*safe); i++)
		if (text_is(safe[i], name))
			return true;
	return false;
}

bool sysctl_is_listed(const char *name, const char *list)
{
	for (const char *at = list; at && *at; at += strspn(at, ", ")) {
		size_t n = strcspn(at, ", ");
		bool begins = n > 0 && at[n - 1] == '*';
		if (begins ? strncmp(at, name, n - 1) == 0 : strncmp(at, name, n) == 0 && name[n] == '\0')
			return true;
		at += n;
	}
	return false;
}

void sysctl_path(const char *name, char *path, size_t size)
{
	size_t begin = (size_t)snprintf(path, size, "/proc/sys/");

	snprintf(path + begin, size - begin, "%s", name);
	for (char *at = path + begin; *at; at++)
		*at = *at == '.' ? '/' : *at == '/' ? '.' : *at;
}
