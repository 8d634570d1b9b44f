/* progress.h — what one sees of a pull or a push: a bar a blob on a terminal, a line a step in a pipe, JSON events for programs, or nothing.
 *
 * Bars go to standard error and are drawn over, at most ten times a second; nothing of the terminal is changed that would have to be changed
 * back, so a Ctrl-C at any time leaves it as it is. The text of a bar is made by a pure function.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/text.h"

enum progress_style { PROGRESS_LINES, PROGRESS_BARS, PROGRESS_QUIET, PROGRESS_JSON };

enum progress_state {
	PROGRESS_WAITING,
	PROGRESS_TRANSFER,
	PROGRESS_UNPACKING,
	PROGRESS_DONE,
	PROGRESS_THERE, /* nothing was to do */
};

struct progress_item {
	const char *digest; /* "sha256:…" */
	int64_t size, at;
	int64_t from; /* where this transfer has begun: for the rate */
	uint64_t begun_us;
	enum progress_state state;
};

struct progress {
	enum progress_style style;
	struct arena *arena;
	const char *verb; /* "pulling", "pushing" */
	struct LIST(struct progress_item *) items;
	unsigned drawn; /* lines that are on the screen */
	uint64_t last_us;
};

/* Begins: "pulling NAME" is said. */
void progress_begin(struct progress *p, const char *name);
struct progress_item *progress_add(struct progress *p, const char *digest, int64_t size);
void progress_enter(struct progress *p, struct progress_item *item, enum progress_state state);

/* Draws, if it is time; call it often. */
void progress_tick(struct progress *p);

/* Draws for the last time. */
void progress_end(struct progress *p);

/* The bar of ITEM at NOW_US, WIDTH characters wide at most. */
void progress_bar(const struct progress_item *item, uint64_t now_us, unsigned width, struct text *out);

/* An event of its own: {"event": EVENT, NAME: VALUE…}, pairs of strings up to NULL, to standard output if the style is JSON. */
void progress_event(const struct progress *p, const char *event, ...) __attribute__((sentinel));
