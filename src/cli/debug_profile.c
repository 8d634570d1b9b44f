/* debug_profile.c — see debug_profile.h. */
#include "cli/debug_profile.h"

#include <fcntl.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "object/yaml.h"

static const struct optional_bool yes = { true, true }, no = { true, false };

static struct capabilities *capabilities_of(struct context *x, struct security_context *s)
{
	if (!s->capabilities)
		s->capabilities = arena_one(x->arena, struct capabilities);
	return s->capabilities;
}

static void add(struct context *x, struct security_context *s, const char *capability)
{
	*list_add(x->arena, &capabilities_of(x, s)->add) = capability;
}

static void general(struct context *x, struct security_context *s)
{
	add(x, s, "SYS_PTRACE");
}

static void baseline(struct context *x, struct security_context *s)
{
	(void)x;
	*s = (struct security_context){};
}

static void restricted(struct context *x, struct security_context *s)
{
	*list_add(x->arena, &capabilities_of(x, s)->drop) = "ALL";
	s->runAsNonRoot = yes;
	s->allowPrivilegeEscalation = no;
	s->seccompProfile = arena_one(x->arena, struct seccomp_profile);
	s->seccompProfile->type = "RuntimeDefault";
}

static void netadmin(struct context *x, struct security_context *s)
{
	add(x, s, "NET_ADMIN");
	add(x, s, "NET_RAW");
}

static void sysadmin(struct context *x, struct security_context *s)
{
	(void)x;
	s->privileged = yes;
}

int debug_profile(struct context *x, struct container *c, const char *profile, struct error *err)
{
	static const struct {
		const char *name;
		void (*apply)(struct context *x, struct security_context *s);
	} profiles[] = {
		{ "general", general },   { "baseline", baseline }, { "restricted", restricted },
		{ "netadmin", netadmin }, { "sysadmin", sysadmin },
	};

	for (size_t i = 0; i < sizeof(profiles) / sizeof(*profiles); i++) {
		if (!text_is(profiles[i].name, profile))
			continue;
		if (!c->securityContext)
			c->securityContext = arena_one(x->arena, struct security_context);
		profiles[i].apply(x, c->securityContext);
		return 0;
	}
	return usage_error(err,
			   "there is no profile '%.40s' (general, baseline, restricted, netadmin, sysadmin)",
			   profile);
}

int debug_custom(struct context *x, struct container *c, const char *path, struct error *err)
{
	static const char *const ours[] = { "name", "image", "command", "args" };
	struct problems problems = { .arena = x->arena, .file = path };
	struct yaml_documents documents = {};
	char *text = NULL;
	size_t size;
	int r = file_read(AT_FDCWD, path, 1024 * 1024, &text, &size, err);

	if (r < 0)
		return r;
	_cleanup_free_ char *owned = text;
	yaml_read(x->arena, path, text, size, &documents, &problems);
	if (problems.errors.n == 0 && (documents.n != 1 || documents.at[0]->kind != NODE_MAP))
		return error_set(err, EINVAL, "%s: this is not a part of a container", path);
	for (size_t i = 0; problems.errors.n == 0 && i < sizeof(ours) / sizeof(*ours); i++)
		if (node_get(documents.at[0], ours[i]))
			return error_set(err, EINVAL, "%s: '%s' is given on the command line", path, ours[i]);
	if (problems.errors.n == 0) {
		node_put(x->arena, documents.at[0], "name", node_string(x->arena, "debugger"));
		node_put(x->arena, documents.at[0], "image", node_string(x->arena, "none"));
		object_decode(&ephemeral_container_table, documents.at[0], c, x->arena, NULL, &problems);
		c->name = c->image = NULL;
	}
	return problems.errors.n ? error_set(err, EINVAL, "%s", problems.errors.at[0].text) : 0;
}
