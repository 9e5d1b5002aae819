/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets of a link; see port.h. */
#include "terminal-agent/port.h"

#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "frame.h"
#include "link_socket.h"
#include "log.h"
#include "message.h"

#define READ_BUDGET 64 /* datagrams per wake-up, so that a flood starves nobody */

const struct addr port_gateway = {.family = AF_INET6, .bytes = {0xfe, 0x80, [15] = 1}};

/* ff02::6276:1, all cores, and ff02::6276:2, all terminals on the link. */
static const struct addr group_cores = {.family = AF_INET6,
					.bytes = {0xff, 0x02, [12] = 0x62, [13] = 0x76, [15] = 1}};
static const struct addr group_terminals = {
	.family = AF_INET6, .bytes = {0xff, 0x02, [12] = 0x62, [13] = 0x76, [15] = 2}};

struct port {
	struct ev_loop *loop;
	ev_io io, users_io; /* the latter: only while a packet is watched for */
	int frames, users, sink;
	struct port_place place;
	struct port_ops ops;
};

/* Meant for us, or for all terminals? A promiscuous link brings others' frames as well. */
static bool for_us(const struct port *port, const struct frame *f)
{
	return lladdr_equal(&f->dst, &port->place.mac) || addr_equal(&f->ip_dst, &group_terminals);
}

/* One frame. 0, or what recv(2) said. */
static int receive_one(struct port *port)
{
	uint8_t octets[FRAME_OVERHEAD + SNO_DATAGRAM_MAX + 64];
	ssize_t length = recv(port->frames, octets, sizeof(octets), 0);
	struct datagram datagram;
	struct frame f;

	if (length < 0)
		return -errno;
	if (frame_parse(&f, octets, (size_t)length) < 0 || f.dport != port->place.udp_port ||
	    !for_us(port, &f))
		return 0;
	datagram = (struct datagram){.from = f.ip_src,
				     .from_port = f.sport,
				     .hop_limit = f.hop_limit,
				     .source = f.src,
				     .octets = f.payload,
				     .length = f.length};
	port->ops.datagram(port->ops.arg, port->place.ifindex, &datagram);
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
		log_warn_errno(error, "receive on interface %u", port->place.ifindex);
}

static void packet_arrived(struct ev_loop *loop, ev_io *io, int events)
{
	struct port *port = io->data;

	(void)loop;
	(void)events;
	port_watch(port, false);
	port->ops.packet(port->ops.arg, port->place.ifindex);
}

static void close_sockets(struct port *p)
{
	const int fds[] = {p->frames, p->users, p->sink};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int open_sockets(struct port *p)
{
	const struct port_place *place = &p->place;
	const struct lladdr group = frame_multicast(&group_terminals);
	int error;

	p->users = p->sink = -1;
	p->frames = link_socket_open(place->ifindex, place->udp_port, LINK_ALL, 0);
	if (p->frames >= 0)
		p->users = link_socket_users(place->ifindex);
	if (p->frames < 0 || p->users < 0) {
		error = p->frames < 0 ? p->frames : p->users;
		log_warn_errno(error, "%s: cannot read frames (CAP_NET_RAW?)", place->interface);
		return error;
	}
	error = link_socket_join(p->frames, place->ifindex, group.bytes);
	if (error < 0) {
		log_warn_errno(error, "%s: cannot join the terminals' group", place->interface);
		return error;
	}
	p->sink = link_socket_sink(place->interface, place->udp_port);
	if (p->sink < 0) {
		log_warn_errno(p->sink, "%s: cannot take UDP port %u%s", place->interface,
			       place->udp_port,
			       p->sink == -EADDRINUSE ? " (is another agent running?)" : "");
		return p->sink;
	}
	return 0;
}

int port_open(struct port **port, struct ev_loop *loop, const struct port_place *place,
	      const struct port_ops *ops)
{
	struct port *p = calloc(1, sizeof(*p));
	int error;

	if (!p)
		return -ENOMEM;
	p->loop = loop;
	p->place = *place;
	p->ops = *ops;
	error = open_sockets(p);
	if (error < 0) {
		close_sockets(p);
		free(p);
		return error;
	}
	p->place.interface = NULL;
	ev_io_init(&p->users_io, packet_arrived, p->users, EV_READ);
	p->users_io.data = p;
	ev_io_init(&p->io, readable, p->frames, EV_READ);
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
	ev_io_stop(port->loop, &port->users_io);
	close_sockets(port);
	free(port);
}

int port_send(struct port *port, const struct addr *from, bool group, const uint8_t *octets,
	      size_t length)
{
	uint8_t out[FRAME_OVERHEAD + SNO_DATAGRAM_MAX];
	const struct frame f = {.src = port->place.mac,
				.dst = group ? frame_multicast(&group_cores) : port->place.gateway,
				.ip_src = *from,
				.ip_dst = group ? group_cores : port_gateway,
				.sport = port->place.udp_port,
				.dport = port->place.udp_port,
				.hop_limit = 255,
				.payload = octets,
				.length = length};
	int built = frame_build(&f, out, sizeof(out));

	if (built < 0)
		return built;
	return send(port->frames, out, (size_t)built, MSG_DONTWAIT) < 0 ? -errno : 0;
}

int port_forward(struct port *port, const struct lladdr *gateway, const uint8_t *packet,
		 size_t length)
{
	struct ether_header head = {
		.ether_type = htons(packet[0] >> 4 == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6)};
	const struct iovec parts[] = {
		{.iov_base = &head, .iov_len = sizeof(head)},
		{.iov_base = (void *)(uintptr_t)packet, .iov_len = length},
	};
	const struct msghdr frame = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = 2};

	memcpy(head.ether_dhost, gateway->bytes, ETH_ALEN);
	memcpy(head.ether_shost, port->place.mac.bytes, ETH_ALEN);
	if (sendmsg(port->frames, &frame, MSG_DONTWAIT) >= 0)
		return 0;
	/* A full queue empties, and a link that went down is lost in a moment: links.c will hear.
	 */
	return errno == ENOBUFS || errno == ENETDOWN ? -EAGAIN : -errno;
}

void port_watch(struct port *port, bool on)
{
	char packet;

	ev_io_stop(port->loop, &port->users_io);
	if (!on)
		return;
	/* What has come since the last time is old. There is room for a few only. */
	for (int i = 0; i < READ_BUDGET && recv(port->users, &packet, 1, 0) >= 0; i++)
		continue;
	ev_io_start(port->loop, &port->users_io);
}
