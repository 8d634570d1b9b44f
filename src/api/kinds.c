/* kinds.c — see kinds.h. */
#include "api/kinds.h"

#include <strings.h>

#include "api/claim.h"
#include "api/config.h"
#include "api/pod.h"
#include "api/service.h"
#include "base/text.h"

static const struct kind kinds[] = {
	{ KIND_POD, "Pod", "pods", "pod", "po", &pod_table },
	{ KIND_CONFIG_MAP, "ConfigMap", "configmaps", "configmap", "cm", &config_map_table },
	{ KIND_SECRET, "Secret", "secrets", "secret", NULL, &secret_table },
	{ KIND_CLAIM, "PersistentVolumeClaim", "persistentvolumeclaims", "persistentvolumeclaim", "pvc",
	  &claim_table },
	{ KIND_SERVICE, "Service", "services", "service", "svc", &service_table },
};

#define SUPPORTED "Pod, ConfigMap, Secret, PersistentVolumeClaim and Service"

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

/* Kinds that exist in Kubernetes: the answer to them is "not yet", not "unknown". */
static const char *const other_kinds[] = {
	"Deployment",
	"ReplicaSet",
	"StatefulSet",
	"DaemonSet",
	"Job",
	"CronJob",
	"Ingress",
	"Namespace",
	"PersistentVolume",
	"ServiceAccount",
	"Role",
	"RoleBinding",
	"ClusterRole",
	"NetworkPolicy",
	"ClusterRoleBinding",
	"HorizontalPodAutoscaler",
	"StorageClass",
	"RuntimeClass",
	"PodDisruptionBudget",
	"PriorityClass",
	"Endpoints",
	"EndpointSlice",
	"LimitRange",
	"ResourceQuota",
	"ReplicationController",
	"IngressClass",
	"Node",
	"CustomResourceDefinition",
};

const struct kind *kind_at(size_t i)
{
	return i < KINDS ? &kinds[i] : NULL;
}

static void no_such_kind(const char *name, struct error *err)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (text_distance(kinds[i].name, name) <= 2 || strcasecmp(kinds[i].name, name) == 0) {
			error_set(err, ENOENT, "there is no kind '%.60s' (did you mean '%s'?)", name,
				  kinds[i].name);
			return;
		}
	}
	error_set(err, ENOENT, "there is no kind '%.60s' (" SUPPORTED " are supported)", name);
}

const struct kind *kind_of_manifest(const char *version, const char *name, struct error *err)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (!text_is(kinds[i].name, name))
			continue;
		if (!version || text_is(version, "v1"))
			return &kinds[i];
		error_set(err, EINVAL, "%s has the apiVersion v1, not '%.60s'", name, version);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(other_kinds) / sizeof(*other_kinds); i++) {
		if (text_is(other_kinds[i], name)) {
			error_set(err, ENOTSUP, "%s is not supported yet (" SUPPORTED " are)", name);
			return NULL;
		}
	}
	no_such_kind(name, err);
	return NULL;
}

const struct kind *kind_of_word(const char *word, struct error *err)
{
	for (size_t i = 0; i < KINDS; i++) {
		const struct kind *k = &kinds[i];
		if (strcasecmp(k->name, word) == 0 || text_is(k->plural, word) ||
		    text_is(k->short_name, word))
			return k;
	}
	no_such_kind(word, err);
	return NULL;
}
