/* tar_out.c — see tar_out.h. libarchive reads the tree and writes the tar; nothing is followed. */
#include "image/tar_out.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int wrong(struct archive *a, struct error *err)
{
	int code = archive_errno(a);
	return error_set(err, code > 0 ? code : EIO, "cannot write the tar: %s", archive_error_string(a));
}

static int copy_data(struct archive *from, struct archive *to, struct error *err)
{
	const void *data;
	size_t size;
	la_int64_t offset;
	int r;

	while ((r = archive_read_data_block(from, &data, &size, &offset)) == ARCHIVE_OK)
		if (archive_write_data(to, data, size) < 0)
			return wrong(to, err);
	return r == ARCHIVE_EOF ? 0 : wrong(from, err);
}

static int add_all(struct archive *from, struct archive *to, struct error *err)
{
	struct archive_entry *e = archive_entry_new();
	int code = 0, r;

	while (code == 0 && (r = archive_read_next_header2(from, e)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(e);
		archive_read_disk_descend(from);
		if (strcmp(name, ".") != 0) {
			archive_entry_sparse_clear(e); /* blocks come in order, with what is between */
			archive_entry_set_pathname(e, strncmp(name, "./", 2) == 0 ? name + 2 : name);
			if (archive_write_header(to, e) < ARCHIVE_WARN)
				code = wrong(to, err);
			else if (archive_entry_filetype(e) == AE_IFREG)
				code = copy_data(from, to, err);
		}
		archive_entry_clear(e);
	}
	archive_entry_free(e);
	return code == 0 && r != ARCHIVE_EOF ? wrong(from, err) : code;
}

int tar_out(const char *path, int fd, struct error *err)
{
	struct archive *from = archive_read_disk_new(), *to = archive_write_new();
	int code;

	archive_read_disk_set_symlink_physical(from);
	archive_write_set_format_pax_restricted(to);
	archive_write_set_bytes_in_last_block(to, 1);
	if (chdir(path) < 0)
		code = error_errno(err, "cannot open '%s'", path);
	else if (archive_read_disk_open(from, ".") != ARCHIVE_OK)
		code = wrong(from, err);
	else if (archive_write_open_fd(to, fd) != ARCHIVE_OK)
		code = wrong(to, err);
	else
		code = add_all(from, to, err);
	if (code == 0 && archive_write_close(to) != ARCHIVE_OK)
		code = wrong(to, err);
	archive_read_free(from);
	archive_write_free(to);
	return code;
}
