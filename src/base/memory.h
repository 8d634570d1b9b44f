/* memory.h — memory that does not fail, and arenas that are freed as one.
 *
 * Running out of memory is not an error that a caller can mend: the process says so and ends, and because a pod's
 * kernel objects end with its keeper, nothing is left behind (crash-only, see docs/decisions.md). What comes from
 * outside is limited in size before anything is allocated for it, so nobody else can make it happen.
 *
 * An arena owns everything that was allocated from it: an object with its lists and strings is decoded into one
 * arena and freed with it, so decoded objects have no destructors.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Zeroed memory of N items of SIZE bytes; never NULL. Free with free(3). */
void *memory_new(size_t n, size_t size) __attribute__((malloc, returns_nonnull));

/* realloc(3) to N items of SIZE bytes; never NULL. */
void *memory_grow(void *p, size_t n, size_t size) __attribute__((returns_nonnull));

char *memory_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *memory_printf(const char *format, ...) __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* A new zeroed TYPE on the heap. */
#define memory_one(type) ((type *)memory_new(1, sizeof(type)))

/* Gives back to the kernel what the past has left and a waiting process does not need: free pages of the heap, and the stack's
 * below the caller. For processes that are many and wait for long. */
void memory_give_back(void);

struct arena;

struct arena *arena_new(void) __attribute__((returns_nonnull));
void arena_free(struct arena *a); /* NULL is fine */
void arena_freep(struct arena **a);

#define _cleanup_arena_ _cleanup_(arena_freep)

/* Zeroed, aligned for any type, valid until arena_free; never NULL. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull));
char *arena_strndup(struct arena *a, const char *s, size_t n) __attribute__((returns_nonnull));
char *arena_strdup(struct arena *a, const char *s) __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *format, ...)
	__attribute__((returns_nonnull, format(printf, 2, 3)));

/* A new zeroed TYPE in the arena. */
#define arena_one(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

/* A list whose items and their memory belong to an arena. `struct LIST(struct container) containers;` reads as
 * .at[0] to .at[n - 1]. The field tables of object/ fill lists through struct list, which has the same layout. */
struct list {
	void *at;
	size_t n;
};

#define LIST(type)        \
	{                 \
		type *at; \
		size_t n; \
	}

/* for (struct container *c in list) */
#define list_each(item, items)                                                                            \
	for (__typeof__((items)->at + 0) item = (items)->at; (item) && (item) < (items)->at + (items)->n; \
	     (item)++)

/* Adds one zeroed item at the end of a LIST in arena A and points to it. Older pointers into the list may move. */
#define list_add(arena, items)                                                               \
	({                                                                                   \
		__typeof__(items) items_ = (items);                                          \
		__typeof__(items_->at + 0) first_ =                                          \
			arena_list_add((arena), (struct list *)items_, sizeof(*items_->at)); \
		first_ + items_->n - 1;                                                      \
	})

void *arena_list_add(struct arena *a, struct list *list, size_t size) __attribute__((returns_nonnull));
