/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prices: the Lagrangian relaxation that gives the lower bound, and a start for the search.
 *
 * A group g that uses core k in slot t needs a satellite in view that is associated with k:
 *
 *	x[g][t][k] <= sum over satellites s that g sees in t of y[s][t][k]
 *
 * These are the only constraints that tie groups and satellites together. With a price u >= 0 on
 * each, left out of the constraints and put into the costs, what remains falls apart:
 *
 *	L(u) = sum over groups of the least cost of a path in which the use of k in t costs
 *	       w_g u[g][t][k] extra (and not to be served costs the outage price, always allowed)
 *	     - sum over satellites of the best timeline, where serving k in t is worth the
 *	       prices of all groups that it sees
 *
 * Any plan satisfies the constraints, so in L its cost is J minus something that is not negative;
 * and L takes the minimum over more than the plans: users who may go without service, stations
 * that take any number of satellites. Hence L(u) <= J for every plan and all u >= 0: the bound
 * needs no trust in how u was found. (In floating point: programmes add up to a relative error of
 * some 1e-6, which is taken off.)
 *
 * Prices are raised where use exceeds supply and lowered where supply exceeds use, with the volume
 * algorithm (Barahona and Anbil 2000): steps are taken from the best prices so far along the
 * average of what the iterations did, and the average of the satellites' choices tends to the
 * solution of the linear relaxation. Rounded, it is what the search starts from.
 *
 * Groups at a place that have the same weight and home are one; stretches that follow each other
 * without overlap have bounds that add up, because a plan of all, cut into stretches, costs no less
 * than the sum of its parts.
 */
#ifndef SNO_PLAN_PRICING_H
#define SNO_PLAN_PRICING_H

#include "plan/parallel.h"
#include "plan/progress.h"
#include "plan/schedule.h"

struct pricing;

/* Borrows the stretch and the threads. NULL: out of memory. */
struct pricing *pricing_open(const struct stretch *stretch, struct parallel *parallel);
void pricing_close(struct pricing *pricing);

/* Takes the beginning of another stretch's best prices, as much as there is in common. Both begin
 * with the same slot. */
void pricing_take(struct pricing *pricing, const struct pricing *other);

/* How far the first steps go, and the last ones when prices are good already. */
#define PRICING_FAR  0.3
#define PRICING_NEAR 0.005

/* Improves the prices, so many times, with steps that begin with this length and end with
 * PRICING_NEAR. progress may be NULL. Returns the bound: L at the best prices. */
double pricing_improve(struct pricing *pricing, unsigned int times, double step,
		       struct progress *progress);

/* What it would be worth at the best prices if a core were available at a place: by slot and core,
 * [slot x lanes + core]. After pricing_settle(). */
void pricing_settle(struct pricing *pricing);
const float *pricing_worth(const struct pricing *pricing, size_t place);

/* How much of the time, on average, a satellite served each core: [slot x lanes + core]. */
const float *pricing_average(const struct pricing *pricing, size_t satellite);

#endif
