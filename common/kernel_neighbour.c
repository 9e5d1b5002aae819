/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Permanent neighbours, so that a handover waits for no ARP or ND.
 *
 * The kernel forgets even permanent neighbours of a link that is set down; the monitor reports
 * that.
 */
#include "kernel_internal.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <string.h>

struct nlmsghdr *kernel_neighbour_put(void *buffer, const struct kernel_neighbour *neighbour,
				      bool remove)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	nlh->nlmsg_type = remove ? RTM_DELNEIGH : RTM_NEWNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | (remove ? 0 : NLM_F_CREATE | NLM_F_REPLACE);
	ndm->ndm_family = (uint8_t)neighbour->addr.family;
	ndm->ndm_ifindex = (int)neighbour->ifindex;
	kernel_put_addr(nlh, NDA_DST, &neighbour->addr);
	if (remove)
		return nlh;
	ndm->ndm_state = NUD_PERMANENT;
	mnl_attr_put(nlh, NDA_LLADDR, sizeof(neighbour->mac.bytes), neighbour->mac.bytes);
	mnl_attr_put_u8(nlh, NDA_PROTOCOL, KERNEL_PROTOCOL);
	return nlh;
}

int kernel_neighbour_replace(struct kernel *k, const struct kernel_neighbour *neighbour)
{
	return kernel_change(k, &(struct kernel_change){.kind = KERNEL_CHANGE_NEIGHBOUR,
							.neighbour = *neighbour});
}

int kernel_neighbour_delete(struct kernel *k, const struct kernel_neighbour *neighbour)
{
	return kernel_change(k, &(struct kernel_change){.kind = KERNEL_CHANGE_NEIGHBOUR,
							.remove = true,
							.neighbour = *neighbour});
}

bool kernel_neighbour_ours(const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NDA_MAX + 1];

	kernel_attrs(nlh, sizeof(struct ndmsg), tb, NDA_MAX);
	return kernel_attr_u8(tb[NDA_PROTOCOL]) == KERNEL_PROTOCOL;
}

int kernel_neighbour_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_MAX + 1];
	struct kernel_neighbour *neighbour = item;

	(void)arg;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ndm))
		return 0;
	kernel_attrs(nlh, sizeof(*ndm), tb, NDA_MAX);
	if (!kernel_attr_addr(tb[NDA_DST], ndm->ndm_family, &neighbour->addr))
		return 0; /* AF_BRIDGE: an fdb entry */
	neighbour->ifindex = (unsigned int)ndm->ndm_ifindex;
	if (tb[NDA_LLADDR] && mnl_attr_get_payload_len(tb[NDA_LLADDR]) == ETH_ALEN)
		memcpy(neighbour->mac.bytes, mnl_attr_get_payload(tb[NDA_LLADDR]), ETH_ALEN);
	return 1;
}

static int neighbour_permanent(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const bool *ours = arg;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ndm) || ndm->ndm_state != NUD_PERMANENT)
		return 0;
	if (*ours && !kernel_neighbour_ours(nlh))
		return 0;
	return kernel_neighbour_parse(nlh, item, NULL);
}

int kernel_neighbour_list(struct kernel *k, unsigned int ifindex, bool ours,
			  struct kernel_list *list)
{
	struct nlmsghdr *nlh = kernel_message(k, RTM_GETNEIGH, 0, sizeof(struct ndmsg));
	int err;

	if (ifindex)
		mnl_attr_put_u32(nlh, NDA_IFINDEX, ifindex);
	err = kernel_gone(kernel_dump(k, nlh, neighbour_permanent, &ours, list));
	return kernel_fail_link(k, err, ifindex, "list of neighbours");
}

int kernel_neighbour_each(struct kernel *k, unsigned int ifindex, kernel_neighbour_fn each,
			  void *arg)
{
	struct kernel_list list = {.size = sizeof(struct kernel_neighbour)};
	int err = kernel_neighbour_list(k, ifindex, true, &list);
	size_t i;

	for (i = 0; !err && i < list.count; i++)
		err = each((struct kernel_neighbour *)list.items + i, arg);
	kernel_list_free(&list);
	return err;
}
