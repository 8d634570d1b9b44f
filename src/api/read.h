/* read.h — manifests: from files, directories and standard input to objects.
 */
#pragma once

#include "api/config.h"
#include "api/kinds.h"
#include "api/pod.h"
#include "api/service.h"
#include "base/error.h"

struct object {
	enum object_kind kind;
	const char *source; /* "file:line", for messages */
	union {
		struct pod *pod;
		struct config_map *config_map;
		struct secret *secret;
		struct claim *claim;
		struct service *service;
	};
};

struct objects LIST(struct object);

/* Reads FROM: a file, a directory (its *.yaml, *.yml and *.json, sorted), or "-" for standard input. NAMESPACE: of objects that name none; one that
 * names another is wrong (NULL: "default", and any is right). All that is wrong goes to PROBLEMS; 0 if nothing was (then OUT is complete, defaulted and valid), -EINVAL otherwise, or another negative errno when FROM
 * cannot be read (then err says so). */
int objects_read(const char *from, const char *namespace, struct arena *a, struct objects *out,
		 struct problems *problems, struct error *err);

/* The same from memory; FILE is its name in messages. */
int objects_parse(const char *file, const char *text, size_t size, const char *namespace, struct arena *a,
		  struct objects *out, struct problems *problems);

struct object_meta *object_metadata(const struct object *o);
