/* describe.c — seapod describe: all that a person asks about a pod, in kubectl's order and words; other kinds are in describe_stored.c. */
#include "cli/describe.h"

#include <stdio.h>

#include "cli/commands.h"
#include "cli/events.h"
#include "cli/words.h"
#include "command/table.h"

const struct option_spec describe_options[] = {
	{ "filename", 'f', "FILE", "the objects of a manifest" },
	{ "selector", 'l', "LABELS", "those with labels (color=red)" },
	{ "all-namespaces", 'A', NULL, "of all namespaces" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

void describe_line(int indent, const char *label, const char *value)
{
	_cleanup_free_ char *shown = memory_strdup(text_empty(value) ? "<none>" : value);

	text_tame(shown);
	printf("%*s%-*s %s\n", indent, "", 18 - indent, label, shown);
}

void describe_pairs(const char *label, const struct string_map *map, struct arena *a)
{
	bool first = true;

	if (map->n == 0)
		describe_line(0, label, NULL);
	list_each(pair, map) {
		describe_line(0, first ? label : "", arena_printf(a, "%s=%s", pair->key, pair->value));
		first = false;
	}
}

static const char *joined(const struct strings *words, struct arena *a)
{
	const char *all = "";

	list_each(word, words)
		all = arena_printf(a, "%s%s%s", all, *all ? " " : "", *word);
	return all;
}

static void state(int indent, const char *label, const struct container_state_status *s, struct arena *a)
{
	const struct state_terminated *t = s->terminated;

	if (s->running) {
		describe_line(indent, label, "Running");
		describe_line(indent + 2, "Started:", s->running->startedAt);
	} else if (t) {
		describe_line(indent, label, "Terminated");
		describe_line(indent + 2, "Reason:", t->reason);
		if (t->message)
			describe_line(indent + 2, "Message:", t->message);
		describe_line(indent + 2, "Exit Code:",
			      arena_printf(a, t->signal ? "%d (signal %d)" : "%d", t->exitCode, t->signal));
		describe_line(indent + 2, "Started:", t->startedAt);
		describe_line(indent + 2, "Finished:", t->finishedAt);
	} else if (s->waiting) {
		describe_line(indent, label, "Waiting");
		describe_line(indent + 2, "Reason:", s->waiting->reason);
		if (s->waiting->message)
			describe_line(indent + 2, "Message:", s->waiting->message);
	}
}

static void amounts(const char *label, const struct quantity_map *map, struct arena *a)
{
	char text[QUANTITY_TEXT_SIZE];

	if (map->n > 0)
		printf("    %s\n", label);
	list_each(pair, map)
		describe_line(6, arena_printf(a, "%s:", pair->key), quantity_text(&pair->value, text));
}

static const char *ports(const struct container *c, bool host, struct arena *a)
{
	const char *all = "";

	list_each(p, &c->ports)
		if (!host)
			all = arena_printf(a, "%s%s%d/%s", all, *all ? ", " : "", p->containerPort,
					   p->protocol);
		else if (p->hostPort)
			all = arena_printf(a, "%s%s%s:%d/%s", all, *all ? ", " : "",
					   p->hostIP ? p->hostIP : "0.0.0.0", p->hostPort, p->protocol);
	return all;
}

static void environment(const struct container *c)
{
	if (c->env.n + c->envFrom.n == 0)
		return describe_line(4, "Environment:", NULL);
	printf("    Environment:\n");
	list_each(from, &c->envFrom)
		printf("      <all of the %s '%s'>\n", from->configMapRef ? "ConfigMap" : "Secret",
		       from->configMapRef ? from->configMapRef->name : from->secretRef->name);
	list_each(e, &c->env)
		printf("      %s:  %s\n", e->name,
		       e->valueFrom ? "<from elsewhere>"
		       : e->value   ? e->value
				    : "");
}

static const char *port_text(const struct int_or_string *port, struct arena *a)
{
	return port->text ? port->text : arena_printf(a, "%d", port->number);
}

/* kubectl's DescribeProbe: "http-get http://:8080/healthz delay=0s timeout=1s period=10s #success=1 #failure=3". */
static void probe_line(const char *label, const struct probe *p, struct arena *a)
{
	const char *what;

	if (!p)
		return;
	if (p->exec)
		what = arena_printf(a, "exec [%s]", joined(&p->exec->command, a));
	else if (p->httpGet)
		what = arena_printf(a, "http-get %s://%s:%s%s",
				    text_is(p->httpGet->scheme, "HTTPS") ? "https" : "http",
				    p->httpGet->host ? p->httpGet->host : "", port_text(&p->httpGet->port, a),
				    p->httpGet->path);
	else if (p->tcpSocket)
		what = arena_printf(a, "tcp-socket %s:%s", p->tcpSocket->host ? p->tcpSocket->host : "",
				    port_text(&p->tcpSocket->port, a));
	else
		what = arena_printf(a, "grpc <pod>:%d %s", p->grpc->port,
				    p->grpc->service ? p->grpc->service : "");
	describe_line(4, label,
		      arena_printf(a, "%s delay=%ds timeout=%ds period=%ds #success=%d #failure=%d", what,
				   p->initialDelaySeconds, p->timeoutSeconds, p->periodSeconds,
				   p->successThreshold, p->failureThreshold));
}

static void container(const struct container *c, const struct container_statuses *all, struct arena *a)
{
	printf("  %s:\n", c->name);
	list_each(s, all) {
		if (!text_is(s->name, c->name))
			continue;
		describe_line(4, "Container ID:", s->containerID);
		describe_line(4, "Image:", c->image);
		describe_line(4, "Image ID:", s->imageID);
		state(4, "State:", &s->state, a);
		if (s->lastState.terminated)
			state(4, "Last State:", &s->lastState, a);
		describe_line(4, "Ready:", s->ready ? "True" : "False");
		describe_line(4, "Restart Count:", arena_printf(a, "%d", s->restartCount));
	}
	if (c->command.n)
		describe_line(4, "Command:", joined(&c->command, a));
	if (c->args.n)
		describe_line(4, "Args:", joined(&c->args, a));
	if (c->ports.n) {
		describe_line(4, "Ports:", ports(c, false, a));
		describe_line(4, "Host Ports:", ports(c, true, a));
	}
	amounts("Limits:", &c->resources.limits, a);
	amounts("Requests:", &c->resources.requests, a);
	probe_line("Liveness:", c->livenessProbe, a);
	probe_line("Readiness:", c->readinessProbe, a);
	probe_line("Startup:", c->startupProbe, a);
	environment(c);
	if (c->volumeMounts.n == 0)
		describe_line(4, "Mounts:", NULL);
	else
		printf("    Mounts:\n");
	list_each(m, &c->volumeMounts)
		printf("      %s from %s (%s)\n", m->mountPath, m->name, m->readOnly ? "ro" : "rw");
}

static const char *source_of(const struct volume *v, struct arena *a)
{
	return v->emptyDir      ? text_empty(v->emptyDir->medium)
					  ? "EmptyDir"
					  : arena_printf(a, "EmptyDir in %s", v->emptyDir->medium)
		    : v->hostPath ? arena_printf(a, "HostPath %s", v->hostPath->path)
	       : v->configMap   ? arena_printf(a, "ConfigMap %s", v->configMap->name)
	       : v->secret      ? arena_printf(a, "Secret %s", v->secret->secretName)
	       : v->downwardAPI ? "DownwardAPI"
	       : v->projected   ? "Projected"
				: "other";
}

static void events(struct context *x, const struct found_pod *found)
{
	struct table_view t = { .arena = x->arena };
	struct event_list list;

	events_read(x, found, &list);
	if (list.items.n == 0)
		return describe_line(0, "Events:", NULL);
	puts("Events:");
	table_row(&t, "  Type", "Reason", "Age", "From", "Message", NULL, NULL, NULL);
	table_row(&t, "  ----", "------", "---", "----", "-------", NULL, NULL, NULL);
	list_each(e, &list.items)
		table_row(&t, arena_printf(x->arena, "  %s", e->type), e->reason, event_age(e, x->arena),
			  e->source.component, e->message, NULL, NULL, NULL);
	table_print(&t);
}

static void volumes(const struct pod *p, struct arena *a)
{
	if (p->spec.volumes.n == 0)
		return describe_line(0, "Volumes:", NULL);
	puts("Volumes:");
	list_each(v, &p->spec.volumes)
		describe_line(2, arena_printf(a, "%s:", v->name), source_of(v, a));
}

static void describe(struct context *x, const struct found_pod *found)
{
	const struct pod *p = found->pod;
	struct arena *a = x->arena;

	describe_line(0, "Name:", p->metadata.name);
	describe_line(0, "Namespace:", p->metadata.namespace);
	describe_line(0, "UID:", p->metadata.uid);
	describe_line(0, "Created:",
		      arena_printf(a, "%s (%s ago)", p->metadata.creationTimestamp,
				   age_word(p->metadata.creationTimestamp, a)));
	describe_pairs("Labels:", &p->metadata.labels, a);
	describe_pairs("Annotations:", &p->metadata.annotations, a);
	describe_line(0, "Status:",
		      arena_printf(a, "%s (phase %s)", status_word(p, a),
				   p->status.phase ? p->status.phase : "Pending"));
	if (p->status.message)
		describe_line(0, "Message:", p->status.message);
	describe_line(0, "IP:", p->status.podIP);
	describe_line(0, "QoS Class:", p->status.qosClass);
	describe_line(0, "Restart Policy:", p->spec.restartPolicy);
	if (p->spec.initContainers.n)
		puts("Init Containers:");
	list_each(c, &p->spec.initContainers)
		container(c, &p->status.initContainerStatuses, a);
	puts("Containers:");
	list_each(c, &p->spec.containers)
		container(c, &p->status.containerStatuses, a);
	puts("Conditions:");
	list_each(c, &p->status.conditions)
		printf("  %-26s %s%s%s\n", c->type, c->status, c->reason ? "  " : "",
		       c->reason ? c->reason : "");
	volumes(p, a);
	events(x, found);
}

int run_describe(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	struct selection s = { .pods = true };
	struct choice choice = {};
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		if ((r = select_option(x, &s, option, value, err)) < 0)
			return r;
	if (r < 0 ||
	    (o.count == 0 && !s.files.n && !s.labels.n && !need(&o, 0, "a kind and names (pod web)", err)))
		return -EXIT_USAGE;
	if ((r = select_words(x, &s, o.positional, o.count, err)) < 0 ||
	    (r = select_find(x, &s, x->arena, &choice, err)) < 0)
		return r;
	if (choice.items.n + choice.missing.n == 0)
		select_say_none(x, &s);
	list_each(c, &choice.items) {
		if (c != choice.items.at)
			puts("");
		if (c->kind->kind == KIND_POD)
			describe(x, &c->pod);
		else
			describe_stored(x, c);
	}
	return select_end(&choice, err);
}
