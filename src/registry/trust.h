/* trust.h — certificates per registry: certs.d (containers-certs.d(5), Docker's "Verify repository client with certificates").
 *
 * In ~/.config/containers/certs.d, /etc/containers/certs.d and /etc/docker/certs.d, the first that has a directory HOST:PORT: its
 * *.crt are trusted beside the system's, NAME.cert with NAME.key are shown when the registry asks who we are.
 */
#pragma once

#include "registry/http.h"

/* Trust towards HOST; the files' names are in A, the certificates on the heap. A client certificate without its key is an error. */
int trust_read(const char *host, struct arena *a, struct http_trust *out, struct error *err);

/* The same from the directory PATH. 0 also when it is not there. */
int trust_read_directory(const char *path, struct arena *a, struct http_trust *out, struct error *err);
