/* dns.c — seapod dns: names that answer. `serve` is the program seapod-dns in the foreground; on and off say whether pods get it.
 *
 * ROOT/dns.json, {"enabled": true, "options": ["--upstream", "192.0.2.1"]}: with it, the next pod starts a server if none runs, and has it in its
 * resolv.conf. It is off until somebody turns it on: a pod that does not ask for names shall not wait for a server, nor pay for one.
 */
#include "cli/dns.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/commands.h"
#include "dns/claim.h"
#include "dns/config.h"

#define VERBS "serve, on, off, status"

enum { STATUS_MAX = 65536 };

const struct option_spec dns_options[] = {
	{ "listen", 'l', "ADDRESS[:PORT]", "answer there, too (again for more)" },
	{ "port", 'p', "PORT", "answer at this port, not 53" },
	{ "allow", 'a', "NETWORK", "answer 192.0.2.0/24, too (again for more)" },
	{ "upstream", 'u', "ADDRESS[:PORT]", "not those of /etc/resolv.conf (again for more)" },
	{ "zone", 'z', "ZONE", "of pods and Services, not cluster.local" },
	{ "rate", 0, "N", "queries a second of an address (20000; 0: any)" },
	{ "stub", 0, "ZONE=ADDRESS[:PORT]", "ask there for names below ZONE" },
	{ "etcd", 'e', "URL[,URL]", "serve SkyDNS' records, too, of this etcd" },
	{ "etcd-ca", 0, "FILE", "trust these certificates (PEM)" },
	{ "etcd-cert", 0, "FILE", "this machine's certificate (PEM) …" },
	{ "etcd-key", 0, "FILE", "… and its key" },
	{ "etcd-user", 0, "NAME", "log in as NAME …" },
	{ "etcd-password-file", 0, "FILE", "… with the password that is in FILE" },
	{ "domain", 'd', "DOMAIN", "of what is in etcd, not skydns.local" },
	{ "local", 0, "NAME", "what local.dns.DOMAIN is" },
	{ "register", 'r', NULL, "announce pods and Services in etcd" },
	{ "machine", 0, "NAME", "by this name (one label)" },
	{ "advertise", 0, "ADDRESS", "published ports there, not pods themselves" },
	{ "lease", 0, "SECONDS", "gone so long after the machine (15)" },
	{},
};

/* The arguments of seapod-dns: what NAME and VALUE there were, in order. */
static void add_word(struct context *x, struct strings *words, const char *word)
{
	*list_add(x->arena, words) = word;
}

/* HOW: "--pods", "--check", or NULL. */
static char **make_arguments(struct context *x, const char *how, const struct strings *words)
{
	char **argv = arena_alloc(x->arena, (words->n + 7) * sizeof(*argv)); /* zeroed */
	size_t n = 0;

	argv[n++] = (char *)"seapod-dns";
	argv[n++] = (char *)"--root";
	argv[n++] = x->in.root;
	argv[n++] = (char *)"--run";
	argv[n++] = x->in.run;
	if (how)
		argv[n++] = (char *)how;
	list_each(word, words)
		argv[n++] = (char *)*word;
	return argv;
}

static int serve(struct context *x, const struct strings *words, struct error *err)
{
	char path[PATH_MAX];

	instance_helper("seapod-dns", path);
	execv(path, make_arguments(x, NULL, words));
	return error_errno(err, "cannot run '%s'", path);
}

/* In a process of its own, whose parent is gone at once: nobody waits for it. What it has to say is in RUN/dns.log. */
static int start(const struct instance *in, const char *path, char *const argv[])
{
	pid_t child = fork();

	if (child == 0) {
		int null = open("/dev/null", O_RDWR),
		    log = openat(in->runfd, "dns.log", O_WRONLY | O_CREAT | O_TRUNC, 0644);
		if (setsid() < 0 || fork() != 0)
			_exit(0);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
		close_range(STDERR_FILENO + 1, ~0U, 0);
		if (chdir("/") == 0)
			execv(path, argv);
		_exit(127);
	}
	return child > 0 && waitpid(child, NULL, 0) == child ? 0 : -errno;
}

void dns_start(struct context *x)
{
	struct dns_settings settings;
	char path[PATH_MAX];
	bool for_pods;
	static bool tried; /* once is enough for all pods of a command */

	if (tried || !dns_settings_read(&x->in, x->arena, &settings) || !settings.enabled ||
	    dns_claim_look(&x->in, &for_pods))
		return;
	tried = true;
	instance_helper("seapod-dns", path);
	if (access(path, X_OK) < 0)
		log_warning("there is no program '%s', so pods have no DNS server (seapod dns off)", path);
	else
		start(&x->in, path, make_arguments(x, "--pods", &settings.options));
}

/* The program itself says what is wrong with its options, before they are kept. */
static int check(struct context *x, const struct strings *words, struct error *err)
{
	char path[PATH_MAX];
	pid_t child;
	int status;

	instance_helper("seapod-dns", path);
	int r = posix_spawn(&child, path, NULL, NULL, make_arguments(x, "--check", words), environ);
	if (r != 0)
		return error_set(err, r, "cannot run '%s': %s", path, error_meaning(r));
	if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return -EXIT_USAGE; /* it has said why */
	return 0;
}

static int turn(struct context *x, bool on, const struct strings *words, struct error *err)
{
	struct dns_settings settings = { .enabled = on, .options = *words };
	int r = on ? check(x, words, err) : 0;

	if (r == 0)
		r = dns_settings_write(&x->in, &settings, err);
	if (r == 0)
		printf(on ? "dns on: for pods that start from now on\n"
			  : "dns off: for pods that start from now on\n");
	return r;
}

static int show(struct context *x)
{
	struct dns_settings settings;
	bool for_pods, on = dns_settings_read(&x->in, x->arena, &settings) && settings.enabled;
	pid_t pid = dns_claim_look(&x->in, &for_pods);
	_cleanup_free_ char *text = NULL;

	printf("pods:    %s\n", on ? "on" : "off");
	if (pid)
		printf("server:  running %s (process %d)\n", for_pods ? "for pods" : "as a service",
		       (int)pid);
	else
		printf("server:  not running\n");
	if (pid && file_read(x->in.runfd, "dns.status", STATUS_MAX, &text, NULL, NULL) == 0)
		fputs(text, stdout); /* about etcd (dns/etcd.c) */
	return 0;
}

int run_dns(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	struct strings words = {};
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		add_word(x, &words, arena_printf(x->arena, "--%s", option->name));
		if (option->value)
			add_word(x, &words, value);
	}
	const char *verb = r < 0 ? NULL : need(&o, 0, "a verb (" VERBS ")", err);
	if (!verb)
		return -EXIT_USAGE;
	if (text_is(verb, "serve"))
		return serve(x, &words, err);
	if (text_is(verb, "on"))
		return turn(x, true, &words, err);
	if (text_is(verb, "off"))
		return turn(x, false, &(struct strings){}, err);
	if (text_is(verb, "status"))
		return show(x);
	return usage_error(err, "dns has no verb '%s' (" VERBS ")", verb);
}
