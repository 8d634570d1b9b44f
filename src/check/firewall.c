/* firewall.c — other programs' firewalls as nft and iptables-legacy show them: who drops what is forwarded; see host.h.
 *
 * A packet passes every chain at the forward hook, of all tables: one that drops it is enough (nft(8) "Hooks"). Whether it would be let through
 * cannot be computed from outside for every rule set; that some rule of the same table accepts what comes by our link and what goes to it can be
 * seen, and is what the advice asks for.
 */
#include <fnmatch.h>
#include <string.h>

#include "check/host.h"

static const char *text_at(const struct node *n, const char *key)
{
	const char *text = node_get_string(n, key);
	return text ? text : "";
}

/* --- nftables ---------------------------------------------------------------------------------------------------------- */

/* What a rule says, as far as it matters. */
struct rule {
	bool accepts, drops, conditional;
	const char *in, *out; /* the links it asks for; NULL: any */
};

static void read_match(const struct node *match, struct rule *rule)
{
	const struct node *left = node_get(match, "left"), *right = node_get(match, "right");
	const char *meta = text_at(node_get(left, "meta"), "key");
	const char *link = right && right->kind == NODE_STRING ? right->text : "";

	rule->conditional = true;
	if (!text_is(text_at(match, "op"), "=="))
		return;
	if (text_is(meta, "iifname"))
		rule->in = link;
	if (text_is(meta, "oifname"))
		rule->out = link;
}

static struct rule read_rule(const struct node *rule)
{
	const struct node *expressions = node_get(rule, "expr");
	struct rule read = {};

	for (size_t i = 0; expressions && i < expressions->items.n; i++) {
		const struct node *e = expressions->items.at[i];
		if (node_get(e, "match"))
			read_match(node_get(e, "match"), &read);
		else if (node_get(e, "accept"))
			read.accepts = true;
		else if (node_get(e, "drop") || node_get(e, "reject"))
			read.drops = true;
		else if (!node_get(e, "counter") && !node_get(e, "log") && !node_get(e, "comment"))
			read.conditional = true;
	}
	return read;
}

static bool fits(const char *pattern, const char *link)
{
	return pattern && fnmatch(pattern, link, 0) == 0;
}

/* The two ways of a link: into a pod, and out of it. */
struct ways {
	bool to, from;
};

static void add_rule(struct ways *w, const struct rule *rule, const char *link)
{
	if (!rule->accepts)
		return;
	w->to = w->to || fits(rule->out, link);
	w->from = w->from || fits(rule->in, link);
}

static bool are_open(const struct ways *w)
{
	return w->to && w->from;
}

static bool is_of(const struct node *entry, const struct node *chain)
{
	return text_is(text_at(entry, "family"), text_at(chain, "family")) &&
	       text_is(text_at(entry, "table"), text_at(chain, "table"));
}

static const struct node *entry_at(const struct node *all, size_t i, const char *kind)
{
	return node_get(all->items.at[i], kind);
}

/* By policy, or by a last rule that takes everything, as firewalld has it. */
static bool drops_all(const struct node *all, const struct node *chain)
{
	bool drops = text_is(text_at(chain, "policy"), "drop");

	for (size_t i = 0; i < all->items.n; i++) {
		const struct node *entry = entry_at(all, i, "rule");
		if (!entry || !is_of(entry, chain) ||
		    !text_is(text_at(entry, "chain"), text_at(chain, "name")))
			continue;
		struct rule rule = read_rule(entry);
		drops = drops || (rule.drops && !rule.conditional);
	}
	return drops;
}

static const char *find_closed(const struct node *all, const struct node *chain, const struct strings *links)
{
	list_each(link, links) {
		struct ways ways = {};
		for (size_t i = 0; i < all->items.n; i++) {
			const struct node *entry = entry_at(all, i, "rule");
			if (!entry || !is_of(entry, chain))
				continue;
			struct rule rule = read_rule(entry);
			add_rule(&ways, &rule, *link);
		}
		if (!are_open(&ways))
			return *link;
	}
	return NULL;
}

void forward_drops_of_nft(const struct node *ruleset, const char *table, const struct strings *links,
			  struct arena *a, struct forward_drops *out)
{
	const struct node *all = node_get(ruleset, "nftables");

	for (size_t i = 0; all && i < all->items.n; i++) {
		const struct node *chain = entry_at(all, i, "chain");
		const char *family = text_at(chain, "family");
		if (!chain || !text_is(text_at(chain, "hook"), "forward") ||
		    text_is(text_at(chain, "table"), table) || text_is(family, "bridge") ||
		    text_is(family, "arp") || !drops_all(all, chain))
			continue;
		*list_add(a, out) = (struct forward_drop){
			.table = arena_printf(a, "%s %s", family, text_at(chain, "table")),
			.chain = arena_strdup(a, text_at(chain, "name")),
			.closed = find_closed(all, chain, links),
		};
	}
}

/* --- iptables-legacy ----------------------------------------------------------------------------------------------------- */

/* The word after OPTION in the rule LINE, in A; NULL: none. "docker+" is iptables' way to write docker*. */
static char *word_after(const char *line, const char *option, struct arena *a)
{
	const char *at = strstr(line, option);

	if (!at)
		return NULL;
	at += strlen(option);
	char *word = arena_strndup(a, at, strcspn(at, " \n"));
	size_t n = strlen(word);
	if (n && word[n - 1] == '+')
		word[n - 1] = '*';
	return word;
}

void forward_drops_of_iptables(const char *rules, const struct strings *links, struct arena *a,
			       struct forward_drops *out)
{
	if (!strstr(rules, "-P FORWARD DROP"))
		return;
	struct forward_drop *drop = list_add(a, out);
	*drop = (struct forward_drop){ .table = "filter", .chain = "FORWARD", .legacy = true };
	list_each(link, links) {
		struct ways ways = {};
		char *copy = arena_strdup(a, rules), *state;
		for (char *line = strtok_r(copy, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
			struct rule rule = { .accepts = text_ends(line, "-j ACCEPT"),
					     .in = word_after(line, " -i ", a),
					     .out = word_after(line, " -o ", a) };
			if (text_starts(line, "-A "))
				add_rule(&ways, &rule, *link);
		}
		if (!are_open(&ways) && !drop->closed)
			drop->closed = *link;
	}
}
