/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames in and out, many at a time; see radio.h. */
#define _GNU_SOURCE /* sendmmsg */
#include "radio.h"

#include "message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH	       64
#define FRAME_MAX      2048
#define RECEIVE_BUFFER (64 << 20)

struct radio {
	int fd;
	unsigned int waiting; /* frames to be sent */
	uint64_t unsent;
	uint32_t overflow;
	struct mmsghdr out[BATCH], in[BATCH];
	struct iovec out_vectors[BATCH], in_vectors[BATCH];
	uint8_t out_octets[BATCH][FRAME_OVERHEAD + SNO_DATAGRAM_MAX];
	uint8_t in_octets[BATCH][FRAME_MAX];
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t))];
	} control[BATCH];
};

static int set_up(int fd, unsigned int ifindex, uint16_t ethertype)
{
	const struct sockaddr_ll link = {.sll_family = AF_PACKET,
					 .sll_protocol = htons(ethertype),
					 .sll_ifindex = (int)ifindex};
	/* Frames to each terminal, none of which has the interface's address. */
	const struct packet_mreq all = {.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_PROMISC};
	const int on = 1, octets = RECEIVE_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(octets)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof(octets)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) < 0 ||
	    bind(fd, (const struct sockaddr *)&link, sizeof(link)) < 0)
		return -errno;
	return 0;
}

int radio_open(struct radio **radio, const char *interface, uint16_t ethertype)
{
	unsigned int ifindex = if_nametoindex(interface);
	struct radio *r = calloc(1, sizeof(*r));
	int result = -ENOMEM;

	if (!r)
		return result;
	r->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	result = r->fd < 0 ? -errno : ifindex == 0 ? -ENODEV : set_up(r->fd, ifindex, ethertype);
	for (int i = 0; i < BATCH; i++) {
		r->out_vectors[i].iov_base = r->out_octets[i];
		r->out[i].msg_hdr = (struct msghdr){.msg_iov = &r->out_vectors[i], .msg_iovlen = 1};
		r->in_vectors[i] = (struct iovec){r->in_octets[i], FRAME_MAX};
	}
	*radio = r;
	if (result < 0)
		radio_close(r);
	return result;
}

void radio_close(struct radio *radio)
{
	if (radio->fd >= 0)
		close(radio->fd);
	free(radio);
}

int radio_fd(const struct radio *radio)
{
	return radio->fd;
}

uint64_t radio_unsent(const struct radio *radio)
{
	return radio->unsent;
}

uint64_t radio_overflow(const struct radio *radio)
{
	return radio->overflow;
}

/* ---- out ----------------------------------------------------------------------------------- */

void radio_flush(struct radio *radio)
{
	struct pollfd room = {.fd = radio->fd, .events = POLLOUT};
	unsigned int sent = 0;

	while (sent < radio->waiting) {
		int n = sendmmsg(radio->fd, radio->out + sent, radio->waiting - sent, 0);

		if (n > 0)
			sent += (unsigned int)n;
		else if (errno == EAGAIN || errno == EINTR)
			poll(&room, 1, 1000);
		else
			radio->unsent++, sent++;
	}
	radio->waiting = 0;
}

void radio_send(struct radio *radio, const struct frame *frame)
{
	unsigned int i = radio->waiting;
	int length = frame_build(frame, radio->out_octets[i], sizeof(radio->out_octets[i]));

	if (length < 0) {
		radio->unsent++;
		return;
	}
	radio->out_vectors[i].iov_len = (size_t)length;
	if (++radio->waiting == BATCH)
		radio_flush(radio);
}

/* ---- in ------------------------------------------------------------------------------------ */

/* When a frame came in; counts what the kernel had no room for. */
static usec_t arrival(struct radio *radio, struct msghdr *message)
{
	struct timespec ts = {0};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		else if (c->cmsg_type == SO_RXQ_OVFL)
			memcpy(&radio->overflow, CMSG_DATA(c), sizeof(radio->overflow));
	}
	return ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

void radio_receive(struct radio *radio, radio_fn *fn, void *arg)
{
	int n;

	do {
		for (int i = 0; i < BATCH; i++)
			radio->in[i].msg_hdr =
				(struct msghdr){.msg_iov = &radio->in_vectors[i],
						.msg_iovlen = 1,
						.msg_control = radio->control[i].octets,
						.msg_controllen = sizeof(radio->control[i])};
		n = recvmmsg(radio->fd, radio->in, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			fn(arg, radio->in_octets[i], radio->in[i].msg_len,
			   arrival(radio, &radio->in[i].msg_hdr));
	} while (n == BATCH);
}
