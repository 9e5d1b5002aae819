/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packet sockets for the access side; see link_socket.h. */
#include "link_socket.h"

#include "message.h"

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

#define AT_TYPE	     12 /* of an Ethernet frame; the rest counts from there, too */
#define AT_NEXT	     20 /* IPv6: next header */
#define AT_IPV6_DST  38
#define AT_UDP_PORT  56 /* IPv6: destination port */
#define AT_MESSAGE   62 /* what UDP carries */
#define AT_INDEX     66 /* the id in its head */
#define PROOF_OCTETS 19 /* of the attribute HANDOVER_PROOF */
#define WHOLE	     0xffff
#define BEGINNING    64

static int attach(int fd, struct sock_filter *code, size_t length)
{
	const struct sock_fprog program = {.len = (unsigned short)length, .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* A packet socket on this interface, with such a filter; or -errno. */
static int open_filtered(unsigned int ifindex, struct sock_filter *code, size_t length)
{
	const struct sockaddr_ll link = {.sll_family = AF_PACKET,
					 .sll_protocol = htons(ETH_P_ALL),
					 .sll_ifindex = (int)ifindex};
	/* Protocol 0 hears nothing until it is bound, so nothing from elsewhere slips in. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || attach(fd, code, length) < 0 ||
	    bind(fd, (const struct sockaddr *)&link, sizeof(link)) < 0)
		return close_with(fd);
	return fd;
}

/* ---- sockets ---------------------------------------------------------------------------- */

int link_socket_open(unsigned int ifindex, uint16_t udp_port, enum link_queue queue, uint16_t mark)
{
	const uint32_t ours = queue == LINK_OURS || queue == LINK_ALL ? WHOLE : 0,
		       proving = queue == LINK_PROVING || queue == LINK_ALL ? WHOLE : 0,
		       rest = queue == LINK_REST || queue == LINK_ALL ? WHOLE : 0;
	/*
	 * Incoming IPv6/UDP to the access port; the rest is not our business. The proof is a
	 * discovery's last attribute, and long enough to count from the end.
	 */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 23, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 0, 21),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_NEXT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 19),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_UDP_PORT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, udp_port, 0, 17),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, AT_MESSAGE + PROOF_OCTETS, 0, 14),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_MESSAGE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MESSAGE_SEALED, 7, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MESSAGE_COOKIE_PROOF, 10, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MESSAGE_CORE_DISCOVERY, 0, 10),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, PROOF_OCTETS),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ATTR_HANDOVER_PROOF, 4, 5),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_INDEX),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, LINK_MARK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mark, 0, 2),
		BPF_STMT(BPF_RET | BPF_K, ours),
		BPF_STMT(BPF_RET | BPF_K, proving),
		BPF_STMT(BPF_RET | BPF_K, rest),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	return open_filtered(ifindex, code, sizeof(code) / sizeof(code[0]));
}

int link_socket_users(unsigned int ifindex)
{
	/* What is said on the link itself is for a link-local address, or a group. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 7),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 0, 4),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_IPV6_DST),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffc0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xfe80, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, BEGINNING),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	int fd = open_filtered(ifindex, code, sizeof(code) / sizeof(code[0]));
	int least = 1;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)) < 0)
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
	struct sock_filter drop_all[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(udp_port)};
	int on = 1;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);

	if (fd < 0 || attach(fd, drop_all, 1) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
		       (socklen_t)strlen(interface) + 1) < 0 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return close_with(fd);
	return fd;
}
