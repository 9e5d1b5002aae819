/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes as netlink messages, there and back.
 *
 * libnl-route 3.7 has no LWTUNNEL_ENCAP_IP, so the message is put together here, straight into the
 * caller's buffer: a batch has hundreds of them side by side.
 */
#include "kernel_internal.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/lwtunnel.h>
#include <stdio.h>
#include <string.h>

/* Bits of LWTUNNEL_IP_FLAGS, which no exported header names (include/net/ip_tunnels.h). */
#define TUNNEL_KEY  0x0004
#define TUNNEL_DF   0x0100
#define LOOPBACK    1  /* index of lo in every namespace */
#define DEFAULT_TTL 64 /* an explicit one, or the inner one would be inherited */

/* Where IPv4 and IPv6 encapsulation have the same attribute, their numbers agree. */
_Static_assert((int)LWTUNNEL_IP_ID == (int)LWTUNNEL_IP6_ID, "tunnel attributes");
_Static_assert((int)LWTUNNEL_IP_DST == (int)LWTUNNEL_IP6_DST, "tunnel attributes");
_Static_assert((int)LWTUNNEL_IP_SRC == (int)LWTUNNEL_IP6_SRC, "tunnel attributes");
_Static_assert((int)LWTUNNEL_IP_TTL == (int)LWTUNNEL_IP6_HOPLIMIT, "tunnel attributes");
_Static_assert((int)LWTUNNEL_IP_TOS == (int)LWTUNNEL_IP6_TC, "tunnel attributes");
_Static_assert((int)LWTUNNEL_IP_FLAGS == (int)LWTUNNEL_IP6_FLAGS, "tunnel attributes");

static uint32_t route_table(const struct kernel_route *r)
{
	if (r->table)
		return r->table;
	return r->type == KERNEL_ROUTE_LOCAL ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
}

/* Refuses what the kernel would understand otherwise than it is meant. NULL when all is well. */
static const char *route_fault(const struct kernel_route *r)
{
	sa_family_t family = r->dst.addr.family;

	if ((family != AF_INET && family != AF_INET6) || r->dst.length > addr_bits(family))
		return "the destination is no IPv4 or IPv6 prefix";
	if (r->gateway.family == AF_INET && family == AF_INET6)
		return "an IPv6 route cannot have an IPv4 gateway";
	if (!addr_none(&r->prefsrc) && r->prefsrc.family != family)
		return "the preferred source is of another family";
	if (!addr_none(&r->encap.dst) && r->encap.src.family != r->encap.dst.family)
		return "both tunnel ends must be of one family";
	if (!addr_none(&r->encap.dst) && !r->oif)
		return "an encapsulating route needs its tunnel device";
	return NULL;
}

static void put_encap(struct nlmsghdr *nlh, const struct kernel_encap *e)
{
	uint16_t flags = (e->key ? TUNNEL_KEY : 0) | (e->df ? TUNNEL_DF : 0);
	struct nlattr *nest;

	mnl_attr_put_u16(nlh, RTA_ENCAP_TYPE,
			 e->dst.family == AF_INET ? LWTUNNEL_ENCAP_IP : LWTUNNEL_ENCAP_IP6);
	nest = mnl_attr_nest_start(nlh, RTA_ENCAP);
	mnl_attr_put_u64(nlh, LWTUNNEL_IP_ID, htobe64(e->key));
	kernel_put_addr(nlh, LWTUNNEL_IP_DST, &e->dst);
	kernel_put_addr(nlh, LWTUNNEL_IP_SRC, &e->src);
	mnl_attr_put_u8(nlh, LWTUNNEL_IP_TTL, e->ttl ? e->ttl : DEFAULT_TTL);
	if (e->tos)
		mnl_attr_put_u8(nlh, LWTUNNEL_IP_TOS, e->tos);
	if (flags)
		mnl_attr_put_u16(nlh, LWTUNNEL_IP_FLAGS, htons(flags));
	mnl_attr_nest_end(nlh, nest);
}

static void put_gateway(struct nlmsghdr *nlh, const struct kernel_route *r)
{
	struct {
		uint16_t family;
		uint8_t bytes[16];
	} via = {.family = r->gateway.family};

	if (r->gateway.family == r->dst.addr.family) {
		kernel_put_addr(nlh, RTA_GATEWAY, &r->gateway);
		return;
	}
	memcpy(via.bytes, r->gateway.bytes, addr_length(r->gateway.family));
	mnl_attr_put(nlh, RTA_VIA, sizeof(via.family) + addr_length(r->gateway.family), &via);
}

static void put_metrics(struct nlmsghdr *nlh, const struct kernel_route *r)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, RTA_METRICS);

	if (r->mtu_lock)
		mnl_attr_put_u32(nlh, RTAX_LOCK, 1U << RTAX_MTU);
	mnl_attr_put_u32(nlh, RTAX_MTU, r->mtu);
	mnl_attr_nest_end(nlh, nest);
}

/* What only a new route needs. A delete names the key alone. */
static void put_path(struct nlmsghdr *nlh, const struct kernel_route *r)
{
	static const uint8_t types[] = {
		[KERNEL_ROUTE_UNICAST] = RTN_UNICAST,
		[KERNEL_ROUTE_LOCAL] = RTN_LOCAL,
		[KERNEL_ROUTE_BLACKHOLE] = RTN_BLACKHOLE,
		[KERNEL_ROUTE_UNREACHABLE] = RTN_UNREACHABLE,
	};
	unsigned int oif = r->oif ? r->oif : r->type == KERNEL_ROUTE_LOCAL ? LOOPBACK : 0;
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

	rtm->rtm_type = types[r->type];
	rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	if (r->dst.addr.family == AF_INET && r->type == KERNEL_ROUTE_LOCAL)
		rtm->rtm_scope = RT_SCOPE_HOST;
	else if (r->dst.addr.family == AF_INET && r->type == KERNEL_ROUTE_UNICAST &&
		 addr_none(&r->gateway))
		rtm->rtm_scope = RT_SCOPE_LINK;
	if (r->onlink)
		rtm->rtm_flags |= RTNH_F_ONLINK;
	if (oif)
		mnl_attr_put_u32(nlh, RTA_OIF, oif);
	if (!addr_none(&r->gateway))
		put_gateway(nlh, r);
	if (!addr_none(&r->prefsrc))
		kernel_put_addr(nlh, RTA_PREFSRC, &r->prefsrc);
	if (!addr_none(&r->encap.dst))
		put_encap(nlh, &r->encap);
	if (r->mtu)
		put_metrics(nlh, r);
}

int kernel_route_put(struct kernel *k, void *buffer, const struct kernel_route *r, bool remove,
		     struct nlmsghdr **result)
{
	uint32_t metric = r->metric, table = route_table(r);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	const char *fault = route_fault(r);
	struct rtmsg *rtm;

	*result = nlh;
	if (fault) {
		snprintf(k->reason, sizeof(k->reason), "%s", fault);
		return -EINVAL;
	}
	if (!metric && r->dst.addr.family == AF_INET6)
		metric = 1024; /* what the kernel would choose; a delete without it hits any */
	nlh->nlmsg_type = remove ? RTM_DELROUTE : RTM_NEWROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | (remove ? 0 : NLM_F_CREATE | NLM_F_REPLACE);
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = (uint8_t)r->dst.addr.family;
	rtm->rtm_dst_len = r->dst.length;
	rtm->rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC;
	rtm->rtm_protocol = KERNEL_PROTOCOL;
	rtm->rtm_scope = RT_SCOPE_NOWHERE; /* in a delete: any */
	rtm->rtm_type = RTN_UNSPEC;
	kernel_put_addr(nlh, RTA_DST, &r->dst.addr);
	mnl_attr_put_u32(nlh, RTA_TABLE, table);
	if (metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, metric);
	if (!remove)
		put_path(nlh, r);
	return 0;
}

/* ---- and back ------------------------------------------------------------------------------ */

static void parse_encap(struct kernel_encap *e, uint16_t type, const struct nlattr *nest)
{
	sa_family_t family = type == LWTUNNEL_ENCAP_IP ? AF_INET : AF_INET6;
	const struct nlattr *tb[LWTUNNEL_IP_MAX + 1];
	uint16_t flags = 0;

	if (type != LWTUNNEL_ENCAP_IP && type != LWTUNNEL_ENCAP_IP6)
		return;
	kernel_attrs_nested(nest, tb, LWTUNNEL_IP_MAX);
	kernel_attr_addr(tb[LWTUNNEL_IP_DST], family, &e->dst);
	kernel_attr_addr(tb[LWTUNNEL_IP_SRC], family, &e->src);
	flags = ntohs(kernel_attr_u16(tb[LWTUNNEL_IP_FLAGS]));
	if (tb[LWTUNNEL_IP_ID] && flags & TUNNEL_KEY)
		e->key = (uint32_t)be64toh(kernel_attr_u64(tb[LWTUNNEL_IP_ID]));
	e->ttl = kernel_attr_u8(tb[LWTUNNEL_IP_TTL]);
	e->tos = kernel_attr_u8(tb[LWTUNNEL_IP_TOS]);
	e->df = flags & TUNNEL_DF;
}

static void parse_via(struct addr *gateway, const struct nlattr *attr)
{
	size_t length = mnl_attr_get_payload_len(attr);
	const uint8_t *via = mnl_attr_get_payload(attr);
	uint16_t family;

	if (length < sizeof(family))
		return;
	memcpy(&family, via, sizeof(family));
	if (addr_length(family) == 0 || length != sizeof(family) + addr_length(family))
		return;
	gateway->family = family;
	memcpy(gateway->bytes, via + sizeof(family), addr_length(family));
}

static void parse_metrics(struct kernel_route *r, const struct nlattr *nest)
{
	const struct nlattr *tb[RTAX_MAX + 1];

	kernel_attrs_nested(nest, tb, RTAX_MAX);
	r->mtu = kernel_attr_u32(tb[RTAX_MTU]);
	r->mtu_lock = kernel_attr_u32(tb[RTAX_LOCK]) & (1U << RTAX_MTU);
}

static int parse_type(struct kernel_route *r, uint8_t type)
{
	switch (type) {
	case RTN_UNICAST:
		r->type = KERNEL_ROUTE_UNICAST;
		return 1;
	case RTN_LOCAL:
		r->type = KERNEL_ROUTE_LOCAL;
		return 1;
	case RTN_BLACKHOLE:
		r->type = KERNEL_ROUTE_BLACKHOLE;
		return 1;
	case RTN_UNREACHABLE:
		r->type = KERNEL_ROUTE_UNREACHABLE;
		return 1;
	default:
		return 0;
	}
}

int kernel_route_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_MAX + 1];
	struct kernel_route *r = item;

	(void)arg;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) || !addr_length(rtm->rtm_family) ||
	    rtm->rtm_dst_len > 8 * addr_length(rtm->rtm_family) || !parse_type(r, rtm->rtm_type))
		return 0;
	kernel_attrs(nlh, sizeof(*rtm), tb, RTA_MAX);
	if (!kernel_attr_addr(tb[RTA_DST], rtm->rtm_family, &r->dst.addr))
		r->dst.addr.family = rtm->rtm_family; /* a default route has none */
	r->dst.length = rtm->rtm_dst_len;
	r->protocol = rtm->rtm_protocol;
	r->onlink = rtm->rtm_flags & RTNH_F_ONLINK;
	r->table = tb[RTA_TABLE] ? kernel_attr_u32(tb[RTA_TABLE]) : rtm->rtm_table;
	r->metric = kernel_attr_u32(tb[RTA_PRIORITY]);
	r->oif = kernel_attr_u32(tb[RTA_OIF]);
	if (!kernel_attr_addr(tb[RTA_GATEWAY], rtm->rtm_family, &r->gateway) && tb[RTA_VIA])
		parse_via(&r->gateway, tb[RTA_VIA]);
	kernel_attr_addr(tb[RTA_PREFSRC], rtm->rtm_family, &r->prefsrc);
	if (tb[RTA_ENCAP_TYPE] && tb[RTA_ENCAP])
		parse_encap(&r->encap, kernel_attr_u16(tb[RTA_ENCAP_TYPE]), tb[RTA_ENCAP]);
	if (tb[RTA_METRICS])
		parse_metrics(r, tb[RTA_METRICS]);
	return 1;
}
