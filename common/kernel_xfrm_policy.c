/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPsec policies: which packets must be protected, and which are refused.
 *
 * A policy in the kernel has no owner, but its template has a reqid. So block policies get a
 * template too, which the kernel never uses, to carry our mark; without it a restarted daemon could
 * not tell its block policies from others'.
 */
#include "kernel_internal.h"
#include "kernel_xfrm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static int policy_fail(struct kernel *k, int err, const struct kernel_policy *p, const char *verb)
{
	char src[PREFIX_TEXT], dst[PREFIX_TEXT];

	return kernel_fail(k, err, "%s policy %s to %s proto %u%s%s",
			   p->direction == KERNEL_IN ? "in" : "out", prefix_format(&p->src, src),
			   prefix_format(&p->dst, dst), p->proto, p->block ? " block" : "", verb);
}

static int policy_direction(const struct kernel_policy *p)
{
	return p->direction == KERNEL_IN ? XFRM_POLICY_IN : XFRM_POLICY_OUT;
}

static void policy_selector(struct xfrm_selector *sel, const struct kernel_policy *p)
{
	memcpy(&sel->saddr, p->src.addr.bytes, addr_length(p->src.addr.family));
	memcpy(&sel->daddr, p->dst.addr.bytes, addr_length(p->dst.addr.family));
	sel->prefixlen_s = p->src.length;
	sel->prefixlen_d = p->dst.length;
	sel->family = p->dst.addr.family;
	sel->proto = p->proto;
	sel->sport = htons(p->sport);
	sel->sport_mask = p->sport ? 0xffff : 0;
	sel->dport = htons(p->dport);
	sel->dport_mask = p->dport ? 0xffff : 0;
}

static void policy_put_template(struct nlmsghdr *nlh, const struct kernel_policy *p)
{
	const struct addr *src = p->block ? &p->src.addr : &p->tunnel_src;
	const struct addr *dst = p->block ? &p->dst.addr : &p->tunnel_dst;
	struct xfrm_user_tmpl tmpl = {
		.id.proto = IPPROTO_ESP,
		.family = dst->family,
		.reqid = p->reqid,
		.mode = XFRM_MODE_TUNNEL,
		.optional = p->optional,
		.aalgos = ~0U,
		.ealgos = ~0U,
		.calgos = ~0U,
	};

	memcpy(&tmpl.saddr, src->bytes, addr_length(src->family));
	memcpy(&tmpl.id.daddr, dst->bytes, addr_length(dst->family));
	mnl_attr_put(nlh, XFRMA_TMPL, sizeof(tmpl), &tmpl);
}

static int policy_mixed(struct kernel *k)
{
	snprintf(k->reason, sizeof(k->reason), "both ends must be of one family, IPv4 or IPv6");
	return -EINVAL;
}

static int policy_request(struct kernel *k, uint16_t type, const struct kernel_policy *p)
{
	struct xfrm_userpolicy_info *info;
	struct nlmsghdr *nlh;

	k->reason[0] = '\0';
	if (!addr_length(p->dst.addr.family) || p->src.addr.family != p->dst.addr.family)
		return policy_mixed(k);
	if (!p->block &&
	    (!addr_length(p->tunnel_dst.family) || p->tunnel_src.family != p->tunnel_dst.family))
		return policy_mixed(k);
	nlh = kernel_message(k, type, NLM_F_CREATE | (type == XFRM_MSG_NEWPOLICY ? NLM_F_EXCL : 0),
			     sizeof(*info));
	info = mnl_nlmsg_get_payload(nlh);
	policy_selector(&info->sel, p);
	info->lft.soft_byte_limit = info->lft.hard_byte_limit = XFRM_INF;
	info->lft.soft_packet_limit = info->lft.hard_packet_limit = XFRM_INF;
	info->priority = p->priority;
	info->dir = (uint8_t)policy_direction(p);
	info->action = p->block ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
	policy_put_template(nlh, p);
	return kernel_xfrm_request(k, nlh);
}

int kernel_policy_add(struct kernel *k, const struct kernel_policy *policy)
{
	return policy_fail(k, policy_request(k, XFRM_MSG_NEWPOLICY, policy), policy, "");
}

int kernel_policy_update(struct kernel *k, const struct kernel_policy *policy)
{
	return policy_fail(k, policy_request(k, XFRM_MSG_UPDPOLICY, policy), policy, " update");
}

int kernel_policy_delete(struct kernel *k, const struct kernel_policy *policy)
{
	struct xfrm_userpolicy_id *id;
	struct nlmsghdr *nlh = kernel_message(k, XFRM_MSG_DELPOLICY, 0, sizeof(*id));

	id = mnl_nlmsg_get_payload(nlh);
	policy_selector(&id->sel, policy);
	id->dir = (uint8_t)policy_direction(policy);
	return policy_fail(k, kernel_gone(kernel_xfrm_request(k, nlh)), policy, " delete");
}

/* ---- listing -------------------------------------------------------------------------------- */

static int policy_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct nlattr *tb[XFRMA_MAX + 1];
	const struct kernel_reqids *range = arg;
	const struct xfrm_user_tmpl *tmpl;
	struct xfrm_userpolicy_info info; /* a copy: netlink aligns to 4 bytes only */
	struct kernel_policy *p = item;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(info))
		return 0;
	memcpy(&info, mnl_nlmsg_get_payload(nlh), sizeof(info));
	if (!addr_length(info.sel.family) ||
	    info.sel.prefixlen_s > 8 * addr_length(info.sel.family) ||
	    info.sel.prefixlen_d > 8 * addr_length(info.sel.family) ||
	    (info.dir != XFRM_POLICY_IN && info.dir != XFRM_POLICY_OUT))
		return 0;
	kernel_attrs(nlh, sizeof(info), tb, XFRMA_MAX);
	if (!tb[XFRMA_TMPL] || mnl_attr_get_payload_len(tb[XFRMA_TMPL]) < sizeof(*tmpl))
		return 0;
	tmpl = mnl_attr_get_payload(tb[XFRMA_TMPL]);
	if (tmpl->reqid < range->low || tmpl->reqid > range->high)
		return 0;
	p->direction = info.dir == XFRM_POLICY_IN ? KERNEL_IN : KERNEL_OUT;
	kernel_addr_from(&p->src.addr, info.sel.family, &info.sel.saddr);
	kernel_addr_from(&p->dst.addr, info.sel.family, &info.sel.daddr);
	p->src.length = info.sel.prefixlen_s;
	p->dst.length = info.sel.prefixlen_d;
	p->proto = info.sel.proto;
	p->sport = ntohs(info.sel.sport);
	p->dport = ntohs(info.sel.dport);
	p->priority = info.priority;
	p->block = info.action == XFRM_POLICY_BLOCK;
	p->optional = tmpl->optional;
	p->reqid = tmpl->reqid;
	if (!p->block && addr_length(tmpl->family)) {
		kernel_addr_from(&p->tunnel_src, tmpl->family, &tmpl->saddr);
		kernel_addr_from(&p->tunnel_dst, tmpl->family, &tmpl->id.daddr);
	}
	return 1;
}

int kernel_policy_each(struct kernel *k, uint32_t low, uint32_t high, kernel_policy_fn each,
		       void *arg)
{
	struct kernel_list list = {.size = sizeof(struct kernel_policy)};
	struct kernel_reqids range = {low, high};
	struct nlmsghdr *nlh = kernel_message(k, XFRM_MSG_GETPOLICY, 0, 0);
	size_t i;
	int err;

	err = kernel_xfrm_dump(k, nlh, policy_parse, &range, &list);
	kernel_fail(k, err, "list of policies");
	for (i = 0; !err && i < list.count; i++)
		err = each((struct kernel_policy *)list.items + i, arg);
	kernel_list_free(&list);
	return err;
}
