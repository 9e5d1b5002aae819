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
#include <netlink/addr.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/route/neighbour.h>
#include <string.h>

static int neighbour_fail(struct kernel *k, int err, const struct kernel_neighbour *neighbour,
			  const char *verb)
{
	char text[ADDR_TEXT];

	return kernel_fail_link(k, err, neighbour->ifindex, "neighbour %s%s",
				addr_format(&neighbour->addr, text), verb);
}

/* libnl's object, without the link-layer address; NULL when memory is out. */
static struct rtnl_neigh *neighbour_object(const struct kernel_neighbour *neighbour)
{
	struct nl_addr *dst = kernel_nl_addr(&neighbour->addr, addr_bits(neighbour->addr.family));
	struct rtnl_neigh *object = rtnl_neigh_alloc();

	if (!dst || !object || rtnl_neigh_set_dst(object, dst) != 0) {
		rtnl_neigh_put(object);
		object = NULL;
	} else {
		rtnl_neigh_set_ifindex(object, (int)neighbour->ifindex);
	}
	nl_addr_put(dst);
	return object;
}

int kernel_neighbour_replace(struct kernel *k, const struct kernel_neighbour *neighbour)
{
	struct nl_addr *mac = nl_addr_build(AF_LLC, neighbour->mac.bytes, ETH_ALEN);
	struct rtnl_neigh *object = neighbour_object(neighbour);
	struct nl_msg *msg = NULL;
	int err = -ENOMEM;

	k->reason[0] = '\0';
	if (mac && object) {
		rtnl_neigh_set_lladdr(object, mac);
		rtnl_neigh_set_state(object, NUD_PERMANENT);
		if (rtnl_neigh_build_add_request(object, NLM_F_CREATE | NLM_F_REPLACE, &msg) == 0) {
			if (nla_put_u8(msg, NDA_PROTOCOL, KERNEL_PROTOCOL) == 0)
				err = kernel_request_nl(k, msg);
			else
				nlmsg_free(msg);
		}
	}
	rtnl_neigh_put(object);
	nl_addr_put(mac);
	return neighbour_fail(k, err, neighbour, "");
}

int kernel_neighbour_delete(struct kernel *k, const struct kernel_neighbour *neighbour)
{
	struct rtnl_neigh *object = neighbour_object(neighbour);
	struct nl_msg *msg = NULL;
	int err = -ENOMEM;

	k->reason[0] = '\0';
	if (object && rtnl_neigh_build_delete_request(object, 0, &msg) == 0)
		err = kernel_gone(kernel_request_nl(k, msg));
	rtnl_neigh_put(object);
	return neighbour_fail(k, err, neighbour, " delete");
}

bool kernel_neighbour_ours(const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NDA_MAX + 1];

	kernel_attrs(nlh, sizeof(struct ndmsg), tb, NDA_MAX);
	return tb[NDA_PROTOCOL] && mnl_attr_get_u8(tb[NDA_PROTOCOL]) == KERNEL_PROTOCOL;
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
