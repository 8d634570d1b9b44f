/* link.h — what seapod-dns and seapod-etcd say to each other, over a socket pair.
 *
 *	seapod-etcd says                                   seapod-dns says
 *	BEGIN … PUT … END    all there is, anew            PUT      this key is to be there, for as long as this machine lives
 *	PUT, DELETE          a key that has changed        DELETE   no longer
 *	STATE                how it stands, for people
 *
 * A frame is a kind, a flag, the sizes of key and value, and both. Who closes the socket is gone. Either side may be wrong about the other, so sizes
 * have a ceiling and a frame that breaks a rule ends the conversation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { LINK_KEY_MAX = 1024, LINK_VALUE_MAX = 512 * 1024 };

enum link_kind {
	LINK_BEGIN = 'B',
	LINK_PUT = 'P',
	LINK_DELETE = 'D',
	LINK_END = 'E',
	LINK_STATE = 'S', /* key: what of, value: a sentence; the flag: all is well */
};

/* Points into the link until the next call. */
struct frame {
	enum link_kind kind;
	bool flag; /* of a PUT by seapod-etcd: it has a lease */
	const char *key, *value;
	size_t n_key, n_value;
};

struct link {
	int fd; /* not blocking; not owned */
	struct text in, out;
	size_t taken, sent; /* of IN, of OUT */
};

void link_free(struct link *l);

/* Adds a frame to what is to be sent. */
void link_add(struct link *l, const struct frame *f);

/* Sends what goes. 1: all is sent; 0: there is more; negative: the other one is gone. */
int link_send(struct link *l);

/* Receives what is there. 1: there may be frames now; 0: the other one is gone. */
int link_receive(struct link *l);

/* The next frame. 1: it is in OUT; 0: there is none yet; -EBADMSG: what came is none. */
int link_next(struct link *l, struct frame *out);
