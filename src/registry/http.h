/* http.h — HTTP by libcurl: many requests at once in one thread, over HTTP/2 where the server speaks it.
 *
 * A request is sent, others go on meanwhile, and its `done` is called from http_step. Here is one attempt of one request; tokens, retries and
 * mirrors are client.h's. Redirects are followed by libcurl, which does not send credentials on to another host, port or protocol; nothing
 * is redirected from HTTPS to plain HTTP. Proxies are those of the environment (https_proxy, no_proxy, ALL_PROXY).
 *
 * No limit of time: a server that sends nothing for HTTP_SILENCE_SECONDS has lost.
 */
#pragma once

#include <curl/curl.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "object/field.h"

enum { HTTP_SILENCE_SECONDS = 30, HTTP_CONNECT_SECONDS = 20, HTTP_HEADERS_MAX = 64 * 1024 };

/* Trust and identity towards one host. */
struct http_trust {
	bool insecure;                 /* any certificate will do */
	struct text ca;                /* PEM, beside what the system trusts */
	const char *certificate, *key; /* files; NULL: none */
};

struct http_request {
	/* The question. All of it must live until it is done. */
	const char *method, *url;
	struct strings headers;    /* "Accept: …" */
	const char *authorization; /* the value of that header; NULL: none */
	const struct http_trust *trust;
	const void *body;  /* sent; from memory … */
	int64_t body_size; /* -1: there is none */
	int body_fd;       /* … or, when BODY is NULL, from this file … */
	int64_t body_from; /* … from there on */
	/* The body of a 2xx as it arrives; negative: stop, why is set. NULL: into ANSWER. */
	int64_t (*take)(struct http_request *q, const void *data, size_t n);
	size_t answer_max; /* of ANSWER, also of an error's body */
	void (*done)(struct http_request *q);
	void *owner;

	/* The answer. */
	long status; /* 0: there was none, and WHY says why */
	struct text answer;
	struct string_map answer_headers; /* of the last response, names in lower case */
	struct error why;                 /* what went wrong on the way; a status >= 400 does not count */
	bool transient;                   /* and it may go better another time */
	bool not_tls;                     /* what is there may not speak TLS */
	bool unreached;                   /* no connection came about */
	bool untrusted;                   /* its certificate is not right */

	/* http.c's own */
	struct http *http;
	CURL *easy;
	struct curl_slist *list;
	struct arena *arena;
	size_t header_bytes;
	uint64_t due_us;
	struct http_request *next;
	char curl_error[CURL_ERROR_SIZE];
};

enum { HTTP_ALSO_MAX = 16 };

struct http {
	CURLM *multi;
	struct http_request *waiting; /* to be sent later */
	int running;
	struct curl_waitfd
		also[HTTP_ALSO_MAX]; /* descriptors of others that end the waiting when they can be read */
	unsigned also_n;
};

int http_open(struct http *h, struct error *err);
void http_close(struct http *h);

/* Sends Q now, or after DELAY_US. */
void http_send(struct http *h, struct http_request *q, uint64_t delay_us);

/* Takes Q back if it is on its way, forgets the answer and frees what Q owns; it may be sent again. */
void http_reset(struct http_request *q);

/* Waits for something to happen, at most MS, and lets it happen. */
void http_step(struct http *h, int ms);

/* The next http_step, and only that, ends when FD can be read. */
void http_wait_also(struct http *h, int fd);

/* How many bytes of Q's body are on their way. */
int64_t http_sent(const struct http_request *q);

/* The value of a header of the answer, NAME in lower case; NULL: there is none. */
const char *http_header(const struct http_request *q, const char *name);
