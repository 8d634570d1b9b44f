/* http.h — calls of etcd by HTTP and TLS (libcurl): several at once, in one thread.
 *
 * A call is a POST of a body to a path; its answer comes whole (ANSWER_MAX bytes at most), or of a watch line by line for as long as the connection
 * lasts. Keys and certificates are in memory: they were read while this process could read them.
 */
#pragma once

#include <curl/curl.h>

#include "base/error.h"
#include "base/text.h"

enum { HTTP_ANSWER_MAX = 8 * 1024 * 1024, HTTP_WAIT_S = 5 };

struct http_trust {
	struct text ca, certificate, key; /* PEM; empty: none, for ca those of the system */
};

struct http {
	CURLM *multi;
	const struct http_trust *trust;
	const char *url;   /* "https://10.0.0.1:2379": the server that is asked now */
	const char *token; /* NULL: none */
};

struct call {
	struct http *http;
	const char *path;
	struct text body;
	bool stream; /* LINE is called, and there is no limit of time once it is connected */

	/* Of a stream: a line of the answer, without its end. False: enough. */
	bool (*line)(struct call *c, const char *text, size_t n);
	void (*done)(struct call *c);

	/* The answer. */
	struct text answer;
	long status; /* 0: there was none, and WHY says why */
	struct error why;
	bool too_long;

	/* http.c's own */
	CURL *easy;
	struct curl_slist *headers;
	char trouble[CURL_ERROR_SIZE];
};

int http_open(struct http *h, struct error *err);
void http_close(struct http *h);

/* Sends C, which lives until it is done or dropped. */
void call_send(struct http *h, struct call *c);

/* Takes it back if it is on its way; nobody is called. */
void call_drop(struct call *c);
bool call_runs(const struct call *c);

/* Waits until something happens, to a call or to FD (to be read; and written, if WRITE), at most MS, and lets it happen. True: FD can be read. */
bool http_step(struct http *h, int fd, bool write, int ms);
