/* configure.c — a running pod takes over another version of its object (protocol.h "configure").
 *
 * The command has compared both and sends only what may change while the pod runs; here the same is asked again, since who speaks on the socket
 * is not trusted to have done it. A container with another image is started again with it (Kubernetes: spec.containers[*].image).
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "keeper/keeper.h"

/* What must stay is compared as text: the new object with the old one's changeable fields must be the old one. */
static bool same_but_for_changeable(const struct pod *old, const struct pod *new)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct pod_spec spec = new->spec;

	if (spec.containers.n != old->spec.containers.n)
		return false;
	struct container *containers = arena_alloc(a, spec.containers.n * sizeof(*containers));
	for (size_t i = 0; i < spec.containers.n; i++) {
		containers[i] = spec.containers.at[i];
		containers[i].image = old->spec.containers.at[i].image;
	}
	spec.containers.at = containers;
	spec.tolerations = old->spec.tolerations;
	spec.activeDeadlineSeconds = old->spec.activeDeadlineSeconds;
	return text_is(old->metadata.uid, new->metadata.uid) &&
	       text_is(old->metadata.name, new->metadata.name) &&
	       text_is(old->metadata.namespace, new->metadata.namespace) &&
	       node_equal(object_encode(&pod_spec_table, &old->spec, a),
			  object_encode(&pod_spec_table, &spec, a));
}

/* Every pointer into the old object now leads into the new one. */
static void adopt(struct keeper *k, const struct launch *new, bool *restart)
{
	*k->launch = *new;
	for (size_t i = 0; i < k->n; i++) {
		struct member *m = &k->members[i];
		const char *before = m->sc.image->id;
		m->sc.spec = pod_find_container(k->pod, m->sc.spec->name);
		m->sc.image = launch_find_image(k->launch, m->sc.spec->name);
		restart[i] = m->kind != KIND_INIT && !text_is(before, m->sc.image->id);
	}
	volumes_adopt(&k->sandbox.volumes, k->pod);
}

static bool has_all_images(const struct launch *l)
{
	list_each(c, &l->pod.spec.initContainers)
		if (!launch_find_image(l, c->name))
			return false;
	list_each(c, &l->pod.spec.containers)
		if (!launch_find_image(l, c->name))
			return false;
	return true;
}

int keeper_configure(struct keeper *k, int fd, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ bool *restart = memory_new(k->n, sizeof(*restart));
	size_t size;
	int r = file_read_fd(fd, "launch", NODE_BYTES_MAX, &text, &size, err);
	const struct launch *new = r < 0 ? NULL : launch_read(text, size, k->arena, err);

	if (!new)
		return -err->code;
	if (!has_all_images(new) || !same_but_for_changeable(k->pod, &new->pod))
		return error_set(err, EINVAL, "the change needs a new pod");
	adopt(k, new, restart);
	if ((r = keeper_write_objects(k, err)) < 0)
		return r;
	keeper_set_deadline(k);
	for (size_t i = 0; i < k->n; i++)
		if (restart[i])
			keeper_restart(k, &k->members[i], k->pod->spec.terminationGracePeriodSeconds.value);
	if (volumes_update(&k->sandbox.volumes, err) < 0)
		return -err->code;
	keeper_advance(k);
	return 0;
}
