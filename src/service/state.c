/* state.c — see state.h. */
#include "service/state.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "object/json.h"

enum { FIRST_NUMBER = 0x1000, NUMBER_STEP = 16, LABEL_SIZE = 17, FEW = 64 };

static const struct field port_fields[] = {
	VALUE(forward_port, name),       VALUE(forward_port, protocol, .required = true),
	VALUE(forward_port, port),       VALUE(forward_port, nodePort),
	VALUE(forward_port, targetPort), VALUE(forward_port, number),
	VALUE(forward_port, number6),
};
static const struct table port_table = TABLE(forward_port, port_fields, "A port that forwards.");

static const struct field forward_fields[] = {
	VALUE(forward, name, .required = true),
	VALUE(forward, namespace, .required = true),
	VALUE(forward, selector),
	VALUE(forward, notReadyToo),
	VALUE(forward, stickySeconds),
	VALUE(forward, addresses),
	VALUE(forward, externals),
	VALUE(forward, label),
	OBJECTS(forward, ports, port_table),
};
static const struct table forward_table = TABLE(forward, forward_fields, "A Service that forwards.");

/* --- the lock ------------------------------------------------------------------------------------------------------------ */

struct lock_text {
	uint32_t dirty, next;
};

int service_lock(const struct instance *in, struct service_lock *l, struct error *err)
{
	struct lock_text text = {};

	*l = (struct service_lock){ .fd = openat(in->runfd, "services/lock", O_RDWR | O_CREAT | O_CLOEXEC,
						 0600) };
	if (l->fd < 0 && errno == ENOENT && file_make_dirs(in->runfd, "services", 0700, NULL) == 0)
		l->fd = openat(in->runfd, "services/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (l->fd < 0 || flock(l->fd, LOCK_EX) < 0) {
		int r = error_errno(err, "cannot lock '%s/services'", in->run);
		close_fd(&l->fd);
		return r;
	}
	bool known = pread(l->fd, &text, sizeof(text), 0) == (ssize_t)sizeof(text);
	l->dirty = known && text.dirty;
	l->next = known && text.next >= FIRST_NUMBER ? text.next : FIRST_NUMBER;
	return 0;
}

void service_unlock(struct service_lock *l)
{
	close_fd(&l->fd);
}

void service_set_dirty(struct service_lock *l, bool dirty)
{
	struct lock_text text = { dirty, l->next };

	l->dirty = dirty;
	(void)!pwrite(l->fd, &text, sizeof(text), 0);
}

uint32_t service_number(struct service_lock *l)
{
	uint32_t number = l->next;

	l->next = number > UINT32_MAX - 2 * NUMBER_STEP ? FIRST_NUMBER : number + NUMBER_STEP;
	return number;
}

/* --- labels -------------------------------------------------------------------------------------------------------------- */

/* FNV-1a of "key=value": names of files have an end, labels are longer. Two of the same hash cost a look, no more. */
static char *hash_label(const struct string_pair *label, char text[static LABEL_SIZE])
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (const char *s = label->key; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
	h = (h ^ '=') * UINT64_C(1099511628211);
	for (const char *s = label->value; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
	snprintf(text, LABEL_SIZE, "%016llx", (unsigned long long)h);
	return text;
}

static char *label_path(const char *namespace, const char *label, const char *name, struct arena *a)
{
	return arena_printf(a, "services/by-label/%s/%s%s%s", namespace, label, name ? "/" : "",
			    name ? name : "");
}

static DIR *open_names(const struct instance *in, const char *path)
{
	_cleanup_close_ int fd = openat(in->runfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d)
		take_fd(&fd);
	return d;
}

static const char *next_name(DIR *d)
{
	struct dirent *entry;

	do
		entry = d ? readdir(d) : NULL;
	while (entry && entry->d_name[0] == '.');
	return entry ? entry->d_name : NULL;
}

static unsigned count_few(const struct instance *in, const char *path)
{
	_cleanup_closedir_ DIR *d = open_names(in, path);
	unsigned n = 0;

	while (n < FEW && next_name(d))
		n++;
	return n;
}

/* The label of the selector that the fewest others are found by. */
static const char *choose_label(const struct instance *in, const struct forward *f, struct arena *a)
{
	const char *best = NULL;
	unsigned fewest = 0;
	char text[LABEL_SIZE];

	list_each(pair, &f->selector) {
		unsigned n = count_few(in, label_path(f->namespace, hash_label(pair, text), NULL, a));
		if (best && n >= fewest)
			continue;
		best = arena_strdup(a, text);
		fewest = n;
	}
	return best;
}

bool forward_selects(const struct forward *f, const struct string_map *labels)
{
	list_each(pair, &f->selector)
		if (!text_is(string_map_get(labels, pair->key), pair->value))
			return false;
	return f->selector.n > 0;
}

void forwards_by_labels(const struct instance *in, const char *namespace, const struct string_map *labels,
			struct arena *a, struct forwards *out)
{
	char text[LABEL_SIZE];
	const char *name;

	list_each(pair, labels) {
		_cleanup_closedir_ DIR *d =
			open_names(in, label_path(namespace, hash_label(pair, text), NULL, a));
		while ((name = next_name(d))) {
			struct forward f;
			if (forward_read(in, namespace, name, a, &f) && forward_selects(&f, labels))
				*list_add(a, out) = f;
		}
	}
}

/* --- files --------------------------------------------------------------------------------------------------------------- */

static char *state_path(const char *namespace, const char *name, struct arena *a)
{
	return arena_printf(a, "services/state/%s/%s", namespace, name);
}

bool forward_read(const struct instance *in, const char *namespace, const char *name, struct arena *a,
		  struct forward *out)
{
	_cleanup_free_ char *text = NULL;
	struct problems ignored = { .arena = a };
	size_t size;

	*out = (struct forward){};
	if (file_read(in->runfd, state_path(namespace, name, a), NODE_BYTES_MAX, &text, &size, NULL) < 0)
		return false;
	const struct node *n = node_from_json(a, text, size, NULL);
	return n && object_decode(&forward_table, n, out, a, NULL, &ignored);
}

int forwards_list(const struct instance *in, struct arena *a, struct forwards *out, struct error *err)
{
	_cleanup_closedir_ DIR *namespaces = open_names(in, "services/state");
	const char *namespace, *name;
	(void)err;

	while ((namespace = next_name(namespaces))) {
		_cleanup_closedir_ DIR *names =
			open_names(in, arena_printf(a, "services/state/%s", namespace));
		while ((name = next_name(names))) {
			struct forward f;
			if (forward_read(in, namespace, name, a, &f))
				*list_add(a, out) = f;
		}
	}
	return 0;
}

static int write_label(const struct instance *in, const struct forward *f, struct arena *a, struct error *err)
{
	int r = f->label ? file_make_dirs(in->runfd, label_path(f->namespace, f->label, NULL, a), 0700, err)
			 : 0;

	if (!f->label || r < 0)
		return r;
	const char *path = label_path(f->namespace, f->label, f->name, a);
	_cleanup_close_ int fd = openat(in->runfd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? error_errno(err, "cannot make '%s/%s'", in->run, path) : 0;
}

int forward_write(const struct instance *in, struct forward *f, struct arena *a, struct error *err)
{
	_cleanup_text_ struct text text = {};

	if (!f->label)
		f->label = choose_label(in, f, a);
	int r = file_make_dirs(in->runfd, arena_printf(a, "services/state/%s", f->namespace), 0700, err);
	if (r == 0)
		r = write_label(in, f, a, err);
	if (r < 0)
		return r;
	node_to_json(object_encode(&forward_table, f, a), false, &text);
	return file_write_atomic(in->runfd, state_path(f->namespace, f->name, a), text.at, text.n, 0600, err);
}

void forward_remove(const struct instance *in, const struct forward *f)
{
	_cleanup_arena_ struct arena *a = arena_new();

	if (f->label) {
		unlinkat(in->runfd, label_path(f->namespace, f->label, f->name, a), 0);
		unlinkat(in->runfd, label_path(f->namespace, f->label, NULL, a), AT_REMOVEDIR);
	}
	unlinkat(in->runfd, state_path(f->namespace, f->name, a), 0);
}

bool services_are_known(const struct instance *in)
{
	return file_exists(in->runfd, "services/state");
}

bool forwards_are_none(const struct instance *in)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_closedir_ DIR *namespaces = open_names(in, "services/state");
	const char *namespace;

	while ((namespace = next_name(namespaces))) {
		_cleanup_closedir_ DIR *names =
			open_names(in, arena_printf(a, "services/state/%s", namespace));
		if (next_name(names))
			return false;
	}
	return true;
}
