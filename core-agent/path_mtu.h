/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path MTU inside a peer's tunnels (PROTOCOL section 16.6): what the underlay's path to the
 * peer leaves beside encapsulation and protection, but no more than is configured.
 *
 * The kernel knows the underlay's path: the device's MTU, a route's, or what a router on the way
 * has said, who is made to by packets that are not to be fragmented. It is looked at when the peer
 * comes up and every second; routes that lead into the peer's tunnels follow it. Terminals are told
 * at their next registration; until then these routes answer what is too big with ICMP.
 */
#ifndef SNO_PATH_MTU_H
#define SNO_PATH_MTU_H

#include "clock.h"
#include "message.h"
#include "timer.h"

struct config;
struct peer;

/* A peer's part; all zero: the underlay was not looked at. */
struct path_mtu {
	unsigned int outer4, outer6; /* of the underlay, 0: not known */
	struct timer timer;
};

/* What an outer packet of so many octets can carry, whatever is configured; 0: nothing. */
unsigned int path_mtu_inside(unsigned int outer, enum tunnel_kind kind, bool protected);

/* The path MTU inside tunnels of this kind to the peer: 1280 or more. */
uint16_t path_mtu(const struct peer *peer, enum tunnel_kind kind);
/* Are outer packets of such tunnels not to be fragmented on their way? IPv6's never are. */
bool path_mtu_df(const struct peer *peer, enum tunnel_kind kind);

void path_mtu_open(struct peer *peer);
void path_mtu_close(struct peer *peer);
/* The peer is there, maybe elsewhere than before: looks at the path, now and from now on. */
void path_mtu_watch(struct peer *peer, usec_t now);

#endif
