/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Coordinate descent: one satellite after the other is planned anew, all others held fast.
 *
 * A satellite is taken out; what each core would be worth at a place for as long as the satellite
 * is in view there is computed exactly, and shared out evenly over these slots; the best timeline
 * for these gains (timeline.h) is put in its place if J falls, the old one put back otherwise. So
 * satellites that nobody misses are switched off, which saves their association changes, and what
 * serves several places is found at once. On its own this gets stuck; it completes the search.
 */
#ifndef SNO_PLAN_DESCENT_H
#define SNO_PLAN_DESCENT_H

#include "plan/schedule.h"

/* Goes once through all satellites. 0 or -ENOMEM. */
int descent_run(struct schedule *schedule, struct parallel *parallel);

#endif
