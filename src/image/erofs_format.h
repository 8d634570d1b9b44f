/* erofs_format.h — what of EROFS is on disk (Linux Documentation/filesystems/erofs.rst and "EROFS on-disk format"): the parts that an index
 * of a tar needs. All numbers are little-endian.
 */
#pragma once

#include <stdint.h>

#define EROFS_MAGIC UINT32_C(0xE0F5E1E2)

enum {
	EROFS_SUPER_AT = 1024,
	EROFS_BLOCK_BITS =
		9, /* a tar's unit, so what it holds can be named where it is (Linux 6.4 and newer read blocks below a page) */
	EROFS_BLOCK = 1 << EROFS_BLOCK_BITS,
	EROFS_SLOT = 32, /* an inode's number is its place in such units */
	EROFS_DEVICE_SLOT = 128,

	EROFS_COMPAT_MTIME = 0x2,
	EROFS_INCOMPAT_CHUNKED_FILE = 0x4,
	EROFS_INCOMPAT_DEVICE_TABLE = 0x8,

	EROFS_INODE_EXTENDED = 1,    /* lowest bit of the format; the layout follows */
	EROFS_LAYOUT_PLAIN = 0 << 1, /* in blocks */
	EROFS_LAYOUT_INLINE =
		2 << 1, /* whole blocks, then the rest behind the inode, not across a block's border */
	EROFS_LAYOUT_CHUNKS = 4 << 1, /* a list of pieces, each on some device */

	EROFS_CHUNK_INDEXES = 0x20,
	EROFS_CHUNK_BITS_MAX = 31,
};

struct erofs_super {
	uint32_t magic, checksum, feature_compat;
	uint8_t block_bits, extra_slots;
	uint16_t root;
	uint64_t inodes, epoch;
	uint32_t epoch_nsec, blocks, meta_block, xattr_block;
	uint8_t uuid[16], name[16];
	uint32_t feature_incompat;
	uint16_t compression, extra_devices, device_slot;
	uint8_t directory_bits, prefix_count;
	uint32_t prefix_start;
	uint64_t packed_inode;
	uint8_t reserved[24];
} __attribute__((packed));

struct erofs_device {
	uint8_t tag[64];
	uint32_t blocks, mapped;
	uint8_t reserved[56];
} __attribute__((packed));

struct erofs_inode {
	uint16_t format, xattr_count, mode, reserved;
	uint64_t size;
	uint32_t where; /* first block, device number, or form of the chunks */
	uint32_t number, uid, gid;
	uint64_t mtime;
	uint32_t mtime_nsec, links;
	uint8_t reserved_too[16];
} __attribute__((packed));

struct erofs_xattr_head {
	uint32_t filter;
	uint8_t shared_count, reserved[7];
} __attribute__((packed));

struct erofs_xattr {
	uint8_t name_size, prefix;
	uint16_t value_size;
} __attribute__((packed));

struct erofs_chunk {
	uint16_t reserved, device;
	uint32_t block;
} __attribute__((packed));

struct erofs_entry { /* of a directory: in each block first these, then the names */
	uint64_t inode;
	uint16_t name_at;
	uint8_t type, reserved;
} __attribute__((packed));

_Static_assert(sizeof(struct erofs_super) == 128 && sizeof(struct erofs_device) == 128 &&
		       sizeof(struct erofs_inode) == 64 && sizeof(struct erofs_xattr_head) == 12 &&
		       sizeof(struct erofs_xattr) == 4 && sizeof(struct erofs_chunk) == 8 &&
		       sizeof(struct erofs_entry) == 12,
	       "as on disk");
