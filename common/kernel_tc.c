/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic control: clsact, shared redirect actions, filters that refer to them.
 *
 * A satellite forwards whatever enters a device to another one. Its filters refer to a mirred
 * action by index; replacing that action is one pointer exchange in the kernel, so no frame sees a
 * state in between. Filters are u32 without keys: they match every frame of every protocol, also
 * those too short for a key at offset 0, on kernels with and without matchall.
 */
#include "kernel_tc.h"
#include "kernel_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_mirred.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)

#define RELEASE_PAUSE_MS 5
#define RELEASE_ATTEMPTS 41

/* Marks our actions; at most 16 bytes (TC_COOKIE_MAX_SIZE). */
static const char cookie[] = "sno";

static struct tcmsg *tc_message(struct kernel *k, struct nlmsghdr **nlh, uint16_t type,
				uint16_t flags, unsigned int ifindex)
{
	struct tcmsg *tcm;

	*nlh = kernel_message(k, type, flags, sizeof(*tcm));
	tcm = mnl_nlmsg_get_payload(*nlh);
	tcm->tcm_ifindex = (int)ifindex;
	return tcm;
}

/* ---- queueing discipline ------------------------------------------------------------------ */

static int clsact_request(struct kernel *k, uint16_t type, uint16_t flags, unsigned int ifindex)
{
	struct nlmsghdr *nlh;
	struct tcmsg *tcm = tc_message(k, &nlh, type, flags, ifindex);

	tcm->tcm_parent = TC_H_CLSACT;
	tcm->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz(nlh, TCA_KIND, "clsact");
	return kernel_request(k, nlh);
}

/* Keeps the one queueing discipline at the clsact place of the device *arg, if it is clsact. */
static int clsact_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[TCA_MAX + 1];
	const unsigned int *ifindex = arg;

	(void)item;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*tcm) || tcm->tcm_parent != TC_H_CLSACT ||
	    (unsigned int)tcm->tcm_ifindex != *ifindex)
		return 0;
	kernel_attrs(nlh, sizeof(*tcm), tb, TCA_MAX);
	return strcmp(kernel_attr_str(tb[TCA_KIND]), "clsact") == 0;
}

/* 1 when the device has a clsact, 0 when not, or -errno. */
static int clsact_there(struct kernel *k, unsigned int ifindex)
{
	struct kernel_list list = {.size = 1};
	struct nlmsghdr *nlh;
	int err;

	tc_message(k, &nlh, RTM_GETQDISC, 0, ifindex);
	err = kernel_dump(k, nlh, clsact_parse, &ifindex, &list);
	if (!err)
		err = list.count > 0;
	kernel_list_free(&list);
	return err;
}

int kernel_tc_clsact_ensure(struct kernel *k, unsigned int ifindex)
{
	/* Without NLM_F_EXCL an equal one is left as it is, an ingress one is an error. */
	int err = clsact_request(k, RTM_NEWQDISC, NLM_F_CREATE, ifindex);

	return kernel_fail_link(k, err, ifindex, "clsact");
}

int kernel_tc_clsact_delete(struct kernel *k, unsigned int ifindex)
{
	int err = kernel_gone(clsact_request(k, RTM_DELQDISC, 0, ifindex));

	kernel_fail_link(k, err, ifindex, "clsact delete");
	if (err == -EINVAL && clsact_there(k, ifindex) == 0)
		return 0;
	return err;
}

/* ---- redirect actions ---------------------------------------------------------------------- */

int kernel_tc_redirect_replace(struct kernel *k, const struct kernel_redirect *redirect)
{
	struct tc_mirred parms = {
		.index = redirect->index,
		.action = TC_ACT_STOLEN,
		.eaction = TCA_EGRESS_REDIR,
		.ifindex = redirect->ifindex,
	};
	struct nlattr *actions, *action, *options;
	struct nlmsghdr *nlh;

	if (!redirect->index || !redirect->ifindex)
		return kernel_refuse(k, -EINVAL, "index and interface must not be 0",
				     "redirect action %u", redirect->index);
	nlh = kernel_message(k, RTM_NEWACTION, NLM_F_CREATE | NLM_F_REPLACE, sizeof(struct tcamsg));
	actions = mnl_attr_nest_start(nlh, TCA_ACT_TAB);
	action = mnl_attr_nest_start(nlh, 1);
	mnl_attr_put_strz(nlh, TCA_ACT_KIND, "mirred");
	mnl_attr_put(nlh, TCA_ACT_COOKIE, sizeof(cookie), cookie);
	options = mnl_attr_nest_start(nlh, TCA_ACT_OPTIONS);
	mnl_attr_put(nlh, TCA_MIRRED_PARMS, sizeof(parms), &parms);
	mnl_attr_nest_end(nlh, options);
	mnl_attr_nest_end(nlh, action);
	mnl_attr_nest_end(nlh, actions);
	return kernel_fail_link(k, kernel_request(k, nlh), redirect->ifindex, "redirect action %u",
				redirect->index);
}

static int redirect_delete(struct kernel *k, uint32_t index)
{
	struct nlmsghdr *nlh = kernel_message(k, RTM_DELACTION, 0, sizeof(struct tcamsg));
	struct nlattr *actions, *action;

	actions = mnl_attr_nest_start(nlh, TCA_ACT_TAB);
	action = mnl_attr_nest_start(nlh, 1);
	mnl_attr_put_strz(nlh, TCA_ACT_KIND, "mirred");
	mnl_attr_put_u32(nlh, TCA_ACT_INDEX, index);
	mnl_attr_nest_end(nlh, action);
	mnl_attr_nest_end(nlh, actions);
	return kernel_gone(kernel_request(k, nlh));
}

/*
 * u32 lets go of a deleted or changed filter's action only after an RCU grace period, until when
 * the action counts as in use.
 */
int kernel_tc_redirect_delete(struct kernel *k, const struct kernel_redirect *redirect)
{
	static const struct timespec pause = {.tv_nsec = RELEASE_PAUSE_MS * 1000000L};
	int attempt, err = -EPERM;

	for (attempt = 0; err == -EPERM && attempt < RELEASE_ATTEMPTS; attempt++) {
		if (attempt)
			nanosleep(&pause, NULL);
		err = redirect_delete(k, redirect->index);
	}
	return kernel_fail(k, err, "redirect action %u delete", redirect->index);
}

/* The parameters of a redirect action, NULL when the action is something else. */
static const struct tc_mirred *redirect_parms(const struct nlattr *const tb[])
{
	const struct nlattr *options[TCA_MIRRED_MAX + 1];
	const struct tc_mirred *parms;

	if (!tb[TCA_ACT_KIND] || !tb[TCA_ACT_OPTIONS] ||
	    strcmp(kernel_attr_str(tb[TCA_ACT_KIND]), "mirred") != 0)
		return NULL;
	kernel_attrs_nested(tb[TCA_ACT_OPTIONS], options, TCA_MIRRED_MAX);
	if (!options[TCA_MIRRED_PARMS] ||
	    mnl_attr_get_payload_len(options[TCA_MIRRED_PARMS]) < sizeof(*parms))
		return NULL;
	parms = mnl_attr_get_payload(options[TCA_MIRRED_PARMS]);
	return parms->eaction == TCA_EGRESS_REDIR ? parms : NULL;
}

/* A dump has up to 32 actions a message; the list holds one message's worth an item. */
#define ACTIONS 32
struct redirects {
	unsigned int count;
	struct kernel_redirect redirects[ACTIONS];
};

static int redirect_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct nlattr *tb[TCA_ACT_MAX + 1], *root[TCA_ROOT_MAX + 1], *action;
	const struct tc_mirred *parms;
	struct redirects *r = item;

	(void)arg;
	kernel_attrs(nlh, sizeof(struct tcamsg), root, TCA_ROOT_MAX);
	if (!root[TCA_ROOT_TAB])
		return 0;
	mnl_attr_for_each_nested(action, root[TCA_ROOT_TAB])
	{
		kernel_attrs_nested(action, tb, TCA_ACT_MAX);
		parms = redirect_parms(tb);
		if (!parms || !tb[TCA_ACT_COOKIE] || r->count == ACTIONS ||
		    mnl_attr_get_payload_len(tb[TCA_ACT_COOKIE]) != sizeof(cookie) ||
		    memcmp(mnl_attr_get_payload(tb[TCA_ACT_COOKIE]), cookie, sizeof(cookie)) != 0)
			continue;
		r->redirects[r->count].index = parms->index;
		r->redirects[r->count++].ifindex = parms->ifindex;
	}
	return r->count > 0;
}

int kernel_tc_redirect_each(struct kernel *k, kernel_redirect_fn each, void *arg)
{
	struct nlmsghdr *nlh = kernel_message(k, RTM_GETACTION, 0, sizeof(struct tcamsg));
	struct kernel_list list = {.size = sizeof(struct redirects)};
	const struct redirects *r;
	struct nlattr *actions, *action;
	unsigned int j;
	size_t i;
	int err;

	actions = mnl_attr_nest_start(nlh, TCA_ACT_TAB);
	action = mnl_attr_nest_start(nlh, 1);
	mnl_attr_put_strz(nlh, TCA_ACT_KIND, "mirred");
	mnl_attr_nest_end(nlh, action);
	mnl_attr_nest_end(nlh, actions);
	err = kernel_dump(k, nlh, redirect_parse, NULL, &list);
	kernel_fail(k, err, "list of redirect actions");
	for (i = 0; !err && i < list.count; i++) {
		r = (struct redirects *)list.items + i;
		for (j = 0; !err && j < r->count; j++)
			err = each(&r->redirects[j], arg);
	}
	kernel_list_free(&list);
	return err;
}

/* ---- filters ------------------------------------------------------------------------------- */

/* A filter as the kernel has it: ours, and the handle by which it can be changed. */
struct filter {
	struct kernel_filter filter;
	uint32_t handle;
};

static int filter_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct nlattr *tb[TCA_MAX + 1], *u32[TCA_U32_MAX + 1], *act[2], *tba[TCA_ACT_MAX + 1];
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
	const struct tc_mirred *parms;
	struct filter *f = item;

	(void)arg;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*tcm))
		return 0;
	kernel_attrs(nlh, sizeof(*tcm), tb, TCA_MAX);
	/* u32 shows its hash tables as filters too; those have no action. */
	if (strcmp(kernel_attr_str(tb[TCA_KIND]), "u32") != 0)
		return 0;
	kernel_attrs_nested(tb[TCA_OPTIONS], u32, TCA_U32_MAX);
	kernel_attrs_nested(u32[TCA_U32_ACT], act, 1);
	kernel_attrs_nested(act[1], tba, TCA_ACT_MAX);
	parms = redirect_parms(tba);
	if (!parms)
		return 0;
	f->filter.ifindex = (unsigned int)tcm->tcm_ifindex;
	f->filter.priority = (uint16_t)(TC_H_MAJ(tcm->tcm_info) >> 16);
	f->filter.action = parms->index;
	f->handle = tcm->tcm_handle;
	return 1;
}

static int filter_list(struct kernel *k, unsigned int ifindex, struct kernel_list *list)
{
	struct nlmsghdr *nlh;
	struct tcmsg *tcm = tc_message(k, &nlh, RTM_GETTFILTER, 0, ifindex);

	tcm->tcm_parent = INGRESS;
	return kernel_gone(kernel_dump(k, nlh, filter_parse, NULL, list));
}

/* The filter of this priority on the device: *found, with handle 0 when there is none. */
static int filter_find(struct kernel *k, const struct kernel_filter *filter, struct filter *found)
{
	struct kernel_list list = {.size = sizeof(struct filter)};
	int err = filter_list(k, filter->ifindex, &list);
	const struct filter *f;
	size_t i;

	memset(found, 0, sizeof(*found));
	for (i = 0; !err && i < list.count; i++) {
		f = (struct filter *)list.items + i;
		if (f->filter.priority == filter->priority)
			*found = *f;
	}
	kernel_list_free(&list);
	return err;
}

static int filter_put(struct kernel *k, const struct kernel_filter *filter, uint32_t handle)
{
	struct tc_mirred parms = {.index = filter->action};
	struct tc_u32_sel sel = {.flags = TC_U32_TERMINAL};
	struct nlattr *options, *act, *action, *mirred;
	struct nlmsghdr *nlh;
	struct tcmsg *tcm;

	tcm = tc_message(k, &nlh, RTM_NEWTFILTER, handle ? 0 : NLM_F_CREATE | NLM_F_EXCL,
			 filter->ifindex);
	tcm->tcm_parent = INGRESS;
	tcm->tcm_handle = handle;
	tcm->tcm_info = TC_H_MAKE((uint32_t)filter->priority << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(nlh, TCA_KIND, "u32");
	options = mnl_attr_nest_start(nlh, TCA_OPTIONS);
	mnl_attr_put(nlh, TCA_U32_SEL, sizeof(sel), &sel);
	act = mnl_attr_nest_start(nlh, TCA_U32_ACT);
	action = mnl_attr_nest_start(nlh, 1);
	mnl_attr_put_strz(nlh, TCA_ACT_KIND, "mirred");
	mirred = mnl_attr_nest_start(nlh, TCA_ACT_OPTIONS);
	mnl_attr_put(nlh, TCA_MIRRED_PARMS, sizeof(parms), &parms);
	mnl_attr_nest_end(nlh, mirred);
	mnl_attr_nest_end(nlh, action);
	mnl_attr_nest_end(nlh, act);
	mnl_attr_nest_end(nlh, options);
	return kernel_request(k, nlh);
}

int kernel_tc_filter_replace(struct kernel *k, const struct kernel_filter *filter)
{
	struct filter found;
	int err;

	if (!filter->action || !filter->priority)
		return kernel_refuse(k, -EINVAL, "priority and action index must not be 0",
				     "filter on interface %u", filter->ifindex);
	err = filter_find(k, filter, &found);
	if (!err && found.filter.action != filter->action)
		err = filter_put(k, filter, found.handle);
	return kernel_fail_link(k, err, filter->ifindex, "filter %u to action %u", filter->priority,
				filter->action);
}

int kernel_tc_filter_delete(struct kernel *k, const struct kernel_filter *filter)
{
	struct filter found;
	struct nlmsghdr *nlh;
	struct tcmsg *tcm = tc_message(k, &nlh, RTM_DELTFILTER, 0, filter->ifindex);
	int err;

	tcm->tcm_parent = INGRESS;
	tcm->tcm_info = TC_H_MAKE((uint32_t)filter->priority << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(nlh, TCA_KIND, "u32");
	err = kernel_gone(kernel_request(k, nlh));
	kernel_fail_link(k, err, filter->ifindex, "filter %u delete", filter->priority);
	/* Where the clsact is gone the kernel calls the request wrong. */
	if (err == -EINVAL && filter_find(k, filter, &found) == 0 && !found.handle)
		return 0;
	return err;
}

int kernel_tc_filter_each(struct kernel *k, unsigned int ifindex, kernel_filter_fn each, void *arg)
{
	struct kernel_list list = {.size = sizeof(struct filter)};
	int err = filter_list(k, ifindex, &list);
	size_t i;

	kernel_fail_link(k, err, ifindex, "list of filters");
	for (i = 0; !err && i < list.count; i++)
		err = each(&((struct filter *)list.items + i)->filter, arg);
	kernel_list_free(&list);
	return err;
}
