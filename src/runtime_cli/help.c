/* help.c — what seapod-oci says of itself, to people and for its manual page: all from the tables; see commands.h. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "runtime_cli/commands.h"

static void help_options(const struct option_spec *s)
{
	for (; s && s->name; s++) {
		char left[64];
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", s->letter ? '-' : ' ',
			 s->letter ? s->letter : ' ', s->letter ? ", " : "  ", s->name, s->value ? " " : "",
			 s->value ? s->value : "");
		printf("  %-38s %s\n", left, s->doc);
	}
}

void oci_help(void)
{
	const char *group = "";

	puts("An OCI runtime: from a bundle to a container.\n\nUsage: seapod oci [OPTIONS] COMMAND ...");
	for (const struct command *c = commands; c->name; c++) {
		if (strcmp(group, c->group) != 0)
			printf("\n%s\n", group = c->group);
		printf("  %-10s %s\n", c->name, c->doc);
	}
	puts("\nOptions");
	help_options(oci_globals);
}

void oci_help_command(const struct command *c)
{
	printf("Usage: seapod oci %s %s\n\n%s.\n", c->name, c->usage, c->doc);
	if (c->options)
		puts("");
	help_options(c->options);
}

/* --- scdoc(5) --- */

static void escaped(const char *text)
{
	for (; *text; text++) {
		if (strchr("\\*_<>`[]#.~+", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void scdoc_options(const struct option_spec *s)
{
	for (; s && s->name; s++) {
		if (s->letter)
			printf("*-%c*, ", s->letter);
		printf("*--%s* ", s->name);
		escaped(s->value ? s->value : "");
		fputs("\n\t", stdout);
		escaped(s->doc);
		fputs("\n\n", stdout);
	}
}

void oci_help_scdoc(void)
{
	puts("# OPTIONS\n\nBefore the command:\n");
	scdoc_options(oci_globals);
	puts("# COMMANDS\n");
	for (const struct command *c = commands; c->name; c++) {
		printf("## %s %s\n\n%c", c->name, c->usage, toupper((unsigned char)*c->doc));
		escaped(c->doc + 1);
		fputs(".\n\n", stdout);
		scdoc_options(c->options);
	}
}
