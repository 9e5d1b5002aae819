/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What others do to the network configuration while we run.
 *
 * A second socket listens to the kernel's notifications. Netlink drops them when the receive buffer
 * is full and says so once (ENOBUFS); from then on nobody knows what has happened, so the whole
 * watched state is read and replayed at once. What was still queued is older than that reading and
 * is thrown away first: were it handled afterwards, it would undo news.
 */
#include "kernel_monitor.h"
#include "kernel_internal.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MONITOR_BUFFER (4U << 20)

struct kernel_monitor {
	struct kernel *k;
	struct kernel_socket socket;
	unsigned int watch;
	bool stale; /* events were lost, and reading the state has failed so far */
	kernel_monitor_fn fn;
	void *arg;
	_Alignas(struct nlmsghdr) char received[KERNEL_RECEIVE_SIZE];
};

static const struct monitor_groups {
	unsigned int watch;
	unsigned int groups;
} monitor_groups[] = {
	{KERNEL_WATCH_LINKS, RTMGRP_LINK},
	{KERNEL_WATCH_ADDRESSES, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR},
	{KERNEL_WATCH_ROUTES, RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE},
	{KERNEL_WATCH_NEIGHBOURS, RTMGRP_NEIGH},
};

int kernel_monitor_open(struct kernel_monitor **result, struct kernel *k, unsigned int watch,
			size_t buffer, kernel_monitor_fn fn, void *arg)
{
	struct kernel_monitor *m;
	unsigned int groups = 0;
	size_t i;
	int err;

	*result = NULL;
	k->reason[0] = '\0';
	m = calloc(1, sizeof(*m));
	if (!m)
		return kernel_fail(k, -ENOMEM, "monitor");
	for (i = 0; i < MNL_ARRAY_SIZE(monitor_groups); i++)
		if (watch & monitor_groups[i].watch)
			groups |= monitor_groups[i].groups;
	err = kernel_socket_open(&m->socket, NETLINK_ROUTE, SOCK_NONBLOCK, groups,
				 buffer ? buffer : MONITOR_BUFFER);
	if (err) {
		free(m);
		return kernel_fail(k, err, "monitor");
	}
	m->k = k;
	m->watch = watch;
	m->fn = fn;
	m->arg = arg;
	*result = m;
	return 0;
}

void kernel_monitor_close(struct kernel_monitor *m)
{
	if (!m)
		return;
	kernel_socket_close(&m->socket);
	free(m);
}

int kernel_monitor_fd(const struct kernel_monitor *m)
{
	return mnl_socket_get_fd(m->socket.nl);
}

static void monitor_emit(struct kernel_monitor *m, enum kernel_event_type type,
			 struct kernel_event *event)
{
	event->type = type;
	m->fn(event, m->arg);
}

static void monitor_route(struct kernel_monitor *m, const struct nlmsghdr *nlh,
			  struct kernel_event *event)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) || rtm->rtm_protocol != KERNEL_PROTOCOL ||
	    rtm->rtm_flags & RTM_F_CLONED)
		return;
	/* The port of who asked for it; the kernel's own doings have 0. */
	if (nlh->nlmsg_pid == m->k->route.portid)
		return;
	if (kernel_route_parse(nlh, &event->route, NULL) == 1)
		monitor_emit(m,
			     nlh->nlmsg_type == RTM_NEWROUTE ? KERNEL_EVENT_ROUTE
							     : KERNEL_EVENT_ROUTE_GONE,
			     event);
}

static void monitor_neighbour(struct kernel_monitor *m, const struct nlmsghdr *nlh,
			      struct kernel_event *event)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	bool there;

	if (nlh->nlmsg_pid == m->k->route.portid ||
	    kernel_neighbour_parse(nlh, &event->neighbour, NULL) != 1)
		return;
	there = nlh->nlmsg_type == RTM_NEWNEIGH && ndm->ndm_state == NUD_PERMANENT;
	monitor_emit(m, there ? KERNEL_EVENT_NEIGHBOUR : KERNEL_EVENT_NEIGHBOUR_GONE, event);
}

static void monitor_message(struct kernel_monitor *m, const struct nlmsghdr *nlh)
{
	struct kernel_event event;

	memset(&event, 0, sizeof(event));
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (kernel_link_parse(nlh, &event.link, NULL) == 1)
			monitor_emit(m,
				     nlh->nlmsg_type == RTM_NEWLINK ? KERNEL_EVENT_LINK
								    : KERNEL_EVENT_LINK_GONE,
				     &event);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (kernel_address_parse(nlh, &event.address, NULL) == 1)
			monitor_emit(m,
				     nlh->nlmsg_type == RTM_NEWADDR ? KERNEL_EVENT_ADDRESS
								    : KERNEL_EVENT_ADDRESS_GONE,
				     &event);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		monitor_route(m, nlh, &event);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		monitor_neighbour(m, nlh, &event);
		break;
	default:
		break;
	}
}

/* ---- resynchronisation ---------------------------------------------------------------------- */

static struct kernel_event *replay_event(struct kernel_event *event, enum kernel_event_type type)
{
	memset(event, 0, sizeof(*event));
	event->type = type;
	event->replay = true;
	return event;
}

/* Everything is read before the first callback, so that all of it is of one time, nearly. */
struct state {
	struct kernel_list links, addresses, routes, neighbours;
};

static int state_read(struct kernel_monitor *m, struct state *s)
{
	int err = 0;

	if (m->watch & KERNEL_WATCH_LINKS)
		err = kernel_link_list(m->k, &s->links);
	if (!err && m->watch & KERNEL_WATCH_ADDRESSES)
		err = kernel_address_list(m->k, 0, &s->addresses);
	if (!err && m->watch & KERNEL_WATCH_ROUTES)
		err = kernel_route_list(m->k, &s->routes);
	if (!err && m->watch & KERNEL_WATCH_NEIGHBOURS)
		err = kernel_neighbour_list(m->k, 0, false, &s->neighbours);
	return err;
}

static void state_replay(struct kernel_monitor *m, const struct state *s)
{
	struct kernel_event e;
	size_t i;

	m->fn(replay_event(&e, KERNEL_EVENT_RESYNC_BEGIN), m->arg);
	for (i = 0; i < s->links.count; i++) {
		replay_event(&e, KERNEL_EVENT_LINK)->link =
			((struct kernel_link *)s->links.items)[i];
		m->fn(&e, m->arg);
	}
	for (i = 0; i < s->addresses.count; i++) {
		replay_event(&e, KERNEL_EVENT_ADDRESS)->address =
			((struct kernel_address *)s->addresses.items)[i];
		m->fn(&e, m->arg);
	}
	for (i = 0; i < s->routes.count; i++) {
		replay_event(&e, KERNEL_EVENT_ROUTE)->route =
			((struct kernel_route *)s->routes.items)[i];
		m->fn(&e, m->arg);
	}
	for (i = 0; i < s->neighbours.count; i++) {
		replay_event(&e, KERNEL_EVENT_NEIGHBOUR)->neighbour =
			((struct kernel_neighbour *)s->neighbours.items)[i];
		m->fn(&e, m->arg);
	}
	m->fn(replay_event(&e, KERNEL_EVENT_RESYNC), m->arg);
}

int kernel_monitor_resync(struct kernel_monitor *m)
{
	struct state s = {
		.links = {.size = sizeof(struct kernel_link)},
		.addresses = {.size = sizeof(struct kernel_address)},
		.routes = {.size = sizeof(struct kernel_route)},
		.neighbours = {.size = sizeof(struct kernel_neighbour)},
	};
	ssize_t length;
	int err;

	/* ENOBUFS may be said again while the queue is emptied: all of that is before the reading.
	 */
	do
		length = kernel_socket_receive(&m->socket, m->received, sizeof(m->received));
	while (length >= 0 || length == -ENOBUFS || length == -EMSGSIZE);
	err = length == -EAGAIN ? state_read(m, &s) : (int)length;
	m->stale = err != 0;
	if (!err)
		state_replay(m, &s);
	kernel_list_free(&s.links);
	kernel_list_free(&s.addresses);
	kernel_list_free(&s.routes);
	kernel_list_free(&s.neighbours);
	return err;
}

int kernel_monitor_read(struct kernel_monitor *m)
{
	const struct nlmsghdr *nlh;
	ssize_t length;
	int rest;

	if (m->stale)
		return kernel_monitor_resync(m);
	for (;;) {
		length = kernel_socket_receive(&m->socket, m->received, sizeof(m->received));
		if (length == -EAGAIN)
			return 0;
		if (length == -ENOBUFS || length == -EMSGSIZE)
			return kernel_monitor_resync(m);
		if (length < 0) {
			m->k->reason[0] = '\0';
			return kernel_fail(m->k, (int)length, "monitor");
		}
		rest = (int)length;
		for (nlh = (void *)m->received; kernel_message_whole(nlh, rest);
		     nlh = mnl_nlmsg_next(nlh, &rest))
			monitor_message(m, nlh);
	}
}
