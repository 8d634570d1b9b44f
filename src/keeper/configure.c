/* configure.c — a running pod takes over another version of its object (protocol.h "configure").
 *
 * The command has compared both and sends only what may change while the pod runs; here the same is asked again, since who speaks on the socket
 * is not trusted to have done it. A container with another image is started again with it (Kubernetes: spec.containers[*].image); other
 * resources are set in place, or by a start if resizePolicy says so, and refused when less memory is left than is used.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "keeper/keeper.h"
#include "sandbox/budget.h"

/* The containers NOW get what may change from those that were. */
static void as_before(struct containers *now, const struct containers *before, bool image, struct arena *a)
{
	struct container *copies = arena_alloc(a, now->n * sizeof(*copies));

	for (size_t i = 0; i < now->n; i++) {
		copies[i] = now->at[i];
		copies[i].resources = before->at[i].resources;
		if (image)
			copies[i].image = before->at[i].image;
	}
	now->at = copies;
}

/* What must stay is compared as text: the new object with the old one's changeable fields must be the old one. */
static bool same_but_for_changeable(const struct pod *old, const struct pod *new)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct pod_spec spec = new->spec;

	if (spec.containers.n != old->spec.containers.n ||
	    spec.initContainers.n != old->spec.initContainers.n ||
	    spec.ephemeralContainers.n < old->spec.ephemeralContainers.n)
		return false;
	as_before(&spec.containers, &old->spec.containers, true, a);
	as_before(&spec.initContainers, &old->spec.initContainers, false, a);
	spec.ephemeralContainers.n = old->spec.ephemeralContainers.n; /* more may come, and none goes */
	spec.resources = old->spec.resources;
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
		struct member *m = keeper_member(k, i);
		const char *before = m->sc.image->id;
		m->sc.spec = pod_find_container(k->pod, m->sc.spec->name);
		m->sc.image = launch_find_image(k->launch, m->sc.spec->name);
		restart[i] = restart[i] || (m->kind != KIND_INIT && m->kind != KIND_EPHEMERAL &&
					    !text_is(before, m->sc.image->id));
	}
	volumes_adopt(&k->sandbox.volumes, k->pod);
}

/* Fills RESTART, and refuses what would kill. */
static int check_resources(struct keeper *k, const struct pod *new, bool *restart, struct error *err)
{
	const struct cgroup_limits all = budget_of_pod(&k->sandbox, new);
	int r = pod_resize_check(k->pod, new, err);

	if (r == 0)
		r = budget_fits(&k->sandbox.cgroup, "the pod", &all, err);
	for (size_t i = 0; r == 0 && i < k->n; i++) {
		const struct member *m = keeper_member(k, i);
		const struct container *c = pod_find_container(new, m->sc.spec->name);
		const struct cgroup_limits limits = budget_of_container(&k->sandbox, c);
		restart[i] = container_resize_restarts(m->sc.spec, c);
		if (container_has_process(m->state) && !restart[i])
			r = budget_fits(&m->sc.cgroup, arena_printf(k->arena, "the container '%s'", c->name),
					&limits, err);
	}
	return r;
}

static int apply_resources(struct keeper *k, const bool *restart, struct error *err)
{
	_cleanup_free_ struct sandbox_container **running =
		memory_new(k->n, sizeof(struct sandbox_container *));
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++)
		if (container_has_process(keeper_member(k, i)->state) && !restart[i])
			running[n++] = &keeper_member(k, i)->sc;
	return budget_apply(&k->sandbox, running, n, err);
}

static bool has_all_images(const struct launch *l)
{
	list_each(c, &l->pod.spec.initContainers)
		if (!launch_find_image(l, c->name))
			return false;
	list_each(c, &l->pod.spec.containers)
		if (!launch_find_image(l, c->name))
			return false;
	list_each(c, &l->pod.spec.ephemeralContainers)
		if (!launch_find_image(l, c->name))
			return false;
	return true;
}

/* What came with the new object; policy begins them. */
static void add_debuggers(struct keeper *k)
{
	const struct containers *all = &k->pod->spec.ephemeralContainers;

	for (size_t i = k->n_debuggers; i < all->n; i++)
		keeper_add(k, &all->at[i]);
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
	if ((r = check_resources(k, &new->pod, restart, err)) < 0)
		return r;
	adopt(k, new, restart);
	if ((r = keeper_write_objects(k, err)) < 0)
		return r;
	if ((r = apply_resources(k, restart, err)) < 0)
		return r;
	if (k->noted)
		restore_note(k);
	keeper_set_deadline(k);
	size_t n = k->n;
	add_debuggers(k);
	for (size_t i = 0; i < n; i++)
		if (restart[i])
			keeper_restart(k, keeper_member(k, i), keeper_grace(k));
	if (volumes_update(&k->sandbox.volumes, err) < 0)
		return -err->code;
	keeper_advance(k);
	return 0;
}
