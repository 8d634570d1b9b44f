/* client.h — one repository at one registry: requests with a token, tried again when it is worth it.
 *
 * OCI distribution-spec 1.1 and Docker's registry API v2 with its token authentication. A request that is refused for want of a token gets one (or
 * a new one: tokens expire in the middle of a pull) and is sent again; what fails for a reason that may pass (no connection, 429, 5xx) is sent
 * again later, twice as late each time or when Retry-After says. A token server is only trusted with a password over HTTPS, unless the
 * registry itself is insecure.
 */
#pragma once

#include "registry/credentials.h"
#include "registry/http.h"
#include "registry/registries.h"

struct client {
	struct http *http;
	struct arena *arena;
	struct location location;
	const char *scheme; /* "https"; an insecure registry may make it "http" */
	struct http_trust trust;
	struct credentials credentials;
	const char *actions;   /* "pull", "pull,push" */
	const char *also_from; /* another repository there that blobs may be mounted from; NULL */
	char *authorization;   /* the header's value; NULL: none yet */
	unsigned renewals;     /* how often it has changed */
	bool renewing;
};

struct ask {
	/* The question. */
	struct client *client;
	const char *method;
	const char *
		path; /* below /v2/<repository>/, or from the root ("/v2/_catalog"), or a whole URL that the registry gave */
	struct strings headers;
	const char *what;                /* for errors: "the manifest 'x'" */
	void (*before)(struct ask *ask); /* called before each sending; may change headers and body; NULL */
	void (*done)(struct ask *ask);
	void *owner;
	struct http_request q; /* body, take, answer_max; and the answer */

	/* How it went. */
	bool finished;
	struct error why; /* code 0: a 2xx. ENOENT: 404, EACCES: 401 and 403 */

	unsigned tries, auths, renewals; /* client.c's own; who sees progress may set TRIES and AUTHS to 0 */
};

/* Finds certificates and credentials for LOCATION. Release with client_close. */
int client_open(struct client *c, struct http *http, const struct location *location, const char *actions,
		const struct credential_sources *sources, struct arena *a, struct error *err);
void client_close(struct client *c);

/* Sends ASK; its `done` is called when there is nothing more to try. */
void client_send(struct client *c, struct ask *ask);

/* The same, waited for; others go on. 0: a 2xx, or negative with the sentence in ERR. Afterwards client_release. */
int client_ask(struct client *c, struct ask *ask, struct error *err);
void client_release(struct ask *ask);
