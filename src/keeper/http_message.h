/* http_message.h — the little of HTTP/1.1 that a health check needs: one GET, the head of one answer, and where a redirect leads.
 *
 * A library would be more than the need: of an answer only the status, a Location and where the body ends are of interest (RFC 9112). Bytes in, struct
 * out: no descriptor, no memory beyond the struct; what a container may answer is hostile, so every length is limited and test/fuzz/fuzz_http.c
 * tries it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "api/pod.h"
#include "base/text.h"

enum { HTTP_HEAD_MAX = 16 * 1024, HTTP_PATH_MAX = 2048, HTTP_HOST_MAX = 256 };

struct http_answer {
	int status;           /* 200 to 599 as a rule; never 1xx but 101 */
	const char *location; /* into the data; NULL: none */
	size_t location_size;
	int64_t length; /* of the body; -1: to the end, or chunked */
	bool chunked;
};

/* Reads the head of an answer from the N bytes at DATA. Its size with the empty line; 0: there must be more; -EINVAL: this is not HTTP. */
ssize_t http_answer_read(const char *data, size_t n, struct http_answer *answer);

/* Where a request goes. */
struct http_place {
	bool tls;
	char host[HTTP_HOST_MAX]; /* an address or name, without brackets */
	int port;
	char path[HTTP_PATH_MAX]; /* with "/" first, and the query */
};

/* -EINVAL: host or path are too long. */
int http_place_set(struct http_place *place, bool tls, const char *host, int port, const char *path);

/* PLACE becomes where LOCATION leads from it (RFC 3986 5.2, without dots). 1; 0: to another host, PLACE stays as it is; -EINVAL: nowhere. */
int http_place_follow(struct http_place *place, const char *location, size_t size);

/* The request for PLACE with the headers of GET. As the kubelet: Host and User-Agent can be set, an empty User-Agent or Accept is left out. */
void http_request_write(const struct http_place *place, const struct http_get_action *get, const char *agent,
			struct text *out);
