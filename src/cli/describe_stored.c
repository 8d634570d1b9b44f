/* describe_stored.c — seapod describe of what is stored: ConfigMaps, Secrets (without what they hide), claims and Services. */
#include <stdio.h>

#include "api/service.h"
#include "cli/describe.h"

static const char *text_at(const struct node *n, const char *key)
{
	const struct node *value = node_get(n, key);
	return value && value->kind == NODE_STRING ? value->text : NULL;
}

/* The map at KEY of the object's metadata. */
static void meta_pairs(const char *label, const struct node *object, const char *key, struct arena *a)
{
	const struct node *n = node_get(node_get(object, "metadata"), key);
	struct string_map map = {};

	for (size_t i = 0; n && i < n->pairs.n; i++)
		*list_add(a, &map) = (struct string_pair){ n->pairs.at[i].key, n->pairs.at[i].value->text };
	describe_pairs(label, &map, a);
}

/* kubectl's: the texts of a ConfigMap as they are. */
static void config_map(const struct node *n)
{
	const struct node *data = node_get(n, "data"), *binary = node_get(n, "binaryData");

	printf("\nData\n====\n");
	for (size_t i = 0; data && i < data->pairs.n; i++) {
		printf("%s:\n----\n", data->pairs.at[i].key);
		for (const char *c = data->pairs.at[i].value->text; c && *c; c++) /* no control sequences */
			putchar((unsigned char)*c < ' ' && *c != '\n' && *c != '\t' ? '?' : *c);
		printf("\n\n");
	}
	printf("BinaryData\n====\n");
	for (size_t i = 0; binary && i < binary->pairs.n; i++)
		printf("%s: %zu bytes\n", binary->pairs.at[i].key, binary->pairs.at[i].value->size / 4 * 3);
}

/* Bytes that a base64 text stands for (RFC 4648). */
static size_t decoded_size(const struct node *n)
{
	size_t size = n->size / 4 * 3;

	for (size_t i = n->size; i-- > 0 && n->text[i] == '=' && size > 0;)
		size--;
	return size;
}

static void secret(const struct node *n)
{
	const struct node *data = node_get(n, "data");
	const char *type = text_at(n, "type");

	describe_line(0, "Type:", type ? type : "Opaque");
	printf("\nData\n====\n");
	for (size_t i = 0; data && i < data->pairs.n; i++)
		printf("%s:  %zu bytes\n", data->pairs.at[i].key, decoded_size(data->pairs.at[i].value));
}

static void claim(struct context *x, const struct chosen *c)
{
	const struct node *spec = node_get(c->node, "spec"), *modes = node_get(spec, "accessModes");
	const char *all = "", *users = "";
	struct found_pods pods = {};

	for (size_t i = 0; modes && i < modes->items.n; i++)
		all = arena_printf(x->arena, "%s%s%s", all, *all ? "," : "", modes->items.at[i]->text);
	describe_line(0, "Status:", "Bound");
	describe_line(0, "Capacity:", text_at(node_get(node_get(spec, "resources"), "requests"), "storage"));
	describe_line(0, "Access Modes:", all);
	pods_list(&x->in, c->namespace, x->arena, &pods, NULL);
	list_each(f, &pods)
		list_each(v, &f->pod->spec.volumes)
			if (v->persistentVolumeClaim && text_is(v->persistentVolumeClaim->claimName, c->name))
				users = arena_printf(x->arena, "%s%s%s", users, *users ? "," : "",
						     f->pod->metadata.name);
	describe_line(0, "Used By:", users);
}

static void service(struct context *x, const struct node *n)
{
	struct service s;

	service_read(n, &s, x->arena);
	describe_pairs("Selector:", &s.spec.selector, x->arena);
	describe_line(0, "Type:", s.spec.type);
	describe_line(0, "IP:", s.spec.clusterIP);
	if (s.spec.externalName)
		describe_line(0, "External Name:", s.spec.externalName);
	list_each(p, &s.spec.ports) {
		describe_line(0, "Port:",
			      arena_printf(x->arena, "%s %d/%s", p->name ? p->name : "<unset>", p->port,
					   p->protocol));
		if (p->nodePort)
			describe_line(0,
				      "NodePort:", arena_printf(x->arena, "%d/%s", p->nodePort, p->protocol));
	}
}

void describe_stored(struct context *x, struct chosen *c)
{
	describe_line(0, "Name:", c->name);
	describe_line(0, "Namespace:", c->namespace);
	meta_pairs("Labels:", c->node, "labels", x->arena);
	meta_pairs("Annotations:", c->node, "annotations", x->arena);
	switch (c->kind->kind) {
	case KIND_CONFIG_MAP:
		return config_map(c->node);
	case KIND_SECRET:
		return secret(c->node);
	case KIND_CLAIM:
		return claim(x, c);
	case KIND_SERVICE:
		return service(x, c->node);
	case KIND_POD:
		return;
	}
}
