/* record.c — see record.h. */
#include "net/record.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "object/json.h"

static const struct field port_fields[] = {
	VALUE(port_record, protocol, .required = true),
	VALUE(port_record, hostIP),
	VALUE(port_record, hostPort, .required = true),
	VALUE(port_record, containerPort, .required = true),
	VALUE(port_record, count),
};
static const struct table port_table = TABLE(port_record, port_fields, "A published port.");

static const struct field record_fields[] = {
	VALUE(endpoint_record, pod, .required = true),
	VALUE(endpoint_record, namespace, .required = true),
	VALUE(endpoint_record, uid, .required = true),
	VALUE(endpoint_record, keeper, .required = true),
	VALUE(endpoint_record, address, .required = true),
	VALUE(endpoint_record, address6),
	VALUE(endpoint_record, link, .required = true),
	VALUE(endpoint_record, interface, .fallback = "eth0"),
	VALUE(endpoint_record, gateway),
	VALUE(endpoint_record, aliases),
	VALUE(endpoint_record, ingress),
	VALUE(endpoint_record, egress),
	OBJECTS(endpoint_record, ports, port_table),
};
const struct table endpoint_record_table = TABLE(endpoint_record, record_fields, "An endpoint.");

int record_write(int claim, const struct endpoint_record *r, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text text = {};

	node_to_json(object_encode(&endpoint_record_table, r, a), false, &text);
	text_add_char(&text, '\n');
	if (ftruncate(claim, 0) < 0 || pwrite(claim, text.at, text.n, 0) != (ssize_t)text.n)
		return error_errno(err, "cannot write the facts of the address %s", r->address);
	return 0;
}

bool record_read(int fd, struct endpoint_record *r, struct arena *a)
{
	_cleanup_free_ char *text = NULL;
	struct problems ignored = { .arena = a };
	size_t size;

	if (file_read_fd(fd, "endpoint", NODE_BYTES_MAX, &text, &size, NULL) < 0)
		return false;
	struct node *n = node_from_json(a, text, size, NULL);
	return n && object_decode(&endpoint_record_table, n, r, a, NULL, &ignored);
}

static int is_address(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_address(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

int records_list(int pool, bool remove, struct arena *a, struct endpoint_records *out, struct error *err)
{
	struct dirent **entries;
	int n = scandirat(pool, ".", &entries, is_address, by_address);

	if (n < 0)
		return error_errno(err, "cannot list the addresses in use");
	for (int i = 0; i < n; i++) {
		_cleanup_close_ int fd = -1;
		struct endpoint_record r = {};
		int alive = pool_look(pool, entries[i]->d_name, &fd);
		if (alive == 1 && record_read(fd, &r, a))
			*list_add(a, out) = r;
		else if (alive == 0 && remove)
			unlinkat(pool, entries[i]->d_name, 0);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

const char *record_pod_name(const struct endpoint_record *r, struct arena *a)
{
	return text_is(r->namespace, "default") ? r->pod : arena_printf(a, "%s/%s", r->namespace, r->pod);
}
