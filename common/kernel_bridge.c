/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bridges, their ports and their forwarding database.
 *
 * The access side of a core is one bridge with a port per satellite: ports isolated from each
 * other, nothing learnt, nothing flooded, every terminal a static entry. libnl knows neither the
 * bridge's options nor the newer port flags, so the messages are put together here.
 */
#include "kernel_internal.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <string.h>

#define USER_HZ 100 /* unit of bridge times in netlink, whatever the kernel's HZ */

static bool lladdr_none(const struct lladdr *mac)
{
	static const struct lladdr none;

	return memcmp(mac, &none, sizeof(none)) == 0;
}

/* A message that makes the bridge, or changes it when it is there already; also sets it up. */
static struct nlmsghdr *bridge_message(struct kernel *k, const char *name,
				       const struct kernel_link *present,
				       const struct kernel_bridge *bridge)
{
	uint16_t flags = present->ifindex ? 0 : NLM_F_CREATE | NLM_F_EXCL;
	struct nlmsghdr *nlh = kernel_message(k, RTM_NEWLINK, flags, sizeof(struct ifinfomsg));
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct nlattr *info, *data;

	ifi->ifi_index = (int)present->ifindex;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	if (!present->ifindex)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	/* When an address is set, be it the same, the kernel forgets even permanent neighbours. */
	if (!lladdr_none(&bridge->mac) && !lladdr_equal(&bridge->mac, &present->mac))
		mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(bridge->mac.bytes), bridge->mac.bytes);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, IFLA_BR_AGEING_TIME, bridge->ageing * USER_HZ);
	mnl_attr_put_u32(nlh, IFLA_BR_STP_STATE, bridge->stp);
	mnl_attr_put_u8(nlh, IFLA_BR_MCAST_SNOOPING, bridge->mcast_snooping);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return nlh;
}

int kernel_bridge_ensure(struct kernel *k, const char *name, const struct kernel_bridge *bridge,
			 unsigned int *ifindex)
{
	struct kernel_link link;
	int err;

	err = kernel_link_find(k, name, &link);
	if (err && err != -ENODEV)
		return err;
	if (!err && strcmp(link.kind, "bridge") != 0)
		return kernel_refuse(k, -EEXIST, "there is a device of this name, not a bridge",
				     "bridge %s", name);
	err = kernel_request(k, bridge_message(k, name, &link, bridge));
	if (err)
		return kernel_fail(k, err, "bridge %s", name);
	err = kernel_link_find(k, name, &link);
	if (!err)
		*ifindex = link.ifindex;
	return err;
}

/* ---- ports ------------------------------------------------------------------------------ */

int kernel_bridge_port_set(struct kernel *k, unsigned int port,
			   const struct kernel_bridge_port *flags)
{
	struct nlmsghdr *nlh = kernel_message(k, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct nlattr *info, *data;

	ifi->ifi_index = (int)port;
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_SLAVE_KIND, "bridge");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(nlh, IFLA_BRPORT_ISOLATED, flags->isolated);
	mnl_attr_put_u8(nlh, IFLA_BRPORT_LEARNING, flags->learning);
	mnl_attr_put_u8(nlh, IFLA_BRPORT_UNICAST_FLOOD, flags->flood);
	mnl_attr_put_u8(nlh, IFLA_BRPORT_MCAST_FLOOD, flags->mcast_flood);
	mnl_attr_put_u8(nlh, IFLA_BRPORT_BCAST_FLOOD, flags->bcast_flood);
	mnl_attr_put_u8(nlh, IFLA_BRPORT_NEIGH_SUPPRESS, flags->neigh_suppress);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return kernel_fail_link(k, kernel_request(k, nlh), port, "bridge port flags");
}

static bool port_flag(const struct nlattr *attr)
{
	return kernel_attr_u8(attr);
}

static int port_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1], *port[IFLA_BRPORT_MAX + 1];
	struct kernel_bridge_port *flags = item;

	(void)arg;
	kernel_attrs(nlh, sizeof(struct ifinfomsg), tb, IFLA_MAX);
	kernel_attrs_nested(tb[IFLA_LINKINFO], info, IFLA_INFO_MAX);
	if (!info[IFLA_INFO_SLAVE_KIND] || !info[IFLA_INFO_SLAVE_DATA] ||
	    strcmp(kernel_attr_str(info[IFLA_INFO_SLAVE_KIND]), "bridge") != 0)
		return -ENODEV;
	kernel_attrs_nested(info[IFLA_INFO_SLAVE_DATA], port, IFLA_BRPORT_MAX);
	flags->isolated = port_flag(port[IFLA_BRPORT_ISOLATED]);
	flags->learning = port_flag(port[IFLA_BRPORT_LEARNING]);
	flags->flood = port_flag(port[IFLA_BRPORT_UNICAST_FLOOD]);
	flags->mcast_flood = port_flag(port[IFLA_BRPORT_MCAST_FLOOD]);
	flags->bcast_flood = port_flag(port[IFLA_BRPORT_BCAST_FLOOD]);
	flags->neigh_suppress = port_flag(port[IFLA_BRPORT_NEIGH_SUPPRESS]);
	return 1;
}

int kernel_bridge_port_get(struct kernel *k, unsigned int port, struct kernel_bridge_port *flags)
{
	struct nlmsghdr *nlh = kernel_message(k, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	int err;

	memset(flags, 0, sizeof(*flags));
	ifi->ifi_index = (int)port;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	err = kernel_query(k, nlh, port_parse, flags, NULL);
	return kernel_fail_link(k, err, port, "bridge port flags");
}

/* ---- forwarding database ---------------------------------------------------------------- */

struct nlmsghdr *kernel_fdb_put(void *buffer, const struct kernel_fdb *fdb, bool remove)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	nlh->nlmsg_type = remove ? RTM_DELNEIGH : RTM_NEWNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | (remove ? 0 : NLM_F_CREATE | NLM_F_REPLACE);
	ndm->ndm_family = AF_BRIDGE;
	ndm->ndm_ifindex = (int)fdb->port;
	ndm->ndm_flags = NTF_MASTER;
	ndm->ndm_state = NUD_NOARP; /* "static": does not age */
	mnl_attr_put(nlh, NDA_LLADDR, sizeof(fdb->mac.bytes), fdb->mac.bytes);
	return nlh;
}

int kernel_fdb_replace(struct kernel *k, const struct kernel_fdb *fdb)
{
	return kernel_change(k, &(struct kernel_change){.kind = KERNEL_CHANGE_FDB, .fdb = *fdb});
}

int kernel_fdb_delete(struct kernel *k, const struct kernel_fdb *fdb)
{
	return kernel_change(
		k, &(struct kernel_change){.kind = KERNEL_CHANGE_FDB, .remove = true, .fdb = *fdb});
}

static int fdb_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const unsigned int *bridge = arg;
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_MAX + 1];
	struct kernel_fdb *fdb = item;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ndm) || ndm->ndm_state != NUD_NOARP)
		return 0;
	kernel_attrs(nlh, sizeof(*ndm), tb, NDA_MAX);
	/* Kernels with VLAN filtering keep a copy for the port's default VLAN, and delete it with
	 * the entry. */
	if (tb[NDA_VLAN] || !tb[NDA_MASTER] || kernel_attr_u32(tb[NDA_MASTER]) != *bridge ||
	    !tb[NDA_LLADDR] || mnl_attr_get_payload_len(tb[NDA_LLADDR]) != sizeof(fdb->mac.bytes))
		return 0;
	fdb->port = (unsigned int)ndm->ndm_ifindex;
	memcpy(fdb->mac.bytes, mnl_attr_get_payload(tb[NDA_LLADDR]), sizeof(fdb->mac.bytes));
	return 1;
}

int kernel_fdb_each(struct kernel *k, unsigned int bridge, kernel_fdb_fn each, void *arg)
{
	struct nlmsghdr *nlh = kernel_message(k, RTM_GETNEIGH, 0, sizeof(struct ndmsg));
	struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct kernel_list list = {.size = sizeof(struct kernel_fdb)};
	size_t i;
	int err;

	ndm->ndm_family = AF_BRIDGE;
	mnl_attr_put_u32(nlh, NDA_MASTER, bridge);
	err = kernel_gone(kernel_dump(k, nlh, fdb_parse, &bridge, &list));
	kernel_fail_link(k, err, bridge, "list of bridge entries");
	for (i = 0; !err && i < list.count; i++)
		err = each((struct kernel_fdb *)list.items + i, arg);
	kernel_list_free(&list);
	return err;
}
