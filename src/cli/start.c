/* start.c — see start.h. What becomes of a pod that is there is in change.c, how a keeper's reports are waited for in pod_wait.c. */
#include "cli/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/dns.h"
#include "cli/launch.h"
#include "cli/obtain.h"
#include "cli/pods.h"
#include "image/layer.h"
#include "net/ports.h"
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

/* What its image exposes ("80/tcp"), and it does not have as a port yet, becomes one. */
static int add_exposed(struct context *x, struct container *c, const struct image_config *image,
		       struct error *err)
{
	for (size_t i = 0; image->ExposedPorts && i < image->ExposedPorts->pairs.n; i++) {
		struct port_wishes wishes = {};
		int r = ports_parse(image->ExposedPorts->pairs.at[i].key, x->arena, &wishes, err);
		if (r < 0)
			return error_prefix(err, "the image '%s' exposes what is no port", c->image);
		list_each(wish, &wishes) {
			bool there = false;
			list_each(port, &c->ports)
				there = there || (port->containerPort == wish->pod_port &&
						  text_is(port->protocol, protocol_name(wish->protocol)));
			if (!there)
				*list_add(x->arena, &c->ports) = (struct container_port){
					.containerPort = wish->pod_port,
					.protocol = protocol_name(wish->protocol),
				};
		}
	}
	return c->ports.n > PORTS_MAX ? error_set(err, EINVAL, "a pod publishes at most %d ports", PORTS_MAX)
				      : 0;
}

int launch_make(struct context *x, const struct pod *pod, enum start_how how,
		const struct host_ranges *ranges, const struct launch *before, struct text *text,
		struct error *err)
{
	struct launching l = { .before = before };

	l.launch = (struct launch){ .pod = *pod,
				    .hold = how & START_HOLD,
				    .publish = how & START_PUBLISH,
				    .remove = how & START_REMOVE,
				    .cniConfigurations = getenv("SEAPOD_CNI_CONFIG"),
				    .cniPlugins = getenv("SEAPOD_CNI_PLUGINS"),
				    .cniTimeout = getenv("SEAPOD_CNI_TIMEOUT"),
				    .backoff_initial = getenv("SEAPOD_BACKOFF_INITIAL"),
				    .backoff_max = getenv("SEAPOD_BACKOFF_MAX"),
				    .backoff_reset = getenv("SEAPOD_BACKOFF_RESET") };
	if (ranges)
		l.launch.hostRanges = *ranges;
	int r = add_images(x, &l, &pod->spec, err);
	if (how & START_EXPOSED)
		list_each(c, &pod->spec.containers)
			if (r == 0)
				r = add_exposed(x, c, &launch_find_image(&l.launch, c->name)->config, err);
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

int pod_start(struct context *x, struct pod *pod, enum start_how how, const struct host_ranges *ranges,
	      struct error *err)
{
	_cleanup_text_ struct text text = {};
	char uid[UID_SIZE], now[CLOCK_TEXT_SIZE];

	if (pod->spec.ephemeralContainers.n)
		return error_set(err, EINVAL, "ephemeralContainers come to a pod that runs (seapod debug %s)",
				 pod->metadata.name);
	uid_make(uid);
	pod->metadata.uid = arena_strdup(x->arena, uid);
	pod->metadata.creationTimestamp = arena_strdup(x->arena, clock_rfc3339(clock_wall(), now));
	int r = launch_make(x, pod, how, ranges, NULL, &text, err);
	if (r == 0)
		dns_start(x);
	return r < 0 ? r : keeper_spawn(&x->in, text.at, text.n, err);
}

int launch_left(struct context *x, const struct pod *pod, char **text, size_t *size, struct error *err)
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
	int r = launch_left(x, pod, &text, &size, err);

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
