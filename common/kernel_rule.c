/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routing policy rules: what came in on the access side from a home prefix is looked up in the
 * table of its home core, and own tunnel packets in one that has no way for what must be protected.
 */
#include "kernel_internal.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <netlink/addr.h>
#include <netlink/route/rule.h>
#include <stdio.h>
#include <string.h>

static int rule_fail(struct kernel *k, int err, const struct kernel_rule *rule, const char *verb)
{
	char from[PREFIX_TEXT], to[PREFIX_TEXT];

	return kernel_fail(k, err, "rule %u iif %s from %s to %s proto %u port %u table %u%s",
			   rule->priority, rule->iif[0] ? rule->iif : "any",
			   prefix_format(&rule->from, from), prefix_format(&rule->to, to),
			   rule->proto, rule->dport, rule->table, verb);
}

static int rule_prefix_set(struct rtnl_rule *object, const struct prefix *p,
			   int (*set)(struct rtnl_rule *, struct nl_addr *))
{
	struct nl_addr *n;
	int err;

	if (prefix_none(p))
		return 0;
	n = kernel_nl_addr(&p->addr, p->length);
	err = n ? set(object, n) : -1;
	nl_addr_put(n);
	return err;
}

static struct rtnl_rule *rule_object(const struct kernel_rule *rule)
{
	struct rtnl_rule *object = rtnl_rule_alloc();

	if (!object)
		return NULL;
	rtnl_rule_set_family(object, rule->family);
	rtnl_rule_set_prio(object, rule->priority);
	rtnl_rule_set_table(object, rule->table);
	rtnl_rule_set_action(object, FR_ACT_TO_TBL);
	if (rtnl_rule_set_protocol(object, KERNEL_PROTOCOL) == 0 &&
	    rule_prefix_set(object, &rule->from, rtnl_rule_set_src) == 0 &&
	    rule_prefix_set(object, &rule->to, rtnl_rule_set_dst) == 0 &&
	    (!rule->iif[0] || rtnl_rule_set_iif(object, rule->iif) == 0) &&
	    (!rule->proto || rtnl_rule_set_ipproto(object, rule->proto) == 0) &&
	    (!rule->dport || rtnl_rule_set_dport(object, rule->dport) == 0))
		return object;
	rtnl_rule_put(object);
	return NULL;
}

int kernel_rule_add(struct kernel *k, const struct kernel_rule *rule)
{
	struct rtnl_rule *object = rule_object(rule);
	struct nl_msg *msg = NULL;
	int err = -ENOMEM;

	k->reason[0] = '\0';
	if (!rule->table) {
		rtnl_rule_put(object);
		return kernel_refuse(k, -EINVAL, "table 0 would be the kernel's choice", "rule %u",
				     rule->priority);
	}
	if (object && rtnl_rule_build_add_request(object, NLM_F_CREATE | NLM_F_EXCL, &msg) == 0)
		err = kernel_request_nl(k, msg);
	rtnl_rule_put(object);
	return rule_fail(k, err == -EEXIST ? 0 : err, rule, "");
}

/*
 * Removes one rule that the kernel finds to agree. To the kernel a field that the request leaves
 * out agrees with anything, so the caller has made sure that there is no such other rule.
 */
static int rule_remove(struct kernel *k, const struct kernel_rule *rule)
{
	struct rtnl_rule *object = rule_object(rule);
	struct nl_msg *msg = NULL;
	int err = -ENOMEM;

	k->reason[0] = '\0';
	if (object && rtnl_rule_build_delete_request(object, 0, &msg) == 0)
		err = kernel_gone(kernel_request_nl(k, msg));
	rtnl_rule_put(object);
	return rule_fail(k, err, rule, " delete");
}

/* Keeps rules of ours that send to a table. */
static int rule_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[FRA_MAX + 1];
	struct fib_rule_port_range ports;
	struct kernel_rule *rule = item;
	size_t bits;

	(void)arg;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*frh))
		return 0;
	bits = 8 * addr_length(frh->family);
	kernel_attrs(nlh, sizeof(*frh), tb, FRA_MAX);
	if (bits == 0 || frh->src_len > bits || frh->dst_len > bits ||
	    frh->action != FR_ACT_TO_TBL || kernel_attr_u8(tb[FRA_PROTOCOL]) != KERNEL_PROTOCOL)
		return 0;
	rule->family = frh->family;
	rule->priority = kernel_attr_u32(tb[FRA_PRIORITY]);
	rule->table = tb[FRA_TABLE] ? kernel_attr_u32(tb[FRA_TABLE]) : frh->table;
	snprintf(rule->iif, sizeof(rule->iif), "%s", kernel_attr_str(tb[FRA_IIFNAME]));
	if (kernel_attr_addr(tb[FRA_SRC], frh->family, &rule->from.addr))
		rule->from.length = frh->src_len;
	if (kernel_attr_addr(tb[FRA_DST], frh->family, &rule->to.addr))
		rule->to.length = frh->dst_len;
	rule->proto = kernel_attr_u8(tb[FRA_IP_PROTO]);
	if (tb[FRA_DPORT_RANGE] && mnl_attr_get_payload_len(tb[FRA_DPORT_RANGE]) == sizeof(ports)) {
		memcpy(&ports, mnl_attr_get_payload(tb[FRA_DPORT_RANGE]), sizeof(ports));
		rule->dport = ports.start;
	}
	return 1;
}

static int rule_list(struct kernel *k, sa_family_t family, struct kernel_list *list)
{
	struct nlmsghdr *nlh = kernel_message(k, RTM_GETRULE, 0, sizeof(struct fib_rule_hdr));
	struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);

	frh->family = (uint8_t)family;
	return kernel_fail(k, kernel_dump(k, nlh, rule_parse, NULL, list), "list of rules");
}

static bool rule_equal(const struct kernel_rule *a, const struct kernel_rule *b)
{
	return a->family == b->family && a->priority == b->priority && a->table == b->table &&
	       strcmp(a->iif, b->iif) == 0 && prefix_equal(&a->from, &b->from) &&
	       prefix_equal(&a->to, &b->to) && a->proto == b->proto && a->dport == b->dport;
}

/* Would the kernel take `rule` for the one meant by the request? */
static bool rule_agrees(const struct kernel_rule *request, const struct kernel_rule *rule)
{
	return request->priority == rule->priority && request->table == rule->table &&
	       (!request->iif[0] || strcmp(request->iif, rule->iif) == 0) &&
	       (prefix_none(&request->from) || prefix_equal(&request->from, &rule->from)) &&
	       (prefix_none(&request->to) || prefix_equal(&request->to, &rule->to)) &&
	       (!request->proto || request->proto == rule->proto) &&
	       (!request->dport || request->dport == rule->dport);
}

/*
 * Deletes exactly this rule, or none: a request with a field left out could hit a narrower rule of
 * the same priority and table, which no set of rules of ours has.
 */
int kernel_rule_delete(struct kernel *k, const struct kernel_rule *rule)
{
	struct kernel_list list = {.size = sizeof(struct kernel_rule)};
	const struct kernel_rule *r;
	bool found = false, other = false;
	int err;

	if (rule->iif[0] && !prefix_none(&rule->from) && !prefix_none(&rule->to) && rule->proto &&
	    rule->dport)
		return rule_remove(k, rule);
	err = rule_list(k, rule->family, &list);
	for (size_t i = 0; !err && i < list.count; i++) {
		r = (struct kernel_rule *)list.items + i;
		found |= rule_equal(rule, r);
		other |= !rule_equal(rule, r) && rule_agrees(rule, r);
	}
	if (!err && found && other)
		err = kernel_refuse(k, -ENOTUNIQ, "a narrower rule has the same priority and table",
				    "rule %u table %u delete", rule->priority, rule->table);
	if (!err && found)
		err = rule_remove(k, rule);
	kernel_list_free(&list);
	return err;
}

int kernel_rule_each(struct kernel *k, kernel_rule_fn each, void *arg)
{
	struct kernel_list list = {.size = sizeof(struct kernel_rule)};
	size_t i;
	int err;

	err = rule_list(k, AF_INET, &list);
	if (!err)
		err = rule_list(k, AF_INET6, &list);
	for (i = 0; !err && i < list.count; i++)
		err = each((struct kernel_rule *)list.items + i, arg);
	kernel_list_free(&list);
	return err;
}
