/* system_check.c — seapod system check: what on this host stands in the way, a line each, and what to do about it. */
#include <stdio.h>

#include "base/cleanup.h"
#include "check/host.h"
#include "cli/commands.h"
#include "command/table.h"

static void print_json(const struct findings *findings, struct arena *a)
{
	_cleanup_text_ struct text text = {};
	struct node *list = node_new(a, NODE_LIST);

	list_each(finding, findings) {
		struct node *one = node_new(a, NODE_MAP);
		node_put(a, one, "level", node_string(a, finding_level_names[finding->level]));
		node_put(a, one, "subject", node_string(a, finding->subject));
		node_put(a, one, "finding", node_string(a, finding->text));
		if (finding->todo)
			node_put(a, one, "todo", node_string(a, finding->todo));
		node_append(a, list, one);
	}
	node_to_json(list, true, &text);
	printf("%s\n", text_str(&text));
}

static void print_lines(const struct findings *findings, struct arena *a)
{
	struct table_view t = { .arena = a };

	list_each(finding, findings)
		table_row(&t, finding_level_names[finding->level], finding->subject,
			  finding->todo ? arena_printf(a, "%s. Do: %s", finding->text, finding->todo)
					: finding->text,
			  NULL, NULL, NULL, NULL, NULL);
	table_print(&t);
}

int system_check(struct context *x, bool json, struct error *err)
{
	struct findings findings = {};
	struct host_facts facts;
	unsigned problems = 0;

	host_learn(&x->in, x->arena, &facts);
	host_judge(&facts, x->arena, &findings);
	json ? print_json(&findings, x->arena) : print_lines(&findings, x->arena);
	list_each(finding, &findings)
		problems += finding->level == FINDING_PROBLEM;
	if (problems == 0)
		return 0;
	return error_set(err, ENOTSUP,
			 "%u thing%s on this host stand%s in the way (the lines that begin with 'problem')",
			 problems, problems == 1 ? "" : "s", problems == 1 ? "s" : "");
}
