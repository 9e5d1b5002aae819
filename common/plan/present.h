/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The present, for planning anew: what a plan in force leaves satellites and users with.
 */
#ifndef SNO_PLAN_PRESENT_H
#define SNO_PLAN_PRESENT_H

#include "association.h"
#include "plan/parallel.h"
#include "plan/sky.h"
#include "plan/stretch.h"

/* How long before the present users are looked at for the core that serves them. */
#define PRESENT_LOOKBACK 1200.0 /* seconds */

/*
 * Makes the past of a plan that begins at view->start: each satellite has the association that the
 * plan gives it just before, for as long as it has had it; each group is on the core that it would
 * be on, having followed the plan for the last while. Of view the span is not looked at.
 * 0, -EINVAL for elements that SGP4 refuses, -ENOMEM.
 */
int present_open(struct past *past, const struct scenario *scenario, const struct sky_view *view,
		 const struct prices *prices, const struct associations *plan);

#endif
