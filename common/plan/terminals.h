/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The satellites that terminals are on, given what satellites are associated with, and the measures
 * of that.
 *
 *   planned   each group follows the cores of its cheapest path (objective.h), for which it has to
 *             look ahead; among the satellites of that core it stays on the one it is on while that
 *             goes, and otherwise takes the one that stays longest. So its changes of satellite are
 *             as few as the cores allow.
 *   figure 2  own satellites first, another one only when none of its own is there; in both cases
 *             it stays where it is while it may, and otherwise takes what stays longest.
 *   naive     the satellite that stands highest, in every slot.
 */
#ifndef SNO_PLAN_TERMINALS_H
#define SNO_PLAN_TERMINALS_H

#include "plan/measures.h"
#include "plan/parallel.h"
#include "plan/schedule.h"
#include "plan/sky.h"

/* The schedule is of the whole plan. 0 or -ENOMEM. */
int terminals_planned(const struct schedule *schedule, struct parallel *parallel,
		      struct measures *measures);
int terminals_figure2(const struct schedule *schedule, struct parallel *parallel,
		      struct measures *measures);
/* sky: what the schedule's stretch was cut from. */
int terminals_naive(const struct schedule *schedule, const struct sky *sky,
		    struct parallel *parallel, struct measures *measures);

/*
 * The associations of figure 2, which are also those of naive sharing: every satellite is with its
 * owner's core for as long as its stations see it, over as few of them as that takes. Fills an
 * empty schedule. 0 or -ENOMEM.
 */
int figure2_associate(struct schedule *schedule);

#endif
