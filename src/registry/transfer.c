/* transfer.c — see transfer.h. One loop: begin what has a place, let things happen, until all are done or one has failed for good. */
#include "registry/transfer.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "image/arrivals.h"
#include "image/layer.h"

enum {
	TRANSFERS_MAX = 6,
	MAKERS_MAX = 4,
	STEP_MS = 50,
	ANSWER_MAX = 64 * 1024,
	BUSY_US = 100 * 1000,
	FOLLOW_BYTES = 8 * 1024 * 1024, /* smaller ones are made when they are there */
	TELL_BYTES = 256 * 1024
};

static void begin(struct transfer *one);

void transfers_add(struct transfers *t, const struct descriptor *blob, bool is_layer)
{
	struct arena *a = t->session->arena;

	list_each(other, &t->items)
		if (text_is((*other)->blob.digest, blob->digest) && (*other)->is_layer == is_layer)
			return;
	struct transfer *one = arena_one(a, struct transfer);
	*one = (struct transfer){ .all = t, .blob = *blob, .is_layer = is_layer, .maker = MAKER_NONE };
	one->item = progress_add(&t->session->progress, blob->digest, blob->size);
	*list_add(a, &t->items) = one;
}

static void enter(struct transfer *one, enum progress_state state)
{
	progress_enter(&one->all->session->progress, one->item, state);
}

static void fail(struct transfer *one, const struct error *why)
{
	if (one->all->why.code == 0)
		one->all->why = *why;
}

/* --- making layers while their blobs come --------------------------------------------------------------- */

/* Its maker has read what is not so, or will never be. */
static void stop_following(struct transfer *one)
{
	one->all->following -= one->maker.process >= 0;
	maker_stop(&one->maker);
}

static void tell(struct transfer *one, bool whole)
{
	if (one->maker.process < 0 || (!whole && one->writer.at - one->told < TELL_BYTES))
		return;
	arrivals_add(one->maker.arrivals, one->writer.at - one->told, whole);
	one->told = one->writer.at;
}

/* A maker that cannot be started now will be when the blob is there, and says then why not. */
static void follow(struct transfer *one)
{
	struct transfers *t = one->all;

	if (maker_start(t->session->in, one->blob.digest, one->diff_id, one->writer.fd, &one->maker, NULL) <
	    0)
		return;
	t->following++;
	one->told = 0;
	tell(one, false);
}

static void look_at_follower(struct transfer *one)
{
	if (maker_ended(&one->maker, NULL) == 0)
		return;
	one->all->following--;
	one->alone = true;
}

static bool may_follow(const struct transfer *one, unsigned makers)
{
	return one->diff_id && !one->alone && one->blob.size >= FOLLOW_BYTES &&
	       one->all->following < makers &&
	       layer_kind(one->all->session->in, one->diff_id) == LAYER_MISSING;
}

/* --- fetching ------------------------------------------------------------------------------------------- */

static void is_here(struct transfer *one)
{
	bool fetched = one->item->state == PROGRESS_TRANSFER;

	one->state = TRANSFER_HERE;
	if (one->maker.process >= 0) {
		one->state = TRANSFER_MAKING;
		one->all->following--;
		one->all->making++;
	}
	enter(one, one->is_layer ? PROGRESS_UNPACKING : fetched ? PROGRESS_DONE : PROGRESS_THERE);
}

/* The next place that may have the blob. True: it is asked. */
static bool try_elsewhere(struct transfer *one)
{
	if (one->client + 1 >= one->all->clients->n)
		return false;
	one->client++;
	begin(one);
	return true;
}

/* "bytes 100-199/200": is 100 where the file goes on? */
static bool goes_on_at(const struct http_request *q, int64_t at)
{
	const char *range = http_header(q, "content-range");
	char *end;

	if (!range || !text_starts(range, "bytes "))
		return false;
	return strtoll(range + strlen("bytes "), &end, 10) == at && *end == '-';
}

/* Whole, or from where we are: what the first bytes of an answer are. */
static int place(struct transfer *one, struct http_request *q)
{
	one->placed = true;
	if (one->writer.at == 0 || (q->status == 206 && goes_on_at(q, one->writer.at)))
		return 0;
	if (q->status == 206)
		return error_set(&q->why, EPROTO, "it sends another part of a blob than it was asked for");
	stop_following(one);
	return blob_restart(&one->writer, &q->why);
}

static int64_t take(struct http_request *q, const void *data, size_t n)
{
	struct ask *ask = q->owner;
	struct transfer *one = ask->owner;

	if (!one->placed && place(one, q) < 0)
		return -1;
	if (blob_add(&one->writer, data, n, &q->why) < 0)
		return -1;
	tell(one, false);
	one->item->at = one->writer.at;
	ask->tries = ask->auths = 0;
	return (int64_t)n;
}

static void before(struct ask *ask)
{
	struct transfer *one = ask->owner;
	struct arena *a = one->all->session->arena;

	one->placed = false;
	ask->headers = (struct strings){};
	if (one->writer.at > 0)
		*list_add(a, &ask->headers) =
			arena_printf(a, "Range: bytes=%lld-", (long long)one->writer.at);
}

/* All bytes came, or so the registry says. Old bytes may have been wrong: then once more from the beginning. */
static void finish(struct transfer *one)
{
	bool resumed = one->writer.resumed;
	struct error why = {};
	int r = blob_finish(&one->writer, &why);

	if (r == 0)
		tell(one, true);
	else
		stop_following(one);
	blob_end(&one->writer);
	if (r == 0)
		is_here(one);
	else if (r == -EBADMSG && resumed)
		begin(one);
	else if (!try_elsewhere(one))
		fail(one, &why);
}

static void on_done(struct ask *ask)
{
	struct transfer *one = ask->owner;
	struct error why = ask->why;
	/* our part may be longer than the blob is there */
	bool again = ask->q.status == 416 && one->writer.at > 0 && blob_restart(&one->writer, &why) == 0;
	bool ours = why.code == ENOSPC || why.code == EDQUOT;

	one->all->running--;
	one->state = TRANSFER_WAITING;
	client_release(ask);
	if (why.code == 0) {
		one->all->fetched = true;
		finish(one);
		return;
	}
	stop_following(one);
	blob_end(&one->writer);
	if (again)
		begin(one);
	else if (ours || !try_elsewhere(one))
		fail(one, &why);
}

static void fetch(struct transfer *one)
{
	struct client *c = &one->all->clients->at[one->client];

	one->state = TRANSFER_RUNNING;
	one->all->running++;
	one->item->at = one->writer.at;
	enter(one, PROGRESS_TRANSFER);
	one->ask = (struct ask){
		.method = "GET",
		.path = arena_printf(c->arena, "blobs/%s", one->blob.digest),
		.what = arena_printf(c->arena, "the blob '%.19s…'", one->blob.digest),
		.before = before,
		.done = on_done,
		.owner = one,
		.q = { .body_size = -1, .take = take, .answer_max = ANSWER_MAX },
	};
	client_send(c, &one->ask);
}

static void begin(struct transfer *one)
{
	struct error why = {};
	int r = blob_begin(&one->writer, one->all->session->in, one->blob.digest, one->blob.size, &why);

	one->state = TRANSFER_WAITING;
	if (r < 0)
		fail(one, &why);
	else if (r == BLOB_HERE)
		is_here(one);
	else if (r == BLOB_BUSY)
		one->again_us = clock_boot_us() + BUSY_US;
	else if (one->writer.at == one->blob.size && one->blob.size > 0)
		finish(one);
	else
		fetch(one);
}

/* --- making layers -------------------------------------------------------------------------------------- */

static void make(struct transfer *one)
{
	struct transfers *t = one->all;
	struct error why = {};
	char path[PATH_MAX];

	if (layer_directory(t->session->in, one->diff_id, path, NULL) == 0) {
		one->state = TRANSFER_DONE;
		enter(one, PROGRESS_DONE);
	} else if (maker_start(t->session->in, one->blob.digest, one->diff_id, -1, &one->maker, &why) < 0) {
		fail(one, &why);
	} else {
		one->state = TRANSFER_MAKING;
		t->making++;
	}
}

static void look_at_maker(struct transfer *one)
{
	struct error why = {};
	int r = maker_ended(&one->maker, &why);

	if (r == 0)
		return;
	one->all->making--;
	one->state = TRANSFER_DONE;
	if (r < 0)
		fail(one, &why);
	else
		enter(one, PROGRESS_DONE);
}

/* --- the loop ------------------------------------------------------------------------------------------- */

static void advance(struct transfer *one, unsigned makers)
{
	struct transfers *t = one->all;
	bool due = clock_boot_us() >= one->again_us;

	if (one->state == TRANSFER_WAITING && t->running < TRANSFERS_MAX && due)
		begin(one);
	if (one->state == TRANSFER_HERE && one->diff_id && t->making < makers)
		make(one);
	if (one->state == TRANSFER_RUNNING && one->maker.process >= 0)
		look_at_follower(one);
	else if (one->state == TRANSFER_RUNNING && may_follow(one, makers))
		follow(one);
	if (one->state == TRANSFER_MAKING)
		look_at_maker(one);
}

/* Nothing of it goes on behind our back. */
static void abandon(struct transfers *t)
{
	list_each(item, &t->items) {
		struct transfer *one = *item;
		maker_stop(&one->maker);
		client_release(&one->ask);
		blob_end(&one->writer);
	}
}

static unsigned count_makers(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	return processors < 1 ? 1 : processors > MAKERS_MAX ? MAKERS_MAX : (unsigned)processors;
}

int transfers_run(struct transfers *t, int (*on_config)(struct transfers *t, void *with, struct error *err),
		  void *with, struct error *err)
{
	unsigned makers = count_makers();
	size_t done = 0;

	while (t->why.code == 0 && done < t->items.n) {
		done = 0;
		list_each(item, &t->items) {
			struct transfer *one = *item;
			advance(one, makers);
			if (!one->is_layer && one->state == TRANSFER_HERE && t->why.code == 0 &&
			    on_config(t, with, &t->why) == 0)
				one->state = TRANSFER_DONE;
			done += one->state == TRANSFER_DONE;
			if (one->state == TRANSFER_MAKING)
				http_wait_also(&t->session->http, one->maker.process);
		}
		progress_tick(&t->session->progress);
		if (done < t->items.n && t->why.code == 0)
			http_step(&t->session->http, STEP_MS);
	}
	abandon(t);
	progress_end(&t->session->progress);
	if (t->why.code)
		*err = t->why;
	return -t->why.code;
}
