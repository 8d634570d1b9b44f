/* fuzz_sky.c — keys and values that anybody with access to an etcd may write: what becomes of them, and what is answered from them. Lines of
 * "key value"; a line that begins with "-" deletes a key, one with "?" asks for a name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "dns/sky_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int it_holds)
{
	if (!it_holds)
		abort();
}

static const uint16_t types[] = { KNOT_RRTYPE_A,     KNOT_RRTYPE_AAAA, KNOT_RRTYPE_SRV,
				  KNOT_RRTYPE_MX,    KNOT_RRTYPE_TXT,  KNOT_RRTYPE_PTR,
				  KNOT_RRTYPE_CNAME, KNOT_RRTYPE_NS,   KNOT_RRTYPE_ANY };

static void ask(struct sky *sky, const struct zone *zone, const struct zone *domain, const char *text)
{
	static uint8_t wire[MESSAGE_MAX];
	static const struct homes homes;
	const struct view v = {
		.zone = zone, .words = zone, .homes = &homes, .domain = domain, .sky = sky, .sky_known = true
	};
	knot_dname_storage_t name, next;
	struct address from;

	if (!name_parse(text, name))
		return;
	address_parse("10.0.0.9", 0, &from, NULL);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		_cleanup_arena_ struct arena *scratch = arena_new();
		knot_pkt_t *out = knot_pkt_new(wire, i & 1 ? 512 : sizeof(wire), NULL);
		knot_pkt_clear(out);
		knot_pkt_put_question(out, name, KNOT_CLASS_IN, types[i]);
		knot_pkt_begin(out, KNOT_ANSWER);
		answer_make(&v, &(struct question){ name, types[i], &from, (uint16_t)i, scratch }, NULL, out,
			    next);
		must(out->size <= out->max_size);
		knot_pkt_t *in =
			knot_pkt_new(out->wire, (uint16_t)out->size, NULL); /* what is sent can be read */
		must(knot_pkt_parse(in, 0) == KNOT_EOK);
		knot_pkt_free(in);
		knot_pkt_free(out);
	}
}

static void stub(void *data, const knot_dname_t *zone, const struct address *server)
{
	(void)data;
	must(knot_dname_size(zone) <= KNOT_DNAME_MAXLEN && server->family);
}

static void take_line(struct sky *sky, const struct zone *zone, const struct zone *domain, char *line,
		      size_t n)
{
	char *blank = memchr(line, ' ', n);
	size_t n_key = blank ? (size_t)(blank - line) : n;

	if (n && line[0] == '?')
		ask(sky, zone, domain, line + 1);
	else if (n && line[0] == '-')
		sky_delete(sky, line + 1, n - 1);
	else
		sky_put(sky, line, n_key, blank ? blank + 1 : "", blank ? n - n_key - 1 : 0, n & 1, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cluster none;
	knot_dname_storage_t apex, below;
	char *copy = memory_new(1, size + 1), *end = copy + size;

	memcpy(copy, data, size);
	name_parse("cluster.local", apex);
	name_parse("skydns.local", below);
	struct zone *zone = cluster_zone(&none, apex), *domain = cluster_domain(&none, below);
	struct sky *sky = sky_new(below);
	for (char *line = copy, *next; line < end; line = next) {
		char *stop = memchr(line, '\n', (size_t)(end - line));
		next = stop ? stop + 1 : end;
		if (stop)
			*stop = '\0';
		take_line(sky, zone, domain, line, (size_t)((stop ? stop : end) - line));
	}
	ask(sky, zone, domain, "skydns.local");
	ask(sky, zone, domain, "*.skydns.local");
	sky_stubs(sky, stub, NULL);
	sky_free(sky);
	zone_free(domain);
	zone_free(zone);
	free(copy);
	return 0;
}
