/* source.c — the objects of this machine as they are now: pods, Services, networks, from their directories (ARCHITECTURE.md "On disk").
 *
 * inotify(7) says which directory has changed, and only that file is read again. The zone is then made anew of all that is known, in memory, and takes
 * the old one's place: 10,000 Services take 40 ms, so after a change it waits for QUIET_US and for ten times as long as the last
 * making took, and a thousand pods that come at once cost no more than a few makings. A keeper that is killed changes no file; its pidfd tells.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "dns/server.h"
#include "linux/process.h"

enum {
	QUIET_US = 2000,
	EVENTS_BYTES = 16384,
	OBJECT_MAX = 1024 * 1024,
	GONE_MS = 300,   /* on demand: how long it stays without a pod */
	FIRST_MS = 2000, /* and how long it waits for the first */
	SLOTS = 4096,
	KEY_SIZE = 600,
	CHANGES = IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR,
};

enum item_kind { ITEM_POD, ITEM_SERVICE, ITEM_NETWORK };

/* One object, as it was read. */
struct item {
	struct item *next, **self; /* of all; SELF points to it */
	struct item *slot;         /* the next of the same slot */
	struct source *source;
	enum item_kind kind;
	char *path; /* "pods/<uid>" in RUN; "objects/services/<namespace>/<name>.json", "networks/<name>.json" in ROOT */
	bool known; /* there was something to read */
	struct arena *arena;
	union {
		struct fact_pod pod;
		struct fact_service service;
		struct fact_network network;
	};
	int watch;   /* of a pod's directory; -1 */
	ev_io ended; /* the pidfd of a pod's keeper; -1: none */
};

/* A directory with files of one kind. */
struct folder {
	struct folder *next;
	enum item_kind kind;
	int watch;
	char path[300];
};

struct source {
	struct server *server;
	int inotify, pods, namespaces; /* watches of RUN/pods and of ROOT/objects/services */
	struct folder *folders;
	struct item *items, *slots[SLOTS]; /* all, and by path */
	unsigned alive;                    /* keepers */
	ev_io readable;
	ev_timer make, gone;
	struct arena *arena; /* of the view that is in use */
	uint64_t took_us;
	uint32_t serial;
};

/* --- the view ----------------------------------------------------------------------------------------------------------- */

static void add_own(struct arena *a, struct addresses *own, struct address address, uint16_t port)
{
	if (address.port == 0)
		address.port = port;
	list_each(there, own)
		if (address_equal(there, &address))
			return;
	*list_add(a, own) = address;
}

/* Which networks there are decides where it listens and who may ask. */
static void use_networks(struct source *src, struct arena *a)
{
	struct server *s = src->server;

	memset(&s->own, 0, sizeof(s->own));
	memset(&s->networks, 0, sizeof(s->networks));
	list_each(setting, &s->settings.listen)
		add_own(a, &s->own, *setting, s->settings.port);
	for (struct item *i = src->items; i; i = i->next) {
		if (i->kind != ITEM_NETWORK || !i->known)
			continue;
		if (!i->network.gateway.family)
			continue;
		add_own(a, &s->own, i->network.gateway, s->settings.port);
		*list_add(a, &s->networks) = i->network.subnet;
	}
}

static void collect(struct source *src, struct arena *a, struct cluster *c)
{
	*c = (struct cluster){ .servers = src->server->own,
			       .announced = src->server->settings.listen,
			       .serial = ++src->serial,
			       .local = src->server->settings.local };
	for (struct item *i = src->items; i; i = i->next) {
		if (i->known && i->kind == ITEM_POD)
			*list_add(a, &c->pods) = &i->pod;
		if (i->known && i->kind == ITEM_SERVICE)
			*list_add(a, &c->services) = &i->service;
		if (i->known && i->kind == ITEM_NETWORK)
			*list_add(a, &c->networks) = &i->network;
	}
}

static struct zone *make_domain(const struct server *s, const struct cluster *c)
{
	knot_dname_storage_t domain;

	return s->settings.etcd && name_parse(s->settings.domain, domain) &&
			       !knot_dname_is_equal(domain, s->apex)
		       ? cluster_domain(c, domain)
		       : NULL;
}

/* The new view has nothing of the items, so that they may change under it. */
static int make_view(struct source *src, struct error *err)
{
	_cleanup_arena_ struct arena *scratch = arena_new();
	struct arena *a = arena_new(), *old = src->arena;
	struct server *s = src->server;
	struct view before = s->view;
	uint64_t begin = clock_boot_us();
	struct cluster c;

	use_networks(src, a);
	collect(src, scratch, &c);
	struct homes *homes = arena_one(a, struct homes);
	homes_make(&c.pods, &c.networks, a, homes);
	s->view = (struct view){ .zone = cluster_zone(&c, s->apex),
				 .words = cluster_words(&c),
				 .domain = make_domain(s, &c),
				 .sky = before.sky,
				 .sky_known = before.sky_known,
				 .homes = homes };
	src->arena = a;
	zone_free((struct zone *)before.zone);
	zone_free((struct zone *)before.words);
	zone_free((struct zone *)before.domain);
	arena_free(old);
	etcd_announce(s, &c);
	src->took_us = clock_boot_us() - begin;
	return listen_update(s, err);
}

static void on_make(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;

	make_view(w->data, NULL);
}

static void changed(struct source *src)
{
	if (ev_is_active(&src->make))
		return;
	ev_timer_set(&src->make, (double)(QUIET_US + 10 * src->took_us) / US_PER_SECOND, 0);
	ev_timer_start(src->server->loop, &src->make);
}

/* --- items -------------------------------------------------------------------------------------------------------------- */

static struct item **slot_of(struct source *src, const char *path)
{
	return &src->slots[hash_add(HASH_BEGIN, path, strlen(path)) % SLOTS];
}

static struct item *find_item(struct source *src, const char *path)
{
	struct item *i = *slot_of(src, path);

	while (i && !text_is(i->path, path))
		i = i->slot;
	return i;
}

static struct item *need_item(struct source *src, enum item_kind kind, const char *path)
{
	struct item *i = find_item(src, path), **slot = slot_of(src, path);

	if (i)
		return i;
	i = memory_one(struct item);
	i->slot = *slot;
	i->next = src->items;
	i->self = &src->items;
	if (i->next)
		i->next->self = &i->next;
	src->items = i;
	i->source = src;
	i->kind = kind;
	i->path = memory_strdup(path);
	i->watch = i->ended.fd = -1;
	*slot = i;
	return i;
}

static void forget_keeper(struct item *i)
{
	if (i->ended.fd < 0)
		return;
	ev_io_stop(i->source->server->loop, &i->ended);
	close(i->ended.fd);
	i->ended.fd = -1;
	if (--i->source->alive == 0 && i->source->server->settings.on_demand)
		ev_timer_again(i->source->server->loop, &i->source->gone);
}

static void free_item(struct item *i)
{
	forget_keeper(i);
	*i->self = i->next;
	if (i->next)
		i->next->self = i->self;
	arena_free(i->arena);
	free(i->path);
	free(i);
}

static void remove_item(struct source *src, const char *path)
{
	struct item **at = slot_of(src, path);

	while (*at && !text_is((*at)->path, path))
		at = &(*at)->slot;
	if (!*at)
		return;
	struct item *gone = *at;
	*at = gone->slot;
	free_item(gone); /* the watch went with the directory */
	changed(src);
}

static bool read_text(int dir, const char *path, char **text, size_t *size)
{
	return file_read(dir, path, OBJECT_MAX, text, size, NULL) == 0;
}

/* --- pods --------------------------------------------------------------------------------------------------------------- */

static void on_keeper_ended(struct ev_loop *loop, ev_io *w, int events)
{
	struct item *i = w->data;
	(void)loop;
	(void)events;

	forget_keeper(i);
	i->known = false;
	changed(i->source);
}

/* ns/net leads to /proc/<keeper>/ns/net. True: the keeper lives. */
static bool watch_keeper(struct item *i)
{
	char path[KEY_SIZE], target[64] = "";
	struct source *src = i->source;
	int pid = 0;

	if (i->ended.fd >= 0)
		return true;
	snprintf(path, sizeof(path), "%s/ns/net", i->path);
	if (readlinkat(src->server->in.runfd, path, target, sizeof(target) - 1) < 0 ||
	    sscanf(target, "/proc/%d/", &pid) != 1)
		return false;
	int fd = process_open(pid);
	if (fd < 0)
		return false;
	ev_io_init(&i->ended, on_keeper_ended, fd, EV_READ);
	i->ended.data = i;
	ev_io_start(src->server->loop, &i->ended);
	if (src->alive++ == 0)
		ev_timer_stop(src->server->loop, &src->gone);
	return true;
}

static void read_pod(struct item *i)
{
	_cleanup_free_ char *object = NULL, *status = NULL;
	char path[KEY_SIZE];
	size_t object_size = 0, status_size = 0;
	int run = i->source->server->in.runfd;

	arena_free(i->arena);
	i->arena = arena_new();
	snprintf(path, sizeof(path), "%s/pod.json", i->path);
	i->known = read_text(run, path, &object, &object_size) && watch_keeper(i);
	snprintf(path, sizeof(path), "%s/status.json", i->path);
	i->known = i->known && read_text(run, path, &status, &status_size) &&
		   fact_pod_read(object, object_size, status, status_size, i->arena, &i->pod);
	changed(i->source);
}

static void add_pod(struct source *src, const char *uid)
{
	char path[KEY_SIZE];
	const struct instance *in = &src->server->in;

	snprintf(path, sizeof(path), "pods/%s", uid);
	struct item *i = need_item(src, ITEM_POD, path);
	snprintf(path, sizeof(path), "%s/pods/%s", in->run, uid);
	i->watch = inotify_add_watch(src->inotify, path, CHANGES);
	read_pod(i);
}

/* --- files -------------------------------------------------------------------------------------------------------------- */

static bool is_object(const char *name)
{
	return name[0] != '.' && text_ends(name, ".json");
}

static void read_file(struct source *src, const struct folder *folder, const char *name)
{
	_cleanup_free_ char *text = NULL;
	char path[KEY_SIZE];
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	if (!read_text(src->server->in.rootfd, path, &text, &size)) {
		remove_item(src, path);
		return;
	}
	struct item *i = need_item(src, folder->kind, path);
	arena_free(i->arena);
	i->arena = arena_new();
	i->known = folder->kind == ITEM_SERVICE ? fact_service_read(text, size, i->arena, &i->service)
						: fact_network_read(text, size, i->arena, &i->network);
	changed(src);
}

/* Calls DO for each entry of the directory DIRFD/PATH. */
static void each_entry(int dirfd, const char *path, void (*what)(void *data, const char *name), void *data)
{
	int fd = file_open_dir(dirfd, path, 0, NULL);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *e; dir && (e = readdir(dir));)
		if (e->d_name[0] != '.')
			what(data, e->d_name);
}

struct reading {
	struct source *source;
	const struct folder *folder;
};

static void read_entry(void *data, const char *name)
{
	const struct reading *r = data;

	if (is_object(name))
		read_file(r->source, r->folder, name);
}

static void add_folder(struct source *src, enum item_kind kind, const char *path)
{
	char full[PATH_MAX];
	const struct instance *in = &src->server->in;

	snprintf(full, sizeof(full), "%s/%s", in->root, path);
	int watch = inotify_add_watch(src->inotify, full, CHANGES);
	if (watch < 0)
		return;
	struct folder *f = src->folders;
	while (f && f->watch != watch)
		f = f->next;
	if (!f) {
		f = memory_one(struct folder);
		*f = (struct folder){ .next = src->folders, .kind = kind, .watch = watch };
		snprintf(f->path, sizeof(f->path), "%s", path);
		src->folders = f;
	}
	each_entry(in->rootfd, path, read_entry, &(struct reading){ src, f });
}

static void add_namespace(void *data, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "objects/services/%s", name);
	add_folder(data, ITEM_SERVICE, path);
}

static void add_pod_entry(void *data, const char *uid)
{
	add_pod(data, uid);
}

static void read_all(struct source *src)
{
	const struct instance *in = &src->server->in;

	add_folder(src, ITEM_NETWORK, "networks");
	each_entry(in->rootfd, "objects/services", add_namespace, src);
	each_entry(in->runfd, "pods", add_pod_entry, src);
}

/* --- changes ------------------------------------------------------------------------------------------------------------ */

static void on_pod_change(struct source *src, const struct inotify_event *e)
{
	if (text_is(e->name, "pod.json") || text_is(e->name, "status.json"))
		for (struct item *i = src->items; i; i = i->next)
			if (i->kind == ITEM_POD && i->watch == e->wd)
				read_pod(i);
}

static void remove_folder(struct source *src, int watch)
{
	for (struct folder **at = &src->folders; *at; at = &(*at)->next) {
		struct folder *gone = *at;
		if (gone->watch != watch)
			continue;
		*at = gone->next;
		free(gone);
		return;
	}
}

static void on_change(struct source *src, const struct inotify_event *e)
{
	char path[KEY_SIZE];
	bool gone = e->mask & (IN_DELETE | IN_MOVED_FROM);

	if (e->mask & IN_Q_OVERFLOW) {
		read_all(src);
		return;
	}
	if (e->mask & IN_IGNORED)
		remove_folder(src, e->wd);
	if (e->len == 0 || e->name[0] == '.')
		return;
	if (e->wd == src->pods) {
		snprintf(path, sizeof(path), "pods/%s", e->name);
		gone ? remove_item(src, path) : add_pod(src, e->name);
		return;
	}
	if (e->wd == src->namespaces) {
		if (!gone)
			add_namespace(src, e->name);
		return;
	}
	for (const struct folder *f = src->folders; f; f = f->next)
		if (f->watch == e->wd && is_object(e->name))
			read_file(src, f, e->name);
	on_pod_change(src, e);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct source *src = w->data;
	char bytes[EVENTS_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(src->inotify, bytes, sizeof(bytes));
	(void)loop;
	(void)events;

	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const struct inotify_event *)(bytes + at);
		on_change(src, e);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
}

/* On demand, and no pod runs. One may have come that inotify has not told of yet. */
static void on_gone(struct ev_loop *loop, ev_timer *w, int events)
{
	struct source *src = w->data;
	(void)events;

	each_entry(src->server->in.runfd, "pods", add_pod_entry, src);
	if (src->alive == 0)
		ev_break(loop, EVBREAK_ALL);
}

/* --- life --------------------------------------------------------------------------------------------------------------- */

static int watch_directory(struct source *src, int dirfd, const char *base, const char *path, mode_t mode,
			   struct error *err)
{
	char full[PATH_MAX];
	int r = file_make_dirs(dirfd, path, mode, err);

	snprintf(full, sizeof(full), "%s/%s", base, path);
	int watch = r < 0 ? r : inotify_add_watch(src->inotify, full, CHANGES);
	return r < 0 ? r : watch < 0 ? error_errno(err, "cannot watch the directory '%s'", full) : watch;
}

int source_open(struct server *s, struct error *err)
{
	struct source *src = s->source = memory_one(struct source);
	const struct instance *in = &s->in;

	src->server = s;
	ev_init(&src->make, on_make);
	ev_timer_init(&src->gone, on_gone, FIRST_MS / 1000., GONE_MS / 1000.);
	src->make.data = src->gone.data = src->readable.data = src;
	src->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (src->inotify < 0)
		return error_errno(err, "cannot watch directories");
	src->pods = watch_directory(src, in->runfd, in->run, "pods", 0711, err);
	src->namespaces = src->pods < 0
				  ? -1
				  : watch_directory(src, in->rootfd, in->root, "objects/services", 0700, err);
	if (src->namespaces < 0 || watch_directory(src, in->rootfd, in->root, "networks", 0755, err) < 0)
		return -err->code;
	ev_io_init(&src->readable, on_readable, src->inotify, EV_READ);
	src->readable.data = src;
	ev_io_start(s->loop, &src->readable);
	if (s->settings.on_demand)
		ev_timer_start(s->loop, &src->gone);
	read_all(src);
	return make_view(src, err);
}

void source_close(struct server *s)
{
	struct source *src = s->source;

	if (!src)
		return;
	while (src->items)
		free_item(src->items);
	while (src->folders) {
		struct folder *f = src->folders;
		src->folders = f->next;
		free(f);
	}
	ev_timer_stop(s->loop, &src->make);
	ev_timer_stop(s->loop, &src->gone);
	ev_io_stop(s->loop, &src->readable);
	if (src->inotify >= 0)
		close(src->inotify);
	zone_free((struct zone *)s->view.zone);
	zone_free((struct zone *)s->view.words);
	zone_free((struct zone *)s->view.domain);
	arena_free(src->arena);
	free(src);
	s->source = NULL;
}
