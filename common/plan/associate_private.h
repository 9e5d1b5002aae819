/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of associate.h share: associate.c plans, associate_measure.c says what that means
 * for users, associate_home.c finds the tau of a share of time at home, associate_rows.c writes
 * rows.
 */
#ifndef SNO_PLAN_ASSOCIATE_PRIVATE_H
#define SNO_PLAN_ASSOCIATE_PRIVATE_H

#include "plan/associate.h"
#include "plan/schedule.h"

struct planning {
	struct associate *associate;
	const struct scenario *scenario;
	struct prices prices, loose; /* loose: without dwell */
	struct sky sky;
	struct past past, free; /* free: of nothing */
	attachment *plan;	/* [satellite x slots + slot] of the whole span */
	double bound;
	bool alone; /* one stretch is all, and nothing was before */
};

/* Progress of a phase, which the report counts. */
void planning_begin(const struct associate *associate, const char *what, size_t all);
void planning_end(struct associate *associate);

/* The span is planned anew, with the tau of planning->prices: fills plan and bound. 0 or -errno. */
int planning_run(struct planning *planning);
/* The bound alone, at that tau. */
int planning_bound(struct planning *planning);

/* What the plan means for users, with the baselines where they are wanted. */
int planning_measure(struct planning *planning, bool baselines, struct comparison *comparison);

/*
 * Finds the plan with the fewest changes of core among those with which users are at home for the
 * least share that is asked for, which is stored: plan, bound and planning->prices.tau.
 */
int planning_at_home(struct planning *planning, double *least);

/* The whole span as one stretch, of nothing, with the plan or with the associations of figure 2. */
int planning_open_whole(struct planning *planning, bool figure2, struct stretch *whole,
			struct schedule *schedule);

/* Fills rows and counts of the plan. */
int planning_rows(const struct planning *planning, struct associated *associated);

#endif
