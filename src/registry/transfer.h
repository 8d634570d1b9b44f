/* transfer.h — the blobs of one image on their way into the store, and layers being made from them.
 */
#pragma once

#include <sys/types.h>

#include "image/blob.h"
#include "registry/maker.h"
#include "registry/session.h"

enum transfer_state {
	TRANSFER_WAITING, /* for a place, or for another process that is bringing the same blob */
	TRANSFER_RUNNING, /* a large one may be unpacked meanwhile: then it has a maker */
	TRANSFER_HERE,    /* the blob is */
	TRANSFER_MAKING,  /* seapod-image unpacks it */
	TRANSFER_DONE,
};

struct transfer {
	struct transfers *all;
	struct descriptor blob;
	const char
		*diff_id; /* of a layer, once the config is read; NULL: the config itself, or not known yet */
	bool is_layer;
	enum transfer_state state;
	size_t client; /* which of the clients it comes from: the first, until that one fails */
	bool placed;   /* the first bytes of this answer are where they belong */
	uint64_t again_us;
	struct ask ask;
	struct blob_writer writer;
	struct progress_item *item;
	struct maker maker;
	bool alone;   /* its maker failed on bytes that nobody had checked yet: the blob first */
	int64_t told; /* how many bytes the maker knows of, while it follows */
};

struct transfers {
	struct registry_session *session;
	struct clients *clients;
	struct LIST(struct transfer *) items;
	unsigned running, following, making; /* blobs that come; makers of those; other makers */
	bool fetched;                        /* something came */
	struct error why;
};

/* One blob more. A blob that is there twice comes once. */
void transfers_add(struct transfers *t, const struct descriptor *blob, bool is_layer);

/* Brings all of them. When the blob that is no layer is here, ON_CONFIG is called: it gives the layers their diff_ids. */
int transfers_run(struct transfers *t, int (*on_config)(struct transfers *t, void *with, struct error *err),
		  void *with, struct error *err);
