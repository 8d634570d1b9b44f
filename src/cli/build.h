/* build.h — what the files of `seapod build` share: build.c (the command and its end), build_stage.c (instruction by instruction), build_run.c (RUN).
 */
#pragma once

#include "build/config.h"
#include "build/dockerfile.h"
#include "build/step.h"
#include "command/command.h"
#include "image/store.h"

struct build_stage {
	const char *name;           /* AS; NULL */
	struct node *whole;         /* the image's config, all of it */
	struct node *config;        /* "config" of it */
	struct node *layers;        /* descriptors */
	struct strings lower;       /* diff ids */
	struct variables variables; /* ARGs of the stage, then ENV */
	struct strings args;        /* "NAME=value" of the ARGs that count in it */
	bool has_cmd;
};

struct build {
	struct context *x;
	struct dockerfile file;
	const char *name, *directory, *target, *ignore, *network;
	struct strings wishes;     /* --build-arg */
	struct string_map secrets; /* id, path */
	struct strings global;     /* ARGs before the first FROM, "NAME=value" */
	struct LIST(struct build_stage) stages;
	int64_t epoch;
	bool fresh, quiet;
	unsigned steps;
	const char *scratch; /* ROOT/tmp/build-…, absolute */
	const char *pod;     /* the name of the pod that runs RUN */
	struct error *err;
};

/* Begins S with what IMAGE is. */
int build_begin_from(struct build *b, const struct image *image, struct build_stage *s);

/* To the last stage: LAYER; what its history says of how it came about, with a layer or without. */
void build_add_layer(struct build *b, const struct built_layer *layer);
struct node *build_add_history(struct build *b, const char *created_by, bool has_layer);

/* The last stage as the image b->name. Its id, or NULL. */
const char *build_commit(struct build *b);

/* Does everything up to the stage that is wanted. */
int build_all(struct build *b);

/* RUN in the stage S, as a layer. */
int build_run(struct build *b, struct build_stage *s, const struct instruction *i,
	      const struct build_step *step, struct built_layer *layer);

/* Asks the program seapod-build for VERB (build/step.h). Its words, or NULL. */
const char *build_ask(struct build *b, const char *verb, const struct build_step *step);

/* The same for a layer. 1: it is in LAYER; 0: there is none. */
int build_ask_layer(struct build *b, const char *verb, const struct build_step *step,
		    struct built_layer *layer);
