/* signature_policy.h — whose images may come in: policy.json (containers-policy.json(5)), as Podman and CRI-O read it.
 *
 * ~/.config/containers/policy.json or /etc/containers/policy.json; without either, everything is accepted. What is asked of an image is the list of
 * requirements of the narrowest scope that has its name, and all of them must be met. insecureAcceptAnything, reject and sigstoreSigned with a
 * public key are known; anything else (signedBy with GPG keys, Fulcio) is an error and never accepted. Pure but for reading files.
 */
#pragma once

#include "image/reference.h"
#include "object/field.h"

enum policy_kind { POLICY_ACCEPT, POLICY_REJECT, POLICY_SIGSTORE };

struct policy_requirement {
	enum policy_kind kind;
	const char *key; /* of POLICY_SIGSTORE: the public key, PEM */
	const char *
		identity; /* matchRepoDigestOrExact, matchExact, matchRepository, exactReference, exactRepository */
	const char *identity_name; /* of the last two */
};

struct policy_requirements LIST(struct policy_requirement);

/* What is asked of REF. */
int policy_find(const struct reference *ref, struct arena *a, struct policy_requirements *out,
		struct error *err);

/* The same from the text of a policy.json. */
int policy_read(const char *file, const char *text, size_t size, const struct reference *ref, struct arena *a,
		struct policy_requirements *out, struct error *err);

/* Does a signature for the name SIGNED ("docker-reference") speak of REF, by the rule of R? */
bool policy_identity_matches(const struct policy_requirement *r, const struct reference *ref,
			     const char *signed_name, struct arena *a);
