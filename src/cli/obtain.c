/* obtain.c — see obtain.h. */
#include "cli/obtain.h"

#include <stdio.h>

#include "api/config.h"
#include "api/store.h"
#include "cli/registry.h"
#include "image/reference.h"
#include "registry/registries.h"

int image_find(struct context *x, const char *name, struct image *out, struct error *err)
{
	struct registries registries;
	struct strings names = {};

	if (!reference_has_registry(name) && registries_read(&registries, x->arena, NULL) == 0 &&
	    registries_candidates(&registries, name, x->arena, &names, NULL) == 0)
		list_each(candidate, &names)
			if (image_resolve(&x->in, *candidate, x->arena, out, NULL) == 0)
				return 0;
	return image_resolve(&x->in, name, x->arena, out, err);
}

/* --- secrets ----------------------------------------------------------------------------------------------- */

/* The text of config.json in the Secret NAME; NULL: a warning has been said (a kubelet pulls without it, too). */
static const char *read_secret(struct context *x, const char *namespace, const char *name)
{
	struct problems ignored = { .arena = x->arena };
	struct error err = {};
	struct secret secret = {};
	struct node *n = store_get(&x->in, "secrets", namespace, name, x->arena, &err);

	if (n)
		object_decode(&secret_table, n, &secret, x->arena, NULL, &ignored);
	list_each(pair, &secret.data) {
		if (text_is(pair->key, ".dockerconfigjson"))
			return pair->value.at;
		if (text_is(pair->key, ".dockercfg")) /* the older form: the inside of "auths" */
			return arena_printf(x->arena, "{\"auths\":%s}", pair->value.at);
	}
	fprintf(stderr, "seapod: warning: the image pull secret '%s' %s\n", name,
		n ? "has no .dockerconfigjson" : "is not there (seapod apply brings it)");
	return NULL;
}

static void add_secrets(struct context *x, const struct pod *pod, struct registry_call *call)
{
	list_each(reference, &pod->spec.imagePullSecrets) {
		const char *text =
			reference->name ? read_secret(x, pod->metadata.namespace, reference->name) : NULL;
		if (text)
			*list_add(x->arena, &call->secrets) = text;
	}
}

/* --- policy ------------------------------------------------------------------------------------------------- */

static int pull(struct context *x, const struct pod *pod, const char *name, struct error *err)
{
	struct registry_call call = { .verb = "pull" };

	*list_add(x->arena, &call.arguments) = name;
	add_secrets(x, pod, &call);
	int r = registry_run(x, &call, err);
	if (r < 0 && err->text[strlen(err->text) - 1] != ')') /* it has no better advice */
		error_hint(err, "seapod load brings it from a file");
	return r < 0 ? error_prefix(err, "ErrImagePull") : 0;
}

/* Always, but nobody has said so: what is here will do if it is from here, or nobody answers. */
static int refresh(struct context *x, const struct pod *pod, const char *name, struct image *out,
		   struct error *err)
{
	struct error why = {};

	if (!out->origin)
		return 0;
	if (pull(x, pod, name, &why) == 0)
		return image_find(x, name, out, err);
	fprintf(stderr, "seapod: warning: the image that is here is used: %s\n", why.text);
	return 0;
}

int image_obtain(struct context *x, const struct pod *pod, const struct wanted_image *wanted,
		 struct image *out, struct error *err)
{
	const char *name = wanted->name;
	bool always = text_is(wanted->policy, "Always");

	if (!text_starts(name, "sha256:") && !reference_complete(name, x->arena, err))
		return error_prefix(err, "InvalidImageName");
	bool here = image_find(x, name, out, NULL) == 0;
	if (here && always && wanted->policy_defaulted)
		return refresh(x, pod, name, out, err);
	if (here && !always)
		return 0;
	if (text_is(wanted->policy, "Never") || text_starts(name, "sha256:"))
		return error_set(err, ENOENT,
				 "ErrImageNeverPull: the image '%s' is not here (seapod pull or seapod load "
				 "brings it)",
				 name);
	int r = pull(x, pod, name, err);
	return r < 0 ? r : image_find(x, name, out, err);
}
