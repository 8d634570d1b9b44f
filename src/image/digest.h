/* digest.h — SHA-256 as OCI writes it (image-spec descriptor.md "Digests"); libcrypto does the work.
 */
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { DIGEST_SIZE = 72 }; /* "sha256:" + 64 + NUL */

struct digest {
	EVP_MD_CTX *context;
};

void digest_begin(struct digest *d);
void digest_add(struct digest *d, const void *data, size_t size);
void digest_end(struct digest *d, char text[static DIGEST_SIZE]); /* frees the context */

/* The digest of what FD holds from its current position, and its size. */
int digest_of_file(int fd, char text[static DIGEST_SIZE], size_t *size, struct error *err);
void digest_of_bytes(const void *data, size_t size, char text[static DIGEST_SIZE]);

/* True if TEXT is "sha256:" and 64 hexadecimal digits in lower case; NULL is not. */
bool digest_is_right(const char *text);
