/* backend.c — see backend.h. */
#include "service/backend.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/lock.h"
#include "object/json.h"

static const struct field port_fields[] = {
	VALUE(backend_port, name, .required = true),
	VALUE(backend_port, protocol, .required = true),
	VALUE(backend_port, port, .required = true),
};
static const struct table port_table = TABLE(backend_port, port_fields, "A port with a name.");

static const struct field backend_fields[] = {
	VALUE(backend, pod, .required = true),
	VALUE(backend, namespace, .required = true),
	VALUE(backend, uid, .required = true),
	VALUE(backend, labels),
	VALUE(backend, address),
	VALUE(backend, address6),
	VALUE(backend, ready),
	OBJECTS(backend, ports, port_table),
};
static const struct table backend_table = TABLE(backend, backend_fields, "A pod as Services see it.");

int backend_open(const struct instance *in, const char *uid, struct error *err)
{
	_cleanup_free_ char *path = memory_printf(BACKENDS "/%s", uid);
	int r = file_make_dirs(in->runfd, BACKENDS, 0700, err);

	if (r < 0)
		return r;
	_cleanup_close_ int fd = openat(in->runfd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || !lock_take(fd))
		return error_errno(err, "cannot claim '%s/%s'", in->run, path);
	return take_fd(&fd);
}

int backend_write(int claim, const struct backend *b, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text text = {};

	node_to_json(object_encode(&backend_table, b, a), false, &text);
	text_add_char(&text, '\n');
	if (ftruncate(claim, 0) < 0 || pwrite(claim, text.at, text.n, 0) != (ssize_t)text.n)
		return error_errno(err, "cannot write what Services see of the pod");
	return 0;
}

bool backend_read(const struct instance *in, const char *uid, struct arena *a, struct backend *out,
		  bool *alive)
{
	_cleanup_free_ char *path = memory_printf(BACKENDS "/%s", uid), *text = NULL;
	struct problems ignored = { .arena = a };
	_cleanup_close_ int fd = openat(in->runfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t size;

	*out = (struct backend){};
	*alive = fd >= 0 && lock_is_taken(fd);
	if (fd < 0 || file_read_fd(fd, path, NODE_BYTES_MAX, &text, &size, NULL) < 0)
		return false;
	const struct node *n = node_from_json(a, text, size, NULL);
	return n && object_decode(&backend_table, n, out, a, NULL, &ignored);
}

static int is_uid(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int backends_list(const struct instance *in, struct arena *a, struct backends *out, struct strings *dead,
		  struct error *err)
{
	struct dirent **entries;
	int n = scandirat(in->runfd, BACKENDS, &entries, is_uid, alphasort);

	if (n < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot list '%s/" BACKENDS "'", in->run);
	for (int i = 0; i < n; i++) {
		struct backend b;
		bool alive, known = backend_read(in, entries[i]->d_name, a, &b, &alive);
		if (alive && known)
			*list_add(a, out) = b;
		else if (!alive && dead)
			*list_add(a, dead) = arena_strdup(a, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

void backend_remove(const struct instance *in, const char *uid)
{
	_cleanup_free_ char *path = memory_printf(BACKENDS "/%s", uid);
	unlinkat(in->runfd, path, 0);
}

uint16_t backend_port_of(const struct backend *b, const struct int_or_string *target, const char *protocol)
{
	if (!target->text)
		return (uint16_t)target->number;
	list_each(port, &b->ports)
		if (text_is(port->name, target->text) && text_is(port->protocol, protocol))
			return (uint16_t)port->port;
	return 0;
}
