/* claim_volume.h — the storage of PersistentVolumeClaims: directories below ROOT/volumes.
 *
 * A keeper that uses one holds a lock on the directory (flock(2): shared, or exclusive for ReadWriteOncePod), which the kernel drops with it; who
 * removes one takes it exclusively. So nothing is removed under a pod, and no counter can be wrong.
 */
#pragma once

#include "api/claim.h"
#include "base/instance.h"

/* Makes the directory of CLAIM if it is missing. */
int claim_storage_make(const struct instance *in, const struct claim *claim, struct error *err);

/* Removes it with all that is in it. -EBUSY: a pod uses it; 0 also when there is none. */
int claim_storage_remove(const struct instance *in, const char *namespace, const char *name,
			 struct error *err);

/* The stored claim NAME, in A; -ENOENT. */
int claim_read(const struct instance *in, const char *namespace, const char *name, struct arena *a,
	       struct claim *claim, struct error *err);
