/* layer_of.c — see layer_of.h. */
#include "build/layer_of.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "build/pack.h"
#include "image/blob.h"
#include "image/layer_make.h"
#include "image/unpack.h"
#include "object/json.h"

enum { ENTRY_MAX = 4096 };

static const char *entry_of(const char *key, struct arena *a)
{
	char digest[DIGEST_SIZE];

	digest_of_bytes(key, strlen(key), digest);
	return arena_printf(a, "cache/build/%s", digest + strlen("sha256:"));
}

bool layer_cached(const struct instance *in, const struct build_step *step, const char *key, struct arena *a,
		  struct built_layer *out)
{
	_cleanup_free_ char *text = NULL;
	struct problems ignored = { .arena = a };
	size_t size;

	if (step->fresh || file_read(in->rootfd, entry_of(key, a), ENTRY_MAX, &text, &size, NULL) < 0)
		return false;
	struct node *n = node_from_json(a, text, size, NULL);
	if (!n || !object_decode(&built_layer_table, n, out, a, NULL, &ignored))
		return false;
	out->cached = true;
	return out->digest && out->diff_id && blob_is_here(in, out->digest) &&
	       layer_is_made(in, out->diff_id);
}

static int remember(const struct instance *in, const char *key, const struct built_layer *layer,
		    struct arena *a, struct error *err)
{
	_cleanup_text_ struct text text = {};
	int r = file_make_dirs(in->rootfd, "cache/build", 0700, err);

	node_to_json(object_encode(&built_layer_table, layer, a), false, &text);
	return r < 0 ? r : file_write_atomic(in->rootfd, entry_of(key, a), text.at, text.n, 0600, err);
}

int layer_of(const struct instance *in, const struct build_step *step, int upper, const char *key,
	     struct arena *a, struct built_layer *out, struct error *err)
{
	const char *name = arena_printf(a, "%s/layer.tar", step->scratch);
	struct layer_made made;
	_cleanup_close_ int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, "cannot make the file '%s'", name);
	unlink(name);
	const struct pack_options options = { step->epoch, &step->without, step->mapped };
	int r = pack(upper, &options, fd, err);
	const struct layer_source source = { .fd = fd, .size = -1, .keep = true };
	if (r == 0)
		r = layer_make_from(in, &source, &unpack_default_limits, &made, err);
	if (r < 0)
		return r;
	*out = (struct built_layer){ .digest = arena_strdup(a, made.digest),
				     .diff_id = arena_strdup(a, made.diff_id),
				     .size = made.size };
	return key ? remember(in, key, out, a, err) : 0;
}
