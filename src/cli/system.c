/* system.c — what is about the machine and the objects in general: explain, system prune, system info. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/kinds.h"
#include "cli/commands.h"
#include "cli/pods.h"
#include "linux/cgroup.h"
#include "net/reload.h"

int run_explain(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	_cleanup_text_ struct text text = {};
	struct options o;

	options_begin(&o, x->command, argc, argv);
	int r = options_next(&o, &option, &value, err);
	const char *what = r < 0 ? NULL : need(&o, 0, "a field (pod.spec.containers)", err);
	if (!what)
		return -EXIT_USAGE;
	const char *dot = strchr(what, '.');
	const struct kind *kind =
		kind_of_word(arena_strndup(x->arena, what, dot ? (size_t)(dot - what) : strlen(what)), err);
	r = kind ? table_explain(kind->table, kind->name, dot ? dot + 1 : "", &text, err) : -EINVAL;
	if (r == 0)
		fputs(text_str(&text), stdout);
	return r;
}

/* Removes what no pod needs: bridge and rules, the cgroup. Listing the pods has swept what dead ones left. */
static int prune(struct context *x, struct error *err)
{
	struct found_pods pods = {};
	struct cgroup_system cgroups;
	int r = pods_list(&x->in, NULL, x->arena, &pods, err);

	if (r < 0)
		return r;
	list_each(found, &pods)
		if (found->alive)
			return error_set(err, EBUSY, "the pod '%s' runs; only an idle instance is pruned",
					 found->pod->metadata.name);
	network_remove(&x->in);
	if (cgroup_probe(&cgroups, err) == 0)
		cgroup_remove(&cgroups, NULL, x->in.cgroup);
	cgroup_system_close(&cgroups);
	return 0;
}

static int info(struct context *x, struct error *err)
{
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
	return r;
}

int run_system(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct options o;

	options_begin(&o, x->command, argc, argv);
	int r = options_next(&o, &option, &value, err);
	const char *verb = r < 0 ? NULL : need(&o, 0, "a verb (info, prune, restore)", err);
	if (!verb)
		return -EXIT_USAGE;
	if (text_is(verb, "prune"))
		return prune(x, err);
	if (text_is(verb, "info"))
		return info(x, err);
	if (text_is(verb, "restore"))
		return restore_pods(x, err);
	return usage_error(err, "system has no verb '%s' (info, prune, restore)", verb);
}
