/* get_rows.c — see get_rows.h. */
#include "cli/get_rows.h"

#include <ctype.h>

#include "api/service.h"
#include "cli/words.h"

static const char *or_none(const char *text)
{
	return text_empty(text) ? "<none>" : text;
}

/* --- pods ----------------------------------------------------------------------------------------------------------------- */

const char *published_ports(const struct pod *p, struct arena *a)
{
	const char *ports = "";

	list_each(c, &p->spec.containers)
		list_each(port, &c->ports)
			if (port->hostPort)
				ports = arena_printf(a, "%s%s%s:%d->%d/%s", ports, *ports ? "," : "",
						     port->hostIP ? port->hostIP : "0.0.0.0", port->hostPort,
						     port->containerPort, port->protocol);
	return ports;
}

static void pod_cells(struct table_view *t, const struct view *v, const struct chosen *c)
{
	const struct pod *p = c->pod.pod;
	struct arena *a = t->arena;

	table_cell(t, ready_word(p, a));
	table_cell(t, status_word(p, a));
	table_cell(t, arena_printf(a, "%d", restart_count(p)));
	table_cell(t, age_word(p->metadata.creationTimestamp, a));
	if (v->output.kind != OUTPUT_WIDE)
		return;
	table_cell(t, or_none(p->status.podIP));
	table_cell(t, or_none(published_ports(p, a)));
}

/* --- what is stored ------------------------------------------------------------------------------------------------------- */

/* kubectl's short words. */
static const char *access_word(const char *mode)
{
	return text_is(mode, "ReadWriteOnce")   ? "RWO"
	       : text_is(mode, "ReadOnlyMany")  ? "ROX"
	       : text_is(mode, "ReadWriteMany") ? "RWX"
						: "RWOP";
}

static void claim_cells(struct table_view *t, const struct node *claim)
{
	const struct node *spec = node_get(claim, "spec"), *modes = node_get(spec, "accessModes");
	const char *size = node_get_string(node_get(node_get(spec, "resources"), "requests"), "storage"),
		   *words = "";

	for (size_t i = 0; modes && i < modes->items.n; i++)
		words = arena_printf(t->arena, "%s%s%s", words, *words ? "," : "",
				     access_word(modes->items.at[i]->text));
	table_cell(t, "Bound");
	table_cell(t, or_none(size));
	table_cell(t, words);
}

static void service_cells(struct table_view *t, const struct node *n)
{
	struct arena *a = t->arena;
	const char *ports = "";
	struct service s;

	service_read(n, &s, a);
	list_each(port, &s.spec.ports)
		ports = arena_printf(a, port->nodePort ? "%s%s%d:%d/%s" : "%s%s%d%.0d/%s", ports,
				     *ports ? "," : "", port->port, port->nodePort, port->protocol);
	table_cell(t, s.spec.type);
	table_cell(t, or_none(s.spec.clusterIP));
	table_cell(t, or_none(s.spec.externalName));
	table_cell(t, or_none(ports));
	table_cell(t, age_word(s.metadata.creationTimestamp, a));
}

static void data_cells(struct table_view *t, const struct node *n)
{
	const struct node *data = node_get(n, "data"), *binary = node_get(n, "binaryData");

	table_cell(t, arena_printf(t->arena, "%zu",
				   (data ? data->pairs.n : 0) + (binary ? binary->pairs.n : 0)));
}

/* --- any ------------------------------------------------------------------------------------------------------------------ */

static const char *const headings[][6] = {
	[KIND_POD] = { "READY", "STATUS", "RESTARTS", "AGE" },
	[KIND_CONFIG_MAP] = { "DATA" },
	[KIND_SECRET] = { "DATA" },
	[KIND_CLAIM] = { "STATUS", "CAPACITY", "ACCESS MODES" },
	[KIND_SERVICE] = { "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE" },
};

/* kubectl's: what is behind the slash, in capitals. */
static const char *label_heading(const char *key, struct arena *a)
{
	const char *slash = strrchr(key, '/');
	char *heading = arena_strdup(a, slash ? slash + 1 : key);

	for (char *c = heading; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return heading;
}

void rows_headings(struct table_view *t, const struct view *v, const struct kind *kind)
{
	if (v->no_headers)
		return;
	if (v->namespaces)
		table_cell(t, "NAMESPACE");
	table_cell(t, "NAME");
	for (size_t i = 0; i < 6 && headings[kind->kind][i]; i++)
		table_cell(t, headings[kind->kind][i]);
	if (v->output.kind == OUTPUT_WIDE && kind->kind == KIND_POD) {
		table_cell(t, "IP");
		table_cell(t, "PORTS");
	}
	list_each(key, &v->label_columns)
		table_cell(t, label_heading(*key, t->arena));
	if (v->show_labels)
		table_cell(t, "LABELS");
	table_end_row(t);
}

static void label_cells(struct table_view *t, const struct view *v, struct chosen *c)
{
	const struct node *labels = node_get(node_get(chosen_node(c, t->arena), "metadata"), "labels");
	const char *all = "";

	list_each(key, &v->label_columns) {
		const char *value = node_get_string(labels, *key);
		table_cell(t, value ? value : "");
	}
	for (size_t i = 0; labels && i < labels->pairs.n; i++)
		all = arena_printf(t->arena, "%s%s%s=%s", all, *all ? "," : "", labels->pairs.at[i].key,
				   labels->pairs.at[i].value->text);
	if (v->show_labels)
		table_cell(t, or_none(all));
}

void rows_add(struct table_view *t, const struct view *v, struct chosen *c)
{
	if (v->namespaces)
		table_cell(t, c->namespace);
	table_cell(t, v->kinds ? arena_printf(t->arena, "%s/%s", c->kind->singular, c->name) : c->name);
	if (c->kind->kind == KIND_POD)
		pod_cells(t, v, c);
	else if (c->kind->kind == KIND_CLAIM)
		claim_cells(t, c->node);
	else if (c->kind->kind == KIND_SERVICE)
		service_cells(t, c->node);
	else
		data_cells(t, c->node);
	if (v->show_labels || v->label_columns.n)
		label_cells(t, v, c);
	table_end_row(t);
}
