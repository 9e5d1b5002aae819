/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As few changes of core as can be at no less time at home than is asked for.
 *
 * That is the plan for some tau: the larger it is, the fewer changes there are and the less time at
 * home. So tau is looked for, as a root is, and everything is planned anew for each that is tried.
 * Plans of the same J differ a little in how it is made up; but given the associations, what users
 * make of another tau is computed in no time, and so the last bit is found by bisection.
 */
#include "plan/associate_private.h"

#include "plan/objective.h"
#include "plan/terminals.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* So often associations are planned, and no more once users are at home for so much of their time
 * more than they have to be. */
#define PLANS 5
#define CLOSE 0.002
/* By that factor tau is changed while the one that is looked for is not between two; so far from
 * the tau of associations users go by another; and so near it is found. */
#define STRIDE 1.5
#define FAR    1.1
#define NEARLY 1.0005

/* What users make of associations. */
struct users {
	struct planning *planning;
	struct stretch whole;
	struct schedule schedule;
	struct measures measures; /* of the tau that was last asked for */
};

static int at_tau(struct users *users, double tau)
{
	struct planning *planning = users->planning;

	planning->prices.tau = tau;
	cost_table_fill(&users->whole.costs, &planning->prices, planning->scenario->sno_count);
	return terminals_planned(&users->schedule, planning->associate->parallel, &users->measures);
}

/* The largest tau, not far from this one, with which users are at home enough; and what they make
 * of it. Or the smallest of these. */
static int find_tau(struct users *users, double least, double *tau)
{
	double low = *tau / FAR, high = *tau * FAR;
	int err = at_tau(users, high);

	if (err == 0 && users->measures.home_share >= least)
		low = high;
	while (err == 0 && high > NEARLY * low) {
		double middle = sqrt(low * high);

		err = at_tau(users, middle);
		if (users->measures.home_share >= least)
			low = middle;
		else
			high = middle;
	}
	*tau = low;
	return err == 0 ? at_tau(users, low) : err;
}

/* The same for the plan, and how much users are at home at its own tau. */
static int measure_turn(struct planning *planning, double least, double *tau, double *home,
			struct measures *measures)
{
	struct users users = {.planning = planning};
	int err = planning_open_whole(planning, false, &users.whole, &users.schedule);

	if (err < 0)
		return err;
	err = at_tau(&users, *tau);
	*home = users.measures.home_share;
	if (err == 0)
		err = find_tau(&users, least, tau);
	*measures = users.measures;
	schedule_close(&users.schedule);
	stretch_close(&users.whole);
	return err;
}

static int home_share_of_figure2(struct planning *planning, double *share)
{
	struct schedule schedule;
	struct measures measures;
	struct stretch whole;
	int err = planning_open_whole(planning, true, &whole, &schedule);

	if (err < 0)
		return err;
	err = terminals_figure2(&schedule, planning->associate->parallel, &measures);
	*share = measures.home_share;
	schedule_close(&schedule);
	stretch_close(&whole);
	return err;
}

/* Is the one with which users are at home enough, and has the fewer changes then? */
static bool better(const struct measures *one, const struct measures *other, double least)
{
	if (one->home_share < least || other->home_share < least)
		return one->home_share > other->home_share;
	return one->inter_sno_per_user_hour < other->inter_sno_per_user_hour;
}

/* Taus with which users are at home enough, and not; how much they are. 0: none is known. */
struct bracket {
	double low, low_home;
	double high, high_home;
};

/* Takes a plan's tau into account. Returns the next one to try. */
static double next_tau(struct bracket *bracket, double tau, double home, double least)
{
	double part;

	if (home >= least && tau >= bracket->low)
		*bracket = (struct bracket){tau, home, bracket->high, bracket->high_home};
	else if (home < least && (bracket->high == 0 || tau <= bracket->high))
		*bracket = (struct bracket){bracket->low, bracket->low_home, tau, home};
	if (bracket->low == 0)
		return bracket->high / STRIDE;
	if (bracket->high == 0)
		return bracket->low * STRIDE;
	part = (bracket->low_home - least) / (bracket->low_home - bracket->high_home);
	part = part < 0.1 ? 0.1 : part > 0.9 ? 0.9 : part;
	return bracket->low * pow(bracket->high / bracket->low, part);
}

/* Plans for one tau after the other. `kept` is room for a plan, which is the best one in the end.
 */
static int take_turns(struct planning *planning, double least, attachment *kept, double *best_tau)
{
	size_t cells = planning->scenario->satellite_count * (size_t)planning->sky.slots;
	struct measures best = {.home_share = -1};
	struct bracket bracket = {0};
	double tau = planning->associate->tau, home = 0;
	int err = 0;

	for (unsigned int i = 0; err == 0 && i < PLANS && !(home >= least && home < least + CLOSE);
	     i++) {
		struct measures measures;
		double own = tau;

		planning->prices.tau = tau;
		err = planning_run(planning);
		if (err == 0)
			err = measure_turn(planning, least, &own, &home, &measures);
		if (err == 0 && better(&measures, &best, least)) {
			best = measures;
			*best_tau = own;
			memcpy(kept, planning->plan, cells * sizeof(*kept));
		}
		tau = next_tau(&bracket, tau, home, least);
	}
	return err;
}

int planning_at_home(struct planning *planning, double *least)
{
	size_t cells = planning->scenario->satellite_count * (size_t)planning->sky.slots;
	attachment *kept = calloc(cells + 1, sizeof(*kept));
	double tau = planning->prices.tau;
	int err = kept ? 0 : -ENOMEM;

	*least = planning->associate->home_share;
	if (err == 0 && *least == ASSOCIATE_HOME_FIGURE2)
		err = home_share_of_figure2(planning, least);
	if (err == 0)
		err = take_turns(planning, *least, kept, &tau);
	if (err == 0) {
		memcpy(planning->plan, kept, cells * sizeof(*kept));
		planning->prices.tau = tau;
		err = planning_bound(planning);
	}
	free(kept);
	return err;
}
