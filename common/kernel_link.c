/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links: finding them and setting what every link has (state, MTU, address, promiscuity, master).
 *
 * Making devices is left to the files of their kinds: kernel_bridge.c and kernel_tunnel.c.
 */
#include "kernel_internal.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <netlink/addr.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <string.h>

/* The attribute by which each kind says that its devices collect metadata. */
static const struct external_kind {
	const char *kind;
	uint16_t attribute;
	bool number; /* u8, 0 or 1; otherwise a flag that is there or not */
} external_kinds[] = {
	{"gre", IFLA_GRE_COLLECT_METADATA, false},
	{"gretap", IFLA_GRE_COLLECT_METADATA, false},
	{"ip6gre", IFLA_GRE_COLLECT_METADATA, false},
	{"ip6gretap", IFLA_GRE_COLLECT_METADATA, false},
	{"ipip", IFLA_IPTUN_COLLECT_METADATA, false},
	{"ip6tnl", IFLA_IPTUN_COLLECT_METADATA, false},
	{"vxlan", IFLA_VXLAN_COLLECT_METADATA, true},
};

static bool link_external(const char *kind, const struct nlattr *data)
{
	const struct nlattr *tb[64];
	const struct external_kind *e;

	kernel_attrs_nested(data, tb, 63);
	for (e = external_kinds; e < external_kinds + MNL_ARRAY_SIZE(external_kinds); e++) {
		if (strcmp(kind, e->kind) != 0)
			continue;
		if (!tb[e->attribute])
			return false;
		return !e->number || kernel_attr_u8(tb[e->attribute]);
	}
	return false;
}

static void link_info_parse(struct kernel_link *link, const struct nlattr *info)
{
	const struct nlattr *tb[IFLA_INFO_MAX + 1];

	kernel_attrs_nested(info, tb, IFLA_INFO_MAX);
	if (!tb[IFLA_INFO_KIND])
		return;
	snprintf(link->kind, sizeof(link->kind), "%s", kernel_attr_str(tb[IFLA_INFO_KIND]));
	link->external = link_external(link->kind, tb[IFLA_INFO_DATA]);
}

int kernel_link_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct nlattr *tb[IFLA_MAX + 1];
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct kernel_link *link = item;

	(void)arg;
	/* AF_BRIDGE messages tell of bridge ports, not of links. */
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi) || ifi->ifi_family != AF_UNSPEC)
		return 0;
	kernel_attrs(nlh, sizeof(*ifi), tb, IFLA_MAX);
	if (!tb[IFLA_IFNAME])
		return 0;
	link->ifindex = (unsigned int)ifi->ifi_index;
	link->up = ifi->ifi_flags & IFF_UP;
	/* A carrier that has just come is in the flags before the kernel's link watch has put
	 * the queue into service, which sets the other one. */
	link->carrier = ifi->ifi_flags & IFF_LOWER_UP && ifi->ifi_flags & IFF_RUNNING;
	link->loopback = ifi->ifi_flags & IFF_LOOPBACK;
	link->promiscuous = ifi->ifi_flags & IFF_PROMISC;
	snprintf(link->name, sizeof(link->name), "%s", kernel_attr_str(tb[IFLA_IFNAME]));
	link->master = kernel_attr_u32(tb[IFLA_MASTER]);
	link->mtu = kernel_attr_u32(tb[IFLA_MTU]);
	if (tb[IFLA_ADDRESS] && ifi->ifi_type == ARPHRD_ETHER &&
	    mnl_attr_get_payload_len(tb[IFLA_ADDRESS]) == sizeof(link->mac.bytes))
		memcpy(link->mac.bytes, mnl_attr_get_payload(tb[IFLA_ADDRESS]),
		       sizeof(link->mac.bytes));
	if (tb[IFLA_LINKINFO])
		link_info_parse(link, tb[IFLA_LINKINFO]);
	return 1;
}

static struct nlmsghdr *link_question(struct kernel *k)
{
	return kernel_message(k, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
}

int kernel_link_find(struct kernel *k, const char *name, struct kernel_link *link)
{
	struct nlmsghdr *nlh = link_question(k);
	int err = -ENODEV;

	memset(link, 0, sizeof(*link));
	k->reason[0] = '\0';
	if (name[0] && strlen(name) < IFNAMSIZ) {
		mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
		err = kernel_query(k, nlh, kernel_link_parse, link, NULL);
	}
	return kernel_fail(k, err, "interface %s", name);
}

int kernel_link_get(struct kernel *k, unsigned int ifindex, struct kernel_link *link)
{
	struct nlmsghdr *nlh = link_question(k);
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	int err;

	memset(link, 0, sizeof(*link));
	k->reason[0] = '\0';
	ifi->ifi_index = (int)ifindex;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	err = ifindex ? kernel_query(k, nlh, kernel_link_parse, link, NULL) : -ENODEV;
	return kernel_fail(k, err, "interface %u", ifindex);
}

int kernel_link_list(struct kernel *k, struct kernel_list *list)
{
	struct nlmsghdr *nlh = link_question(k);

	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return kernel_fail(k, kernel_dump(k, nlh, kernel_link_parse, NULL, list),
			   "list of interfaces");
}

int kernel_link_each(struct kernel *k, kernel_link_fn each, void *arg)
{
	struct kernel_list list = {.size = sizeof(struct kernel_link)};
	int err = kernel_link_list(k, &list);
	size_t i;

	for (i = 0; !err && i < list.count; i++)
		err = each((struct kernel_link *)list.items + i, arg);
	kernel_list_free(&list);
	return err;
}

/* Sends the changes of one link, and frees their object. */
static int link_change(struct kernel *k, unsigned int ifindex, struct rtnl_link *changes)
{
	struct rtnl_link *link = rtnl_link_alloc();
	struct nl_msg *msg = NULL;
	int err = -ENOMEM;

	k->reason[0] = '\0';
	if (link && changes) {
		rtnl_link_set_ifindex(link, (int)ifindex);
		if (rtnl_link_build_change_request(link, changes, 0, &msg) == 0)
			err = kernel_request_nl(k, msg);
	}
	rtnl_link_put(link);
	rtnl_link_put(changes);
	return err;
}

static int link_flag(struct kernel *k, unsigned int ifindex, unsigned int flag, bool on)
{
	struct rtnl_link *changes = rtnl_link_alloc();

	if (changes && on)
		rtnl_link_set_flags(changes, flag);
	else if (changes)
		rtnl_link_unset_flags(changes, flag);
	return link_change(k, ifindex, changes);
}

int kernel_link_set_up(struct kernel *k, unsigned int ifindex, bool up)
{
	return kernel_fail_link(k, link_flag(k, ifindex, IFF_UP, up), ifindex, "%s",
				up ? "up" : "down");
}

int kernel_link_set_promisc(struct kernel *k, unsigned int ifindex, bool promisc)
{
	return kernel_fail_link(k, link_flag(k, ifindex, IFF_PROMISC, promisc), ifindex,
				"promisc %s", promisc ? "on" : "off");
}

int kernel_link_set_mtu(struct kernel *k, unsigned int ifindex, unsigned int mtu)
{
	struct rtnl_link *changes = rtnl_link_alloc();

	if (changes)
		rtnl_link_set_mtu(changes, mtu);
	return kernel_fail_link(k, link_change(k, ifindex, changes), ifindex, "mtu %u", mtu);
}

int kernel_link_set_mac(struct kernel *k, unsigned int ifindex, const struct lladdr *mac)
{
	struct rtnl_link *changes = rtnl_link_alloc();
	struct nl_addr *address = nl_addr_build(AF_LLC, mac->bytes, sizeof(mac->bytes));
	char text[LLADDR_TEXT];

	if (changes && address) {
		rtnl_link_set_addr(changes, address);
	} else {
		rtnl_link_put(changes);
		changes = NULL;
	}
	nl_addr_put(address);
	return kernel_fail_link(k, link_change(k, ifindex, changes), ifindex, "address %s",
				lladdr_format(mac, text));
}

int kernel_link_set_master(struct kernel *k, unsigned int ifindex, unsigned int master)
{
	struct rtnl_link *changes = rtnl_link_alloc();

	if (changes)
		rtnl_link_set_master(changes, (int)master);
	return kernel_fail_link(k, link_change(k, ifindex, changes), ifindex, "master %u", master);
}

int kernel_link_delete(struct kernel *k, unsigned int ifindex)
{
	struct rtnl_link *link = rtnl_link_alloc();
	struct nl_msg *msg = NULL;
	int err = -ENOMEM;

	k->reason[0] = '\0';
	if (link) {
		rtnl_link_set_ifindex(link, (int)ifindex);
		if (rtnl_link_build_delete_request(link, &msg) == 0)
			err = kernel_gone(kernel_request_nl(k, msg));
	}
	rtnl_link_put(link);
	return kernel_fail_link(k, err, ifindex, "delete");
}
