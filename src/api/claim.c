/* claim.c — the table of the PersistentVolumeClaim and its rules; see claim.h. */
#include "api/claim.h"

#include <stdio.h>

#include "api/annotations.h"
#include "api/names.h"
#include "base/text.h"

static const char *only_storage(const char *text)
{
	return text_is(text, "storage") ? NULL : "is nothing that a claim may ask for (storage)";
}

static const struct field resources_fields[] = {
	VALUE(claim_resources, limits, .effect = NO_EFFECT, .why = "a directory has no size",
	      .doc = "The most it may hold."),
	VALUE(claim_resources, requests, .check = only_storage,
	      .doc = "How much storage; told as capacity, and not reserved: a directory has no size."),
};
static const struct table resources_table = TABLE(claim_resources, resources_fields, "How much storage.");

static const struct field spec_fields[] = {
	VALUE(claim_spec, accessModes,
	      .doc = "ReadWriteOnce, ReadOnlyMany, ReadWriteMany; ReadWriteOncePod: one pod at a time."),
	OBJECT(claim_spec, resources, resources_table, .doc = "How much storage."),
	VALUE(claim_spec, storageClassName, .effect = NO_EFFECT,
	      .why = "there is one kind of storage, a directory", .doc = "The kind of storage."),
	VALUE(claim_spec, volumeMode, .values = "Filesystem", .fallback = "Filesystem",
	      .doc = "Block devices are not to be had."),
	VALUE(claim_spec, volumeName, .effect = NO_EFFECT, .why = "there are no PersistentVolumes",
	      .doc = "A PersistentVolume."),
	VALUE(claim_spec, volumeAttributesClassName, .effect = NO_EFFECT,
	      .why = "there is one kind of storage, a directory", .doc = "Its attributes."),
	VALUE(claim_spec, selector, .effect = NO_EFFECT, .why = "there are no PersistentVolumes",
	      .doc = "Chooses a PersistentVolume."),
	VALUE(claim_spec, dataSource, .effect = REJECTED, .why = "needs a CSI driver",
	      .doc = "A snapshot or a clone."),
	VALUE(claim_spec, dataSourceRef, .effect = REJECTED, .why = "needs a CSI driver",
	      .doc = "A snapshot or a clone."),
};
const struct table claim_spec_table = TABLE(claim_spec, spec_fields, "What storage is wanted.");

static const struct field status_fields[] = {
	VALUE(claim_status, phase, .doc = "Bound."),
	VALUE(claim_status, accessModes),
	VALUE(claim_status, capacity),
};
static const struct table status_table = TABLE(claim_status, status_fields, "What it has.", .open = true);

static const struct field claim_fields[] = {
	VALUE(claim, apiVersion, .required = true, .values = "v1"),
	VALUE(claim, kind, .required = true),
	OBJECT(claim, metadata, object_meta_table, .required = true),
	OBJECT(claim, spec, claim_spec_table, .required = true, .doc = "What storage is wanted."),
	OBJECT(claim, status, status_table, .doc = "What it has; ignored on input."),
};
const struct table claim_table = TABLE(claim, claim_fields, "Storage with a name, which outlives pods.");

bool claim_has_mode(const struct claim_spec *spec, const char *mode)
{
	list_each(have, &spec->accessModes)
		if (text_is(*have, mode))
			return true;
	return false;
}

static bool is_mode(const char *mode)
{
	static const char *const modes[] = { "ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany",
					     "ReadWriteOncePod" };

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (text_is(mode, modes[i]))
			return true;
	return false;
}

bool claim_spec_validate(const struct claim_spec *spec, const char *path, struct problems *p)
{
	size_t before = p->errors.n + p->more;

	if (spec->accessModes.n == 0)
		problem_error(p, 0, 0, path, "accessModes must say how it is used (ReadWriteOnce …)");
	list_each(mode, &spec->accessModes)
		if (!is_mode(*mode))
			problem_error(p, 0, 0, path,
				      "there is no access mode '%.60s' (ReadWriteOnce, ReadOnlyMany, "
				      "ReadWriteMany, ReadWriteOncePod)",
				      *mode);
	if (claim_has_mode(spec, "ReadWriteOncePod") && spec->accessModes.n > 1)
		problem_error(p, 0, 0, path, "ReadWriteOncePod stands alone among the access modes");
	return p->errors.n + p->more == before;
}

bool claim_validate(const struct claim *c, struct problems *p)
{
	size_t before = p->errors.n + p->more;
	const char *policy = string_map_get(&c->metadata.annotations, RECLAIM_ANNOTATION);

	if (text_empty(c->metadata.name))
		problem_error(p, 0, 0, "metadata", "the field 'name' is missing");
	if (policy && !text_is(policy, "Delete") && !text_is(policy, "Retain"))
		problem_error(p, 0, 0, "metadata.annotations",
			      RECLAIM_ANNOTATION " is '%.40s', not Delete or Retain", policy);
	claim_spec_validate(&c->spec, "spec", p);
	return p->errors.n + p->more == before;
}

void claim_settle(struct claim *c)
{
	c->status = (struct claim_status){ .phase = "Bound" };
	c->status.accessModes = c->spec.accessModes;
	c->status.capacity = c->spec.resources.requests;
}

const char *claim_directory(const char *namespace, const char *name, char buffer[static CLAIM_DIRECTORY_SIZE])
{
	bool usual = text_is(namespace, "default");

	snprintf(buffer, CLAIM_DIRECTORY_SIZE, "volumes/%.63s%s%.253s", usual ? "" : namespace,
		 usual ? "" : "_", name);
	return buffer;
}
