/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard: what this core takes from terminals and from tunnels, packet by packet.
 *
 * A terminal sends from addresses that are its own, from its Ethernet address and satellite; a peer
 * sends to this core for subscribers that are bound there, and to visitors of its own by their
 * tunnels. The rest is dropped and counted by the program in the kernel (guard.bpf.c), which knows
 * of each terminal the ways by which its packets may come (guard_layout.h). Those follow from its
 * path, and of a subscriber from its binding and from the cores that are prepared for it. A way
 * that is given up remains for timers.drain: what is under way on it is not lost.
 *
 * It also has the ends of a terminal's TCP connections agree on segments that its path takes, and
 * sees to it that no packet gets past others that are in the hold (holding.h).
 *
 * With core.guard = false all of this does nothing.
 */
#ifndef SNO_GUARD_H
#define SNO_GUARD_H

#include "guard_layout.h"
#include "kernel_guard.h"

#include <stdbool.h>
#include <stddef.h>

struct core;
struct guard;
struct path;
struct path_change;
struct peer;
struct subscriber;

/* Loads the program, taking on what an earlier run has left. 0 or -errno, logged with what to do.
 */
int guard_open(struct core *core);
/* The kernel goes on guarding. */
void guard_close(struct core *core);

/* A device of ours is guarded from now on. 0 or -errno, for kernel_error(). */
int guard_attach(struct core *core, unsigned int ifindex, enum kernel_guard_place place);
/* And is no more ours. */
void guard_detach(struct core *core, unsigned int ifindex);

/* ---- who is who ----------------------------------------------------------------------------- */

/* What the peer has told of its tunnel ends, if it has, the key that it was told, and whether it is
 * to protect what it sends. */
void guard_peer(const struct peer *peer);
/* It is none any more. */
void guard_peer_gone(const struct peer *peer);

/*
 * Before paths are changed: has places for their terminals, with one exchange with the kernel for
 * all addresses that are new. Sets .error of those that get none, logged.
 */
void guard_reserve(struct core *core, struct path_change *paths, size_t count);
/* The kernel has acknowledged the path, or it carries more or less than before: its terminal's
 * packets come by it from now on. */
void guard_commit(struct core *core, const struct path *path);
/* What belongs to one path and not to the other, or with kind PATH_NONE to no other, is nobody's.
 */
void guard_forget(struct core *core, const struct path *path, const struct path *other);
/* The binding of the subscriber has changed, or who is prepared for it. */
void guard_subscriber(const struct subscriber *subscriber);

/* What an earlier run has left, and is not claimed, goes. 0 or -errno, logged. */
int guard_sweep(struct core *core, bool (*claimed)(const struct prefix *prefix, void *arg),
		void *arg);

/* ---- the hold ------------------------------------------------------------------------------- */

/*
 * A queue is about to hold packets of the path's terminal: from now on those that enter the hold's
 * device are counted.
 */
void guard_hold_begin(struct core *core, const struct path *path);
/* So many packets of the queue have left the hold so far, whether they were sent or lost. */
void guard_hold_passed(struct core *core, const struct path *path, uint64_t packets);
/*
 * Shut: packets of the terminal wait behind those that have entered the device and not left the
 * hold; they are sent to the device too. Open: nobody waits.
 */
void guard_hold_gate(struct core *core, const struct path *path, bool shut);
/* Are packets in the hold that have entered the device? Without a guard nobody knows: false. */
bool guard_hold_behind(const struct core *core, const struct path *path);

/* ---- counters ------------------------------------------------------------------------------- */

struct guard_traffic {
	struct guard_count up, down; /* from the terminal and to it */
};

/* What has passed for the terminal of this path since it has a place here; false: it has none. */
bool guard_traffic(const struct core *core, const struct path *path, struct guard_traffic *traffic);
/* What has passed since an earlier look. */
struct guard_traffic guard_traffic_since(const struct guard_traffic *now,
					 const struct guard_traffic *before);
/* Packets dropped for a reason; 0 without a guard. */
uint64_t guard_drops(const struct core *core, enum guard_drop reason);
/* "access: source" ..., as snoctl shows it. */
const char *guard_drop_name(enum guard_drop reason);

#endif
