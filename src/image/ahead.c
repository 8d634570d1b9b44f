/* ahead.c — see ahead.h. A ring of pieces: MADE of them are made, USED of them are used up; who has nothing to do sleeps. */
#include "image/ahead.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

enum { PIECES = 4 };

struct piece {
	long n;
	unsigned char data[AHEAD_PIECE];
};

struct ahead {
	long (*produce)(void *with, unsigned char *buffer, struct error *err);
	void *with;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned long made, used;
	bool stop, holds; /* the second: who takes has a piece in hand */
	struct error err;
	struct piece pieces[PIECES];
};

static bool wait_for_room(struct ahead *a)
{
	pthread_mutex_lock(&a->mutex);
	while (!a->stop && a->made - a->used == PIECES)
		pthread_cond_wait(&a->changed, &a->mutex);
	bool goes_on = !a->stop;
	pthread_mutex_unlock(&a->mutex);
	return goes_on;
}

static void *work(void *context)
{
	struct ahead *a = context;
	long n = 1;

	while (n > 0 && wait_for_room(a)) {
		struct piece *p = &a->pieces[a->made % PIECES];
		n = p->n = a->produce(a->with, p->data, &a->err);
		pthread_mutex_lock(&a->mutex);
		a->made++;
		pthread_cond_signal(&a->changed);
		pthread_mutex_unlock(&a->mutex);
	}
	return NULL;
}

struct ahead *ahead_begin(long (*produce)(void *with, unsigned char *buffer, struct error *err), void *with)
{
	struct ahead *a = memory_one(struct ahead);

	a->produce = produce;
	a->with = with;
	pthread_mutex_init(&a->mutex, NULL);
	pthread_cond_init(&a->changed, NULL);
	if (pthread_create(&a->thread, NULL, work, a) == 0)
		return a;
	free(a);
	return NULL;
}

long ahead_next(struct ahead *a, const void **data, struct error *err)
{
	pthread_mutex_lock(&a->mutex);
	if (a->holds &&
	    a->pieces[a->used % PIECES].n > 0) { /* the last piece, which says how it ended, stays */
		a->used++;
		pthread_cond_signal(&a->changed);
	}
	a->holds = true;
	while (a->made == a->used)
		pthread_cond_wait(&a->changed, &a->mutex);
	pthread_mutex_unlock(&a->mutex);
	const struct piece *p = &a->pieces[a->used % PIECES];
	*data = p->data;
	if (p->n < 0)
		*err = a->err;
	return p->n;
}

void ahead_end(struct ahead *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->mutex);
	a->stop = true;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->mutex);
	pthread_join(a->thread, NULL);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->mutex);
	free(a);
}
