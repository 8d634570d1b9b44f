/* entry.h — what an entry of a layer's tar means, for whoever unpacks it and whoever makes an index of it (image-spec layer.md).
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <time.h>

struct archive_entry;

/* NAME without leading "/" and "./" and trailing "/", in BUFFER. NULL: it has "..", or it or a part of it is too long. */
const char *entry_path(const char *name, char buffer[static PATH_MAX]);

enum entry_whiteout {
	ENTRY_PLAIN,   /* no whiteout */
	ENTRY_HIDES,   /* ".wh.NAME": *GONE is NAME */
	ENTRY_OPAQUE,  /* ".wh..wh..opq": of the directory that it is in */
	ENTRY_IGNORED, /* aufs' own, of no meaning */
	ENTRY_WRONG,
};

/* What the last part of a name says. */
enum entry_whiteout entry_whiteout(const char *last, const char **gone);

/* user.* and security.capability are the image's; trusted.* would be overlayfs' own, and is dropped with the rest. */
bool entry_keeps_xattr(const char *name);

/* Access and modification time, as utimensat(2) takes them. */
void entry_times(struct archive_entry *e, struct timespec times[2]);
