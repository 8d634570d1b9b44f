/* fuzz_dns.c — bytes that strangers send: queries, what other servers answer, and the objects that names are made of. The first byte says which.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "dns/answer.h"
#include "dns/cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char service[] = "{\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"},\"spec\":{"
			      "\"clusterIP\":\"10.0.0.1\",\"ports\":[{"
			      "\"name\":\"http\",\"port\":80}]}}";

static const struct view *view(void)
{
	static struct view v;
	static struct homes homes;
	static struct fact_service fact;
	static struct fact_service *facts[] = { &fact };
	struct cluster cluster = { .services = { facts, 1 } };
	knot_dname_storage_t apex;
	static struct arena *arena;

	if (!arena)
		arena = arena_new();
	if (!v.zone && fact_service_read(service, sizeof(service) - 1, arena, &fact) &&
	    name_parse("cluster.local", apex))
		v = (struct view){ cluster_zone(&cluster, apex), cluster_words(&cluster), &homes };
	return &v;
}

static void try_query(uint8_t *wire, size_t n)
{
	_cleanup_arena_ struct arena *scratch = arena_new();
	static const struct message_secret secret;
	static uint8_t answer[MESSAGE_MAX];
	struct address from;
	struct query q;
	knot_dname_storage_t next;

	address_parse("10.0.0.9", 0, &from, NULL);
	if (query_read(&q, wire, n, &from, n & 1, &secret, 1)) {
		knot_pkt_t *out = knot_pkt_new(answer, sizeof(answer), NULL);
		int code = q.code;
		answer_begin(out, &q);
		if (code == 0)
			code = answer_make(view(),
					   &(struct question){ knot_pkt_qname(q.packet),
							       knot_pkt_qtype(q.packet), &from, 1, scratch },
					   NULL, out, next);
		answer_end(out, &q, code < 0 ? 0 : (uint16_t)code, &secret, 1);
		if (out->size > q.room)
			abort();
		knot_pkt_free(out);
	}
	query_free(&q);
}

static void try_response(uint8_t *wire, size_t n)
{
	static uint8_t answer[MESSAGE_MAX];
	static struct cache cache;
	knot_dname_storage_t name;

	name_parse("www.example.org", name);
	knot_pkt_t *p = response_read(wire, n, n > 1 ? knot_wire_get_id(wire) : 0, name, KNOT_RRTYPE_A);
	if (p) {
		knot_pkt_t *out = knot_pkt_new(answer, sizeof(answer), NULL);
		cache_put(&cache, name, KNOT_RRTYPE_A, false, p, 1);
		knot_pkt_begin(out, KNOT_ANSWER);
		answer_copy(out, p, false, 1, 60);
		knot_pkt_free(out);
	}
	knot_pkt_free(p);
	cache_free(&cache);
}

static void try_facts(const char *text, size_t n)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const char *middle = memchr(text, '\n', n);
	size_t first = middle ? (size_t)(middle - text) : n, second = n - first;
	struct fact_pod pod;
	struct fact_service s;
	struct fact_network network;
	struct fact_pod *pods[] = { &pod };
	struct fact_service *services[] = { &s };
	struct cluster c = {};
	knot_dname_storage_t apex;

	name_parse("cluster.local", apex);
	if (fact_pod_read(text, first, text + first, second, a, &pod))
		memcpy(&c.pods, &(struct fact_pods){ pods, 1 }, sizeof(c.pods));
	if (fact_service_read(text + first, second, a, &s))
		memcpy(&c.services, &(struct fact_services){ services, 1 }, sizeof(c.services));
	fact_network_read(text, n, a, &network);
	zone_free(cluster_zone(&c, apex));
	zone_free(cluster_words(&c));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > MESSAGE_MAX)
		return 0;
	uint8_t *copy = memory_new(1, size); /* of its own, so that reading beyond its end is seen */
	memcpy(copy, data + 1, size - 1);
	switch (data[0] % 3) {
	case 0:
		try_query(copy, size - 1);
		break;
	case 1:
		try_response(copy, size - 1);
		break;
	default:
		try_facts((const char *)copy, size - 1);
	}
	free(copy);
	return 0;
}
