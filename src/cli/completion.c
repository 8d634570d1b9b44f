/* completion.c — seapod completion: the shells ask the program itself.
 *
 * The scripts are a few lines each: they hand over the words typed so far (`seapod completion words WORD...`, the last one is being
 * typed) and get candidates, one a line, with what each means behind a tab; ":files" stands for names of files. So what is completed
 * follows from the tables of commands and options and from the pods that there are, and can never be old.
 */
#include <stdio.h>
#include <string.h>

#include "api/kinds.h"
#include "api/store.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/pods.h"
#include "image/store.h"

static const struct {
	const char *shell, *script;
} scripts[] = {
	{ "bash",
	  "# source <(seapod completion bash)\n"
	  "_seapod() {\n"
	  "	local line\n"
	  "	COMPREPLY=()\n"
	  "	while IFS= read -r line; do\n"
	  "		if [ \"$line\" = :files ]; then\n"
	  "			compopt -o filenames\n"
	  "			mapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]#=}\")\n"
	  "		else\n"
	  "			COMPREPLY+=(\"${line%%$'\\t'*}\")\n"
	  "		fi\n"
	  "	done < <(\"${COMP_WORDS[0]}\" completion words \"${COMP_WORDS[@]:1:COMP_CWORD}\" "
	  "2>/dev/null)\n"
	  "	[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace\n"
	  "}\n"
	  "complete -F _seapod seapod\n" },
	{ "zsh",
	  "#compdef seapod\n"
	  "# source <(seapod completion zsh)\n"
	  "_seapod() {\n"
	  "	local line\n"
	  "	local -a found\n"
	  "	for line in ${(f)\"$($words[1] completion words \"${(@)words[2,CURRENT]}\" 2>/dev/null)\"}; "
	  "do\n"
	  "		if [[ $line == :files ]]; then\n"
	  "			_files\n"
	  "		else\n"
	  "			found+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
	  "		fi\n"
	  "	done\n"
	  "	(( $#found )) && _describe seapod found\n"
	  "}\n"
	  "if [[ $funcstack[1] == _seapod ]]; then _seapod \"$@\"; else compdef _seapod seapod; fi\n" },
	{ "fish",
	  "# seapod completion fish | source\n"
	  "function __seapod_words\n"
	  "	set -l words (commandline -opc)\n"
	  "	for line in ($words[1] completion words $words[2..-1] (commandline -ct) 2>/dev/null)\n"
	  "		if test \"$line\" = :files\n"
	  "			__fish_complete_path (commandline -ct)\n"
	  "		else\n"
	  "			echo $line\n"
	  "		end\n"
	  "	end\n"
	  "end\n"
	  "complete -c seapod -f -a '(__seapod_words)'\n" },
};

/* What was typed: the words before the last one, taken apart, and the last one. */
struct typed {
	struct context *x;
	const struct command *command;    /* NULL: the command itself is being typed */
	const struct option_spec *option; /* whose value is being typed */
	const char *namespace;
	const char *positional[2]; /* the first two */
	int count;
	bool program;       /* the rest is another program's */
	const char *global; /* an option before the command, whose value comes next */
	bool unknown;       /* there is no such command */
	const char *last;
	bool split; /* the last one is "--x=y", and the shell takes "y" for the word */
};

static void say(const struct typed *t, const char *candidate, const char *meaning)
{
	if (text_starts(candidate, t->last))
		printf("%s\t%s\n", candidate, meaning ? meaning : "");
}

/* WORDS has | between them; TYPED is the beginning of one. BEFORE goes before each. */
static void say_words(const char *words, const char *typed, const char *before)
{
	for (const char *end; *words; words = end + (*end == '|')) {
		end = strchrnul(words, '|');
		if (text_starts(words, typed))
			printf("%s%.*s\t\n", before, (int)(end - words), words);
	}
}

/* --- what there is -------------------------------------------------------------------------------------------------------- */

static void say_pods(const struct typed *t)
{
	struct found_pods pods = {};

	pods_list(&t->x->in, t->namespace, t->x->arena, &pods, NULL);
	list_each(f, &pods)
		say(t, f->pod->metadata.name, f->pod->status.phase);
}

static void say_containers(const struct typed *t)
{
	struct found_pod found;

	if (t->count == 0 ||
	    pods_find(&t->x->in, t->namespace, t->positional[0], t->x->arena, &found, NULL) < 0)
		return;
	list_each(c, &found.pod->spec.initContainers)
		say(t, c->name, c->image);
	list_each(c, &found.pod->spec.containers)
		say(t, c->name, c->image);
}

static void say_stored(const struct typed *t, const struct kind *kind)
{
	struct store_objects objects = {};

	store_list(&t->x->in, kind->plural, t->namespace, t->x->arena, &objects, NULL);
	list_each(n, &objects)
		say(t, node_get_string(node_get(*n, "metadata"), "name"), kind->name);
}

static void say_images(const struct typed *t)
{
	struct images images = {};
	size_t n;

	image_list(&t->x->in, t->x->arena, &images, NULL);
	list_each(image, &images) {
		const char *name = image->reference; /* without ":latest": a colon splits words in bash */
		if (!name)
			continue;
		n = strlen(name);
		say(t, text_ends(name, ":latest") ? arena_strndup(t->x->arena, name, n - 7) : name, "");
	}
}

/* --- what fits ------------------------------------------------------------------------------------------------------------ */

/* One of the words of struct command's arguments. */
static void say_argument(const struct typed *t, const char *what)
{
	const struct kind *kind;

	if (text_is(what, "POD"))
		say_pods(t);
	else if (text_is(what, "CONTAINER"))
		say_containers(t);
	else if (text_is(what, "IMAGE"))
		say_images(t);
	else if (text_is(what, "FILE"))
		puts(":files");
	else if (text_is(what, "KIND"))
		for (size_t i = 0; (kind = kind_at(i)); i++)
			say(t, text_is(t->command->name, "explain") ? kind->singular : kind->plural,
			    kind->name);
	else if (text_is(what, "COMMAND"))
		for (const struct command *c = commands; c->name; c++)
			say(t, c->name, c->doc);
	else if (text_is(what, "OBJECT")) {
		kind = t->count ? kind_of_word(t->positional[0], NULL) : NULL;
		if (kind && kind->kind == KIND_POD)
			say_pods(t);
		else if (kind)
			say_stored(t, kind);
	} else
		say_words(what, t->last, "");
}

/* The argument number t->count; the last kind of argument repeats. */
static void say_positional(const struct typed *t)
{
	const char *what = t->command->arguments, *space = what;

	for (int i = 0; what && i < t->count && (space = strchr(what, ' ')); i++)
		what = space + 1;
	if (what)
		say_argument(t, arena_strndup(t->x->arena, what, (size_t)(strchrnul(what, ' ') - what)));
}

static void say_value(const struct typed *t, const struct option_spec *s, const char *typed,
		      const char *before)
{
	if (text_is(s->value, "FILE") || text_is(s->value, "DIR"))
		puts(":files");
	else if (text_is(s->name, "container"))
		say_containers(t);
	else if (strchr(s->value, '|'))
		say_words(s->value, typed, before);
}

static void say_options(const struct typed *t)
{
	const char *equals = strchr(t->last, '=');

	for (const struct option_spec *s = t->command->options; s && s->name; s++) {
		const char *spelled =
			arena_printf(t->x->arena, "--%s%s", s->name, equals || s->optional ? "=" : "");
		if (equals && s->value && text_starts(t->last, spelled))
			say_value(t, s, equals + 1, t->split ? "" : spelled);
		else
			say(t, spelled, s->doc);
	}
	say(t, "--help", "tell about this command");
}

/* --- what was typed ------------------------------------------------------------------------------------------------------- */

static const struct option_spec *option_awaiting_value(const struct command *c, const char *word)
{
	for (const struct option_spec *s = c->options; s && s->name; s++)
		if (s->value && !s->optional &&
		    ((text_starts(word, "--") && text_is(word + 2, s->name)) ||
		     (word[1] != '-' && s->letter && word[strlen(word) - 1] == s->letter)))
			return s;
	return NULL;
}

static void take_word(struct typed *t, const char *word)
{
	if (t->option) {
		if (t->option->letter == 'n')
			t->namespace = word;
		t->option = NULL;
	} else if (!t->command) {
		if (text_is(t->global, "-n") || text_is(t->global, "--namespace"))
			t->namespace = word;
		else if (*word != '-' && !t->global)
			t->unknown = !(t->command = command_find(word, NULL));
		t->global = *word == '-' && !strchr(word, '=') ? word : NULL;
	} else if (text_is(word, "--")) {
		t->program = true;
	} else if (word[0] == '-' && word[1] && !t->program) {
		t->option = option_awaiting_value(t->command, word);
	} else {
		if (t->count < 2)
			t->positional[t->count] = word;
		t->count++;
		/* exec takes options until "--"; what run starts has its own. */
		t->program = t->program || (t->command->own_options && !text_is(t->command->name, "exec"));
	}
}

/* bash hands over "--wait=ready" as three words. SPLIT: the last one was. */
static int join_equals(struct context *x, const char **words, int n, bool *split)
{
	int kept = 0;

	for (int i = 0; i < n; i++) {
		*split = kept && text_is(words[i], "=");
		if (*split)
			words[kept - 1] =
				arena_printf(x->arena, "%s=%s", words[kept - 1], i + 1 < n ? words[++i] : "");
		else
			words[kept++] = words[i];
	}
	return kept;
}

static void say_candidates(struct context *x, const char **words, int n)
{
	struct typed t = { .x = x, .namespace = x->namespace };

	n = join_equals(x, words, n, &t.split);
	t.last = n ? words[n - 1] : "";
	for (int i = 0; i + 1 < n; i++)
		take_word(&t, words[i]);
	if (t.unknown || t.global || (t.program && t.command->own_options))
		return;
	if (!t.command)
		say_argument(&t, "COMMAND");
	else if (t.option)
		say_value(&t, t.option, t.last, "");
	else if (*t.last == '-' && !t.program)
		say_options(&t);
	else
		say_positional(&t);
}

int run_completion(struct context *x, int argc, char **argv, struct error *err)
{
	struct options o;
	const struct option_spec *option;
	const char *value;

	options_begin(&o, x->command, argc, argv);
	if (options_next(&o, &option, &value, err) < 0 || !need(&o, 0, "a shell (bash, zsh, fish)", err))
		return -EXIT_USAGE;
	if (text_is(o.positional[0], "words")) {
		if (instance_open(&x->in, NULL, NULL, NULL) < 0)
			return -EXIT_FAILED;
		say_candidates(x, o.positional + 1, o.count - 1);
		instance_close(&x->in);
		return 0;
	}
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
		if (text_is(scripts[i].shell, o.positional[0])) {
			fputs(scripts[i].script, stdout);
			return 0;
		}
	return usage_error(err, "there is no completion for '%s' (bash, zsh, fish)", o.positional[0]);
}
