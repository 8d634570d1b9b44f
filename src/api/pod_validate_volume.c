/* pod_validate_volume.c — the rules of volumes and of what pods tell their containers of themselves; see pod_validate.c. */
#include "api/names.h"
#include "api/validation.h"

const struct volume *validation_find_volume(const struct pod *pod, const char *name)
{
	list_each(volume, &pod->spec.volumes)
		if (text_is(volume->name, name))
			return volume;
	return NULL;
}

/* metadata.labels['KEY'] and metadata.annotations['KEY']. */
static bool is_subscript(const char *path)
{
	return (text_starts(path, "metadata.labels['") || text_starts(path, "metadata.annotations['")) &&
	       text_ends(path, "']");
}

static bool is_field_of_pod(const char *path, bool in_volume)
{
	static const char *const both[] = { "metadata.name", "metadata.namespace", "metadata.uid" };
	static const char *const volumes[] = { "metadata.labels", "metadata.annotations" };
	static const char *const variables[] = { "spec.nodeName", "spec.serviceAccountName",
						 "status.hostIP", "status.hostIPs",
						 "status.podIP",  "status.podIPs" };

	for (size_t i = 0; i < 3; i++)
		if (text_is(path, both[i]))
			return true;
	for (size_t i = 0; in_volume && i < 2; i++)
		if (text_is(path, volumes[i]))
			return true;
	for (size_t i = 0; !in_volume && i < 6; i++)
		if (text_is(path, variables[i]))
			return true;
	return is_subscript(path);
}

void validate_downward(struct validation *v, const char *path, const struct object_field_selector *field_ref,
		       const struct resource_field_selector *resource_ref, bool in_volume)
{
	if (field_ref && !is_field_of_pod(field_ref->fieldPath, in_volume))
		wrong(v, path,
		      "'%.100s' is no field that a %s can show (metadata.name, metadata.labels['KEY']%s …)",
		      field_ref->fieldPath, in_volume ? "file" : "variable",
		      in_volume ? "" : ", status.podIP");
	if (!resource_ref)
		return;
	if (in_volume && text_empty(resource_ref->containerName))
		wrong(v, path, "in a volume, resourceFieldRef needs containerName");
	if (!text_empty(resource_ref->containerName) &&
	    !pod_find_container(v->pod, resource_ref->containerName))
		wrong(v, path, "there is no container called '%.100s'", resource_ref->containerName);
}

static void check_downward_files(struct validation *v, const char *parent,
				 const struct downward_api_file *files, size_t n)
{
	char path[VALIDATION_PATH_SIZE];

	for (size_t i = 0; i < n; i++) {
		path_item(path, parent, "items", i);
		if (!!files[i].fieldRef + !!files[i].resourceFieldRef != 1)
			wrong(v, path, "needs exactly one of fieldRef and resourceFieldRef");
		validate_downward(v, path, files[i].fieldRef, files[i].resourceFieldRef, true);
	}
}

static void check_projected(struct validation *v, const char *parent,
			    const struct projected_volume *projected)
{
	char path[VALIDATION_PATH_SIZE], below[VALIDATION_PATH_SIZE];

	for (size_t i = 0; i < projected->sources.n; i++) {
		const struct volume_projection *source = &projected->sources.at[i];
		path_item(path, parent, "projected.sources", i);
		if (!!source->configMap + !!source->secret + !!source->downwardAPI != 1)
			wrong(v, path, "needs exactly one of configMap, secret and downwardAPI");
		if (source->downwardAPI)
			check_downward_files(v, path_field(below, path, "downwardAPI"),
					     source->downwardAPI->items.at, source->downwardAPI->items.n);
	}
}

static void check_medium(struct validation *v, const char *path, const char *medium)
{
	uint64_t bytes;

	if (text_empty(medium) || text_is(medium, "Memory"))
		return;
	if (!text_is(medium, "HugePages") && !text_starts(medium, "HugePages-")) {
		wrong(v, path, "'%.60s' is none of Memory, HugePages and HugePages-SIZE", medium);
		return;
	}
	int r = pod_huge_page_size(&v->pod->spec, medium, &bytes);
	if (r == -ENOENT)
		wrong(v, path, "no container asks for huge pages (resources.limits hugepages-2Mi)");
	else if (r == -EMLINK)
		wrong(v, path, "containers ask for huge pages of several sizes: say which (HugePages-2Mi)");
	else if (r < 0)
		wrong(v, path, "'%.60s' names no size of page (HugePages-2Mi, HugePages-1Gi)", medium);
}

void validate_volumes(struct validation *v)
{
	char path[VALIDATION_PATH_SIZE], below[VALIDATION_PATH_SIZE];

	for (size_t i = 0; i < v->pod->spec.volumes.n; i++) {
		const struct volume *volume = &v->pod->spec.volumes.at[i];
		int sources = volume_sources(volume);
		path_item(path, "spec", "volumes", i);
		if (sources != 1)
			wrong(v, path, "the volume '%s' has %s", volume->name,
			      sources ? "more than one source"
				      : "no source (emptyDir, hostPath, configMap, secret …)");
		if (validation_find_volume(v->pod, volume->name) != volume)
			wrong(v, path, "there are two volumes called '%s'", volume->name);
		if (volume->hostPath && path_with_dots(volume->hostPath->path))
			wrong(v, path_field(below, path, "hostPath.path"), "'%.100s' may not have '..' in it",
			      volume->hostPath->path);
		if (volume->emptyDir && volume->emptyDir->sizeLimit.set &&
		    volume->emptyDir->sizeLimit.nano <= 0)
			wrong(v, path_field(below, path, "emptyDir.sizeLimit"), "it must be more than 0");
		if (volume->emptyDir)
			check_medium(v, path_field(below, path, "emptyDir.medium"), volume->emptyDir->medium);
		if (volume->downwardAPI)
			check_downward_files(v, path_field(below, path, "downwardAPI"),
					     volume->downwardAPI->items.at, volume->downwardAPI->items.n);
		if (volume->projected)
			check_projected(v, path, volume->projected);
		if (volume->ephemeral && volume->ephemeral->volumeClaimTemplate)
			claim_spec_validate(&volume->ephemeral->volumeClaimTemplate->spec,
					    path_field(below, path, "ephemeral.volumeClaimTemplate.spec"),
					    v->problems);
	}
}
