/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets of a link. Hop limit 255 is set on everything that leaves and reported for everything
 * that comes, so that receive.c can refuse what has crossed a router (the idea is RFC 5082's).
 */
#define _GNU_SOURCE /* struct in6_pktinfo */
#include "terminal-agent/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "keys.h"
#include "log.h"
#include "message.h"

#define READ_BUDGET 64 /* datagrams per wake-up, so that a flood starves nobody */
#define SEEN	    8  /* frames remembered: more answers than that are never under way */

const struct addr port_gateway = {.family = AF_INET6, .bytes = {0xfe, 0x80, [15] = 1}};

/* ff02::6276:1 and ff02::6276:2. */
static const struct in6_addr group_cores = {
	.s6_addr = {0xff, 0x02, [12] = 0x62, [13] = 0x76, [15] = 1}};
static const struct in6_addr group_terminals = {
	.s6_addr = {0xff, 0x02, [12] = 0x62, [13] = 0x76, [15] = 2}};

struct port {
	struct ev_loop *loop;
	ev_io io;
	int udp, packet; /* packet: -1 when it could not be opened */
	unsigned int ifindex;
	uint16_t udp_port;
	port_fn *fn;
	void *arg;

	uint8_t hash_key[KEYS_SIP_LENGTH];
	struct {
		uint64_t hash; /* of the payload */
		struct lladdr source;
	} seen[SEEN];
	unsigned int next_seen;
};

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

static int open_udp(const struct port *port, const char *interface)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port->udp_port)};
	struct ipv6_mreq group = {.ipv6mr_multiaddr = group_terminals,
				  .ipv6mr_interface = port->ifindex};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
		       (socklen_t)strlen(interface) + 1) < 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255) < 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255) < 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0) < 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)port->ifindex) < 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) < 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group, sizeof(group)) < 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

/* Lets pass: UDP over IPv6 with hop limit 255 from fe80::1 to our port, type registration done. */
static int set_filter(int fd, uint16_t udp_port)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20), /* next header, hop limit */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP << 8 | 255, 0, 13),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 22), /* source address */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xfe800000, 0, 11),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 26),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 9),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 30),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 7),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 34),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 5),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 56), /* destination port */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, udp_port, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FRAME_OVERHEAD), /* type of the message */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MESSAGE_REGISTRATION_DONE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, FRAME_OVERHEAD + SNO_DATAGRAM_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int open_packet(const struct port *port)
{
	struct sockaddr_ll link = {.sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_IPV6),
				   .sll_ifindex = (int)port->ifindex};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* The filter comes before the protocol, so that nothing else is ever queued. */
	if (fd < 0 || set_filter(fd, port->udp_port) < 0 ||
	    bind(fd, (struct sockaddr *)&link, sizeof(link)) < 0) {
		int error = -errno;

		if (fd >= 0)
			close(fd);
		return error;
	}
	return fd;
}

/* ---- receiving ------------------------------------------------------------------------- */

static uint64_t content(const struct port *port, const uint8_t *octets, size_t length)
{
	return keys_siphash(port->hash_key, octets, length);
}

/* A frame reaches the packet socket before its datagram reaches the other one. */
static void watch_frames(struct port *port)
{
	uint8_t octets[FRAME_OVERHEAD + SNO_DATAGRAM_MAX];
	struct frame frame;
	ssize_t length;

	while ((length = recv(port->packet, octets, sizeof(octets), 0)) >= 0) {
		if (frame_parse(&frame, octets, (size_t)length) < 0)
			continue;
		port->seen[port->next_seen].hash = content(port, frame.payload, frame.length);
		port->seen[port->next_seen].source = frame.src;
		port->next_seen = (port->next_seen + 1) % SEEN;
	}
}

static void find_source(struct port *port, struct datagram *datagram)
{
	uint64_t hash;

	if (port->packet < 0 || datagram->length == 0 ||
	    datagram->octets[0] != MESSAGE_REGISTRATION_DONE)
		return;
	watch_frames(port);
	hash = content(port, datagram->octets, datagram->length);
	for (unsigned int i = 0; i < SEEN; i++)
		if (port->seen[i].hash == hash)
			datagram->source = port->seen[i].source;
}

/* One datagram. 0, -EAGAIN when there is none, or what recvmsg(2) said. */
static int receive_one(struct port *port)
{
	uint8_t octets[SNO_DATAGRAM_MAX + 1];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
	struct sockaddr_in6 from;
	struct iovec iov = {octets, sizeof(octets)};
	struct msghdr header = {.msg_name = &from,
				.msg_namelen = sizeof(from),
				.msg_iov = &iov,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(port->udp, &header, 0);
	struct datagram datagram = {.octets = octets, .length = (size_t)length};
	unsigned int ifindex = 0;

	if (length < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
		struct in6_pktinfo info;
		int hops;

		if (c->cmsg_level != IPPROTO_IPV6)
			continue;
		if (c->cmsg_type == IPV6_HOPLIMIT) {
			memcpy(&hops, CMSG_DATA(c), sizeof(hops));
			datagram.hop_limit = (uint8_t)hops;
		} else if (c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			ifindex = info.ipi6_ifindex;
		}
	}
	if (ifindex != port->ifindex)
		return 0;
	datagram.from.family = AF_INET6;
	datagram.from.v6 = from.sin6_addr;
	datagram.from_port = ntohs(from.sin6_port);
	find_source(port, &datagram);
	port->fn(port->arg, port->ifindex, &datagram);
	return 0;
}

static void readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct port *port = io->data;
	int error = 0;

	(void)loop;
	(void)events;
	for (int i = 0; i < READ_BUDGET && error == 0; i++)
		error = receive_one(port);
	/* The interface may have gone down or away: links.c hears of it from the kernel. */
	if (error < 0 && error != -EAGAIN && error != -EINTR && error != -ENETDOWN)
		log_warn_errno(error, "receive on interface %u", port->ifindex);
}

/* ---- the rest --------------------------------------------------------------------------- */

int port_open(struct port **port, struct ev_loop *loop, const char *interface, unsigned int ifindex,
	      uint16_t udp_port, port_fn *fn, void *arg)
{
	struct port *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->loop = loop;
	p->ifindex = ifindex;
	p->udp_port = udp_port;
	p->fn = fn;
	p->arg = arg;
	keys_random(p->hash_key, sizeof(p->hash_key));
	p->udp = open_udp(p, interface);
	if (p->udp < 0) {
		int error = p->udp;

		log_warn_errno(error, "%s: cannot open UDP port %u%s", interface, udp_port,
			       error == -EADDRINUSE ? " (is another agent running?)" : "");
		free(p);
		return error;
	}
	p->packet = open_packet(p);
	if (p->packet < 0)
		log_warn_errno(p->packet,
			       "%s: cannot watch frames, the configured gateway_mac is used",
			       interface);
	ev_io_init(&p->io, readable, p->udp, EV_READ);
	p->io.data = p;
	ev_io_start(loop, &p->io);
	*port = p;
	return 0;
}

void port_close(struct port *port)
{
	if (!port)
		return;
	ev_io_stop(port->loop, &port->io);
	close(port->udp);
	if (port->packet >= 0)
		close(port->packet);
	free(port);
}

int port_send(struct port *port, const struct addr *from, bool group, const uint8_t *octets,
	      size_t length)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6,
				  .sin6_port = htons(port->udp_port),
				  .sin6_addr = group ? group_cores : port_gateway.v6,
				  .sin6_scope_id = port->ifindex};
	struct in6_pktinfo info = {.ipi6_addr = from->v6, .ipi6_ifindex = port->ifindex};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(info))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)octets, length};
	struct msghdr header = {.msg_name = &to,
				.msg_namelen = sizeof(to),
				.msg_iov = &iov,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);

	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	return sendmsg(port->udp, &header, 0) < 0 ? -errno : 0;
}
