/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets in and out; see receive.h.
 *
 * A satellite's port is read with a packet socket because only that tells the port and the Ethernet
 * address, and works before the terminal has any address that this host knows (PROTOCOL section
 * 5.1). A classic BPF filter leaves everything but access datagrams to the bridge.
 */
#include "receive.h"

#include "frame.h"
#include "log.h"
#include "peer.h"
#include "registration.h"
#include "session.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CORE_SOCKETS   8
#define READS_PER_WAKE 64 /* datagrams read before other events get their turn */

static struct {
	struct core *core;
	struct ev_loop *loop;
	struct {
		int fd;
		sa_family_t family;
		ev_io io;
	} sockets[CORE_SOCKETS];
	size_t count;
	int sink;
} receiver = {.sink = -1};

/* ---- between cores ------------------------------------------------------------------------- */

static void core_readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	for (int i = 0; i < READS_PER_WAKE; i++) {
		uint8_t datagram[SNO_DATAGRAM_MAX + 1];
		struct sockaddr_storage ss;
		socklen_t ss_length = sizeof(ss);
		struct endpoint from;
		ssize_t length = recvfrom(io->fd, datagram, sizeof(datagram), MSG_DONTWAIT,
					  (struct sockaddr *)&ss, &ss_length);

		/* Errors of earlier sendings (port unreachable) arrive here; silence tells as much.
		 */
		if (length < 0 && errno != EAGAIN && errno != EINTR)
			continue;
		if (length < 0)
			return;
		if (endpoint_from_sockaddr(&from, &ss) == 0)
			peer_receive(receiver.core, &from, datagram, (size_t)length, clock_now());
	}
}

static int to_peer(void *context, struct peer *peer, const uint8_t *datagram, size_t length)
{
	struct sockaddr_storage ss;
	socklen_t ss_length = endpoint_to_sockaddr(&peer->endpoint, &ss);

	(void)context;
	for (size_t i = 0; i < receiver.count; i++) {
		if (receiver.sockets[i].family != peer->endpoint.addr.family)
			continue;
		if (sendto(receiver.sockets[i].fd, datagram, length, MSG_DONTWAIT,
			   (struct sockaddr *)&ss, ss_length) < 0)
			return -errno;
		return 0;
	}
	return -EAFNOSUPPORT;
}

static int core_socket(const struct addr *address, uint16_t port)
{
	const struct endpoint local = {.addr = *address, .port = port};
	struct sockaddr_storage ss;
	socklen_t ss_length = endpoint_to_sockaddr(&local, &ss);
	char text[ENDPOINT_TEXT];
	int on = 1, error;
	int fd = socket(address->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);

	if (fd >= 0 &&
	    (address->family == AF_INET ||
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
	    bind(fd, (struct sockaddr *)&ss, ss_length) == 0)
		return fd;
	error = errno;
	log_warn_errno(error,
		       "cannot listen on %s: is the address configured on this host, and no "
		       "other core agent running?",
		       endpoint_format(&local, text));
	if (fd >= 0)
		close(fd);
	return -error;
}

/*
 * The bridge hands up what its ports' packet sockets have read already. This socket takes it and
 * its filter drops it: without it the kernel would answer every terminal with port unreachable.
 */
static int sink_open(const struct config *config)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	const struct sock_fprog drop_all = {.len = 1, .filter = code};
	const char *bridge = config->access.bridge;
	const struct endpoint any = {.addr = {.family = AF_INET6}, .port = config->access.port};
	struct sockaddr_storage ss;
	socklen_t length = endpoint_to_sockaddr(&any, &ss);
	int on = 1, error;

	receiver.sink = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	if (receiver.sink >= 0 &&
	    setsockopt(receiver.sink, SOL_SOCKET, SO_ATTACH_FILTER, &drop_all, sizeof(drop_all)) ==
		    0 &&
	    setsockopt(receiver.sink, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0 &&
	    setsockopt(receiver.sink, SOL_SOCKET, SO_BINDTODEVICE, bridge,
		       (socklen_t)strlen(bridge) + 1) == 0 &&
	    bind(receiver.sink, (struct sockaddr *)&ss, length) == 0)
		return 0;
	error = errno;
	log_warn_errno(error, "cannot take UDP port %u on %s", config->access.port, bridge);
	return -error;
}

void receive_begin(struct ev_loop *loop)
{
	receiver.loop = loop;
}

int receive_open(struct core *core)
{
	const struct config *config = core->config;
	int result = sink_open(config);

	if (result < 0)
		return result;
	receiver.core = core;
	for (size_t i = 0; i < config->listen_count && i < CORE_SOCKETS; i++) {
		int fd = core_socket(&config->listen[i], config->port);

		if (fd < 0)
			return fd;
		receiver.sockets[i].fd = fd;
		receiver.sockets[i].family = config->listen[i].family;
		ev_io_init(&receiver.sockets[i].io, core_readable, fd, EV_READ);
		ev_io_start(receiver.loop, &receiver.sockets[i].io);
		receiver.count = i + 1;
	}
	return 0;
}

void receive_close(void)
{
	for (size_t i = 0; i < receiver.count; i++) {
		ev_io_stop(receiver.loop, &receiver.sockets[i].io);
		close(receiver.sockets[i].fd);
	}
	if (receiver.sink >= 0)
		close(receiver.sink);
	receiver.sink = -1;
	receiver.count = 0;
	receiver.core = NULL;
	receiver.loop = NULL;
}

/* ---- the access side ----------------------------------------------------------------------- */

/* What an access datagram is for: known by its type, before anything else of it is read. */
static enum drop access_datagram(struct satellite *satellite, const struct frame *f, usec_t now)
{
	struct session *session;
	uint32_t index;

	if (f->length > SNO_DATAGRAM_MAX)
		return DROP_LONG;
	if (f->length < SNO_HEAD_LENGTH)
		return DROP_SHORT;
	if (access_receiver_index(f->payload, f->length, &index)) {
		session = session_by_index(satellite->core, index);
		if (!session)
			return DROP_INDEX;
		return session_receive(session, satellite, &f->src, f->payload, f->length, now);
	}
	return registration_discovery(satellite, &f->src, &f->ip_src, f->payload, f->length, now);
}

void receive_frame(struct satellite *satellite, const uint8_t *octets, size_t length, usec_t now)
{
	struct core *core = satellite->core;
	struct frame f;
	enum drop drop;

	if (frame_parse(&f, octets, length) < 0 || f.dport != core->config->access.port)
		return;
	/* Hop limit 255: from this link and nowhere else (as in RFC 4861 section 6.1). */
	if (f.hop_limit != 255 || f.sport != core->config->access.port ||
	    !addr_link_local(&f.ip_src) || (f.src.bytes[0] & 1))
		drop = DROP_VALUE;
	else
		drop = access_datagram(satellite, &f, now);
	if (drop != DROP_NONE)
		core->counters.drops[drop]++;
}

static void frame_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct satellite *satellite = io->data;

	(void)loop;
	(void)events;
	for (int i = 0; i < READS_PER_WAKE && satellite->fd >= 0; i++) {
		uint8_t octets[FRAME_OVERHEAD + SNO_DATAGRAM_MAX + 64];
		ssize_t length = recv(satellite->fd, octets, sizeof(octets), MSG_DONTWAIT);

		if (length < 0)
			return;
		receive_frame(satellite, octets, (size_t)length, clock_now());
	}
}

/* Incoming IPv6/UDP to the access port; the rest is none of our business. */
static int frame_filter(int fd, uint16_t port)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 7, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 0, 5),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 14 + 40 + 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int frame_socket(const struct satellite *satellite)
{
	const struct sockaddr_ll port = {.sll_family = AF_PACKET,
					 .sll_protocol = htons(ETH_P_ALL),
					 .sll_ifindex = (int)satellite->port};
	/* Protocol 0 hears nothing until it is bound, so nothing from elsewhere slips in. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd >= 0 && frame_filter(fd, satellite->core->config->access.port) == 0 &&
	    bind(fd, (const struct sockaddr *)&port, sizeof(port)) == 0)
		return fd;
	error = errno;
	log_warn_errno(error, "satellite %s: cannot read frames on %s", satellite->name,
		       satellite->interface);
	if (fd >= 0)
		close(fd);
	return -error;
}

int receive_satellite_open(struct satellite *satellite)
{
	ev_io *io;
	int fd;

	if (!receiver.loop)
		return 0;
	io = malloc(sizeof(*io));
	if (!io)
		return -ENOMEM;
	fd = frame_socket(satellite);
	if (fd < 0) {
		free(io);
		return fd;
	}
	satellite->fd = fd;
	satellite->watcher = io;
	ev_io_init(io, frame_readable, fd, EV_READ);
	io->data = satellite;
	ev_io_start(receiver.loop, io);
	return 0;
}

void receive_satellite_close(struct satellite *satellite)
{
	if (satellite->fd < 0)
		return;
	ev_io_stop(receiver.loop, satellite->watcher);
	free(satellite->watcher);
	close(satellite->fd);
	satellite->watcher = NULL;
	satellite->fd = -1;
}

static int to_satellite(void *context, struct satellite *satellite, const uint8_t *frame,
			size_t length)
{
	(void)context;
	if (satellite->fd < 0)
		return -ENETDOWN;
	return send(satellite->fd, frame, length, MSG_DONTWAIT) < 0 ? -errno : 0;
}

const struct core_io receive_io = {.to_peer = to_peer, .to_satellite = to_satellite};
