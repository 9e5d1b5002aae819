/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Core discovery: the first thing that a core hears of a terminal, and the dispatch of it (PROTOCOL
 * sections 6.1 and 8). The short proof comes first: a terminal that this core was prepared for is
 * registered at once (arrival.h). Any other goes the full way: this core's own subscriber is
 * registered here, a peer's is authenticated by its home core (registration.h).
 */
#ifndef SNO_CORE_DISCOVERY_H
#define SNO_CORE_DISCOVERY_H

#include "core.h"
#include "satellite.h"

/* A core discovery, and from which satellite and addresses it has come. */
struct discovery {
	struct satellite *satellite;
	struct lladdr mac;
	struct addr link_local;
	const uint8_t *datagram;
	size_t length;
	uint8_t hash[HASH_LENGTH]; /* SHA-256 of the datagram */
	bool proven;		   /* it came with a cookie of ours (door.h) */
	struct message message;
};

/* A datagram in the clear has come, a cookie proof maybe. DROP_NONE, or why it was dropped. */
enum drop discovery_receive(struct satellite *satellite, const struct lladdr *mac,
			    const struct addr *link_local, const uint8_t *datagram, size_t length,
			    usec_t now);

#endif
