/* build_stage.c — the instructions of a Dockerfile, one after another: each changes the stage's config or gives it a layer. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/file.h"
#include "build/stages.h"
#include "cli/build.h"
#include "cli/obtain.h"
#include "image/store.h"

static struct arena *arena_of(const struct build *b)
{
	return b->x->arena;
}

static struct build_stage *current(struct build *b)
{
	return &b->stages.at[b->stages.n - 1];
}

static void show(struct build *b, const struct instruction *i)
{
	_cleanup_text_ struct text line = {};

	b->steps++;
	if (b->quiet)
		return;
	text_printf(&line, "step %u: %s", b->steps, i->keyword);
	list_each(flag, &i->flags)
		text_printf(&line, " --%s%s%s", flag->name, *flag->value ? "=" : "", flag->value);
	text_printf(&line, " %s", i->text);
	text_tame(line.at);
	printf("%s\n", text_str(&line));
	fflush(stdout);
}

/* Adds to the sentence of an error where it was. */
static int placed(struct build *b, const struct instruction *i, int r)
{
	return r < 0 ? error_prefix(b->err, "%s:%u: %s", b->file.name, i->line, i->keyword) : r;
}

/* --- variables ------------------------------------------------------------------------------------------------------------- */

static const char *architecture(void)
{
	static struct utsname u;

	uname(&u);
	const char *machine = u.machine;
	return text_is(machine, "x86_64") ? "amd64" : text_is(machine, "aarch64") ? "arm64" : machine;
}

/* The variables that every file has before its first FROM (Dockerfile reference "Automatic platform ARGs"). */
static void add_platform(struct build *b)
{
	static const char *const whose[] = { "BUILD", "TARGET" };

	for (int i = 0; i < 2; i++) {
		*list_add(arena_of(b), &b->global) =
			arena_printf(arena_of(b), "%sPLATFORM=linux/%s", whose[i], architecture());
		*list_add(arena_of(b), &b->global) = arena_printf(arena_of(b), "%sOS=linux", whose[i]);
		*list_add(arena_of(b), &b->global) =
			arena_printf(arena_of(b), "%sARCH=%s", whose[i], architecture());
	}
}

/* What instructions see: the ARGs, and before them ENV. */
static struct variables variables_of(struct build *b, const struct strings *args, const struct node *config)
{
	struct variables v = { .escape = b->file.escape };
	const struct node *env = node_get(config, "Env");

	list_each(arg, args)
		*list_add(arena_of(b), &v.pairs) = *arg;
	if (env && env->kind == NODE_LIST)
		list_each(pair, &env->items)
			*list_add(arena_of(b), &v.pairs) = (*pair)->text;
	return v;
}

/* One ARG: what --build-arg says, or its default, or what it is before the first FROM. */
static int declare(struct build *b, const char *word, const struct variables *v, struct strings *args)
{
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);
	const struct variables wishes = { .pairs = b->wishes }, global = { .pairs = b->global };
	const char *value = variable_find(&wishes, word, n);

	if (!value && equals && !(value = word_expand(equals + 1, v, arena_of(b), b->err)))
		return -EINVAL;
	if (!value)
		value = variable_find(&global, word, n);
	if (value)
		*list_add(arena_of(b), args) = arena_printf(arena_of(b), "%.*s=%s", (int)n, word, value);
	return 0;
}

static int do_arg(struct build *b, const struct instruction *i)
{
	struct build_stage *s = b->stages.n ? current(b) : NULL;
	struct strings words = {}, *args = s ? &s->args : &b->global;
	int r = 0;

	words_split(i->text, b->file.escape, arena_of(b), &words);
	list_each(word, &words) {
		const struct variables v = variables_of(b, args, s ? s->config : NULL);
		if (r == 0)
			r = declare(b, *word, &v, args);
	}
	return r;
}

/* --- FROM ------------------------------------------------------------------------------------------------------------------- */

static struct build_stage *find_stage(struct build *b, const char *name)
{
	long long number;

	for (size_t n = b->stages.n; n-- > 0;)
		if (b->stages.at[n].name && strcasecmp(b->stages.at[n].name, name) == 0)
			return &b->stages.at[n];
	if (text_to_int(name, 0, (long long)b->stages.n - 1, &number) == 0)
		return &b->stages.at[number];
	return NULL;
}

static const char *now(struct build *b)
{
	char text[CLOCK_TEXT_SIZE];
	struct timespec time = clock_wall();

	if (b->epoch >= 0)
		time = (struct timespec){ .tv_sec = b->epoch };
	return arena_strdup(arena_of(b), clock_rfc3339(time, text));
}

static struct node *child(struct build *b, struct node *n, const char *key, enum node_kind kind)
{
	struct node *value = node_get(n, key);

	if (!value || value->kind != kind)
		node_put(arena_of(b), n, key, value = node_new(arena_of(b), kind));
	return value;
}

static void begin_config(struct build *b, struct build_stage *s)
{
	struct arena *a = arena_of(b);

	if (!s->whole) {
		s->whole = node_new(a, NODE_MAP);
		node_put(a, s->whole, "architecture", node_string(a, architecture()));
		node_put(a, s->whole, "os", node_string(a, "linux"));
		node_put(a, child(b, s->whole, "rootfs", NODE_MAP), "type", node_string(a, "layers"));
	}
	node_put(a, s->whole, "created", node_string(a, now(b)));
	s->config = child(b, s->whole, "config", NODE_MAP);
	child(b, node_get(s->whole, "rootfs"), "diff_ids", NODE_LIST);
	child(b, s->whole, "history", NODE_LIST);
	if (!s->layers)
		s->layers = node_new(a, NODE_LIST);
}

static int read_image(struct build *b, const struct image *image, struct build_stage *s)
{
	struct node *manifest = store_read_json(&b->x->in, image->digest, arena_of(b), b->err);

	s->whole = manifest ? store_read_json(&b->x->in, image->id, arena_of(b), b->err) : NULL;
	s->layers = node_get(manifest, "layers");
	s->lower = image->diff_ids;
	return s->whole ? 0 : -b->err->code;
}

/* An image of the store, or pulled. */
static int read_base(struct build *b, const char *name, struct build_stage *s)
{
	const struct pod none = {};
	const struct wanted_image wanted = { .name = name, .policy = "IfNotPresent" };
	struct image image;
	int r = image_obtain(b->x, &none, &wanted, &image, b->err);

	if (r == 0)
		r = read_image(b, &image, s);
	if (r < 0)
		return r;
	const struct node *later = node_get(node_get(s->whole, "config"), "OnBuild");
	if (later && later->kind == NODE_LIST && later->items.n > 0)
		return error_set(b->err, ENOTSUP,
				 "the image '%s' has ONBUILD instructions, which are not done", name);
	return 0;
}

int build_begin_from(struct build *b, const struct image *image, struct build_stage *s)
{
	int r = read_image(b, image, s);

	if (r == 0)
		begin_config(b, s);
	return r;
}

static void copy_stage(struct build *b, const struct build_stage *from, struct build_stage *to)
{
	*to = (struct build_stage){ .whole = node_copy(arena_of(b), from->whole),
				    .layers = node_copy(arena_of(b), from->layers) };
	list_each(id, &from->lower)
		*list_add(arena_of(b), &to->lower) = *id;
}

static int check_platform(struct build *b, const struct instruction *i, const struct variables *v)
{
	const char *flag = instruction_flag(i, "platform"),
		   *here = arena_printf(arena_of(b), "linux/%s", architecture());
	const char *platform = flag ? word_expand(flag, v, arena_of(b), b->err) : here;

	if (!platform)
		return -EINVAL;
	return text_is(platform, here)
		       ? 0
		       : error_set(b->err, ENOTSUP, "images are built for %s only, not for '%s'", here,
				   platform);
}

static int do_from(struct build *b, const struct instruction *i)
{
	const struct variables v = variables_of(b, &b->global, NULL);
	struct strings words = {};
	struct build_stage stage = {};

	words_split(i->text, b->file.escape, arena_of(b), &words);
	if (words.n != 1 && !(words.n == 3 && strcasecmp(words.at[1], "AS") == 0))
		return error_set(b->err, EINVAL, "IMAGE or IMAGE AS NAME is expected");
	if (b->stages.n == STAGES_MAX)
		return error_set(b->err, E2BIG, "a file has at most %d stages", STAGES_MAX);
	const char *name = word_expand(words.at[0], &v, arena_of(b), b->err);
	int r = name ? check_platform(b, i, &v) : -EINVAL;
	if (r < 0)
		return r;
	struct build_stage *before = find_stage(b, name);
	if (before)
		copy_stage(b, before, &stage);
	else if (!text_is(name, "scratch"))
		r = read_base(b, name, &stage);
	if (r < 0)
		return r;
	stage.name = words.n == 3 ? words.at[2] : NULL;
	begin_config(b, &stage);
	*list_add(arena_of(b), &b->stages) = stage;
	return 0;
}

/* --- layers ----------------------------------------------------------------------------------------------------------------- */

/* All that the layer of I follows from, but for the files that it copies. */
static const char *key_of(struct build *b, const struct instruction *i, const char *text)
{
	const struct build_stage *s = current(b);
	_cleanup_text_ struct text key = {}, config = {};

	text_printf(&key, "1 %lld\n", (long long)b->epoch);
	list_each(id, &s->lower)
		text_printf(&key, "%s\n", *id);
	text_printf(&key, "%s", i->keyword);
	list_each(flag, &i->flags)
		text_printf(&key, " --%s=%s", flag->name, flag->value);
	text_printf(&key, " %s\n%s\n", text, i->tail);
	if (text_is(i->keyword, "RUN")) { /* what it sees */
		list_each(arg, &s->args)
			text_printf(&key, "%s\n", *arg);
		for (const char *const *name =
			     (const char *const[]){ "Env", "User", "WorkingDir", "Shell", NULL };
		     *name; name++)
			if (node_get(s->config, *name))
				node_to_json(node_get(s->config, *name), false, &config);
	}
	text_add(&key, text_str(&config));
	return arena_strdup(arena_of(b), text_str(&key));
}

static struct build_step step_of(struct build *b, const struct instruction *i, const char *text)
{
	struct build_step step = { .key = key_of(b, i, text),
				   .fresh = b->fresh,
				   .lower = current(b)->lower,
				   .epoch = b->epoch,
				   .mode = -1 };

	step.scratch = arena_printf(arena_of(b), "%s/%u", b->scratch, b->steps);
	return step;
}

void build_add_layer(struct build *b, const struct built_layer *layer)
{
	struct arena *a = arena_of(b);
	struct build_stage *s = current(b);
	struct node *n = node_new(a, NODE_MAP);

	node_put(a, n, "mediaType", node_string(a, "application/vnd.oci.image.layer.v1.tar"));
	node_put(a, n, "digest", node_string(a, layer->digest));
	node_put(a, n, "size", node_int(a, layer->size));
	node_append(a, s->layers, n);
	node_append(a, node_get(node_get(s->whole, "rootfs"), "diff_ids"), node_string(a, layer->diff_id));
	*list_add(a, &s->lower) = layer->diff_id;
	if (layer->cached && !b->quiet)
		printf("  from the cache\n");
}

struct node *build_add_history(struct build *b, const char *created_by, bool has_layer)
{
	struct arena *a = arena_of(b);
	struct node *n = node_new(a, NODE_MAP);

	node_put(a, n, "created", node_string(a, now(b)));
	node_put(a, n, "created_by", node_string(a, created_by));
	if (!has_layer)
		node_put(a, n, "empty_layer", node_bool(a, true));
	node_append(a, node_get(current(b)->whole, "history"), n);
	return n;
}

static int do_run(struct build *b, const struct instruction *i)
{
	struct built_layer layer = {};
	const struct build_step step = step_of(b, i, i->text);
	int r = file_make_dirs(AT_FDCWD, step.scratch, 0700, b->err);

	if (r == 0)
		r = build_ask_layer(b, "find", &step, &layer);
	if (r == 0)
		r = build_run(b, current(b), i, &step, &layer);
	if (r >= 0)
		build_add_layer(b, &layer);
	return r < 0 ? r : 1;
}

/* --- COPY, ADD ---------------------------------------------------------------------------------------------------------------- */

static const char *target_of(struct build *b, const char *target)
{
	const char *directory = node_get_string(current(b)->config, "WorkingDir");
	bool into = text_ends(target, "/") || text_ends(target, "/.") || text_is(target, ".");

	if (*target != '/')
		target = arena_printf(arena_of(b), "%s/%s", text_empty(directory) ? "" : directory, target);
	return into && !text_ends(target, "/") ? arena_printf(arena_of(b), "%s/", target) : target;
}

static int take_copy_flags(struct build *b, const struct instruction *i, struct build_step *step)
{
	struct build_stage *s = current(b);
	struct build_stage other = {};
	int r = 0;

	list_each(flag, &i->flags) {
		const char *value = word_expand(flag->value, &s->variables, arena_of(b), b->err);
		char *end = NULL;
		if (!value || r < 0)
			return -EINVAL;
		if (text_is(flag->name, "chown")) {
			step->owner = value;
		} else if (text_is(flag->name, "chmod")) {
			step->mode = strtol(value, &end, 8);
			if (*end || end == value || step->mode < 0 || step->mode > 07777)
				return error_set(b->err, EINVAL, "--chmod=%s is no mode (0755)", value);
		} else if (text_is(flag->name, "from") && text_is(i->keyword, "COPY")) {
			const struct build_stage *from = find_stage(b, value);
			if (!from && (r = read_base(b, value, &other)) < 0)
				return r;
			if (from == s)
				return error_set(b->err, EINVAL, "--from=%s is the stage itself", value);
			step->from = from ? from->lower : other.lower;
			step->context = NULL;
		} else if (!text_is(flag->name, "link")) {
			return error_set(b->err, EINVAL, "there is no flag --%s here", flag->name);
		}
	}
	return 0;
}

static const struct heredoc *heredoc_named(const struct instruction *i, const char *word)
{
	word += strspn(word, "<-\"'");
	list_each(h, &i->heredocs)
		if (text_starts(word, h->name))
			return h;
	return NULL;
}

/* One source: a path, or a here-document, which is a file with its name. */
static int add_source(struct build *b, const struct instruction *i, const char *word, struct build_step *step)
{
	const struct heredoc *h = text_starts(word, "<<") ? heredoc_named(i, word) : NULL;

	if (!h && strstr(word, "://"))
		return error_set(b->err, ENOTSUP, "'%s' is not fetched: ADD takes files of the context only",
				 word);
	if (!h) {
		*list_add(arena_of(b), &step->sources) = word;
		return 0;
	}
	const char *text =
		h->quoted ? h->text : word_expand_plain(h->text, &current(b)->variables, arena_of(b), b->err);
	if (!text)
		return -EINVAL;
	*list_add(arena_of(b), &step->texts) = (struct string_pair){ h->name, text };
	return 0;
}

static int do_copy(struct build *b, const struct instruction *i)
{
	struct strings raw = i->words, words = {};
	struct built_layer layer = {};
	const char *joined = "";
	int r = 0;

	if (!i->exec)
		words_split(i->text, b->file.escape, arena_of(b), &raw);
	list_each(word, &raw) {
		const char *w = text_starts(*word, "<<")
					? *word
					: word_expand(*word, &current(b)->variables, arena_of(b), b->err);
		if (!w)
			return -EINVAL;
		*list_add(arena_of(b), &words) = w;
		joined = arena_printf(arena_of(b), "%s%s\n", joined, w);
	}
	if (words.n < 2)
		return error_set(b->err, EINVAL, "at least a source and a target are expected");
	const char *target = target_of(b, words.at[words.n - 1]);
	struct build_step step = step_of(b, i, arena_printf(arena_of(b), "%s%s", joined, target));
	step.target = target;
	step.context = b->directory;
	step.ignore = b->ignore;
	step.unpacks = text_is(i->keyword, "ADD");
	r = take_copy_flags(b, i, &step);
	for (size_t n = 0; r == 0 && n + 1 < words.n; n++)
		r = add_source(b, i, words.at[n], &step);
	if (r == 0 && step.texts.n > 0 && step.sources.n > 0)
		return error_set(b->err, ENOTSUP, "here-documents and files need a %s each", i->keyword);
	list_each(from, &step.from)
		step.key = arena_printf(arena_of(b), "%s%s\n", step.key, *from);
	list_each(text, &step.texts)
		step.key = arena_printf(arena_of(b), "%s%s", step.key, text->value);
	if (r == 0)
		r = file_make_dirs(AT_FDCWD, step.scratch, 0700, b->err);
	if (r == 0)
		r = build_ask_layer(b, "copy", &step, &layer);
	if (r > 0)
		build_add_layer(b, &layer);
	return r;
}

/* --- everything else -------------------------------------------------------------------------------------------------------- */

/* WORKDIR makes the directory, too. */
static int make_workdir(struct build *b, const struct instruction *i)
{
	struct built_layer layer = {};
	const char *path = node_get_string(current(b)->config, "WorkingDir");
	struct build_step step = step_of(b, i, path);

	step.target = path;
	int r = file_make_dirs(AT_FDCWD, step.scratch, 0700, b->err);
	if (r == 0)
		r = build_ask_layer(b, "copy", &step, &layer);
	if (r > 0)
		build_add_layer(b, &layer);
	return r;
}

static int do_change(struct build *b, const struct instruction *i)
{
	struct build_stage *s = current(b);
	struct image_change change = { .config = s->config,
				       .variables = &s->variables,
				       .has_cmd = s->has_cmd,
				       .arena = arena_of(b),
				       .err = b->err };
	int r = config_change(&change, i);

	s->has_cmd = change.has_cmd;
	return r == 0 && text_is(i->keyword, "WORKDIR") ? make_workdir(b, i) : r;
}

static const struct {
	const char *keyword;
	int (*run)(struct build *b, const struct instruction *i); /* 1: it has given a layer */
} doings[] = {
	{ "FROM", do_from }, { "ARG", do_arg }, { "RUN", do_run }, { "COPY", do_copy }, { "ADD", do_copy }
};

static int build_one(struct build *b, const struct instruction *i)
{
	int (*run)(struct build * b, const struct instruction *i) = do_change;

	if (b->stages.n == 0 && !text_is(i->keyword, "FROM") && !text_is(i->keyword, "ARG"))
		return error_set(b->err, EINVAL, "it comes before the first FROM");
	for (size_t n = 0; n < sizeof(doings) / sizeof(*doings); n++)
		if (text_is(i->keyword, doings[n].keyword))
			run = doings[n].run;
	if (b->stages.n > 0)
		current(b)->variables = variables_of(b, &current(b)->args, current(b)->config);
	int r = run(b, i);
	if (r >= 0 && b->stages.n > 0 && !text_is(i->keyword, "FROM"))
		build_add_history(b, arena_printf(arena_of(b), "%s %s", i->keyword, i->text), r > 0);
	return r < 0 ? r : 0;
}

static bool is_target(struct build *b)
{
	return b->target && b->stages.n > 0 && current(b) == find_stage(b, b->target);
}

/* Of a stage that the target does not need there is only its name, so that the others keep their numbers. */
static bool is_skipped(struct build *b, const struct instruction *i, const bool *needed, unsigned stages)
{
	struct strings words = {};

	if (!text_is(i->keyword, "FROM"))
		return b->stages.n > 0 && b->stages.n <= stages && !needed[b->stages.n - 1];
	if (b->stages.n >= stages || needed[b->stages.n])
		return false;
	words_split(i->text, b->file.escape, arena_of(b), &words);
	*list_add(arena_of(b), &b->stages) =
		(struct build_stage){ .name = words.n == 3 ? words.at[2] : NULL };
	return true;
}

int build_all(struct build *b)
{
	bool needed[STAGES_MAX];
	unsigned stages = 0;

	add_platform(b);
	list_each(i, &b->file.instructions) {
		bool from = text_is(i->keyword, "FROM");
		if (from && is_target(b))
			return 0;
		if (from && b->stages.n == 0) { /* now all is known that the other FROMs see */
			const struct variables v = variables_of(b, &b->global, NULL);
			stages = stages_needed(&b->file, b->target, &v, arena_of(b), needed);
		}
		if (is_skipped(b, i, needed, stages))
			continue;
		show(b, i);
		int r = build_one(b, i);
		if (r < 0)
			return placed(b, i, r);
	}
	if (b->stages.n == 0)
		return error_set(b->err, EINVAL, "%s: there is no FROM in it", b->file.name);
	if (b->target && !is_target(b))
		return error_set(b->err, ENOENT, "%s: there is no stage '%s'", b->file.name, b->target);
	return 0;
}
