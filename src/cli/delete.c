/* delete.c — delete and rm: the end of pods, also of those that have no keeper any more, and of objects. Which ones: select.h. */
#include <stdio.h>

#include "api/store.h"
#include "cli/commands.h"
#include "cli/lifecycle.h"
#include "cli/select.h"
#include "cli/volume.h"
#include "net/service.h"
#include "sandbox/note.h"
#include "sandbox/sandbox.h"
#include "service/forward.h"

const struct option_spec delete_options[] = {
	{ "filename", 'f', "FILE", "delete the objects of a manifest" },
	{ "selector", 'l', "LABELS", "those with labels (color=red)" },
	{ "all", 0, NULL, "every object of the kind" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{ "all-namespaces", 'A', NULL, "of all namespaces (with --all or -l)" },
	{ "grace-period", 0, "SECONDS", "time between TERM and KILL" },
	{ "now", 0, NULL, "the same as --grace-period 1" },
	{ "force", 0, NULL, "kill at once" },
	{ "ignore-not-found", 0, NULL, "what is not there is no error" },
	{},
};
const struct option_spec rm_options[] = {
	{ "force", 'f', NULL, "kill at once; what is not there is no error" },
	{ "time", 't', "SECONDS", "time between TERM and KILL" },
	{ "volumes", 'v', NULL, "(a pod's own volumes always go with it)" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

static int delete_pod(struct context *x, const char *namespace, const char *name,
		      const struct request *request, struct error *err)
{
	struct found_pod found;
	int r = pods_find(&x->in, namespace, name, x->arena, &found, err);

	if (r < 0) /* its keeper was killed: it is gone, and is not to come back with the next boot */
		return note_remove(&x->in, namespace, name) == 0 ? 0 : r;
	if (found.alive)
		r = pod_ask(x, found.pod, request, true, err);
	/* A keeper that ended meanwhile, or long ago, left the directory. */
	if (!found.alive || r < 0)
		if (pods_find(&x->in, namespace, name, x->arena, &found, NULL) == 0 && !found.alive) {
			sandbox_sweep(&x->in, found.pod->metadata.uid, namespace, name);
			r = 0;
		}
	return r;
}

static int delete_object(struct context *x, const struct kind *kind, const char *namespace, const char *name,
			 const struct request *request, struct error *err)
{
	if (kind->kind == KIND_POD)
		return delete_pod(x, namespace, name, request, err);
	if (kind->kind == KIND_SERVICE) {
		int r = service_remove(&x->in, namespace, name, err);
		return r < 0 ? r : service_forward(&x->in, namespace, name, err);
	}
	if (kind->kind == KIND_CLAIM)
		return claim_delete(x, namespace, name, err);
	return store_remove(&x->in, kind->plural, namespace, name, err);
}

struct deletion {
	struct request request;
	struct selection selection;
	bool all;
	int result;
};

static void delete_one(struct context *x, struct deletion *d, const struct kind *kind, const char *namespace,
		       const char *name)
{
	struct error err = {};
	int r = delete_object(x, kind, namespace, name, &d->request, &err);

	if (r == 0)
		printf("%s/%s deleted\n", kind->singular, name);
	else if (!(d->selection.ignore_missing && err.code == ENOENT)) {
		fflush(stdout);
		fprintf(stderr, "seapod: %s\n", err.text);
		d->result = -EXIT_FAILED;
	}
}

static int take_options(struct context *x, struct deletion *d, struct options *o, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	int r, taken;

	while ((r = options_next(o, &option, &value, err)) > 0) {
		if ((taken = select_option(x, &d->selection, option, value, err)) < 0)
			return taken;
		if (taken)
			continue;
		if ((text_is(option->name, "grace-period") || option->letter == 't') &&
		    grace_value(value, &d->request, err) < 0)
			return -EXIT_USAGE;
		else if (text_is(option->name, "now"))
			d->request.grace = (struct optional_int){ true, 1 };
		else if (text_is(option->name, "force"))
			d->request.force = true;
		else if (text_is(option->name, "all"))
			d->all = true;
	}
	return r;
}

/* Every object of a kind goes only when it is said twice: by --all or by labels. */
static int check(struct context *x, const struct deletion *d, struct options *o, struct error *err)
{
	const struct selection *s = &d->selection;

	if (d->all && s->names.n > 0)
		return usage_error(
			err, "--all deletes every object of a kind: 'delete pods --all', without names");
	if (s->kinds.n > 0 && !d->all && s->labels.n == 0)
		return usage_error(err, "delete needs the name of a %s (or --all, or -l LABELS)",
				   s->kinds.at[0]->singular);
	if (s->kinds.n + s->names.n == 0)
		need(o, 0, text_is(x->command->name, "rm") ? "a pod's name" : "a kind and names, or -f FILE",
		     err);
	return s->kinds.n + s->names.n == 0 ? -EXIT_USAGE : 0;
}

int run_delete(struct context *x, int argc, char **argv, struct error *err)
{
	struct deletion d = { .request = { .verb = "delete" } };
	bool rm = text_is(x->command->name, "rm");
	struct choice choice = {};
	struct options o;

	options_begin(&o, x->command, argc, argv);
	int r = take_options(x, &d, &o, err);
	if (r < 0)
		return r;
	d.selection.pods = rm && o.count > 0;
	d.selection.ignore_missing = d.selection.ignore_missing || (rm && d.request.force);
	if ((r = select_words(x, &d.selection, o.positional, o.count, err)) < 0 ||
	    (r = check(x, &d, &o, err)) < 0)
		return r;
	for (size_t i = d.selection.names.n; i-- > 0;) { /* of a manifest the last one first */
		const struct selected_name *name =
			&d.selection.names.at[d.selection.files.n ? i : d.selection.names.n - 1 - i];
		delete_one(x, &d, name->kind, name->namespace, name->name);
	}
	if (d.selection.kinds.n &&
	    (r = select_find(x,
			     &(struct selection){ .kinds = d.selection.kinds,
						  .labels = d.selection.labels,
						  .all_namespaces = d.selection.all_namespaces },
			     x->arena, &choice, err)) < 0)
		return r;
	if (d.selection.kinds.n && choice.items.n == 0)
		select_say_none(x, &d.selection);
	list_each(c, &choice.items)
		delete_one(x, &d, c->kind, c->namespace, c->name);
	err->code = 0;
	return d.result;
}
