/* pod_volume.c — the tables of volumes and of values that come from other objects; see pod.h. */
#include "api/pod.h"

#include "api/names.h"
#include "api/pod_tables.h"
#include "base/text.h"

#define USER .min = 0, .max = INT32_MAX, .since = "1.37 (alpha)" /* KEP-5936 */
#define REMOVED             \
	.effect = REJECTED, \
	.why = "was removed from Kubernetes or is served by CSI drivers, which Seapod has not"

static const struct field field_ref_fields[] = {
	VALUE(object_field_selector, apiVersion, .fallback = "v1"),
	VALUE(object_field_selector, fieldPath, .required = true,
	      .doc = "metadata.name, status.podIP … of the pod."),
};
const struct table field_ref_table = TABLE(object_field_selector, field_ref_fields, "A field of the pod.");

static const struct field resource_ref_fields[] = {
	VALUE(resource_field_selector, containerName, .doc = "Whose resource; in a volume it must be given."),
	VALUE(resource_field_selector, resource, .required = true, .check = name_resource_field,
	      .doc = "limits or requests of cpu, memory, ephemeral-storage or hugepages-SIZE."),
	VALUE(resource_field_selector, divisor, .doc = "The unit, 1 by default."),
};
const struct table resource_ref_table =
	TABLE(resource_field_selector, resource_ref_fields, "A resource of a container.");

static const struct field key_to_path_fields[] = {
	VALUE(key_to_path, key, .required = true, .doc = "The key."),
	VALUE(key_to_path, path, .required = true, .check = path_relative,
	      .doc = "Its file's path in the volume."),
	VALUE(key_to_path, mode, .min = 0, .max = 0777, .doc = "The file's permission bits."),
	VALUE(key_to_path, user, USER, .doc = "The file's owner."),
};
static const struct table key_to_path_table = TABLE(key_to_path, key_to_path_fields, "A key as a file.");

static const struct field empty_dir_fields[] = {
	VALUE(empty_dir_volume, medium,
	      .doc = "Memory: a tmpfs that all containers of the pod share. HugePages, HugePages-2Mi …: huge "
		     "pages, which containers must have in their resources."),
	VALUE(empty_dir_volume, mode, .min = 0, .max = 01777, .since = "1.37 (alpha)",
	      .doc = "Its permission bits, 0777 without it."),
	VALUE(empty_dir_volume, sizeLimit,
	      .doc = "The most it may hold; on disk, the pod is evicted when it holds more."),
};
static const struct table empty_dir_table =
	TABLE(empty_dir_volume, empty_dir_fields, "A directory that lives with the pod.");

static const struct field host_path_fields[] = {
	VALUE(host_path_volume, path, .required = true, .check = path_absolute,
	      .doc = "The path on the host."),
	VALUE(host_path_volume, type,
	      .values = "|DirectoryOrCreate|Directory|FileOrCreate|File|Socket|CharDevice|BlockDevice",
	      .doc = "What must be there, or is made."),
};
static const struct table host_path_table = TABLE(host_path_volume, host_path_fields, "A path of the host.");

static const struct field config_map_fields[] = {
	VALUE(config_map_volume, name, .required = true, .check = name_dns_subdomain,
	      .doc = "The ConfigMap's name."),
	OBJECTS(config_map_volume, items, key_to_path_table, .doc = "Only these keys, at these paths."),
	VALUE(config_map_volume, defaultMode, .fallback = "0644", .min = 0, .max = 0777,
	      .doc = "Permission bits of the files."),
	VALUE(config_map_volume, defaultUser, USER, .doc = "The owner of the files."),
	VALUE(config_map_volume, optional, .doc = "true: it may be missing."),
};
static const struct table config_map_table_ =
	TABLE(config_map_volume, config_map_fields, "A ConfigMap as files.");

static const struct field secret_fields[] = {
	VALUE(secret_volume, secretName, .required = true, .check = name_dns_subdomain,
	      .doc = "The Secret's name."),
	OBJECTS(secret_volume, items, key_to_path_table, .doc = "Only these keys, at these paths."),
	VALUE(secret_volume, defaultMode, .fallback = "0644", .min = 0, .max = 0777,
	      .doc = "Permission bits of the files."),
	VALUE(secret_volume, defaultUser, USER, .doc = "The owner of the files."),
	VALUE(secret_volume, optional, .doc = "true: it may be missing."),
};
static const struct table secret_table_ =
	TABLE(secret_volume, secret_fields, "A Secret as files, in memory only.");

static const struct field downward_file_fields[] = {
	VALUE(downward_api_file, path, .required = true, .check = path_relative,
	      .doc = "The file's path in the volume."),
	OPTIONAL(downward_api_file, fieldRef, field_ref_table, .doc = "A field of the pod."),
	OPTIONAL(downward_api_file, resourceFieldRef, resource_ref_table,
		 .doc = "A resource of a container."),
	VALUE(downward_api_file, mode, .min = 0, .max = 0777, .doc = "The file's permission bits."),
	VALUE(downward_api_file, user, USER, .doc = "The file's owner."),
};
static const struct table downward_file_table =
	TABLE(downward_api_file, downward_file_fields, "A field as a file.");

static const struct field downward_fields[] = {
	OBJECTS(downward_api_volume, items, downward_file_table, .doc = "The files."),
	VALUE(downward_api_volume, defaultMode, .fallback = "0644", .min = 0, .max = 0777,
	      .doc = "Permission bits."),
	VALUE(downward_api_volume, defaultUser, USER, .doc = "The owner of the files."),
};
static const struct table downward_table =
	TABLE(downward_api_volume, downward_fields, "Fields of the pod as files.");

static const struct field named_projection_fields[] = {
	VALUE(named_projection, name, .required = true, .check = name_dns_subdomain,
	      .doc = "The object's name."),
	OBJECTS(named_projection, items, key_to_path_table, .doc = "Only these keys, at these paths."),
	VALUE(named_projection, optional, .doc = "true: it may be missing."),
};
static const struct table named_projection_table =
	TABLE(named_projection, named_projection_fields, "An object's keys.");

static const struct field downward_projection_fields[] = {
	OBJECTS(downward_api_projection, items, downward_file_table, .doc = "The files."),
};
static const struct table downward_projection_table =
	TABLE(downward_api_projection, downward_projection_fields, "Fields of the pod.");

static const struct field projection_fields[] = {
	OPTIONAL(volume_projection, configMap, named_projection_table, .doc = "Keys of a ConfigMap."),
	OPTIONAL(volume_projection, secret, named_projection_table, .doc = "Keys of a Secret."),
	OPTIONAL(volume_projection, downwardAPI, downward_projection_table, .doc = "Fields of the pod."),
	VALUE(volume_projection, serviceAccountToken, .effect = REJECTED, .why = "needs an API server",
	      .doc = "A token."),
	VALUE(volume_projection, clusterTrustBundle, .effect = REJECTED, .why = "needs an API server",
	      .doc = "Trust anchors."),
	VALUE(volume_projection, podCertificate, .effect = REJECTED, .why = "needs an API server",
	      .doc = "A certificate."),
};
static const struct table projection_table = TABLE(volume_projection, projection_fields, "One source.");

static const struct field projected_fields[] = {
	OBJECTS(projected_volume, sources, projection_table, .doc = "What is put together."),
	VALUE(projected_volume, defaultMode, .fallback = "0644", .min = 0, .max = 0777,
	      .doc = "Permission bits."),
	VALUE(projected_volume, defaultUser, USER, .doc = "The owner of the files."),
};
static const struct table projected_table =
	TABLE(projected_volume, projected_fields, "Several sources in one directory.");

static const struct field claim_fields[] = {
	VALUE(claim_volume, claimName, .required = true, .check = name_dns_subdomain,
	      .doc = "The PersistentVolumeClaim's name."),
	VALUE(claim_volume, readOnly, .doc = "It cannot be written by this pod."),
};
static const struct table claim_volume_table =
	TABLE(claim_volume, claim_fields, "Storage that outlives pods.");

static const struct field image_fields[] = {
	VALUE(image_volume, reference, .required = true, .doc = "The image's reference."),
	VALUE(image_volume, pullPolicy, .values = "Always|IfNotPresent|Never",
	      .doc = "When the image is fetched."),
};
static const struct table image_volume_table =
	TABLE(image_volume, image_fields, "An image's files, read-only and not to be executed.");

static const struct field template_fields[] = {
	OBJECT(claim_template, metadata, object_meta_table, .doc = "Labels and annotations."),
	OBJECT(claim_template, spec, claim_spec_table, .required = true, .doc = "What storage is wanted."),
};
static const struct table template_table = TABLE(claim_template, template_fields, "A claim to be made.");

static const struct field ephemeral_fields[] = {
	OPTIONAL(ephemeral_volume, volumeClaimTemplate, template_table, .required = true,
		 .doc = "The claim that is made with the pod and deleted with it."),
};
static const struct table ephemeral_table =
	TABLE(ephemeral_volume, ephemeral_fields, "Storage that lives with the pod.");

static const struct field volume_fields[] = {
	VALUE(volume, name, .required = true, .check = name_dns_label,
	      .doc = "The volume's name in the pod."),
	OPTIONAL(volume, emptyDir, empty_dir_table, .doc = "A directory that lives with the pod."),
	OPTIONAL(volume, hostPath, host_path_table, .doc = "A path of the host."),
	OPTIONAL(volume, configMap, config_map_table_, .doc = "A ConfigMap as files."),
	OPTIONAL(volume, secret, secret_table_, .doc = "A Secret as files."),
	OPTIONAL(volume, downwardAPI, downward_table, .doc = "Fields of the pod as files."),
	OPTIONAL(volume, projected, projected_table, .doc = "Several sources in one directory."),
	OPTIONAL(volume, persistentVolumeClaim, claim_volume_table,
		 .doc = "A claim: storage that outlives pods."),
	OPTIONAL(volume, image, image_volume_table, .since = "1.36", .doc = "An image's files."),
	OPTIONAL(volume, ephemeral, ephemeral_table, .doc = "A claim that lives with the pod."),
	VALUE(volume, csi, .effect = REJECTED, .why = "needs a CSI driver", .doc = "A CSI driver's volume."),
	VALUE(volume, nfs, .effect = REJECTED,
	      .why = "is not supported (mount it on the host and use hostPath)", .doc = "NFS."),
	VALUE(volume, iscsi, .effect = REJECTED,
	      .why = "is not supported (attach it on the host and use hostPath)", .doc = "iSCSI."),
	VALUE(volume, fc, .effect = REJECTED,
	      .why = "is not supported (attach it on the host and use hostPath)", .doc = "Fibre Channel."),
	VALUE(volume, gitRepo, .effect = REJECTED,
	      .why = "is disabled in Kubernetes for its security problems; use an init container",
	      .doc = "Removed."),
	VALUE(volume, gcePersistentDisk, REMOVED),
	VALUE(volume, awsElasticBlockStore, REMOVED),
	VALUE(volume, azureDisk, REMOVED),
	VALUE(volume, azureFile, REMOVED),
	VALUE(volume, cinder, REMOVED),
	VALUE(volume, vsphereVolume, REMOVED),
	VALUE(volume, portworxVolume, REMOVED),
	VALUE(volume, glusterfs, REMOVED),
	VALUE(volume, rbd, REMOVED),
	VALUE(volume, cephfs, REMOVED),
	VALUE(volume, flocker, REMOVED),
	VALUE(volume, quobyte, REMOVED),
	VALUE(volume, photonPersistentDisk, REMOVED),
	VALUE(volume, scaleIO, REMOVED),
	VALUE(volume, storageos, REMOVED),
	VALUE(volume, flexVolume, REMOVED),
};
const struct table volume_table = TABLE(volume, volume_fields, "Storage that containers mount.");
