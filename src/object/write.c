/* write.c — trees as JSON and YAML text; see node.h.
 *
 * YAML is written so that every reader, also one of YAML 1.1, reads the same: a string that could be taken for anything else
 * is quoted, as JSON strings are (YAML 1.2 is a superset of JSON in this).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "object/node.h"
#include "object/utf8.h"

static void write_string(const char *s, size_t n, struct text *out)
{
	static const char escapes[] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};

	text_add_char(out, '"');
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)s[i];
		size_t plain = i;
		while (plain < n && (unsigned char)s[plain] >= 0x20 && (unsigned char)s[plain] < 0x7f &&
		       s[plain] != '"' && s[plain] != '\\')
			plain++;
		if (plain > i) {
			text_add_n(out, s + i, plain - i);
			i = plain;
			continue;
		}
		size_t length = utf8_length((const unsigned char *)s + i, n - i);
		if (c == '"' || c == '\\')
			text_printf(out, "\\%c", c);
		else if (c < sizeof(escapes) && escapes[c])
			text_printf(out, "\\%c", escapes[c]);
		else if (c < 0x20 || c == 0x7f)
			text_printf(out, "\\u%04x", c);
		else if (length == 0)
			text_add(out, "\xef\xbf\xbd");
		else
			text_add_n(out, s + i, length);
		i += length ? length : 1;
	}
	text_add_char(out, '"');
}

/* The shortest text that reads back as the same number, and as a number with a fraction. */
static void write_number(double number, struct text *out)
{
	char buffer[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buffer, sizeof(buffer), "%.*g", digits, number);
		if (strtod(buffer, NULL) == number)
			break;
	}
	text_add(out, buffer);
	if (!strpbrk(buffer, ".e"))
		text_add(out, ".0");
}

static void write_scalar(const struct node *n, struct text *out)
{
	switch (n->kind) {
	case NODE_BOOL:
		text_add(out, n->boolean ? "true" : "false");
		break;
	case NODE_INT:
		if (n->integer == INT64_MAX && n->text) /* it may be larger, and the text knows */
			text_add(out, n->text);
		else
			text_printf(out, "%" PRId64, n->integer);
		break;
	case NODE_FLOAT:
		write_number(n->number, out);
		break;
	case NODE_STRING:
		write_string(n->text, n->size, out);
		break;
	default:
		text_add(out, "null");
	}
}

static void break_line(struct text *out, bool pretty, unsigned depth)
{
	if (pretty)
		text_printf(out, "\n%*s", (int)depth * 4, "");
}

static void write_json(const struct node *n, bool pretty, unsigned depth, struct text *out)
{
	const char *separator = "";

	if (n->kind == NODE_LIST) {
		text_add_char(out, '[');
		list_each(item, &n->items) {
			text_add(out, separator);
			break_line(out, pretty, depth + 1);
			write_json(*item, pretty, depth + 1, out);
			separator = ",";
		}
		if (n->items.n)
			break_line(out, pretty, depth);
		text_add_char(out, ']');
	} else if (n->kind == NODE_MAP) {
		text_add_char(out, '{');
		list_each(pair, &n->pairs) {
			text_add(out, separator);
			break_line(out, pretty, depth + 1);
			write_string(pair->key, strlen(pair->key), out);
			text_add(out, pretty ? ": " : ":");
			write_json(pair->value, pretty, depth + 1, out);
			separator = ",";
		}
		if (n->pairs.n)
			break_line(out, pretty, depth);
		text_add_char(out, '}');
	} else {
		write_scalar(n, out);
	}
}

void node_to_json(const struct node *n, bool pretty, struct text *out)
{
	write_json(n, pretty, 0, out);
	if (pretty)
		text_add_char(out, '\n');
}

/* May S stand without quotes, for readers of YAML 1.1 and 1.2 alike? Only plain words may. */
static bool may_be_plain(const char *s, size_t n)
{
	static const char *const words[] = { "null", "true", "false", "yes", "no", "on",
					     "off",  "y",    "n",     "nan", "inf" };

	if (n == 0 || n > 200 ||
	    !((s[0] >= 'a' && s[0] <= 'z') || (s[0] >= 'A' && s[0] <= 'Z') || s[0] == '/'))
		return false;
	for (size_t i = 0; i < n; i++) {
		bool word = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
			    (s[i] >= '0' && s[i] <= '9');
		bool inside = i > 0 && i + 1 < n && (s[i] == ' ' || s[i] == ':') && s[i + 1] != ' ' &&
			      s[i + 1] != '#';
		if (!word && !strchr("_-./", s[i]) && !inside)
			return false;
	}
	if (s[n - 1] == ':')
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == n && strncasecmp(words[i], s, n) == 0)
			return false;
	return true;
}

static void write_yaml_string(const char *s, size_t n, struct text *out)
{
	if (may_be_plain(s, n))
		text_add_n(out, s, n);
	else
		write_string(s, n, out);
}

static bool is_block(const struct node *n)
{
	return (n->kind == NODE_LIST && n->items.n) || (n->kind == NODE_MAP && n->pairs.n);
}

/* Writes N whose first line continues the current one at column INDENT. */
static void write_yaml(const struct node *n, unsigned indent, struct text *out)
{
	bool first = true;

	if (n->kind == NODE_LIST && n->items.n) {
		list_each(item, &n->items) {
			text_printf(out, "%*s- ", first ? 0 : (int)indent, "");
			write_yaml(*item, indent + 2, out);
			first = false;
		}
	} else if (n->kind == NODE_MAP && n->pairs.n) {
		list_each(pair, &n->pairs) {
			text_printf(out, "%*s", first ? 0 : (int)indent, "");
			write_yaml_string(pair->key, strlen(pair->key), out);
			text_add(out, is_block(pair->value) ? ":\n" : ": ");
			unsigned deeper = pair->value->kind == NODE_LIST ? indent : indent + 2;
			if (is_block(pair->value))
				text_printf(out, "%*s", (int)deeper, "");
			write_yaml(pair->value, deeper, out);
			first = false;
		}
	} else {
		if (n->kind == NODE_STRING)
			write_yaml_string(n->text, n->size, out);
		else if (n->kind == NODE_LIST || n->kind == NODE_MAP)
			text_add(out, n->kind == NODE_LIST ? "[]" : "{}");
		else
			write_scalar(n, out);
		text_add_char(out, '\n');
	}
}

void node_to_yaml(const struct node *n, struct text *out)
{
	write_yaml(n, 0, out);
}
