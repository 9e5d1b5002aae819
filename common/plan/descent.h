/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Coordinate descent: satellites are planned anew, all others held fast.
 *
 * What each core would be worth at a place for as long as the satellite is in view there, instead
 * of the satellite being off, is computed exactly, and shared out evenly over these slots; the best
 * timeline for these gains (timeline.h) takes the place of the old one if J falls. So satellites
 * that nobody misses are switched off, which saves their association changes, and what serves
 * several places is found at once. On its own this gets stuck; it completes the search.
 *
 * Satellites of a batch (batch.h) look for their timelines at the same time, on all threads; then
 * one after the other is tried, for J is the sum of all that they do.
 */
#ifndef SNO_PLAN_DESCENT_H
#define SNO_PLAN_DESCENT_H

#include "plan/schedule.h"

/* Goes once through all satellites, and stores by how much J has fallen. 0 or -ENOMEM. */
int descent_run(struct schedule *schedule, struct parallel *parallel, double *fall);

#endif
