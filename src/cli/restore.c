/* restore.c — seapod system restore: starts the pods that were to run always and are not there, as after a boot (sandbox/note.h).
 *
 * A pod that lives in the network of another one comes after that; all others at once. One that runs already is left alone, so this may be called
 * at any time.
 */
#include <stdio.h>
#include <unistd.h>

#include "api/annotations.h"
#include "cli/commands.h"
#include "cli/pods.h"
#include "cli/start.h"
#include "sandbox/launch.h"
#include "sandbox/note.h"

struct returning {
	const char *text;
	const struct pod *pod;
	bool done;
	int fd;
};

struct all_returning LIST(struct returning);

static int read_notes(struct context *x, struct all_returning *out, struct error *err)
{
	struct notes notes = {};
	int r = notes_read(&x->in, x->arena, &notes, err);

	list_each(text, &notes) {
		struct error why = {};
		const struct launch *launch = launch_read(*text, strlen(*text), x->arena, &why);
		if (launch)
			*list_add(x->arena, out) =
				(struct returning){ .text = *text, .pod = &launch->pod, .fd = -1 };
		else
			fprintf(stderr, "seapod: warning: a note in %s/restore cannot be read: %s\n",
				x->in.root, why.text);
	}
	return r;
}

/* Does R live in the network of a pod that is still to come? */
static bool waits(const struct all_returning *all, const struct returning *r)
{
	const char *network = string_map_get(&r->pod->metadata.annotations, NETWORK_ANNOTATION);

	if (!network || !text_starts(network, "container:"))
		return false;
	list_each(other, all)
		if (!other->done && other != r &&
		    text_is(other->pod->metadata.name, network + strlen("container:")) &&
		    text_is(other->pod->metadata.namespace, r->pod->metadata.namespace))
			return true;
	return false;
}

static void begin(struct context *x, struct returning *r, struct error *why)
{
	const struct object_meta *meta = &r->pod->metadata;
	struct found_pod found;

	if (pods_find(&x->in, meta->namespace, meta->name, x->arena, &found, NULL) == 0 && found.alive)
		return;
	r->fd = pod_spawn(x, r->text, strlen(r->text), why);
}

/* Starts all that wait for nobody (ANYWAY: also those that do), then waits until each has started. False: there was none. */
static bool start_some(struct context *x, struct all_returning *all, bool anyway, bool *failed)
{
	struct error why[2] = {};
	struct LIST(struct returning *) some = {};

	list_each(r, all)
		if (!r->done && (anyway || !waits(all, r)))
			*list_add(x->arena, &some) = r;
	list_each(r, &some)
		begin(x, *r, &why[0]);
	list_each(r, &some) {
		struct returning *one = *r;
		why[1] = (struct error){};
		if (one->fd >= 0 && pod_wait(x, one->fd, WAIT_SETTLED, -1, &why[1]) == 0)
			printf("pod/%s restored\n", one->pod->metadata.name);
		if (why[1].code) {
			fprintf(stderr, "seapod: the pod '%s': %s\n", one->pod->metadata.name, why[1].text);
			*failed = true;
		}
		close_fd(&one->fd);
		one->done = true;
	}
	if (why[0].code) {
		fprintf(stderr, "seapod: %s\n", why[0].text);
		*failed = true;
	}
	return some.n > 0;
}

int restore_pods(struct context *x, struct error *err)
{
	struct all_returning all = {};
	bool failed = false;
	int r = read_notes(x, &all, err);

	if (r < 0)
		return r;
	while (start_some(x, &all, false, &failed))
		;
	start_some(x, &all, true, &failed); /* who waits for each other: they fail with the reason */
	err->code = 0;
	return failed ? -EXIT_FAILED : 0;
}
