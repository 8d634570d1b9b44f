/* netlink_shape.c — a token bucket on a link; see netlink.h.
 *
 * The kernel's "tbf" (its sch_tbf) has a bucket of tokens, a byte each: BURST of them at most, new ones at the rate. It cuts what is larger
 * than the bucket (segmentation offload), so the bucket need not be as large as the largest packet.
 */
#include <linux/pkt_sched.h>

#include "linux/netlink.h"

enum { BURST_PART = 50, QUEUE_PART = 10, LEAST_BURST = 32 * 1024, ROOT_HANDLE = 0x10000 };

void link_shape(struct netlink_batch *b, unsigned link, uint64_t bytes_per_second)
{
	struct nlmsghdr *m = batch_add(b, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE);
	struct tcmsg *to = netlink_extend(m, sizeof(*to));
	uint64_t burst = bytes_per_second / BURST_PART, queue = bytes_per_second / QUEUE_PART;
	struct tc_tbf_qopt rules = {
		.rate = { .linklayer = TC_LINKLAYER_ETHERNET,
			  .rate = bytes_per_second > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes_per_second },
	};

	burst = burst < LEAST_BURST ? LEAST_BURST : burst > INT32_MAX / 2 ? INT32_MAX / 2 : burst;
	queue = queue < LEAST_BURST ? LEAST_BURST : queue > INT32_MAX / 2 ? INT32_MAX / 2 : queue;
	rules.limit = (uint32_t)(burst + queue);
	*to = (struct tcmsg){ .tcm_family = AF_UNSPEC,
			      .tcm_ifindex = (int)link,
			      .tcm_parent = TC_H_ROOT,
			      .tcm_handle = ROOT_HANDLE };
	netlink_put_text(m, TCA_KIND, "tbf");
	struct nlattr *options = netlink_nest(m, TCA_OPTIONS);
	netlink_put(m, TCA_TBF_PARMS, &rules, sizeof(rules));
	netlink_put_u32(m, TCA_TBF_BURST, (uint32_t)burst);
	if (bytes_per_second > UINT32_MAX)
		netlink_put(m, TCA_TBF_RATE64, &bytes_per_second, sizeof(bytes_per_second));
	netlink_nest_end(m, options);
}
