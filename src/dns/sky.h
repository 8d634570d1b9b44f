/* sky.h — the names that etcd has, as SkyDNS keeps them: a tree of labels. Pure: keys and values in, what lies below a name out.
 *
 *	/skydns/local/skydns/east/production/rails/1   is   1.rails.production.east.skydns.local
 *
 * A question for a name is answered with all records at and below it; "*" or "any" stands for one label, at any place. Of those found, the group of the
 * highest ones rules: others with another group are left out. What is found is limited (SKY_HITS_MAX), and so is the search: a
 * question costs no more than a fraction of a millisecond, whatever the tree holds.
 *
 * The tree is changed in place, between two questions: there is one thread. When etcd is listed anew, a second tree is filled and takes the first one's place.
 *
 * Source: github.com/skynetservices/skydns README ("Services", "Wildcards", "Groups"); CoreDNS' plugin etcd for flat keys.
 */
#pragma once

#include "dns/sky_record.h"

#define SKY_PREFIX "/skydns/"

enum {
	SKY_HITS_MAX = 1000,
	SKY_VISITS_MAX = 20000,
	SKY_RECORDS_MAX = 200000,
	SKY_BYTES_MAX = 128 * 1024 * 1024,
};

struct sky_node {
	struct sky_node *parent, **children; /* sorted */
	struct sky_record *record;           /* NULL: others lie below */
	uint32_t n, space;
	uint8_t depth;
	uint8_t label[]; /* its length first; of the root only that, 0 */
};

struct sky {
	struct sky_node *root;
	knot_dname_storage_t domain;
	size_t records, bytes, refused;
	struct error why; /* about the last one that was refused */
};

struct sky_found {
	const struct sky_node *at[SKY_HITS_MAX]; /* each has a record */
	unsigned n, visits;
	bool exists; /* there is such a name, even if there is no record */
};

/* DOMAIN: below it, and for reverse names, the sky has a say. */
struct sky *sky_new(const knot_dname_t *domain);
void sky_free(struct sky *s); /* NULL is fine */

/* A key with its value. -EINVAL: it is none that can be a name or record, and err says why; what was there before is gone. */
int sky_put(struct sky *s, const char *key, size_t n_key, const char *value, size_t n_value, bool leased,
	    struct error *err);
void sky_delete(struct sky *s, const char *key, size_t n_key);

/* True if NAME (in lower case) is the domain, below it, or a reverse name. */
bool sky_covers(const struct sky *s, const knot_dname_t *name);
bool sky_owns(const struct sky *s, const knot_dname_t *name); /* without reverse names */

void sky_find(const struct sky *s, const knot_dname_t *name, struct sky_found *out);

/* "ns.dns" and the like below the domain; false: too long. */
bool sky_name_below(const struct sky *s, const char *labels, knot_dname_storage_t out);

/* The name of N, without its STRIP leftmost labels. */
void sky_node_name(const struct sky_node *n, unsigned strip, knot_dname_storage_t out);

/* Calls WHAT for each server of a stub zone: <domain>/dns/stub/<zone, reversed>/<any> {host, port}. */
void sky_stubs(const struct sky *s,
	       void (*what)(void *data, const knot_dname_t *zone, const struct address *server), void *data);
