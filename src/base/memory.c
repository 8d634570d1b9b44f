/* memory.c — see memory.h. Arenas are chains of blocks; a block is filled from its start and never given back
 * before the whole. A large allocation gets a block of its own. */
#include "base/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FIRST_BLOCK = 1024, LARGEST_BLOCK = 64 * 1024, ALIGN = _Alignof(max_align_t) };

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(max_align_t) char bytes[];
};

struct arena {
	struct block *blocks;
	size_t next_size;
};

static void __attribute__((noreturn)) out_of_memory(void)
{
	static const char text[] = "seapod: out of memory\n";
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(125);
}

void *memory_new(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);
	if (!p)
		out_of_memory();
	return p;
}

void *memory_grow(void *p, size_t n, size_t size)
{
	void *q = reallocarray(p, n ? n : 1, size ? size : 1);
	if (!q)
		out_of_memory();
	return q;
}

char *memory_strdup(const char *s)
{
	char *p = strdup(s);
	if (!p)
		out_of_memory();
	return p;
}

char *memory_printf(const char *format, ...)
{
	char *p;
	va_list args;
	va_start(args, format);
	if (vasprintf(&p, format, args) < 0)
		out_of_memory();
	va_end(args);
	return p;
}

/* A page is left untouched below this frame for what madvise itself needs. What of the range is no stack yet is passed over (ENOMEM). */
void memory_give_back(void)
{
	enum { PAGE = 4096, DEEP = 128 * 1024 };
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	malloc_trim(0);
	madvise((void *)((here / PAGE - 1) * PAGE - DEEP), DEEP, MADV_DONTNEED);
}

struct arena *arena_new(void)
{
	struct arena *a = memory_one(struct arena);
	a->next_size = FIRST_BLOCK;
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct block *b = a->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

void arena_freep(struct arena **a)
{
	arena_free(*a);
}

static struct block *block_new(size_t size)
{
	if (size > SIZE_MAX - sizeof(struct block))
		out_of_memory();
	struct block *b = calloc(1, sizeof(*b) + size);
	if (!b)
		out_of_memory();
	b->size = size;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	if (size > SIZE_MAX - ALIGN)
		out_of_memory();
	size = (size + ALIGN - 1) / ALIGN * ALIGN;

	struct block *b = a->blocks;
	if (!b || b->size - b->used < size) {
		if (size > a->next_size / 4) { /* its own block, behind the one that is being filled */
			struct block *own = block_new(size);
			own->used = size;
			own->next = b ? b->next : NULL;
			if (b)
				b->next = own;
			else
				a->blocks = own;
			return own->bytes;
		}
		b = block_new(a->next_size);
		b->next = a->blocks;
		a->blocks = b;
		if (a->next_size < LARGEST_BLOCK)
			a->next_size *= 2;
	}
	void *p = b->bytes + b->used;
	b->used += size;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);
	memcpy(p, s, n);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		out_of_memory();
	char *p = arena_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, format, again);
	va_end(again);
	return p;
}

/* Lists grow by doubling at powers of two; the old array stays in the arena until its end. */
void *arena_list_add(struct arena *a, struct list *list, size_t size)
{
	if ((list->n & (list->n - 1)) == 0) { /* 0, 1, 2, 4, 8 … items: full */
		size_t room = list->n ? list->n * 2 : 1;
		if (room > SIZE_MAX / size)
			out_of_memory();
		void *grown = arena_alloc(a, room * size);
		if (list->n)
			memcpy(grown, list->at, list->n * size);
		list->at = grown;
	}
	list->n++;
	return list->at;
}
