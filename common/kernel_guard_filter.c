/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filters that have a device's packets go through the guard's programs: tc's bpf classifier in
 * direct-action mode, one on the way in and one on the way out, on the device's clsact.
 *
 * Priority and handle are fixed, so that a new program replaces the one before in one exchange of
 * pointers: no packet passes between them.
 */
#include "kernel_guard_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <string.h>

#define PRIORITY 83 /* ours; satellites' filters have lower ones (sat-forwarder/) */
#define HANDLE	 1

static const char filter_name[] = "sno-guard";

static uint32_t parent_of(bool ingress)
{
	return TC_H_MAKE(TC_H_CLSACT, ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

static struct tcmsg *filter_message(struct kernel *k, struct nlmsghdr **nlh, uint16_t type,
				    uint16_t flags, unsigned int ifindex, bool ingress)
{
	struct tcmsg *tcm;

	*nlh = kernel_message(k, type, flags, sizeof(*tcm));
	tcm = mnl_nlmsg_get_payload(*nlh);
	tcm->tcm_ifindex = (int)ifindex;
	tcm->tcm_parent = parent_of(ingress);
	return tcm;
}

int kernel_guard_filter_set(struct kernel *k, unsigned int ifindex, bool ingress, int program)
{
	struct nlattr *options;
	struct nlmsghdr *nlh;
	struct tcmsg *tcm = filter_message(k, &nlh, RTM_NEWTFILTER, NLM_F_CREATE, ifindex, ingress);

	tcm->tcm_handle = HANDLE;
	tcm->tcm_info = TC_H_MAKE((uint32_t)PRIORITY << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(nlh, TCA_KIND, "bpf");
	options = mnl_attr_nest_start(nlh, TCA_OPTIONS);
	mnl_attr_put_u32(nlh, TCA_BPF_FD, (uint32_t)program);
	mnl_attr_put_strz(nlh, TCA_BPF_NAME, filter_name);
	mnl_attr_put_u32(nlh, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(nlh, options);
	return kernel_fail_link(k, kernel_request(k, nlh), ifindex, "guard's filter");
}

/* Keeps the id of our filter's program. */
static int filter_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct nlattr *tb[TCA_MAX + 1], *bpf[TCA_BPF_MAX + 1];
	uint32_t *id = item;

	(void)arg;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct tcmsg))
		return 0;
	kernel_attrs(nlh, sizeof(struct tcmsg), tb, TCA_MAX);
	if (strcmp(kernel_attr_str(tb[TCA_KIND]), "bpf") != 0 || !tb[TCA_OPTIONS])
		return 0;
	kernel_attrs_nested(tb[TCA_OPTIONS], bpf, TCA_BPF_MAX);
	if (!bpf[TCA_BPF_NAME] || !bpf[TCA_BPF_ID] ||
	    strcmp(kernel_attr_str(bpf[TCA_BPF_NAME]), filter_name) != 0)
		return 0;
	*id = kernel_attr_u32(bpf[TCA_BPF_ID]);
	return 1;
}

uint32_t kernel_guard_filter_program(struct kernel *k, unsigned int ifindex, bool ingress)
{
	struct kernel_list list = {.size = sizeof(uint32_t)};
	struct nlmsghdr *nlh;
	uint32_t id = 0;

	filter_message(k, &nlh, RTM_GETTFILTER, 0, ifindex, ingress);
	/* Without a clsact the question is called wrong: there is none then. */
	if (kernel_dump(k, nlh, filter_parse, NULL, &list) == 0 && list.count > 0)
		id = *(const uint32_t *)(const void *)list.items;
	kernel_list_free(&list);
	return id;
}

static int filter_remove(struct kernel *k, unsigned int ifindex, bool ingress)
{
	struct nlmsghdr *nlh;
	struct tcmsg *tcm;

	if (!kernel_guard_filter_program(k, ifindex, ingress))
		return 0;
	tcm = filter_message(k, &nlh, RTM_DELTFILTER, 0, ifindex, ingress);
	tcm->tcm_handle = HANDLE;
	tcm->tcm_info = TC_H_MAKE((uint32_t)PRIORITY << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(nlh, TCA_KIND, "bpf");
	return kernel_fail_link(k, kernel_gone(kernel_request(k, nlh)), ifindex,
				"guard's filter delete");
}

int kernel_guard_detach(struct kernel *k, unsigned int ifindex)
{
	int in = filter_remove(k, ifindex, true), out = filter_remove(k, ifindex, false);

	return in < 0 ? in : out;
}
