/* backoff.c — see backoff.h. */
#include "keeper/backoff.h"

#include "api/pod.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/text.h"

const struct backoff_limits backoff_kubernetes = {
	.first_us = 10 * US_PER_SECOND,
	.most_us = 300 * US_PER_SECOND,
	.reset_us = 600 * US_PER_SECOND,
};

int backoff_limits_of(const struct pod *pod, const char *const global[3], struct backoff_limits *limits,
		      struct error *err)
{
	static const char *const which[] = { "initial", "max", "reset" };
	uint64_t *const values[] = { &limits->first_us, &limits->most_us, &limits->reset_us };

	*limits = backoff_kubernetes;
	for (size_t i = 0; i < 3; i++) {
		int ms, r = pod_backoff(pod, which[i], &ms);
		if (r == 0 && !text_empty(global[i]))
			r = duration_parse(global[i], &ms) < 0 ? -EINVAL : 1;
		if (r < 0)
			return error_set(err, EINVAL, "the back-off '%s' is no duration (1s, 500ms, 5m)",
					 which[i]);
		if (r > 0)
			*values[i] = (uint64_t)ms * 1000;
	}
	if (limits->most_us < limits->first_us) /* a longest wait below the first is the first, too */
		limits->first_us = limits->most_us;
	return 0;
}

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
