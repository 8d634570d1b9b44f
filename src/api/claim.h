/* claim.h — PersistentVolumeClaim: storage with a name, which outlives pods (core/v1 types.go).
 *
 * There is one kind of storage here, a directory of this machine, so a claim is bound as soon as it is made, and there are no PersistentVolumes and
 * no classes. What it holds is ROOT/volumes/<name>, or <namespace>_<name> in another namespace than "default".
 */
#pragma once

#include "api/meta.h"

struct claim_resources {
	struct quantity_map limits, requests;
};

struct claim_spec {
	struct strings accessModes; /* ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod */
	struct claim_resources resources;
	const char *storageClassName, *volumeMode, *volumeName, *volumeAttributesClassName;
	struct node *selector, *dataSource, *dataSourceRef;
};

struct claim_status {
	const char *phase;
	struct strings accessModes;
	struct quantity_map capacity;
};

struct claim {
	const char *apiVersion, *kind;
	struct object_meta metadata;
	struct claim_spec spec;
	struct claim_status status;
};

extern const struct table claim_table, claim_spec_table;

/* The rules between fields; True if no error was added. PATH: of the spec. */
bool claim_validate(const struct claim *c, struct problems *problems);
bool claim_spec_validate(const struct claim_spec *spec, const char *path, struct problems *problems);

/* Fills in its status: it is bound as soon as it is there. */
void claim_settle(struct claim *c);

/* True if MODE is among its access modes. */
bool claim_has_mode(const struct claim_spec *spec, const char *mode);

/* The directory below ROOT of the claim NAME: "volumes/data". Returns BUFFER. */
enum { CLAIM_DIRECTORY_SIZE = 400 };
const char *claim_directory(const char *namespace, const char *name,
			    char buffer[static CLAIM_DIRECTORY_SIZE]);
