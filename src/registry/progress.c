/* progress.c — see progress.h. */
#include "registry/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "object/node.h"

enum { REDRAW_US = 100 * 1000, BAR_MAX = 30, BAR_MIN = 10, WIDTH_DEFAULT = 80, ROWS_DEFAULT = 24 };

static const char *state_word(const struct progress *p, enum progress_state state)
{
	static const char *const words[] = {
		[PROGRESS_WAITING] = "waiting",
		[PROGRESS_UNPACKING] = "unpacking",
		[PROGRESS_DONE] = "done",
		[PROGRESS_THERE] = "already there",
	};
	return state == PROGRESS_TRANSFER ? p->verb : words[state];
}

static void add_size(struct text *out, int64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double size = (double)bytes;
	int unit = 0;

	for (; size >= 1000 && unit < 4; unit++)
		size /= 1000;
	text_printf(out, unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

static void add_time(struct text *out, double seconds)
{
	if (seconds < 60)
		text_printf(out, "%.0f s", seconds);
	else if (seconds < 3600)
		text_printf(out, "%.0f min", seconds / 60);
	else
		text_printf(out, "%.1f h", seconds / 3600);
}

/* "[=====>    ]", N characters between the brackets. */
static void add_bar(struct text *out, const struct progress_item *item, unsigned n)
{
	unsigned full = item->size > 0 ? (unsigned)((double)item->at / (double)item->size * n) : n;

	text_add_char(out, '[');
	for (unsigned i = 0; i < n; i++)
		text_add_char(out, i < full ? '=' : i == full ? '>' : ' ');
	text_add_char(out, ']');
}

/* Rate and time left, once there is something to tell it from. */
static void add_rate(struct text *out, const struct progress_item *item, uint64_t now_us)
{
	double seconds = (double)(now_us - item->begun_us) / (double)US_PER_SECOND;
	int64_t moved = item->at - item->from;

	if (seconds < 0.2 || moved <= 0)
		return;
	text_add(out, "  ");
	add_size(out, (int64_t)((double)moved / seconds));
	text_add(out, "/s  ");
	add_time(out, seconds * (double)(item->size - item->at) / (double)moved);
	text_add(out, " left");
}

void progress_bar(const struct progress_item *item, uint64_t now_us, unsigned width, struct text *out)
{
	unsigned bar = width > 60 + BAR_MIN ? width - 60 : BAR_MIN;
	size_t from = out->n;

	text_printf(out, "%.12s ", item->digest + strlen("sha256:"));
	if (item->state == PROGRESS_TRANSFER) {
		add_bar(out, item, bar > BAR_MAX ? BAR_MAX : bar);
		text_add_char(out, ' ');
		add_size(out, item->at);
		text_add(out, " of ");
		add_size(out, item->size);
		add_rate(out, item, now_us);
	} else {
		text_printf(out, "%s  ", state_word(NULL, item->state));
		add_size(out, item->size);
	}
	if (out->n - from > width) {
		out->n = from + width;
		out->at[out->n] = '\0';
	}
}

/* --- the screen ------------------------------------------------------------------------------------------ */

/* With more blobs than rows, only what moves has a line. */
static bool has_line(const struct progress_item *item, bool all)
{
	return all || item->state == PROGRESS_TRANSFER || item->state == PROGRESS_UNPACKING;
}

static void draw(struct progress *p)
{
	_cleanup_text_ struct text screen = {};
	struct winsize size = {};
	unsigned lines = 0, done = 0;

	ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
	unsigned width = size.ws_col ? size.ws_col - 1u : WIDTH_DEFAULT;
	unsigned rows = size.ws_row ? size.ws_row : ROWS_DEFAULT;
	bool all = p->items.n + 2 < rows;
	p->last_us = clock_boot_us();
	if (p->drawn)
		text_printf(&screen, "\033[%uA", p->drawn);
	list_each(item, &p->items) {
		done += (*item)->state >= PROGRESS_DONE;
		if (!has_line(*item, all) || lines + 3 > rows)
			continue;
		progress_bar(*item, p->last_us, width, &screen);
		text_add(&screen, "\033[K\n");
		lines++;
	}
	if (!all) {
		text_printf(&screen, "%u of %zu blobs done\033[K\n", done, p->items.n);
		lines++;
	}
	text_add(&screen, "\033[J");
	fwrite(screen.at, 1, screen.n, stderr);
	p->drawn = lines;
}

void progress_begin(struct progress *p, const char *name)
{
	if (p->style == PROGRESS_LINES || p->style == PROGRESS_BARS)
		fprintf(stderr, "%s %s\n", p->verb, name);
	progress_event(p, "begin", "image", name, NULL);
}

struct progress_item *progress_add(struct progress *p, const char *digest, int64_t size)
{
	struct progress_item *item = arena_one(p->arena, struct progress_item);

	*item = (struct progress_item){ .digest = digest, .size = size };
	*list_add(p->arena, &p->items) = item;
	return item;
}

static void say_json(const struct progress *p, const struct progress_item *item)
{
	printf("{\"event\":\"blob\",\"digest\":\"%s\",\"state\":\"%s\",\"bytes\":%" PRId64
	       ",\"size\":%" PRId64 "}\n",
	       item->digest, state_word(p, item->state), item->at, item->size);
	fflush(stdout);
}

static void say_line(const struct progress *p, const struct progress_item *item)
{
	_cleanup_text_ struct text t = {};

	add_size(&t, item->size);
	fprintf(stderr, "%.12s %s (%s)\n", item->digest + strlen("sha256:"), state_word(p, item->state),
		t.at);
}

void progress_enter(struct progress *p, struct progress_item *item, enum progress_state state)
{
	if (state == item->state)
		return;
	item->state = state;
	if (state == PROGRESS_TRANSFER) {
		item->begun_us = clock_boot_us();
		item->from = item->at;
	} else if (state >= PROGRESS_UNPACKING) {
		item->at = item->size;
	}
	if (p->style == PROGRESS_JSON)
		say_json(p, item);
	else if (p->style == PROGRESS_BARS)
		draw(p);
	else if (p->style == PROGRESS_LINES && state != PROGRESS_UNPACKING)
		say_line(p, item);
}

void progress_tick(struct progress *p)
{
	if (clock_boot_us() < p->last_us + REDRAW_US)
		return;
	p->last_us = clock_boot_us();
	if (p->style == PROGRESS_BARS)
		draw(p);
	else if (p->style == PROGRESS_JSON)
		list_each(item, &p->items)
			if ((*item)->state == PROGRESS_TRANSFER)
				say_json(p, *item);
}

void progress_end(struct progress *p)
{
	if (p->style == PROGRESS_BARS && p->items.n)
		draw(p);
	p->items.n = 0;
	p->drawn = 0;
}

void progress_event(const struct progress *p, const char *event, ...)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text t = {};
	struct node *n = node_new(a, NODE_MAP);
	const char *name;
	va_list list;

	if (p->style != PROGRESS_JSON)
		return;
	node_put(a, n, "event", node_string(a, event));
	va_start(list, event);
	while ((name = va_arg(list, const char *)))
		node_put(a, n, name, node_string(a, va_arg(list, const char *)));
	va_end(list);
	node_to_json(n, false, &t);
	printf("%s\n", t.at);
	fflush(stdout);
}
