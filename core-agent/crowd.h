/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Crowds: the subscribers on one satellite, which it takes with it when it changes its core
 * (PROTOCOL section 15.6).
 *
 * Nobody of them says anything before: the schedule does (schedule.h). Some time ahead the next
 * core is prepared for all of them, then all their home addresses are led there in few exchanges
 * with the kernel, so that nobody waits for another one's round trips.
 */
#ifndef SNO_CORE_CROWD_H
#define SNO_CORE_CROWD_H

#include "clock.h"

struct core;
struct subscriber;

/* The subscriber is on this satellite now ("": it is not known on which). */
void crowd_join(struct subscriber *subscriber, const char *satellite);
void crowd_leave(struct subscriber *subscriber);
/* The first of those on it, linked by next; NULL for none. */
struct subscriber *crowd_on(const struct core *core, const char *satellite);

/* A satellite that will belong to another core. */
struct crowd_move {
	const char *satellite;
	const char *from, *to; /* names of cores */
};

/*
 * Prepares the new core for all on the satellite that the old one serves; they come in `expected`
 * microseconds. Returns how many there are.
 */
unsigned int crowd_prepare(struct core *core, const struct crowd_move *move, usec_t expected,
			   usec_t now);
/*
 * The satellite is about to go: the home addresses of all for which the new core is prepared lead
 * there from now on; of the others as soon as it is. Who has said that he leaves is let go.
 */
void crowd_switch(struct core *core, const struct crowd_move *move, usec_t now);

#endif
