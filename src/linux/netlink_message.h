/* netlink_message.h — what a netlink message is made of: a header, a header of its family, attributes (netlink(7)).
 *
 * With the kernel's own macros (<linux/netlink.h>) this is a page; a library for it would be a shared one, and loading it costs each pod and
 * each command more than all messages of a pod (docs/decisions.md).
 *
 * The caller has room: an attribute takes its size, 4 bytes, and up to 3 of padding.
 */
#pragma once

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/* A message without anything in it, at AT (aligned by 4). Returns it. */
struct nlmsghdr *netlink_message(void *at, uint16_t type, uint16_t flags, uint32_t sequence);

/* SIZE zeroed bytes at the end of M: the header of its family. */
void *netlink_extend(struct nlmsghdr *m, size_t size);

void netlink_put(struct nlmsghdr *m, uint16_t type, const void *data, size_t size);
void netlink_put_u8(struct nlmsghdr *m, uint16_t type, uint8_t value);
void netlink_put_u16(struct nlmsghdr *m, uint16_t type, uint16_t value);
void netlink_put_u32(struct nlmsghdr *m, uint16_t type, uint32_t value);
void netlink_put_text(struct nlmsghdr *m, uint16_t type, const char *value); /* with its final 0 */

/* What is put between these two is in the attribute TYPE. */
struct nlattr *netlink_nest(struct nlmsghdr *m, uint16_t type);
void netlink_nest_end(struct nlmsghdr *m, struct nlattr *nest);
