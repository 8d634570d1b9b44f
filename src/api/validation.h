/* validation.h — what the files of a Pod's rules share; not for other rooms. */
#pragma once

#include "api/pod.h"
#include "base/text.h"

enum { VALIDATION_PATH_SIZE = 200 };

struct validation {
	const struct pod *pod;
	struct problems *problems;
};

#define wrong(v, path, ...) problem_error((v)->problems, 0, 0, path, __VA_ARGS__)

/* "PARENT.FIELD" and "PARENT.FIELD[I]" into BUFFER (not PARENT's), cut if too long; returns BUFFER. */
const char *path_field(char buffer[static VALIDATION_PATH_SIZE], const char *parent, const char *field);
const char *path_item(char buffer[static VALIDATION_PATH_SIZE], const char *parent, const char *field,
		      size_t i);

/* The volume of the pod called NAME, or NULL. */
const struct volume *validation_find_volume(const struct pod *pod, const char *name);

/* pod_validate_security.c */
void validate_pod_security(struct validation *v);
void validate_security(struct validation *v, const struct container *c, const char *parent);

/* pod_validate_volume.c */
void validate_volumes(struct validation *v);
/* FIELD_REF and RESOURCE_REF: exactly one, and of what exists; in a volume the container must be named. */
void validate_downward(struct validation *v, const char *path, const struct object_field_selector *field_ref,
		       const struct resource_field_selector *resource_ref, bool in_volume);

/* pod_validate_container.c */
void validate_container(struct validation *v, const struct container *c, const char *parent, bool init);
void validate_resources(struct validation *v, const struct resource_requirements *r, const char *parent);
