/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tunnel devices: one collect-metadata device per kind and namespace, and gretap feeders.
 *
 * A collect-metadata ("external") device has no ends of its own: the route that points into it says
 * where a packet goes (kernel_route.c), so that a million bindings need one device. The kernel
 * allows one such device per kind and namespace. Creating the first GRE or IP-in-IP device also
 * makes the kernel's fallback devices (gre0, tunl0 ...) appear, unless
 * net.core.fb_tunnels_only_for_init_net is 2.
 */
#include "kernel_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <stdio.h>
#include <string.h>

#define PROBE_DEVICE "sno-probe"

/* The kernel's name of each kind. */
static const char *const link_kinds[KERNEL_TUNNELS] = {
	[KERNEL_TUNNEL_NONE] = "",	 [KERNEL_TUNNEL_GRE] = "gre",
	[KERNEL_TUNNEL_GRE6] = "ip6gre", [KERNEL_TUNNEL_IPIP] = "ipip",
	[KERNEL_TUNNEL_GPE] = "vxlan",
};

static void tunnel_data(struct nlmsghdr *nlh, enum kernel_tunnel kind)
{
	switch (kind) {
	case KERNEL_TUNNEL_NONE:
		break;
	case KERNEL_TUNNEL_GRE:
	case KERNEL_TUNNEL_GRE6:
		mnl_attr_put(nlh, IFLA_GRE_COLLECT_METADATA, 0, NULL);
		break;
	case KERNEL_TUNNEL_IPIP:
		mnl_attr_put(nlh, IFLA_IPTUN_COLLECT_METADATA, 0, NULL);
		break;
	case KERNEL_TUNNEL_GPE:
		mnl_attr_put_u8(nlh, IFLA_VXLAN_COLLECT_METADATA, 1);
		mnl_attr_put_u8(nlh, IFLA_VXLAN_LEARNING, 0);
		mnl_attr_put_u16(nlh, IFLA_VXLAN_PORT, htons(KERNEL_GPE_PORT));
		/* Routers leave IPv6 UDP checksums of tunnels out (RFC 6935, RFC 6936). */
		mnl_attr_put_u8(nlh, IFLA_VXLAN_UDP_ZERO_CSUM6_TX, 1);
		mnl_attr_put_u8(nlh, IFLA_VXLAN_UDP_ZERO_CSUM6_RX, 1);
		mnl_attr_put(nlh, IFLA_VXLAN_GPE, 0, NULL);
		break;
	}
}

static int tunnel_create(struct kernel *k, enum kernel_tunnel kind, const char *name)
{
	struct nlmsghdr *nlh =
		kernel_message(k, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	struct nlattr *info, *data;
	int err;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, link_kinds[kind]);
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	tunnel_data(nlh, kind);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	err = kernel_request(k, nlh);
	/* Kernels say "unknown device type" as ENOTSUPP (524) in places. */
	return err == -EAFNOSUPPORT || err == -EPROTONOSUPPORT || err == -524 ? -EOPNOTSUPP : err;
}

/* ---- finding the external device of a kind ------------------------------------------------ */

struct tunnel_search {
	enum kernel_tunnel kind;
	struct kernel_link found; /* ifindex 0: none */
};

/* Is it one of vxlan's IP tunnels (gpe), and on our port? Other kinds have nothing more to tell. */
static int tunnel_gpe_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1], *data[IFLA_VXLAN_MAX + 1];
	bool *gpe = item;

	(void)arg;
	kernel_attrs(nlh, sizeof(struct ifinfomsg), tb, IFLA_MAX);
	kernel_attrs_nested(tb[IFLA_LINKINFO], info, IFLA_INFO_MAX);
	kernel_attrs_nested(info[IFLA_INFO_DATA], data, IFLA_VXLAN_MAX);
	*gpe = data[IFLA_VXLAN_GPE] && data[IFLA_VXLAN_PORT] &&
	       ntohs(kernel_attr_u16(data[IFLA_VXLAN_PORT])) == KERNEL_GPE_PORT;
	return 1;
}

/* 1 when the link is the external device of this kind, 0 when not, or -errno. */
static int tunnel_is(struct kernel *k, enum kernel_tunnel kind, const struct kernel_link *link)
{
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;
	bool gpe = false;
	int err;

	if (!link->external || strcmp(link->kind, link_kinds[kind]) != 0)
		return 0;
	if (kind != KERNEL_TUNNEL_GPE)
		return 1;
	nlh = kernel_message(k, RTM_GETLINK, 0, sizeof(*ifi));
	ifi = mnl_nlmsg_get_payload(nlh);
	ifi->ifi_index = (int)link->ifindex;
	err = kernel_query(k, nlh, tunnel_gpe_parse, &gpe, NULL);
	return err ? err : gpe;
}

/* The external device of this kind, whatever its name: *link, or ifindex 0 there. */
static int tunnel_find(struct kernel *k, enum kernel_tunnel kind, struct kernel_link *link)
{
	struct kernel_list list = {.size = sizeof(struct kernel_link)};
	int err = kernel_link_list(k, &list);
	size_t i;

	memset(link, 0, sizeof(*link));
	for (i = 0; !err && !link->ifindex && i < list.count; i++) {
		err = tunnel_is(k, kind, (struct kernel_link *)list.items + i);
		if (err == 1) {
			*link = ((struct kernel_link *)list.items)[i];
			err = 0;
		}
	}
	kernel_list_free(&list);
	return err;
}

/* ---- the collect-metadata devices --------------------------------------------------------- */

int kernel_tunnel_probe(struct kernel *k, enum kernel_tunnel kind)
{
	struct kernel_link link;
	int err;

	if (kind == KERNEL_TUNNEL_NONE)
		return 0;
	err = tunnel_create(k, kind, PROBE_DEVICE);
	if (!err) {
		err = kernel_link_find(k, PROBE_DEVICE, &link);
		return err ? err : kernel_link_delete(k, link.ifindex);
	}
	if (err == -EEXIST)
		return 0; /* one is there already */
	return kernel_fail(k, err, "tunnel kind %s", kernel_tunnel_text(kind));
}

/* Says why the kernel has refused a second device. */
static int tunnel_taken(struct kernel *k, enum kernel_tunnel kind)
{
	struct kernel_link other;
	char reason[KERNEL_REASON];

	if (tunnel_find(k, kind, &other) || !other.ifindex)
		snprintf(reason, sizeof(reason), "the kernel has another device like it");
	else
		snprintf(reason, sizeof(reason),
			 "%s is the external %s device of this namespace, and the kernel allows "
			 "one: rename it to %s or delete it",
			 other.name, link_kinds[kind], kernel_tunnel_device(kind));
	return kernel_refuse(k, -EEXIST, reason, "tunnel %s", kernel_tunnel_device(kind));
}

/* Finds our device or makes it; *made says which. */
static int tunnel_obtain(struct kernel *k, enum kernel_tunnel kind, struct kernel_link *link,
			 bool *made)
{
	const char *name = kernel_tunnel_device(kind);
	int err;

	err = kernel_link_find(k, name, link);
	if (err == -ENODEV) {
		err = tunnel_create(k, kind, name);
		if (err == -EEXIST)
			return tunnel_taken(k, kind);
		if (err)
			return kernel_fail(k, err, "tunnel %s", name);
		*made = true;
		return kernel_link_find(k, name, link);
	}
	if (err)
		return err;
	err = tunnel_is(k, kind, link);
	if (err < 0)
		return kernel_fail(k, err, "tunnel %s", name);
	if (!err)
		return kernel_refuse(k, -EEXIST,
				     "there is a device of this name that is no such tunnel: "
				     "rename or delete it",
				     "tunnel %s", name);
	return 0;
}

/* Takes back a device that was made and could not be used, and keeps the message that says why. */
static void tunnel_unmake(struct kernel *k, unsigned int ifindex)
{
	char error[KERNEL_ERROR_SIZE];

	memcpy(error, k->error, sizeof(error));
	kernel_link_delete(k, ifindex);
	memcpy(k->error, error, sizeof(error));
}

int kernel_tunnel_ensure(struct kernel *k, enum kernel_tunnel kind, unsigned int mtu,
			 unsigned int *ifindex)
{
	struct kernel_link link;
	bool made = false;
	int err;

	*ifindex = 0;
	if (kind == KERNEL_TUNNEL_NONE || kind >= KERNEL_TUNNELS)
		return kernel_refuse(k, -EINVAL, "there is no such kind", "tunnel %d", (int)kind);
	err = tunnel_obtain(k, kind, &link, &made);
	if (!err && mtu && link.mtu != mtu)
		err = kernel_link_set_mtu(k, link.ifindex, mtu);
	if (!err && !link.up)
		err = kernel_link_set_up(k, link.ifindex, true);
	if (err && made)
		tunnel_unmake(k, link.ifindex);
	/* vxlan devices that differ in a detail collide only when both want the UDP port. */
	if (err == -EADDRINUSE)
		return tunnel_taken(k, kind);
	if (!err)
		*ifindex = link.ifindex;
	return err;
}

/* ---- gretap -------------------------------------------------------------------------------- */

static void gretap_data(struct nlmsghdr *nlh, const struct kernel_gretap *g)
{
	bool v4 = g->local.family == AF_INET;

	kernel_put_addr(nlh, IFLA_GRE_LOCAL, &g->local);
	kernel_put_addr(nlh, IFLA_GRE_REMOTE, &g->remote);
	mnl_attr_put_u8(nlh, IFLA_GRE_TTL, 64);
	mnl_attr_put_u16(nlh, IFLA_GRE_IFLAGS, g->key ? htons(0x2000) : 0); /* GRE_KEY */
	mnl_attr_put_u16(nlh, IFLA_GRE_OFLAGS, g->key ? htons(0x2000) : 0);
	mnl_attr_put_u32(nlh, IFLA_GRE_IKEY, htonl(g->key));
	mnl_attr_put_u32(nlh, IFLA_GRE_OKEY, htonl(g->key));
	if (v4) {
		mnl_attr_put_u8(nlh, IFLA_GRE_PMTUDISC, 0);
		mnl_attr_put_u8(nlh, IFLA_GRE_IGNORE_DF, 1);
	} else {
		/* No tunnel encapsulation limit option (RFC 2473 section 4.1.1): 8 bytes less. */
		mnl_attr_put_u32(nlh, IFLA_GRE_FLAGS, 0x1 /* IP6_TNL_F_IGN_ENCAP_LIMIT */);
	}
}

static int gretap_request(struct kernel *k, const char *name, unsigned int ifindex,
			  const struct kernel_gretap *g)
{
	uint16_t flags = ifindex ? 0 : NLM_F_CREATE | NLM_F_EXCL;
	struct nlmsghdr *nlh = kernel_message(k, RTM_NEWLINK, flags, sizeof(struct ifinfomsg));
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct nlattr *info, *data;

	ifi->ifi_index = (int)ifindex;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	if (!ifindex)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_MTU, g->mtu ? g->mtu : ETH_DATA_LEN);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, g->local.family == AF_INET ? "gretap" : "ip6gretap");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	gretap_data(nlh, g);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return kernel_request(k, nlh);
}

int kernel_gretap_ensure(struct kernel *k, const char *name, const struct kernel_gretap *gretap,
			 unsigned int *ifindex)
{
	const char *kind = gretap->local.family == AF_INET ? "gretap" : "ip6gretap";
	struct kernel_link link;
	int err;

	*ifindex = 0;
	if (addr_none(&gretap->local) || gretap->local.family != gretap->remote.family)
		return kernel_refuse(k, -EINVAL, "both ends must be addresses of one family",
				     "gretap %s", name);
	err = kernel_link_find(k, name, &link);
	if (err && err != -ENODEV)
		return err;
	if (!err && (strcmp(link.kind, kind) != 0 || link.external))
		return kernel_refuse(k, -EEXIST, "there is a device of this name and another kind",
				     "gretap %s", name);
	err = gretap_request(k, name, link.ifindex, gretap);
	if (err)
		return kernel_fail(k, err, "gretap %s", name);
	err = kernel_link_find(k, name, &link);
	if (!err)
		*ifindex = link.ifindex;
	return err;
}
