/* http_message.c — see http_message.h. */
#include "keeper/http_message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

/* --- answers ----------------------------------------------------------------------------------------------------------- */

/* The size of a line without its end; with it in *NEXT, 0: it has not come yet. RFC 9112 2.2: a lone LF is taken, too. */
static size_t line_at(const char *data, size_t n, size_t *next)
{
	const char *end = memchr(data, '\n', n);

	*next = end ? (size_t)(end - data) + 1 : 0;
	return !end ? 0 : end > data && end[-1] == '\r' ? (size_t)(end - data) - 1 : (size_t)(end - data);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK"; -EINVAL. */
static int read_status(const char *line, size_t n)
{
	if (n < strlen("HTTP/1.1 200") || !text_starts(line, "HTTP/1.") || !is_digit(line[7]) ||
	    line[8] != ' ')
		return -EINVAL;
	if (!is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]) || line[9] == '0' ||
	    (n > 12 && line[12] != ' '))
		return -EINVAL;
	return (line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0';
}

static int64_t read_length(const char *value, size_t n)
{
	int64_t length = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_digit(value[i]) || length > INT32_MAX)
			return -EINVAL;
		length = length * 10 + value[i] - '0';
	}
	return n > 0 ? length : -EINVAL;
}

static bool ends_in_chunks(const char *value, size_t n)
{
	static const char word[] = "chunked";
	size_t size = sizeof(word) - 1;
	return n >= size && strncasecmp(value + n - size, word, size) == 0;
}

static bool is_name(const char *line, size_t n, const char *name)
{
	return n == strlen(name) && strncasecmp(line, name, n) == 0;
}

static int read_header(const char *line, size_t n, struct http_answer *answer)
{
	const char *colon = memchr(line, ':', n);

	if (!colon)
		return line[0] == ' ' || line[0] == '\t'
			       ? 0
			       : -EINVAL; /* the rest of the header before, as once was allowed */
	size_t name = (size_t)(colon - line), at = name + 1;
	while (at < n && (line[at] == ' ' || line[at] == '\t'))
		at++;
	while (n > at && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	if (is_name(line, name, "location")) {
		answer->location = line + at;
		answer->location_size = n - at;
	} else if (is_name(line, name, "content-length")) {
		answer->length = read_length(line + at, n - at);
		return answer->length < 0 ? -EINVAL : 0;
	} else if (is_name(line, name, "transfer-encoding")) {
		answer->chunked = ends_in_chunks(line + at, n - at);
	}
	return 0;
}

ssize_t http_answer_read(const char *data, size_t n, struct http_answer *answer)
{
	size_t at = 0, next;
	bool first = true;

	*answer = (struct http_answer){ .length = -1 };
	if (memcmp(data, "HTTP/", n < 5 ? n : 5) != 0)
		return -EINVAL;
	for (;;) {
		size_t size = line_at(data + at, n - at, &next);
		if (next == 0)
			return n >= HTTP_HEAD_MAX ? -EINVAL : 0;
		if (first && (answer->status = read_status(data + at, size)) < 0)
			return -EINVAL;
		if (!first && size > 0 && read_header(data + at, size, answer) < 0)
			return -EINVAL;
		bool over = !first && size == 0;
		first = false;
		at += next;
		if (!over)
			continue;
		if (answer->status >= 200 || answer->status == 101)
			break;
		*answer = (struct http_answer){ .length = -1 };
		first = true;
	}
	if (answer->chunked || answer->status == 204 || answer->status == 304) /* RFC 9112 6.3 */
		answer->length = answer->chunked ? -1 : 0;
	return (ssize_t)at;
}

/* --- places ------------------------------------------------------------------------------------------------------------ */

/* Bytes that may not stand in a request line as they are, as url.EscapedPath of the kubelet does. */
static bool needs_escape(unsigned char c)
{
	return c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c);
}

static int set_path(struct http_place *place, const char *path, size_t size)
{
	char out[HTTP_PATH_MAX];
	size_t n = 0;

	if (size == 0 || path[0] != '/')
		out[n++] = '/';
	for (size_t i = 0; i < size && path[i] != '#'; i++) {
		unsigned char c = (unsigned char)path[i];
		if (n + 4 > sizeof(out))
			return -EINVAL;
		if (needs_escape(c))
			n += (size_t)snprintf(out + n, 4, "%%%02X", c);
		else
			out[n++] = (char)c;
	}
	out[n] = '\0';
	memcpy(place->path, out, n + 1);
	return 0;
}

int http_place_set(struct http_place *place, bool tls, const char *host, int port, const char *path)
{
	size_t size = strlen(host);

	if (size >= sizeof(place->host))
		return -EINVAL;
	memmove(place->host, host, size + 1);
	place->tls = tls;
	place->port = port;
	return set_path(place, path, strlen(path));
}

/* "host", "host:1", "[::1]:2". */
static int read_authority(const char *at, size_t n, bool tls, struct http_place *out)
{
	const char *end = at + n, *host = at, *host_end;
	char port[6] = "";
	long long number;

	if (n > 0 && *at == '[') {
		host = at + 1;
		host_end = memchr(host, ']', n - 1);
		at = host_end ? host_end + 1 : NULL;
	} else {
		host_end = memchr(at, ':', n);
		at = host_end = host_end ? host_end : end;
	}
	if (!host_end || host_end == host || host_end - host >= HTTP_HOST_MAX)
		return -EINVAL;
	memcpy(out->host, host, (size_t)(host_end - host));
	out->host[host_end - host] = '\0';
	out->port = tls ? 443 : 80;
	out->tls = tls;
	if (at == end || (at + 1 == end && *at == ':'))
		return 0;
	if (*at != ':' || end - at - 1 >= (ptrdiff_t)sizeof(port))
		return -EINVAL;
	memcpy(port, at + 1, (size_t)(end - at - 1));
	if (text_to_int(port, 1, 65535, &number) < 0)
		return -EINVAL;
	out->port = (int)number;
	return 0;
}

/* "host/path?query", after "//". */
static int follow_absolute(struct http_place *place, const char *at, size_t n, bool tls)
{
	struct http_place new = {};
	size_t authority = 0;

	while (authority < n && !strchr("/?#", at[authority]))
		authority++;
	if (read_authority(at, authority, tls, &new) < 0 || set_path(&new, at + authority, n - authority) < 0)
		return -EINVAL;
	if (strcasecmp(new.host, place->host) != 0)
		return 0;
	*place = new;
	return 1;
}

/* A path that is relative to where we are: its last part is replaced, or only its query. */
static int follow_relative(struct http_place *place, const char *at, size_t n)
{
	_cleanup_text_ struct text path = {};
	size_t kept = strcspn(place->path, "?");

	if (n == 0 || *at != '?')
		while (kept > 0 && place->path[kept - 1] != '/')
			kept--;
	text_add_n(&path, place->path, kept);
	text_add_n(&path, at, n);
	return set_path(place, text_str(&path), path.n) < 0 ? -EINVAL : 1;
}

int http_place_follow(struct http_place *place, const char *location, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)location[i] < ' ')
			return -EINVAL;
	if (size >= 7 && strncasecmp(location, "http://", 7) == 0)
		return follow_absolute(place, location + 7, size - 7, false);
	if (size >= 8 && strncasecmp(location, "https://", 8) == 0)
		return follow_absolute(place, location + 8, size - 8, true);
	if (size >= 2 && location[0] == '/' && location[1] == '/')
		return follow_absolute(place, location + 2, size - 2, place->tls);
	if (size > 0 && location[0] == '/')
		return set_path(place, location, size) < 0 ? -EINVAL : 1;
	const char *colon = memchr(location, ':', size), *slash = memchr(location, '/', size);
	if (colon && (!slash || colon < slash)) /* another scheme */
		return -EINVAL;
	return follow_relative(place, location, size);
}

/* --- requests ---------------------------------------------------------------------------------------------------------- */

static const char *find_header(const struct http_get_action *get, const char *name)
{
	list_each(header, &get->httpHeaders)
		if (strcasecmp(header->name, name) == 0)
			return header->value ? header->value : "";
	return NULL;
}

static void add_header(struct text *out, const char *name, const char *value)
{
	if (!text_empty(value))
		text_printf(out, "%s: %s\r\n", name, value);
}

void http_request_write(const struct http_place *place, const struct http_get_action *get, const char *agent,
			struct text *out)
{
	const char *host = find_header(get, "Host");
	bool brackets = strchr(place->host, ':');

	text_printf(out, "GET %s HTTP/1.1\r\n", place->path);
	if (text_empty(host))
		text_printf(out, "Host: %s%s%s:%d\r\n", brackets ? "[" : "", place->host, brackets ? "]" : "",
			    place->port);
	else
		add_header(out, "Host", host);
	if (!find_header(get, "User-Agent"))
		add_header(out, "User-Agent", agent);
	if (!find_header(get, "Accept"))
		add_header(out, "Accept", "*/*");
	add_header(out, "Connection", "close");
	list_each(header, &get->httpHeaders)
		if (strcasecmp(header->name, "Host") != 0 && strcasecmp(header->name, "Connection") != 0)
			add_header(out, header->name, header->value);
	text_add(out, "\r\n");
}
