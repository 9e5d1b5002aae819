/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the averages of prices' iterations to a plan: each satellite gets the timeline that holds
 * most of what it did on average, as far as stations have room. What goes wrong between satellites
 * by that (two that do the same) the search puts right.
 */
#ifndef SNO_PLAN_ROUNDING_H
#define SNO_PLAN_ROUNDING_H

#include "plan/pricing.h"

/* Fills an empty schedule of the prices' stretch. 0 or -ENOMEM. */
int rounding_fill(struct schedule *schedule, const struct pricing *pricing);

#endif
