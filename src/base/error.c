/* error.c — see error.h. No allocation, no locks: also runs between clone and exec. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* An error is one line, whatever it quotes. */
static size_t put(struct error *err, size_t at, const char *format, va_list args)
{
	int n = vsnprintf(err->text + at, sizeof(err->text) - at, format, args);
	size_t end = n < 0 ? at : at + (size_t)n;

	text_tame(err->text + at);
	return end < sizeof(err->text) ? end : sizeof(err->text) - 1;
}

int error_set(struct error *err, int code, const char *format, ...)
{
	if (err) {
		va_list args;
		va_start(args, format);
		err->code = code;
		put(err, 0, format, args);
		va_end(args);
	}
	return -code;
}

static int set_code(struct error *err, int code, const char *format, va_list args)
{
	if (err) {
		err->code = code;
		size_t end = put(err, 0, format, args);
		snprintf(err->text + end, sizeof(err->text) - end, ": %s", error_meaning(code));
	}
	return -code;
}

int error_errno(struct error *err, const char *format, ...)
{
	int code = errno ? errno : EIO;
	va_list args;

	va_start(args, format);
	int r = set_code(err, code, format, args);
	va_end(args);
	return r;
}

int error_code(struct error *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int r = set_code(err, code < 0 ? -code : EIO, format, args);
	va_end(args);
	return r;
}

int error_prefix(struct error *err, const char *format, ...)
{
	if (!err)
		return -EIO;

	char old[sizeof(err->text)];
	memcpy(old, err->text, sizeof(old));
	va_list args;
	va_start(args, format);
	size_t end = put(err, 0, format, args);
	va_end(args);
	bool there =
		strncmp(old, err->text, end) == 0 && old[end] == ':'; /* who was asked has said it already */
	if (there)
		memcpy(err->text, old, sizeof(old));
	else
		snprintf(err->text + end, sizeof(err->text) - end, ": %s", old);
	return -err->code;
}

int error_hint(struct error *err, const char *format, ...)
{
	if (!err)
		return -EIO;

	size_t end = strlen(err->text);
	if (end + 4 < sizeof(err->text)) {
		va_list args;
		va_start(args, format);
		strcpy(err->text + end, " (");
		end = put(err, end + 2, format, args);
		va_end(args);
		if (end + 1 < sizeof(err->text))
			strcpy(err->text + end, ")");
	}
	return -err->code;
}

const char *error_meaning(int code)
{
	switch (code) {
	case ENOENT:
		return "it does not exist";
	case EPERM:
		return "the kernel does not permit it";
	case EACCES:
		return "permission denied";
	case EROFS:
		return "the file system is read-only";
	case ENOSPC:
		return "no space is left on the device";
	case EMFILE:
		return "this process has too many files open";
	case ENFILE:
		return "the machine has too many files open";
	case ELOOP:
		return "too many symbolic links, or one where none may be";
	case ENOTDIR:
		return "what stands before a slash is not a directory";
	case EISDIR:
		return "it is a directory";
	case EADDRINUSE:
		return "it is in use";
	case EXDEV:
		return "the path leads out of where it must stay";
	}
	const char *text = strerrordesc_np(code);
	return text ? text : "unknown error";
}
