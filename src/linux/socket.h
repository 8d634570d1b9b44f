/* socket.h — local sockets that carry messages and descriptors (unix(7), SCM_RIGHTS).
 *
 * SOCK_SEQPACKET keeps the borders of messages, so there is no framing to get wrong. One message has at most
 * SOCKET_MESSAGE_MAX bytes and SOCKET_FDS_MAX descriptors; what is larger travels as a sealed memfd.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

enum { SOCKET_MESSAGE_MAX = 64 * 1024, SOCKET_FDS_MAX = 8 };

struct message_fds {
	int fd[SOCKET_FDS_MAX];
	int n;
};

void message_fds_close(struct message_fds *fds);
#define _cleanup_message_fds_ _cleanup_(message_fds_close)

/* Listens at DIRFD/NAME (mode 0600), close-on-exec and non-blocking. Works for paths longer than sun_path. NAME is there only once it can be
 * connected to. */
int socket_listen(int dirfd, const char *name, struct error *err);
int socket_connect(int dirfd, const char *name, struct error *err); /* blocking */

/* Connects to the stream socket at PATH. */
int socket_connect_stream(const char *path, struct error *err);

/* Sends one message; FDS stay the caller's. 0 or -errno (-EMSGSIZE, -EAGAIN on a full non-blocking socket). */
int socket_send(int fd, const void *data, size_t size, const struct message_fds *fds);

/* Receives one message into BUFFER and its descriptors (close-on-exec) into *FDS, which must be empty and then owns them.
 * Its size; 0: the peer is gone; -errno (-EMSGSIZE: it did not fit, nothing is kept). */
ssize_t socket_receive(int fd, void *buffer, size_t size, struct message_fds *fds);

/* The user id of the process at the other end, or -errno. */
int socket_peer_uid(int fd, uid_t *uid);
