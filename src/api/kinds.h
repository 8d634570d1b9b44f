/* kinds.h — which kinds of objects there are, and what one may call them on a command line.
 */
#pragma once

#include "object/field.h"

enum object_kind { KIND_POD, KIND_CONFIG_MAP, KIND_SECRET, KIND_CLAIM, KIND_SERVICE };

struct kind {
	enum object_kind kind;
	const char *name;       /* "ConfigMap", as in manifests */
	const char *plural;     /* "configmaps", as on command lines and in store.h */
	const char *singular;   /* "configmap", as in "configmap/x created" */
	const char *short_name; /* "cm" */
	const struct table *table;
};

/* The kind that a manifest (VERSION "v1") names; NULL: none that Seapod reads, and err says why: not supported yet, a wrong
 * apiVersion, or unknown (with a near miss). VERSION NULL is not looked at. */
const struct kind *kind_of_manifest(const char *version, const char *name, struct error *err);

/* The kind that a person names: "pod", "pods", "po", "Pod", "cm" …; NULL with a near miss in err. */
const struct kind *kind_of_word(const char *word, struct error *err);

/* Kind number I, from 0; NULL after the last. */
const struct kind *kind_at(size_t i);
