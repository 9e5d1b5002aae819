/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes that are worth a trial.
 *
 * All begin with a view (a satellite over a place where users are) and a slot of it:
 *
 *   recore   the satellite serves another core while it is in view, or for as long as it has been
 *            on its present core, or for a chance number of slots;
 *   shift    it changes core, where it does next, earlier or later;
 *   drop     it is off for a while: an association change less;
 *   displace it takes the room that another one has at a station which is full;
 *   swap     it exchanges cores with another satellite in view, as long as both are;
 *   chain    the satellites that follow each other in view of the place all serve the home core of
 *            one of its groups: what single changes cannot find, because every one of them only
 *            adds a handover.
 *
 * What a move leaves shorter than the minimum dwell it takes along, and what no station allows it
 * does not propose.
 */
#ifndef SNO_PLAN_MOVES_H
#define SNO_PLAN_MOVES_H

#include "plan/trial.h"

struct moves {
	struct trial *trial;
	uint64_t random;
	attachment *route; /* scratch: attachments of one change */
};

/* Borrows the trial, whose block moves stay in. 0 or -ENOMEM. */
int moves_open(struct moves *moves, struct trial *trial, uint64_t seed);
void moves_close(struct moves *moves);

/* A number of 64 bits from the sequence of a seed. */
uint64_t moves_random(struct moves *moves);

/* Makes a change (or several) in the trial. False: nothing was found; then nothing has changed. */
bool moves_propose(struct moves *moves);

#endif
