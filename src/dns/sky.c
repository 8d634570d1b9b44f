/* sky.c — see sky.h. */
#include "dns/sky.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { LABEL_MAX = 63, LABELS_MAX = 127, STUB_LABELS = 2 /* "stub.dns" */ };

/* --- the tree ----------------------------------------------------------------------------------------------------------- */

static struct sky_node *new_node(struct sky_node *parent, const uint8_t *label)
{
	struct sky_node *n = memory_new(1, sizeof(*n) + label[0] + 1u);

	n->parent = parent;
	n->depth = parent ? (uint8_t)(parent->depth + 1) : 0;
	memcpy(n->label, label, label[0] + 1u);
	return n;
}

struct sky *sky_new(const knot_dname_t *domain)
{
	struct sky *s = memory_one(struct sky);

	name_store(s->domain, domain);
	s->root = new_node(NULL, (const uint8_t[]){ 0 });
	return s;
}

static void free_node(struct sky_node *n)
{
	for (uint32_t i = 0; i < n->n; i++)
		free_node(n->children[i]); /* at most LABELS_MAX deep */
	free(n->children);
	free(n->record);
	free(n);
}

void sky_free(struct sky *s)
{
	if (s)
		free_node(s->root);
	free(s);
}

static int compare_labels(const uint8_t *a, const uint8_t *b)
{
	return a[0] != b[0] ? a[0] - b[0] : memcmp(a + 1, b + 1, a[0]);
}

static bool label_is(const uint8_t *label, const char *text)
{
	return label[0] == strlen(text) && memcmp(label + 1, text, label[0]) == 0;
}

/* Where LABEL is among N's children, or belongs. */
static uint32_t place(const struct sky_node *n, const uint8_t *label, bool *there)
{
	uint32_t low = 0, high = n->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = compare_labels(n->children[middle]->label, label);
		if (order == 0) {
			*there = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*there = false;
	return low;
}

static struct sky_node *child(const struct sky_node *n, const uint8_t *label)
{
	bool there;
	uint32_t i = place(n, label, &there);
	return there ? n->children[i] : NULL;
}

static struct sky_node *need_child(struct sky *s, struct sky_node *n, const uint8_t *label)
{
	bool there;
	uint32_t i = place(n, label, &there);

	if (there)
		return n->children[i];
	if (n->n == n->space) {
		n->space = n->space ? 2 * n->space : 1;
		n->children = memory_grow(n->children, n->space, sizeof(*n->children));
	}
	memmove(n->children + i + 1, n->children + i, (n->n - i) * sizeof(*n->children));
	n->n++;
	s->bytes += sizeof(*n) + label[0] + 1u;
	return n->children[i] = new_node(n, label);
}

static void drop_record(struct sky *s, struct sky_node *n)
{
	if (!n->record)
		return;
	s->records--;
	s->bytes -= n->record->n_bytes;
	free(n->record);
	n->record = NULL;
}

/* Nodes that nothing needs any more. */
static void prune(struct sky *s, struct sky_node *n)
{
	while (n->parent && !n->record && n->n == 0) {
		struct sky_node *parent = n->parent;
		bool there;
		uint32_t i = place(parent, n->label, &there);
		memmove(parent->children + i, parent->children + i + 1,
			(parent->n - i - 1) * sizeof(*parent->children));
		parent->n--;
		s->bytes -= sizeof(*n) + n->label[0] + 1u;
		free_node(n);
		n = parent;
	}
}

/* --- keys --------------------------------------------------------------------------------------------------------------- */

struct path {
	uint8_t bytes[KNOT_DNAME_MAXLEN + LABELS_MAX]; /* labels, from the root on */
	const uint8_t *labels[LABELS_MAX];
	unsigned n;
};

static int add_label(struct path *p, size_t *used, const char *text, size_t n, struct error *err)
{
	uint8_t *at = p->bytes + *used;

	if (n == 0 || n > LABEL_MAX)
		return error_set(err, EINVAL, "a part of the key has %zu bytes, not 1 to %d", n, LABEL_MAX);
	if (*used + n + 2 > KNOT_DNAME_MAXLEN || p->n == LABELS_MAX)
		return error_set(err, EINVAL, "it is too long for a name");
	at[0] = (uint8_t)n;
	for (size_t i = 0; i < n; i++) {
		at[1 + i] = (uint8_t)tolower((unsigned char)text[i]);
		if (at[1 + i] <= ' ' || at[1 + i] == 127)
			return error_set(err, EINVAL, "the key has a blank or control character");
	}
	p->labels[p->n++] = at;
	*used += n + 1;
	return 0;
}

static int read_key(struct path *p, const char *key, size_t n, struct error *err)
{
	size_t prefix = sizeof(SKY_PREFIX) - 1, used = 0;
	int r = 0;

	p->n = 0;
	if (n <= prefix || memcmp(key, SKY_PREFIX, prefix) != 0)
		return error_set(err, EINVAL, "the key is not below " SKY_PREFIX);
	for (size_t at = prefix; r == 0 && at <= n;) {
		const char *end = memchr(key + at, '/', n - at);
		size_t size = end ? (size_t)(end - key) - at : n - at;
		r = add_label(p, &used, key + at, size, err);
		at += size + 1;
	}
	return r;
}

static int refuse(struct sky *s, const char *key, size_t n_key, struct error *why, struct error *err)
{
	char text[80];
	size_t n = n_key < sizeof(text) - 1 ? n_key : sizeof(text) - 1;

	for (size_t i = 0; i < n; i++)
		text[i] = key[i] ? key[i] : '?';
	text[n] = '\0';
	text_tame(text);
	s->refused++;
	error_set(&s->why, EINVAL, "%s%s: %s", text, n < n_key ? "…" : "", why->text);
	return error_set(err, EINVAL, "%s", s->why.text);
}

int sky_put(struct sky *s, const char *key, size_t n_key, const char *value, size_t n_value, bool leased,
	    struct error *err)
{
	struct error why = {};
	struct path p;

	if (read_key(&p, key, n_key, &why) < 0)
		return refuse(s, key, n_key, &why, err);
	sky_delete(s, key, n_key);
	struct sky_record *record = sky_record_read(value, n_value, leased, &why);
	if (record && (s->records >= SKY_RECORDS_MAX || s->bytes + record->n_bytes > SKY_BYTES_MAX)) {
		error_set(&why, E2BIG, "there are too many records (%zu, %zu MiB)", s->records,
			  s->bytes >> 20);
		free(record);
		record = NULL;
	}
	if (!record)
		return refuse(s, key, n_key, &why, err);
	struct sky_node *n = s->root;
	for (unsigned i = 0; i < p.n; i++)
		n = need_child(s, n, p.labels[i]);
	n->record = record;
	s->records++;
	s->bytes += record->n_bytes;
	return 0;
}

void sky_delete(struct sky *s, const char *key, size_t n_key)
{
	struct path p;
	struct sky_node *n = s->root;

	if (read_key(&p, key, n_key, NULL) < 0)
		return;
	for (unsigned i = 0; n && i < p.n; i++)
		n = child(n, p.labels[i]);
	if (!n)
		return;
	drop_record(s, n);
	prune(s, n);
}

/* --- names -------------------------------------------------------------------------------------------------------------- */

bool sky_owns(const struct sky *s, const knot_dname_t *name)
{
	return knot_dname_in_bailiwick(name, s->domain) >= 0;
}

bool sky_covers(const struct sky *s, const knot_dname_t *name)
{
	return sky_owns(s, name) || knot_dname_in_bailiwick(name, (const knot_dname_t *)"\4arpa") >= 0;
}

bool sky_name_below(const struct sky *s, const char *labels, knot_dname_storage_t out)
{
	knot_dname_storage_t first;

	if (!name_parse(labels, first))
		return false;
	size_t n = knot_dname_size(first) - 1, rest = knot_dname_size(s->domain);
	if (n + rest > KNOT_DNAME_MAXLEN)
		return false;
	memcpy(out, first, n);
	memcpy(out + n, s->domain, rest);
	return true;
}

void sky_node_name(const struct sky_node *n, unsigned strip, knot_dname_storage_t out)
{
	uint8_t *at = out;

	for (; n->parent; n = n->parent)
		if (strip)
			strip--;
		else
			at = mempcpy(at, n->label, n->label[0] + 1u);
	*at = 0;
}

/* <domain>/dns: servers and stub zones. Nobody who asks for all of the domain means them. */
static bool is_apart(const struct sky *s, const struct sky_node *n)
{
	const uint8_t *label = s->domain;

	if (!label_is(n->label, "dns"))
		return false;
	for (n = n->parent; n->parent && *label; n = n->parent, label += *label + 1)
		if (compare_labels(n->label, label) != 0)
			return false;
	return !n->parent && !*label;
}

/* --- finding ------------------------------------------------------------------------------------------------------------ */

struct search {
	const struct sky *sky;
	const uint8_t *labels[LABELS_MAX]; /* of the question, from the root on */
	unsigned n;
	struct sky_found *out;
};

static bool goes_on(struct search *f)
{
	return f->out->n < SKY_HITS_MAX && f->out->visits++ < SKY_VISITS_MAX;
}

static void take_all(struct search *f, const struct sky_node *n)
{
	if (!goes_on(f))
		return;
	if (n->record)
		f->out->at[f->out->n++] = n;
	for (uint32_t i = 0; i < n->n; i++)
		if (!is_apart(f->sky, n->children[i]))
			take_all(f, n->children[i]);
}

static bool is_wildcard(const uint8_t *label)
{
	return label_is(label, "*") || label_is(label, "any");
}

static void walk(struct search *f, const struct sky_node *n, unsigned at)
{
	if (!goes_on(f))
		return;
	if (at == f->n) {
		f->out->exists = true;
		take_all(f, n);
	} else if (is_wildcard(f->labels[at])) {
		for (uint32_t i = 0; i < n->n; i++)
			if (!is_apart(f->sky, n->children[i]))
				walk(f, n->children[i], at + 1);
	} else {
		const struct sky_node *next = child(n, f->labels[at]);
		if (next)
			walk(f, next, at + 1);
	}
}

/* The group of the records that are highest, if they have one and agree. */
static const char *ruling_group(const struct sky_found *found)
{
	const char *group = NULL;
	uint8_t highest = UINT8_MAX;

	for (unsigned i = 0; i < found->n; i++) {
		const struct sky_node *n = found->at[i];
		if (n->depth > highest)
			continue;
		if (n->depth < highest)
			group = n->record->group;
		else if (group && n->record->group && !text_is(group, n->record->group))
			group = "";
		else if (!group)
			group = n->record->group;
		highest = n->depth;
	}
	return text_empty(group) ? NULL : group;
}

void sky_find(const struct sky *s, const knot_dname_t *name, struct sky_found *out)
{
	struct search f = { .sky = s, .out = out };

	out->n = out->visits = 0;
	out->exists = false;
	for (const uint8_t *label = name; *label && f.n < LABELS_MAX; label += *label + 1)
		f.labels[f.n++] = label;
	for (unsigned i = 0; i < f.n / 2; i++) {
		const uint8_t *other = f.labels[i];
		f.labels[i] = f.labels[f.n - 1 - i];
		f.labels[f.n - 1 - i] = other;
	}
	walk(&f, s->root, 0);
	const char *group = ruling_group(out);
	unsigned kept = 0;
	for (unsigned i = 0; i < out->n; i++) {
		const char *its = out->at[i]->record->group;
		if (!group || !its || text_is(its, group))
			out->at[kept++] = out->at[i];
	}
	out->n = kept;
}

/* --- stub zones --------------------------------------------------------------------------------------------------------- */

/* Without its first label (which server) and without its last ones ("stub.dns.<domain>"). */
static bool stub_zone(const struct sky *s, const struct sky_node *n, knot_dname_storage_t out)
{
	unsigned others = (unsigned)knot_dname_labels(s->domain, NULL) + STUB_LABELS + 1;
	uint8_t *at = out;

	if (n->depth <= others)
		return false;
	unsigned left = n->depth - others;
	for (n = n->parent; left; n = n->parent, left--)
		at = mempcpy(at, n->label, n->label[0] + 1u);
	*at = 0;
	return true;
}

void sky_stubs(const struct sky *s,
	       void (*what)(void *data, const knot_dname_t *zone, const struct address *server), void *data)
{
	knot_dname_storage_t name, zone;
	struct sky_found found;

	if (!sky_name_below(s, "stub.dns", name))
		return;
	sky_find(s, name, &found);
	for (unsigned i = 0; i < found.n; i++) {
		struct address server = found.at[i]->record->address;
		server.port = found.at[i]->record->port ? found.at[i]->record->port : DNS_PORT;
		if (server.family && stub_zone(s, found.at[i], zone))
			what(data, zone, &server);
	}
}
