/* start.c — see start.h. */
#include "cli/start.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/dns.h"
#include "cli/obtain.h"
#include "cli/pods.h"
#include "image/layer.h"
#include "sandbox/launch.h"
#include "sandbox/name.h"

/* A launch on its way, and the one before it when the pod runs: what it has already is not asked for again, of no registry. */
struct launching {
	struct launch launch;
	const struct launch *before;
};

static const struct launch_image *had_before(const struct launching *l, const struct container *c)
{
	const struct container *was = l->before ? pod_find_container(&l->before->pod, c->name) : NULL;

	return was && text_is(was->image, c->image) ? launch_find_image(l->before, c->name) : NULL;
}

static int add_image(struct context *x, struct launching *l, const struct container *c, struct error *err)
{
	struct image image;
	const struct wanted_image wanted = { c->image, c->imagePullPolicy, c->pull_policy_defaulted };
	const struct launch_image *had = had_before(l, c);

	if (had) {
		*list_add(x->arena, &l->launch.images) = *had;
		return 0;
	}
	int r = image_obtain(x, &l->launch.pod, &wanted, &image, err);
	if (r < 0)
		return error_prefix(err, "the container '%s'", c->name);
	image_touch(&x->in, &image);
	*list_add(x->arena, &l->launch.images) = (struct launch_image){
		.container = c->name,
		.reference = image.reference ? image.reference : image.id,
		.id = image.id,
		.layers = image.layers,
		.config = image.config,
	};
	return 0;
}

/* The volumes of a pod that runs cannot change. */
static int add_volume_image(struct context *x, struct launching *l, const struct volume *volume,
			    struct error *err)
{
	struct image image;
	const struct wanted_image wanted = { volume->image->reference, volume->image->pullPolicy };
	int r = image_obtain(x, &l->launch.pod, &wanted, &image, err);

	if (r < 0)
		return error_prefix(err, "the volume '%s'", volume->name);
	image_touch(&x->in, &image);
	*list_add(x->arena, &l->launch.volumeImages) = (struct volume_image){
		.volume = volume->name,
		.reference = image.reference ? image.reference : image.id,
		.id = image.id,
		.layers = image.layers,
	};
	return 0;
}

static int add_images(struct context *x, struct launching *l, const struct pod_spec *spec, struct error *err)
{
	int r = 0;

	list_each(c, &spec->initContainers)
		if ((r = add_image(x, l, c, err)) < 0)
			return r;
	list_each(c, &spec->containers)
		if ((r = add_image(x, l, c, err)) < 0)
			return r;
	list_each(c, &spec->ephemeralContainers)
		if ((r = add_image(x, l, c, err)) < 0)
			return r;
	if (l->before)
		l->launch.volumeImages = l->before->volumeImages;
	else
		list_each(volume, &spec->volumes)
			if (volume->image && (r = add_volume_image(x, l, volume, err)) < 0)
				return r;
	return 0;
}

static int ready_layers(struct context *x, struct strings *layers, struct error *err)
{
	char path[PATH_MAX];
	int r = 0;

	list_each(layer, layers) {
		const char *slash = strrchr(*layer, '/'), *name = slash ? slash + 1 : *layer;
		if (r == 0)
			r = layer_ready(&x->in, arena_printf(x->arena, "sha256:%s", name), path, err);
		if (r == 0 && !text_is(path, *layer))
			*layer = arena_strdup(x->arena, path);
	}
	return r;
}

/* Makes the layers of all images ready to be lower directories. From here until the keeper has written that it needs them, no image goes. */
static int ready_images(struct context *x, struct launch *l, struct error *err)
{
	int r = 0;

	if (x->images <= 0)
		x->images = store_use(&x->in, false, NULL);
	for (size_t i = 0; r == 0 && i < l->images.n; i++)
		r = ready_layers(x, &l->images.at[i].layers, err);
	for (size_t i = 0; r == 0 && i < l->volumeImages.n; i++)
		r = ready_layers(x, &l->volumeImages.at[i].layers, err);
	return r;
}

/* The launch of POD as text (sandbox/launch.h). BEFORE: the one that its keeper has, or NULL. */
static int make_launch(struct context *x, const struct pod *pod, enum start_how how,
		       const struct launch *before, struct text *text, struct error *err)
{
	struct launching l = { .before = before };

	l.launch = (struct launch){ .pod = *pod,
				    .hold = how & START_HOLD,
				    .publish = how & START_PUBLISH,
				    .remove = how & START_REMOVE,
				    .backoff_initial = getenv("SEAPOD_BACKOFF_INITIAL"),
				    .backoff_max = getenv("SEAPOD_BACKOFF_MAX"),
				    .backoff_reset = getenv("SEAPOD_BACKOFF_RESET") };
	int r = add_images(x, &l, &pod->spec, err);
	if (r == 0)
		r = ready_images(x, &l.launch, err);
	if (r < 0)
		return r;
	l.launch.pod.status = (struct pod_status){};
	node_to_json(object_encode(&launch_table, &l.launch, x->arena), false, text);
	return 0;
}

void pod_started(struct context *x)
{
	if (x->images > 0)
		close_fd(&x->images);
}

int pod_start(struct context *x, struct pod *pod, enum start_how how, struct error *err)
{
	_cleanup_text_ struct text text = {};
	char uid[UID_SIZE], now[CLOCK_TEXT_SIZE];

	if (pod->spec.ephemeralContainers.n)
		return error_set(err, EINVAL, "ephemeralContainers come to a pod that runs (seapod debug %s)",
				 pod->metadata.name);
	uid_make(uid);
	pod->metadata.uid = arena_strdup(x->arena, uid);
	pod->metadata.creationTimestamp = arena_strdup(x->arena, clock_rfc3339(clock_wall(), now));
	int r = make_launch(x, pod, how, NULL, &text, err);
	if (r == 0)
		dns_start(x);
	return r < 0 ? r : keeper_spawn(&x->in, text.at, text.n, err);
}

/* RUN/pods/<uid>/launch.json; the caller frees it. */
static int read_launch(struct context *x, const struct pod *pod, char **text, size_t *size, struct error *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "pods/%s/launch.json", pod->metadata.uid);
	return file_read(x->in.runfd, path, NODE_BYTES_MAX, text, size, err);
}

int pod_spawn(struct context *x, const char *text, size_t size, struct error *err)
{
	_cleanup_text_ struct text fresh = {};
	struct launch *l = launch_read(text, size, x->arena, err);
	int r = l ? ready_images(x, l, err) : -err->code;

	if (r < 0)
		return r;
	l->pod.spec.ephemeralContainers.n = 0; /* they were for the run before */
	l->hold = false;                       /* who ran it in the foreground is attached no more */
	node_to_json(object_encode(&launch_table, l, x->arena), false, &fresh);
	dns_start(x);
	return keeper_spawn(&x->in, fresh.at, fresh.n, err);
}

int pod_start_again(struct context *x, const struct pod *pod, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = read_launch(x, pod, &text, &size, err);

	return r < 0 ? r : pod_spawn(x, text, size, err);
}

int pod_watch(struct context *x, const struct pod *pod, struct error *err)
{
	struct reply reply = {};
	_cleanup_close_ int fd = keeper_connect(&x->in, pod->metadata.uid, err);
	int r = fd < 0 ? fd
		       : keeper_ask(fd, x->arena, &(struct request){ .verb = "watch" }, NULL, &reply, NULL,
				    err);

	return r < 0 ? r : take_fd(&fd);
}

/* --- changes --------------------------------------------------------------------------------------------------------- */

/* PATH is FIELD, or below it. */
static bool is_below(const char *path, const char *field)
{
	size_t n = strlen(field);
	return strncmp(path, field, n) == 0 && (path[n] == '\0' || path[n] == '.');
}

/* "spec.containers[0].resources.limits.cpu"; what of them can change is pod_resize_check's to say. */
static bool is_resource(const char *path)
{
	const char *bracket = strchr(path, ']');
	bool container = text_starts(path, "spec.containers[") || text_starts(path, "spec.initContainers[");

	return is_below(path, "spec.resources") || (container && bracket && is_below(bracket, "].resources"));
}

/* What a keeper takes over as it runs (keeper/configure.c). */
static bool may_change(const char *path)
{
	if (is_resource(path))
		return true;
	return text_starts(path, "metadata.labels") || text_is(path, "spec.activeDeadlineSeconds") ||
	       text_starts(path, "spec.tolerations") ||
	       (text_starts(path, "spec.containers[") && text_ends(path, "].image")) ||
	       (text_starts(path, "metadata.annotations") &&
		!text_starts(path, "metadata.annotations.seapod.io/"));
}

static void find_changes(struct context *x, const struct pod *there, const struct pod *wanted,
			 struct node_paths *out)
{
	const struct object_meta *a = &there->metadata, *b = &wanted->metadata;
	const struct object_meta old = { .labels = a->labels, .annotations = a->annotations };
	const struct object_meta new = { .labels = b->labels, .annotations = b->annotations };

	node_difference(object_encode(&object_meta_table, &old, x->arena),
			object_encode(&object_meta_table, &new, x->arena), "metadata", x->arena, out);
	node_difference(object_encode(&pod_spec_table, &there->spec, x->arena),
			object_encode(&pod_spec_table, &wanted->spec, x->arena), "spec", x->arena, out);
}

static int refuse(const struct pod *pod, const struct node_paths *fixed, bool alive, struct error *err)
{
	const char *name = pod->metadata.name;

	if (fixed->n == 0)
		return error_set(err, EEXIST,
				 "the pod '%s' has ended and cannot be changed (seapod delete pod %s first)",
				 name, name);
	if (!alive)
		return error_set(
			err, EEXIST,
			"the pod '%s' has ended; another %s needs a new pod (seapod delete pod %s first)",
			name, fixed->at[0], name);
	return error_set(err, EEXIST,
			 "the pod '%s' runs; another %s%s%s%s needs a new pod (seapod delete pod %s first)",
			 name, fixed->at[0], fixed->n > 1 ? ", " : "", fixed->n > 1 ? fixed->at[1] : "",
			 fixed->n > 2 ? " and more" : "", name);
}

static int send_launch(struct context *x, const struct pod *pod, enum start_how how, struct error *err)
{
	_cleanup_text_ struct text text = {};
	_cleanup_message_fds_ struct message_fds fds = {};
	_cleanup_free_ char *old = NULL;
	struct reply reply = {};
	size_t size;
	int r = read_launch(x, pod, &old, &size, err);
	const struct launch *before = r < 0 ? NULL : launch_read(old, size, x->arena, err);

	if (!before)
		return -err->code;
	r = make_launch(x, pod, how, before, &text, err);
	_cleanup_close_ int fd = r < 0 ? -1 : keeper_connect(&x->in, pod->metadata.uid, err);

	if (fd < 0)
		return -err->code;
	if ((r = keeper_memory(text.at, text.n, err)) < 0)
		return r;
	fds.fd[fds.n++] = r;
	return keeper_ask(fd, x->arena, &(struct request){ .verb = "configure" }, &fds, &reply, NULL, err);
}

int pod_configure(struct context *x, const struct found_pod *there, struct pod *wanted, struct error *err)
{
	struct node_paths changes = {}, fixed = {};

	if (wanted->spec.ephemeralContainers.n == 0) /* a manifest cannot know of them */
		wanted->spec.ephemeralContainers = there->pod->spec.ephemeralContainers;
	find_changes(x, there->pod, wanted, &changes);
	list_each(path, &changes)
		if (!may_change(*path))
			*list_add(x->arena, &fixed) = *path;
	if (changes.n == 0)
		return 0;
	if (fixed.n > 0 || !there->alive)
		return refuse(there->pod, &fixed, there->alive, err);
	if (pod_resize_check(there->pod, wanted, err) < 0)
		return error_prefix(err, "the pod '%s'", wanted->metadata.name);
	wanted->metadata.uid = there->pod->metadata.uid;
	wanted->metadata.creationTimestamp = there->pod->metadata.creationTimestamp;
	int r = send_launch(x, wanted, 0, err);
	return r < 0 ? error_prefix(err, "the pod '%s'", wanted->metadata.name) : 1;
}

int pod_add_container(struct context *x, struct pod *pod, const struct container *c, enum start_how how,
		      struct error *err)
{
	*list_add(x->arena, &pod->spec.ephemeralContainers) = *c;
	int r = send_launch(x, pod, how, err);
	return r < 0 ? error_prefix(err, "the pod '%s'", pod->metadata.name) : 0;
}

/* --- waiting ------------------------------------------------------------------------------------------------------------ */

/* 1: a reply; 0: the end; negative: -ETIMEDOUT or another. */
static int next(struct context *x, int fd, uint64_t until_us, struct reply *reply, struct error *err)
{
	_cleanup_message_fds_ struct message_fds fds = {};
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = clock_monotonic_us();
	int ms = until_us == UINT64_MAX ? -1 : until_us > now ? (int)((until_us - now + 999) / 1000) : 0;

	*reply = (struct reply){};
	int n = poll(&p, 1, ms);
	if (n == 0)
		return error_set(err, ETIMEDOUT, "the time to wait is over");
	if (n < 0)
		return error_errno(err, "cannot wait for the pod's keeper");
	return reply_receive(fd, x->arena, reply, &fds, err);
}

int pod_wait(struct context *x, int fd, enum wait_for what, int timeout_ms, struct error *err)
{
	uint64_t until = timeout_ms < 0 ? UINT64_MAX : clock_monotonic_us() + (uint64_t)timeout_ms * 1000;
	struct reply reply;
	int r;

	while ((r = next(x, fd, until, &reply, err)) > 0) {
		if (text_is(reply.event, "error"))
			return error_set(err, EREMOTEIO, "%s", reply.error);
		if (!text_is(reply.event, "status"))
			continue;
		bool final = text_is(reply.phase, "Succeeded") || text_is(reply.phase, "Failed");
		bool there = what == WAIT_SETTLED ? reply.settled
			     : what == WAIT_READY ? reply.ready
						  : text_is(reply.phase, "Running");
		if (reply.settled && reply.error)
			return error_set(err, EREMOTEIO, "%s", reply.error);
		if (there || (final && what != WAIT_READY))
			return 0;
		if (final)
			return error_set(err, EREMOTEIO, "the pod has ended (%s) before it was ready",
					 reply.phase);
	}
	return r < 0 ? r : error_set(err, ECONNRESET, "the pod's keeper has ended");
}

int pod_wait_change(struct context *x, int fd, uint64_t until_us, struct error *err)
{
	struct reply reply;
	return next(x, fd, until_us, &reply, err);
}

int pod_wait_end(struct context *x, int fd, struct error *err)
{
	struct reply reply;
	int r;

	while ((r = next(x, fd, UINT64_MAX, &reply, err)) > 0)
		if (text_is(reply.event, "ended"))
			return 0;
	return r;
}
