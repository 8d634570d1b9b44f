/* names.c — see names.h. */
#include "api/names.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
	return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

/* One label of a DNS name: N characters at S. */
static bool label_is_right(const char *s, size_t n)
{
	if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_lower(s[i]) && !is_digit(s[i]) && s[i] != '-')
			return false;
	return true;
}

const char *name_dns_label(const char *text)
{
	size_t n = strlen(text);

	if (n > 63)
		return "is longer than 63 characters";
	if (!label_is_right(text, n))
		return "is not a DNS label (a-z, 0-9 and '-' inside)";
	return NULL;
}

const char *name_dns_subdomain(const char *text)
{
	if (strlen(text) > 253)
		return "is longer than 253 characters";
	for (const char *label = text;; label++) {
		size_t n = strcspn(label, ".");
		if (!label_is_right(label, n))
			return n > 63 ? "has a part of more than 63 characters"
				      : "is not a DNS name (a-z, 0-9, '-' and '.')";
		label += n;
		if (!*label)
			return NULL;
	}
}

const char *name_port(const char *text)
{
	size_t n = strlen(text);
	bool letter = false;

	if (n == 0 || n > 15)
		return "is not a port name (1 to 15 characters)";
	for (size_t i = 0; i < n; i++) {
		letter = letter || is_lower(text[i]);
		bool inner_dash = text[i] == '-' && i > 0 && i + 1 < n && text[i - 1] != '-';
		if (!is_lower(text[i]) && !is_digit(text[i]) && !inner_dash)
			return "is not a port name (a-z, 0-9 and single '-' inside)";
	}
	return letter ? NULL : "is not a port name (one letter at least)";
}

const char *name_env(const char *text)
{
	if (!*text)
		return "is no name for a variable";
	for (const char *s = text; *s; s++)
		if (*s < 0x20 || *s > 0x7e || *s == '=')
			return "is no name for a variable (printable ASCII without '=')";
	return NULL;
}

const char *name_env_prefix(const char *text)
{
	return *text ? name_env(text) : NULL;
}

/* Letters, digits, and '-', '_', '.' inside; at most 63. */
static bool is_plain_name(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > 63 || !is_alphanumeric(s[0]) || !is_alphanumeric(s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_alphanumeric(s[i]) && !strchr("-_.", s[i]))
			return false;
	return true;
}

const char *name_qualified(const char *text)
{
	const char *slash = strchr(text, '/');
	char prefix[254];

	if (slash) {
		size_t n = (size_t)(slash - text);
		if (n >= sizeof(prefix))
			return "has a prefix of more than 253 characters";
		memcpy(prefix, text, n);
		prefix[n] = '\0';
		if (name_dns_subdomain(prefix))
			return "has a prefix that is not a DNS name";
	}
	return is_plain_name(slash ? slash + 1 : text)
		       ? NULL
		       : "is not a qualified name (letters, digits, '-', '_', '.'; at most 63)";
}

const char *name_label_value(const char *text)
{
	return !*text || is_plain_name(text)
		       ? NULL
		       : "is not a label's value (letters, digits, '-', '_', '.'; at most 63)";
}

const char *name_config_key(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > 253)
		return "is not a key (1 to 253 characters)";
	if (text_is(text, ".") || text_is(text, "..") || text_starts(text, "../"))
		return "is not a key";
	for (size_t i = 0; i < n; i++)
		if (!is_alphanumeric(text[i]) && !strchr("-_.", text[i]))
			return "is not a key (letters, digits, '-', '_', '.')";
	return text_starts(text, "..") ? "is not a key (it may not begin with '..')" : NULL;
}

const char *path_absolute(const char *text)
{
	if (*text != '/')
		return "is not an absolute path";
	return strlen(text) > 4000 ? "is too long for a path" : NULL;
}

const char *path_mount(const char *text)
{
	if (strchr(text, ':'))
		return "may not have ':' in it";
	return path_absolute(text);
}

bool path_with_dots(const char *path)
{
	for (const char *part = path; *part;) {
		size_t n = strcspn(part, "/");
		if (n == 2 && part[0] == '.' && part[1] == '.')
			return true;
		part += n + strspn(part + n, "/");
	}
	return false;
}

const char *path_relative(const char *text)
{
	if (*text == '/')
		return "is an absolute path; it must be relative to the volume";
	if (strlen(text) > 4000)
		return "is too long for a path";
	return path_with_dots(text) ? "may not have '..' in it" : NULL;
}

/* A container's resources: those that Kubernetes knows by a plain name, or another's with its domain before it. */
const char *name_resource(const char *text)
{
	static const char *const known[] = { "cpu", "memory", "ephemeral-storage" };

	for (size_t i = 0; i < 3; i++)
		if (text_is(text, known[i]))
			return NULL;
	if (text_starts(text, "hugepages-"))
		return NULL;
	if (!strchr(text, '/'))
		return "is no resource (cpu, memory, ephemeral-storage, hugepages-SIZE or one with a domain "
		       "before it)";
	return name_qualified(text);
}

const char *name_signal(const char *text)
{
	static const char *const real_time[] = { "SIGRTMIN", "SIGRTMAX" };
	long long n;

	for (int signal = 1; signal < 32; signal++) {
		const char *abbreviation = sigabbrev_np(signal);
		if (abbreviation && text_starts(text, "SIG") && text_is(text + 3, abbreviation))
			return NULL;
	}
	for (size_t i = 0; i < 2; i++) {
		if (!text_starts(text, real_time[i]))
			continue;
		const char *rest = text + 8;
		if (!*rest || (*rest == (i == 0 ? '+' : '-') && text_to_int(rest + 1, 1, 30, &n) == 0))
			return NULL;
	}
	return "is no signal (SIGTERM, SIGQUIT, SIGRTMIN+3 …)";
}

/* RFC 9110, 5.6.2: a token. */
const char *name_http_header(const char *text)
{
	for (const char *s = text; *s; s++)
		if (!is_alphanumeric(*s) && !strchr("!#$%&'*+-.^_`|~", *s))
			return "is no name for a header";
	return *text ? NULL : "is no name for a header";
}

/* A line break would begin another header. */
const char *text_http_header(const char *text)
{
	for (const char *s = text; *s; s++)
		if ((unsigned char)*s < ' ' && *s != '\t')
			return "has a character that cannot stand in a header";
	return NULL;
}

const char *ip_address(const char *text)
{
	unsigned char address[16];
	bool right = inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
	return right ? NULL : "is not an IP address";
}

/* core/v1 ResourceFieldSelector (kubernetes validation, validContainerResourceFieldPathExpressions). */
const char *name_resource_field(const char *text)
{
	static const char *const names[] = { "cpu", "memory", "ephemeral-storage" };
	const char *name = text_starts(text, "limits.")     ? text + strlen("limits.")
			   : text_starts(text, "requests.") ? text + strlen("requests.")
							    : "";

	for (size_t i = 0; i < 3; i++)
		if (text_is(name, names[i]))
			return NULL;
	if (text_starts(name, "hugepages-") && name[strlen("hugepages-")])
		return NULL;
	return "is no resource of a container (limits.cpu, requests.memory, limits.hugepages-2Mi …)";
}
