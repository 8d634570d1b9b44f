/* system.c — what is about the machine and the objects in general: explain, system prune, system info, system df. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/kinds.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/image.h"
#include "cli/pods.h"
#include "command/table.h"
#include "image/layer.h"
#include "linux/cgroup.h"
#include "net/reload.h"
#include "net/rules.h"
#include "service/forward.h"

#define VERBS "info, check, df, prune, restore"

const struct option_spec explain_options[] = {
	{ "recursive", 0, NULL, "names and types of all that is below" },
	{},
};

int run_explain(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	_cleanup_text_ struct text text = {};
	bool recursive = false;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		recursive = true;
	const char *what = r < 0 ? NULL : need(&o, 0, "a field (pod.spec.containers)", err);
	if (!what)
		return -EXIT_USAGE;
	if (o.count > 1)
		return usage_error(err, "explain is of one field; dots lead to what is below (%s.%s)", what,
				   o.positional[1]);
	const char *dot = strchr(what, '.');
	const struct kind *kind =
		kind_of_word(arena_strndup(x->arena, what, dot ? (size_t)(dot - what) : strlen(what)), err);
	r = kind ? table_explain(kind->table, kind->name, dot ? dot + 1 : "", recursive, &text, err)
		 : -EXIT_USAGE;
	if (r == 0)
		fputs(text_str(&text), stdout);
	return r;
}

/* Removes what no pod needs: bridge and rules, the cgroup, images without a name. Listing the pods has swept what dead ones left. */
static int prune(struct context *x, struct error *err)
{
	struct found_pods pods = {};
	struct cgroup_system cgroups;
	struct gc_result removed = {};
	int r = pods_list(&x->in, NULL, x->arena, &pods, err);

	if (r < 0)
		return r;
	list_each(found, &pods)
		if (found->alive)
			return error_set(err, EBUSY, "the pod '%s' runs; only an idle instance is pruned",
					 found->pod->metadata.name);
	bool had_network = rules_exist(&x->in);
	services_prune(&x->in);
	networks_prune(&x->in);
	if (cgroup_probe(&cgroups, err) == 0)
		cgroup_remove(&cgroups, NULL, x->in.cgroup);
	cgroup_system_close(&cgroups);
	layer_release_all(&x->in);
	if (had_network)
		printf("removed: the bridge %s, the table inet %s\n", x->in.bridge, x->in.table);
	r = file_exists(x->in.rootfd, "images") ? prune_dangling(x, &removed, err) : 0;
	if (r == 0 && removed.removed > 0)
		printf("removed: %u blobs and layers that no image needs (%s)\n", removed.removed,
		       human_size(removed.bytes, x->arena));
	return r;
}

static void add_usage(struct table_view *t, const char *what, size_t total, size_t active, int64_t size,
		      int64_t reclaimable)
{
	struct arena *a = t->arena;

	table_row(t, what, arena_printf(a, "%zu", total), arena_printf(a, "%zu", active), human_size(size, a),
		  size > 0 ? arena_printf(a, "%s (%d%%)", human_size(reclaimable, a),
					  (int)(reclaimable * 100 / size))
			   : human_size(reclaimable, a),
		  NULL, NULL, NULL);
}

/* Images without a pod, by their blobs: what layers they share with others is counted with each. */
static void count_images(const struct images *images, const struct image_uses *uses, size_t *active,
			 int64_t *unused, int64_t *sum)
{
	list_each(image, images) {
		bool used = image_use_find(uses, image);
		*active += used;
		*sum += image->size;
		*unused += used ? 0 : image->size;
	}
}

/* docker's table: images with their layers; what is the pods' own (writable layers, emptyDir). */
static int usage(struct context *x, struct error *err)
{
	struct table_view t = { .arena = x->arena };
	struct found_pods pods = {};
	struct image_uses uses = {};
	struct images images = {};
	size_t active = 0, alive = 0;
	int64_t unused = 0, sum = 0, ended = 0;

	if (pods_list(&x->in, NULL, x->arena, &pods, err) < 0 || image_uses_read(x, &uses, err) < 0 ||
	    image_list(&x->in, x->arena, &images, err) < 0)
		return -err->code;
	count_images(&images, &uses, &active, &unused, &sum);
	list_each(found, &pods) {
		alive += found->alive;
		if (!found->alive)
			ended += file_tree_bytes(x->in.rootfd,
						 arena_printf(x->arena, "pods/%s", found->pod->metadata.uid));
	}
	int64_t disk = file_tree_bytes(x->in.rootfd, "images") + file_tree_bytes(x->in.rootfd, "layers");
	table_row(&t, "TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE", NULL, NULL, NULL);
	add_usage(&t, "Images", images.n, active, disk,
		  sum ? (int64_t)((double)disk * (double)unused / (double)sum) : disk);
	add_usage(&t, "Pods", pods.n, alive, file_tree_bytes(x->in.rootfd, "pods"), ended);
	table_print(&t);
	return 0;
}

static int info(struct context *x, struct error *err)
{
	const char *why;
	struct cgroup_system cgroups;
	int r = cgroup_probe(&cgroups, err);

	printf("root:     %s\nrun:      %s\nlogs:     %s\nbridge:   %s\ntable:    inet %s\n", x->in.root,
	       x->in.run, x->in.log, x->in.bridge, x->in.table);
	printf("cgroups:  version %d:", cgroups.version);
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		if (cgroups.available & 1u << i)
			printf(" %s", cgroup_controller_name((enum cgroup_controller)i));
	printf("\n");
	cgroup_system_close(&cgroups);
	bool mounts = layer_can_mount(&x->in, &why);
	printf("layers:   %s%s\n", mounts ? "mounted (EROFS, from files)" : "unpacked: ", why);
	return r;
}

const struct option_spec system_options[] = {
	{ "output", 'o', "json", "how check prints" },
	{},
};

int run_system(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct options o;

	options_begin(&o, x->command, argc, argv);
	bool json = false;
	int r;

	while ((r = options_next(&o, &option, &value, err)) > 0) {
		json = text_is(value, "json");
		if (!json)
			return usage_error(err, "check prints lines, or -o json; there is no '%s'", value);
	}
	const char *verb = r < 0 ? NULL : need(&o, 0, "a verb (" VERBS ")", err);
	if (!verb)
		return -EXIT_USAGE;
	if (text_is(verb, "check"))
		return system_check(x, json, err);
	if (json)
		return usage_error(err, "-o is of system check");
	if (text_is(verb, "prune"))
		return prune(x, err);
	if (text_is(verb, "info"))
		return info(x, err);
	if (text_is(verb, "restore"))
		return restore_pods(x, err);
	if (text_is(verb, "df"))
		return usage(x, err);
	return usage_error(err, "system has no verb '%s' (" VERBS ")", verb);
}
