/* netlink_message.c — see netlink_message.h. */
#include "linux/netlink_message.h"

#include <string.h>

struct nlmsghdr *netlink_message(void *at, uint16_t type, uint16_t flags, uint32_t sequence)
{
	struct nlmsghdr *m = at;

	*m = (struct nlmsghdr){ .nlmsg_len = NLMSG_HDRLEN,
				.nlmsg_type = type,
				.nlmsg_flags = NLM_F_REQUEST | flags,
				.nlmsg_seq = sequence };
	return m;
}

void *netlink_extend(struct nlmsghdr *m, size_t size)
{
	void *end = (char *)m + NLMSG_ALIGN(m->nlmsg_len);

	m->nlmsg_len = NLMSG_ALIGN(m->nlmsg_len) + (uint32_t)NLMSG_ALIGN(size);
	return memset(end, 0, NLMSG_ALIGN(size));
}

void netlink_put(struct nlmsghdr *m, uint16_t type, const void *data, size_t size)
{
	struct nlattr *attribute = netlink_extend(m, NLA_HDRLEN + size);

	attribute->nla_type = type;
	attribute->nla_len = (uint16_t)(NLA_HDRLEN + size);
	if (size > 0)
		memcpy((char *)attribute + NLA_HDRLEN, data, size);
}

void netlink_put_u8(struct nlmsghdr *m, uint16_t type, uint8_t value)
{
	netlink_put(m, type, &value, sizeof(value));
}

void netlink_put_u16(struct nlmsghdr *m, uint16_t type, uint16_t value)
{
	netlink_put(m, type, &value, sizeof(value));
}

void netlink_put_u32(struct nlmsghdr *m, uint16_t type, uint32_t value)
{
	netlink_put(m, type, &value, sizeof(value));
}

void netlink_put_text(struct nlmsghdr *m, uint16_t type, const char *value)
{
	netlink_put(m, type, value, strlen(value) + 1);
}

struct nlattr *netlink_nest(struct nlmsghdr *m, uint16_t type)
{
	struct nlattr *nest = netlink_extend(m, NLA_HDRLEN);

	nest->nla_type = NLA_F_NESTED | type;
	return nest;
}

void netlink_nest_end(struct nlmsghdr *m, struct nlattr *nest)
{
	nest->nla_len = (uint16_t)((char *)m + m->nlmsg_len - (char *)nest);
}
