/* signature.h — is an image signed as the policy wants it? Sigstore's signatures as cosign attaches them, checked with a given key and without
 * asking anybody else (cosign SIGNATURE_SPEC.md; containers-signature(5) for what is signed).
 *
 * For a manifest sha256:X, the tag sha256-X.sig of the same repository is a manifest whose layers are what was signed, each with its signature as an
 * annotation. What was signed names the digest and whose image it is.
 */
#pragma once

#include "registry/session.h"
#include "registry/signature_policy.h"

/* 0 if each of REQUIREMENTS, none of which rejects everything, is met by the image REF, whose manifest at C has the digest DIGEST, and which came by way of the index
 * INDEX (the same when there is none): a signature of either will do. -EKEYREJECTED. */
int signature_check(struct client *c, const struct policy_requirements *requirements,
		    const struct reference *ref, const char *digest, const char *index, struct error *err);

/* Pure: is SIGNATURE (base64) the one of SIZE bytes of DATA by the owner of KEY (PEM; ECDSA and RSA with SHA-256, Ed25519)? A key that is none is an
 * error. */
int signature_verify(const char *key, const char *signature, const void *data, size_t size,
		     struct error *err);

/* Pure: does PAYLOAD, which was signed, say that DIGEST is the image REF, as R wants it? */
bool signature_speaks_of(const char *payload, size_t size, const struct policy_requirement *r,
			 const struct reference *ref, const char *digest, struct arena *a);
