/* trust.c — see trust.h. */
#include "registry/trust.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { CERTIFICATES_MAX = 4 * 1024 * 1024 };

static int add_certificates(const char *path, struct http_trust *out, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_read(AT_FDCWD, path, CERTIFICATES_MAX, &text, &size, err);

	if (r == 0) {
		text_add_n(&out->ca, text, size);
		text_add(&out->ca, "\n");
	}
	return r;
}

static int add_identity(const char *path, struct arena *a, struct http_trust *out, struct error *err)
{
	const char *key = arena_printf(a, "%.*s.key", (int)(strlen(path) - strlen(".cert")), path);

	if (access(key, R_OK) < 0)
		return error_set(err, ENOENT, "the client certificate '%s' has no key '%s'", path, key);
	out->certificate = path;
	out->key = key;
	return 0;
}

int trust_read_directory(const char *path, struct arena *a, struct http_trust *out, struct error *err)
{
	_cleanup_closedir_ DIR *d = opendir(path);
	int r = 0;

	for (struct dirent *entry; d && r == 0 && (entry = readdir(d));) {
		const char *file = arena_printf(a, "%s/%s", path, entry->d_name);
		if (text_ends(file, ".crt"))
			r = add_certificates(file, out, err);
		else if (text_ends(file, ".cert"))
			r = add_identity(file, a, out, err);
	}
	return r;
}

int trust_read(const char *host, struct arena *a, struct http_trust *out, struct error *err)
{
	const char *home = getenv("HOME");
	const char *const bases[] = {
		text_empty(home) ? "/nonexistent" : arena_printf(a, "%s/.config/containers/certs.d", home),
		"/etc/containers/certs.d",
		"/etc/docker/certs.d",
	};

	*out = (struct http_trust){};
	for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
		const char *path = arena_printf(a, "%s/%s", bases[i], host);
		if (access(path, F_OK) == 0)
			return trust_read_directory(path, a, out, err);
	}
	return 0;
}
