/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Worn associations: the kernel tells when one has protected as many bytes as were to be.
 *
 * It says so once for each (XFRM_MSG_EXPIRE with hard 0) and goes on using it.
 */
#include "kernel_internal.h"
#include "kernel_xfrm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define WEAR_BUFFER (256U << 10)

struct kernel_wear {
	struct kernel_socket socket;
	struct kernel_reqids range;
	kernel_wear_fn fn;
	void *arg;
	_Alignas(16) char received[KERNEL_RECEIVE_SIZE];
};

int kernel_wear_open(struct kernel_wear **result, struct kernel *k, uint32_t low, uint32_t high,
		     kernel_wear_fn fn, void *arg)
{
	struct kernel_wear *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	*result = NULL;
	k->reason[0] = '\0';
	if (w)
		err = kernel_socket_open(&w->socket, NETLINK_XFRM, SOCK_NONBLOCK, XFRMGRP_EXPIRE,
					 WEAR_BUFFER);
	if (err) {
		free(w);
		return kernel_fail(k, err == -EPROTONOSUPPORT ? -EOPNOTSUPP : err,
				   "reports of worn associations");
	}
	w->range = (struct kernel_reqids){low, high};
	w->fn = fn;
	w->arg = arg;
	*result = w;
	return 0;
}

void kernel_wear_close(struct kernel_wear *w)
{
	if (!w)
		return;
	kernel_socket_close(&w->socket);
	free(w);
}

int kernel_wear_fd(const struct kernel_wear *w)
{
	return mnl_socket_get_fd(w->socket.nl);
}

static void wear_tell(const struct kernel_wear *w, const struct nlmsghdr *nlh)
{
	struct xfrm_user_expire expire; /* a copy: netlink aligns to 4 bytes only */
	struct kernel_sa sa = {0};

	if (nlh->nlmsg_type != XFRM_MSG_EXPIRE || mnl_nlmsg_get_payload_len(nlh) < sizeof(expire))
		return;
	memcpy(&expire, mnl_nlmsg_get_payload(nlh), sizeof(expire));
	sa.reqid = expire.state.reqid;
	if (sa.reqid < w->range.low || sa.reqid > w->range.high ||
	    !addr_length(expire.state.family))
		return;
	kernel_addr_from(&sa.src, expire.state.family, &expire.state.saddr);
	kernel_addr_from(&sa.dst, expire.state.family, &expire.state.id.daddr);
	sa.spi = ntohl(expire.state.id.spi);
	w->fn(&sa, w->arg);
}

int kernel_wear_read(struct kernel_wear *w)
{
	for (;;) {
		ssize_t length =
			kernel_socket_receive(&w->socket, w->received, sizeof(w->received));
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)w->received;
		int left = (int)length;

		if (length == -EAGAIN)
			return 0;
		if (length == -ENOBUFS) {
			kernel_socket_drain(&w->socket);
			return 0;
		}
		if (length < 0)
			return (int)length;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			wear_tell(w, nlh);
	}
}
