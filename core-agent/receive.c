/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets in and out; see receive.h.
 *
 * A satellite's port is read frame by frame, because only that tells the port and the Ethernet
 * address (PROTOCOL section 5.1). What all that was read at one moment gives cause to say to a peer
 * leaves in bundles: a crowd's terminals come at one moment.
 */
#define _GNU_SOURCE
#include "receive.h"

#include "core_socket.h"
#include "discovery.h"
#include "frame.h"
#include "link_socket.h"
#include "log.h"
#include "peer.h"
#include "preparation.h"
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENERS      8  /* addresses for other cores */
#define READS_PER_WAKE 64 /* datagrams read before other events get their turn */
#define TURNS_FIRST    8  /* as often, of those who are read first */

/*
 * Octets that wait in a socket, as the kernel counts them (some 1,300 for a discovery, and twice
 * what we say): when a satellite changes its core all its terminals speak at one moment, and what
 * is lost then is repeated only after half a second. But where strangers stand in line with a
 * flood, a longer line than for a crowd of ten thousand would only make them wait.
 */
#define RECEIVE_ROOM   (32 << 20)
#define STRANGERS_ROOM (8 << 20)

static struct {
	struct core *core;
	struct ev_loop *loop;
	struct listener {
		sa_family_t family;
		int fds[CORE_QUEUES];
		ev_io io[CORE_QUEUES];
	} listeners[LISTENERS];
	size_t count;
	int sink;
} receiver = {.sink = -1};

/* ---- reading ------------------------------------------------------------------------------- */

/* What one call has read: a lone datagram, as most of the time, costs no second one. */
static struct {
	struct mmsghdr heads[READS_PER_WAKE];
	struct iovec parts[READS_PER_WAKE];
	struct sockaddr_storage from[READS_PER_WAKE];
	uint8_t octets[READS_PER_WAKE][FRAME_OVERHEAD + SNO_DATAGRAM_MAX + 64];
} inbox;

static int inbox_read(int fd, size_t room)
{
	int count;

	for (size_t i = 0; i < READS_PER_WAKE; i++) {
		inbox.parts[i] = (struct iovec){.iov_base = inbox.octets[i], .iov_len = room};
		inbox.heads[i].msg_hdr = (struct msghdr){.msg_name = &inbox.from[i],
							 .msg_namelen = sizeof(inbox.from[i]),
							 .msg_iov = &inbox.parts[i],
							 .msg_iovlen = 1};
	}
	/* Errors of earlier sendings (port unreachable) arrive here; silence tells as much. */
	for (int tries = 0; tries < READS_PER_WAKE; tries++) {
		count = recvmmsg(fd, inbox.heads, READS_PER_WAKE, MSG_DONTWAIT, NULL);
		if (count >= 0)
			return count;
		if (errno == EAGAIN || errno == EINTR)
			break;
	}
	return 0;
}

/*
 * What several datagrams give cause to say leaves in bundles; what a lone one does leaves at once,
 * before what else is to be done for it.
 */
static void gather(int count)
{
	if (count > 1)
		peers_gather(receiver.core);
}

static void flush(int count)
{
	if (count > 1)
		peers_flush(receiver.core, clock_now());
}

/* Who is read first is read to the end, as long as that is not endless. */
static int turns_of(const ev_io *io)
{
	return ev_priority(io) == 0 ? 1 : TURNS_FIRST;
}

/* ---- between cores ------------------------------------------------------------------------- */

static bool read_peers(int fd)
{
	int count = inbox_read(fd, SNO_DATAGRAM_MAX + 1);

	gather(count);
	for (int i = 0; i < count; i++) {
		struct endpoint from;

		if (endpoint_from_sockaddr(&from, &inbox.from[i]) == 0)
			peer_receive(receiver.core, &from, inbox.octets[i], inbox.heads[i].msg_len,
				     clock_now());
	}
	flush(count);
	return count == READS_PER_WAKE;
}

static void core_readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	for (int turns = turns_of(io); turns > 0 && read_peers(io->fd); turns--)
		;
	preparations_settle(receiver.core, clock_now());
}

static int to_peer(void *context, const struct peer *peer, const struct endpoint *to,
		   const uint8_t *datagram, size_t length)
{
	struct sockaddr_storage ss;
	socklen_t ss_length = endpoint_to_sockaddr(to, &ss);

	(void)context;
	(void)peer;
	for (size_t i = 0; i < receiver.count; i++) {
		if (receiver.listeners[i].family != to->addr.family)
			continue;
		if (sendto(receiver.listeners[i].fds[0], datagram, length, MSG_DONTWAIT,
			   (struct sockaddr *)&ss, ss_length) < 0)
			return -errno;
		return 0;
	}
	return -EAFNOSUPPORT;
}

/* Beyond net.core.rmem_max where we may; as much as that allows elsewhere. */
static void make_room(int fd, bool strangers)
{
	const int octets = strangers ? STRANGERS_ROOM : RECEIVE_ROOM;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(octets)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof(octets));
}

static int listen_on(const struct endpoint *local, struct listener *l)
{
	/* What a stranger cannot fill without a guess is read first. */
	static const int priority[CORE_QUEUES] = {[CORE_OURS] = EV_MAXPRI};
	char text[ENDPOINT_TEXT];
	int result = core_socket_open(local, l->fds);

	if (result < 0) {
		log_warn_errno(-result,
			       "cannot listen on %s: is the address configured on this host, and "
			       "no other core agent running?",
			       endpoint_format(local, text));
		return result;
	}
	l->family = local->addr.family;
	for (size_t i = 0; i < CORE_QUEUES; i++) {
		make_room(l->fds[i], i != CORE_OURS);
		ev_io_init(&l->io[i], core_readable, l->fds[i], EV_READ);
		ev_set_priority(&l->io[i], priority[i]);
		ev_io_start(receiver.loop, &l->io[i]);
	}
	return 0;
}

void receive_peers_changed(const struct core *core)
{
	struct addr peers[PEER_SLOTS];
	const struct peer *peer;
	size_t count = 0;

	for (peer = core->peers; peer && count < PEER_SLOTS; peer = peer->hh.next)
		peers[count++] = peer->endpoint.addr;
	for (size_t i = 0; i < receiver.count; i++) {
		const struct listener *l = &receiver.listeners[i];
		int result = core_socket_sort(l->fds, l->family, channel_mark(), peers, count);

		if (result < 0)
			log_warn_errno(-result, "the kernel does not sort what comes from other "
						"cores; a flood can drown it");
	}
}

void receive_begin(struct ev_loop *loop)
{
	receiver.loop = loop;
}

int receive_open(struct core *core)
{
	const struct config *config = core->config;

	/* The bridge hands up what its ports' packet sockets have read already. */
	receiver.sink = link_socket_sink(config->access.bridge, config->access.port);
	if (receiver.sink < 0) {
		log_warn_errno(receiver.sink,
			       "cannot take UDP port %u on %s (does another core agent run here?)",
			       config->access.port, config->access.bridge);
		return receiver.sink;
	}
	receiver.core = core;
	for (size_t i = 0; i < config->listen_count && i < LISTENERS; i++) {
		const struct endpoint local = {.addr = config->listen[i], .port = config->port};
		int result = listen_on(&local, &receiver.listeners[i]);

		if (result < 0)
			return result;
		receiver.count = i + 1;
	}
	receive_peers_changed(core);
	return 0;
}

void receive_close(void)
{
	for (size_t i = 0; i < receiver.count; i++)
		for (size_t q = 0; q < CORE_QUEUES; q++) {
			ev_io_stop(receiver.loop, &receiver.listeners[i].io[q]);
			close(receiver.listeners[i].fds[q]);
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
	enum message_type type;
	uint32_t index;
	enum drop drop;

	if (f->length > SNO_DATAGRAM_MAX)
		return DROP_LONG;
	drop = message_read_head(f->payload, f->length, &type, &index);
	if (drop != DROP_NONE)
		return drop;
	if (type == MESSAGE_SEALED) {
		if (f->length < ACCESS_OVERHEAD)
			return DROP_SHORT;
		session = access_receiver_index(f->payload, f->length, &index)
				  ? session_by_index(satellite->core, index)
				  : NULL;
		if (!session)
			return DROP_INDEX;
		return session_receive(session, satellite, &f->src, f->payload, f->length, now);
	}
	return discovery_receive(satellite, &f->src, &f->ip_src, f->payload, f->length, now);
}

void receive_frame(struct satellite *satellite, const uint8_t *octets, size_t length, usec_t now)
{
	struct core *core = satellite->core;
	struct frame f;
	enum drop drop;

	if (frame_parse(&f, octets, length) < 0 || f.dport != core->config->access.port)
		return;
	/*
	 * Hop limit 255: from this link and nowhere else (as in RFC 4861 section 6.1). A terminal
	 * with the gateway's own address would draw all other terminals' packets to it.
	 */
	if (f.hop_limit != 255 || f.sport != core->config->access.port ||
	    !addr_link_local(&f.ip_src) || (f.src.bytes[0] & 1) ||
	    lladdr_equal(&f.src, &core->config->access.gateway_mac))
		drop = DROP_VALUE;
	else
		drop = access_datagram(satellite, &f, now);
	if (drop != DROP_NONE)
		core->counters.drops[drop]++;
}

static bool read_frames(struct satellite *satellite, int fd)
{
	int count = inbox_read(fd, sizeof(inbox.octets[0]));

	gather(count);
	for (int i = 0; i < count && satellite->fds[LINK_REST] >= 0; i++)
		receive_frame(satellite, inbox.octets[i], inbox.heads[i].msg_len, clock_now());
	flush(count);
	return count == READS_PER_WAKE && satellite->fds[LINK_REST] >= 0;
}

static void frame_readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	for (int turns = turns_of(io); turns > 0 && read_frames(io->data, io->fd); turns--)
		;
}

static int queue_open(struct satellite *satellite, enum link_queue queue)
{
	static const int priority[LINK_QUEUES] = {
		[LINK_OURS] = EV_MAXPRI, [LINK_PROVING] = EV_MAXPRI - 1};
	const struct core *core = satellite->core;
	ev_io *io = malloc(sizeof(*io));
	int fd;

	if (!io)
		return -ENOMEM;
	fd = link_socket_open(satellite->port, core->config->access.port, queue, core->access_mark);
	if (fd < 0) {
		log_warn_errno(fd, "satellite %s: cannot read frames on %s", satellite->name,
			       satellite->interface);
		free(io);
		return fd;
	}
	make_room(fd, queue != LINK_OURS);
	ev_io_init(io, frame_readable, fd, EV_READ);
	ev_set_priority(io, priority[queue]);
	io->data = satellite;
	ev_io_start(receiver.loop, io);
	satellite->fds[queue] = fd;
	satellite->watchers[queue] = io;
	return 0;
}

int receive_satellite_open(struct satellite *satellite)
{
	int result = 0;

	if (!receiver.loop)
		return 0;
	for (unsigned int q = 0; q < LINK_QUEUES && result == 0; q++)
		result = queue_open(satellite, (enum link_queue)q);
	if (result < 0)
		receive_satellite_close(satellite);
	return result;
}

void receive_satellite_close(struct satellite *satellite)
{
	for (size_t q = 0; q < LINK_QUEUES; q++) {
		if (satellite->fds[q] < 0)
			continue;
		ev_io_stop(receiver.loop, satellite->watchers[q]);
		free(satellite->watchers[q]);
		close(satellite->fds[q]);
		satellite->watchers[q] = NULL;
		satellite->fds[q] = -1;
	}
}

static int to_satellite(void *context, struct satellite *satellite, const uint8_t *frame,
			size_t length)
{
	(void)context;
	if (satellite->fds[LINK_REST] < 0)
		return -ENETDOWN;
	return send(satellite->fds[LINK_REST], frame, length, MSG_DONTWAIT) < 0 ? -errno : 0;
}

const struct core_io receive_io = {.to_peer = to_peer, .to_satellite = to_satellite};
