/* image_remove.c — image rm and prune: an image that a pod has, running or ended, stays. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/duration.h"
#include "cli/image.h"
#include "cli/obtain.h"
#include "image/reference.h"

/* --- rm ----------------------------------------------------------------------------------------------------------------- */

/* Was the image called by its id, not by a name? */
static bool by_id(struct context *x, const char *word, const struct image *image)
{
	const char *full = text_starts(word, "sha256:") ? NULL : reference_complete(word, x->arena, NULL);

	return !image->reference || !full ||
	       (!text_is(full, image->reference) && strspn(word, "0123456789abcdef") == strlen(word));
}

static unsigned count_names(const struct images *all, const char *digest)
{
	unsigned n = 0;

	list_each(image, all)
		n += text_is(image->digest, digest);
	return n;
}

static const char *called(const struct image *image)
{
	return image->reference ? image->reference : image->id;
}

static int refuse_used(const struct image *image, const struct image_use *use, struct error *err)
{
	bool plain = text_is(use->namespace, "default");

	return error_set(err, EBUSY,
			 "the image '%s' is used by the pod '%s' (seapod delete pod %s%s%s first)",
			 called(image), use->pod, use->pod, plain ? "" : " -n ", plain ? "" : use->namespace);
}

static int remove_one(struct context *x, const char *word, bool force, const struct image_uses *uses,
		      struct error *err)
{
	struct images all = {};
	struct image image;
	int r = image_find(x, word, &image, err);

	if (r == 0)
		r = image_list(&x->in, x->arena, &all, err);
	if (r < 0)
		return r;
	unsigned names = count_names(&all, image.digest);
	bool whole = by_id(x, word, &image);
	const struct image_use *use = names == 1 || whole ? image_use_find(uses, &image) : NULL;
	if (use)
		return refuse_used(&image, use, err);
	if (whole && names > 1 && !force)
		return error_set(err, EBUSY, "the image %.12s has %u names (-f removes all of them)",
				 image.id + strlen("sha256:"), names);
	list_each(each, &all) {
		if (!(whole ? text_is(each->digest, image.digest)
			    : text_is(each->reference, image.reference)))
			continue;
		if ((r = store_unname(&x->in, each->reference, each->digest, err)) < 0)
			return r;
		printf("image/%s removed\n", called(each));
	}
	return 0;
}

int image_rm(struct context *x, struct image_arguments *o, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct image_uses uses = {};
	struct gc_result ignored = {};
	bool force = false;
	int r;

	while ((r = image_option(o, &option, &value, err)) > 0)
		force = true;
	if (r < 0 || !need(&o->options, 0, "an image", err))
		return -EXIT_USAGE;
	_cleanup_close_ int lock = store_lock(&x->in, err);
	_cleanup_close_ int alone = lock < 0 ? -1 : store_use(&x->in, true, err);
	if (alone < 0 || image_uses_read(x, &uses, err) < 0)
		return -err->code;
	for (int i = 0; r == 0 && i < o->options.count; i++)
		r = remove_one(x, o->options.positional[i], force, &uses, err);
	struct error why = {};
	int collected = store_collect(&x->in, &uses.pinned, &ignored, r < 0 ? &why : err);
	return r < 0 ? r : collected;
}

/* --- prune ---------------------------------------------------------------------------------------------------------------- */

struct pruning {
	bool all;        /* those with a name, too */
	time_t until;    /* made before; 0: whenever */
	time_t min_used; /* not used since; 0: whenever */
	long high, low;  /* percent; -1: whatever the disk has */
};

struct candidate {
	const struct image *image;
	time_t used;
};

/* The time of the last start, which pod_start leaves on the manifest; or of the load. */
static time_t used_at(struct context *x, const struct image *image)
{
	struct stat st;
	const char *path = store_blob_path(image->digest, x->arena);

	return path && fstatat(x->in.rootfd, path, &st, 0) == 0 ? st.st_mtim.tv_sec : 0;
}

/* How full the store's disk is, as df(1) reckons it. */
static long percent_used(struct context *x)
{
	struct statvfs fs;

	if (fstatvfs(x->in.rootfd, &fs) < 0 || fs.f_blocks == 0)
		return 0;
	uint64_t used = fs.f_blocks - fs.f_bfree, all = used + fs.f_bavail;
	return (long)((used * 100 + all - 1) / all);
}

static int oldest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	return (x->used > y->used) - (x->used < y->used);
}

static bool may_go(const struct pruning *p, const struct image_uses *uses, const struct image *image,
		   time_t used)
{
	struct timespec made = {};

	if ((!p->all && image->reference) || image_use_find(uses, image))
		return false;
	if (p->until && image->created && clock_parse_rfc3339(image->created, &made) == 0 &&
	    made.tv_sec >= p->until)
		return false;
	return !p->min_used || used <= p->min_used;
}

/* All at once; or, while the disk is too full, a few at a time, since each time reads what is left: one of up to 32, a thirty-second of more. */
static int prune_candidates(struct context *x, const struct pruning *p, const struct image *const *images,
			    size_t n, const struct image_uses *uses, struct gc_result *result,
			    struct error *err)
{
	size_t step = p->low < 0 ? n : n / 32 + 1;
	int r = 0;

	for (size_t i = 0, some; r == 0 && i < n; i += some) {
		some = step < n - i ? step : n - i;
		if ((r = store_unname_all(&x->in, images + i, some, err)) < 0)
			return r;
		for (size_t k = i; k < i + some; k++)
			printf("image/%s removed\n", called(images[k]));
		r = store_collect(&x->in, &uses->pinned, result, err);
		if (p->low >= 0 && percent_used(x) <= p->low)
			return r;
	}
	return n > 0 ? r : store_collect(&x->in, &uses->pinned, result, err);
}

static int prune(struct context *x, const struct pruning *p, struct gc_result *result, struct error *err)
{
	struct LIST(struct candidate) candidates = {};
	struct image_uses uses = {};
	struct images images = {};
	_cleanup_close_ int lock = store_lock(&x->in, err);
	_cleanup_close_ int alone = lock < 0 ? -1 : store_use(&x->in, true, err);

	if (alone < 0 || image_uses_read(x, &uses, err) < 0 || image_list(&x->in, x->arena, &images, err) < 0)
		return -err->code;
	list_each(image, &images) {
		time_t used = used_at(x, image);
		if (may_go(p, &uses, image, used))
			*list_add(x->arena, &candidates) = (struct candidate){ image, used };
	}
	if (candidates.n > 1)
		qsort(candidates.at, candidates.n, sizeof(*candidates.at), oldest_first);
	const struct image **sorted = arena_alloc(x->arena, (candidates.n + 1) * sizeof(*sorted));
	for (size_t i = 0; i < candidates.n; i++)
		sorted[i] = candidates.at[i].image;
	return prune_candidates(x, p, sorted, candidates.n, &uses, result, err);
}

int prune_dangling(struct context *x, struct gc_result *result, struct error *err)
{
	return prune(x, &(struct pruning){ .high = -1, .low = -1 }, result, err);
}

static int parse_until(const char *value, struct pruning *p, struct error *err)
{
	const char *text = text_starts(value, "until=") ? value + strlen("until=") : NULL;
	struct timespec t;
	int64_t seconds;

	if (!text)
		return usage_error(err, "there is no filter '%.80s' (until=TIME)", value);
	if (clock_parse_rfc3339(text, &t) == 0)
		p->until = t.tv_sec;
	else if (duration_seconds(text, &seconds) == 0)
		p->until = clock_wall().tv_sec - seconds;
	else
		return usage_error(err, "'%.80s' is no time (24h, or as in 2026-01-31T12:00:00Z)", text);
	return 0;
}

static int parse_percent(const char *value, long *to, struct error *err)
{
	long long percent;

	if (text_to_int(value, 0, 100, &percent) < 0)
		return usage_error(err, "'%.80s' is no percentage from 0 to 100", value);
	*to = (long)percent;
	return 0;
}

static int parse_option(const struct option_spec *option, const char *value, struct pruning *p,
			struct error *err)
{
	int64_t seconds;

	if (text_is(option->name, "filter"))
		return parse_until(value, p, err);
	if (text_is(option->name, "high"))
		return parse_percent(value, &p->high, err);
	if (text_is(option->name, "low"))
		return parse_percent(value, &p->low, err);
	if (text_is(option->name, "min-age")) {
		if (duration_seconds(value, &seconds) < 0)
			return usage_error(err, "'%.80s' is no duration (2m)", value);
		p->min_used = clock_wall().tv_sec - seconds;
	}
	p->all |= option->letter == 'a';
	return 0;
}

int image_prune(struct context *x, struct image_arguments *o, struct error *err)
{
	struct pruning p = { .high = -1, .low = -1 };
	struct gc_result result = {};
	const struct option_spec *option;
	const char *value;
	int r;

	while ((r = image_option(o, &option, &value, err)) > 0)
		if ((r = parse_option(option, value, &p, err)) < 0)
			return r;
	if (r < 0)
		return r;
	if (o->options.count > 0)
		return usage_error(err, "image prune takes no name (seapod image rm does)");
	if (p.high >= 0 || p.low >= 0) { /* the kubelet's policy is about all images */
		p.all = true;
		if (p.high < 0 || p.low < 0 || p.low > p.high)
			return usage_error(err,
					   "--high and --low belong together, and --low is the smaller one");
	}
	if (p.high >= 0 && percent_used(x) < p.high) {
		printf("The disk is %ld %% full; nothing is removed below %ld %%\n", percent_used(x), p.high);
		return 0;
	}
	if ((r = prune(x, &p, &result, err)) == 0)
		printf("Total reclaimed space: %s\n", human_size(result.bytes, x->arena));
	return r;
}
