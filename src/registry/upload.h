/* upload.h — the blobs of one image on their way to a registry.
 */
#pragma once

#include "registry/session.h"

/* Brings the N blobs of DESCRIPTORS from the store to where C is. *SENT: how many were not there. */
int uploads_run(struct registry_session *s, struct client *c, const struct descriptors *blobs, unsigned *sent,
		struct error *err);
