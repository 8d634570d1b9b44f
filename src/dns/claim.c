/* claim.c — see claim.h. */
#include "dns/claim.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "linux/lock.h"

enum { PATIENCE_US = 500 * 1000, SERVICE_PATIENCE_US = 5 * 1000 * 1000, STEP_US = 5000 };

static pid_t read_owner(int fd, bool *on_demand)
{
	char text[64] = "", how[16] = "";
	int pid = 0;

	if (pread(fd, text, sizeof(text) - 1, 0) > 0)
		sscanf(text, "%d %15s", &pid, how);
	*on_demand = text_is(how, "pods");
	return pid;
}

/* Waits for one that is just ending; asks one that came for pods to make room for a person's. */
static bool lock_patiently(int fd, bool on_demand)
{
	uint64_t until = clock_boot_us() + (on_demand ? PATIENCE_US : SERVICE_PATIENCE_US);
	bool for_pods, asked = false;

	while (!lock_take(fd)) {
		pid_t owner = read_owner(fd, &for_pods);
		if ((!on_demand && owner > 0 && !for_pods) || clock_boot_us() > until)
			return false;
		if (!on_demand && owner > 0 && !asked)
			asked = kill(owner, SIGTERM) == 0;
		usleep(STEP_US);
	}
	return true;
}

int dns_claim(const struct instance *in, bool on_demand, struct error *err)
{
	_cleanup_close_ int fd =
		openat(in->runfd, "dns", O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* who may read may lock */
	char text[64];
	bool ignored;

	if (fd < 0)
		return error_errno(err, "cannot open the file 'dns' of '%s'", in->run);
	if (!lock_patiently(fd, on_demand))
		return error_set(err, EBUSY, "the DNS server of this instance runs already (process %d)",
				 (int)read_owner(fd, &ignored));
	int n = snprintf(text, sizeof(text), "%d %s\n", (int)getpid(), on_demand ? "pods" : "service");
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return error_errno(err, "cannot write the file 'dns' of '%s'", in->run);
	return take_fd(&fd);
}

pid_t dns_claim_look(const struct instance *in, bool *on_demand)
{
	_cleanup_close_ int fd = openat(in->runfd, "dns", O_RDWR | O_CLOEXEC);

	*on_demand = false;
	return fd < 0 || !lock_is_taken(fd) ? 0 : read_owner(fd, on_demand);
}
