/* forwarding.c — the pod behind its Services: told as soon as it is ready, is not any more, has other labels, or ends (service/forward.h).
 *
 * A keeper that is killed cannot tell. The one that listens to nftables for all (heal.c, net/rules_watch.h) is also told by inotify(7) when a file of
 * RUN/services/pods that was open for writing is closed, as the kernel does for who dies, and takes such a pod out. Who takes over from it looks first
 * whether somebody ended while nobody watched. So one inotify instance a machine is enough, and one keeper wakes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "keeper/keeper.h"
#include "service/forward.h"

struct forwarding {
	struct keeper *keeper;
	int claim;           /* RUN/services/pods/<uid> */
	struct arena *arena; /* of TOLD */
	struct backend told; /* what Services know of the pod; uid NULL: nothing yet */
	int inotify;         /* the watch; -1: another one has it */
	ev_io closed;
};

/* --- what there is to tell ----------------------------------------------------------------------------------------------- */

static void take_ports(const struct containers *containers, bool sidecars_only, struct arena *a,
		       struct backend *b)
{
	list_each(c, containers)
		if (!sidecars_only || container_is_sidecar(c))
			list_each(port, &c->ports)
				if (!text_empty(port->name))
					*list_add(a, &b->ports) =
						(struct backend_port){ arena_strdup(a, port->name),
								       arena_strdup(a, port->protocol),
								       port->containerPort };
}

/* Where the host reaches the pod: on the first network that lets anybody in. */
static void take_addresses(const struct sandbox *s, struct arena *a, struct backend *b)
{
	for (unsigned i = 0; i < s->endpoints.n; i++) {
		const struct endpoint *e = &s->endpoints.at[i];
		if (!network_is_ours(&e->network) || e->network.internal)
			continue;
		b->address = arena_strdup(a, e->record.address);
		b->address6 = e->record.address6 ? arena_strdup(a, e->record.address6) : NULL;
		return;
	}
	if (s->endpoints.n == 0 && *s->ip) /* the host's, or that of the pod that it has joined */
		b->address = arena_strdup(a, s->ip);
}

/* A pod that is told to end may be ready until its end, and nobody is sent to it (discovery/v1 EndpointConditions). */
static bool takes_connections(const struct keeper *k)
{
	return !k->ending && status_ready(k);
}

static void describe(const struct keeper *k, struct arena *a, struct backend *b)
{
	const struct object_meta *m = &k->pod->metadata;

	*b = (struct backend){ .pod = arena_strdup(a, m->name),
			       .namespace = arena_strdup(a, m->namespace),
			       .uid = arena_strdup(a, m->uid),
			       .ready = takes_connections(k) };
	list_each(label, &m->labels)
		*list_add(a, &b->labels) =
			(struct string_pair){ arena_strdup(a, label->key), arena_strdup(a, label->value) };
	take_addresses(&k->sandbox, a, b);
	take_ports(&k->pod->spec.initContainers, true, a, b);
	take_ports(&k->pod->spec.containers, false, a, b);
}

static bool labels_are_same(const struct string_map *a, const struct string_map *b)
{
	list_each(label, a)
		if (!text_is(string_map_get(b, label->key), label->value))
			return false;
	return a->n == b->n;
}

void forwarding_tell(struct keeper *k)
{
	struct forwarding *f = k->forwarding;
	struct error err = {};

	if (!f || f->claim < 0 ||
	    (f->told.uid && f->told.ready == takes_connections(k) &&
	     labels_are_same(&f->told.labels, &k->pod->metadata.labels)))
		return;
	struct arena *a = arena_new();
	struct backend now;
	describe(k, a, &now);
	int r = backend_change(&k->in, &k->sandbox.endpoints.nf, f->claim, f->told.uid ? &f->told : NULL,
			       &now, &err);
	if (r < 0)
		log_warning("Services do not know that the pod is %s: %s", now.ready ? "ready" : "not ready",
			    err.text);
	arena_free(f->arena);
	f->arena = a;
	f->told = now;
}

/* --- the watch ----------------------------------------------------------------------------------------------------------- */

static void on_closed(struct ev_loop *loop, ev_io *w, int events)
{
	struct forwarding *f = w->data;
	char ignored[4096];
	(void)loop;
	(void)events;

	while (read(w->fd, ignored, sizeof(ignored)) > 0)
		;
	backends_sweep(&f->keeper->in, &f->keeper->sandbox.endpoints.nf, NULL);
}

void forwarding_watch(struct keeper *k)
{
	_cleanup_free_ char *path = memory_printf("%s/" BACKENDS, k->in.run);
	struct forwarding *f = k->forwarding;

	if (!f || f->claim < 0 || f->inotify >= 0)
		return;
	f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->inotify < 0 || inotify_add_watch(f->inotify, path, IN_CLOSE_WRITE | IN_ONLYDIR) < 0) {
		log_warning("nobody watches for keepers that are killed (inotify: %s)", strerror(errno));
		close_fd(&f->inotify);
		return;
	}
	ev_io_init(&f->closed, on_closed, f->inotify, EV_READ);
	f->closed.data = f;
	ev_io_start(k->loop, &f->closed);
	backends_sweep(&k->in, &k->sandbox.endpoints.nf, NULL);
}

/* --- begin and end ------------------------------------------------------------------------------------------------------- */

void forwarding_begin(struct keeper *k)
{
	struct forwarding *f = k->forwarding = memory_one(struct forwarding);
	struct error err = {};

	*f = (struct forwarding){ .keeper = k, .claim = -1, .inotify = -1 };
	if (!*k->sandbox.ip || k->sandbox.endpoints.nf.socket < 0)
		return;
	f->claim = backend_open(&k->in, k->pod->metadata.uid, &err);
	if (f->claim < 0) {
		log_warning("Services cannot have the pod as an endpoint: %s", err.text);
		return;
	}
	forwarding_tell(k);
}

void forwarding_end(struct keeper *k)
{
	struct forwarding *f = k->forwarding;
	struct error err = {};

	if (!f)
		return;
	if (f->told.uid && backend_end(&k->in, &k->sandbox.endpoints.nf, &f->told, &err) < 0)
		log_warning("Services do not know that the pod has ended: %s", err.text);
	if (f->inotify >= 0)
		ev_io_stop(k->loop, &f->closed);
	/* The watch goes with the process, after its answer: the kernel lets go of an inotify instance only when nobody can be looking any more. */
	close_fd(&f->claim);
	arena_free(f->arena);
	free(f);
	k->forwarding = NULL;
}
