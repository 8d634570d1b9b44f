/* obtain.h — an image for a container: from the store, or pulled as its imagePullPolicy says (Kubernetes docs "Images").
 *
 * Never: it must be here. IfNotPresent: pulled when it is not. Always: the registry is asked each time, and what is here already is not fetched again; it must
 * answer. A policy that nobody wrote down, the default Always of :latest, asks only for images that came from a registry, and takes what is here when the
 * registry cannot be asked: an image that was loaded or built on this machine has nobody to be asked.
 *
 * The reasons are the kubelet's: ErrImagePull, ErrImageNeverPull, InvalidImageName. There is no ImagePullBackOff, because nobody waits: the
 * command that wanted the image fails, after the worker has tried often enough.
 */
#pragma once

#include "api/pod.h"
#include "command/command.h"
#include "image/store.h"

/* The image called NAME that is here, short names and aliases resolved (registries.conf). -ENOENT. */
int image_find(struct context *x, const char *name, struct image *out, struct error *err);

struct wanted_image {
	const char *name, *policy;
	bool policy_defaulted; /* nobody has written it down */
};

/* The image that POD wants; its pull secrets are used. */
int image_obtain(struct context *x, const struct pod *pod, const struct wanted_image *wanted,
		 struct image *out, struct error *err);
