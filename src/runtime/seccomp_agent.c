/* seccomp_agent.c — see seccomp_agent.h. */
#include "runtime/seccomp_agent.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/socket.h"

static void make_message(const struct config_linux *l, pid_t pid, struct node *state, struct arena *a,
			 struct text *out)
{
	const char *metadata = node_get_string(l->seccomp, "listenerMetadata");
	struct node *n = node_new(a, NODE_MAP), *fds = node_new(a, NODE_LIST);

	node_append(a, fds, node_string(a, "seccompFd"));
	node_put(a, n, "ociVersion", node_string(a, OCI_VERSION_MAX));
	node_put(a, n, "fds", fds);
	node_put(a, n, "pid", node_int(a, pid));
	if (metadata)
		node_put(a, n, "metadata", node_string(a, metadata));
	node_put(a, n, "state", state);
	node_to_json(n, false, out);
}

int seccomp_agent_tell(const struct config_linux *l, int listener, pid_t pid, struct node *state,
		       struct arena *a, struct error *err)
{
	const char *path = node_get_string(l->seccomp, "listenerPath");
	_cleanup_text_ struct text message = {};
	_cleanup_close_ int fd = socket_connect_stream(path ? path : "", err);

	if (fd < 0)
		return error_prefix(err, "linux.seccomp.listenerPath");
	make_message(l, pid, state, a, &message);
	const struct message_fds fds = { .fd = { listener }, .n = 1 };
	int r = socket_send(fd, message.at, 1, &fds); /* descriptors go with the first part */
	if (r == 0)
		r = write_all(fd, message.at + 1, message.n - 1);
	return r < 0 ? error_set(err, -r, "linux.seccomp.listenerPath: cannot send to '%s': %s", path,
				 error_meaning(-r))
		     : 0;
}
