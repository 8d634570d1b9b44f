/* erofs.c — see erofs.h. Two passes over the inodes in one order: the first gives each a place, the second writes them one after another, then
 * the blocks of directories and long links. */
#include "image/erofs.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "image/erofs_format.h"

enum { META_AT = 3 * EROFS_BLOCK, BUFFER = 128 * 1024, XATTR_MAX = UINT16_MAX };

struct name {
	const char *at;
	struct tree_node *node;
};

struct writer {
	struct tree *tree;
	struct LIST(struct tree_node *) inodes;
	struct name *names; /* of the directory at hand, sorted */
	size_t names_space;
	unsigned char *content; /* of the directory at hand */
	size_t content_space;
	uint64_t blocks; /* of contents, behind the inodes */
	uint64_t data_block, at;
	int fd;
	unsigned char buffer[BUFFER];
	size_t filled;
	int failed; /* errno */
};

/* --- attributes --------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	uint8_t prefix;
} prefixes[] = { { "user.", 1 }, { "trusted.", 4 }, { "security.", 6 } };

static int find_prefix(const char *name)
{
	for (int i = 0; i < 3; i++)
		if (strncmp(name, prefixes[i].text, strlen(prefixes[i].text)) == 0)
			return i;
	return -1;
}

static size_t xattr_bytes(const char *name, size_t value)
{
	size_t n =
		sizeof(struct erofs_xattr) + strlen(name) - strlen(prefixes[find_prefix(name)].text) + value;
	return (n + 3) & ~(size_t)3;
}

#define OPAQUE "trusted.overlay.opaque"

static size_t xattrs_bytes(const struct tree_node *n)
{
	size_t sum = n->opaque ? xattr_bytes(OPAQUE, 1) : 0;

	list_each(x, &n->xattrs)
		sum += xattr_bytes(x->name, x->size);
	return sum ? sizeof(struct erofs_xattr_head) + sum : 0;
}

bool erofs_can_hold(const struct tree_node *n)
{
	list_each(x, &n->xattrs) {
		int i = find_prefix(x->name);
		if (i < 0 || x->size > XATTR_MAX || strlen(x->name) - strlen(prefixes[i].text) > UINT8_MAX)
			return false;
	}
	return xattrs_bytes(n) <= XATTR_MAX;
}

/* --- directories -------------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->at,
		      ((const struct name *)b)->at); /* bytes, as the kernel looks them up */
}

static void add_name(struct writer *w, size_t n, const char *at, struct tree_node *node)
{
	if (n == w->names_space) {
		w->names_space = w->names_space ? w->names_space * 2 : 256;
		w->names = memory_grow(w->names, w->names_space, sizeof(*w->names));
	}
	w->names[n] = (struct name){ at, node };
}

static size_t sort_names(struct writer *w, struct tree_node *directory)
{
	size_t n = 0;

	add_name(w, n++, ".", directory);
	add_name(w, n++, "..", directory->parent);
	for (struct tree_node *child = directory->first; child; child = child->next)
		if (!child->gone)
			add_name(w, n++, child->name, tree_file(child));
	qsort(w->names, n, sizeof(*w->names), by_name);
	return n;
}

/* How many of the N names from I on fit into one block, and the bytes they take. */
static size_t fit(const struct writer *w, size_t i, size_t n, size_t *bytes)
{
	size_t count = 0;

	*bytes = 0;
	while (i + count < n) {
		size_t more = sizeof(struct erofs_entry) + strlen(w->names[i + count].at);
		if (*bytes + more > EROFS_BLOCK)
			break;
		*bytes += more;
		count++;
	}
	return count;
}

static uint64_t directory_bytes(struct writer *w, struct tree_node *directory)
{
	size_t n = sort_names(w, directory), bytes = 0;
	uint64_t blocks = 0;

	for (size_t i = 0; i < n; blocks++)
		i += fit(w, i, n, &bytes);
	return (blocks - 1) * EROFS_BLOCK + bytes;
}

static uint8_t file_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 1;
	case S_IFDIR:
		return 2;
	case S_IFCHR:
		return 3;
	case S_IFBLK:
		return 4;
	case S_IFIFO:
		return 5;
	case S_IFSOCK:
		return 6;
	default:
		return 7;
	}
}

static void write_block(const struct writer *w, size_t i, size_t count, unsigned char *block)
{
	size_t at = count * sizeof(struct erofs_entry);

	for (size_t k = 0; k < count; k++) {
		const struct name *name = &w->names[i + k];
		struct erofs_entry e = { htole64(name->node->place / EROFS_SLOT), htole16((uint16_t)at),
					 file_type(name->node->mode), 0 };
		memcpy(block + k * sizeof(e), &e, sizeof(e));
		memcpy(block + at, name->at, strlen(name->at));
		at += strlen(name->at);
	}
}

/* The contents of a directory or a symbolic link, padded with zeros to whole blocks. */
static const unsigned char *content_of(struct writer *w, struct tree_node *n, uint64_t bytes)
{
	size_t space = (bytes + EROFS_BLOCK - 1) / EROFS_BLOCK * EROFS_BLOCK;

	if (space > w->content_space)
		w->content = memory_grow(w->content, w->content_space = space, 1);
	memset(w->content, 0, space);
	if (S_ISLNK(n->mode)) {
		memcpy(w->content, n->target, bytes);
		return w->content;
	}
	size_t count = sort_names(w, n), used;
	unsigned char *block = w->content;
	for (size_t i = 0; i < count; block += EROFS_BLOCK) {
		size_t more = fit(w, i, count, &used);
		write_block(w, i, more, block);
		i += more;
	}
	return w->content;
}

/* --- the first pass: places ---------------------------------------------------------------------------------------------- */

static bool has_content(const struct tree_node *n)
{
	return S_ISDIR(n->mode) || S_ISLNK(n->mode);
}

/* May the last part of N's contents, of which there are SIZE bytes, stand behind the inode, which has HEAD bytes? */
static bool is_inline(size_t head, uint64_t size)
{
	return size % EROFS_BLOCK > 0 && (head % EROFS_BLOCK) + size % EROFS_BLOCK <= EROFS_BLOCK;
}

static void place(struct writer *w, struct tree_node *n)
{
	size_t head = sizeof(struct erofs_inode) + xattrs_bytes(n), all = head;

	w->at = (w->at + EROFS_SLOT - 1) / EROFS_SLOT * EROFS_SLOT;
	if (S_ISREG(n->mode) && n->size > 0)
		all = (head + 7) / 8 * 8 + sizeof(struct erofs_chunk);
	if (S_ISDIR(n->mode))
		n->size = directory_bytes(w, n);
	if (S_ISLNK(n->mode))
		n->size = strlen(n->target);
	if (has_content(n) && is_inline(head, n->size)) {
		size_t rest = n->size % EROFS_BLOCK;
		if ((w->at + head) % EROFS_BLOCK + rest >
		    EROFS_BLOCK) /* it would cross a border: from the next block on it does not */
			w->at = (w->at + EROFS_BLOCK - 1) / EROFS_BLOCK * EROFS_BLOCK;
		all = head + rest;
		w->blocks += n->size / EROFS_BLOCK;
	} else if (has_content(n)) {
		w->blocks += (n->size + EROFS_BLOCK - 1) / EROFS_BLOCK;
	}
	n->place = w->at;
	w->at += all;
}

static void place_all(struct writer *w)
{
	struct arena *a = w->tree->arena;

	w->at = META_AT;
	*list_add(a, &w->inodes) = w->tree->root;
	for (size_t i = 0; i < w->inodes.n; i++) {
		struct tree_node *n = w->inodes.at[i];
		place(w, n);
		for (struct tree_node *child = n->first; child && S_ISDIR(n->mode); child = child->next) {
			struct tree_node *file = tree_file(child);
			if (child->gone || file->place)
				continue;
			file->place = 1; /* it comes, once */
			*list_add(a, &w->inodes) = file;
		}
	}
	w->data_block = (w->at + EROFS_BLOCK - 1) / EROFS_BLOCK;
}

/* --- the second pass: bytes ------------------------------------------------------------------------------------------------ */

static void flush(struct writer *w)
{
	int r = w->failed ? 0 : write_all(w->fd, w->buffer, w->filled);

	w->failed = r < 0 ? -r : w->failed;
	w->filled = 0;
}

static void put(struct writer *w, const void *data, size_t n)
{
	w->at += n;
	for (size_t part; n > 0; n -= part, data = (const char *)data + part) {
		part = n < BUFFER - w->filled ? n : BUFFER - w->filled;
		memcpy(w->buffer + w->filled, data, part);
		w->filled += part;
		if (w->filled == BUFFER)
			flush(w);
	}
}

static void pad_to(struct writer *w, uint64_t at)
{
	static const unsigned char zeros[EROFS_BLOCK];

	while (w->at < at)
		put(w, zeros, at - w->at < EROFS_BLOCK ? at - w->at : EROFS_BLOCK);
}

static void put_xattr(struct writer *w, const char *name, const void *value, size_t size)
{
	int i = find_prefix(name);
	const char *rest = name + strlen(prefixes[i].text);
	struct erofs_xattr x = { (uint8_t)strlen(rest), prefixes[i].prefix, htole16((uint16_t)size) };
	uint64_t end = w->at + xattr_bytes(name, size);

	put(w, &x, sizeof(x));
	put(w, rest, strlen(rest));
	put(w, value, size);
	pad_to(w, end);
}

static void put_xattrs(struct writer *w, const struct tree_node *n)
{
	if (xattrs_bytes(n) == 0)
		return;
	put(w, &(struct erofs_xattr_head){}, sizeof(struct erofs_xattr_head));
	if (n->opaque)
		put_xattr(w, OPAQUE, "y", 1);
	list_each(x, &n->xattrs)
		put_xattr(w, x->name, x->value, x->size);
}

/* The whole file as one chunk: its size is the power of two above the file's. */
static uint32_t chunk_form(uint64_t size)
{
	uint32_t bits = 0;

	while (bits < EROFS_CHUNK_BITS_MAX && (UINT64_C(1) << (EROFS_BLOCK_BITS + bits)) < size)
		bits++;
	return EROFS_CHUNK_INDEXES | bits;
}

/* As Linux writes device numbers in 32 bits. */
static uint32_t device_number(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | (major << 8) | ((minor & ~UINT32_C(0xff)) << 12);
}

static void put_inode(struct writer *w, struct tree_node *n, size_t number, uint64_t *block)
{
	size_t xattrs = xattrs_bytes(n), head = sizeof(struct erofs_inode) + xattrs;
	bool tail = has_content(n) && is_inline(head, n->size), chunk = S_ISREG(n->mode) && n->size > 0;
	uint32_t where = chunk            ? chunk_form(n->size)
			 : has_content(n) ? (uint32_t)*block
					  : device_number(n->major, n->minor);
	struct erofs_inode i = {
		.format = htole16(EROFS_INODE_EXTENDED | (chunk  ? EROFS_LAYOUT_CHUNKS
							  : tail ? EROFS_LAYOUT_INLINE
								 : EROFS_LAYOUT_PLAIN)),
		.xattr_count =
			htole16(xattrs ? (uint16_t)((xattrs - sizeof(struct erofs_xattr_head)) / 4 + 1) : 0),
		.mode = htole16((uint16_t)n->mode),
		.size = htole64(has_content(n) || S_ISREG(n->mode) ? n->size : 0),
		.where = htole32(S_ISREG(n->mode) && !chunk ? 0 : where),
		.number = htole32((uint32_t)number),
		.uid = htole32(n->uid),
		.gid = htole32(n->gid),
		.mtime = htole64((uint64_t)n->mtime),
		.mtime_nsec = htole32(n->mtime_nsec),
		.links = htole32(n->names + (S_ISDIR(n->mode) ? 2 : 0)),
	};

	pad_to(w, n->place);
	put(w, &i, sizeof(i));
	put_xattrs(w, n);
	if (chunk) {
		pad_to(w, (w->at + 7) / 8 * 8);
		put(w, &(struct erofs_chunk){ 0, htole16(1), htole32((uint32_t)(n->data / EROFS_BLOCK)) },
		    sizeof(struct erofs_chunk));
	}
	if (!has_content(n))
		return;
	*block += tail ? n->size / EROFS_BLOCK : (n->size + EROFS_BLOCK - 1) / EROFS_BLOCK;
	if (tail)
		put(w, content_of(w, n, n->size) + n->size / EROFS_BLOCK * EROFS_BLOCK,
		    n->size % EROFS_BLOCK);
}

static void put_head(struct writer *w, uint64_t tar_bytes, const char *tag)
{
	struct erofs_device device = { .blocks = htole32((uint32_t)(tar_bytes / EROFS_BLOCK)) };
	struct erofs_super s = {
		.magic = htole32(EROFS_MAGIC),
		.feature_compat = htole32(EROFS_COMPAT_MTIME),
		.block_bits = EROFS_BLOCK_BITS,
		.root = htole16(META_AT / EROFS_SLOT),
		.inodes = htole64(w->inodes.n),
		.blocks = htole32((uint32_t)(w->data_block + w->blocks)),
		.feature_incompat = htole32(EROFS_INCOMPAT_CHUNKED_FILE | EROFS_INCOMPAT_DEVICE_TABLE),
		.extra_devices = htole16(1),
		.device_slot = htole16((EROFS_SUPER_AT + sizeof(s)) / EROFS_DEVICE_SLOT),
	};

	memcpy(device.tag, tag, strnlen(tag, sizeof(device.tag)));
	memcpy(s.uuid, tag, strnlen(tag, sizeof(s.uuid)));
	w->at = 0;
	pad_to(w, EROFS_SUPER_AT);
	put(w, &s, sizeof(s));
	put(w, &device, sizeof(device));
}

static void put_blocks(struct writer *w)
{
	pad_to(w, w->data_block * EROFS_BLOCK);
	list_each(node, &w->inodes) {
		struct tree_node *n = *node;
		if (!has_content(n))
			continue;
		bool tail = is_inline(sizeof(struct erofs_inode) + xattrs_bytes(n), n->size);
		uint64_t blocks = tail ? n->size / EROFS_BLOCK : (n->size + EROFS_BLOCK - 1) / EROFS_BLOCK;
		if (blocks > 0)
			put(w, content_of(w, n, n->size), blocks * EROFS_BLOCK);
	}
}

/* The kernel believes what stands in an index, so nothing stands there that leads out of the tar, or out of the one chunk that a file has. */
static bool leads_out(const struct tree_node *n, uint64_t tar_bytes)
{
	return S_ISREG(n->mode) && n->size > 0 &&
	       (n->data > tar_bytes || n->size > tar_bytes - n->data ||
		n->size > UINT64_C(1) << (EROFS_BLOCK_BITS + EROFS_CHUNK_BITS_MAX));
}

static int write_index(struct writer *w, uint64_t tar_bytes, const char *tag, struct error *err)
{
	place_all(w);
	list_each(n, &w->inodes)
		if (leads_out(*n, tar_bytes))
			return error_set(err, EBADMSG, "a file of the layer is not in its tar");
	if (tar_bytes / EROFS_BLOCK > UINT32_MAX || w->data_block + w->blocks > UINT32_MAX)
		return error_set(err, EFBIG, "the layer is too large for an index");
	put_head(w, tar_bytes, tag);
	uint64_t block = w->data_block;
	for (size_t i = 0; i < w->inodes.n; i++)
		put_inode(w, w->inodes.at[i], i + 1, &block);
	put_blocks(w);
	flush(w);
	errno = w->failed;
	return w->failed ? error_errno(err, "cannot write the index of a layer") : 0;
}

int erofs_write(struct tree *t, uint64_t tar_bytes, const char *tag, int fd, struct error *err)
{
	_cleanup_free_ struct writer *w = memory_one(struct writer);

	*w = (struct writer){ .tree = t, .fd = fd };
	int r = write_index(w, tar_bytes, tag, err);
	free(w->names);
	free(w->content);
	return r;
}
