/* digest.c — see digest.h. */
#include "image/digest.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void digest_begin(struct digest *d)
{
	d->context = EVP_MD_CTX_new();
	EVP_DigestInit_ex(d->context, EVP_sha256(), NULL);
}

void digest_add(struct digest *d, const void *data, size_t size)
{
	EVP_DigestUpdate(d->context, data, size);
}

void digest_end(struct digest *d, char text[static DIGEST_SIZE])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n;

	EVP_DigestFinal_ex(d->context, bytes, &n);
	EVP_MD_CTX_free(d->context);
	d->context = NULL;
	text += sprintf(text, "sha256:");
	for (unsigned i = 0; i < 32; i++)
		text += sprintf(text, "%02x", bytes[i]);
}

int digest_of_file(int fd, char text[static DIGEST_SIZE], size_t *size, struct error *err)
{
	static char chunk[128 * 1024];
	struct digest d;
	ssize_t n;

	*size = 0;
	digest_begin(&d);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		digest_add(&d, chunk, (size_t)n);
		*size += (size_t)n;
	}
	digest_end(&d, text);
	return n < 0 ? error_errno(err, "cannot read a blob") : 0;
}

void digest_of_bytes(const void *data, size_t size, char text[static DIGEST_SIZE])
{
	struct digest d;

	digest_begin(&d);
	digest_add(&d, data, size);
	digest_end(&d, text);
}

bool digest_is_right(const char *text)
{
	return text && strncmp(text, "sha256:", 7) == 0 && strlen(text) == DIGEST_SIZE - 1 &&
	       strspn(text + 7, "0123456789abcdef") == 64;
}
