/* socket.c — see socket.h. */
#include "linux/socket.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

void message_fds_close(struct message_fds *fds)
{
	for (int i = 0; i < fds->n; i++)
		close_fd(&fds->fd[i]);
	fds->n = 0;
}

/* A socket's address has room for 107 characters; through /proc/self/fd every directory is near. */
static int address(int dirfd, const char *name, struct sockaddr_un *at, struct error *err)
{
	int n = dirfd == AT_FDCWD
			? snprintf(at->sun_path, sizeof(at->sun_path), "%s", name)
			: snprintf(at->sun_path, sizeof(at->sun_path), "/proc/self/fd/%d/%s", dirfd, name);
	at->sun_family = AF_UNIX;
	if (n < 0 || (size_t)n >= sizeof(at->sun_path))
		return error_set(err, ENAMETOOLONG, "the socket's name '%s' is too long", name);
	return 0;
}

int socket_listen(int dirfd, const char *name, struct error *err)
{
	struct sockaddr_un at = {};
	char fresh[64];
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_errno(err, "cannot make a socket");
	snprintf(fresh, sizeof(fresh), "%s.new", name);
	int r = address(dirfd, fresh, &at, err);
	if (r < 0)
		return r;
	unlinkat(dirfd, fresh, 0);
	fchmod(fd, 0600); /* before bind: the mode of the socket's file */
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, SOMAXCONN) < 0 ||
	    renameat(dirfd, fresh, dirfd, name) < 0)
		return error_errno(err, "cannot listen at '%s'", name);
	return take_fd(&fd);
}

int socket_connect(int dirfd, const char *name, struct error *err)
{
	struct sockaddr_un at = {};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_errno(err, "cannot make a socket");
	int r = address(dirfd, name, &at, err);
	if (r < 0)
		return r;
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return error_errno(err, "cannot connect to '%s'", name);
	return take_fd(&fd);
}

int socket_connect_stream(const char *path, struct error *err)
{
	struct sockaddr_un at = {};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? error_errno(err, "cannot make a socket") : address(AT_FDCWD, path, &at, err);

	if (r == 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		r = error_errno(err, "cannot connect to '%s'", path);
	return r < 0 ? r : take_fd(&fd);
}

int socket_send(int fd, const void *data, size_t size, const struct message_fds *fds)
{
	struct iovec part = { .iov_base = (void *)data, .iov_len = size };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int) * SOCKET_FDS_MAX)];
	} control = {};
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (size > SOCKET_MESSAGE_MAX)
		return -EMSGSIZE;
	if (fds && fds->n > 0) {
		size_t length = sizeof(int) * (size_t)fds->n;
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(length);
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		*head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS,
					  .cmsg_len = CMSG_LEN(length) };
		memcpy(CMSG_DATA(head), fds->fd, length);
	}
	while (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

ssize_t socket_receive(int fd, void *buffer, size_t size, struct message_fds *fds)
{
	struct iovec part = { .iov_base = buffer, .iov_len = size };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int) * SOCKET_FDS_MAX)];
	} control;
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;

	while ((n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC)) < 0)
		if (errno != EINTR)
			return -errno;
	for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int got;
			memcpy(&got, CMSG_DATA(head) + i * sizeof(int), sizeof(got));
			if (fds->n < SOCKET_FDS_MAX)
				fds->fd[fds->n++] = got;
			else
				close(got);
		}
	}
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		message_fds_close(fds);
		return -EMSGSIZE;
	}
	return n;
}

int socket_peer_uid(int fd, uid_t *uid)
{
	struct ucred who;
	socklen_t size = sizeof(who);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return -errno;
	*uid = who.uid;
	return 0;
}
