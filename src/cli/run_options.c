/* run_options.c — Docker's options of run, as fields of a Pod; see run.h. A line in the table and a function each. */
#include "cli/run.h"

#include <arpa/inet.h>

#include "api/annotations.h"
#include "cli/commands.h"
#include "cli/container.h"
#include "net/ports.h"
#include "sandbox/network_wish.h"
#include "sandbox/sandbox.h"

/* Below, the kernel has no room for a program and its page tables (Linux 6.18, measured). */
enum { MEMORY_LEAST = 1 << 20 };

const struct option_spec run_options[] = {
	{ "detach", 'd', NULL, "leave it running, print its name" },
	{ "rm", 0, NULL, "delete it when it has ended" },
	{ "interactive", 'i', NULL, "keep standard input open" },
	{ "tty", 't', NULL, "give it a terminal" },
	{ "name", 0, "NAME", "its name" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{ "label", 'l', "NAME=VALUE", "a label" },
	{ "annotation", 0, "NAME=VALUE", "an annotation" },
	{ "publish", 'p', "[[IP:][HOST]:]PORT[/PROTO]", "publish a port, or a range of ports" },
	{ "publish-all", 'P', NULL, "publish what the image exposes" },
	{ "expose", 0, "PORT[/PROTO]", "one more port that -P publishes" },
	{ "volume", 'v', "SRC:DST[:ro]", "mount a path of the host or a volume" },
	{ "mount", 0, "type=TYPE,...", "the same in words: bind, volume, tmpfs" },
	{ "tmpfs", 0, "DIR[:size=AMOUNT]", "a directory in memory" },
	{ "shm-size", 0, "AMOUNT", "how much /dev/shm can hold" },
	{ "env", 'e', "NAME[=VALUE]", "a variable; without a value: ours" },
	{ "env-file", 0, "FILE", "variables, one a line" },
	{ "net", 0, "MODE", "the network; given again, one more" },
	{ "network", 0, "MODE", "the same" },
	{ "ip", 0, "ADDRESS", "its address (or NETWORK=ADDRESS)" },
	{ "network-alias", 0, "NAME", "one more name on its networks" },
	{ "default-route", 0, "NETWORK", "where its default route goes" },
	{ "add-host", 0, "NAME:ADDRESS", "a line of /etc/hosts" },
	{ "dns", 0, "ADDRESS", "a name server" },
	{ "dns-search", 0, "DOMAIN", "a domain to search names in" },
	{ "hostname", 'h', "NAME", "the host name" },
	{ "memory", 'm', "AMOUNT", "the most memory (64Mi, 512m)" },
	{ "cpus", 0, "NUMBER", "the most CPU time (1.5)" },
	{ "pids-limit", 0, "NUMBER", "the most processes (-1: any)" },
	{ "pull", 0, "missing|always|never", "when to fetch the image (missing)" },
	{ "restart", 0, "no|on-failure|always|unless-stopped", "start it again" },
	{ "stop-timeout", 0, "SECONDS", "time between TERM and KILL" },
	{ "stop-signal", 0, "SIGNAL", "instead of TERM" },
	{ "user", 'u', "UID[:GID]", "the user" },
	{ "group-add", 0, "GID", "one more group" },
	{ "workdir", 'w', "DIR", "the working directory" },
	{ "entrypoint", 0, "PROGRAM", "instead of the image's" },
	{ "init", 0, NULL, "a process 1 that reaps orphans" },
	{ "privileged", 0, NULL, "all rights of the host's root" },
	{ "cap-add", 0, "CAPABILITY", "a right more" },
	{ "cap-drop", 0, "CAPABILITY", "a right less (ALL)" },
	{ "security-opt", 0, "OPTION", "no-new-privileges, seccomp=unconfined|PROFILE" },
	{ "read-only", 0, NULL, "the root file system is read-only" },
	{ "sysctl", 0, "NAME=VALUE", "a setting of the pod's own kernel view" },
	{ "pid", 0, "host", "see the host's processes" },
	{ "ipc", 0, "host", "share the host's System V IPC" },
	{ "cidfile", 0, "FILE", "write the pod's uid there" },
	{ "quiet", 'q', NULL, "(nothing more is said than must be)" },
	{},
};

/* What Docker has and Seapod has not, or in another place. */
const struct option_absent run_absent[] = {
	{ "device", "a manifest with hostPath and privileged: true gives devices" },
	{ "gpus", "a manifest with hostPath and privileged: true gives devices" },
	{ "ulimit", "a container has the limits of Seapod's own process: ulimit -n N; seapod run" },
	{ "link", "--network NAME and names of pods, or --net=container:NAME" },
	{ "volumes-from", "-v NAME:/path with the same NAME in both" },
	{ "volume-driver", "a volume is a directory; -v /mounted/path:/path takes any other" },
	{ "log-driver", "logs are in the CRI format below /var/log/pods, for any shipper" },
	{ "log-opt", "logs are in the CRI format below /var/log/pods, for any shipper" },
	{ "health-cmd", "a manifest with livenessProbe" },
	{ "memory-swap", "swap is not used by pods" },
	{ "memory-reservation", "a manifest with resources.requests" },
	{ "cpu-shares", "a manifest with resources.requests" },
	{ "cpuset-cpus", "seapod runs on the processors that it was started on: taskset -c 0,1 seapod run" },
	{ "oom-kill-disable", "what is beyond its memory is ended" },
	{ "userns", "a manifest with hostUsers: false" },
	{ "uts", "--net=host has the host's name, too" },
	{ "platform", "seapod pull --platform, then run" },
	{ "runtime", "Seapod is its own; seapod oci serves others" },
	{ "sig-proxy", "signals are always sent on" },
	{ "attach", "without -d the output is shown; -i gives it input" },
	{ "mac-address", "it is chosen" },
	{},
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

int docker_bytes(const char *text, struct arena *a, struct quantity *out)
{
	size_t n = strlen(text);
	const char *suffix = n < 2                                      ? NULL
			     : text[n - 1] == 'b' || text[n - 1] == 'B' ? ""
			     : text[n - 1] == 'k' || text[n - 1] == 'K' ? "Ki"
			     : text[n - 1] == 'm'                       ? "Mi"
			     : text[n - 1] == 'g'                       ? "Gi"
									: NULL;

	if (suffix)
		text = arena_printf(a, "%.*s%s", (int)n - 1, text, suffix);
	return quantity_parse(text, out) < 0 || out->nano <= 0 ? -EINVAL : 0;
}

static int add_limit(struct context *x, struct running *r, const char *name, const char *value,
		     struct error *err)
{
	bool memory = text_is(name, "memory");
	struct quantity q;

	if (memory ? docker_bytes(value, x->arena, &q) < 0 : quantity_parse(value, &q) < 0 || q.nano <= 0)
		return usage_error(err, "'%s' is not an amount of %s (%s)", value, name,
				   memory ? "64Mi, 512m, 2g" : "1.5, 500m");
	if (memory && quantity_value(&q) < MEMORY_LEAST)
		return usage_error(err, "-m %s is %lld bytes, in which no program starts (at least %dm)",
				   value, (long long)quantity_value(&q), MEMORY_LEAST >> 20);
	*list_add(x->arena, &r->container->resources.limits) = (struct quantity_pair){ name, q };
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
		return usage_error(err,
				   "'%s' is not UID or UID:GID, in numbers (names are the image's own: USER "
				   "of its Dockerfile)",
				   value);
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
		       : usage_error(
				 err,
				 "there is no restart policy '%s' (no, on-failure, always, unless-stopped)",
				 value);
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

/* --- what a function each does -------------------------------------------------------------------------------------------- */

typedef int taker(struct context *x, struct running *r, const char *value, struct error *err);

static int split_pair(struct context *x, const char *value, struct string_pair *out, struct error *err)
{
	const char *equals = strchr(value, '=');

	*out = (struct string_pair){};
	if (equals == value)
		return usage_error(err, "'%.80s' is not NAME=VALUE", value);
	*out = (struct string_pair){ equals ? arena_strndup(x->arena, value, (size_t)(equals - value))
					    : value,
				     equals ? equals + 1 : "" };
	return 0;
}

static int take_label(struct context *x, struct running *r, const char *value, struct error *err)
{
	return split_pair(x, value, list_add(x->arena, &r->pod.metadata.labels), err);
}

static int take_annotation(struct context *x, struct running *r, const char *value, struct error *err)
{
	return split_pair(x, value, list_add(x->arena, &r->pod.metadata.annotations), err);
}

static int take_env(struct context *x, struct running *r, const char *value, struct error *err)
{
	struct env_var e;
	int taken = env_take(value, x->arena, &e, err);

	if (taken > 0)
		*list_add(x->arena, &r->container->env) =
			(struct env_var){ .name = e.name, .value = without_references(e.value, x->arena) };
	return taken < 0 ? taken : 0;
}

static int take_env_file(struct context *x, struct running *r, const char *value, struct error *err)
{
	size_t before = r->container->env.n;
	int code = env_take_file(value, x->arena, r->container, err);

	for (size_t i = before; i < r->container->env.n; i++)
		r->container->env.at[i].value = without_references(r->container->env.at[i].value, x->arena);
	return code;
}

static int take_memory(struct context *x, struct running *r, const char *value, struct error *err)
{
	return add_limit(x, r, "memory", value, err);
}

static int take_cpus(struct context *x, struct running *r, const char *value, struct error *err)
{
	return add_limit(x, r, "cpu", value, err);
}

static int take_pids(struct context *x, struct running *r, const char *value, struct error *err)
{
	long long number;

	if (text_to_int(value, -1, INT32_MAX, &number) < 0)
		return usage_error(
			err, "--pids-limit takes a number of processes, or -1 for any, not '%.60s'", value);
	annotate(x, r, PIDS_ANNOTATION, number == 0 ? "-1" : value); /* 0: as podman has it */
	return 0;
}

static int take_expose(struct context *x, struct running *r, const char *value, struct error *err)
{
	const char *slash = strchrnul(value, '/'), *protocol = *slash ? slash + 1 : "tcp";
	char number[8];
	long long port;

	snprintf(number, sizeof(number), "%.*s", (int)(slash - value > 7 ? 7 : slash - value), value);
	if (text_to_int(number, 1, 65535, &port) < 0 ||
	    (strcasecmp(protocol, "tcp") && strcasecmp(protocol, "udp")))
		return usage_error(err, "'%.60s' is not PORT or PORT/PROTO", value);
	*list_add(x->arena, &r->container->ports) =
		(struct container_port){ .containerPort = (int32_t)port,
					 .protocol = strcasecmp(protocol, "udp") == 0 ? "UDP" : "TCP" };
	return 0;
}

static int take_host(struct context *x, struct running *r, const char *value, struct error *err)
{
	const char *mark = strpbrk(value, ":="); /* the first: an IPv6 address has more */
	unsigned char address[16];

	if (!mark || mark == value ||
	    (inet_pton(AF_INET, mark + 1, address) != 1 && inet_pton(AF_INET6, mark + 1, address) != 1))
		return usage_error(err, "'%.80s' is not NAME:ADDRESS", value);
	struct host_alias *alias = list_add(x->arena, &r->pod.spec.hostAliases);
	alias->ip = mark + 1;
	*list_add(x->arena, &alias->hostnames) = arena_strndup(x->arena, value, (size_t)(mark - value));
	return 0;
}

static struct dns_config *dns_of(struct context *x, struct running *r)
{
	if (!r->pod.spec.dnsConfig)
		r->pod.spec.dnsConfig = arena_one(x->arena, struct dns_config);
	return r->pod.spec.dnsConfig;
}

static int take_dns(struct context *x, struct running *r, const char *value, struct error *err)
{
	(void)err;
	*list_add(x->arena, &dns_of(x, r)->nameservers) = value;
	r->pod.spec.dnsPolicy = "None"; /* Docker's: these, and not the host's */
	return 0;
}

static int take_dns_search(struct context *x, struct running *r, const char *value, struct error *err)
{
	(void)err;
	*list_add(x->arena, &dns_of(x, r)->searches) = value;
	return 0;
}

static int take_stop_timeout(struct context *x, struct running *r, const char *value, struct error *err)
{
	long long seconds;

	(void)x;
	if (text_to_int(value, 0, INT32_MAX, &seconds) < 0)
		return usage_error(err, "'%.60s' is not a number of seconds", value);
	r->pod.spec.terminationGracePeriodSeconds = (struct optional_int){ true, seconds };
	return 0;
}

static int take_stop_signal(struct context *x, struct running *r, const char *value, struct error *err)
{
	(void)err;
	r->container->lifecycle = arena_one(x->arena, struct lifecycle);
	r->container->lifecycle->stopSignal =
		text_starts(value, "SIG") ? value : arena_printf(x->arena, "SIG%s", value);
	r->pod.spec.os = arena_one(x->arena, struct pod_os); /* Kubernetes wants it said when a signal is */
	r->pod.spec.os->name = "linux";
	return 0;
}

static int take_group(struct context *x, struct running *r, const char *value, struct error *err)
{
	long long gid;

	if (text_to_int(value, 0, INT32_MAX, &gid) < 0)
		return usage_error(err, "'%.60s' is not the number of a group", value);
	*list_add(x->arena, &r->pod_security.supplementalGroups) = gid;
	return 0;
}

static int take_capability(struct context *x, struct running *r, bool add, const char *value)
{
	struct capabilities **c = &r->security.capabilities;
	const char *name = strncasecmp(value, "CAP_", 4) == 0 ? value + 4 : value;
	char *upper = arena_strdup(x->arena, name);

	for (char *s = upper; *s; s++)
		*s = *s >= 'a' && *s <= 'z' ? (char)(*s - 'a' + 'A') : *s;
	if (!*c)
		*c = arena_one(x->arena, struct capabilities);
	*list_add(x->arena, add ? &(*c)->add : &(*c)->drop) = upper;
	return 0;
}

static int take_cap_add(struct context *x, struct running *r, const char *value, struct error *err)
{
	(void)err;
	return take_capability(x, r, true, value);
}

static int take_cap_drop(struct context *x, struct running *r, const char *value, struct error *err)
{
	(void)err;
	return take_capability(x, r, false, value);
}

static int take_security(struct context *x, struct running *r, const char *value, struct error *err)
{
	const char *seccomp =
		text_starts(value, "seccomp=") || text_starts(value, "seccomp:") ? value + 8 : NULL;

	if (text_is(value, "no-new-privileges") || text_is(value, "no-new-privileges=true") ||
	    text_is(value, "no-new-privileges:true"))
		r->security.allowPrivilegeEscalation = (struct optional_bool){ true, false };
	else if (seccomp) {
		r->security.seccompProfile = arena_one(x->arena, struct seccomp_profile);
		bool none = text_is(seccomp, "unconfined");
		*r->security.seccompProfile =
			(struct seccomp_profile){ none ? "Unconfined" : "Localhost", none ? NULL : seccomp };
	} else if (!text_starts(value, "label=") && !text_starts(value, "label:")) /* SELinux is not used */
		return usage_error(err,
				   "there is no security option '%.60s' (no-new-privileges, seccomp=PROFILE)",
				   value);
	return 0;
}

static int take_sysctl(struct context *x, struct running *r, const char *value, struct error *err)
{
	struct string_pair pair;
	int code = split_pair(x, value, &pair, err);

	if (code == 0)
		*list_add(x->arena, &r->pod_security.sysctls) = (struct sysctl){ pair.key, pair.value };
	return code;
}

static int take_pid(struct context *x, struct running *r, const char *value, struct error *err)
{
	(void)x;
	r->pod.spec.hostPID = text_is(value, "host");
	return r->pod.spec.hostPID ? 0
				   : usage_error(err, "--pid is host, or is left out; not '%.60s'", value);
}

static int take_ipc(struct context *x, struct running *r, const char *value, struct error *err)
{
	(void)x;
	r->pod.spec.hostIPC = text_is(value, "host");
	return r->pod.spec.hostIPC || text_is(value, "private")
		       ? 0
		       : usage_error(err, "--ipc is host or private, not '%.60s'", value);
}

static int take_user(struct context *x, struct running *r, const char *value, struct error *err)
{
	(void)x;
	return set_user(r, value, err);
}

static int take_restart(struct context *x, struct running *r, const char *value, struct error *err)
{
	(void)x;
	return set_restart(r, value, err);
}

static int take_pull(struct context *x, struct running *r, const char *value, struct error *err)
{
	(void)x;
	return set_pull(r, value, err);
}

static const struct {
	const char *name;
	taker *take;
} takers[] = {
	{ "publish", add_ports },
	{ "volume", run_add_volume },
	{ "mount", run_add_mount },
	{ "tmpfs", run_add_tmpfs },
	{ "shm-size", run_set_shm_size },
	{ "expose", take_expose },
	{ "env", take_env },
	{ "env-file", take_env_file },
	{ "memory", take_memory },
	{ "cpus", take_cpus },
	{ "pids-limit", take_pids },
	{ "user", take_user },
	{ "group-add", take_group },
	{ "restart", take_restart },
	{ "pull", take_pull },
	{ "net", add_network },
	{ "network", add_network },
	{ "label", take_label },
	{ "annotation", take_annotation },
	{ "add-host", take_host },
	{ "dns", take_dns },
	{ "dns-search", take_dns_search },
	{ "stop-timeout", take_stop_timeout },
	{ "stop-signal", take_stop_signal },
	{ "cap-add", take_cap_add },
	{ "cap-drop", take_cap_drop },
	{ "security-opt", take_security },
	{ "sysctl", take_sysctl },
	{ "pid", take_pid },
	{ "ipc", take_ipc },
};

/* --- what is a value, or a word ------------------------------------------------------------------------------------------- */

static void take_plain(struct context *x, struct running *r, const char *name, const char *value)
{
	struct container *c = r->container;

	if (text_is(name, "ip") || text_is(name, "network-alias") || text_is(name, "default-route"))
		annotate_more(x, r,
			      text_is(name, "ip")              ? NETWORK_IP_ANNOTATION
			      : text_is(name, "network-alias") ? NETWORK_ALIASES_ANNOTATION
							       : NETWORK_ROUTE_ANNOTATION,
			      value);
	else if (text_is(name, "name"))
		r->pod.metadata.name = value;
	else if (text_is(name, "workdir"))
		c->workingDir = value;
	else if (text_is(name, "hostname"))
		r->pod.spec.hostname = value;
	else if (text_is(name, "entrypoint"))
		*list_add(x->arena, &c->command) = value;
	else if (text_is(name, "namespace"))
		use_namespace(x, value);
	else if (text_is(name, "cidfile"))
		r->id_file = value;
}

static void take_flag(struct running *r, const char *name)
{
	const struct optional_bool yes = { true, true };
	struct container *c = r->container;

	if (text_is(name, "detach"))
		r->detach = true;
	else if (text_is(name, "publish-all"))
		r->exposed = true;
	else if (text_is(name, "rm"))
		r->remove = true;
	else if (text_is(name, "interactive"))
		c->stdin = c->stdinOnce = true;
	else if (text_is(name, "tty"))
		c->tty = true;
	else if (text_is(name, "init"))
		r->pod.spec.shareProcessNamespace = yes;
	else if (text_is(name, "privileged"))
		r->security.privileged = yes;
	else if (text_is(name, "read-only"))
		r->security.readOnlyRootFilesystem = yes;
}

int run_take_option(struct context *x, struct running *r, const struct option_spec *option, const char *value,
		    struct error *err)
{
	for (size_t i = 0; i < sizeof(takers) / sizeof(*takers); i++)
		if (text_is(takers[i].name, option->name))
			return takers[i].take(x, r, value, err);
	if (option->value)
		take_plain(x, r, option->name, value);
	else
		take_flag(r, option->name);
	return 0;
}
