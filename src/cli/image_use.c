/* image_use.c — see image_use.h. */
#include "cli/image_use.h"

#include <stdio.h>

#include "base/file.h"
#include "cli/pods.h"
#include "sandbox/launch.h"
#include "sandbox/note.h"

static void add_use(struct context *x, const struct pod *pod, const char *id, const struct strings *layers,
		    struct image_uses *out)
{
	*list_add(x->arena, &out->all) =
		(struct image_use){ pod->metadata.name, pod->metadata.namespace, id };
	*list_add(x->arena, &out->pinned) = id;
	list_each(layer, layers) {
		const char *slash = strrchr(*layer, '/');
		*list_add(x->arena, &out->pinned) = slash ? slash + 1 : *layer;
	}
}

static void add_launch(struct context *x, const struct pod *pod, const struct launch *l,
		       struct image_uses *out)
{
	list_each(image, &l->images)
		add_use(x, pod, image->id, &image->layers, out);
	list_each(image, &l->volumeImages)
		add_use(x, pod, image->id, &image->layers, out);
}

static int add_text(struct context *x, const char *text, const char *what, struct image_uses *out,
		    struct error *err)
{
	struct error why = {};
	struct launch *l = launch_read(text, strlen(text), x->arena, &why);

	if (!l)
		return error_set(err, EINVAL, "cannot tell which images the pod '%s' uses: %s", what,
				 why.text);
	add_launch(x, &l->pod, l, out);
	return 0;
}

/* Gone meanwhile: no matter. */
static int add_pod(struct context *x, const struct pod *pod, struct image_uses *out, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("pods/%s/launch.json", pod->metadata.uid), *text = NULL;
	int r = file_read(x->in.runfd, path, NODE_BYTES_MAX, &text, NULL, NULL);

	return r == -ENOENT ? 0 : add_text(x, r < 0 ? "" : text, pod->metadata.name, out, err);
}

int image_uses_read(struct context *x, struct image_uses *out, struct error *err)
{
	struct found_pods pods = {};
	struct notes notes = {};
	int r = pods_list(&x->in, NULL, x->arena, &pods, err);

	list_each(found, &pods)
		if (r == 0)
			r = add_pod(x, found->pod, out, err);
	if (r == 0) /* pods that come back after a boot and are not there yet */
		r = notes_read(&x->in, x->arena, &notes, err);
	list_each(text, &notes)
		if (r == 0)
			r = add_text(x, *text, "that is to be restored", out, err);
	return r;
}

const struct image_use *image_use_find(const struct image_uses *uses, const struct image *image)
{
	list_each(use, &uses->all)
		if (text_is(use->id, image->id))
			return use;
	return NULL;
}
