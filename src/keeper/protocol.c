/* protocol.c — see protocol.h.
 *
 * A message is JSON in one packet. One that is larger than a packet travels as a memfd: then the packet is the single character '@' and the
 * memfd is the last of its descriptors.
 */
#include "keeper/protocol.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "object/json.h"

enum { LARGE_MAX = 4 * 1024 * 1024 };

static const struct field request_fields[] = {
	VALUE(request, verb, .required = true),
	VALUE(request, container),
	VALUE(request, argv),
	VALUE(request, env),
	VALUE(request, cwd),
	VALUE(request, user),
	VALUE(request, tty),
	VALUE(request, stdin_wanted),
	VALUE(request, rows, .min = 0, .max = 65535),
	VALUE(request, cols, .min = 0, .max = 65535),
	VALUE(request, grace, .min = 0, .max = INT32_MAX),
	VALUE(request, force),
	VALUE(request, signal, .min = 0, .max = 64),
};
static const struct table request_table = TABLE(request, request_fields, "A request to a keeper.");

static const struct field reply_fields[] = {
	VALUE(reply, event, .required = true),
	VALUE(reply, error),
	VALUE(reply, code),
	VALUE(reply, phase),
	VALUE(reply, settled),
	VALUE(reply, ready),
};
static const struct table reply_table = TABLE(reply, reply_fields, "A keeper's reply.");

static int send_object(int fd, const struct table *table, const void *object, const struct message_fds *fds)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text text = {};
	struct message_fds more = fds ? *fds : (struct message_fds){};

	node_to_json(object_encode(table, object, a), false, &text);
	if (text.n < SOCKET_MESSAGE_MAX / 2)
		return socket_send(fd, text.at, text.n, fds);
	_cleanup_close_ int memory = memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory < 0 || more.n == SOCKET_FDS_MAX)
		return -EMSGSIZE;
	int r = write_all(memory, text.at, text.n);
	if (r < 0)
		return r;
	lseek(memory, 0, SEEK_SET);
	more.fd[more.n++] = memory;
	return socket_send(fd, "@", 1, &more);
}

static int parse(const struct table *table, struct arena *a, const char *text, size_t size, void *object,
		 struct error *err)
{
	struct problems problems = { .arena = a };
	struct node *n = node_from_json(a, text, size, err);

	if (!n)
		return -EINVAL;
	if (!object_decode(table, n, object, a, NULL, &problems))
		return error_set(err, EINVAL, "%s",
				 problems.errors.n ? problems.errors.at[0].text : "the message is wrong");
	return 0;
}

static int receive_object(int fd, const struct table *table, struct arena *a, void *object,
			  struct message_fds *fds, struct error *err)
{
	char packet[SOCKET_MESSAGE_MAX];
	_cleanup_free_ char *large = NULL;
	ssize_t n = socket_receive(fd, packet, sizeof(packet), fds);
	const char *text = packet;
	size_t size = n > 0 ? (size_t)n : 0;

	if (n == -EAGAIN)
		return -EAGAIN;
	if (n < 0) {
		errno = (int)-n;
		return error_errno(err, "cannot receive a message");
	}
	if (n == 0)
		return 0;
	if (n == 1 && packet[0] == '@' && fds->n > 0) {
		_cleanup_close_ int memory = fds->fd[--fds->n];
		if (lseek(memory, 0, SEEK_SET) < 0 ||
		    file_read_fd(memory, "message", LARGE_MAX, &large, &size, err) < 0)
			return err && err->code ? -err->code : -EINVAL;
		text = large;
	}
	int r = parse(table, a, text, size, object, err);
	return r < 0 ? r : 1;
}

int request_send(int fd, const struct request *request, const struct message_fds *fds)
{
	return send_object(fd, &request_table, request, fds);
}

int reply_send(int fd, const struct reply *reply, const struct message_fds *fds)
{
	return send_object(fd, &reply_table, reply, fds);
}

int request_receive(int fd, struct arena *arena, struct request *request, struct message_fds *fds,
		    struct error *err)
{
	return receive_object(fd, &request_table, arena, request, fds, err);
}

int reply_receive(int fd, struct arena *arena, struct reply *reply, struct message_fds *fds,
		  struct error *err)
{
	return receive_object(fd, &reply_table, arena, reply, fds, err);
}

int request_parse(struct arena *arena, const char *text, size_t size, struct request *request,
		  struct error *err)
{
	return parse(&request_table, arena, text, size, request, err);
}
