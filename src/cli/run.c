/* run.c — seapod run: Docker's fingers. A pod of one container with the container's name is made and applied. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "api/annotations.h"
#include "api/names.h"
#include "cli/commands.h"
#include "cli/pods.h"
#include "cli/session.h"
#include "cli/start.h"
#include "cli/volume.h"
#include "net/ports.h"
#include "sandbox/network_wish.h"
#include "sandbox/sandbox.h"

const struct option_spec run_options[] = {
	{ "detach", 'd', NULL, "leave it running, print its name" },
	{ "rm", 0, NULL, "delete it when it has ended" },
	{ "name", 0, "NAME", "its name" },
	{ "publish", 'p', "[[IP:][HOST]:]PORT[/PROTO]", "publish a port, or a range of ports" },
	{ "publish-all", 'P', NULL, "publish what the image exposes" },
	{ "volume", 'v', "SRC:DST[:ro]", "mount a path of the host or a volume" },
	{ "env", 'e', "NAME=VALUE", "a variable" },
	{ "net", 0, "MODE", "the network; given again, one more" },
	{ "network", 0, "MODE", "the same" },
	{ "ip", 0, "ADDRESS", "its address (or NETWORK=ADDRESS)" },
	{ "network-alias", 0, "NAME", "one more name on its networks" },
	{ "default-route", 0, "NETWORK", "where its default route goes" },
	{ "memory", 'm', "AMOUNT", "the most memory (64Mi, 512m)" },
	{ "cpus", 0, "NUMBER", "the most CPU time (1.5)" },
	{ "pids-limit", 0, "NUMBER", "the most processes (-1: any)" },
	{ "pull", 0, "missing|always|never", "when to fetch the image (missing)" },
	{ "restart", 0, "no|on-failure|always", "when to start it again" },
	{ "user", 'u', "UID[:GID]", "the user" },
	{ "workdir", 'w', "DIR", "the working directory" },
	{ "hostname", 'h', "NAME", "the host name" },
	{ "interactive", 'i', NULL, "keep standard input open" },
	{ "tty", 't', NULL, "give it a terminal" },
	{ "entrypoint", 0, "PROGRAM", "instead of the image's" },
	{ "privileged", 0, NULL, "all rights of the host's root" },
	{ "read-only", 0, NULL, "the root file system is read-only" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

struct running {
	struct pod pod;
	struct container *container;
	struct security_context security;
	struct host_ranges ranges; /* that ports choose from */
	bool detach, remove, exposed;
};

static void annotate(struct context *x, struct running *r, const char *key, const char *value)
{
	*list_add(x->arena, &r->pod.metadata.annotations) = (struct string_pair){ key, value };
}

/* Given again, it is a list. */
static void annotate_more(struct context *x, struct running *r, const char *key, const char *value)
{
	list_each(pair, &r->pod.metadata.annotations) {
		if (!text_is(pair->key, key))
			continue;
		pair->value = arena_printf(x->arena, "%s,%s", pair->value, value);
		return;
	}
	annotate(x, r, key, value);
}

static int add_network(struct context *x, struct running *r, const char *value, struct error *err)
{
	r->pod.spec.hostNetwork = r->pod.spec.hostNetwork || text_is(value, "host");
	if (!text_is(value, "host"))
		annotate_more(x, r, NETWORK_ANNOTATION, value);
	if (r->pod.spec.hostNetwork && string_map_get(&r->pod.metadata.annotations, NETWORK_ANNOTATION))
		return usage_error(err, "--net=host stands alone: no other network is beside it");
	return 0;
}

static int add_ports(struct context *x, struct running *r, const char *value, struct error *err)
{
	struct port_wishes wishes = {};
	char address[INET6_ADDRSTRLEN];

	if (ports_parse(value, x->arena, &wishes, err) < 0)
		return -EXIT_USAGE;
	list_each(wish, &wishes) {
		struct container_port *p = list_add(x->arena, &r->container->ports);
		p->containerPort = wish->pod_port;
		p->hostPort = wish->host_port;
		p->protocol = protocol_name(wish->protocol);
		if (wish->host.family)
			p->hostIP = arena_strdup(x->arena, inet_ntop(wish->host.family, &wish->host.v4,
								     address, sizeof(address)));
		if (!wish->host_last)
			continue;
		p->hostPort = 0;
		*list_add(x->arena, &r->ranges) =
			(struct host_range){ p->protocol, p->hostIP, p->containerPort, wish->host_port,
					     wish->host_last };
	}
	if (r->container->ports.n > PORTS_MAX)
		return usage_error(err, "a pod publishes at most %d ports", PORTS_MAX);
	return 0;
}

static int add_volume(struct context *x, struct running *r, const char *value, struct error *err)
{
	char *source = arena_strdup(x->arena, value), *target = strchr(source, ':'), *flags = NULL;

	if (!target)
		return usage_error(err, "the volume '%s' is wrong: it is SRC:DST or SRC:DST:ro", value);
	*target++ = '\0';
	if ((flags = strchr(target, ':')))
		*flags++ = '\0';
	if (*target != '/')
		return usage_error(
			err, "the volume '%s' is wrong: the path in the container must be absolute", value);
	if (flags && !text_is(flags, "ro") && !text_is(flags, "rw"))
		return usage_error(err, "the volume '%s' is wrong: there is no option '%s' (ro, rw)", value,
				   flags);
	struct volume *v = list_add(x->arena, &r->pod.spec.volumes);
	v->name = arena_printf(x->arena, "v%zu", r->pod.spec.volumes.n);
	if (*source == '/') {
		v->hostPath = arena_one(x->arena, struct host_path_volume);
		*v->hostPath = (struct host_path_volume){ source, "" };
	} else {
		v->persistentVolumeClaim = arena_one(x->arena, struct claim_volume);
		*v->persistentVolumeClaim = (struct claim_volume){ .claimName = source };
		if (name_dns_subdomain(source))
			return usage_error(
				err, "the volume '%s' is wrong: '%s' is neither an absolute path nor a name",
				value, source);
	}
	*list_add(x->arena, &r->container->volumeMounts) = (struct volume_mount){
		.name = v->name, .mountPath = target, .readOnly = text_is(flags, "ro")
	};
	return 0;
}

/* Docker's 512m is mebibytes, Kubernetes' would be thousandths: a bare small letter is Docker's. */
static int add_limit(struct context *x, struct running *r, const char *name, const char *value,
		     struct error *err)
{
	struct quantity q;
	size_t n = strlen(value);
	const char *text = value;

	if (text_is(name, "memory") && n > 1 && strchr("bkmgBKMG", value[n - 1]) && value[n - 1] != 'G' &&
	    value[n - 1] != 'M') {
		const char *suffix = value[n - 1] == 'b'   ? ""
				     : value[n - 1] == 'k' ? "Ki"
				     : value[n - 1] == 'm' ? "Mi"
							   : "Gi";
		text = arena_printf(x->arena, "%.*s%s", (int)n - 1, value, suffix);
	}
	if (quantity_parse(text, &q) < 0 || q.nano <= 0)
		return usage_error(err, "'%s' is no amount of %s", value, name);
	*list_add(x->arena, &r->container->resources.limits) = (struct quantity_pair){ name, q };
	return 0;
}

static int add_env(struct context *x, struct running *r, const char *value)
{
	const char *equals = strchr(value, '=');
	const char *name = equals ? arena_strndup(x->arena, value, (size_t)(equals - value)) : value;
	const char *content = equals ? equals + 1 : getenv(value);

	if (content) /* $ has no meaning in docker's -e */
		*list_add(x->arena, &r->container->env) = (struct env_var){ .name = name, .value = content };
	return 0;
}

static int set_user(struct running *r, const char *value, struct error *err)
{
	long long uid, gid = -1;
	char buffer[32];
	const char *colon = strchr(value, ':');

	snprintf(buffer, sizeof(buffer), "%.*s", colon ? (int)(colon - value) : 30, value);
	if (text_to_int(buffer, 0, INT32_MAX, &uid) < 0 ||
	    (colon && text_to_int(colon + 1, 0, INT32_MAX, &gid) < 0))
		return usage_error(err, "'%s' is no user: give numbers, UID or UID:GID", value);
	r->security.runAsUser = (struct optional_int){ true, uid };
	r->security.runAsGroup = (struct optional_int){ colon != NULL, gid };
	return 0;
}

static int set_restart(struct running *r, const char *value, struct error *err)
{
	r->pod.spec.restartPolicy = text_is(value, "no")                                           ? "Never"
				    : text_is(value, "always") || text_is(value, "unless-stopped") ? "Always"
				    : text_is(value, "on-failure") ? "OnFailure"
								   : NULL;
	return r->pod.spec.restartPolicy
		       ? 0
		       : usage_error(err, "there is no restart policy '%s' (no, on-failure, always)", value);
}

/* Docker's words, Kubernetes' policy. Unlike in a manifest, what is here is taken as it is unless one asks for more. */
static int set_pull(struct running *r, const char *value, struct error *err)
{
	r->container->imagePullPolicy = text_is(value, "missing")  ? "IfNotPresent"
					: text_is(value, "always") ? "Always"
					: text_is(value, "never")  ? "Never"
								   : NULL;
	return r->container->imagePullPolicy
		       ? 0
		       : usage_error(err, "there is no pull policy '%s' (missing, always, never)", value);
}

static int take_option(struct context *x, struct running *r, const struct option_spec *option,
		       const char *value, struct error *err)
{
	const char *name = option->name;
	struct container *c = r->container;

	if (text_is(name, "publish"))
		return add_ports(x, r, value, err);
	if (text_is(name, "volume"))
		return add_volume(x, r, value, err);
	if (text_is(name, "env"))
		return add_env(x, r, value);
	if (text_is(name, "memory"))
		return add_limit(x, r, "memory", value, err);
	if (text_is(name, "cpus"))
		return add_limit(x, r, "cpu", value, err);
	if (text_is(name, "pids-limit"))
		annotate(x, r, PIDS_ANNOTATION, text_is(value, "0") ? "-1" : value); /* 0: as podman has it */
	if (text_is(name, "user"))
		return set_user(r, value, err);
	if (text_is(name, "restart"))
		return set_restart(r, value, err);
	if (text_is(name, "pull"))
		return set_pull(r, value, err);
	if (text_is(name, "net") || text_is(name, "network"))
		return add_network(x, r, value, err);
	if (text_is(name, "ip") || text_is(name, "network-alias") || text_is(name, "default-route")) {
		annotate_more(x, r,
			      text_is(name, "ip")              ? NETWORK_IP_ANNOTATION
			      : text_is(name, "network-alias") ? NETWORK_ALIASES_ANNOTATION
							       : NETWORK_ROUTE_ANNOTATION,
			      value);
	} else if (text_is(name, "detach"))
		r->detach = true;
	else if (text_is(name, "publish-all"))
		r->exposed = true;
	else if (text_is(name, "rm"))
		r->remove = true;
	else if (text_is(name, "name"))
		r->pod.metadata.name = value;
	else if (text_is(name, "workdir"))
		c->workingDir = value;
	else if (text_is(name, "hostname"))
		r->pod.spec.hostname = value;
	else if (text_is(name, "interactive"))
		c->stdin = c->stdinOnce = true;
	else if (text_is(name, "tty"))
		c->tty = true;
	else if (text_is(name, "entrypoint"))
		*list_add(x->arena, &c->command) = value;
	else if (text_is(name, "privileged"))
		r->security.privileged = (struct optional_bool){ true, true };
	else if (text_is(name, "read-only"))
		r->security.readOnlyRootFilesystem = (struct optional_bool){ true, true };
	else if (text_is(name, "namespace"))
		use_namespace(x, value);
	return 0;
}

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
		if ((result = take_option(x, r, option, value, err)) < 0)
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
	for (int i = 1; i < o->count; i++) { /* "$" is the program's: not a reference to a variable */
		_cleanup_text_ struct text word = {};
		for (const char *s = o->positional[i]; *s; s++)
			text_add(&word, (char[]){ *s, *s == '$' ? '$' : '\0', '\0' });
		*list_add(x->arena, &r->container->args) = arena_strdup(x->arena, text_str(&word));
	}
	if (r->remove && !text_is(r->pod.spec.restartPolicy, "Never"))
		return usage_error(err,
				   "--rm and --restart exclude each other: what is started again has no end");
	r->container->securityContext = &r->security;
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
	const enum start_how how = START_PUBLISH | (r->exposed ? START_EXPOSED : 0) |
				   (!r->detach  ? START_HOLD
				    : r->remove ? START_REMOVE
						: 0);
	_cleanup_close_ int watch = pod_start(x, &r->pod, how, &r->ranges, err);
	if (watch < 0)
		return -EXIT_SEAPOD;
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
