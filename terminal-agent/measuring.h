/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a registration has cost, told to the core (handover done), the log and the operator
 * (PROTOCOL section 15.7).
 *
 * A handover is listed when the terminal is registered. The core and whoever listens to events hear
 * of it a little later: when the first packet of the user's has come over the new link, or when
 * none has come for a while.
 */
#ifndef SNO_TERMINAL_MEASURING_H
#define SNO_TERMINAL_MEASURING_H

#include "terminal-agent/handovers.h"
#include "terminal-agent/uplink.h"

#include <stdbool.h>

struct link;
struct registration;
struct session;

struct measuring {
	struct link *watched; /* for its first packet; NULL: none */
	usec_t first;	      /* when that came; 0: not yet */
	bool pending;	      /* handover done has still to be sent */
	bool handover;	      /* what is pending is one; else a mere registration */
	usec_t due;
	struct handover record;
	struct uplink_count told; /* up to the last record */
};

/* The link is being switched to: its first packet counts. */
void measuring_watch(struct session *s, struct link *link);
/* The terminal has registered; old is what was in force before, full: by the full handshake. */
void measuring_registered(struct session *s, const struct registration *old, bool full,
			  enum handover_mode told, usec_t now);
/* The next thing begins: tells what is pending, as it is. */
void measuring_finish(struct session *s, usec_t now);
/* The link is about to be freed. */
void measuring_forget(struct session *s, const struct link *link);
/* What is due. Returns the next instant, USEC_NEVER if none. */
usec_t measuring_tick(struct session *s, usec_t now);

#endif
