/* pull.h — an image from a registry into the store.
 *
 * The manifest is found (at a mirror, or at the registry), an index is followed to the image for this platform, and then all blobs come at once,
 * a few at a time: each goes straight into the store (image/blob.h: a blob that broke off goes on where it did, also another day), and as soon as a
 * layer is there, the program seapod-image makes it ready while others still arrive. The name comes last, so whatever breaks off leaves the
 * store as it was, and the blobs that were there for the next time.
 */
#pragma once

#include "registry/session.h"

struct pulled {
	const char *reference, *digest; /* of the manifest */
	bool fresh;                     /* something was to do */
};

/* Pulls NAME, which may be a short one. */
int image_pull(struct registry_session *s, const char *name, struct pulled *out, struct error *err);
