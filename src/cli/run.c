/* run.c — seapod run: Docker's fingers. A pod of one container with the container's name is made and applied. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "api/names.h"
#include "cli/commands.h"
#include "cli/container.h"
#include "cli/pods.h"
#include "cli/run.h"
#include "cli/session.h"
#include "cli/start.h"
#include "cli/volume.h"
#include "sandbox/sandbox.h"

static const char *invent_name(struct context *x, const char *image)
{
	unsigned char random[3];
	const char *base = strrchr(image, '/') ? strrchr(image, '/') + 1 : image;
	size_t n = strspn(base, "abcdefghijklmnopqrstuvwxyz0123456789-");

	while (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		;
	return arena_printf(x->arena, "%.*s-%02x%02x%02x", (int)(n > 40 ? 40 : n), base, random[0], random[1],
			    random[2]);
}

/* Whoever listens in the host's network listens on the host's port: nothing is left to publish. Docker, too, says so and goes on. */
static void drop_ports(struct running *r)
{
	if (!r->pod.spec.hostNetwork || (r->container->ports.n == 0 && !r->exposed))
		return;
	fprintf(stderr,
		"seapod: warning: with --net=host nothing is published: the program's own ports are the "
		"host's\n");
	r->container->ports.n = r->ranges.n = 0;
	r->exposed = false;
}

static int build(struct context *x, struct running *r, struct options *o, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	int result;

	*r = (struct running){ .pod = { .apiVersion = "v1", .kind = "Pod" } };
	r->pod.spec.restartPolicy = "Never";
	r->container = list_add(x->arena, &r->pod.spec.containers);
	r->container->imagePullPolicy = "IfNotPresent";
	while ((result = options_next(o, &option, &value, err)) > 0)
		if ((result = run_take_option(x, r, option, value, err)) < 0)
			return result;
	if (result < 0)
		return result;
	drop_ports(r);
	const char *image = need(o, 0, "an image", err), *why;
	if (!image)
		return -EXIT_USAGE;
	if (!r->pod.metadata.name)
		r->pod.metadata.name = invent_name(x, image);
	if ((why = name_dns_label(r->pod.metadata.name)))
		return usage_error(err, "the name '%.80s' %s", r->pod.metadata.name, why);
	r->pod.metadata.namespace = x->namespace;
	r->container->name = r->pod.metadata.name;
	r->container->image = image;
	for (int i = 1; i < o->count; i++)
		*list_add(x->arena, &r->container->args) = without_references(o->positional[i], x->arena);
	if (r->remove && !text_is(r->pod.spec.restartPolicy, "Never"))
		return usage_error(err,
				   "--rm and --restart exclude each other: what is started again has no end");
	r->container->securityContext = &r->security;
	if (r->pod_security.supplementalGroups.n || r->pod_security.sysctls.n)
		r->pod.spec.securityContext = &r->pod_security;
	object_defaults(&pod_table, &r->pod, x->arena);
	pod_defaults(&r->pod, x->arena);
	struct problems problems = { .arena = x->arena };
	if (!pod_validate(&r->pod, &problems))
		return error_set(err, EINVAL, "%s", problems.errors.at[0].text);
	return 0;
}

/* The pod that this command has made, and not another one that had its name already. */
static bool find_ours(struct context *x, const struct pod *pod, struct found_pod *found)
{
	return pods_find(&x->in, pod->metadata.namespace, pod->metadata.name, x->arena, found, NULL) == 0 &&
	       text_is(found->pod->metadata.uid, pod->metadata.uid);
}

static void delete_after(struct context *x, const struct pod *pod)
{
	struct found_pod found;
	struct reply reply = {};

	if (!find_ours(x, pod, &found))
		return;
	_cleanup_close_ int fd = found.alive ? keeper_connect(&x->in, found.pod->metadata.uid, NULL) : -1;
	if (fd >= 0 && keeper_ask(fd, x->arena, &(struct request){ .verb = "delete", .force = true }, NULL,
				  &reply, NULL, NULL) == 0)
		pod_wait_end(x, fd, NULL);
	if (find_ours(x, pod, &found) && !found.alive)
		sandbox_sweep(&x->in, found.pod->metadata.uid, pod->metadata.namespace, pod->metadata.name);
}

/* What the finished pod's status tells; NULL: it is gone. */
static const struct state_terminated *how_it_ended(struct context *x, const struct pod *pod)
{
	struct found_pod found;

	if (!find_ours(x, pod, &found) || found.pod->status.containerStatuses.n == 0)
		return NULL;
	const struct container_state_status *state = &found.pod->status.containerStatuses.at[0].state;
	return state->terminated;
}

/* Attaches as soon as the keeper listens; the program's exit code, or negative. */
static int in_foreground(struct context *x, struct running *r, int watch, struct error *err)
{
	_cleanup_message_fds_ struct message_fds fds = {};
	struct found_pod found;
	struct reply reply = {};
	const char *container = r->pod.metadata.name;

	int result = reply_receive(watch, x->arena, &reply, &fds,
				   err); /* the first word: it is made, or why not */
	pod_started(x);
	if (result > 0 && text_is(reply.event, "error"))
		return error_set(err, EREMOTEIO, "%s", reply.error);
	if (result <= 0)
		return result < 0 ? result : error_set(err, ECONNRESET, "the pod's keeper has ended");
	result = pods_find(&x->in, x->namespace, container, x->arena, &found, err);
	_cleanup_close_ int fd = result < 0 ? -1 : keeper_connect(&x->in, found.pod->metadata.uid, err);
	return fd < 0 ? -EXIT_SEAPOD
		      : session_attach(x, fd, container, r->container->stdin, r->container->tty, err);
}

/* Its program has ended with CODE for the first time and may be started again, which nobody may have to watch: a signal ends this command, and the pod
 * goes on. 128 + n then; else how the last run ended. */
static int wait_for_last(struct context *x, const struct running *r, int watch, int code)
{
	fprintf(stderr,
		"seapod: the program ended with exit code %d; the pod goes on by its restart policy (seapod "
		"logs -f %s)\n",
		code, r->pod.metadata.name);
	int interrupted = session_wait_end(x, watch, NULL);
	const struct state_terminated *end = interrupted > 0 ? NULL : how_it_ended(x, &r->pod);

	return interrupted > 0 ? interrupted : end ? end->exitCode : code;
}

/* --cidfile: a new file, as Docker has it; -1: PATH is NULL. */
static int open_id_file(const char *path, struct error *err)
{
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644) : -1;

	return path && fd < 0 ? error_errno(err, "cannot make the file '%s'", path) : fd;
}

int run_run(struct context *x, int argc, char **argv, struct error *err)
{
	struct running *r = arena_one(x->arena, struct running);
	struct options o;
	int code;

	options_begin(&o, x->command, argc, argv);
	code = build(x, r, &o, err);
	if (code == -EXIT_USAGE)
		return code;
	if (code < 0)
		return -EXIT_SEAPOD;
	if (r->container->tty && r->container->stdin && !isatty(STDIN_FILENO) && !r->detach) {
		fprintf(stderr, "seapod: warning: standard input is no terminal, so the program gets none\n");
		r->container->tty = false;
	}
	list_each(volume, &r->pod.spec.volumes)
		if (volume->persistentVolumeClaim &&
		    claim_ensure(x, volume->persistentVolumeClaim->claimName, err) < 0)
			return -EXIT_SEAPOD;
	_cleanup_close_ int id_file = open_id_file(r->id_file, err);
	if (r->id_file && id_file < 0)
		return -EXIT_SEAPOD;
	const enum start_how how = START_PUBLISH | (r->exposed ? START_EXPOSED : 0) |
				   (r->detach ? 0 : START_HOLD) | (r->remove ? START_REMOVE : 0);
	_cleanup_close_ int watch = pod_start(x, &r->pod, how, &r->ranges, err);
	if (watch < 0) {
		if (r->id_file)
			unlink(r->id_file);
		return -EXIT_SEAPOD;
	}
	if (r->id_file)
		dprintf(id_file, "%s", r->pod.metadata.uid);
	code = r->detach ? pod_wait(x, watch, WAIT_SETTLED, -1, err) : in_foreground(x, r, watch, err);
	bool again = text_is(r->pod.spec.restartPolicy, "Always") ||
		     (text_is(r->pod.spec.restartPolicy, "OnFailure") && code > 0);
	if (!r->detach && code >= 0 && again)
		return wait_for_last(x, r, watch, code);
	if (!r->detach)
		pod_wait_end(x, watch, NULL);
	const struct state_terminated *end = code == 0 && r->detach ? NULL : how_it_ended(x, &r->pod);
	if (end && text_is(end->reason, "StartError")) {
		error_set(err, EREMOTEIO, "%s",
			  end->message ? end->message : "the container cannot be started");
		code = end->exitCode == 126 || end->exitCode == 127 ? -EXIT_WITH(end->exitCode)
								    : -EXIT_SEAPOD;
	}
	if (r->remove && !(r->detach && code == 0))
		delete_after(x, &r->pod);
	if (code < 0)
		return code <= -EXIT_WITH(0) ? code : -EXIT_SEAPOD;
	if (r->detach)
		printf("%s\n", r->pod.metadata.name);
	return code;
}
