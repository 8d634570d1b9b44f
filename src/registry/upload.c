/* upload.c — see upload.h. Each blob walks through the steps below; the registry's answer to one chooses the next. */
#include "registry/upload.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { UPLOADS_MAX = 4, STEP_MS = 50, ANSWER_MAX = 64 * 1024, AGAIN_MAX = 4, CHUNK = 8 * 1024 * 1024 };

enum step {
	STEP_WAITING,
	STEP_HEAD,  /* is it there? */
	STEP_POST,  /* begin, or mount */
	STEP_PUT,   /* all of it, or the end of chunks */
	STEP_PATCH, /* a chunk */
	STEP_DONE,
};

struct upload {
	struct uploads *all;
	struct descriptor blob;
	enum step step;
	struct ask ask;
	int fd;
	bool chunked;
	int64_t at; /* of a chunked one */
	unsigned again;
	const char *location;
	struct progress_item *item;
};

struct uploads {
	struct registry_session *session;
	struct client *client;
	struct LIST(struct upload) items;
	unsigned running, sent;
	struct error why;
};

static void on_done(struct ask *ask);

static void fail(struct upload *u, const struct error *why)
{
	if (u->all->why.code == 0)
		u->all->why = *why;
	u->step = STEP_DONE;
}

/* --- asking -------------------------------------------------------------------------------------------- */

static void ask(struct upload *u, enum step step, const char *method, const char *path)
{
	struct client *c = u->all->client;

	u->step = step;
	u->all->running++;
	u->ask = (struct ask){
		.method = method,
		.path = path,
		.what = arena_printf(c->arena, "the blob '%.19s…'", u->blob.digest),
		.done = on_done,
		.owner = u,
		.q = { .body_size = -1, .answer_max = ANSWER_MAX },
	};
}

static void add_header(struct upload *u, const char *header)
{
	*list_add(u->all->client->arena, &u->ask.headers) = header;
}

/* SIZE bytes of the blob from FROM on. */
static void send_part(struct upload *u, int64_t from, int64_t size)
{
	struct arena *a = u->all->client->arena;

	add_header(u, "Content-Type: application/octet-stream");
	if (u->step == STEP_PATCH)
		add_header(u, arena_printf(a, "Content-Range: %lld-%lld", (long long)from,
					   (long long)(from + size - 1)));
	u->ask.q.body = size == 0 ? "" : NULL;
	u->ask.q.body_fd = u->fd;
	u->ask.q.body_from = from;
	u->ask.q.body_size = size;
	client_send(u->all->client, &u->ask);
}

static void head(struct upload *u)
{
	ask(u, STEP_HEAD, "HEAD", arena_printf(u->all->client->arena, "blobs/%s", u->blob.digest));
	client_send(u->all->client, &u->ask);
}

static void post(struct upload *u)
{
	struct client *c = u->all->client;
	const char *from = c->also_from;

	u->at = 0;
	ask(u, STEP_POST, "POST",
	    from ? arena_printf(c->arena, "blobs/uploads/?mount=%s&from=%s", u->blob.digest, from)
		 : "blobs/uploads/");
	u->ask.q.body = "";
	u->ask.q.body_size = 0;
	client_send(c, &u->ask);
}

static void put(struct upload *u, int64_t from)
{
	struct arena *a = u->all->client->arena;

	ask(u, STEP_PUT, "PUT",
	    arena_printf(a, "%s%cdigest=%s", u->location, strchr(u->location, '?') ? '&' : '?',
			 u->blob.digest));
	send_part(u, from, u->blob.size - from);
}

static void patch(struct upload *u)
{
	int64_t left = u->blob.size - u->at;

	ask(u, STEP_PATCH, "PATCH", u->location);
	send_part(u, u->at, left < CHUNK ? left : CHUNK);
}

/* --- answers -------------------------------------------------------------------------------------------- */

/* Where to go on, as the registry says. A registry on TLS may not send the blob to plain HTTP; one that stands behind a proxy and does
 * not know better names itself so. */
static int take_location(struct upload *u, const struct http_request *q, struct error *err)
{
	const struct client *c = u->all->client;
	const char *location = http_header(q, "location");
	_cleanup_free_ char *itself = memory_printf("http://%s/", c->location.host);

	if (text_empty(location))
		return error_set(err, EPROTO, "the registry '%s' does not say where to send a blob",
				 c->location.name);
	if (text_is(c->scheme, "https") && text_starts(location, itself))
		location += strlen(itself) - 1;
	if (text_is(c->scheme, "https") && text_starts(location, "http://"))
		return error_set(err, EPERM,
				 "the registry '%s' wants a blob to be sent to '%.200s', which is not https",
				 c->location.name, location);
	if (*location != '/' && !text_starts(location, "http://") && !text_starts(location, "https://"))
		return error_set(err, EPROTO, "the registry '%s' wants a blob to be sent to '%.200s'",
				 c->location.name, location);
	u->location = arena_strdup(c->arena, location);
	return 0;
}

static void is_there(struct upload *u, enum progress_state state)
{
	u->step = STEP_DONE;
	u->all->sent += state == PROGRESS_DONE;
	progress_enter(&u->all->session->progress, u->item, state);
}

/* After a POST or a PATCH: send what is left. */
static void go_on(struct upload *u, const struct http_request *q)
{
	struct error why = {};

	if (take_location(u, q, &why) < 0) {
		fail(u, &why);
		return;
	}
	progress_enter(&u->all->session->progress, u->item, PROGRESS_TRANSFER);
	if (!u->chunked)
		put(u, 0);
	else if (u->at < u->blob.size)
		patch(u);
	else
		put(u, u->at);
}

static void succeed(struct upload *u, enum step step, const struct http_request *q)
{
	if (step == STEP_HEAD) {
		is_there(u, PROGRESS_THERE);
	} else if (step == STEP_PUT) {
		is_there(u, PROGRESS_DONE);
	} else if (step == STEP_POST && q->status == 201) { /* mounted */
		is_there(u, PROGRESS_DONE);
	} else {
		if (step == STEP_PATCH)
			u->at += q->body_size;
		u->item->at = u->at;
		go_on(u, q);
	}
}

/* What a failed step leads to; false: to nothing. */
static bool try_otherwise(struct upload *u, enum step step, const struct ask *old)
{
	bool sending = step == STEP_PUT || step == STEP_PATCH;

	if (step == STEP_HEAD && old->why.code == ENOENT) {
		post(u);
		return true;
	}
	if (!sending || old->why.code == EACCES || u->again++ >= AGAIN_MAX)
		return false;
	u->chunked = u->chunked || old->q.status == 413;
	post(u); /* what is there of it is not worth asking for */
	return true;
}

static void on_done(struct ask *a)
{
	struct upload *u = a->owner;
	enum step step = u->step;
	struct ask old = *a; /* the next step uses its place */

	*a = (struct ask){};
	u->all->running--;
	if (old.why.code == 0)
		succeed(u, step, &old.q);
	else if (!try_otherwise(u, step, &old))
		fail(u, &old.why);
	client_release(&old);
}

/* --- the loop ------------------------------------------------------------------------------------------- */

static int add(struct uploads *all, const struct descriptor *blob, struct error *err)
{
	struct registry_session *s = all->session;
	const char *path = store_blob_path(blob->digest, s->arena);
	int fd = path ? openat(s->in->rootfd, path, O_RDONLY | O_CLOEXEC) : -1;

	list_each(other, &all->items) {
		if (fd >= 0 && text_is(other->blob.digest, blob->digest)) {
			close(fd);
			return 0;
		}
	}
	if (fd < 0)
		return error_errno(err, "the blob %.19s is not in the store", blob->digest);
	*list_add(s->arena, &all->items) = (struct upload){ .all = all, .blob = *blob, .fd = fd };
	return 0;
}

static void end(struct uploads *all)
{
	list_each(u, &all->items) {
		client_release(&u->ask);
		close(u->fd);
	}
	progress_end(&all->session->progress);
}

static void run(struct uploads *all)
{
	size_t done = 0;

	list_each(u, &all->items)
		u->item = progress_add(&all->session->progress, u->blob.digest, u->blob.size);
	while (done < all->items.n && all->why.code == 0) {
		done = 0;
		list_each(u, &all->items) {
			if (u->step == STEP_WAITING && all->running < UPLOADS_MAX)
				head(u);
			if (u->step == STEP_PUT && !u->chunked && u->ask.q.easy)
				u->item->at = http_sent(&u->ask.q);
			done += u->step == STEP_DONE;
		}
		progress_tick(&all->session->progress);
		if (done < all->items.n && all->why.code == 0)
			http_step(&all->session->http, STEP_MS);
	}
}

int uploads_run(struct registry_session *s, struct client *c, const struct descriptors *blobs, unsigned *sent,
		struct error *err)
{
	struct uploads all = { .session = s, .client = c };
	int r = 0;

	list_each(blob, blobs)
		if (r == 0)
			r = add(&all, blob, err);
	if (r == 0)
		run(&all);
	end(&all);
	*sent = all.sent;
	if (all.why.code)
		*err = all.why;
	return r < 0 ? r : -all.why.code;
}
