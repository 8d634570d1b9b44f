/* backoff.c — see backoff.h. */
#include "keeper/backoff.h"

#include "base/clock.h"

const struct backoff_limits backoff_kubernetes = {
	.first_us = 10 * US_PER_SECOND,
	.most_us = 300 * US_PER_SECOND,
	.reset_us = 600 * US_PER_SECOND,
};

uint64_t backoff_next(struct backoff *b, const struct backoff_limits *limits, uint64_t ran_us)
{
	if (ran_us >= limits->reset_us)
		b->next_us = 0;
	uint64_t wait = b->next_us;
	b->next_us = wait ? wait * 2 : limits->first_us;
	if (b->next_us > limits->most_us)
		b->next_us = limits->most_us;
	return wait;
}
