/* entry.c — see entry.h. */
#include "image/entry.h"

#include <archive_entry.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/text.h"

const char *entry_path(const char *name, char buffer[static PATH_MAX])
{
	size_t n = 0;

	for (const char *part = name; *part;) {
		size_t length = strcspn(part, "/");
		bool dot = length == 1 && part[0] == '.';
		if (length == 2 && part[0] == '.' && part[1] == '.')
			return NULL;
		if (length > NAME_MAX || n + length + 2 >= PATH_MAX)
			return NULL;
		if (length > 0 && !dot)
			n += (size_t)sprintf(buffer + n, "%s%.*s", n ? "/" : "", (int)length, part);
		part += length + (part[length] == '/');
	}
	buffer[n] = '\0';
	return buffer;
}

enum entry_whiteout entry_whiteout(const char *last, const char **gone)
{
	if (!text_starts(last, ".wh."))
		return ENTRY_PLAIN;
	if (text_is(last, ".wh..wh..opq"))
		return ENTRY_OPAQUE;
	if (text_starts(last, ".wh..wh."))
		return ENTRY_IGNORED;
	*gone = last + strlen(".wh.");
	return !**gone || text_is(*gone, ".") || text_is(*gone, "..") ? ENTRY_WRONG : ENTRY_HIDES;
}

bool entry_keeps_xattr(const char *name)
{
	return text_starts(name, "user.") || text_is(name, "security.capability");
}

void entry_times(struct archive_entry *e, struct timespec times[2])
{
	bool known = archive_entry_mtime_is_set(e);

	times[1].tv_sec = known ? archive_entry_mtime(e) : 0;
	times[1].tv_nsec = known ? archive_entry_mtime_nsec(e) : UTIME_OMIT;
	times[0] = times[1];
}
