/* limit.c — see limit.h. */
#include "dns/limit.h"

#include "base/clock.h"
#include "base/hash.h"

/* One query more from the bucket B? */
static bool take(struct limit_bucket *b, uint32_t rate, uint64_t now_us)
{
	uint64_t gone = b->at_us && now_us > b->at_us ? now_us - b->at_us : b->at_us ? 0 : US_PER_SECOND;
	uint64_t more = (gone > US_PER_SECOND ? US_PER_SECOND : gone) * rate / US_PER_SECOND;

	if (more) { /* what is less than one is left to the clock */
		b->tokens = b->tokens + more > rate ? rate : b->tokens + (uint32_t)more;
		b->at_us = now_us;
	}
	if (b->tokens == 0)
		return false;
	b->tokens--;
	return true;
}

bool limit_allows(struct limit *l, const struct address *from, uint64_t now_us)
{
	if (l->rate == 0)
		return true;
	uint32_t hash = hash_add(HASH_BEGIN, from->bytes, address_size(from));
	struct limit_bucket *b = &l->places[hash % LIMIT_PLACES];
	if (b->at_us == 0 || !address_equal(&b->address, from))
		*b = (struct limit_bucket){ .address = *from };
	return take(b, l->rate, now_us);
}

bool limit_stranger(struct limit *l, uint64_t now_us)
{
	return take(&l->strangers, LIMIT_STRANGERS, now_us);
}
