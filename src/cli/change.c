/* change.c — what another object makes of a pod that is there; see start.h.
 *
 * A keeper takes over some fields as it runs; any other needs a new pod (Kubernetes docs "Pod update and replacement").
 */
#include <unistd.h>

#include "cli/launch.h"
#include "cli/pods.h"
#include "cli/start.h"

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
	int r = launch_left(x, pod, &old, &size, err);
	const struct launch *before = r < 0 ? NULL : launch_read(old, size, x->arena, err);

	if (!before)
		return -err->code;
	r = launch_make(x, pod, how, NULL, before, &text, err);
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
