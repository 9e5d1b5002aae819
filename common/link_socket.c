/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packet sockets for the access side; see link_socket.h. */
#include "link_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int close_with(int fd)
{
	int error = -errno;

	if (fd >= 0)
		close(fd);
	return error;
}

/* ---- what is heard ---------------------------------------------------------------------- */

#define AT_TYPE	    12 /* of an Ethernet frame; the rest counts from there, too */
#define AT_NEXT	    20 /* IPv6: next header */
#define AT_IPV6_DST 38
#define AT_UDP_PORT 56 /* IPv6: destination port */
#define AT_IPV4_DST 30
#define WHOLE	    0xffff

/* Instructions: some twenty, and at most 13 for each destination. */
struct program {
	struct sock_filter code[24 + 13 * LINK_SOCKET_WATCHED];
	unsigned short length;
};

static void emit(struct program *p, uint16_t code, uint32_t k, uint8_t on_true, uint8_t on_false)
{
	p->code[p->length++] = (struct sock_filter)BPF_JUMP(code, k, on_true, on_false);
}

static void load(struct program *p, uint16_t size, uint32_t at)
{
	emit(p, (uint16_t)(BPF_LD | size | BPF_ABS), at, 0, 0);
}

static void give(struct program *p, uint32_t octets)
{
	emit(p, BPF_RET | BPF_K, octets, 0, 0);
}

/* Hears the frame when the address at this place is in the prefix; else goes on behind. */
static void hear_prefix(struct program *p, uint32_t at, const struct prefix *prefix)
{
	unsigned int words = (prefix->length + 31u) / 32, rest = prefix->length % 32;

	for (unsigned int i = 0; i < words; i++) {
		bool part = rest && i + 1 == words;
		/* Behind this one: three for a word, or two, and the return. */
		unsigned int behind = 2 * (words - i - 1) + (rest && !part ? 1 : 0) + 1;
		uint32_t word;

		memcpy(&word, prefix->addr.bytes + 4 * (size_t)i, sizeof(word));
		load(p, BPF_W, at + 4 * i);
		if (part)
			emit(p, BPF_ALU | BPF_AND | BPF_K, ~0u << (32 - rest), 0, 0);
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, ntohl(word), 0, (uint8_t)behind);
	}
	give(p, WHOLE);
}

static void hear_family(struct program *p, sa_family_t family, uint32_t at,
			const struct prefix *destinations, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (destinations[i].addr.family == family)
			hear_prefix(p, at, &destinations[i]);
	give(p, 0);
}

/* Incoming IPv6/UDP to the access port, and what is watched for; the rest is not our business. */
static int set_filter(int fd, uint16_t udp_port, const struct prefix *destinations, size_t count)
{
	struct program p = {.length = 0};
	struct sock_fprog program;
	unsigned short branch;

	load(&p, BPF_H, (uint32_t)SKF_AD_OFF + SKF_AD_PKTTYPE);
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1);
	give(&p, 0);
	load(&p, BPF_H, AT_TYPE);
	branch = p.length;
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 0, 0);
	load(&p, BPF_B, AT_NEXT);
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3);
	load(&p, BPF_H, AT_UDP_PORT);
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, udp_port, 0, 1);
	give(&p, WHOLE);
	hear_family(&p, AF_INET6, AT_IPV6_DST, destinations, count);
	p.code[branch].jf = (uint8_t)(p.length - branch - 1);
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 1, 0);
	give(&p, 0);
	hear_family(&p, AF_INET, AT_IPV4_DST, destinations, count);

	program = (struct sock_fprog){.len = p.length, .filter = p.code};
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

int link_socket_watch(int fd, uint16_t udp_port, const struct prefix *destinations, size_t count)
{
	if (count > LINK_SOCKET_WATCHED)
		return -EINVAL;
	return set_filter(fd, udp_port, destinations, count) < 0 ? -errno : 0;
}

/* ---- sockets ---------------------------------------------------------------------------- */

int link_socket_open(unsigned int ifindex, uint16_t udp_port)
{
	const struct sockaddr_ll link = {.sll_family = AF_PACKET,
					 .sll_protocol = htons(ETH_P_ALL),
					 .sll_ifindex = (int)ifindex};
	/* Protocol 0 hears nothing until it is bound, so nothing from elsewhere slips in. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || set_filter(fd, udp_port, NULL, 0) < 0 ||
	    bind(fd, (const struct sockaddr *)&link, sizeof(link)) < 0)
		return close_with(fd);
	return fd;
}

int link_socket_join(int fd, unsigned int ifindex, const uint8_t address[6])
{
	struct packet_mreq group = {
		.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_MULTICAST, .mr_alen = ETH_ALEN};

	memcpy(group.mr_address, address, ETH_ALEN);
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -errno;
	return 0;
}

int link_socket_sink(const char *interface, uint16_t udp_port)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	const struct sock_fprog drop_all = {.len = 1, .filter = code};
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(udp_port)};
	int on = 1;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &drop_all, sizeof(drop_all)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
		       (socklen_t)strlen(interface) + 1) < 0 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return close_with(fd);
	return fd;
}
