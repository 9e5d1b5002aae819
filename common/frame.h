/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A UDP datagram over IPv6 in an Ethernet frame, as the access side of a core reads and writes it.
 *
 * The core has to know behind which satellite, and from which Ethernet address, a discovery came,
 * and it answers before any neighbour or bridge entry for that terminal exists; so it talks frames,
 * on the port of that satellite (PROTOCOL section 5.1). Nothing but the one form that terminals
 * send is understood: no VLAN tag, no extension header, no fragment.
 */
#ifndef SNO_FRAME_H
#define SNO_FRAME_H

#include "addr.h"

#define FRAME_OVERHEAD 62 /* Ethernet 14, IPv6 40, UDP 8 */

struct frame {
	struct lladdr src, dst; /* dst may be multicast */
	struct addr ip_src, ip_dst;
	uint16_t sport, dport;
	uint8_t hop_limit;
	const uint8_t *payload; /* points into the octets that were parsed */
	size_t length;
};

/*
 * Takes a frame apart. 0; -EPROTONOSUPPORT when it is something else than UDP over IPv6, -EBADMSG
 * when it is cut short or its lengths contradict one another. The UDP checksum is not looked at: a
 * packet socket sees frames before offload has filled it in, and every payload is authenticated or
 * without effect.
 */
int frame_parse(struct frame *f, const uint8_t *octets, size_t length);

/* Builds the octets of a frame, checksum included; returns their number, or -EMSGSIZE. */
int frame_build(const struct frame *f, uint8_t *out, size_t capacity);

/* The Ethernet address of an IPv6 multicast group (RFC 2464 section 7). */
struct lladdr frame_multicast(const struct addr *group);

#endif
