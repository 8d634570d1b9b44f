/* store.h — the objects that pods refer to: ROOT/objects/<kind>/<namespace>/<name>.json.
 *
 * A ConfigMap or Secret that was applied stays here until it is deleted. One file an object, replaced by rename, so readers need no
 * lock; directories are 0700 and files 0600. KIND is in lower case, plural: "configmaps", "secrets".
 */
#pragma once

#include "base/instance.h"
#include "object/node.h"

enum store_result { STORE_CREATED, STORE_CONFIGURED, STORE_UNCHANGED };

/* Writes OBJECT. The result, or negative: an immutable object that would change is -EPERM. */
int store_put(const struct instance *in, const char *kind, const char *namespace, const char *name,
	      struct node *object, struct error *err);

/* Reads an object into A; NULL: it is not there (-ENOENT in err) or cannot be read. */
struct node *store_get(const struct instance *in, const char *kind, const char *namespace, const char *name,
		       struct arena *a, struct error *err);

/* 0 or -ENOENT. */
int store_remove(const struct instance *in, const char *kind, const char *namespace, const char *name,
		 struct error *err);

/* Every object of KIND in NAMESPACE (NULL: in all), sorted by namespace and name. */
struct store_objects LIST(struct node *);
int store_list(const struct instance *in, const char *kind, const char *namespace, struct arena *a,
	       struct store_objects *out, struct error *err);
