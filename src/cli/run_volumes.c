/* run_volumes.c — Docker's -v, --mount, --tmpfs and --shm-size, as volumes of the pod and mounts of its container; see run.h. */
#include <stdlib.h>
#include <unistd.h>

#include "api/names.h"
#include "cli/run.h"

/* A volume "v1", "v2" … mounted at TARGET. */
static struct volume *add(struct context *x, struct running *r, const char *target, bool read_only)
{
	struct volume *v = list_add(x->arena, &r->pod.spec.volumes);

	v->name = arena_printf(x->arena, "v%zu", r->pod.spec.volumes.n);
	*list_add(x->arena, &r->container->volumeMounts) =
		(struct volume_mount){ .name = v->name, .mountPath = target, .readOnly = read_only };
	return v;
}

/* A path of the host, "./data" and "~"-less relative ones, too. */
static int add_bind(struct context *x, struct running *r, const char *spec, const char *source,
		    const char *target, bool read_only, struct error *err)
{
	_cleanup_free_ char *whole = realpath(source, NULL);

	if (!whole) {
		error_code(err, -errno, "%s: the host has no '%s'", spec, source);
		return errno == ENOENT ? error_hint(err, "mkdir makes it") : -err->code;
	}
	struct volume *v = add(x, r, target, read_only);
	v->hostPath = arena_one(x->arena, struct host_path_volume);
	*v->hostPath = (struct host_path_volume){ arena_strdup(x->arena, whole), "" };
	return 0;
}

static int add_claim(struct context *x, struct running *r, const char *spec, const char *source,
		     const char *target, bool read_only, struct error *err)
{
	if (name_dns_subdomain(source))
		return usage_error(err, "%s: '%s' is neither a path (/dir, ./dir) nor the name of a volume",
				   spec, source);
	struct volume *v = add(x, r, target, read_only);
	v->persistentVolumeClaim = arena_one(x->arena, struct claim_volume);
	*v->persistentVolumeClaim = (struct claim_volume){ .claimName = source };
	return 0;
}

static int add_memory(struct context *x, struct running *r, const char *spec, const char *target,
		      const char *size, const char *mode, struct error *err)
{
	struct volume *v = add(x, r, target, false);
	char *end;

	v->emptyDir = arena_one(x->arena, struct empty_dir_volume);
	v->emptyDir->medium = "Memory";
	if (size && docker_bytes(size, x->arena, &v->emptyDir->sizeLimit) < 0)
		return usage_error(err, "%s: '%s' is not a size (64m, 1g)", spec, size);
	if (mode) {
		v->emptyDir->mode = (struct optional_int){ true, (int64_t)strtol(mode, &end, 8) };
		if (*end || end == mode)
			return usage_error(err, "%s: '%s' is not a mode (1777)", spec, mode);
	}
	return 0;
}

static int check_target(const char *spec, const char *target, struct error *err)
{
	return target && *target == '/'
		       ? 0
		       : usage_error(err, "%s: the path in the container must be absolute", spec);
}

/* "ro,z": what Docker and Podman write there; z and Z are about SELinux, which is not used. */
static int read_flags(struct context *x, const char *spec, const char *flags, bool *read_only,
		      struct error *err)
{
	static const char *const without_effect[] = { "rw",      "z",          "Z",      "rprivate",
						      "private", "consistent", "cached", "delegated" };

	for (const char *end; flags && *flags; flags = end + (*end == ',')) {
		const char *flag =
			arena_strndup(x->arena, flags, (size_t)((end = strchrnul(flags, ',')) - flags));
		bool known = text_is(flag, "ro");
		*read_only = *read_only || known;
		for (size_t i = 0; i < sizeof(without_effect) / sizeof(*without_effect); i++)
			known = known || text_is(flag, without_effect[i]);
		if (!known)
			return usage_error(err, "%s: there is no option '%s' (ro, rw)", spec, flag);
	}
	return 0;
}

int run_add_volume(struct context *x, struct running *r, const char *value, struct error *err)
{
	const char *spec = arena_printf(x->arena, "-v %s", value);
	char *source = arena_strdup(x->arena, value), *target = strchr(source, ':'), *flags = NULL;
	bool read_only = false;

	if (!target)
		return usage_error(err,
				   "%s: it is SRC:DST or SRC:DST:ro (an emptyDir of a manifest needs no SRC)",
				   spec);
	*target++ = '\0';
	if ((flags = strchr(target, ':')))
		*flags++ = '\0';
	if (check_target(spec, target, err) < 0 || read_flags(x, spec, flags, &read_only, err) < 0)
		return -EXIT_USAGE;
	bool path = *source == '/' || text_is(source, ".") || text_is(source, "..") ||
		    text_starts(source, "./") || text_starts(source, "../");
	return path ? add_bind(x, r, spec, source, target, read_only, err)
		    : add_claim(x, r, spec, source, target, read_only, err);
}

struct mount_words {
	const char *type, *source, *target, *size, *mode;
	bool read_only;
};

static int read_word(const char *spec, char *word, struct mount_words *w, struct error *err)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	if (text_is(word, "readonly") || text_is(word, "ro"))
		w->read_only = !value || text_is(value, "true") || text_is(value, "1");
	else if (value && text_is(word, "type"))
		w->type = value;
	else if (value && (text_is(word, "source") || text_is(word, "src")))
		w->source = value;
	else if (value && (text_is(word, "target") || text_is(word, "dst") || text_is(word, "destination")))
		w->target = value;
	else if (value && text_is(word, "tmpfs-size"))
		w->size = value;
	else if (value && text_is(word, "tmpfs-mode"))
		w->mode = value;
	else
		return usage_error(
			err, "%s: there is no '%s' (type, source, target, readonly, tmpfs-size, tmpfs-mode)",
			spec, word);
	return 0;
}

int run_add_mount(struct context *x, struct running *r, const char *value, struct error *err)
{
	const char *spec = arena_printf(x->arena, "--mount %s", value);
	struct mount_words w = { .type = "volume" };
	char *state, *words = arena_strdup(x->arena, value);

	for (char *word = strtok_r(words, ",", &state); word; word = strtok_r(NULL, ",", &state))
		if (read_word(spec, word, &w, err) < 0)
			return -EXIT_USAGE;
	if (check_target(spec, w.target, err) < 0)
		return -EXIT_USAGE;
	if (text_is(w.type, "tmpfs"))
		return add_memory(x, r, spec, w.target, w.size, w.mode, err);
	if (!w.source)
		return usage_error(err, "%s: source= is missing", spec);
	if (text_is(w.type, "bind"))
		return add_bind(x, r, spec, w.source, w.target, w.read_only, err);
	return text_is(w.type, "volume")
		       ? add_claim(x, r, spec, w.source, w.target, w.read_only, err)
		       : usage_error(err, "%s: there is no type '%s' (bind, volume, tmpfs)", spec, w.type);
}

/* "/run:size=64m,mode=1777,rw,noexec": the flags of the mount are those of every emptyDir. */
int run_add_tmpfs(struct context *x, struct running *r, const char *value, struct error *err)
{
	const char *spec = arena_printf(x->arena, "--tmpfs %s", value), *size = NULL, *mode = NULL;
	char *target = arena_strdup(x->arena, value), *options = strchr(target, ':'), *state;

	if (options)
		*options++ = '\0';
	for (char *word = options ? strtok_r(options, ",", &state) : NULL; word;
	     word = strtok_r(NULL, ",", &state)) {
		if (text_starts(word, "size="))
			size = word + strlen("size=");
		else if (text_starts(word, "mode="))
			mode = word + strlen("mode=");
		else if (!text_is(word, "rw") && !text_starts(word, "no") && !text_is(word, "exec"))
			return usage_error(err, "%s: there is no option '%s' (size=, mode=)", spec, word);
	}
	if (check_target(spec, target, err) < 0)
		return -EXIT_USAGE;
	return add_memory(x, r, spec, target, size, mode, err);
}

int run_set_shm_size(struct context *x, struct running *r, const char *value, struct error *err)
{
	return add_memory(x, r, arena_printf(x->arena, "--shm-size %s", value), "/dev/shm", value, "1777",
			  err);
}
