/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What terminals.c and terminals_naive.c count in common. */
#ifndef SNO_PLAN_TERMINALS_PRIVATE_H
#define SNO_PLAN_TERMINALS_PRIVATE_H

#include "plan/terminals.h"

/* No satellite. */
#define NOWHERE UINT32_MAX

/* What one group, or all of a place by weight, has had. */
struct tally {
	double inter_sno, handovers; /* counts */
	double home, served;	     /* slots */
};

/* Where a group was last served. */
struct serving {
	uint32_t satellite; /* NOWHERE: never yet */
	uint8_t core;
};

/* One slot of a group on a satellite and core (NOWHERE: not served). */
static inline void tally_slot(struct tally *tally, struct serving *last, double weight,
			      uint8_t home, uint32_t satellite, uint8_t core)
{
	if (satellite == NOWHERE)
		return;
	tally->served += weight;
	if (core == home)
		tally->home += weight;
	if (last->satellite != NOWHERE) {
		if (last->core != core)
			tally->inter_sno += weight;
		if (last->core != core || last->satellite != satellite)
			tally->handovers += weight;
	}
	*last = (struct serving){.satellite = satellite, .core = core};
}

/* Turns the sum of tallies of all places into measures. */
void tally_measure(const struct tally *tallies, const struct schedule *schedule,
		   struct measures *measures);

#endif
