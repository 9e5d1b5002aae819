/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends a datagram on one end of a cable and says which queues of a core's port at the other end
 * have heard it (common/link_socket.h), for tests/netns/queues.t:
 *
 *	queue-tool FROM AT KIND	ours, proving, rest and all, as far as they have; none
 */
#include "addr.h"
#include "cookie.h"
#include "frame.h"
#include "link_socket.h"
#include "message.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define MARK	 0xbea0
#define OURS	 (((uint32_t)MARK | 7) << 16 | 0x1234)
#define NOT_OURS (OURS ^ 0x00100000)

static const char *const names[] = {"ours", "proving", "rest", "all"};

static size_t discovery(uint8_t *out, bool short_proof)
{
	static const uint8_t octets[100];
	struct message m;
	int length;

	message_init(&m, MESSAGE_CORE_DISCOVERY, 1);
	message_set_text(&m, ATTR_REALM, "a.example");
	message_set_blob(&m, ATTR_HANDSHAKE, octets, sizeof(octets));
	if (short_proof) {
		message_set_number(&m, ATTR_COUNTER, 1);
		message_set_octets(&m, ATTR_ARRIVAL, octets);
		message_set_octets(&m, ATTR_HANDOVER_TAG, octets);
		message_set_octets(&m, ATTR_HANDOVER_PROOF, octets);
	}
	length = message_write(&m, out, SNO_DATAGRAM_MAX);
	return length < 0 ? 0 : (size_t)length;
}

static size_t proof_of(uint8_t *out, bool short_proof)
{
	static const uint8_t cookie[COOKIE_LENGTH];
	uint8_t inner[SNO_DATAGRAM_MAX];
	int length = cookie_prove(out, SNO_DATAGRAM_MAX, NULL, cookie, inner,
				  discovery(inner, short_proof));

	return length < 0 ? 0 : (size_t)length;
}

static size_t sealed(uint8_t *out, uint32_t index)
{
	memset(out, 0, 40);
	message_write_head(out, MESSAGE_SEALED, index);
	return 40;
}

/* What the kinds are; of what is not for the access port only the frame differs. */
static size_t datagram(uint8_t *out, const char *kind)
{
	if (!strcmp(kind, "sealed"))
		return sealed(out, OURS);
	if (!strcmp(kind, "sealed-otherwise"))
		return sealed(out, NOT_OURS);
	if (!strcmp(kind, "short-proof"))
		return discovery(out, true);
	if (!strcmp(kind, "cookie-proof"))
		return proof_of(out, false);
	if (!strcmp(kind, "both-proofs"))
		return proof_of(out, true);
	if (!strcmp(kind, "too-short"))
		return sealed(out, OURS) ? 7 : 0;
	return discovery(out, false);
}

static int sender(const char *interface)
{
	const struct sockaddr_ll link = {.sll_family = AF_PACKET,
					 .sll_protocol = 0,
					 .sll_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	return bind(fd, (const struct sockaddr *)&link, sizeof(link)) < 0 ? -1 : fd;
}

static int transmit(int fd, const char *kind)
{
	uint8_t payload[SNO_DATAGRAM_MAX], octets[FRAME_OVERHEAD + SNO_DATAGRAM_MAX];
	struct frame f = {.dst = {.bytes = {0x33, 0x33, [5] = 1}},
			  .src = {.bytes = {2, [5] = 1}},
			  .ip_src = {.family = AF_INET6, .bytes = {0xfe, 0x80, [15] = 2}},
			  .ip_dst = {.family = AF_INET6, .bytes = {0xff, 2, [15] = 1}},
			  .sport = SNO_ACCESS_PORT,
			  .dport = strcmp(kind, "elsewhere") ? SNO_ACCESS_PORT : 53,
			  .hop_limit = 255,
			  .payload = payload};
	int length;

	f.length = datagram(payload, kind);
	length = frame_build(&f, octets, sizeof(octets));
	if (f.length == 0 || length < 0)
		return -1;
	return send(fd, octets, (size_t)length, 0) == length ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct pollfd polls[LINK_ALL + 1];
	bool heard = false;
	int from;

	if (argc != 4) {
		fprintf(stderr, "usage: queue-tool FROM AT KIND\n");
		return 2;
	}
	from = sender(argv[1]);
	for (unsigned int q = 0; q <= LINK_ALL; q++) {
		polls[q].events = POLLIN;
		polls[q].fd = link_socket_open(if_nametoindex(argv[2]), SNO_ACCESS_PORT,
					       (enum link_queue)q, MARK);
		if (polls[q].fd < 0)
			return 1;
	}
	if (from < 0 || transmit(from, argv[3]) < 0) {
		perror(argv[1]);
		return 1;
	}
	/* A cable delivers at once; what has come is counted when there was time for all of it. */
	poll(NULL, 0, 100);
	poll(polls, LINK_ALL + 1, 0);
	for (unsigned int q = 0; q <= LINK_ALL; q++)
		if (polls[q].revents & POLLIN) {
			printf("%s%s", heard ? " " : "", names[q]);
			heard = true;
		}
	puts(heard ? "" : "none");
	return 0;
}
