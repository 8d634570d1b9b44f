/* service_changes.c — what a pod costs that comes to a Service or leaves it, beside how many others: the work of a keeper, without pods.
 *
 *	seapod-service-changes PODS
 *
 * For the instance of $SEAPOD_ROOT and $SEAPOD_RUN, in the current network namespace: PODS files of pods with the label app=web become ready one after
 * another and end again. Prints the median of the first and of the last tenth of each. bench/services calls it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/forward.h"

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void print(const char *what, uint64_t *us, int n)
{
	int tenth = n / 10;
	double whole = 0;

	for (int i = 0; i < n; i++)
		whole += (double)us[i];
	qsort(us, (size_t)tenth, sizeof(*us), by_size);
	qsort(us + n - tenth, (size_t)tenth, sizeof(*us), by_size);
	printf("%-8s %5d pods %8.1f ms   first tenth %5llu us   last tenth %5llu us (medians)\n", what, n,
	       whole / 1e3, (unsigned long long)us[tenth / 2], (unsigned long long)us[n - tenth + tenth / 2]);
}

static void describe(struct backend *b, int i, struct arena *a)
{
	static struct string_pair label = { "app", "web" };

	*b = (struct backend){ .pod = arena_printf(a, "p%d", i),
			       .namespace = "default",
			       .uid = arena_printf(a, "00000000-0000-0000-0000-%012d", i),
			       .address = arena_printf(a, "10.99.%d.%d", i >> 8, i & 255),
			       .ready = true };
	b->labels.at = &label;
	b->labels.n = 1;
}

int main(int argc, char **argv)
{
	const int n = argc > 1 ? atoi(argv[1]) : 1000;
	struct arena *a = arena_new();
	struct backend *b = calloc((size_t)n + 1, sizeof(*b));
	uint64_t *us = calloc((size_t)n + 1, sizeof(*us));
	int *claims = calloc((size_t)n + 1, sizeof(*claims)), r = 0;
	struct netlink nf = NETLINK_NONE;
	struct instance in;
	struct error err = {};

	if (!b || !us || !claims || n < 10 || instance_open(&in, NULL, NULL, &err) < 0 ||
	    netlink_open(&nf, NETLINK_NETFILTER, &err) < 0)
		return fprintf(stderr, "%s\n", err.text), 1;
	for (int i = 0; i < n && r == 0; i++) {
		describe(&b[i], i, a);
		claims[i] = backend_open(&in, b[i].uid, &err);
		uint64_t before = clock_boot_us();
		r = claims[i] < 0 ? claims[i] : backend_change(&in, &nf, claims[i], NULL, &b[i], &err);
		us[i] = clock_boot_us() - before;
	}
	if (r == 0)
		print("added", us, n);
	for (int i = 0; i < n && r == 0; i++) {
		uint64_t before = clock_boot_us();
		r = backend_end(&in, &nf, &b[i], &err);
		us[i] = clock_boot_us() - before;
	}
	if (r < 0)
		return fprintf(stderr, "%s\n", err.text), 1;
	print("removed", us, n);
	return 0;
}
