/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the data plane needs once per core, whoever is served: the access bridge with the anycast
 * gateway, the tunnel devices, the hold, local routes for care-of pools, unreachable routes for
 * home pools, one routing table per peer for the uplink (DESIGN section 5). And the broom: what an
 * earlier run left and nobody claims.
 */
#ifndef SNO_UNDERLAY_H
#define SNO_UNDERLAY_H

#include "addr.h"
#include "holding.h"
#include "kernel.h"
#include "message.h"
#include "timer.h"

struct config;
struct core;
struct peer;

/* Of unreachable pools: below every route to a home address, above what others would choose. */
#define UNDERLAY_POOL_METRIC 4000000000u

struct underlay {
	unsigned int bridge;
	unsigned int device[KERNEL_TUNNELS]; /* by enum kernel_tunnel, 0: not there */
	uint8_t kinds;			     /* tunnel kinds that this core offers (TUNNEL_KINDS) */
	struct addr end4, end6;		     /* outer addresses of this core */
	uint8_t suites;			     /* that this kernel protects tunnels by (SUITES) */
	struct holding holding;
	struct timer sweep, restore, repair;
	bool broken;	 /* one of our devices was down or gone */
	usec_t repaired; /* when what protects tunnels was looked at last */
};

/* The gateway address of every core, fe80::1 (PROTOCOL section 5.1). */
extern const struct addr underlay_gateway;

/* Sets all of it up, adopting what is there. 0 or -errno, logged with what to do. */
int underlay_open(struct core *core, usec_t now);
void underlay_close(struct core *core);

/*
 * Pool routes for a new configuration beside those of the old one. 0 or -errno, logged. Then either
 * commit, which removes those that only the old one has, or abort: those that only the wanted has.
 */
int underlay_pools_prepare(struct core *core, const struct config *wanted);
void underlay_pools_commit(struct core *core, const struct config *wanted);
void underlay_pools_abort(struct core *core, const struct config *wanted);

/*
 * Puts back devices, pool routes and peers' tables, whatever somebody has made of them. 0, or the
 * first -errno, logged; everything else has been tried too.
 */
int underlay_restore(struct core *core);

/* The device for a tunnel kind, 0 when this kernel has none. */
unsigned int underlay_device(const struct underlay *u, enum tunnel_kind kind);
/* This core's outer address for this kind. */
const struct addr *underlay_end(const struct underlay *u, enum tunnel_kind kind);

/*
 * Uplink of a peer's visitors: rules for its home prefixes into its own table, which is unreachable
 * until underlay_peer_route(). 0; or -errno, logged: then underlay_peer_remove() takes away what
 * came up to the failure.
 */
int underlay_peer_add(struct core *core, const struct peer *peer);
/* Leaves what `other` (NULL: nobody), a peer of the same slot, has as well; and its table then. */
void underlay_peer_remove(struct core *core, const struct peer *peer, const struct peer *other);
/*
 * Points the peer's table into the tunnel to it; what the kind cannot carry is unreachable. 0 or
 * -errno, logged.
 */
int underlay_peer_route(struct core *core, const struct peer *peer, enum tunnel_kind kind,
			const struct addr *remote, uint32_t key);

/* There is no tunnel to the peer: its table is unreachable again. */
void underlay_peer_unroute(struct core *core, const struct peer *peer);

/* The table of a peer's uplink, and the rule that leads one home prefix of it there. */
uint32_t underlay_table(const struct peer *peer);
struct kernel_rule underlay_rule(const struct core *core, const struct peer *peer,
				 const struct prefix *home);

/* Something could not be removed: try again soon (sweep.h). */
void underlay_sweep_soon(struct core *core);

#endif
