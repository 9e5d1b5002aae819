/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet hold of a core (hold.h): its device, where packets go that come out of it, and the end
 * of releases.
 *
 * A path of kind PATH_HOLD (forwarding.h) has its home addresses routed to the device. What
 * is written back there is looked up in a table of its own, KERNEL_TABLE_RELEASE, so that held
 * packets are on their new way while newer ones still go into the hold.
 *
 * Below each route to the device lies an unreachable one: when the daemon dies the device vanishes,
 * and a visitor's packets must not follow our default route back to its home core, and from there
 * through the tunnel to us again.
 *
 * A kernel without TUN devices has no hold. The core says so at its start and does without:
 * PATH_HOLD is refused, and handovers are no better than proactive.
 */
#ifndef SNO_HOLDING_H
#define SNO_HOLDING_H

#include "hold.h"
#include "hold_device.h"
#include "kernel.h"
#include "timer.h"

struct core;
struct lingering;
struct path;

/* Of the routes below those to the device: below every other route to the same destination. */
#define HOLDING_FALLBACK_METRIC 3900000000u

/* The destinations of one release, at most. */
#define HOLDING_ROUTES HOLD_DESTINATIONS

struct holding {
	struct hold *hold;
	struct hold_device device;
	struct timer expire, settle;
	struct lingering *lingering; /* in the order in which they end */
	usec_t now;		     /* as told last */
};

/* Makes device and rules. 0 also when there can be no device; or -errno, logged. */
int holding_open(struct core *core, usec_t now);
/* The device goes and with it what is held; the rules stay, like all that an agent leaves. */
void holding_close(struct core *core);
/* Puts back device and rules. 0 or -errno, logged. */
int holding_restore(struct core *core);
/* The limits of the configuration that is in force. */
void holding_configure(struct core *core);
/* True when packets can be held. */
bool holding_ready(const struct core *core);

/* The device has something to read. */
void holding_read(struct core *core, usec_t now);

/*
 * Writes out what the queue holds and what the device has for it (hold_queue_release()), and tells
 * the guard how much of the path's terminal has left the hold. 0 or -errno.
 */
int holding_pass(struct core *core, struct hold_queue *queue, const struct path *path, usec_t now);
/*
 * The end of a release to this path: for HOLD_LINGER, and longer while more comes, the queue goes
 * on passing what was on its way into the device or has to wait behind that (guard.h), through
 * these routes; then they are removed and the queue is closed. Copies path and routes.
 */
void holding_linger(struct core *core, struct hold_queue *queue, const struct path *path,
		    const struct kernel_route *routes, size_t count, usec_t now);
/* Ends such an end now, when this destination is among those of the release: it gets a new path. */
void holding_settle(struct core *core, const struct prefix *destination);

/* Is this one of the routes below those to the device, or of the table of releases? */
bool holding_route(const struct kernel_route *route);
/* Is that one in use? */
bool holding_claims(const struct core *core, const struct kernel_route *route);
/* The rule that leads to the table of releases. */
struct kernel_rule holding_rule(sa_family_t family);

#endif
