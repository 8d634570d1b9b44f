/* grace.c — see grace.h. */
#include "keeper/grace.h"

#include "base/clock.h"

static const uint64_t least_us = 2 * US_PER_SECOND;

int64_t grace_choose(const struct optional_int *wish, const struct optional_int *probe,
		     const struct optional_int *pod)
{
	return wish && wish->set ? wish->value : probe && probe->set ? probe->value : pod->value;
}

struct grace grace_begin(int64_t seconds, uint64_t now_us)
{
	return (struct grace){ seconds, now_us + (seconds > 0 ? (uint64_t)seconds * US_PER_SECOND : 0) };
}

void grace_shorten(struct grace *g, int64_t seconds, uint64_t now_us)
{
	const struct grace other = grace_begin(seconds, now_us);

	if (seconds <= 0 || other.end_us < g->end_us)
		*g = other;
}

bool grace_has_hooks(const struct grace *g)
{
	return g->seconds > 0;
}

uint64_t grace_left_us(const struct grace *g, uint64_t now_us)
{
	uint64_t left = g->end_us > now_us ? g->end_us - now_us : 0;

	return g->seconds <= 0 ? 0 : left < least_us ? least_us : left;
}
