/* oci_world.h — for tests of oci/: a tiny image, and containers of it that are real. Needs root and busybox. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "oci/container.h"
#include "oci/defaults.h"

struct world {
	struct arena *a;
	char dir[64]; /* lower, upperN, workN, point, host */
	unsigned starts;
	const char *root_in;  /* where upper and work directories are made; NULL: DIR */
	struct oci_spec spec; /* of `sh -c SCRIPT` with all defaults; a test changes what it is about */
	struct container_setting setting;
	struct container_process process; /* of the last container that was left running */
	struct text out;                  /* standard output and error of the last one */
	struct error err;
	int status; /* exit code; -1: the container was not made, -2: not executed, and err says why */
};

/* False (and the test is to be skipped) when this is not possible here. */
bool world_make(struct world *w);
void world_end(struct world *w);

/* "DIR/NAME" in the arena. */
const char *world_path(struct world *w, const char *name);

/* Runs `sh -c SCRIPT` (NULL: the spec's args) in a container to its end; returns w->status. */
int world_run(struct world *w, const char *script);

/* Starts it and leaves it running; its output comes on the descriptor that is returned. */
int world_start(struct world *w, const char *script);

/* Waits for the end of what world_start has started and collects what comes on OUT. */
int world_finish(struct world *w, int out);

/* Runs `sh -c SCRIPT` in the running container. */
int world_exec(struct world *w, const char *script);

/* Waits (at most 10 s) for the next report of P. */
int world_report(struct container_process *p, struct error *err);

/* --- as a cmocka fixture, which checks that a test leaves no descriptor, mount or process --- */

bool world_possible(void); /* else it has said why not */
int world_set_up(void **state);
int world_tear_down(void **state);
struct world *world_of(void **state);

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

void ends(struct world *w, int status);             /* it has ended with STATUS */
void succeeds(struct world *w, const char *script); /* SCRIPT ends with 0 */
void prints(struct world *w, const char *script, const char *output);
void refuses(struct world *w, const char *words); /* it was not made, and the error has WORDS */

/* Adds a bind of DIR/NAME on DESTINATION. */
void bind_host(struct world *w, const char *name, const char *destination, uint64_t attributes);
void write_host(struct world *w, const char *name, const char *text);
