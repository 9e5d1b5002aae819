/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways that the packets of a terminal take from the core that serves it: to the access side, or
 * back to its home core, which knows where it is now (PROTOCOL section 8, draining).
 *
 * A way is a path (forwarding.h) that says of no home address yet that it goes there.
 */
#ifndef SNO_CORE_WAY_H
#define SNO_CORE_WAY_H

#include "forwarding.h"
#include "peer.h"
#include "satellite.h"

/* To the terminal with this Ethernet address on this satellite. */
struct path way_to_terminal(const struct satellite *satellite, const struct lladdr *mac,
			    unsigned int mtu);
/* The path MTU that a terminal at home is told: no larger than what the networks behind it carry.
 */
/* The same of a visitor: with the tunnel in which its home core sends, for the guard. */
struct path way_of_visitor(const struct path *way, const struct peer *home, const struct addr *coa,
			   uint32_t key);
uint16_t way_mtu_at_home(uint16_t link_mtu);
/* Through the tunnel to this home core; PATH_NONE when there is none. */
struct path way_home(const struct peer *home);
/* The home addresses of `of` go that way. */
struct path way_of(const struct path *of, const struct path *way);

/* May this home core have all the home addresses of this message led? Logged when not. */
bool way_permitted(const struct peer *home, const struct message *grant);
/* A key for a tunnel, which tells a core that sends what to send with. */
uint32_t way_fresh_key(void);

#endif
