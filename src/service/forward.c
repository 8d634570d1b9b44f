/* forward.c — see forward.h. */
#include "service/forward.h"

#include <string.h>

#include "api/store.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "net/service.h"
#include "service/change.h"
#include "service/route.h"

enum { STICKY_SECONDS = 10800 }; /* core/v1 DefaultClientIPServiceAffinitySeconds */

/* --- a Service as it forwards -------------------------------------------------------------------------------------------- */

static bool forwards(const struct service *s)
{
	return !service_is_external(s) && !service_is_headless(s) && !text_empty(s->spec.clusterIP);
}

static bool has_family(const struct strings *addresses, bool six)
{
	list_each(address, addresses)
		if ((strchr(*address, ':') != NULL) == six)
			return true;
	return false;
}

static int32_t sticky_seconds(const struct service_spec *spec)
{
	if (!text_is(spec->sessionAffinity, "ClientIP"))
		return 0;
	const struct client_ip_config *config =
		spec->sessionAffinityConfig ? spec->sessionAffinityConfig->clientIP : NULL;
	return config && config->timeoutSeconds.set ? (int32_t)config->timeoutSeconds.value : STICKY_SECONDS;
}

static const struct forward_port *find_port(const struct forward *f, const struct forward_port *like)
{
	if (f)
		list_each(port, &f->ports)
			if (port->port == like->port && text_is(port->protocol, like->protocol))
				return port;
	return NULL;
}

static void number_port(struct forward_port *port, const struct forward *f, const struct forward *old,
			struct service_lock *lock)
{
	const struct forward_port *before = find_port(old, port);

	port->number = before ? before->number : 0;
	port->number6 = before ? before->number6 : 0;
	if (!has_family(&f->addresses, false) && !has_family(&f->externals, false))
		port->number = 0;
	else if (!port->number)
		port->number = service_number(lock);
	if (!has_family(&f->addresses, true) && !has_family(&f->externals, true))
		port->number6 = 0;
	else if (!port->number6)
		port->number6 = service_number(lock);
}

/* OLD: how it forwarded until now; its ports keep their numbers. */
static void compile(const struct service *s, const struct forward *old, struct service_lock *lock,
		    struct arena *a, struct forward *out)
{
	*out = (struct forward){
		.name = s->metadata.name,
		.namespace = s->metadata.namespace,
		.selector = s->spec.selector,
		.notReadyToo = s->spec.publishNotReadyAddresses.value,
		.stickySeconds = sticky_seconds(&s->spec),
		.addresses = s->spec.clusterIPs,
		.externals = s->spec.externalIPs,
	};
	if (out->addresses.n == 0)
		*list_add(a, &out->addresses) = s->spec.clusterIP;
	list_each(port, &s->spec.ports) {
		struct forward_port *to = list_add(a, &out->ports);
		*to = (struct forward_port){ .name = port->name,
					     .protocol = port->protocol,
					     .port = port->port,
					     .nodePort = port->nodePort,
					     .targetPort = port->targetPort };
		number_port(to, out, old, lock);
	}
}

/* --- a Service comes, changes, goes -------------------------------------------------------------------------------------- */

/* Who of BEFORE is still right stays in his slot. */
static void choose_slots(struct change *c, const struct forward *f, const struct forward_port *port, bool six,
			 const struct backends *backends, const struct slots *before, struct slots *now)
{
	struct slot want;

	slots_copy(before, c->arena, now);
	list_each(b, backends) {
		struct slot *had = slots_find(now, b->uid);
		bool wanted = slot_of(f, port, six, b, &want);
		if (had && wanted && slot_is_same(had, &want))
			continue;
		if (had)
			slots_remove(now, had);
		if (!wanted || now->n == SLOTS_MAX)
			continue;
		want.pod = service_number(&c->lock);
		*list_add(c->arena, now) = want;
	}
}

static void change_family(struct change *c, const struct forward *old, const struct forward_port *before,
			  const struct forward *f, const struct forward_port *port, bool six,
			  const struct backends *backends)
{
	struct port_change p = { old, f, before, port, six, {}, {} };
	static const struct slots none;

	if (port_number(before, six))
		slots_read(c->in, port_number(before, six), c->arena, &p.before);
	if (port_number(port, six))
		choose_slots(c, f, port, six, backends,
			     port_number(before, six) == port_number(port, six) ? &p.before : &none, &p.now);
	change_port(c, &p);
}

static void change_service(struct change *c, const struct forward *old, const struct forward *f,
			   const struct backends *backends)
{
	if (f)
		list_each(port, &f->ports)
			for (int six = 0; six < 2; six++)
				change_family(c, old, find_port(old, port), f, port, six, backends);
	if (old)
		list_each(before, &old->ports)
			for (int six = 0; six < 2; six++)
				if (!f || !find_port(f, before))
					change_family(c, old, before, NULL, NULL, six, backends);
}

/* With the lock held: what is known of the Services of another one is not touched. */
static int put_service(struct change *c, const struct service *s, struct error *err)
{
	struct forward old, f;
	struct backends backends = {};
	bool was = forward_read(c->in, s->metadata.namespace, s->metadata.name, c->arena, &old);
	int r = backends_list(c->in, c->arena, &backends, NULL, err);

	if (r < 0)
		return r;
	compile(s, was ? &old : NULL, &c->lock, c->arena, &f);
	service_set_dirty(&c->lock, true);
	if (was)
		forward_remove(c->in, &old);
	if ((r = forward_write(c->in, &f, c->arena, err)) < 0)
		return r;
	change_service(c, was ? &old : NULL, &f, &backends);
	return change_end(c, err);
}

/* A number of seconds that there is no chain for yet. */
static bool needs_rules(const struct instance *in, const struct service *s, struct arena *a)
{
	int32_t seconds = forwards(s) ? sticky_seconds(&s->spec) : 0;
	struct forward old;

	return seconds && (!forward_read(in, s->metadata.namespace, s->metadata.name, a, &old) ||
			   old.stickySeconds != seconds);
}

static int remove_service(struct change *c, const char *namespace, const char *name, struct error *err)
{
	struct forward old;

	if (!forward_read(c->in, namespace, name, c->arena, &old))
		return 0;
	change_service(c, &old, NULL, &(struct backends){});
	service_set_dirty(&c->lock, true);
	forward_remove(c->in, &old);
	if (!forwards_are_none(c->in))
		return change_end(c, err);
	service_rules_remove(c->in);
	service_routes_remove(c->in);
	file_remove_tree(c->in->runfd, "services/slots", NULL);
	service_set_dirty(&c->lock, false);
	return 0;
}

/* As it is stored by the time that the lock is held: of several commands at once the last one counts. */
static bool read_stored(const struct instance *in, const char *namespace, const char *name, struct arena *a,
			struct service *s)
{
	const struct node *object = store_get(in, "services", namespace, name, a, NULL);
	return object && service_read(object, s, a) && forwards(s);
}

int service_forward(const struct instance *in, const char *namespace, const char *name, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct netlink nf = NETLINK_NONE;
	struct change c = {};
	struct service s;

	bool stored = read_stored(in, namespace, name, a, &s);
	int r = netlink_open(&nf, NETLINK_NETFILTER, err);
	if (r < 0 || (!stored && !services_are_known(in)))
		return r;
	if (!services_are_known(in) || (stored && needs_rules(in, &s, a)) ||
	    (!service_rules_exist(in, &nf) && (stored || !forwards_are_none(in))))
		return services_reload(in, err);
	r = change_begin(&c, in, &nf, NULL);
	if (r == 0)
		r = read_stored(in, namespace, name, c.arena, &s) ? put_service(&c, &s, NULL)
								  : remove_service(&c, namespace, name, NULL);
	change_free(&c);
	return r < 0 ? services_reload(in, err) : 0;
}

/* --- pods ---------------------------------------------------------------------------------------------------------------- */

static bool is_named(const struct forwards *list, const struct forward *f)
{
	list_each(other, list)
		if (text_is(other->name, f->name))
			return true;
	return false;
}

/* Whose endpoint the pod may have been, or may be. */
static void find_forwards(struct change *c, const struct backend *before, const struct backend *now,
			  struct forwards *out)
{
	struct forwards more = {};

	if (now)
		forwards_by_labels(c->in, now->namespace, &now->labels, c->arena, out);
	if (before)
		forwards_by_labels(c->in, before->namespace, &before->labels, c->arena, &more);
	list_each(f, &more)
		if (!is_named(out, f))
			*list_add(c->arena, out) = *f;
}

static void change_slot(struct change *c, const struct forward *f, const struct forward_port *port, bool six,
			const char *uid, const struct backend *now)
{
	struct port_change p = { f, f, port, port, six, {}, {} };
	struct slot want;

	slots_read(c->in, port_number(port, six), c->arena, &p.before);
	slots_copy(&p.before, c->arena, &p.now);
	bool wanted = now && slot_of(f, port, six, now, &want);
	struct slot *had = slots_find(&p.now, uid);
	if (had && wanted && slot_is_same(had, &want))
		return;
	if (had)
		slots_remove(&p.now, had);
	else if (!wanted || p.now.n == SLOTS_MAX)
		return;
	if (wanted) {
		want.pod = service_number(&c->lock);
		*list_add(c->arena, &p.now) = want;
	}
	change_port(c, &p);
}

static void change_pod(struct change *c, const struct backend *before, const struct backend *now)
{
	struct forwards list = {};
	const char *uid = now ? now->uid : before->uid;

	find_forwards(c, before, now, &list);
	list_each(f, &list)
		list_each(port, &f->ports)
			for (int six = 0; six < 2; six++)
				if (port_number(port, six))
					change_slot(c, f, port, six, uid, now);
}

int backend_change(const struct instance *in, struct netlink *nf, int claim, const struct backend *before,
		   const struct backend *now, struct error *err)
{
	struct change c = {};
	int r = change_begin(&c, in, nf, err);

	if (c.arena) {
		int written = backend_write(claim, now, err);
		r = r < 0 ? r : written;
	}
	if (r == 0) {
		change_pod(&c, before, now);
		r = c.slots.n ? change_end(&c, err) : 0;
	}
	change_free(&c);
	return r;
}

static int end_it(struct change *c, const struct backend *before, struct error *err)
{
	backend_remove(c->in, before->uid);
	change_pod(c, before, NULL);
	return c->slots.n ? change_end(c, err) : 0;
}

int backend_end(const struct instance *in, struct netlink *nf, const struct backend *before,
		struct error *err)
{
	struct change c = {};
	int r = change_begin(&c, in, nf, err);

	if (c.arena)
		r = end_it(&c, before, err);
	change_free(&c);
	return r;
}

static void sweep(struct change *c, const char *uid)
{
	struct backend b;
	bool alive, known = backend_read(c->in, uid, c->arena, &b, &alive);

	if (alive)
		return;
	if (known && text_is(b.uid, uid))
		end_it(c, &b, NULL);
	else
		backend_remove(c->in, uid);
}

void backends_sweep(const struct instance *in, struct netlink *nf, const char *only)
{
	struct change c = {};
	struct backends alive = {};
	struct strings dead = {};

	if (!file_exists(in->runfd, BACKENDS))
		return;
	change_begin(&c, in, nf, NULL);
	if (c.arena && only)
		sweep(&c, only);
	else if (c.arena && backends_list(in, c.arena, &alive, &dead, NULL) == 0)
		list_each(uid, &dead)
			sweep(&c, *uid);
	change_free(&c);
}

/* --- all of it ----------------------------------------------------------------------------------------------------------- */

static const struct service *find_service(const struct services *list, const struct forward *f)
{
	list_each(s, list)
		if (forwards(s) && text_is(s->metadata.name, f->name) &&
		    text_is(s->metadata.namespace, f->namespace))
			return s;
	return NULL;
}

static void add_affinity(struct affinities *list, int32_t seconds, struct arena *a)
{
	list_each(there, list)
		if (*there == seconds)
			return;
	if (seconds)
		*list_add(a, list) = seconds;
}

/* The files of the Services that forward, and no others. */
static int write_states(struct change *c, const struct services *services, struct affinities *affinities,
			struct error *err)
{
	struct forwards known = {};
	int r = forwards_list(c->in, c->arena, &known, err);

	list_each(f, &known)
		if (!find_service(services, f))
			forward_remove(c->in, f);
	list_each(s, services) {
		struct forward old, f;
		if (r < 0 || !forwards(s))
			continue;
		bool was = forward_read(c->in, s->metadata.namespace, s->metadata.name, c->arena, &old);
		compile(s, was ? &old : NULL, &c->lock, c->arena, &f);
		if (was)
			forward_remove(c->in, &old);
		r = forward_write(c->in, &f, c->arena, err);
		add_affinity(affinities, f.stickySeconds, c->arena);
	}
	return r;
}

static int reload(struct change *c, struct error *err)
{
	struct services services = {};
	struct affinities affinities = {};
	int r = services_list(c->in, c->arena, &services, err);

	if (r == 0)
		r = write_states(c, &services, &affinities, err);
	if (r < 0)
		return r;
	if (forwards_are_none(c->in)) {
		service_rules_remove(c->in);
		service_routes_remove(c->in);
		service_set_dirty(&c->lock, false);
		return 0;
	}
	const struct service_ranges ranges = { services_range(c->in, c->arena),
					       services_range6(c->in, c->arena) };
	r = service_rules_load(c->in, &ranges, &affinities, err);
	if (r == 0)
		r = service_routes_make(c->in, &ranges, err);
	return r < 0 ? r : change_refill(c, err);
}

static bool are_there(const struct instance *in, struct netlink *nf)
{
	return services_are_known(in) && (forwards_are_none(in) || service_rules_exist(in, nf));
}

/* UNLESS_THERE: another may have made them anew while we waited for the lock; doing it again would refuse connections for a moment. */
static int make_anew(const struct instance *in, bool unless_there, struct error *err)
{
	struct netlink nf = NETLINK_NONE;
	struct change c = {};
	int r = netlink_open(&nf, NETLINK_NETFILTER, err);

	if (r == 0)
		change_begin(&c, in, &nf, err); /* whatever it finds is made anew here */
	if (r == 0 && c.arena)
		r = unless_there && are_there(in, &nf) ? 0 : reload(&c, err);
	else if (r == 0)
		r = -err->code;
	change_free(&c);
	netlink_close(&nf);
	return r;
}

int services_reload(const struct instance *in, struct error *err)
{
	return make_anew(in, false, err);
}

int services_ensure(const struct instance *in, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct netlink nf = NETLINK_NONE;

	if (!services_range(in, a))
		return 0;
	int r = netlink_open(&nf, NETLINK_NETFILTER, err);
	bool there = r == 0 && are_there(in, &nf);
	netlink_close(&nf);
	return r < 0 || there ? r : make_anew(in, true, err);
}

void services_prune(const struct instance *in)
{
	service_rules_remove(in);
	service_routes_remove(in);
	file_remove_tree(in->runfd, "services", NULL);
}
