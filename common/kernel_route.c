/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes: replace, delete, list, look up.
 */
#include "kernel_internal.h"

#include <errno.h>
#include <string.h>

int kernel_route_replace(struct kernel *k, const struct kernel_route *route)
{
	return kernel_change(k, &(struct kernel_change){.route = *route});
}

int kernel_route_delete(struct kernel *k, const struct kernel_route *route)
{
	return kernel_change(k, &(struct kernel_change){.remove = true, .route = *route});
}

static int route_ours(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

	/* Strict checking makes the kernel filter; what it lets pass is checked all the same. */
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) || rtm->rtm_protocol != KERNEL_PROTOCOL ||
	    rtm->rtm_flags & RTM_F_CLONED)
		return 0;
	return kernel_route_parse(nlh, item, arg);
}

static int route_list_family(struct kernel *k, sa_family_t family, struct kernel_list *list)
{
	struct nlmsghdr *nlh = kernel_message(k, RTM_GETROUTE, 0, sizeof(struct rtmsg));
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	int err;

	rtm->rtm_family = (uint8_t)family;
	rtm->rtm_protocol = KERNEL_PROTOCOL;
	err = kernel_dump(k, nlh, route_ours, NULL, list);
	return kernel_fail(k, err, "list of %s routes", family == AF_INET ? "IPv4" : "IPv6");
}

int kernel_route_list(struct kernel *k, struct kernel_list *list)
{
	int err = route_list_family(k, AF_INET, list);

	return err ? err : route_list_family(k, AF_INET6, list);
}

int kernel_route_each(struct kernel *k, kernel_route_fn each, void *arg)
{
	struct kernel_list list = {.size = sizeof(struct kernel_route)};
	int err = kernel_route_list(k, &list);
	size_t i;

	for (i = 0; !err && i < list.count; i++)
		err = each((struct kernel_route *)list.items + i, arg);
	kernel_list_free(&list);
	return err;
}

int kernel_route_lookup(struct kernel *k, const struct addr *dst, struct kernel_route *route)
{
	struct nlmsghdr *nlh = kernel_message(k, RTM_GETROUTE, 0, sizeof(struct rtmsg));
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	char text[ADDR_TEXT];
	int err;

	memset(route, 0, sizeof(*route));
	rtm->rtm_family = (uint8_t)dst->family;
	rtm->rtm_dst_len = (uint8_t)addr_bits(dst->family);
	rtm->rtm_flags = RTM_F_LOOKUP_TABLE; /* tell the table that it was found in */
	kernel_put_addr(nlh, RTA_DST, dst);
	err = kernel_query(k, nlh, kernel_route_parse, route, NULL);
	return kernel_fail(k, err, "route to %s", addr_format(dst, text));
}

/* Somebody else's in the place of `arg`. */
static int route_foreign(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct kernel_route *wanted = arg;
	struct kernel_route *route = item;

	return kernel_route_parse(nlh, item, NULL) && route->protocol != KERNEL_PROTOCOL &&
	       prefix_equal(&route->dst, &wanted->dst) && route->metric == wanted->metric &&
	       route->table == (wanted->table ? wanted->table : RT_TABLE_MAIN);
}

int kernel_route_foreign(struct kernel *k, const struct kernel_route *route)
{
	struct kernel_list list = {.size = sizeof(struct kernel_route)};
	struct nlmsghdr *nlh = kernel_message(k, RTM_GETROUTE, 0, sizeof(struct rtmsg));
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	int err;

	rtm->rtm_family = (uint8_t)route->dst.addr.family;
	err = kernel_dump(k, nlh, route_foreign, route, &list);
	if (err)
		err = kernel_fail(k, err, "list of routes");
	else
		err = list.count > 0;
	kernel_list_free(&list);
	return err;
}
