/* dockerfile.h — a Dockerfile's text as a list of instructions.
 *
 * What is a comment, a continued line, a directive, a flag, a heredoc and an exec form is decided here, after the Dockerfile reference ("Format",
 * "Parser directives", "Here-documents"); what an instruction means is not. Nothing is expanded: that needs the values of the stage (words.h).
 * Pure: bytes in, structs out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "object/field.h"

enum { DOCKERFILE_BYTES_MAX = 1024 * 1024 };

struct heredoc {
	const char *name, *text;
	bool quoted; /* <<"EOF": nothing in it is expanded */
};

struct build_flag {
	const char *name, *value; /* --name=value; the value may be "" */
};

struct instruction {
	const char *keyword; /* in capitals */
	uint32_t line;
	struct LIST(struct build_flag) flags;
	const char *text; /* what follows the flags, continued lines joined */
	bool exec;        /* it is a JSON list of strings: words */
	struct strings words;
	struct LIST(struct heredoc) heredocs;
	const char *tail; /* the heredocs as they are written, with their ends; "" */
};

struct dockerfile {
	const char *name; /* for errors */
	char escape;      /* "\\", or what the directive says */
	struct LIST(struct instruction) instructions;
};

/* Parses N bytes at TEXT, all memory in A. An error begins with "NAME:LINE". */
int dockerfile_parse(const char *name, const char *text, size_t n, struct arena *a, struct dockerfile *out,
		     struct error *err);

/* The value of the flag NAME, the last if there are several; NULL: it has none. */
const char *instruction_flag(const struct instruction *i, const char *name);

/* TEXT as a JSON list of strings; NULL: it is none. */
struct node *instruction_words(const char *text, struct arena *a);
