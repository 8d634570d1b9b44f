/* help.c — see help.h. The tables of commands and options are the one source: `seapod help`, `seapod COMMAND --help`, the manual page
 * and completion.c say what they say. Here is only what needs whole sentences.
 */
#include "cli/help.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "cli/commands.h"

/* A paragraph, and examples, one a line. */
static const struct {
	const char *command, *text, *examples;
} more[] = {
	{ "apply",
	  "Reads Pods, ConfigMaps, Secrets, PersistentVolumeClaims and Services, YAML or JSON, several in a "
	  "stream. "
	  "Nothing is touched before "
	  "all of them are valid. "
	  "Returns when every container has been started, or has failed to; each pod is then created, "
	  "configured (labels, annotations, images, "
	  "CPU and memory of a running pod can be changed) or unchanged.",
	  "seapod apply -f pod.yaml\nseapod apply -f manifests/ --wait=ready --timeout 1m\nseapod apply -f - "
	  "<pod.yaml" },
	{ "delete",
	  "Ends the pods in order (TERM, the grace period, KILL) and returns when nothing is left of them.",
	  "seapod delete pod web\nseapod delete -f pod.yaml --ignore-not-found\nseapod delete pods,cm -l "
	  "tier=web\nseapod delete pods --all -A" },
	{ "describe", "Of a Secret only the sizes are told.",
	  "seapod describe pod web\nseapod describe cm/settings pvc/data\nseapod describe -f pod.yaml" },
	{ "wait",
	  "WHAT is delete, condition=TYPE (or TYPE=false), phase=PHASE, or jsonpath={PATH} with or without "
	  "=VALUE.",
	  "seapod wait pod web --for=condition=Ready --timeout 1m\nseapod wait pods --all "
	  "--for=phase=Running\n"
	  "seapod wait -f pod.yaml --for=delete" },
	{ "get",
	  "Kinds: pods (po), configmaps (cm), secrets, persistentvolumeclaims (pvc), services (svc), several "
	  "with commas between, or all (pods and services); networks, images, volumes and events are listed, "
	  "too. "
	  "-o json and -o yaml print whole Kubernetes objects, a pod with its status; jsonpath= and "
	  "custom-columns= parts of them, as kubectl does.",
	  "seapod get pods -o wide\nseapod get pods,cm -A -l tier=web\nseapod get pod web -o "
	  "jsonpath='{.status.podIP}'\nseapod get pods --sort-by=.metadata.creationTimestamp\n"
	  "seapod get pods -o custom-columns=NAME:.metadata.name,IP:.status.podIP" },
	{ "events",
	  "What a keeper has recorded: containers made, started and killed, probes that failed, hooks, "
	  "back-offs. What happened again is counted. They go with their pod.",
	  "seapod events web\nseapod events --types=Warning -A\nseapod events --for pod/web\nseapod events "
	  "web -w" },
	{ "cp",
	  "Into a directory that is there the copy goes under its own name. Nothing in the image is needed. "
	  "Files lose "
	  "set-user-id bits; into a container they belong to root. Out of a container symbolic links are "
	  "left "
	  "out, with a warning. A path of this machine with a colon needs a slash before it (./a:b). - is a "
	  "tar: of what is copied, to "
	  "standard output; from standard input, into the directory. NAMESPACE/POD:PATH is taken, too.",
	  "seapod cp web:/etc/nginx/nginx.conf .\nseapod cp -c nginx site web:/srv\nseapod cp web:/var/log - "
	  "| tar "
	  "tv\ntar c site | seapod cp - web:/srv" },
	{ "port-forward",
	  "Connections to LOCAL (the same number when it is left out, any free one when only the colon is "
	  "there) go to the "
	  "pod's own 127.0.0.1, also without a published port and in a pod without a network. It ends with "
	  "the "
	  "pod.",
	  "seapod port-forward web 8080:80\nseapod port-forward web :http" },
	{ "top",
	  "The processor in thousandths of one (m), over a quarter of a second; memory without what the "
	  "kernel "
	  "would give back at once; processes and threads. READ, WRITTEN and WAITS (how much of the last ten "
	  "seconds something waited for the processor, memory and disks) on cgroup v2.",
	  "seapod top\nseapod top web --containers\nseapod top -A -w" },
	{ "logs",
	  "The output of the container's current run, or of its last one when it has ended. Without -c of "
	  "the "
	  "container that the annotation kubectl.kubernetes.io/default-container names, or of the first.",
	  "seapod logs web -c nginx --tail 20 -f\nseapod logs web -p\nseapod logs web --all-containers "
	  "--prefix "
	  "-f\nseapod logs -l tier=web --since 10m" },
	{ "debug",
	  "Adds an ephemeral container: in the pod's network, IPC and host name, with a root file system of "
	  "its own. With --target it sees the processes of that container, and its files below "
	  "/proc/PID/root. It is not started again when it ends, and is gone when the pod is started anew. "
	  "--profile gives it more or less than the usual privileges, as kubectl's: general "
	  "(SYS_PTRACE), baseline, restricted, netadmin, sysadmin (privileged: only in a pod that began with "
	  "a "
	  "privileged container). --custom FILE has more of the container as a manifest would: volumeMounts, "
	  "envFrom, securityContext, workingDir. With -i "
	  "or -t you are attached to it, and the exit code is its own.",
	  "seapod debug -it web --image busybox --target nginx -- sh\nseapod debug web --image tools -c "
	  "watch -- tcpdump -i eth0" },
	{ "exec",
	  "The exit code is the command's own; 126: it cannot be executed, 127: it was not found, 125: "
	  "Seapod failed.",
	  "seapod exec web -- cat /etc/hosts\nseapod exec -it web -c nginx -- sh" },
	{ "explain",
	  "The same as docs/support.md: each field's type, default and meaning, and whether Seapod honours "
	  "it.",
	  "seapod explain pod.spec.containers.resources\nseapod explain pod --recursive" },
	{ "run",
	  "Makes a pod of one container, both with the same name. In the foreground the output is the "
	  "program's and so is the exit code; "
	  "126: it cannot be executed, 127: it was not found, 125: Seapod failed. MODE is bridge (the "
	  "default) or another network's name, none, host, "
	  "container:NAME (the network of the pod NAME), ns:PATH (a network namespace) or cni:NAME (by CNI "
	  "plugins). SRC is a directory of the host (/data, ./data) or the name of a volume, which is made.",
	  "seapod run --rm -it busybox sh\nseapod run -d --name web -p 8080:80 nginx\n"
	  "seapod run --rm --net=container:web busybox wget -qO- http://127.0.0.1/" },
	{ "network",
	  "A network has a subnet, a gateway and pods. create makes one; what is left open is chosen. "
	  "Networks are "
	  "apart from each other; published ports are for everybody. reload makes bridges, links and rules "
	  "anew when "
	  "something else has removed them. docs/networks.md tells the rest.",
	  "seapod network create front --subnet 172.30.1.0/24\nseapod run -d --network front --ip 172.30.1.7 "
	  "nginx\n"
	  "seapod network create vault --internal\nseapod network inspect front\nseapod network reload" },
	{ "ps",
	  "The name, state, address and published ports of every pod that runs, or of every pod (-a). Of "
	  "docker's "
	  "templates --format takes fields: ID, Names, Image, Status, State, Ports, Labels, CreatedAt, "
	  "RunningFor.",
	  "seapod ps -a\nseapod rm -f $(seapod ps -aq)\nseapod ps --format 'table "
	  "{{.Names}}\\t{{.Status}}'" },
	{ "stop", "The pod stays listed (ps -a), and its logs stay, until it is deleted.",
	  "seapod stop -t 3 web" },
	{ "restart", "Network, address and volumes of the pod stay.",
	  "seapod restart web\nseapod restart -c nginx web" },
	{ "kill", NULL, "seapod kill -s HUP -c nginx web" },
	{ "pull",
	  "IMAGE is a name as nginx (of Docker Hub, unless registries.conf has an alias or other registries "
	  "to "
	  "search), quay.io/a/b:1.2 or one with a digest. Blobs come in parallel, are verified as they come, "
	  "and go on "
	  "where they broke off. What the registry has not changed is not fetched again. Mirrors, blocked "
	  "and insecure "
	  "registries and aliases are read from registries.conf, certificates from certs.d, logins from "
	  "auth.json and "
	  "~/.docker/config.json, as Podman and Docker read them.",
	  "seapod pull nginx\nseapod pull --platform linux/arm64 quay.io/a/b:1.2\nseapod pull -o json "
	  "nginx" },
	{ "push",
	  "Blobs that the registry has are not sent again, or are mounted from the repository that the image "
	  "came "
	  "from; the manifest is sent as it is, so its digest stays.",
	  "seapod push localhost/web registry.example.org/team/web:1.2" },
	{ "login",
	  "The name and password are tried at the registry and kept in $REGISTRY_AUTH_FILE or "
	  "${XDG_RUNTIME_DIR}/containers/auth.json, or by the credential helper that this file names.",
	  "seapod login -u me registry.example.org\nseapod login -u me --password-stdin quay.io <secret" },
	{ "load",
	  "FILE is an OCI image layout (a directory or a tar) or an archive of `docker save`, with layers "
	  "plain, gzip or zstd; - is standard input.",
	  "docker save nginx | seapod load -\nseapod load build/images/busybox.tar" },
	{ "save",
	  "An OCI image layout as a tar, with docker's manifest.json in it: podman, skopeo, ctr and docker "
	  "load it. The blobs are as they came, so digests stay.",
	  "seapod save -o web.tar nginx web:2\nseapod save nginx | ssh other seapod load -" },
	{ "build",
	  "DIR is the context: what COPY takes is in it. A RUN is a container as every other, a layer what "
	  "it "
	  "leaves. A step whose layer is known is not made again. SOURCE_DATE_EPOCH makes images the same "
	  "bit "
	  "for bit. docs/build.md says what of the Dockerfile reference is done.",
	  "seapod build -t web .\nseapod build -t web:2 -f Dockerfile.prod --build-arg VERSION=2 --target "
	  "run ." },
	{ "commit",
	  "What the container has changed becomes a layer upon its image; volumes are no part of it. A "
	  "container that runs is stopped meanwhile. -c may be given several times: CMD, ENTRYPOINT, ENV, "
	  "EXPOSE, LABEL, USER, VOLUME, WORKDIR and the others that change only the configuration.",
	  "seapod commit web web:patched\nseapod commit -m 'with curl' -c 'CMD [\"nginx\"]' web/nginx-web "
	  "web:2" },
	{ "images", "NAME may have a tag, or the shell's patterns.",
	  "seapod images\nseapod images 'registry.example.org/*' -q" },
	{ "image",
	  "load FILE; import FILE NAME makes an image of a tar of a root file system; save [-o FILE] "
	  "IMAGE...; tag IMAGE NAME; ls [NAME]; inspect IMAGE...; rm [-f] IMAGE...; prune [-a]; pull and "
	  "push; tags NAME, catalog REGISTRY and referrers NAME list what a registry has. An image "
	  "that "
	  "a pod has, also a pod that has ended, is neither removed nor pruned. What loses its name to "
	  "another image stays as <none> until it is pruned. --high, --low and --min-age are the kubelet's "
	  "imageGCHighThresholdPercent, imageGCLowThresholdPercent and imageMinimumGCAge.",
	  "seapod image ls\nseapod image import rootfs.tar example.org/base\n"
	  "seapod image rm example.org/base\nseapod image prune -a --filter until=240h\n"
	  "seapod image prune --high 85 --low 80 --min-age 2m" },
	{ "resize",
	  "Changes what a container (-c), the only container, or the pod as a whole may use, without a "
	  "restart "
	  "unless its resizePolicy asks for one. A request that was its limit follows it. Less memory than "
	  "is "
	  "used is refused. Applying a manifest with other amounts does the same.",
	  "seapod resize pod web -c nginx --cpu 2 --memory 256Mi" },
	{ "label", "LABEL- takes a label away. A pod that runs takes them over.",
	  "seapod label pod web tier=front\nseapod label pods --all tier- \nseapod label cm settings team=a "
	  "--overwrite" },
	{ "annotate", NULL, "seapod annotate pod web note='made by hand'" },
	{ "inspect", "A pod is printed as get pod NAME -o json does, an image as image inspect.",
	  "seapod inspect web\nseapod inspect web -o jsonpath='{.status.podIP}'" },
	{ "port", NULL, "seapod port web\nseapod port web 80/tcp" },
	{ "volume",
	  "A volume is a PersistentVolumeClaim, a directory that outlives pods: run -v NAME:/path makes and "
	  "mounts one, a manifest names it as claimName. rm and prune remove what no pod has, with its "
	  "files.",
	  "seapod volume create data\nseapod run --rm -it -v data:/data busybox sh\nseapod volume ls" },
	{ "dns",
	  "on: each pod that starts from now on has the server at its network's gateway in its resolv.conf, "
	  "and the "
	  "first one starts it, with the options given to on; it ends with the last pod. serve runs it in "
	  "the "
	  "foreground, for as long as it is wanted. This host is answered at 127.0.0.56. With --etcd it has "
	  "SkyDNS' records of an etcd, too, and with --register others find this machine's pods and Services "
	  "there (docs/dns.md).",
	  "seapod dns on\nseapod dns serve --listen 192.0.2.1 --allow 192.0.2.0/24\n"
	  "seapod dns serve --etcd http://192.0.2.9:2379 --register\n"
	  "dig @127.0.0.56 web.default.pod.cluster.local" },
	{ "oci",
	  "The command line of runc and crun (create, start, run, exec, kill, delete, state, list, ps, "
	  "pause, resume, update, events, spec, "
	  "features) for bundles of the OCI runtime specification; seapod oci --help tells about each.",
	  "seapod oci run -b bundle test\nseapod oci features" },
	{ "system",
	  "info says where this instance keeps what; check tells what on this host stands in the way of pods "
	  "(exit code 1), or of what only some want, and what to do about it; df says how much of the disk "
	  "it takes; prune removes "
	  "the bridge, the rules, the cgroup and images without a name when no pod runs; restore starts the "
	  "pods that are to run always (restartPolicy Always, neither "
	  "stopped nor deleted) and are not there, as after a boot, each after the one whose network it "
	  "shares: seapod.service calls it.",
	  "seapod system check\nseapod system info\nsystemctl enable seapod" },
	{ "completion", "Prints a script for the shell.",
	  "source <(seapod completion bash)\nseapod completion fish | source" },
};

/* Words that kubectl's and Docker's users know, and what there is here. */
static const struct {
	const char *word, *instead;
} elsewhere[] = {
	{ "create", "seapod apply -f FILE creates, and changes what is there" },
	{ "replace", "seapod apply -f FILE changes; seapod delete -f FILE and apply make anew" },
	{ "edit", "change the manifest, then seapod apply -f FILE; get pod NAME -o yaml writes one" },
	{ "patch", "change the manifest, then seapod apply -f FILE; resize and label change a part" },
	{ "set", "change the manifest, then seapod apply -f FILE; resize and label change a part" },
	{ "scale", "there are only pods: one manifest a pod, or seapod run for each" },
	{ "autoscale", "there are only pods: one manifest a pod, or seapod run for each" },
	{ "rollout", "seapod restart POD starts anew, seapod apply -f FILE changes images" },
	{ "expose", "run -p or hostPort publishes a port; a Service is applied" },
	{ "diff", "seapod apply --dry-run checks; what changes a pod, apply says" },
	{ "kustomize", "kubectl kustomize DIR | seapod apply -f -" },
	{ "config", "there is no cluster: --root and --run say which instance" },
	{ "cluster-info", "there is no cluster: seapod system info tells of this instance" },
	{ "auth", "root may do everything, nobody else anything" },
	{ "cordon", "there is one machine: seapod stop ends pods" },
	{ "drain", "there is one machine: seapod stop ends pods" },
	{ "taint", "there is one machine" },
	{ "proxy", "seapod port-forward POD [LOCAL:]PORT" },
	{ "plugin", "there are none" },
	{ "api-resources", "seapod explain pod tells what a pod has; kinds: pods, cm, secrets, pvc, svc" },
	{ "api-versions", "everything is v1" },
	{ "up", "seapod apply -f FILE starts pods" },
	{ "down", "seapod delete -f FILE ends pods" },
	{ "play", "seapod apply -f FILE starts pods" },
	{ "kube", "seapod apply -f FILE starts pods" },
	{ "compose", "a pod is a manifest here: seapod apply -f FILE" },
	{ "pod", "seapod get pods lists pods" },
	{ "pods", "seapod get pods lists pods" },
	{ "container", "seapod ps lists pods; stop, start, logs, exec ... stand alone" },
	{ "ls", "seapod ps lists pods, seapod images images" },
	{ "rename", "a pod keeps its name: delete it and make another" },
	{ "update", "seapod resize pod NAME --cpu N --memory N" },
	{ "pause", "seapod stop ends a pod and keeps it; seapod oci pause is for bundles" },
	{ "unpause", "seapod start starts a pod that was stopped" },
	{ "commit", "seapod build makes images from a Dockerfile" },
	{ "export", "seapod cp POD:/ - writes a container's files as a tar" },
	{ "import", "seapod image import FILE NAME makes an image of a tar" },
	{ "history", "seapod image inspect IMAGE shows its layers" },
	{ "search", "seapod image catalog REGISTRY and image tags NAME list" },
	{ "manifest", "seapod image inspect IMAGE" },
	{ "rm-image", "seapod rmi IMAGE" },
	{ "context", "there is no daemon: --root and --run say which instance" },
	{ "swarm", "there is one machine" },
	{ "service", "seapod get services lists Services" },
	{ "node", "there is one machine: seapod system info" },
	{ "secret", "seapod get secrets lists them; a manifest makes one" },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* --- finding ------------------------------------------------------------------------------------------------------------ */

const struct command *command_find(const char *name, struct error *err)
{
	const char *near = NULL;
	unsigned least = UINT_MAX;

	if (text_is(name, "--help") || text_is(name, "-h"))
		name = "help";
	else if (text_is(name, "--version") || text_is(name, "-v"))
		name = "version";
	else if (*name == '-') {
		error_set(err, EINVAL, "there is no option '%s' before the command (--root, --run, -n)",
			  name);
		return NULL;
	}
	for (const struct command *c = commands; c->name; c++) {
		if (text_is(c->name, name))
			return c;
		unsigned distance = text_near(c->name, name);
		if (distance < least) {
			least = distance;
			near = c->name;
		}
	}
	for (size_t i = 0; i < COUNT(elsewhere); i++)
		if (text_is(elsewhere[i].word, name)) {
			error_set(err, EINVAL, "there is no command '%s' (%s)", name, elsewhere[i].instead);
			return NULL;
		}
	if (near)
		error_set(err, EINVAL,
			  "there is no command '%s', did you mean '%s'? (seapod help lists them)", name,
			  near);
	else
		error_set(err, EINVAL, "there is no command '%s' (seapod help lists them)", name);
	return NULL;
}

/* --- printing ----------------------------------------------------------------------------------------------------------- */

/* TEXT in lines of at most 78 columns, each behind MARGIN. */
static void print_wrapped(const char *text, int margin, FILE *out)
{
	while (*text) {
		size_t n = strlen(text), width = 78 - (size_t)margin;
		if (n > width)
			for (n = width; n > 0 && text[n] != ' ';)
				n--;
		fprintf(out, "%*s%.*s\n", margin, "", (int)n, text);
		text += n + (text[n] == ' ');
	}
}

static void print_lines(const char *lines, const char *before, FILE *out)
{
	for (const char *line = lines, *end; *line; line = end + (*end == '\n')) {
		end = strchrnul(line, '\n');
		fprintf(out, "%s%.*s\n", before, (int)(end - line), line);
	}
}

/* "-d, --detach", "    --wait[=running|ready]"; its length. */
static int spell_option(const struct option_spec *s, char *to, size_t size)
{
	const char *open = !s->value ? "" : s->optional ? "[=" : " ";
	char letter[] = { '-', s->letter, ',', ' ', '\0' };

	return snprintf(to, size, "%s--%s%s%s%s", s->letter ? letter : "    ", s->name, open,
			s->value ? s->value : "", *open == '[' ? "]" : "");
}

/* What is too long for its column has its meaning on a line of its own. */
static void print_options(const struct option_spec *options, FILE *out)
{
	enum { LONGEST = 32 };
	char left[80];
	int width = 0;

	for (const struct option_spec *s = options; s && s->name; s++) {
		int n = spell_option(s, left, sizeof(left));
		width = n > width && n <= LONGEST ? n : width;
	}
	for (const struct option_spec *s = options; s && s->name; s++) {
		bool fits = spell_option(s, left, sizeof(left)) <= width;
		fprintf(out, fits ? "  %-*s  %s\n" : "  %-*s\n", width, left, s->doc);
		if (!fits)
			fprintf(out, "  %*s  %s\n", width, "", s->doc);
	}
}

void help_all(FILE *out)
{
	const char *group = "";

	fputs("Seapod runs Kubernetes Pods on this machine, each held by one small process.\n\n"
	      "Usage: seapod [--root DIR] [--run DIR] [-n NAMESPACE] COMMAND ...\n",
	      out);
	for (const struct command *c = commands; c->name; c++) {
		if (!text_is(group, c->group))
			fprintf(out, "\n%s\n", group = c->group);
		fprintf(out, "  %-12s %s\n", c->name, c->doc);
	}
	fputs("\nseapod help COMMAND tells more, seapod explain pod.spec what a manifest may say.\n", out);
}

static const char *usage_gap(const struct command *c)
{
	return *c->usage ? " " : "";
}

void help_command(const struct command *c, FILE *out)
{
	fprintf(out, "Usage: seapod %s%s%s\n\n%c%s.\n", c->name, usage_gap(c), c->usage,
		toupper((unsigned char)*c->doc), c->doc + 1);
	for (size_t i = 0; i < COUNT(more); i++) {
		if (!text_is(more[i].command, c->name))
			continue;
		if (more[i].text) {
			fputc('\n', out);
			print_wrapped(more[i].text, 0, out);
		}
		fputs("\nExamples:\n", out);
		print_lines(more[i].examples, "  ", out);
	}
	if (c->options)
		fputs("\nOptions:\n", out);
	print_options(c->options, out);
}

/* --- the manual page: scdoc(5) ------------------------------------------------------------------------------------------ */

/* Prints TEXT so that scdoc takes it as it is. */
static void print_escaped(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (strchr("\\*_<>`[]#.~+", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void scdoc_option(const struct option_spec *s, FILE *out)
{
	if (s->letter)
		fprintf(out, "*-%c*, ", s->letter);
	fprintf(out, "*--%s*", s->name);
	if (s->value) {
		fputs(s->optional ? "[=" : " ", out);
		print_escaped(s->value, out);
		fputs(s->optional ? "]" : "", out);
	}
	fputs("\n\t", out);
	print_escaped(s->doc, out);
	fputs("\n\n", out);
}

static void scdoc_command(const struct command *c, FILE *out)
{
	fprintf(out, "## seapod %s%s%s\n\n%c", c->name, usage_gap(c), c->usage,
		toupper((unsigned char)*c->doc)); /* a heading is taken as it is */
	print_escaped(c->doc + 1, out);
	fputs(".\n\n", out);
	for (size_t i = 0; i < COUNT(more); i++) {
		if (!text_is(more[i].command, c->name))
			continue;
		if (more[i].text)
			print_escaped(more[i].text, out);
		fputs("\n\n```\n", out);
		print_lines(more[i].examples, "", out);
		fputs("```\n\n", out);
	}
	for (const struct option_spec *s = c->options; s && s->name; s++)
		scdoc_option(s, out);
}

void help_scdoc(FILE *out)
{
	for (const struct command *c = commands; c->name; c++)
		scdoc_command(c, out);
}

/* --- commands ----------------------------------------------------------------------------------------------------------- */

const struct option_spec help_options[] = {
	{ "scdoc", 0, NULL, "the commands as a part of the manual page" },
	{},
};

int run_help(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	r = options_next(&o, &option, &value, err);
	if (r < 0)
		return r;
	if (r > 0)
		help_scdoc(stdout);
	else if (o.count == 0)
		help_all(stdout);
	if (o.count && text_is(o.positional[0], "oci")) /* a program of its own, which tells more */
		return run_oci(x, 1, (char *[]){ "--help", NULL }, err);
	for (int i = 0; i < o.count && i < 1; i++) {
		const struct command *c = command_find(o.positional[i], err);
		if (!c)
			return -EXIT_USAGE;
		help_command(c, stdout);
	}
	return 0;
}

int run_version(struct context *x, int argc, char **argv, struct error *err)
{
	(void)x, (void)argc, (void)argv, (void)err;
	puts("seapod " SEAPOD_VERSION);
	return 0;
}
