/* probe_main.c — the program seapod-probe: the checks that need libraries, names and nobody's trust (check_worker.c starts it).
 *
 *	seapod-probe tcp HOST PORT            connects; 0: it was accepted
 *	seapod-probe stream HOST PORT         connects, then moves bytes between standard input and output and the server
 *	seapod-probe tls HOST PORT            the same over TLS; whose certificate it is, is not asked (core/v1 HTTPGetAction)
 *	seapod-probe grpc HOST PORT SERVICE   asks the gRPC health protocol; 0: SERVING
 *
 * What went wrong is on standard error, as a sentence without newline; then it exits with 1. It starts as root in the pod's network and in the host's
 * files, and before a byte of a container's reaches it, it is nobody, without capabilities, and can gain none. Its parent limits its time.
 */
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "keeper/probe_grpc.h"

enum { NOBODY = 65534, CHUNK = 16384, MEMORY_MAX = 256 << 20 };

static int complain(const char *what)
{
	fputs(what, stderr);
	return 1;
}

static bool drop_privileges(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
#ifndef __SANITIZE_ADDRESS__ /* it reserves terabytes */
	setrlimit(RLIMIT_AS, &(struct rlimit){ MEMORY_MAX, MEMORY_MAX });
#endif
	return setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	       setresuid(NOBODY, NOBODY, NOBODY) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static int connect_to(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL;
	int code = getaddrinfo(host, port, &hints, &all), fd = -1;

	if (code != 0) {
		fprintf(stderr, "cannot find '%s': %s", host, gai_strerror(code));
		return -1;
	}
	for (const struct addrinfo *a = all; a && fd < 0; a = a->ai_next) {
		_cleanup_close_ int one = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (one >= 0 && connect(one, a->ai_addr, a->ai_addrlen) == 0)
			fd = take_fd(&one);
		else
			code = errno;
	}
	if (fd < 0)
		fprintf(stderr, "cannot connect to %s, port %s: %s", host, port, error_meaning(code));
	freeaddrinfo(all);
	return fd;
}

/* --- streams ------------------------------------------------------------------------------------------------------------ */

/* A server, with TLS or without. */
struct stream {
	int fd;
	SSL *tls; /* NULL: none */
};

static ssize_t stream_read(const struct stream *s, char *data, size_t size)
{
	return s->tls ? SSL_read(s->tls, data, (int)size) : read(s->fd, data, size);
}

static bool stream_write(const struct stream *s, const char *data, size_t size)
{
	return s->tls ? SSL_write(s->tls, data, (int)size) > 0 : write_all(s->fd, data, size) == 0;
}

static bool begin_tls(struct stream *s, const char *host)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	s->tls = context ? SSL_new(context) : NULL;
	if (!s->tls)
		return false;
	SSL_set_verify(s->tls, SSL_VERIFY_NONE, NULL);
	if (strspn(host, "0123456789.:abcdefABCDEF") !=
	    strlen(host)) /* a name, which a server of several may want to know */
		SSL_set_tlsext_host_name(s->tls, host);
	return SSL_set_fd(s->tls, s->fd) == 1 && SSL_connect(s->tls) == 1;
}

/* The request goes first and is small; then the answer comes until its end. */
static int move(const struct stream *s)
{
	struct pollfd p[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = s->fd, .events = POLLIN } };
	char data[CHUNK];

	for (;;) {
		bool waits = !s->tls || SSL_pending(s->tls) == 0;
		if (waits && poll(p, 2, -1) < 0)
			return 1;
		if (waits && p[0].revents) {
			ssize_t n = read(STDIN_FILENO, data, sizeof(data));
			if (n <= 0)
				return 0;
			if (!stream_write(s, data, (size_t)n))
				return complain("cannot send the request");
		}
		if (!waits || p[1].revents) {
			ssize_t n = stream_read(s, data, sizeof(data));
			if (n <= 0 || write_all(STDOUT_FILENO, data, (size_t)n) < 0)
				return 0;
		}
	}
}

static int speak(const char *how, int fd, const char *host, const char *service)
{
	struct stream s = { .fd = fd };
	char why[256];

	if (text_is(how, "tcp"))
		return 0;
	if (text_is(how, "grpc"))
		return grpc_is_serving(fd, host, service, why) ? 0 : complain(why);
	if (text_is(how, "tls") && !begin_tls(&s, host))
		return complain("the TLS handshake failed");
	return move(&s);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	if (!drop_privileges())
		return complain("cannot give up privileges");
	_cleanup_close_ int fd = connect_to(argv[2], argv[3]);
	return fd < 0 ? 1 : speak(argv[1], fd, argv[2], argc > 4 ? argv[4] : "");
}
