/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search for better associations: simulated annealing with moves whose effect on the objective
 * is known exactly (moves.h, trial.h).
 *
 * The stretch is cut into blocks of time. In a phase every other block is searched, each by one
 * thread, with what lies between them held fast; the next phase takes the others, and the cuts
 * wander. Blocks and their random numbers depend on the seed alone, so the result does not depend
 * on the number of threads. A rise in J is accepted with probability exp(-rise / temperature); the
 * temperature falls from phase to phase, and at the end only what is better is accepted.
 */
#ifndef SNO_PLAN_SEARCH_H
#define SNO_PLAN_SEARCH_H

#include "plan/progress.h"
#include "plan/schedule.h"

struct search_effort {
	unsigned int rounds;	 /* of phases */
	double proposals;	 /* per view and round */
	double warmest, coldest; /* temperatures, in handovers of the average group */
	uint64_t seed;
	struct progress *progress; /* or NULL: told of each round */
};

/* Improves the schedule. Stores J. 0 or -ENOMEM. */
int search_run(struct schedule *schedule, struct parallel *parallel,
	       const struct search_effort *effort, double *objective);

#endif
