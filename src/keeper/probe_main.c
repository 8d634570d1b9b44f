/* probe_main.c — the program seapod-probe: the checks that need libraries, names and nobody's trust (check_worker.c starts it).
 *
 *	seapod-probe tcp HOST PORT            connects; 0: it was accepted
 *	seapod-probe stream HOST PORT         connects, then moves bytes between standard input and output and the server
 *	seapod-probe tls HOST PORT            the same over TLS; whose certificate it is, is not asked (core/v1 HTTPGetAction)
 *	seapod-probe grpc HOST PORT SERVICE   asks the gRPC health protocol; 0: SERVING
 *	seapod-probe serve                    does these for a keeper, again and again (below)
 *
 * What went wrong is on standard error, as a sentence without newline; then it exits with 1. It starts as root in the pod's network and in the host's
 * files, and before a byte of a container's reaches it, it is nobody, without capabilities, and can gain none. Its parent limits its time.
 *
 * Loading OpenSSL takes longer than a check. So for a pod with such probes one process stays that has loaded all and speaks to nobody: for each check it makes
 * a copy of itself, which ends with the check. What a container's server answers is read by a process that has nothing and remembers nothing, as before. A copy
 * is the keeper's child, not the server's (CLONE_PARENT), so the keeper waits for it and kills it as one that it has started itself.
 */
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "keeper/probe_grpc.h"
#include "linux/socket.h"

enum { NOBODY = 65534, CHUNK = 16384, MEMORY_MAX = 256 << 20, SERVE_WORDS_MAX = 4096 };

static int complain(const char *what)
{
	fputs(what, stderr);
	return 1;
}

static bool drop_privileges(void)
{
	signal(SIGPIPE, SIG_IGN);
#ifndef __SANITIZE_ADDRESS__ /* it reserves terabytes */
	setrlimit(RLIMIT_AS, &(struct rlimit){ MEMORY_MAX, MEMORY_MAX });
#endif
	/* Who becomes another user is no longer told of a parent's death (prctl(2)), so that comes last. */
	return setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	       setresuid(NOBODY, NOBODY, NOBODY) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
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

/* Made once: the server hands it to its copies. */
static SSL_CTX *tls_context(void)
{
	static SSL_CTX *context;

	if (!context)
		context = SSL_CTX_new(TLS_client_method());
	return context;
}

static bool begin_tls(struct stream *s, const char *host)
{
	SSL_CTX *context = tls_context();

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

static int check(const char *how, const char *host, const char *port, const char *service)
{
	_cleanup_close_ int fd = connect_to(host, port);
	return fd < 0 ? 1 : speak(how, fd, host, service);
}

/* What a first handshake finds and keeps in the context (algorithms, seeds) is there for every copy: one begins here, with nobody. */
static void warm_up(void)
{
	SSL_CTX *context = tls_context();
	SSL *tls = context ? SSL_new(context) : NULL;
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	if (tls && in && out) {
		SSL_set_bio(tls, in, out);
		SSL_connect(tls);
	}
	SSL_free(tls);
}

/* --- the server ----------------------------------------------------------------------------------------------------------- */

/* A copy of this process, a child of our parent's: 0 in the copy; else its pid, and *PIDFD, or negative. */
static pid_t copy(int *pidfd)
{
	struct clone_args {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	} args = { .flags = CLONE_PARENT | CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)pidfd };

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* WORDS: HOW, HOST, PORT and SERVICE, each with its NUL. FDS: what becomes standard input and output, and standard error. */
static int copy_check(const char *words, size_t size, const struct message_fds *fds)
{
	const char *argv[4] = { "", "", "", "" };

	for (size_t i = 0, at = 0; i < 4 && at < size; i++) {
		argv[i] = words + at;
		at += strlen(words + at) + 1;
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || setpgid(0, 0) < 0 ||
	    dup2(fds->fd[0], STDIN_FILENO) < 0 || dup2(fds->fd[0], STDOUT_FILENO) < 0 ||
	    dup2(fds->fd[1], STDERR_FILENO) < 0)
		return 1;
	close(fds->fd[0]);
	close(fds->fd[1]);
	return check(argv[0], argv[1], argv[2], argv[3]);
}

/* Standard input is a socket of the keeper's. Each message is answered with the copy's pid and a descriptor of it. */
static int serve(void)
{
	static char words[SERVE_WORDS_MAX + 1];

	warm_up();
	for (;;) {
		_cleanup_message_fds_ struct message_fds fds = {}, answer = {};
		int pidfd = -1;
		ssize_t n = socket_receive(STDIN_FILENO, words, sizeof(words) - 1, &fds);
		if (n <= 0 || fds.n != 2)
			return n < 0;
		words[n] = '\0';
		pid_t pid = copy(&pidfd);
		if (pid == 0)
			_exit(copy_check(words, (size_t)n, &fds));
		if (pidfd >= 0)
			answer.fd[answer.n++] = pidfd;
		if (socket_send(STDIN_FILENO, &pid, sizeof(pid), &answer) < 0)
			return 1;
	}
}

int main(int argc, char **argv)
{
	bool serves = argc == 2 && text_is(argv[1], "serve");

	if (!serves && argc < 4)
		return 2;
	if (!drop_privileges())
		return complain("cannot give up privileges");
	return serves ? serve() : check(argv[1], argv[2], argv[3], argc > 4 ? argv[4] : "");
}
