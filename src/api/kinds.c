/* kinds.c — see kinds.h. */
#include "api/kinds.h"

#include <limits.h>
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

/* Kinds that exist in Kubernetes: the answer to them is "not yet", not "unknown". With kubectl's short names. */
static const struct {
	const char *name, *short_name;
} other_kinds[] = {
	{ "Deployment", "deploy" },
	{ "ReplicaSet", "rs" },
	{ "StatefulSet", "sts" },
	{ "DaemonSet", "ds" },
	{ "Job", NULL },
	{ "CronJob", "cj" },
	{ "Ingress", "ing" },
	{ "Namespace", "ns" },
	{ "PersistentVolume", "pv" },
	{ "ServiceAccount", "sa" },
	{ "Role", NULL },
	{ "RoleBinding", NULL },
	{ "ClusterRole", NULL },
	{ "NetworkPolicy", "netpol" },
	{ "ClusterRoleBinding", NULL },
	{ "HorizontalPodAutoscaler", "hpa" },
	{ "StorageClass", "sc" },
	{ "RuntimeClass", NULL },
	{ "PodDisruptionBudget", "pdb" },
	{ "PriorityClass", "pc" },
	{ "Endpoints", "ep" },
	{ "EndpointSlice", NULL },
	{ "LimitRange", "limits" },
	{ "ResourceQuota", "quota" },
	{ "ReplicationController", "rc" },
	{ "IngressClass", NULL },
	{ "Node", "no" },
	{ "CustomResourceDefinition", "crd" },
};

enum { OTHER_KINDS = sizeof(other_kinds) / sizeof(*other_kinds) };

const struct kind *kind_at(size_t i)
{
	return i < KINDS ? &kinds[i] : NULL;
}

static void no_such_kind(const char *name, struct error *err)
{
	unsigned least = UINT_MAX;
	const char *near = NULL;

	for (size_t i = 0; i < KINDS; i++) {
		const char *const words[] = { kinds[i].name, kinds[i].plural, kinds[i].singular };
		for (size_t w = 0; w < 3; w++) {
			unsigned distance = text_near(words[w], name);
			near = distance < least ? kinds[i].name : near;
			least = distance < least ? distance : least;
		}
	}
	if (near)
		error_set(err, ENOENT, "there is no kind '%.60s' (did you mean '%s'?)", name, near);
	else
		error_set(err, ENOENT, "there is no kind '%.60s' (" SUPPORTED " are supported)", name);
}

static void not_yet(const char *kind, struct error *err)
{
	error_set(err, ENOTSUP, "%s is not supported yet (" SUPPORTED " are)", kind);
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
	for (size_t i = 0; i < OTHER_KINDS; i++) {
		if (text_is(other_kinds[i].name, name)) {
			not_yet(name, err);
			return NULL;
		}
	}
	no_such_kind(name, err);
	return NULL;
}

/* "deployments", "Deployment", "deploy" … */
static bool is_word_for(const char *word, const char *name, const char *short_name)
{
	size_t n = strlen(name);

	return text_is(word, short_name) || (strncasecmp(word, name, n) == 0 &&
					     (!word[n] || text_is(word + n, "s") || text_is(word + n, "es")));
}

const struct kind *kind_of_word(const char *word, struct error *err)
{
	for (size_t i = 0; i < KINDS; i++) {
		const struct kind *k = &kinds[i];
		if (strcasecmp(k->name, word) == 0 || strcasecmp(k->plural, word) == 0 ||
		    text_is(k->short_name, word))
			return k;
	}
	for (size_t i = 0; i < OTHER_KINDS; i++)
		if (is_word_for(word, other_kinds[i].name, other_kinds[i].short_name)) {
			not_yet(other_kinds[i].name, err);
			return NULL;
		}
	no_such_kind(word, err);
	return NULL;
}
