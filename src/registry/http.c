/* http.c — see http.h. */
#include "registry/http.h"

#include <ctype.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

static const char user_agent[] = "seapod/" SEAPOD_VERSION;

int http_open(struct http *h, struct error *err)
{
	*h = (struct http){};
	curl_global_init(CURL_GLOBAL_DEFAULT);
	h->multi = curl_multi_init();
	if (!h->multi)
		return error_set(err, ENOMEM, "cannot start libcurl");
	curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 6L);
	curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	return 0;
}

void http_close(struct http *h)
{
	curl_multi_cleanup(h->multi);
	h->multi = NULL;
	curl_global_cleanup();
}

/* --- the answer as it arrives --------------------------------------------------------------------------- */

static bool is_success(const struct http_request *q)
{
	return q->status >= 200 && q->status < 300;
}

static void add_header(struct http_request *q, const char *data, const char *colon, const char *end)
{
	struct string_pair *pair = list_add(q->arena, &q->answer_headers);
	char *name = arena_strndup(q->arena, data, (size_t)(colon - data));

	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	for (colon++; colon < end && isspace((unsigned char)*colon);)
		colon++;
	while (end > colon && isspace((unsigned char)end[-1]))
		end--;
	*pair = (struct string_pair){ name, arena_strndup(q->arena, colon, (size_t)(end - colon)) };
}

static size_t on_header(char *data, size_t one, size_t n, void *with)
{
	struct http_request *q = with;

	n *= one;
	q->header_bytes += n;
	if (q->header_bytes > HTTP_HEADERS_MAX) {
		error_set(&q->why, EMSGSIZE, "the answer has more than %d bytes of headers",
			  HTTP_HEADERS_MAX);
		return 0;
	}
	const char *colon = memchr(data, ':', n);
	if (n > 5 && memcmp(data, "HTTP/", 5) == 0) { /* a redirect's headers are of no use any more */
		q->answer_headers = (struct string_map){};
		curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &q->status);
	} else if (colon) {
		add_header(q, data, colon, data + n);
	}
	return n;
}

static size_t on_body(char *data, size_t one, size_t n, void *with)
{
	struct http_request *q = with;

	n *= one;
	if (is_success(q) && q->take)
		return q->take(q, data, n) < 0 ? 0 : n;
	if (q->answer.n + n > q->answer_max) {
		if (!is_success(q)) /* an error's page may be as long as it likes */
			return n;
		error_set(&q->why, EFBIG, "the answer has more than the %zu bytes that are read at most",
			  q->answer_max);
		return 0;
	}
	text_add_n(&q->answer, data, n);
	return n;
}

static size_t on_send(char *data, size_t one, size_t n, void *with)
{
	struct http_request *q = with;
	ssize_t got = read(q->body_fd, data, one * n);

	if (got < 0)
		error_errno(&q->why, "cannot read what is to be sent");
	return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

static int on_rewind(void *with, curl_off_t offset, int origin)
{
	struct http_request *q = with;
	return origin != SEEK_SET || lseek(q->body_fd, q->body_from + offset, SEEK_SET) < 0
		       ? CURL_SEEKFUNC_FAIL
		       : CURL_SEEKFUNC_OK;
}

/* --- sending --------------------------------------------------------------------------------------------- */

static void set_trust(CURL *c, const struct http_trust *t)
{
	struct curl_blob ca = { t->ca.at, t->ca.n, CURL_BLOB_NOCOPY };

	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, t->insecure ? 0L : 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, t->insecure ? 0L : 2L);
	if (t->ca.n)
		curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca);
	if (t->certificate) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, t->certificate);
		curl_easy_setopt(c, CURLOPT_SSLKEY, t->key);
	}
}

static void set_body(CURL *c, struct http_request *q)
{
	if (q->body_size < 0)
		return;
	if (q->body) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_size);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, q->body);
		return;
	}
	lseek(q->body_fd, q->body_from, SEEK_SET);
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body_size);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, on_send);
	curl_easy_setopt(c, CURLOPT_READDATA, q);
	curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_rewind);
	curl_easy_setopt(c, CURLOPT_SEEKDATA, q);
}

static void set_headers(CURL *c, struct http_request *q)
{
	list_each(header, &q->headers)
		q->list = curl_slist_append(q->list, *header);
	if (q->authorization) {
		_cleanup_text_ struct text t = {};
		text_printf(&t, "Authorization: %s", q->authorization);
		q->list = curl_slist_append(q->list, t.at);
	}
	q->list = curl_slist_append(q->list, "Expect:"); /* no wait for "100 Continue" */
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, q->list);
}

static void set_callbacks(CURL *c, struct http_request *q)
{
	curl_easy_setopt(c, CURLOPT_PRIVATE, q);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, q->curl_error);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, q);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, q);
}

static void start(struct http *h, struct http_request *q)
{
	CURL *c = curl_easy_init();
	bool plain = text_starts(q->url, "http:");

	q->http = h;
	q->easy = c;
	q->arena = arena_new();
	curl_easy_setopt(c, CURLOPT_URL, q->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, plain ? "http,https" : "https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, q->body_size < 0 ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, 8L);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(c, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, user_agent);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)HTTP_CONNECT_SECONDS);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)HTTP_SILENCE_SECONDS);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 256L * 1024);
	set_callbacks(c, q);
	set_trust(c, q->trust);
	set_body(c, q);
	set_headers(c, q);
	if (text_is(q->method, "HEAD"))
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, q->method);
	curl_multi_add_handle(h->multi, c);
	h->running++;
}

void http_send(struct http *h, struct http_request *q, uint64_t delay_us)
{
	q->http = h;
	if (!delay_us) {
		start(h, q);
		return;
	}
	q->due_us = clock_boot_us() + delay_us;
	q->next = h->waiting;
	h->waiting = q;
}

static void take_back(struct http_request *q)
{
	struct http *h = q->http;

	for (struct http_request **at = h ? &h->waiting : NULL; at && *at; at = &(*at)->next) {
		if (*at == q) {
			*at = q->next;
			break;
		}
	}
	if (q->easy) {
		curl_multi_remove_handle(h->multi, q->easy);
		curl_easy_cleanup(q->easy);
		h->running--;
	}
}

void http_reset(struct http_request *q)
{
	take_back(q);
	curl_slist_free_all(q->list);
	arena_free(q->arena);
	text_free(&q->answer);
	q->easy = NULL;
	q->list = NULL;
	q->arena = NULL;
	q->answer_headers = (struct string_map){};
	q->status = 0;
	q->header_bytes = 0;
	q->why = (struct error){};
	q->transient = q->not_tls = q->unreached = q->untrusted = false;
	q->curl_error[0] = '\0';
}

/* --- the end of a request -------------------------------------------------------------------------------- */

enum { TRANSIENT = 1, NOT_TLS = 2, UNREACHED = 4, UNTRUSTED = 8 };

/* What libcurl's codes mean to us. Codes that are not here are not worth another try. */
static const struct {
	CURLcode code;
	unsigned what;
	const char *text; /* NULL: libcurl's own */
} meanings[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, TRANSIENT | UNREACHED, "its name cannot be resolved" },
	{ CURLE_COULDNT_RESOLVE_PROXY, TRANSIENT | UNREACHED, "the name of the proxy cannot be resolved" },
	{ CURLE_COULDNT_CONNECT, TRANSIENT | UNREACHED | NOT_TLS, "nobody answers there" },
	{ CURLE_SSL_CONNECT_ERROR, NOT_TLS, "it does not speak TLS, or not as this machine wants it" },
	{ CURLE_PEER_FAILED_VERIFICATION, UNTRUSTED, NULL },
	{ CURLE_OPERATION_TIMEDOUT, TRANSIENT, "it does not answer" },
	{ CURLE_PARTIAL_FILE, TRANSIENT, "the connection broke off" },
	{ CURLE_GOT_NOTHING, TRANSIENT | NOT_TLS, "the connection was closed without an answer" },
	{ CURLE_SEND_ERROR, TRANSIENT, "the connection broke off" },
	{ CURLE_RECV_ERROR, TRANSIENT | NOT_TLS, "the connection broke off" },
	{ CURLE_HTTP2, TRANSIENT, "the connection broke off" },
	{ CURLE_HTTP2_STREAM, TRANSIENT, "the connection broke off" },
	{ CURLE_TOO_MANY_REDIRECTS, 0, "it redirects in a circle" },
	{ CURLE_UNSUPPORTED_PROTOCOL, 0, "it redirects to where images may not come from" },
	{ CURLE_WEIRD_SERVER_REPLY, NOT_TLS, "what answers there does not speak HTTP" },
};

static void explain(struct http_request *q, CURLcode code)
{
	const char *text = NULL;
	unsigned what = 0;

	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
		if (meanings[i].code != code)
			continue;
		what = meanings[i].what;
		text = meanings[i].text;
	}
	if (q->why.code) /* our own sentence, from a callback: it is final */
		return;
	q->transient = what & TRANSIENT;
	q->not_tls = what & NOT_TLS;
	q->unreached = what & UNREACHED;
	q->untrusted = what & UNTRUSTED;
	q->curl_error[strcspn(q->curl_error, "\r\n")] = '\0';
	error_set(&q->why, q->transient ? EAGAIN : EPROTO, "%s",
		  text             ? text
		  : *q->curl_error ? q->curl_error
				   : curl_easy_strerror(code));
}

static void finish(struct http *h, CURL *easy, CURLcode code)
{
	struct http_request *q;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &q);
	curl_multi_remove_handle(h->multi, easy);
	curl_easy_cleanup(easy);
	q->easy = NULL;
	h->running--;
	if (code != CURLE_OK) {
		explain(q, code);
		if (q->status < 400)
			q->status = 0;
	}
	q->done(q);
}

/* How long may be waited, MS at most. */
static int start_due(struct http *h, int ms)
{
	uint64_t now = clock_boot_us();

	for (struct http_request **at = &h->waiting, *q; (q = *at);) {
		if (q->due_us <= now) {
			*at = q->next;
			start(h, q);
			continue;
		}
		uint64_t left = (q->due_us - now + 999) / 1000;
		ms = left < (uint64_t)ms ? (int)left : ms;
		at = &q->next;
	}
	return ms;
}

void http_step(struct http *h, int ms)
{
	CURLMsg *m;
	int left, running;

	ms = start_due(h, ms);
	curl_multi_perform(h->multi, &running);
	if (running == h->running)
		curl_multi_poll(h->multi, h->also, h->also_n, ms, NULL);
	h->also_n = 0;
	curl_multi_perform(h->multi, &running);
	while ((m = curl_multi_info_read(h->multi, &left)))
		if (m->msg == CURLMSG_DONE)
			finish(h, m->easy_handle, m->data.result);
}

void http_wait_also(struct http *h, int fd)
{
	if (h->also_n < HTTP_ALSO_MAX)
		h->also[h->also_n++] = (struct curl_waitfd){ .fd = fd, .events = CURL_WAIT_POLLIN };
}

const char *http_header(const struct http_request *q, const char *name)
{
	list_each(pair, &q->answer_headers)
		if (text_is(pair->key, name))
			return pair->value;
	return NULL;
}

int64_t http_sent(const struct http_request *q)
{
	curl_off_t n = 0;

	if (q->easy)
		curl_easy_getinfo(q->easy, CURLINFO_SIZE_UPLOAD_T, &n);
	return n;
}
