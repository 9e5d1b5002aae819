/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends as fast as this machine can what costs a core most, for tests/netns/flood.t:
 *
 *	flood-tool access INTERFACE SECONDS REALM   discoveries that nobody has made, each from an
 *	                                            address of its own; with short proofs, with
 *	                                            cookie proofs, with neither; sealed datagrams
 *for nobody; garbage flood-tool core ADDRESS SECONDS HINT        likewise initiations in the name
 *of a peer (8 octets of hexadecimal), with and without cookie proofs, sealed datagrams, garbage
 *
 * Prints how many datagrams it has sent.
 */
#define _GNU_SOURCE /* sendmmsg */
#include "addr.h"
#include "clock.h"
#include "cookie.h"
#include "frame.h"
#include "keys.h"
#include "message.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define KINDS 5

static uint8_t octets[BATCH][FRAME_OVERHEAD + SNO_DATAGRAM_MAX];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];

/* Fast and not for secrets. */
static void scatter(void *buf, size_t length)
{
	static uint64_t state = 88172645463325252;
	uint8_t *out = buf;

	for (size_t i = 0; i < length; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		out[i] = (uint8_t)(state >> 24);
	}
}

static size_t garbage(uint8_t *out)
{
	scatter(out, 200);
	return 200;
}

static size_t sealed_for_nobody(uint8_t *out)
{
	scatter(out, 100);
	message_write_head(out, MESSAGE_SEALED, (uint32_t)rand() | 1);
	return 100;
}

static size_t discovery(uint8_t *out, const char *realm, bool short_proof)
{
	uint8_t handshake[179], proof[16];
	struct message m;
	int length;

	scatter(handshake, sizeof(handshake));
	scatter(proof, sizeof(proof));
	message_init(&m, MESSAGE_CORE_DISCOVERY, (uint32_t)rand() | 1);
	message_set_text(&m, ATTR_REALM, realm);
	message_set_blob(&m, ATTR_HANDSHAKE, handshake, sizeof(handshake));
	if (short_proof) {
		message_set_number(&m, ATTR_COUNTER, 1);
		message_set_octets(&m, ATTR_ARRIVAL, proof);
		message_set_octets(&m, ATTR_HANDOVER_TAG, proof);
		message_set_octets(&m, ATTR_HANDOVER_PROOF, proof);
	}
	length = message_write(&m, out, SNO_DATAGRAM_MAX);
	return length < 0 ? 0 : (size_t)length;
}

/* In a cookie proof, with a cookie that nobody has given. */
static size_t with_cookie(uint8_t *out, const uint8_t *datagram, size_t length)
{
	uint8_t cookie[COOKIE_LENGTH];
	int result;

	scatter(cookie, sizeof(cookie));
	result = cookie_prove(out, SNO_DATAGRAM_MAX, NULL, cookie, datagram, length);
	return result < 0 ? 0 : (size_t)result;
}

/* The nth datagram for the access side, in its frame. */
static size_t access_frame(uint8_t *out, unsigned int n, const char *realm)
{
	static const struct addr cores = {.family = AF_INET6,
					  .bytes = {0xff, 2, [12] = 0x62, [13] = 0x76, [15] = 1}};
	uint8_t datagram[SNO_DATAGRAM_MAX], inner[SNO_DATAGRAM_MAX];
	struct frame f = {.dst = frame_multicast(&cores),
			  .src = {.bytes = {2}},
			  .ip_src = {.family = AF_INET6, .bytes = {0xfe, 0x80}},
			  .ip_dst = cores,
			  .sport = SNO_ACCESS_PORT,
			  .dport = SNO_ACCESS_PORT,
			  .hop_limit = 255,
			  .payload = datagram};
	int length;

	scatter(f.src.bytes + 1, 5);
	scatter(f.ip_src.bytes + 8, 8);
	switch (n % KINDS) {
	case 0:
		f.length = garbage(datagram);
		break;
	case 1:
		f.length = sealed_for_nobody(datagram);
		break;
	case 2:
		f.length = with_cookie(datagram, inner, discovery(inner, realm, false));
		break;
	default:
		f.length = discovery(datagram, realm, n % KINDS == 3);
	}
	length = frame_build(&f, out, sizeof(octets[0]));
	return length < 0 ? 0 : (size_t)length;
}

static size_t initiation(uint8_t *out, uint64_t hint)
{
	scatter(out, 150);
	message_write_head(out, MESSAGE_HANDSHAKE_INITIATION, (uint32_t)rand() | 1);
	for (unsigned int i = 0; i < 8; i++)
		out[SNO_HEAD_LENGTH + i] = (uint8_t)(hint >> 8 * (7 - i));
	return 150;
}

static size_t core_datagram(uint8_t *out, unsigned int n, uint64_t hint)
{
	uint8_t inner[SNO_DATAGRAM_MAX];

	switch (n % KINDS) {
	case 0:
		return garbage(out);
	case 1:
		return sealed_for_nobody(out);
	case 2:
		return with_cookie(out, inner, initiation(inner, hint));
	default:
		return initiation(out, hint);
	}
}

static int access_socket(const char *interface)
{
	const struct sockaddr_ll link = {.sll_family = AF_PACKET,
					 .sll_protocol = htons(ETH_P_IPV6),
					 .sll_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	return bind(fd, (const struct sockaddr *)&link, sizeof(link)) < 0 ? -1 : fd;
}

static int core_socket(const char *address)
{
	struct endpoint to = {.port = SNO_CORE_PORT};
	struct sockaddr_storage ss;
	socklen_t length;
	int fd;

	if (addr_parse(&to.addr, address) < 0)
		return -1;
	length = endpoint_to_sockaddr(&to, &ss);
	fd = socket(to.addr.family, SOCK_DGRAM, 0);
	return connect(fd, (const struct sockaddr *)&ss, length) < 0 ? -1 : fd;
}

int main(int argc, char **argv)
{
	bool access = argc > 1 && !strcmp(argv[1], "access");
	unsigned long long sent = 0;
	unsigned int n = 0;
	usec_t end;
	int fd;

	if (argc != 5) {
		fprintf(stderr, "usage: flood-tool access|core WHERE SECONDS REALM|HINT\n");
		return 2;
	}
	fd = access ? access_socket(argv[2]) : core_socket(argv[2]);
	if (fd < 0) {
		perror(argv[2]);
		return 1;
	}
	end = clock_now() + (usec_t)(atof(argv[3]) * (double)USEC_PER_SEC);
	while (clock_now() < end) {
		int result;

		for (unsigned int i = 0; i < BATCH; i++, n++) {
			vectors[i].iov_base = octets[i];
			vectors[i].iov_len =
				access ? access_frame(octets[i], n, argv[4])
				       : core_datagram(octets[i], n, strtoull(argv[4], NULL, 16));
			messages[i].msg_hdr.msg_iov = &vectors[i];
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		result = sendmmsg(fd, messages, BATCH, 0);
		if (result > 0)
			sent += (unsigned long long)result;
	}
	printf("%llu\n", sent);
	return 0;
}
