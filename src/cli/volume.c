/* volume.c — seapod volume: storage with names, as Docker's, which is what Kubernetes calls a PersistentVolumeClaim.
 *
 * A volume is a claim of the namespace: `get pvc` shows the same, and a manifest's claimName means the same.
 */
#include "cli/volume.h"
#include "api/annotations.h"
#include "api/names.h"
#include "api/store.h"
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/pods.h"
#include "cli/words.h"
#include "command/table.h"
#include "volume/claim_volume.h"

#define VERBS "create, ls, inspect, rm, prune"

static const char plural[] = "persistentvolumeclaims";

const struct option_spec volume_options[] = {
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

static bool uses(const struct pod *pod, const char *claim)
{
	list_each(volume, &pod->spec.volumes)
		if (volume->persistentVolumeClaim && text_is(volume->persistentVolumeClaim->claimName, claim))
			return true;
	return false;
}

/* The pods, running or not, that have CLAIM among their volumes: "web, db"; NULL: none. *COUNT of them. */
static const char *users(struct context *x, const struct found_pods *pods, const char *claim, size_t *count)
{
	const char *names = NULL;

	*count = 0;
	list_each(found, pods) {
		if (!uses(found->pod, claim))
			continue;
		names = names ? arena_printf(x->arena, "%s, %s", names, found->pod->metadata.name)
			      : found->pod->metadata.name;
		++*count;
	}
	return names;
}

static int refuse_if_used(struct context *x, const char *namespace, const char *name, struct error *err)
{
	struct found_pods pods = {};
	size_t count;
	int r = pods_list(&x->in, namespace, x->arena, &pods, err);
	const char *names = r < 0 ? NULL : users(x, &pods, name, &count);

	return names ? error_set(err, EBUSY, "the volume '%s' is in use by the pod%s %s", name,
				 count > 1 ? "s" : "", names)
		     : r;
}

int claim_delete(struct context *x, const char *namespace, const char *name, struct error *err)
{
	struct claim claim = {};
	int r = claim_read(&x->in, namespace, name, x->arena, &claim, err);

	if (r == 0)
		r = refuse_if_used(x, namespace, name, err);
	if (r == 0 && !text_is(string_map_get(&claim.metadata.annotations, RECLAIM_ANNOTATION), "Retain"))
		r = claim_storage_remove(&x->in, namespace, name, err);
	return r < 0 ? r : store_remove(&x->in, plural, namespace, name, err);
}

static int make(struct context *x, const char *name, struct error *err)
{
	struct claim claim = { .apiVersion = "v1", .kind = "PersistentVolumeClaim" };

	claim.metadata = (struct object_meta){ .name = name, .namespace = x->namespace };
	*list_add(x->arena, &claim.spec.accessModes) = "ReadWriteOnce";
	object_defaults(&claim_table, &claim, x->arena);
	claim_settle(&claim);
	int r = claim_storage_make(&x->in, &claim, err);
	return r < 0 ? r
		     : store_put(&x->in, plural, x->namespace, name,
				 object_encode(&claim_table, &claim, x->arena), err);
}

int claim_ensure(struct context *x, const char *name, struct error *err)
{
	struct claim claim = {};

	if (name_dns_subdomain(name))
		return error_set(err, EINVAL, "the volume '%.100s' %s", name, name_dns_subdomain(name));
	if (claim_read(&x->in, x->namespace, name, x->arena, &claim, err) == 0)
		return 0;
	if (err->code != ENOENT)
		return -err->code;
	*err = (struct error){};
	int r = make(x, name, err);
	return r < 0 ? r : 0;
}

static int create(struct context *x, const char *name, struct error *err)
{
	int r = claim_ensure(x, name, err);

	if (r == 0)
		printf("%s\n", name);
	return r;
}

static int list(struct context *x, const char *unused, struct error *err)
{
	struct table_view t = { .arena = x->arena };
	struct store_objects claims = {};
	struct found_pods pods = {};
	char path[CLAIM_DIRECTORY_SIZE];
	int r = store_list(&x->in, plural, x->namespace, x->arena, &claims, err);
	(void)unused;

	if (r == 0)
		r = pods_list(&x->in, x->namespace, x->arena, &pods, err);
	if (r < 0)
		return r;
	table_row(&t, "NAME", "PODS", "DIRECTORY", NULL, NULL, NULL, NULL, NULL);
	list_each(n, &claims) {
		const char *name = node_get_string(node_get(*n, "metadata"), "name");
		size_t count;
		const char *names = users(x, &pods, name, &count);
		table_row(&t, name, names ? names : "<none>",
			  arena_printf(x->arena, "%s/%s", x->in.root,
				       claim_directory(x->namespace, name, path)),
			  NULL, NULL, NULL, NULL, NULL);
	}
	table_print(&t);
	return 0;
}

static int inspect(struct context *x, const char *name, struct error *err)
{
	_cleanup_text_ struct text text = {};
	char path[CLAIM_DIRECTORY_SIZE];
	struct node *n = store_get(&x->in, plural, x->namespace, name, x->arena, err);

	if (!n)
		return -err->code;
	node_put(x->arena, n, "mountpoint",
		 node_string(x->arena, arena_printf(x->arena, "%s/%s", x->in.root,
						    claim_directory(x->namespace, name, path))));
	node_to_json(n, true, &text);
	printf("%s\n", text_str(&text));
	return 0;
}

static int remove_one(struct context *x, const char *name, struct error *err)
{
	int r = claim_delete(x, x->namespace, name, err);

	if (r == 0)
		printf("%s\n", name);
	return r;
}

/* What no pod has, and is not to be retained. */
static int prune(struct context *x, const char *unused, struct error *err)
{
	struct store_objects claims = {};
	struct found_pods pods = {};
	size_t count;
	int r = store_list(&x->in, plural, x->namespace, x->arena, &claims, err);
	(void)unused;

	if (r == 0)
		r = pods_list(&x->in, x->namespace, x->arena, &pods, err);
	list_each(n, &claims) {
		const struct node *meta = node_get(*n, "metadata");
		const char *name = node_get_string(meta, "name");
		bool retain =
			text_is(node_get_string(node_get(meta, "annotations"), RECLAIM_ANNOTATION), "Retain");
		if (r == 0 && !retain && !users(x, &pods, name, &count))
			r = remove_one(x, name, err);
	}
	return r;
}

int run_volume(struct context *x, int argc, char **argv, struct error *err)
{
	static const struct {
		const char *verb;
		int (*run)(struct context *, const char *name, struct error *);
		bool named;
	} verbs[] = { { "create", create, true },   { "ls", list, false },      { "list", list, false },
		      { "inspect", inspect, true }, { "rm", remove_one, true }, { "prune", prune, false } };
	const struct option_spec *option;
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		use_namespace(x, value);
	const char *verb = r < 0 ? NULL : need(&o, 0, "a verb (" VERBS ")", err);
	if (!verb)
		return -EXIT_USAGE;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (!text_is(verb, verbs[i].verb))
			continue;
		if (verbs[i].named && !need(&o, 1, "a volume", err))
			return -EXIT_USAGE;
		r = verbs[i].named ? 0 : verbs[i].run(x, NULL, err);
		for (int n = 1; verbs[i].named && r == 0 && n < o.count; n++)
			r = verbs[i].run(x, o.positional[n], err);
		return r;
	}
	return usage_error(err, "volume has no verb '%s' (" VERBS ")", verb);
}
