/* fuzz_registry.c — what registries say and what their settings are: the first byte chooses the reader, the rest are its bytes.
 */
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/list.h"
#include "registry/manifest.h"
#include "registry/registries.h"
#include "registry/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_settings(const char *text, size_t n, struct arena *a)
{
	struct registries r = {};
	struct locations locations = {};
	struct strings names = {};
	struct reference ref = { .registry = "a.example.org", .path = "b/c", .tag = "1" };

	if (registries_add(&r, "conf", text, n, a, NULL) < 0)
		return;
	registries_locate(&r, &ref, a, &locations, NULL);
	registries_candidates(&r, "box:1", a, &names, NULL);
}

static void read_name(const char *text, struct arena *a)
{
	const char *full = reference_complete(text, a, NULL);

	if (full && !*reference_split(full, a).registry)
		__builtin_trap();
}

static void read_manifest(const char *text, size_t n, struct arena *a)
{
	struct manifest m;
	struct platform p = { "linux", "amd64", NULL };

	if (manifest_parse(text, n, NULL, a, &m, NULL) == 0 && m.is_index) {
		manifest_choose(&m, &p);
		manifest_platforms(&m, a);
	}
}

/* The text is a policy, and what was signed. */
static void read_policy(const char *text, size_t n, struct arena *a)
{
	struct policy_requirements requirements;
	struct reference ref = { .registry = "a.example.org", .path = "b/c", .tag = "1" };

	policy_read("policy", text, n, &ref, a, &requirements, NULL);
	list_each(r, &requirements)
		if (r->kind == POLICY_SIGSTORE)
			signature_speaks_of(text, n, r, &ref, "sha256:0", a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const char *text = size ? arena_strndup(a, (const char *)data + 1, size - 1) : "";
	size_t n = size ? size - 1 : 0;
	struct challenge challenge = {};
	struct credentials credentials = {};
	const char *helper;

	switch (size ? data[0] : 0) {
	case 'c':
		challenge_read(&challenge, text, a);
		break;
	case 'l':
		credentials_in(text, n, "docker.io", "library/x", a, &credentials, &helper, NULL);
		break;
	case 'm':
		read_manifest(text, n, a);
		break;
	case 'r':
		read_name(text, a);
		break;
	case 't':
		read_settings(text, n, a);
		break;
	case 's':
		read_policy(text, n, a);
		break;
	case 'p':
		link_next(text, a);
		break;
	}
	return 0;
}
