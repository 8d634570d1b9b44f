/* probe_grpc.c — see probe_grpc.h. One request on one HTTP/2 connection without TLS, by nghttp2; the two messages are so small that their bytes are
 * written and read here:
 *
 *	HealthCheckRequest   { string service = 1; }           0A <length> <service>
 *	HealthCheckResponse  { ServingStatus status = 1; }     08 <status>: 0 UNKNOWN, 1 SERVING, 2 NOT_SERVING, 3 SERVICE_UNKNOWN
 *
 * each after five bytes: not compressed, and its length. The words are the kubelet's (probe/grpc).
 */
#include "keeper/probe_grpc.h"

#include <nghttp2/nghttp2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SERVICE_MAX = 1000, PREFIX = 5, UNIMPLEMENTED = 12 };

struct call {
	int fd;
	uint8_t request[PREFIX + 3 + SERVICE_MAX];
	size_t size, sent;
	uint8_t reply[64];
	size_t replied;
	int grpc_status; /* -1: none came */
	bool closed;
};

static size_t write_request(uint8_t *out, const char *service)
{
	size_t n = strnlen(service, SERVICE_MAX), at = PREFIX;

	if (n > 0) {
		out[at++] = 0x0a;
		if (n >= 128)
			out[at++] = (uint8_t)(0x80 | (n & 0x7f));
		out[at++] = (uint8_t)(n >= 128 ? n >> 7 : n);
		memcpy(out + at, service, n);
		at += n;
	}
	size_t message = at - PREFIX;
	out[0] = out[1] = out[2] = 0;
	out[3] = (uint8_t)(message >> 8);
	out[4] = (uint8_t)message;
	return at;
}

/* The status of a whole reply; -1: there is none. */
static int read_reply(const struct call *call)
{
	if (call->replied < PREFIX || call->reply[0] != 0)
		return -1;
	if (call->replied == PREFIX)
		return call->reply[4] == 0 ? 0 : -1; /* a zero is not written */
	return call->replied >= PREFIX + 2 && call->reply[PREFIX] == 0x08 ? call->reply[PREFIX + 1] : -1;
}

/* --- what nghttp2 asks ---------------------------------------------------------------------------------------------- */

static ssize_t on_send(nghttp2_session *session, const uint8_t *data, size_t size, int flags, void *user)
{
	const struct call *call = user;
	ssize_t n = send(call->fd, data, size, MSG_NOSIGNAL);
	(void)session;
	(void)flags;

	return n < 0 ? NGHTTP2_ERR_CALLBACK_FAILURE : n;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t size,
		   void *user)
{
	struct call *call = user;
	size_t room = sizeof(call->reply) - call->replied, n = size < room ? size : room;
	(void)session;
	(void)flags;
	(void)stream;

	memcpy(call->reply + call->replied, data, n);
	call->replied += n;
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *user)
{
	struct call *call = user;
	(void)session;
	(void)frame;
	(void)flags;

	if (name_size == strlen("grpc-status") && memcmp(name, "grpc-status", name_size) == 0 &&
	    value_size < 4)
		call->grpc_status = atoi((const char *)value); /* nghttp2 ends it with NUL */
	return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
	struct call *call = user;
	(void)session;
	(void)stream;
	(void)code;

	call->closed = true;
	return 0;
}

static ssize_t on_source(nghttp2_session *session, int32_t stream, uint8_t *data, size_t size,
			 uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct call *call = source->ptr;
	size_t left = call->size - call->sent, n = left < size ? left : size;
	(void)session;
	(void)stream;
	(void)user;

	memcpy(data, call->request + call->sent, n);
	call->sent += n;
	if (call->sent == call->size)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static nghttp2_session *open_session(struct call *call)
{
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_session *session = NULL;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return NULL;
	nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_session_client_new(&session, callbacks, call);
	nghttp2_session_callbacks_del(callbacks);
	return session;
}

#define HEADER(name, value)                                                                               \
	{                                                                                                 \
		(uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name), strlen(value), \
			NGHTTP2_NV_FLAG_NONE                                                              \
	}

static bool ask(nghttp2_session *session, struct call *call, const char *host)
{
	const nghttp2_nv headers[] = {
		HEADER(":method", "POST"),
		HEADER(":scheme", "http"),
		HEADER(":path", "/grpc.health.v1.Health/Check"),
		HEADER(":authority", host),
		HEADER("te", "trailers"),
		HEADER("content-type", "application/grpc"),
		HEADER("user-agent", "kube-probe/1.37 (seapod)"),
	};
	const nghttp2_data_provider body = { .source = { .ptr = call }, .read_callback = on_source };

	return nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0) == 0 &&
	       nghttp2_submit_request(session, NULL, headers, sizeof(headers) / sizeof(*headers), &body,
				      NULL) > 0;
}

/* Until the answer is whole. False: the other side does not speak HTTP/2, or has gone. */
static bool converse(nghttp2_session *session, struct call *call)
{
	uint8_t data[16384];

	while (!call->closed) {
		if (nghttp2_session_send(session) != 0)
			return false;
		ssize_t n = recv(call->fd, data, sizeof(data), 0);
		if (n <= 0 || nghttp2_session_mem_recv(session, data, (size_t)n) < 0)
			return false;
	}
	return true;
}

bool grpc_is_serving(int fd, const char *host, const char *service, char why[static 256])
{
	static const char *const names[] = { "UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN" };
	struct call call = { .fd = fd, .grpc_status = -1 };
	nghttp2_session *session = open_session(&call);

	call.size = write_request(call.request, service);
	bool answered = session && ask(session, &call, host) && converse(session, &call);
	nghttp2_session_del(session);
	int status = read_reply(&call);
	if (!answered)
		snprintf(why, 256, "error: health rpc probe failed: the server does not speak gRPC");
	else if (call.grpc_status == UNIMPLEMENTED)
		snprintf(why, 256,
			 "error: this server does not implement the grpc health protocol "
			 "(grpc.health.v1.Health)");
	else if (call.grpc_status != 0)
		snprintf(why, 256, "error: health rpc probe failed: gRPC status %d", call.grpc_status);
	else
		snprintf(why, 256, "service unhealthy (responded with \"%s\")",
			 status >= 0 && status < 4 ? names[status] : "nothing");
	return answered && call.grpc_status == 0 && status == 1;
}
