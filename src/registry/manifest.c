/* manifest.c — see manifest.h. */
#include "registry/manifest.h"

#include <sys/utsname.h>

#include "base/cleanup.h"
#include "image/digest.h"
#include "object/json.h"

static const char *check_digest(const char *text)
{
	return digest_is_right(text) ? NULL : "is no sha256 digest, which is the only kind that is read";
}

static const struct field platform_fields[] = {
	VALUE(platform, os),
	VALUE(platform, architecture),
	VALUE(platform, variant),
};
static const struct table platform_table = TABLE(platform, platform_fields, "A platform.", .open = true);

static const struct field descriptor_fields[] = {
	VALUE(descriptor, mediaType),
	VALUE(descriptor, digest, .required = true, .check = check_digest),
	VALUE(descriptor, size, .required = true, .min = 0, .max = INT64_MAX),
	VALUE(descriptor, artifactType),
	OPTIONAL(descriptor, platform, platform_table),
	VALUE(descriptor, annotations),
};
static const struct table descriptor_table =
	TABLE(descriptor, descriptor_fields, "A descriptor.", .open = true);

static const struct field manifest_fields[] = {
	VALUE(manifest, schemaVersion, .required = true),
	VALUE(manifest, mediaType),
	VALUE(manifest, artifactType),
	OPTIONAL(manifest, config, descriptor_table),
	OPTIONAL(manifest, subject, descriptor_table),
	OBJECTS(manifest, layers, descriptor_table),
	OBJECTS(manifest, manifests, descriptor_table),
};
static const struct table manifest_table = TABLE(manifest, manifest_fields, "A manifest.", .open = true);

/* Is that the content type TYPE, its parameters aside? */
static bool is_type(const char *content_type, const char *type)
{
	size_t n = strcspn(content_type, "; ");
	return strlen(type) == n && memcmp(content_type, type, n) == 0;
}

static int check_schema(const struct node *n, const char *content_type, struct error *err)
{
	const struct node *version = node_get(n, "schemaVersion");
	bool number = version && version->kind == NODE_INT;

	if ((number && version->integer == 1) || strstr(content_type, "manifest.v1+pretty"))
		return error_set(err, EPROTONOSUPPORT,
				 "it is in Docker's schema 1, which is outdated and not read "
				 "(push it again with a newer tool)");
	if (!number || version->integer != 2)
		return error_set(err, EPROTO,
				 "what the registry sends is no manifest: it has no schemaVersion 2");
	if (node_get(n, "manifests") && (node_get(n, "layers") || node_get(n, "config")))
		return error_set(err, EPROTO, "the manifest is a manifest and an index at once");
	return 0;
}

static int check_type(const struct manifest *m, const char *content_type, struct error *err)
{
	static const char *const generic[] = { "", "application/json", "text/plain",
					       "application/octet-stream" };

	for (size_t i = 0; i < sizeof(generic) / sizeof(*generic); i++)
		if (is_type(content_type, generic[i]))
			return 0;
	if (text_empty(m->mediaType) || is_type(content_type, m->mediaType))
		return 0;
	return error_set(err, EPROTO, "the manifest says it is '%.100s', but was sent as '%.100s'",
			 m->mediaType, content_type);
}

static int check_size(const struct manifest *m, struct error *err)
{
	if (m->layers.n > MANIFEST_LAYERS_MAX)
		return error_set(err, EFBIG, "the image has %zu layers; at most %d are read", m->layers.n,
				 MANIFEST_LAYERS_MAX);
	if (m->manifests.n > MANIFEST_INDEX_MAX)
		return error_set(err, EFBIG, "the index has %zu manifests; at most %d are read",
				 m->manifests.n, MANIFEST_INDEX_MAX);
	if (!m->is_index && !m->config)
		return error_set(err, EPROTO, "the manifest has no config");
	if (!m->is_index && m->config->size > CONFIG_MAX)
		return error_set(err, EFBIG, "the image's config has %lld bytes; at most %d are read",
				 (long long)m->config->size, CONFIG_MAX);
	return 0;
}

int manifest_parse(const char *text, size_t size, const char *content_type, struct arena *a,
		   struct manifest *out, struct error *err)
{
	struct problems problems = { .arena = a };
	struct node *n = node_from_json(a, text, size, err);

	*out = (struct manifest){};
	if (!n)
		return error_prefix(err, "the manifest");
	if (!content_type)
		content_type = "";
	int r = check_schema(n, content_type, err);
	if (r < 0)
		return r;
	if (!object_decode(&manifest_table, n, out, a, NULL, &problems))
		return error_set(err, EPROTO, "the manifest: %s", problems.errors.at[0].text);
	out->is_index = node_get(n, "manifests");
	r = check_type(out, content_type, err);
	return r < 0 ? r : check_size(out, err);
}

/* --- platforms ------------------------------------------------------------------------------------------ */

struct platform platform_own(void)
{
	static struct utsname u;
	static const struct {
		const char *machine, *architecture, *variant;
	} names[] = {
		{ "x86_64", "amd64", NULL }, { "aarch64", "arm64", "v8" }, { "armv7l", "arm", "v7" },
		{ "armv6l", "arm", "v6" },   { "i686", "386", NULL },
	};

	uname(&u);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_is(u.machine, names[i].machine))
			return (struct platform){ "linux", names[i].architecture, names[i].variant };
	return (struct platform){ "linux", u.machine, NULL };
}

int platform_parse(const char *text, struct arena *a, struct platform *out, struct error *err)
{
	char *copy = arena_strdup(a, text), *slash = strchr(copy, '/');

	*out = (struct platform){ .os = "linux", .architecture = copy };
	if (slash) {
		*slash = '\0';
		*out = (struct platform){ .os = copy, .architecture = slash + 1 };
		slash = strchr(slash + 1, '/');
	}
	if (slash) {
		*slash = '\0';
		out->variant = slash + 1;
	}
	if (!*out->os || !*out->architecture ||
	    (out->variant && (!*out->variant || strchr(out->variant, '/'))))
		return error_set(
			err, EINVAL,
			"'%s' is no platform (OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, as linux/arm64)",
			text);
	return 0;
}

static int fitness(const struct platform *p, const struct platform *wanted)
{
	if (!text_is(p->os, wanted->os) || !text_is(p->architecture, wanted->architecture))
		return 0;
	if (text_empty(p->variant))
		return text_empty(wanted->variant) ? 3 : 2;
	return text_is(p->variant, wanted->variant) ? 3 : 1;
}

const struct descriptor *manifest_choose(const struct manifest *index, const struct platform *wanted)
{
	const struct descriptor *best = NULL;
	int best_fitness = 0;

	list_each(m, &index->manifests) {
		int n = m->platform ? fitness(m->platform, wanted) : 0;
		if (n > best_fitness) {
			best = m;
			best_fitness = n;
		}
	}
	if (!best && index->manifests.n == 1 && !index->manifests.at[0].platform)
		best = &index->manifests.at[0]; /* an index around one image */
	return best;
}

const char *manifest_platforms(const struct manifest *index, struct arena *a)
{
	_cleanup_text_ struct text t = {};

	list_each(m, &index->manifests) {
		const struct platform *p = m->platform;
		if (!p || !p->os || !p->architecture || text_is(p->os, "unknown") || t.n > 200)
			continue;
		text_printf(&t, "%s%.20s/%.20s", t.n ? ", " : "", p->os, p->architecture);
		if (!text_empty(p->variant))
			text_printf(&t, "/%.20s", p->variant);
	}
	return t.n ? arena_strdup(a, t.at) : "none that is named";
}
