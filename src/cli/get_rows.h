/* get_rows.h — the columns of a kind: kubectl's.
 */
#pragma once

#include "cli/output.h"
#include "cli/select.h"
#include "command/table.h"

struct view {
	struct output output;
	bool namespaces; /* a column of them */
	bool no_headers, show_labels;
	bool kinds; /* names with their kind: more than one is shown */
	struct strings label_columns;
	bool watch;
	const struct jsonpath *sort;
};

void rows_headings(struct table_view *t, const struct view *v, const struct kind *kind);
void rows_add(struct table_view *t, const struct view *v, struct chosen *c);

/* "0.0.0.0:8080->80/tcp,…": what a pod publishes; "" */
const char *published_ports(const struct pod *p, struct arena *a);
