/* session.h — what a pull, a push and a listing have in common: settings, credentials, clients of where a repository may be.
 */
#pragma once

#include "image/digest.h"
#include "image/store.h"
#include "registry/client.h"
#include "registry/manifest.h"
#include "registry/progress.h"

struct registry_session {
	const struct instance *in;
	struct arena *arena;
	struct http http;
	struct registries registries;
	struct credential_sources sources;
	struct progress progress;
	struct platform platform;
	bool insecure; /* --tls-verify=false */
};

/* Reads registries.conf; the rest is the caller's to fill in before (sources, progress, platform, insecure). */
int session_open(struct registry_session *s, struct error *err);
void session_close(struct registry_session *s);

/* Clients of the places where REF may be, mirrors first. Release them with session_end_clients. */
struct clients LIST(struct client);
int session_clients(struct registry_session *s, const struct reference *ref, const char *actions,
		    struct clients *out, struct error *err);
void session_end_clients(struct clients *clients);

/* Asks C for the manifest NAME (a tag or digest). Its text stays in ASK's answer until client_release. A text that has not the digest
 * that NAME or the registry says is -EBADMSG. DIGEST: its real one. */
int session_manifest(struct client *c, const char *name, struct ask *ask, char digest[static DIGEST_SIZE],
		     struct error *err);

/* The digest that C gives NAME, by HEAD; NULL: it does not say, or there is none. In the session's arena. */
const char *session_head(struct client *c, const char *name);
