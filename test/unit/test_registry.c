/* test_registry.c — what registries and their settings say, as bytes (src/registry: toml, registries, challenge, credentials, manifest, progress, list). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "object/json.h"
#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/list.h"
#include "registry/manifest.h"
#include "registry/progress.h"
#include "registry/signature_policy.h"
#include "registry/toml.h"

static struct arena *a;
static struct error err;

static int setup(void **state)
{
	(void)state;
	a = arena_new();
	err = (struct error){};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

/* --- TOML ------------------------------------------------------------------------------------------------ */

static void toml_is_read(void **state)
{
	(void)state;
	static const struct {
		const char *toml, *json; /* NULL: an error … */
		const char *said;        /* … with this in it */
	} cases[] = {
		{ "", "{}" },
		{ "# only a comment", "{}" },
		{ "a = 1\nb.c = true # x\n\"d e\" = 'f\\n'",
		  "{\"a\":1,\"b\":{\"c\":true},\"d e\":\"f\\\\n\"}" },
		{ "a = \"\\t\\u00e9\\\\\"", "{\"a\":\"\\t\xc3\xa9\\\\\"}" },
		{ "a = [1, 2,\n # x\n [ 'b' ], ]\r\n", "{\"a\":[1,2,[\"b\"]]}" },
		{ "a = {b = 1, c = {}}", "{\"a\":{\"b\":1,\"c\":{}}}" },
		{ "[a]\nb=1\n[a.c]\nd=2\n", "{\"a\":{\"b\":1,\"c\":{\"d\":2}}}" },
		{ "[[r]]\na=1\n[[r.m]]\nb=2\n[[r]]\na=3", "{\"r\":[{\"a\":1,\"m\":[{\"b\":2}]},{\"a\":3}]}" },
		{ "a = 1\na = 2", NULL, "f:2: a key stands twice" },
		{ "a = 'x", NULL, "has no end" },
		{ "a = \"\"\"x\"\"\"", NULL, "over several lines" },
		{ "a = 1.5", NULL, "no string in quotes" },
		{ "a = x", NULL, "no string in quotes" },
		{ "a 1", NULL, "no '='" },
		{ "a = 1 b = 2", NULL, "something after" },
		{ "[a\nb=1", NULL, "no ']'" },
		{ "a = [1", NULL, "no ']'" },
		{ "a = {b=1", NULL, "no '}'" },
		{ "a = \"\\x\"", NULL, "no escape" },
		{ "a=1\n[a]", NULL, "at once" },
		{ "a=1\n[[a]]", NULL, "at once" },
		{ "a = [[[[[[[[[[[[[[[[[[[[[[", NULL, "too deep" },
		{ "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r = 1", NULL, "too many parts" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_cleanup_text_ struct text t = {};
		err = (struct error){};
		struct node *n = node_from_toml(a, "f", cases[i].toml, strlen(cases[i].toml), &err);
		if (n)
			node_to_json(n, false, &t);
		if (cases[i].json)
			assert_string_equal(n ? t.at : err.text, cases[i].json);
		else if (n || !strstr(err.text, cases[i].said))
			fail_msg("%s: %s instead of '%s'", cases[i].toml, n ? t.at : err.text, cases[i].said);
	}
}

/* --- registries.conf ---------------------------------------------------------------------------------------- */

static const char conf[] =
	"unqualified-search-registries = ['docker.io', 'quay.io']\n"
	"[[registry]]\nprefix = 'example.org/team'\nlocation = 'inside:5000/t'\ninsecure = true\n"
	"[[registry.mirror]]\nlocation = 'm1'\n"
	"[[registry.mirror]]\nlocation = 'm2/x'\npull-from-mirror = 'digest-only'\n"
	"[[registry]]\nprefix = '*.evil.org'\nblocked = true\n"
	"[aliases]\n'box' = 'quay.io/b/box'\n";

static struct registries read_conf(const char *text)
{
	struct registries r = {};
	assert_int_equal(registries_add(&r, "conf", text, strlen(text), a, &err), 0);
	return r;
}

static const char *places(const struct registries *r, const char *name)
{
	struct reference ref = reference_split(name, a);
	struct locations locations = {};
	const char *all = "";
	if (registries_locate(r, &ref, a, &locations, &err) < 0)
		return err.text;
	list_each(l, &locations)
		all = arena_printf(a, "%s %s/%s%s", all, l->host, l->path, l->insecure ? "!" : "");
	return all;
}

static void registries_are_located(void **state)
{
	(void)state;
	struct registries r = read_conf(conf);
	assert_string_equal(places(&r, "example.org/team/a:1"), " m1/a inside:5000/t/a!");
	assert_string_equal(places(&r, "example.org/teams/a:1"), " example.org/teams/a");
	assert_string_equal(places(&r, "example.org/team/a@sha256:0"), " m1/a m2/x/a inside:5000/t/a!");
	assert_string_equal(places(&r, "docker.io/library/nginx:1"), " registry-1.docker.io/library/nginx");
	assert_non_null(strstr(places(&r, "a.evil.org/x:1"), "blocked"));
	assert_string_equal(places(&r, "evil.org/x:1"), " evil.org/x");
}

static const char *candidates(const struct registries *r, const char *name)
{
	struct strings names = {};
	const char *all = "";
	if (registries_candidates(r, name, a, &names, &err) < 0)
		return err.text;
	list_each(n, &names)
		all = arena_printf(a, "%s %s", all, *n);
	return all;
}

static void short_names_have_candidates(void **state)
{
	(void)state;
	struct registries r = read_conf(conf), none = {};
	assert_string_equal(candidates(&r, "box"), " quay.io/b/box:latest");
	assert_string_equal(candidates(&r, "box:2"), " quay.io/b/box:2");
	assert_string_equal(candidates(&r, "nginx:1"), " docker.io/library/nginx:1 quay.io/nginx:1");
	assert_string_equal(candidates(&r, "h:5000/nginx"), " h:5000/nginx:latest");
	assert_string_equal(candidates(&none, "a/b"), " docker.io/a/b:latest");
	assert_non_null(strstr(candidates(&r, "Upper"), "lower case"));
}

static void old_and_wrong_registries_confs_are_refused(void **state)
{
	(void)state;
	static const char *const texts[][2] = {
		{ "[registries.search]\nregistries = []", "version 1" },
		{ "[[registry]]\nlocation = 'https://x'", "without https://" },
		{ "[[registry]]\ninsecure = true", "neither prefix nor location" },
		{ "[[registry]]\nlocation = 5", "location" },
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct registries r = {};
		assert_true(registries_add(&r, "conf", texts[i][0], strlen(texts[i][0]), a, &err) < 0);
		assert_non_null(strstr(err.text, texts[i][1]));
	}
}

/* --- challenges and logins ----------------------------------------------------------------------------------- */

static void challenges_are_read(void **state)
{
	(void)state;
	struct challenge c = {};
	challenge_read(&c, "Basic realm=\"x\", Bearer realm=\"https://t/\\\"q\",service=s , scope=\"a:b:c\"",
		       a);
	assert_int_equal(c.kind, CHALLENGE_BEARER);
	assert_string_equal(c.realm, "https://t/\"q");
	assert_string_equal(c.service, "s");
	assert_string_equal(c.scope, "a:b:c");
	static const char *const broken[] = {
		"", ",", "=", "Bearer realm=\"", "Bearer realm", "Bearer =", "\"", "Bearer realm=\"a\\"
	};
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		struct challenge one = {};
		challenge_read(&one, broken[i], a);
		assert_null(one.realm);
	}
}

static const char *who(const char *text, const char *registry, const char *path)
{
	struct credentials c = {};
	const char *helper;
	int r = credentials_in(text, strlen(text), registry, path, a, &c, &helper, &err);
	return r < 0              ? err.text
	       : helper           ? arena_printf(a, "helper %s", helper)
	       : r == 0           ? "-"
	       : c.identity_token ? arena_printf(a, "token %s", c.identity_token)
				  : arena_printf(a, "%s:%s", c.username, c.password);
}

static void logins_are_found(void **state)
{
	(void)state;
	static const char text[] =
		"{\"auths\":{\"r\":{\"auth\":\"YTpi\"},\"r/team\":{\"username\":\"u\",\"password\":\"p\"},"
		"\"https://index.docker.io/v1/"
		"\":{\"auth\":\"aHViOngKeQ==\"},\"t\":{\"identitytoken\":\"i\"},\"bad\":{\"auth\":\"%%%%\"}},"
		"\"credHelpers\":{\"h\":\"own\"},\"credsStore\":\"store\"}";
	assert_string_equal(who(text, "r", "x"), "a:b");
	assert_string_equal(who(text, "r", "team/x"), "u:p");
	assert_string_equal(who(text, "r", "teams"), "a:b");
	assert_string_equal(who(text, "docker.io", "library/x"), "hub:x\ny");
	assert_string_equal(who(text, "t", "x"), "token i");
	assert_string_equal(who(text, "h", "x"), "helper own");
	assert_string_equal(who(text, "other", "x"), "helper store");
	assert_string_equal(who("{}", "other", "x"), "-");
	assert_non_null(strstr(who(text, "bad", "x"), "base64"));
	assert_true(*who("[", "r", "x") != '-');
}

/* --- manifests -------------------------------------------------------------------------------------------------- */

#define DIGEST "sha256:0123456789012345678901234567890123456789012345678901234567890123"

static void platforms_are_chosen(void **state)
{
	(void)state;
	struct platform v6 = { "linux", "arm", "v6" }, v7 = { "linux", "arm", "v7" },
			any = { "linux", "arm", NULL };
	struct descriptor all[] = { { .digest = "v6", .platform = &v6 },
				    { .digest = "any", .platform = &any },
				    { .digest = "v7", .platform = &v7 } };
	struct manifest index = { .manifests = { all, 3 } };
	struct platform amd64 = { "linux", "amd64", NULL }, v8 = { "linux", "arm", "v8" };
	assert_string_equal(manifest_choose(&index, &v7)->digest, "v7");
	assert_string_equal(manifest_choose(&index, &any)->digest, "any");
	assert_string_equal(manifest_choose(&index, &v8)->digest, "any");
	assert_null(manifest_choose(&index, &amd64));
	struct platform p;
	assert_int_equal(platform_parse("linux/arm64/v8", a, &p, &err), 0);
	assert_string_equal(p.variant, "v8");
	assert_true(platform_parse("linux/", a, &p, &err) < 0 && platform_parse("a/b/c/d", a, &p, &err) < 0);
}

static void a_manifest_is_what_it_was_sent_as(void **state)
{
	(void)state;
	static const char text[] =
		"{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE_OCI
		"\",\"config\":{\"digest\":\"" DIGEST "\",\"size\":2},\"layers\":[{\"digest\":\"" DIGEST
		"\",\"size\":0}],\"more\":1}";
	struct manifest m;
	assert_int_equal(manifest_parse(text, strlen(text), MANIFEST_TYPE_OCI "; charset=utf-8", a, &m, &err),
			 0);
	assert_int_equal(m.layers.n, 1);
	assert_int_equal(manifest_parse(text, strlen(text), NULL, a, &m, &err), 0);
	assert_true(manifest_parse(text, strlen(text), INDEX_TYPE_OCI, a, &m, &err) < 0);
	assert_non_null(strstr(err.text, "was sent as"));
}

static const char *scope_of(const char *text, const char *name)
{
	struct reference ref = reference_split(name, a);
	struct policy_requirements r;
	static const char *const kinds[] = { "accept", "reject", "sigstore" };
	return policy_read("policy", text, strlen(text), &ref, a, &r, &err) < 0 ? err.text
										: kinds[r.at[0].kind];
}

static void the_narrowest_scope_decides(void **state)
{
	(void)state;
#define ACCEPT "[{\"type\":\"insecureAcceptAnything\"}]"
#define REJECT "[{\"type\":\"reject\"}]"
	static const char text[] = "{\"default\":" REJECT ",\"transports\":{\"docker\":{\"h:5000\":" ACCEPT
				   ",\"h:5000/a\":" REJECT ",\"h:5000/a/b:1\":" ACCEPT
				   ",\"*.example.org\":" ACCEPT ",\"x.example.org/no\":" REJECT "}}}";
	assert_string_equal(scope_of(text, "h:5000/b:1"), "accept");
	assert_string_equal(scope_of(text, "h:5000/a/b:2"), "reject");
	assert_string_equal(scope_of(text, "h:5000/a/b:1"), "accept");
	assert_string_equal(scope_of(text, "h:5000/ab:1"), "accept");
	assert_string_equal(scope_of(text, "h:5001/b:1"), "reject");
	assert_string_equal(scope_of(text, "y.x.example.org/a:1"), "accept");
	assert_string_equal(scope_of(text, "x.example.org/no/a:1"), "reject");
	assert_string_equal(scope_of(text, "example.org/a:1"), "reject");
	assert_non_null(strstr(scope_of("{}", "h/a:1"), "no default"));
	assert_non_null(strstr(scope_of("{\"default\":[]}", "h/a:1"), "empty list"));
}

static bool matches(const char *identity, const char *other, const char *name, const char *signed_name)
{
	struct reference ref = reference_split(name, a);
	struct policy_requirement r = { .identity = identity, .identity_name = other };
	return policy_identity_matches(&r, &ref, signed_name, a);
}

static void signed_names_are_compared(void **state)
{
	(void)state;
	static const char by_digest[] = "h:1/a@" DIGEST;
	assert_true(matches("matchExact", NULL, "h:1/a:1", "h:1/a:1"));
	assert_false(matches("matchExact", NULL, "h:1/a:1", "h:1/a:2"));
	assert_false(matches("matchExact", NULL, "h:1/a:latest",
			     "h:1/a")); /* a name without a tag is not signed as latest */
	assert_false(matches("matchExact", NULL, by_digest, "h:1/a:1"));
	assert_true(matches("matchRepoDigestOrExact", NULL, by_digest, "h:1/a:1"));
	assert_false(matches("matchRepoDigestOrExact", NULL, "h:1/a:1", "h:1/a:2"));
	assert_true(matches("matchRepository", NULL, "h:1/a:1", "h:1/a"));
	assert_false(matches("matchRepository", NULL, "h:1/a:1", "h:1/b"));
	assert_true(matches("exactRepository", "h:1/b", "h:1/a:1", "h:1/b:7"));
	assert_false(matches("exactReference", "h:1/b:1", "h:1/a:1", "h:1/b:7"));
	assert_false(matches("matchExact", NULL, "h:1/a:1", "NOT A NAME"));
	assert_false(matches("matchExact", NULL, "h:1/a:1", NULL));
}

static void pages_are_followed_only_at_home(void **state)
{
	(void)state;
	assert_string_equal(link_next("</v2/_catalog?last=a>; rel=\"next\"", a), "/v2/_catalog?last=a");
	assert_null(link_next("<https://elsewhere/>; rel=\"next\"", a));
	assert_null(link_next("<//elsewhere/>; rel=\"next\"", a));
	assert_null(link_next("</x>; rel=\"prev\"", a));
	assert_null(link_next("</x", a));
	assert_null(link_next(NULL, a));
}

static void bars_tell_rate_and_time_left(void **state)
{
	(void)state;
	_cleanup_text_ struct text t = {};
	struct progress_item item = { .digest = DIGEST,
				      .size = 100000000,
				      .at = 50000000,
				      .begun_us = US_PER_SECOND,
				      .state = PROGRESS_TRANSFER };
	progress_bar(&item, 6 * US_PER_SECOND, 100, &t);
	assert_string_equal(
		t.at,
		"012345678901 [===============>              ] 50.0 MB of 100.0 MB  10.0 MB/s  5 s left");
	text_free(&t);
	progress_bar(&item, 6 * US_PER_SECOND, 20, &t);
	assert_int_equal(t.n, 20);
	text_free(&t);
	item.state = PROGRESS_DONE;
	progress_bar(&item, 6 * US_PER_SECOND, 100, &t);
	assert_string_equal(t.at, "012345678901 done  100.0 MB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(toml_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(registries_are_located, setup, teardown),
		cmocka_unit_test_setup_teardown(short_names_have_candidates, setup, teardown),
		cmocka_unit_test_setup_teardown(old_and_wrong_registries_confs_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(challenges_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(logins_are_found, setup, teardown),
		cmocka_unit_test_setup_teardown(platforms_are_chosen, setup, teardown),
		cmocka_unit_test_setup_teardown(a_manifest_is_what_it_was_sent_as, setup, teardown),
		cmocka_unit_test_setup_teardown(the_narrowest_scope_decides, setup, teardown),
		cmocka_unit_test_setup_teardown(signed_names_are_compared, setup, teardown),
		cmocka_unit_test_setup_teardown(pages_are_followed_only_at_home, setup, teardown),
		cmocka_unit_test_setup_teardown(bars_tell_rate_and_time_left, setup, teardown),
	};
	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
