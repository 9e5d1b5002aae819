/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exact dynamic programme of one satellite.
 *
 * Given what it is worth in each slot that the satellite serves core k, gain[t][k], its best
 * timeline maximises
 *
 *	sum over slots of gain - gamma x association changes
 *
 * where associations hold only during passes and last at least the dwell D. At boundaries of slots,
 * let F[t] be the most that can be had before t by a satellite that is free to begin another
 * association at t, and P[t] the same for one that is attached in pass p and has been for D slots:
 *
 *	P[t] = max(P[t - 1] + gain[t - 1], F[t - D] - gamma + gain[t - D] + ... + gain[t - 1])
 *	F[t] = max(F[t - 1], P[t] of all passes)
 *
 * So dwell adds no states; the work is the sum of the passes' lengths.
 */
#ifndef SNO_PLAN_TIMELINE_H
#define SNO_PLAN_TIMELINE_H

#include "plan/schedule.h"

/* Scratch of one thread. */
struct timeline;

struct timeline *timeline_open(const struct stretch *stretch);
void timeline_close(struct timeline *timeline);

/* The same for so many threads. NULL: out of memory. */
struct timeline **timelines_open(const struct stretch *stretch, unsigned int count);
void timelines_close(struct timeline **timelines, unsigned int count);

/* Where a satellite's gains are to be put: [slot x lanes + core], all zero. */
float *timeline_gains(struct timeline *timeline);

/*
 * The best timeline for the gains. With `schedule` not NULL, what the others have in it leaves room
 * at stations (schedule_takes()); without, stations take any number. Stores the timeline, `slots`
 * long, and returns its value.
 */
double timeline_best(struct timeline *timeline, size_t satellite, const struct schedule *schedule,
		     attachment *best);

#endif
