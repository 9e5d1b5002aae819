/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* setns */
#include "line.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKETS_MAX 20000 /* under way on a line */
#define TICK_NS	    64	  /* of the kernel's old field for a delay */

static struct room *rooms;

static void enter(const char *netns, int descriptor)
{
	if (descriptor < 0 || setns(descriptor, CLONE_NEWNET) < 0)
		err(1, "%s", netns);
}

static struct mnl_socket *netlink_open(void)
{
	struct mnl_socket *netlink = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!netlink || mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) < 0)
		err(1, "netlink");
	return netlink;
}

static struct room *room_open(const char *netns)
{
	struct room *room;
	char path[sizeof(NETNS_DIR) + 128];
	int own, there;

	for (room = rooms; room; room = room->next)
		if (strcmp(room->netns, netns) == 0)
			return room;
	room = calloc(1, sizeof(*room));
	if (!room || !(room->netns = strdup(netns)))
		err(1, NULL);
	room->next = rooms;
	rooms = room;
	if (!netns[0]) {
		room->netlink = netlink_open();
		return room;
	}
	snprintf(path, sizeof(path), NETNS_DIR "%s", netns);
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(path, O_RDONLY | O_CLOEXEC);
	enter(path, there);
	room->netlink = netlink_open();
	enter("own network namespace", own);
	close(there);
	close(own);
	return room;
}

/* Sends a request and waits for its end: 0 or -errno. A link that is answered with is stored. */
static int talk(struct room *room, struct nlmsghdr *nlh, struct ifinfomsg *link)
{
	_Alignas(struct nlmsghdr) char buffer[32768];
	ssize_t length;

	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = ++room->sequence;
	if (mnl_socket_sendto(room->netlink, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		const struct nlmsghdr *answer = (void *)buffer;
		int left;

		length = mnl_socket_recvfrom(room->netlink, buffer, sizeof(buffer));
		if (length < 0)
			return -errno;
		for (left = (int)length; mnl_nlmsg_ok(answer, left);
		     answer = mnl_nlmsg_next(answer, &left)) {
			if (answer->nlmsg_seq != room->sequence)
				continue;
			if (answer->nlmsg_type == NLMSG_ERROR)
				return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(answer))
					->error;
			if (answer->nlmsg_type == RTM_NEWLINK && link)
				memcpy(link, mnl_nlmsg_get_payload(answer), sizeof(*link));
		}
	}
}

/* A message about a link; `buffer` holds it. */
static struct nlmsghdr *link_message(char *buffer, uint16_t type, unsigned char family,
				     unsigned int index)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;

	nlh->nlmsg_type = type;
	info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	info->ifi_family = family;
	info->ifi_index = (int)index;
	return nlh;
}

void end_open(struct end *end, const char *text)
{
	const char *slash = strrchr(text, '/');
	const char *interface = slash ? slash + 1 : text;
	char *netns = strndup(text, slash ? (size_t)(slash - text) : 0);
	_Alignas(struct nlmsghdr) char buffer[512];
	struct ifinfomsg link = {0};
	struct nlmsghdr *nlh;
	int error;

	if (!netns)
		err(1, NULL);
	memset(end, 0, sizeof(*end));
	end->room = room_open(netns);
	end->delay = -1;
	snprintf(end->name, sizeof(end->name), "%s", text);
	nlh = link_message(buffer, RTM_GETLINK, AF_UNSPEC, 0);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, interface);
	error = talk(end->room, nlh, &link);
	end->index = (unsigned int)link.ifi_index;
	if (error < 0 || end->index == 0)
		errx(1, "%s: %s", text, strerror(error < 0 ? -error : ENODEV));
	free(netns);
}

int end_delay(struct end *end, usec_t delay, bool silent)
{
	_Alignas(struct nlmsghdr) char buffer[512];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct tc_netem_qopt options = {.latency = (uint32_t)(delay * 1000 / TICK_NS),
					.limit = PACKETS_MAX,
					.loss = silent ? UINT32_MAX : 0};
	struct tcmsg *tcm;
	int error;

	nlh->nlmsg_type = RTM_NEWQDISC;
	nlh->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
	tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));
	tcm->tcm_ifindex = (int)end->index;
	tcm->tcm_parent = TC_H_ROOT;
	mnl_attr_put_strz(nlh, TCA_KIND, "netem");

	/* The options are a structure with attributes behind it, in one attribute. */
	struct nlattr *whole = mnl_attr_nest_start(nlh, TCA_OPTIONS);
	whole->nla_type &= (uint16_t)~NLA_F_NESTED;
	memcpy(mnl_nlmsg_get_payload_tail(nlh), &options, sizeof(options));
	nlh->nlmsg_len += MNL_ALIGN(sizeof(options));
	mnl_attr_put_u64(nlh, TCA_NETEM_LATENCY64, (uint64_t)delay * 1000);
	mnl_attr_nest_end(nlh, whole);

	error = talk(end->room, nlh, NULL);
	if (error == 0) {
		end->delay = delay;
		end->silent = silent;
	}
	return error;
}

int end_carrier(struct end *end, bool up)
{
	_Alignas(struct nlmsghdr) char buffer[512];
	struct nlmsghdr *nlh = link_message(buffer, RTM_NEWLINK, AF_UNSPEC, end->index);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);

	info->ifi_flags = up ? IFF_UP : 0;
	info->ifi_change = IFF_UP;
	return talk(end->room, nlh, NULL);
}

bool end_running(struct end *end)
{
	_Alignas(struct nlmsghdr) char buffer[512];
	struct ifinfomsg link = {0};

	return talk(end->room, link_message(buffer, RTM_GETLINK, AF_UNSPEC, end->index), &link) ==
		       0 &&
	       link.ifi_flags & IFF_RUNNING;
}

int end_master(struct end *end, unsigned int bridge)
{
	_Alignas(struct nlmsghdr) char buffer[512];
	struct nlmsghdr *nlh = link_message(buffer, RTM_NEWLINK, AF_UNSPEC, end->index);
	struct nlattr *port;
	int error;

	mnl_attr_put_u32(nlh, IFLA_MASTER, bridge);
	error = talk(end->room, nlh, NULL);
	if (error < 0 || !bridge)
		return error;
	/* A port that joins has forgotten what it was told in another bridge. */
	nlh = link_message(buffer, RTM_SETLINK, AF_BRIDGE, end->index);
	port = mnl_attr_nest_start(nlh, IFLA_PROTINFO);
	mnl_attr_put_u8(nlh, IFLA_BRPORT_ISOLATED, 1);
	mnl_attr_nest_end(nlh, port);
	return talk(end->room, nlh, NULL);
}
