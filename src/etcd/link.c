/* link.c — see link.h. */
#include "etcd/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 8, RECEIVE_BYTES = 64 * 1024 };

void link_free(struct link *l)
{
	text_free(&l->in);
	text_free(&l->out);
}

void link_add(struct link *l, const struct frame *f)
{
	const uint8_t head[HEAD] = {
		(uint8_t)f->kind,
		f->flag,
		(uint8_t)(f->n_key >> 8),
		(uint8_t)f->n_key,
		(uint8_t)(f->n_value >> 24),
		(uint8_t)(f->n_value >> 16),
		(uint8_t)(f->n_value >> 8),
		(uint8_t)f->n_value,
	};

	text_add_n(&l->out, (const char *)head, HEAD);
	text_add_n(&l->out, f->key ? f->key : "", f->n_key);
	text_add_n(&l->out, f->value ? f->value : "", f->n_value);
}

/* Forgets the first N bytes, when that is most of it: moving costs then no more than what was done already. */
static void forget(struct text *t, size_t *n)
{
	if (*n < t->n / 2 && *n < t->n)
		return;
	memmove(t->at, t->at + *n, t->n - *n);
	t->n -= *n;
	*n = 0;
	if (t->n == 0)
		text_free(t);
}

int link_send(struct link *l)
{
	while (l->sent < l->out.n) {
		ssize_t n = send(l->fd, l->out.at + l->sent, l->out.n - l->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		l->sent += (size_t)n;
	}
	if (l->sent)
		forget(&l->out, &l->sent);
	return 1;
}

int link_receive(struct link *l)
{
	char bytes[RECEIVE_BYTES];
	ssize_t n = recv(l->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (l->taken)
		forget(&l->in, &l->taken);
	if (n > 0)
		text_add_n(&l->in, bytes, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

int link_next(struct link *l, struct frame *out)
{
	const uint8_t *head = (const uint8_t *)l->in.at + l->taken;
	size_t there = l->in.n - l->taken;

	if (there < HEAD)
		return 0;
	*out = (struct frame){ .kind = head[0],
			       .flag = head[1] != 0,
			       .n_key = (size_t)head[2] << 8 | head[3],
			       .n_value = (size_t)head[4] << 24 | (size_t)head[5] << 16 |
					  (size_t)head[6] << 8 | head[7] };
	if (!strchr("BPDES", out->kind) || out->kind == 0 || out->n_key > LINK_KEY_MAX ||
	    out->n_value > LINK_VALUE_MAX)
		return -EBADMSG;
	if (there < HEAD + out->n_key + out->n_value)
		return 0;
	out->key = (const char *)head + HEAD;
	out->value = out->key + out->n_key;
	l->taken += HEAD + out->n_key + out->n_value;
	return 1;
}
