/* options.c — see options.h. One function an option; which there are is the table. */
#include "dns/options.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"

enum { URL_MAX = 500 };

#define LEASE "15" /* seconds */

static int set_listen(struct settings *s, const char *value, struct error *err)
{
	return address_parse(value, 0, list_add(s->arena, &s->listen), err);
}

static int set_allow(struct settings *s, const char *value, struct error *err)
{
	return prefix_parse(value, list_add(s->arena, &s->allowed), err);
}

static int set_upstream(struct settings *s, const char *value, struct error *err)
{
	if (s->upstream.n == FORWARD_SERVERS)
		return error_set(err, E2BIG, "more than %d servers to ask", FORWARD_SERVERS);
	return address_parse(value, DNS_PORT, &s->upstream.at[s->upstream.n++].address, err);
}

static int set_zone(struct settings *s, const char *value, struct error *err)
{
	knot_dname_storage_t name;

	s->zone = value;
	return name_parse(value, name) && name[0]
		       ? 0
		       : error_set(err, EINVAL, "'%.100s' is no zone (cluster.local)", value);
}

static int set_rate(struct settings *s, const char *value, struct error *err)
{
	long long rate;

	if (text_to_int(value, 0, 1000000, &rate) < 0)
		return error_set(err, EINVAL, "'%.100s' is no number of queries a second (0 to 1000000)",
				 value);
	s->rate = (uint32_t)rate;
	return 0;
}

static int set_port(struct settings *s, const char *value, struct error *err)
{
	long long port;

	if (text_to_int(value, 1, 65535, &port) < 0)
		return error_set(err, EINVAL, "'%.100s' is no port (1 to 65535)", value);
	s->port = (uint16_t)port;
	return 0;
}

/* --- etcd ---------------------------------------------------------------------------------------------------------------- */

static void add_word(struct settings *s, const char *name, const char *value)
{
	*list_add(s->arena, &s->etcd_words) = name;
	*list_add(s->arena, &s->etcd_words) = value;
}

static int set_etcd(struct settings *s, const char *value, struct error *err)
{
	char *copy = arena_strdup(s->arena, value), *state;

	for (char *url = strtok_r(copy, ",", &state); url; url = strtok_r(NULL, ",", &state)) {
		size_t n = strlen(url);
		if ((!text_starts(url, "http://") && !text_starts(url, "https://")) || n > URL_MAX ||
		    strpbrk(url, " \t\n\"@"))
			return error_set(err, EINVAL,
					 "'%.100s' is no address of an etcd (http://10.0.0.1:2379 or "
					 "https://etcd.example:2379)",
					 url);
		if (url[n - 1] == '/')
			url[n - 1] = '\0';
		add_word(s, "--url", url);
		s->etcd = true;
	}
	return s->etcd ? 0 : error_set(err, EINVAL, "'%.100s' names no etcd (http://10.0.0.1:2379)", value);
}

static int add_file(struct settings *s, const char *name, const char *value, struct error *err)
{
	if (value[0] != '/')
		return error_set(err, EINVAL, "'%.200s' must be a file's whole path, from / on", value);
	if (access(value, R_OK) < 0)
		return error_errno(err, "cannot read '%.200s'", value);
	add_word(s, name, value);
	return 0;
}

static int set_ca(struct settings *s, const char *value, struct error *err)
{
	return add_file(s, "--ca", value, err);
}

static int set_cert(struct settings *s, const char *value, struct error *err)
{
	return add_file(s, "--cert", value, err);
}

static int set_key(struct settings *s, const char *value, struct error *err)
{
	return add_file(s, "--key", value, err);
}

static int set_user(struct settings *s, const char *value, struct error *err)
{
	(void)err;

	add_word(s, "--user", value);
	return 0;
}

static int set_password(struct settings *s, const char *value, struct error *err)
{
	return add_file(s, "--password-file", value, err);
}

static int set_domain(struct settings *s, const char *value, struct error *err)
{
	knot_dname_storage_t name;

	s->domain = value;
	return name_parse(value, name) && name[0]
		       ? 0
		       : error_set(err, EINVAL, "'%.100s' is no domain (skydns.local)", value);
}

static int set_local(struct settings *s, const char *value, struct error *err)
{
	knot_dname_storage_t name;

	s->local = value;
	return name_parse(value, name) ? 0 : error_set(err, EINVAL, "'%.100s' is no name", value);
}

/* ZONE=ADDRESS[:PORT] */
static int set_stub(struct settings *s, const char *value, struct error *err)
{
	const char *equals = strchr(value, '=');
	struct stub_setting *stub = list_add(s->arena, &s->stubs);
	knot_dname_storage_t name;

	stub->zone = arena_strndup(s->arena, value, equals ? (size_t)(equals - value) : 0);
	if (!equals || !name_parse(stub->zone, name))
		return error_set(err, EINVAL, "'%.100s' is no zone with a server (example.org=192.0.2.1)",
				 value);
	return address_parse(equals + 1, DNS_PORT, &stub->server, err);
}

static int set_machine(struct settings *s, const char *value, struct error *err)
{
	knot_dname_storage_t name;

	s->registration.machine = value;
	return name_parse(value, name) && name[0] && name[name[0] + 1] == 0 && !strpbrk(value, "/\"\\ *") &&
			       !text_is(value, "any")
		       ? 0
		       : error_set(err, EINVAL, "'%.100s' is no name of one label for a machine", value);
}

static int set_advertise(struct settings *s, const char *value, struct error *err)
{
	return address_parse(value, 0, &s->registration.advertise, err);
}

static int set_lease(struct settings *s, const char *value, struct error *err)
{
	long long seconds;

	if (text_to_int(value, 2, 3600, &seconds) < 0)
		return error_set(err, EINVAL, "'%.100s' is no number of seconds for a lease (2 to 3600)",
				 value);
	s->lease = value;
	return 0;
}

/* --- all ----------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*set)(struct settings *s, const char *value, struct error *err);
} options[] = {
	{ "--listen", set_listen },       { "--allow", set_allow },
	{ "--upstream", set_upstream },   { "--zone", set_zone },
	{ "--rate", set_rate },           { "--port", set_port },
	{ "--etcd", set_etcd },           { "--etcd-ca", set_ca },
	{ "--etcd-cert", set_cert },      { "--etcd-key", set_key },
	{ "--etcd-user", set_user },      { "--etcd-password-file", set_password },
	{ "--domain", set_domain },       { "--local", set_local },
	{ "--stub", set_stub },           { "--machine", set_machine },
	{ "--advertise", set_advertise }, { "--lease", set_lease },
};

static int set_option(struct settings *s, const char *name, const char *value, struct error *err)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (text_is(name, options[i].name))
			return options[i].set(s, value, err);
	return error_set(err, EINVAL, "dns serve has no option '%.60s'", name);
}

static bool has_word(const struct settings *s, const char *name)
{
	list_each(word, &s->etcd_words)
		if (text_is(*word, name))
			return true;
	return false;
}

/* What one option needs of another. */
static int agree(struct settings *s, struct error *err)
{
	if (!s->etcd && (s->etcd_words.n || s->registration.on || s->local))
		return error_set(
			err, EINVAL,
			"--register, --local and options of etcd need an etcd (--etcd http://10.0.0.1:2379)");
	if (has_word(s, "--cert") != has_word(s, "--key"))
		return error_set(err, EINVAL,
				 "a certificate and its key go together (--etcd-cert, --etcd-key)");
	if (has_word(s, "--user") != has_word(s, "--password-file"))
		return error_set(err, EINVAL,
				 "a user and his password go together (--etcd-user, --etcd-password-file)");
	if (s->registration.on)
		add_word(s, "--lease", s->lease ? s->lease : LEASE);
	return 0;
}

int options_read(struct settings *s, struct words *w, int argc, char **argv, struct error *err)
{
	int r = 0;

	for (int i = 1; r == 0 && i < argc; i++) {
		const char *name = argv[i];
		if (text_is(name, "--pods")) {
			s->on_demand = true;
			continue;
		}
		if (text_is(name, "--check")) {
			w->check = true;
			continue;
		}
		if (text_is(name, "--register")) {
			s->registration.on = true;
			continue;
		}
		if (++i == argc)
			return error_set(err, EINVAL, "the option '%.60s' needs a value", name);
		if (text_is(name, "--root"))
			w->root = argv[i];
		else if (text_is(name, "--run"))
			w->run = argv[i];
		else
			r = set_option(s, name, argv[i], err);
	}
	return r < 0 ? r : agree(s, err);
}
