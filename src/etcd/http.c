/* http.c — see http.h. */
#include "etcd/http.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/memory.h"

enum { DEAD_MS = 15000, KEEP_IDLE_S = 5 };

int http_open(struct http *h, struct error *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(h->multi = curl_multi_init()))
		return error_set(err, EIO, "cannot use libcurl");
	return 0;
}

void http_close(struct http *h)
{
	curl_multi_cleanup(h->multi);
	curl_global_cleanup();
}

/* A peer that is gone without a word is noticed, also by a watch on which nothing is said for hours. */
static int on_socket(void *data, curl_socket_t fd, curlsocktype purpose)
{
	const int yes = 1, idle = KEEP_IDLE_S;
	const unsigned dead = DEAD_MS;
	(void)data;
	(void)purpose;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof(dead));
	return CURL_SOCKOPT_OK;
}

/* The lines that are whole. False: enough. */
static bool take_lines(struct call *c)
{
	size_t begin = 0;
	char *end;
	bool more = true;

	while (more && (end = memchr(c->answer.at + begin, '\n', c->answer.n - begin))) {
		size_t n = (size_t)(end - c->answer.at) - begin;
		more = n == 0 || c->line(c, c->answer.at + begin, n);
		begin += n + 1;
	}
	memmove(c->answer.at, c->answer.at + begin, c->answer.n - begin);
	c->answer.n -= begin;
	return more;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *data)
{
	struct call *c = data;
	long status = 0;

	if (c->answer.n + n * one > HTTP_ANSWER_MAX) {
		c->too_long = true;
		return 0;
	}
	text_add_n(&c->answer, bytes, one * n);
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	return !c->stream || status != 200 || take_lines(c) ? one * n : 0;
}

static void set_blob(CURL *easy, CURLoption option, const struct text *text)
{
	struct curl_blob blob = { text->at, text->n, CURL_BLOB_NOCOPY };

	if (text->n)
		curl_easy_setopt(easy, option, &blob);
}

static void set_up(struct http *h, struct call *c)
{
	CURL *e = c->easy;
	_cleanup_text_ struct text line = {};

	text_printf(&line, "%s%s", h->url, c->path);
	curl_easy_setopt(e, CURLOPT_URL, line.at); /* copied */
	curl_easy_setopt(e, CURLOPT_PRIVATE, c);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->trouble);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY, ""); /* etcd is near; a proxy would hold back a watch */
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, (long)HTTP_WAIT_S);
	if (!c->stream)
		curl_easy_setopt(e, CURLOPT_TIMEOUT, 2L * HTTP_WAIT_S);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.n);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, text_str(&c->body));
	set_blob(e, CURLOPT_CAINFO_BLOB, &h->trust->ca);
	set_blob(e, CURLOPT_SSLCERT_BLOB, &h->trust->certificate);
	set_blob(e, CURLOPT_SSLKEY_BLOB, &h->trust->key);
	c->headers = curl_slist_append(NULL, "Content-Type: application/json");
	c->headers = curl_slist_append(c->headers, "Expect:");
	if (h->token) {
		text_free(&line);
		text_printf(&line, "Authorization: %s", h->token);
		c->headers = curl_slist_append(c->headers, line.at);
	}
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
}

void call_send(struct http *h, struct call *c)
{
	text_free(&c->answer);
	c->http = h;
	c->status = 0;
	c->too_long = false;
	c->why = (struct error){};
	c->trouble[0] = '\0';
	if (!(c->easy = curl_easy_init()))
		abort(); /* memory */
	set_up(h, c);
	curl_multi_add_handle(h->multi, c->easy);
}

bool call_runs(const struct call *c)
{
	return c->easy != NULL;
}

void call_drop(struct call *c)
{
	if (c->easy) {
		curl_multi_remove_handle(c->http->multi, c->easy);
		curl_easy_cleanup(c->easy);
		curl_slist_free_all(c->headers);
	}
	c->easy = NULL;
	c->headers = NULL;
	text_free(&c->body);
	text_free(&c->answer);
}

static void finish(struct call *c, CURLcode code)
{
	struct text answer = c->answer;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &c->status);
	if (code != CURLE_OK) {
		c->status = 0;
		error_set(&c->why, EIO, "%s",
			  c->too_long   ? "its answer is too long"
			  : *c->trouble ? c->trouble
					: curl_easy_strerror(code));
	}
	c->answer = (struct text){};
	call_drop(c);
	c->answer = answer;
	c->done(c);
}

bool http_step(struct http *h, int fd, bool write, int ms)
{
	struct curl_waitfd extra = { .fd = fd, .events = CURL_WAIT_POLLIN | (write ? CURL_WAIT_POLLOUT : 0) };
	CURLMsg *message;
	int running, left;

	curl_multi_poll(h->multi, &extra, 1, ms, NULL);
	curl_multi_perform(h->multi, &running);
	while ((message = curl_multi_info_read(h->multi, &left))) {
		struct call *c = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&c);
		finish(c, code);
	}
	return extra.revents & CURL_WAIT_POLLIN;
}
