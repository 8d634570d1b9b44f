/* limit.c — see limit.h. */
#include "dns/limit.h"

#include "base/clock.h"
#include "base/hash.h"

static void fill(struct limit_bucket *b, uint32_t rate, uint64_t now_us)
{
	uint64_t gone = b->at_us && now_us > b->at_us ? now_us - b->at_us : b->at_us ? 0 : US_PER_SECOND;
	int64_t more = (int64_t)((gone > US_PER_SECOND ? US_PER_SECOND : gone) * rate / US_PER_SECOND);

	if (more) { /* what is less than one is left to the clock */
		b->tokens = b->tokens + more > rate ? rate : b->tokens + more;
		b->at_us = now_us;
	}
}

/* One query more from the bucket B? */
static bool take(struct limit_bucket *b, uint32_t rate, uint64_t now_us)
{
	fill(b, rate, now_us);
	if (b->tokens <= 0)
		return false;
	b->tokens--;
	return true;
}

static struct limit_bucket *bucket(struct limit *l, const struct address *from)
{
	uint32_t hash = hash_add(HASH_BEGIN, from->bytes, address_size(from));
	struct limit_bucket *b = &l->places[hash % LIMIT_PLACES];

	if (b->at_us == 0 || !address_equal(&b->address, from))
		*b = (struct limit_bucket){ .address = *from };
	return b;
}

bool limit_allows(struct limit *l, const struct address *from, uint64_t now_us)
{
	return l->rate == 0 || take(bucket(l, from), l->rate, now_us);
}

void limit_charge(struct limit *l, const struct address *from, uint32_t tokens, uint64_t now_us)
{
	if (l->rate == 0)
		return;
	struct limit_bucket *b = bucket(l, from);
	fill(b, l->rate, now_us);
	b->tokens -= tokens;
	if (b->tokens < -(int64_t)l->rate)
		b->tokens = -(int64_t)l->rate;
}

bool limit_owes(struct limit *l, const struct address *from, uint64_t now_us)
{
	if (l->rate == 0)
		return false;
	struct limit_bucket *b = bucket(l, from);
	fill(b, l->rate, now_us);
	return b->tokens < 0;
}

bool limit_stranger(struct limit *l, uint64_t now_us)
{
	return take(&l->strangers, LIMIT_STRANGERS, now_us);
}
