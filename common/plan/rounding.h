/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From prices to a plan: one satellite after the other gets its best timeline, where what the ones
 * before it have not made available is worth its price, and what it did on average in the
 * iterations a little more; as far as stations have room.
 */
#ifndef SNO_PLAN_ROUNDING_H
#define SNO_PLAN_ROUNDING_H

#include "plan/pricing.h"

/* Fills an empty schedule of the prices' stretch; they are settled. Satellites are planned in
 * batches (batch.h), by all threads. 0 or -ENOMEM. */
int rounding_fill(struct schedule *schedule, const struct pricing *pricing,
		  struct parallel *parallel);

#endif
