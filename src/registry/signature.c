/* signature.c — see signature.h. */
#include "registry/signature.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/cleanup.h"
#include "object/json.h"

enum { PAYLOAD_MAX = 1024 * 1024, SIGNATURE_MAX = 16 * 1024, SIGNATURES_MAX = 50 };

#define PAYLOAD_TYPE   "application/vnd.dev.cosign.simplesigning.v1+json"
#define SIGNATURE_NOTE "dev.cosignproject.cosign/signature"

static EVP_PKEY *read_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return key;
}

/* How many bytes SIGNATURE, base64, is; negative: it is none. */
static int decode(const char *signature, unsigned char *bytes)
{
	size_t n = strlen(signature);
	size_t padding = n > 1 ? (signature[n - 1] == '=') + (signature[n - 2] == '=') : 0;

	if (n == 0 || n % 4 || n > SIGNATURE_MAX ||
	    EVP_DecodeBlock(bytes, (const unsigned char *)signature, (int)n) < 0)
		return -1;
	return (int)(n / 4 * 3 - padding);
}

int signature_verify(const char *key, const char *signature, const void *data, size_t size, struct error *err)
{
	unsigned char bytes[SIGNATURE_MAX];
	int n = decode(signature, bytes);
	EVP_PKEY *public = read_key(key);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool right = false;

	if (public && context && n > 0) {
		const EVP_MD *hash = EVP_PKEY_is_a(public, "ED25519") ? NULL : EVP_sha256();
		right = EVP_DigestVerifyInit(context, NULL, hash, NULL, public) == 1 &&
			EVP_DigestVerify(context, bytes, (size_t)n, data, size) == 1;
	}
	EVP_MD_CTX_free(context);
	if (!public)
		return error_set(err, EINVAL, "the policy's key is no public key in PEM");
	EVP_PKEY_free(public);
	return right ? 0 : error_set(err, EKEYREJECTED, "the signature is not by the policy's key");
}

bool signature_speaks_of(const char *payload, size_t size, const struct policy_requirement *r,
			 const struct reference *ref, const char *digest, struct arena *a)
{
	const struct node *critical = node_get(node_from_json(a, payload, size, NULL), "critical");
	const char *name = node_get_string(node_get(critical, "identity"), "docker-reference");

	return text_is(node_get_string(critical, "type"), "cosign container image signature") &&
	       text_is(node_get_string(node_get(critical, "image"), "docker-manifest-digest"), digest) &&
	       policy_identity_matches(r, ref, name, a);
}

/* --- at the registry ------------------------------------------------------------------------------------- */

static const char *note(const struct descriptor *layer)
{
	list_each(pair, &layer->annotations)
		if (text_is(pair->key, SIGNATURE_NOTE))
			return pair->value;
	return NULL;
}

/* Does LAYER hold a signature of DIGEST that meets R? 1, 0, negative. */
static int try_layer(struct client *c, const struct descriptor *layer, const struct policy_requirement *r,
		     const struct reference *ref, const char *digest, struct error *err)
{
	const char *signature = note(layer);
	char real[DIGEST_SIZE];
	struct ask ask = { .method = "GET",
			   .path = arena_printf(c->arena, "blobs/%s", layer->digest),
			   .what = "a signature",
			   .q = { .body_size = -1, .answer_max = PAYLOAD_MAX } };

	if (!text_is(layer->mediaType, PAYLOAD_TYPE) || !signature)
		return 0;
	int result = client_ask(c, &ask, err);
	const char *payload = text_str(&ask.q.answer);
	size_t size = ask.q.answer.n;
	if (result == 0) {
		digest_of_bytes(payload, size, real);
		result = text_is(real, layer->digest)
				 ? signature_verify(r->key, signature, payload, size, err)
				 : -EKEYREJECTED;
	}
	if (result == 0)
		result = signature_speaks_of(payload, size, r, ref, digest, c->arena);
	client_release(&ask);
	return result == -EKEYREJECTED ? 0 : result;
}

/* Is there a signature of DIGEST that meets R? 1, 0, negative. */
static int look_for(struct client *c, const struct policy_requirement *r, const struct reference *ref,
		    const char *digest, struct error *err)
{
	struct manifest m = {};
	struct ask ask;
	char real[DIGEST_SIZE];
	int result = session_manifest(c, arena_printf(c->arena, "sha256-%s.sig", digest + strlen("sha256:")),
				      &ask, real, err);

	if (result == 0)
		result = manifest_parse(text_str(&ask.q.answer), ask.q.answer.n,
					http_header(&ask.q, "content-type"), c->arena, &m, err);
	client_release(&ask);
	for (size_t i = 0; result == 0 && i < m.layers.n && i < SIGNATURES_MAX; i++)
		result = try_layer(c, &m.layers.at[i], r, ref, digest, err);
	return result == -ENOENT ? 0 : result;
}

int signature_check(struct client *c, const struct policy_requirements *requirements,
		    const struct reference *ref, const char *digest, const char *index, struct error *err)
{
	list_each(r, requirements) {
		if (r->kind == POLICY_ACCEPT)
			continue;
		int found = look_for(c, r, ref, digest, err);
		if (found == 0 && !text_is(index, digest))
			found = look_for(c, r, ref, index, err);
		if (found < 0)
			return found;
		if (found == 0)
			return error_set(err, EKEYREJECTED,
					 "it has no signature by the key that policy.json asks for");
	}
	return 0;
}
