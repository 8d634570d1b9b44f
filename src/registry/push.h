/* push.h — an image of the store to a registry (distribution-spec "Push").
 *
 * Each blob, a few at a time: is it there already (HEAD)? Can it be mounted from another repository of that registry that has it? If neither, it is
 * sent whole, or in chunks where the registry finds the whole too large. What breaks off begins again. The manifest comes last, byte for byte as it
 * is in the store, so its digest there is the one it has here.
 */
#pragma once

#include "registry/session.h"

struct pushed {
	const char *reference, *digest;
	bool fresh; /* something was not there */
};

/* Pushes the image NAME of the store to DESTINATION (NULL: its own name). */
int image_push(struct registry_session *s, const char *name, const char *destination, struct pushed *out,
	       struct error *err);
