/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What associations mean for users: the figures of a report.
 *
 * Time is cut into slots of equal length; one that the end of the plan cuts off counts like the
 * others, and what is associated up to that end is for all of it. A user is served in a slot when a
 * satellite that he may use is associated (throughout the slot) and stands high enough in the
 * slot's middle. In each slot he is on one satellite, and so on one core.
 *
 *   - An inter-SNO handover is a change of core between one served slot and the next served one,
 *     whether or not slots without service lie between; the first service is none.
 *   - A handover of any kind is a change of satellite or of core, in the same sense.
 *   - Home and served share are parts of all user time.
 *   - An association change is an instant, later than the plan's beginning, at which a satellite
 *     begins an association (core and station) that it did not have just before. So the end of an
 *     association is none, the next one is.
 *   - The objective is
 *         J = sum over users of weight x (inter-SNO handovers + served time away from home / tau
 *             + time unserved / outage price) + gamma x association changes.
 *
 * All but the last two are averages over users by weight.
 */
#ifndef SNO_PLAN_MEASURES_H
#define SNO_PLAN_MEASURES_H

#include <stdbool.h>

struct measures {
	double inter_sno_per_user_hour;
	double handovers_per_user_hour;
	double home_share;
	double served_share;
	double association_changes_per_satellite_hour;
	double objective;
};

/* What another tau would have given. */
struct sweep_point {
	double tau;
	struct measures plan;
	double bound;
};

/* What a report compares. The bound has an objective only, which no plan can be below. */
struct comparison {
	struct measures figure2;		   /* the draft's figure 2, terminals too */
	struct measures figure2_planned_terminals; /* its associations; terminals look ahead */
	struct measures naive;			   /* best elevation, owner's core */
	struct measures plan;
	double bound;
	/* What of every objective above, and of the bound, nobody could avoid: time in which no
	 * satellite that a user may use could be associated. */
	double unavoidable;
	bool has_baselines, has_bound; /* else those are not filled in */
};

#endif
