/* config.c — see config.h. */
#include "build/config.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/text.h"

static struct node *child(struct image_change *c, const char *key, enum node_kind kind)
{
	struct node *n = node_get(c->config, key);

	if (!n || n->kind != kind)
		node_put(c->arena, c->config, key, n = node_new(c->arena, kind));
	return n;
}

static struct node *list_of(struct image_change *c, const struct strings *words)
{
	struct node *list = node_new(c->arena, NODE_LIST);

	list_each(word, words)
		node_append(c->arena, list, node_string(c->arena, *word));
	return list;
}

static int put_text(struct image_change *c, const char *key, const char *text)
{
	const char *value = word_expand(text, c->variables, c->arena, c->err);

	if (!value)
		return -EINVAL;
	node_put(c->arena, c->config, key, node_string(c->arena, value));
	return 0;
}

void config_shell(const struct node *config, struct arena *a, struct strings *out)
{
	const struct node *shell = node_get(config, "Shell");

	if (shell && shell->kind == NODE_LIST && shell->items.n > 0) {
		list_each(word, &shell->items)
			*list_add(a, out) = (*word)->text;
		return;
	}
	*list_add(a, out) = "/bin/sh";
	*list_add(a, out) = "-c";
}

/* The exec form as it is, the shell form behind the shell. */
static struct node *command(struct image_change *c, const struct instruction *i)
{
	struct strings words = {};

	if (i->exec)
		return list_of(c, &i->words);
	config_shell(c->config, c->arena, &words);
	*list_add(c->arena, &words) = i->text;
	return list_of(c, &words);
}

/* --- the instructions --------------------------------------------------------------------------------------------------- */

/* "NAME=value …", or one "NAME value". */
static int read_pairs(struct image_change *c, const struct instruction *i, struct string_map *out)
{
	struct strings words = {};

	words_split(i->text, c->variables->escape, c->arena, &words);
	bool old = !strchr(words.at[0], '=');
	if (old && words.n < 2)
		return error_set(c->err, EINVAL, "'%s' is neither NAME=VALUE nor NAME VALUE", i->text);
	list_each(word, &words) {
		const char *text = old ? i->text : *word,
			   *equals = old ? text + strcspn(text, " \t") : strchr(text, '=');
		if (!equals || equals == text)
			return error_set(c->err, EINVAL, "'%s' is not NAME=VALUE", text);
		const char *name = word_expand(arena_strndup(c->arena, text, (size_t)(equals - text)),
					       c->variables, c->arena, c->err);
		const char *value = word_expand(equals + 1 + (old ? strspn(equals + 1, " \t") : 0),
						c->variables, c->arena, c->err);
		if (!name || !value)
			return -EINVAL;
		*list_add(c->arena, out) = (struct string_pair){ name, value };
		if (old)
			break;
	}
	return 0;
}

static int change_env(struct image_change *c, const struct instruction *i)
{
	struct string_map pairs = {};
	int r = read_pairs(c, i, &pairs);
	struct node *env = child(c, "Env", NODE_LIST);

	list_each(pair, &pairs) {
		struct node *value =
			node_string(c->arena, arena_printf(c->arena, "%s=%s", pair->key, pair->value));
		size_t n = strlen(pair->key), at = 0;
		while (at < env->items.n && (strncmp(env->items.at[at]->text, pair->key, n) != 0 ||
					     env->items.at[at]->text[n] != '='))
			at++;
		if (at < env->items.n)
			env->items.at[at] = value;
		else
			node_append(c->arena, env, value);
	}
	return r;
}

static int change_label(struct image_change *c, const struct instruction *i)
{
	struct string_map pairs = {};
	int r = read_pairs(c, i, &pairs);

	list_each(pair, &pairs)
		node_put(c->arena, child(c, "Labels", NODE_MAP), pair->key,
			 node_string(c->arena, pair->value));
	return r;
}

/* Words as keys of the map KEY. */
static int add_keys(struct image_change *c, const struct instruction *i, const char *key, const char *suffix)
{
	struct strings words = i->words;

	if (!i->exec)
		words_split(i->text, c->variables->escape, c->arena, &words);
	list_each(word, &words) {
		const char *value = i->exec ? *word : word_expand(*word, c->variables, c->arena, c->err);
		if (!value)
			return -EINVAL;
		if (*suffix && !strchr(value, '/'))
			value = arena_printf(c->arena, "%s%s", value, suffix);
		node_put(c->arena, child(c, key, NODE_MAP), value, node_new(c->arena, NODE_MAP));
	}
	return 0;
}

static int change_expose(struct image_change *c, const struct instruction *i)
{
	return add_keys(c, i, "ExposedPorts", "/tcp");
}

static int change_volume(struct image_change *c, const struct instruction *i)
{
	return add_keys(c, i, "Volumes", "");
}

/* What an image had as CMD does not fit another ENTRYPOINT (Dockerfile reference "Understand how CMD and ENTRYPOINT interact"). */
static int change_entrypoint(struct image_change *c, const struct instruction *i)
{
	node_put(c->arena, c->config, "Entrypoint", command(c, i));
	if (!c->has_cmd)
		node_put(c->arena, c->config, "Cmd", node_new(c->arena, NODE_LIST));
	return 0;
}

static int change_cmd(struct image_change *c, const struct instruction *i)
{
	node_put(c->arena, c->config, "Cmd", command(c, i));
	c->has_cmd = true;
	return 0;
}

static int change_user(struct image_change *c, const struct instruction *i)
{
	return put_text(c, "User", i->text);
}

/* A relative one continues what was set before. */
static int change_workdir(struct image_change *c, const struct instruction *i)
{
	const char *path = word_expand(i->text, c->variables, c->arena, c->err);
	const char *before = node_get_string(c->config, "WorkingDir");

	if (!path)
		return -EINVAL;
	if (*path != '/')
		path = arena_printf(c->arena, "%s/%s",
				    text_empty(before) || text_is(before, "/") ? "" : before, path);
	node_put(c->arena, c->config, "WorkingDir", node_string(c->arena, path));
	return 0;
}

static int change_stop_signal(struct image_change *c, const struct instruction *i)
{
	return put_text(c, "StopSignal", i->text);
}

static int change_shell(struct image_change *c, const struct instruction *i)
{
	if (!i->exec)
		return error_set(c->err, EINVAL, "a JSON list is expected: [\"/bin/sh\", \"-c\"]");
	node_put(c->arena, c->config, "Shell", list_of(c, &i->words));
	return 0;
}

static int change_onbuild(struct image_change *c, const struct instruction *i)
{
	node_append(c->arena, child(c, "OnBuild", NODE_LIST), node_string(c->arena, i->text));
	return 0;
}

static int change_maintainer(struct image_change *c, const struct instruction *i)
{
	node_put(c->arena, child(c, "Labels", NODE_MAP), "maintainer", node_string(c->arena, i->text));
	return 0;
}

/* --interval=5s and its like: nanoseconds, as Docker's config has them. */
static int put_times(struct image_change *c, const struct instruction *i, struct node *check)
{
	static const struct {
		const char *flag, *key;
	} times[] = { { "interval", "Interval" },
		      { "timeout", "Timeout" },
		      { "start-period", "StartPeriod" },
		      { "start-interval", "StartInterval" } };
	const char *retries = instruction_flag(i, "retries");
	long long n;

	for (size_t t = 0; t < sizeof(times) / sizeof(*times); t++) {
		const char *text = instruction_flag(i, times[t].flag);
		int ms;
		if (!text)
			continue;
		if (duration_parse(text, &ms) < 0)
			return error_set(c->err, EINVAL, "--%s=%s is no duration (30s, 1m)", times[t].flag,
					 text);
		node_put(c->arena, check, times[t].key, node_int(c->arena, (int64_t)ms * 1000000));
	}
	if (retries && text_to_int(retries, 0, INT32_MAX, &n) < 0)
		return error_set(c->err, EINVAL, "--retries=%s is no number", retries);
	if (retries)
		node_put(c->arena, check, "Retries", node_int(c->arena, n));
	return 0;
}

/* Kept for Docker and podman, which run it; a pod has probes. */
static int change_healthcheck(struct image_change *c, const struct instruction *i)
{
	struct node *check = node_new(c->arena, NODE_MAP), *test = node_new(c->arena, NODE_LIST);
	const char *rest = i->text + strlen("CMD");
	struct strings words = {};

	words_split(i->text, '\\', c->arena, &words);
	if (words.n == 1 && strcasecmp(words.at[0], "NONE") == 0) {
		node_append(c->arena, test, node_string(c->arena, "NONE"));
	} else if (words.n > 1 && strcasecmp(words.at[0], "CMD") == 0) {
		rest += strspn(rest, " \t");
		struct node *exec = *rest == '[' ? instruction_words(rest, c->arena) : NULL;
		node_append(c->arena, test, node_string(c->arena, exec ? "CMD" : "CMD-SHELL"));
		if (exec)
			list_each(word, &exec->items)
				node_append(c->arena, test, *word);
		else
			node_append(c->arena, test, node_string(c->arena, rest));
	} else {
		return error_set(c->err, EINVAL, "CMD COMMAND or NONE is expected");
	}
	node_put(c->arena, check, "Test", test);
	node_put(c->arena, c->config, "Healthcheck", check);
	return put_times(c, i, check);
}

static const struct {
	const char *keyword;
	int (*change)(struct image_change *c, const struct instruction *i);
} changes[] = {
	{ "ENV", change_env },
	{ "LABEL", change_label },
	{ "EXPOSE", change_expose },
	{ "VOLUME", change_volume },
	{ "ENTRYPOINT", change_entrypoint },
	{ "CMD", change_cmd },
	{ "USER", change_user },
	{ "WORKDIR", change_workdir },
	{ "STOPSIGNAL", change_stop_signal },
	{ "SHELL", change_shell },
	{ "HEALTHCHECK", change_healthcheck },
	{ "ONBUILD", change_onbuild },
	{ "MAINTAINER", change_maintainer },
};

bool config_has(const char *keyword)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++)
		if (text_is(changes[i].keyword, keyword))
			return true;
	return false;
}

int config_change(struct image_change *c, const struct instruction *i)
{
	for (size_t n = 0; n < sizeof(changes) / sizeof(*changes); n++)
		if (text_is(changes[n].keyword, i->keyword))
			return changes[n].change(c, i);
	return error_set(c->err, EINVAL, "%s changes nothing", i->keyword);
}
