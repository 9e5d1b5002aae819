/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of interfaces.
 *
 * The IFA_PROTO attribute (Linux 5.18) says whose an address is. Older kernels ignore it, and then
 * nothing is ours after a restart; libnl 3.7 does not know it, so it is appended here.
 */
#include "kernel_internal.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <netlink/addr.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/route/addr.h>
#include <string.h>

static int address_fail(struct kernel *k, int err, const struct kernel_address *address,
			const char *verb)
{
	char text[ADDR_TEXT];

	return kernel_fail_link(k, err, address->ifindex, "address %s/%u%s",
				addr_format(&address->addr, text), address->length, verb);
}

/* libnl's object for the address, NULL when memory is out. */
static struct rtnl_addr *address_object(const struct kernel_address *address)
{
	struct nl_addr *local = kernel_nl_addr(&address->addr, address->length);
	struct rtnl_addr *object = rtnl_addr_alloc();

	if (!local || !object || rtnl_addr_set_local(object, local) != 0) {
		rtnl_addr_put(object);
		object = NULL;
	} else {
		rtnl_addr_set_ifindex(object, (int)address->ifindex);
		if (address->nodad && address->addr.family == AF_INET6)
			rtnl_addr_set_flags(object, IFA_F_NODAD);
	}
	nl_addr_put(local);
	return object;
}

int kernel_address_replace(struct kernel *k, const struct kernel_address *address)
{
	struct rtnl_addr *object = address_object(address);
	struct nl_msg *msg = NULL;
	int err = -ENOMEM;

	k->reason[0] = '\0';
	if (object &&
	    rtnl_addr_build_add_request(object, NLM_F_CREATE | NLM_F_REPLACE, &msg) == 0) {
		if (nla_put_u8(msg, IFA_PROTO, KERNEL_PROTOCOL) == 0)
			err = kernel_request_nl(k, msg);
		else
			nlmsg_free(msg);
	}
	rtnl_addr_put(object);
	return address_fail(k, err, address, "");
}

int kernel_address_delete(struct kernel *k, const struct kernel_address *address)
{
	struct rtnl_addr *object = address_object(address);
	struct nl_msg *msg = NULL;
	int err = -ENOMEM;

	k->reason[0] = '\0';
	if (object && rtnl_addr_build_delete_request(object, 0, &msg) == 0)
		err = kernel_gone(kernel_request_nl(k, msg));
	rtnl_addr_put(object);
	return address_fail(k, err, address, " delete");
}

int kernel_address_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFA_MAX + 1];
	struct kernel_address *address = item;
	uint32_t flags;

	(void)arg;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifa))
		return 0;
	kernel_attrs(nlh, sizeof(*ifa), tb, IFA_MAX);
	/* IFA_ADDRESS is the other end where there is a local one beside it. */
	if (!kernel_attr_addr(tb[IFA_LOCAL], ifa->ifa_family, &address->addr) &&
	    !kernel_attr_addr(tb[IFA_ADDRESS], ifa->ifa_family, &address->addr))
		return 0;
	flags = tb[IFA_FLAGS] ? kernel_attr_u32(tb[IFA_FLAGS]) : ifa->ifa_flags;
	if (ifa->ifa_prefixlen > 8 * addr_length(ifa->ifa_family))
		return 0;
	address->ifindex = ifa->ifa_index;
	address->length = ifa->ifa_prefixlen;
	address->nodad = flags & IFA_F_NODAD;
	address->ours = kernel_attr_u8(tb[IFA_PROTO]) == KERNEL_PROTOCOL;
	return 1;
}

int kernel_address_list(struct kernel *k, unsigned int ifindex, struct kernel_list *list)
{
	struct nlmsghdr *nlh = kernel_message(k, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
	struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	int err;

	ifa->ifa_index = ifindex;
	/* An interface that is not there has no addresses. */
	err = kernel_gone(kernel_dump(k, nlh, kernel_address_parse, NULL, list));
	return kernel_fail_link(k, err, ifindex, "list of addresses");
}

int kernel_address_each(struct kernel *k, unsigned int ifindex, kernel_address_fn each, void *arg)
{
	struct kernel_list list = {.size = sizeof(struct kernel_address)};
	int err = kernel_address_list(k, ifindex, &list);
	size_t i;

	for (i = 0; !err && i < list.count; i++)
		err = each((struct kernel_address *)list.items + i, arg);
	kernel_list_free(&list);
	return err;
}
