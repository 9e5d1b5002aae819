/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of associations and policies of ours while they are in use.
 *
 * The kernel says when an association has protected as many bytes as were to be, once for each
 * (XFRM_MSG_EXPIRE with hard 0), and goes on using it. And it says what has been removed, and at
 * whose request: one by one or, `ip xfrm state flush`, all at once. It also tells of what is new,
 * with the keys: what was received is wiped.
 */
#include "kernel_internal.h"
#include "kernel_xfrm.h"
#include "keys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define XFRM_MONITOR_BUFFER (256U << 10)

struct kernel_xfrm_monitor {
	struct kernel *k;
	struct kernel_socket socket;
	struct kernel_reqids range;
	struct kernel_xfrm_events events;
	void *arg;
	_Alignas(16) char received[KERNEL_RECEIVE_SIZE];
};

int kernel_xfrm_monitor_open(struct kernel_xfrm_monitor **result, struct kernel *k, uint32_t low,
			     uint32_t high, const struct kernel_xfrm_events *events, void *arg)
{
	struct kernel_xfrm_monitor *m = calloc(1, sizeof(*m));
	int err = -ENOMEM;

	*result = NULL;
	k->reason[0] = '\0';
	if (m)
		err = kernel_socket_open(&m->socket, NETLINK_XFRM, SOCK_NONBLOCK,
					 XFRMGRP_EXPIRE | XFRMGRP_SA | XFRMGRP_POLICY,
					 XFRM_MONITOR_BUFFER);
	if (err) {
		free(m);
		return kernel_fail(k, err == -EPROTONOSUPPORT ? -EOPNOTSUPP : err,
				   "reports of associations");
	}
	m->k = k;
	m->range = (struct kernel_reqids){low, high};
	m->events = *events;
	m->arg = arg;
	*result = m;
	return 0;
}

void kernel_xfrm_monitor_close(struct kernel_xfrm_monitor *m)
{
	if (!m)
		return;
	kernel_socket_close(&m->socket);
	free(m);
}

int kernel_xfrm_monitor_fd(const struct kernel_xfrm_monitor *m)
{
	return mnl_socket_get_fd(m->socket.nl);
}

static bool ours(const struct kernel_xfrm_monitor *m, uint32_t reqid)
{
	return reqid >= m->range.low && reqid <= m->range.high;
}

static void expired(const struct kernel_xfrm_monitor *m, const struct nlmsghdr *nlh)
{
	struct xfrm_user_expire expire; /* a copy: netlink aligns to 4 bytes only */
	struct kernel_sa sa = {0};

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(expire))
		return;
	memcpy(&expire, mnl_nlmsg_get_payload(nlh), sizeof(expire));
	sa.reqid = expire.state.reqid;
	if (!ours(m, sa.reqid) || !addr_length(expire.state.family))
		return;
	kernel_addr_from(&sa.src, expire.state.family, &expire.state.saddr);
	kernel_addr_from(&sa.dst, expire.state.family, &expire.state.id.daddr);
	sa.spi = ntohl(expire.state.id.spi);
	m->events.worn(&sa, m->arg);
}

/* The reqid of the association that is gone; 0: it has none. */
static uint32_t reqid_of_sa(const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[XFRMA_MAX + 1];
	struct xfrm_usersa_info info;

	kernel_attrs(nlh, sizeof(struct xfrm_usersa_id), tb, XFRMA_MAX);
	if (!tb[XFRMA_SA] || mnl_attr_get_payload_len(tb[XFRMA_SA]) < sizeof(info))
		return 0;
	memcpy(&info, mnl_attr_get_payload(tb[XFRMA_SA]), sizeof(info));
	return info.reqid;
}

static uint32_t reqid_of_policy(const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[XFRMA_MAX + 1];
	const struct xfrm_user_tmpl *tmpl;

	kernel_attrs(nlh, sizeof(struct xfrm_userpolicy_id), tb, XFRMA_MAX);
	if (!tb[XFRMA_TMPL] || mnl_attr_get_payload_len(tb[XFRMA_TMPL]) < sizeof(*tmpl))
		return 0;
	tmpl = mnl_attr_get_payload(tb[XFRMA_TMPL]);
	return tmpl->reqid;
}

/* Has somebody else, or the kernel by itself, removed something of ours? */
static bool removal(const struct kernel_xfrm_monitor *m, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_pid != 0 && nlh->nlmsg_pid == m->k->xfrm.portid)
		return false;
	switch (nlh->nlmsg_type) {
	case XFRM_MSG_FLUSHSA:
	case XFRM_MSG_FLUSHPOLICY:
		return true;
	case XFRM_MSG_DELSA:
		return ours(m, reqid_of_sa(nlh));
	case XFRM_MSG_DELPOLICY:
		return ours(m, reqid_of_policy(nlh));
	default:
		return false;
	}
}

static bool tell(const struct kernel_xfrm_monitor *m, size_t length)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)m->received;
	int left = (int)length;
	bool removed = false;

	for (; kernel_message_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == XFRM_MSG_EXPIRE)
			expired(m, nlh);
		removed |= removal(m, nlh);
	}
	return removed;
}

int kernel_xfrm_monitor_read(struct kernel_xfrm_monitor *m)
{
	bool removed = false;
	ssize_t length;

	while ((length = kernel_socket_receive(&m->socket, m->received, sizeof(m->received))) >=
	       0) {
		removed |= tell(m, (size_t)length);
		keys_wipe(m->received, (size_t)length);
	}
	if (length == -ENOBUFS || length == -EMSGSIZE) {
		kernel_socket_drain(&m->socket);
		removed = true;
		length = -EAGAIN;
	}
	if (removed)
		m->events.removed(m->arg);
	return length == -EAGAIN ? 0 : (int)length;
}
