/* rules_watch.c — see rules_watch.h. */
#include "net/rules_watch.h"

#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "linux/lock.h"
#include "net/reload.h"
#include "net/rules.h"

enum { HEARD_BYTES = 16384 };

/* The text of RUN/networks/.watch: who listens, and who came last. */
struct watchers {
	int32_t listener, last;
};

int rules_watch_open(struct rules_watch *w, const struct instance *in, struct error *err)
{
	*w = RULES_WATCH_NONE;
	w->in = in;
	w->host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (w->host < 0)
		return error_errno(err, "cannot open the host's network namespace");
	return netlink_open(&w->news, NETLINK_NETFILTER, err);
}

void rules_watch_close(struct rules_watch *w)
{
	close_fd(&w->host);
	close_fd(&w->file);
	close_fd(&w->before);
}

/* --- who listens ------------------------------------------------------------------------------------------------------- */

/* A pidfd of the keeper PID; -1: it has ended, and maybe another process has its number. */
static int open_keeper(pid_t pid)
{
	char path[32], comm[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	_cleanup_close_ int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	_cleanup_fclose_ FILE *f = fd < 0 ? NULL : fopen(path, "re");
	if (!f || !fgets(comm, sizeof(comm), f) || strncmp(comm, "seapod-keeper", 13) != 0)
		return -1;
	return take_fd(&fd);
}

static int listen_to_all(struct rules_watch *w, struct error *err)
{
	const struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 << (NFNLGRP_NFTABLES - 1) };

	if (bind(w->news.socket, (const struct sockaddr *)&all, sizeof(all)) < 0 ||
	    fcntl(w->news.socket, F_SETFL, O_NONBLOCK) < 0)
		return error_errno(err, "cannot listen to changes of nftables");
	return 1;
}

int rules_watch_take(struct rules_watch *w, struct error *err)
{
	struct watchers known = {};
	const int32_t self = getpid();
	bool first = w->file < 0;

	close_fd(&w->before);
	if (first)
		w->file = openat(w->in->runfd, "networks/.watch", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (w->file < 0)
		return error_errno(err, "cannot open '%s/networks/.watch'", w->in->run);
	(void)!pread(w->file, &known, sizeof(known), 0);
	if (lock_take(w->file)) {
		(void)!pwrite(w->file, &self, sizeof(self), offsetof(struct watchers, listener));
		if (first)
			(void)!pwrite(w->file, &self, sizeof(self), offsetof(struct watchers, last));
		return listen_to_all(w, err);
	}
	if (first) {
		w->before = open_keeper(known.last);
		(void)!pwrite(w->file, &self, sizeof(self), offsetof(struct watchers, last));
	}
	if (w->before < 0 && known.listener != self)
		w->before = open_keeper(known.listener);
	return 0;
}

/* --- what they hear ---------------------------------------------------------------------------------------------------- */

/* "seapod", or "seapod_services" (service/rules.h). */
static bool is_our_name(const struct rules_watch *w, const char *name, size_t size)
{
	const size_t n = strlen(w->in->table);

	return size > n && strncmp(name, w->in->table, n) == 0 &&
	       (!name[n] || strncmp(name + n, "_services", size - n) == 0);
}

static bool is_end_of_ours(struct rules_watch *w, const struct nlmsghdr *m)
{
	const size_t head = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));

	if (m->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE) || m->nlmsg_len < head)
		return false;
	int left = (int)(m->nlmsg_len - head);
	bool guard = ((const struct nfgenmsg *)NLMSG_DATA(m))->nfgen_family == NFPROTO_BRIDGE, ours = false;
	for (const struct nlattr *a = (const void *)((const char *)m + head);
	     left >= (int)sizeof(*a) && a->nla_len >= sizeof(*a) && a->nla_len <= left;
	     left -= NLA_ALIGN(a->nla_len), a = (const void *)((const char *)a + NLA_ALIGN(a->nla_len)))
		if ((a->nla_type & NLA_TYPE_MASK) == NFTA_TABLE_NAME)
			ours = is_our_name(w, (const char *)(a + 1), a->nla_len - sizeof(*a));
	w->guard_gone = w->guard_gone || (ours && guard);
	return ours;
}

bool rules_watch_hear(struct rules_watch *w)
{
	char heard[HEARD_BYTES] __attribute__((aligned(8)));
	bool gone = false;

	for (;;) {
		ssize_t size = recv(w->news.socket, heard, sizeof(heard), 0);
		if (size < 0 && (errno == EINTR || errno == ENOBUFS)) {
			gone = gone || errno == ENOBUFS; /* more was said than the socket holds */
			continue;
		}
		if (size <= 0)
			return gone;
		for (struct nlmsghdr *m = (void *)heard; NLMSG_OK(m, size); m = NLMSG_NEXT(m, size))
			gone = gone || is_end_of_ours(w, m);
	}
}

/* --- and do ------------------------------------------------------------------------------------------------------------ */

static int make_all_anew(const struct rules_watch *w, int (*also)(const struct instance *, struct error *))
{
	struct reload_report report;
	struct error err = {};

	if (setns(w->host, CLONE_NEWNET) < 0) {
		log_warning("cannot enter the host's network namespace");
		return 1;
	}
	bool there = rules_exist(w->in) && !(w->guard_gone && !rules_guard_exist(w->in));
	int r = there ? 0 : network_reload(w->in, &report, &err);
	if (r == 0)
		r = also(w->in, &err);
	if (r < 0 || !there)
		log_warning("%s", r < 0 ? err.text
					: "somebody has flushed Seapod's rules; they have been made anew");
	return r < 0;
}

int rules_watch_heal(struct rules_watch *w, int (*also)(const struct instance *, struct error *),
		     pid_t *child, struct error *err)
{
	*child = fork();
	if (*child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(make_all_anew(w, also));
	}
	w->guard_gone = false;
	int fd = *child < 0 ? -1 : (int)syscall(SYS_pidfd_open, *child, 0);
	return fd < 0 ? error_errno(err, "cannot start what heals the networks' rules") : fd;
}
