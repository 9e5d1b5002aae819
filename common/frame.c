/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet, IPv6 and UDP around one payload; see frame.h. */
#include "frame.h"

#include <errno.h>
#include <net/ethernet.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#define ETHERNET_LENGTH sizeof(struct ether_header)
#define HEADERS_LENGTH	(ETHERNET_LENGTH + sizeof(struct ip6_hdr) + sizeof(struct udphdr))

_Static_assert(HEADERS_LENGTH == FRAME_OVERHEAD, "headers of a frame");

int frame_parse(struct frame *f, const uint8_t *octets, size_t length)
{
	struct ether_header ethernet;
	struct ip6_hdr ip;
	struct udphdr udp;
	size_t ip_payload, udp_length;

	if (length < HEADERS_LENGTH)
		return -EBADMSG;
	memcpy(&ethernet, octets, sizeof(ethernet));
	memcpy(&ip, octets + ETHERNET_LENGTH, sizeof(ip));
	memcpy(&udp, octets + ETHERNET_LENGTH + sizeof(ip), sizeof(udp));
	if (ethernet.ether_type != htons(ETHERTYPE_IPV6) || (ip.ip6_vfc >> 4) != 6 ||
	    ip.ip6_nxt != IPPROTO_UDP)
		return -EPROTONOSUPPORT;
	/* Short frames are padded by the link, so the packet may be shorter than the frame. */
	ip_payload = ntohs(ip.ip6_plen);
	udp_length = ntohs(udp.uh_ulen);
	if (ip_payload > length - ETHERNET_LENGTH - sizeof(ip) || udp_length != ip_payload ||
	    udp_length < sizeof(udp))
		return -EBADMSG;
	*f = (struct frame){
		.ip_src = {.family = AF_INET6, .v6 = ip.ip6_src},
		.ip_dst = {.family = AF_INET6, .v6 = ip.ip6_dst},
		.sport = ntohs(udp.uh_sport),
		.dport = ntohs(udp.uh_dport),
		.hop_limit = ip.ip6_hlim,
		.payload = octets + HEADERS_LENGTH,
		.length = udp_length - sizeof(udp),
	};
	memcpy(f->src.bytes, ethernet.ether_shost, ETH_ALEN);
	memcpy(f->dst.bytes, ethernet.ether_dhost, ETH_ALEN);
	return 0;
}

static uint32_t checksum_add(uint32_t sum, const void *data, size_t length)
{
	const uint8_t *p = data;

	for (; length > 1; p += 2, length -= 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	if (length)
		sum += (uint32_t)p[0] << 8;
	return sum;
}

/* RFC 8200 section 8.1: over a pseudo-header, and never zero for UDP. */
static uint16_t udp_checksum(const struct ip6_hdr *ip, const struct udphdr *udp,
			     const uint8_t *payload, size_t length)
{
	uint32_t sum = IPPROTO_UDP + (uint32_t)(sizeof(*udp) + length);

	sum = checksum_add(sum, &ip->ip6_src, sizeof(ip->ip6_src));
	sum = checksum_add(sum, &ip->ip6_dst, sizeof(ip->ip6_dst));
	sum = checksum_add(sum, udp, sizeof(*udp));
	sum = checksum_add(sum, payload, length);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	return sum ? (uint16_t)sum : 0xffff;
}

int frame_build(const struct frame *f, uint8_t *out, size_t capacity)
{
	struct ether_header ethernet = {.ether_type = htons(ETHERTYPE_IPV6)};
	struct ip6_hdr ip = {.ip6_src = f->ip_src.v6, .ip6_dst = f->ip_dst.v6};
	struct udphdr udp = {.uh_sport = htons(f->sport), .uh_dport = htons(f->dport)};

	if (f->length > UINT16_MAX - sizeof(udp) || capacity < HEADERS_LENGTH + f->length)
		return -EMSGSIZE;
	memcpy(ethernet.ether_shost, f->src.bytes, ETH_ALEN);
	memcpy(ethernet.ether_dhost, f->dst.bytes, ETH_ALEN);
	ip.ip6_vfc = 6 << 4;
	ip.ip6_nxt = IPPROTO_UDP;
	ip.ip6_hlim = f->hop_limit;
	ip.ip6_plen = htons((uint16_t)(sizeof(udp) + f->length));
	udp.uh_ulen = ip.ip6_plen;
	udp.uh_sum = htons(udp_checksum(&ip, &udp, f->payload, f->length));

	memcpy(out, &ethernet, sizeof(ethernet));
	memcpy(out + sizeof(ethernet), &ip, sizeof(ip));
	memcpy(out + sizeof(ethernet) + sizeof(ip), &udp, sizeof(udp));
	memcpy(out + HEADERS_LENGTH, f->payload, f->length);
	return (int)(HEADERS_LENGTH + f->length);
}

struct lladdr frame_multicast(const struct addr *group)
{
	struct lladdr l = {{0x33, 0x33}};

	memcpy(l.bytes + 2, group->bytes + 12, 4);
	return l;
}
