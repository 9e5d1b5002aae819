/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forwarding of one terminal's packets: where its home addresses point at this core.
 *
 * A terminal has one path at a core, whatever the core is to it: to the access side (it is served
 * here), into a tunnel (its home core sends to the care-of address; a released core sends what
 * still comes back to the home core), into the hold or nowhere (it is to come). A path is a wish;
 * forwarding_set() makes the kernel agree with it in one transaction and remembers exactly what it
 * installed, so that it can undo exactly that (DESIGN section 8).
 */
#ifndef SNO_FORWARDING_H
#define SNO_FORWARDING_H

#include "addr.h"
#include "hold.h"
#include "message.h"

#include <stdbool.h>
#include <stddef.h>

struct core;
struct guarded;
struct peer;

enum path_kind {
	PATH_NONE,
	PATH_ACCESS,
	PATH_TUNNEL,
	PATH_HOLD,	 /* packets are kept, in order, until the way on is known (holding.h) */
	PATH_UNREACHABLE /* packets end here; without it our default route might have them */
};

struct path {
	enum path_kind kind;
	/* What is routed; any of them may be none. */
	struct addr hoa4, hoa6;
	struct prefix prefix;
	unsigned int mtu;
	/*
	 * PATH_ACCESS: the terminal's Ethernet address, and the bridge port of its satellite.
	 * PATH_HOLD, PATH_UNREACHABLE: from where it may send already; port 0: that is not known.
	 */
	struct lladdr mac;
	unsigned int port;
	/*
	 * PATH_TUNNEL: outer addresses and key. Otherwise of a visitor: outer_dst and key of the
	 * tunnel in which its home core sends.
	 */
	enum tunnel_kind tunnel;
	struct addr outer_src, outer_dst;
	uint32_t key;
	bool df; /* PATH_TUNNEL: nobody on the way is to fragment outer packets */
	/*
	 * PATH_TUNNEL: where a subscriber is bound, NULL: back to the home core. Otherwise the home
	 * core of a visitor, whose share of the hold PATH_HOLD takes up (hold.h); NULL: nobody's.
	 */
	const struct peer *peer;
};

/*
 * Makes *installed (PATH_NONE in the beginning) become *wanted: what the new path needs is put in
 * place first, then each route is replaced, then what is needed no more is removed. Returns 0 when
 * the kernel has acknowledged all of it and *installed is the new path; or -errno, logged, with the
 * kernel and *installed as before.
 *
 * To PATH_HOLD: from then on packets are kept. -ENODEV when this kernel has no hold
 * (holding_ready() asks before), -EBUSY when it is there already with other destinations. From
 * PATH_HOLD to another way: forwarding_release(), at the time that the hold was told last. From
 * PATH_HOLD to PATH_NONE: what was kept is dropped.
 */
int forwarding_set(struct core *core, struct path *installed, const struct path *wanted);

/* One terminal's part of a change of many. */
struct path_change {
	struct path *installed;
	const struct path *wanted;
	int error; /* afterwards: 0, or the -errno by which the kernel refused this path */
	/* forwarding.c's: */
	int first; /* objects before this one are in place already */
	size_t objects;
	struct hold_queue *queue;
	struct guarded *place; /* guard.c's */
};

/*
 * The same for many terminals, each a transaction of its own, with as few exchanges with the kernel
 * as for one: all new paths go in one request, and then what is needed no more in another. No two
 * of them may have a home address or an Ethernet address in common. Returns 0, or the first error;
 * the others are made all the same.
 */
int forwarding_set_many(struct core *core, struct path_change *paths, size_t count);

/*
 * Makes a path of kind PATH_HOLD become *wanted, to the access side or into a tunnel: all that is
 * held takes the new way, in order and before anything newer, and nothing is lost (DESIGN section
 * 5). 0; or -errno, logged, with *installed as before: what has been sent has been sent, the rest
 * is held. *held (NULL: not asked for) is what the hold has counted for this path, and what it
 * still keeps after a failure. A path of another kind is set by forwarding_set(), with nothing
 * held.
 */
int forwarding_release(struct core *core, struct path *installed, const struct path *wanted,
		       usec_t now, struct hold_counters *held);
/* What the hold has counted for this path so far: zero unless it is of kind PATH_HOLD. */
struct hold_counters forwarding_held(const struct core *core, const struct path *installed);

/* The same as forwarding_set() to PATH_NONE; cannot be refused: what the kernel does not remove is
 * swept up later. */
void forwarding_clear(struct core *core, struct path *installed);

/* Puts back what somebody else has taken out of the kernel. 0 or -errno, logged. */
int forwarding_restore(struct core *core, const struct path *installed);

/*
 * The bridge port of a terminal's satellite is there again, or another one has its place: a path to
 * the access side leads there. Others have nothing to do with it. 0 or -errno, logged.
 */
int forwarding_port_changed(struct core *core, struct path *installed, unsigned int port);

bool path_equal(const struct path *a, const struct path *b);
/* "access 02:00:00:00:00:01 port 5" or "gre4 192.0.2.1 -> 198.51.100.7 key 9", for logs. */
#define PATH_TEXT 160
const char *path_text(const struct path *path, char text[PATH_TEXT]);

#endif
