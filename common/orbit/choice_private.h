/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files choice*.c share: a walk through the offers of a place, in order of time. */
#ifndef SNO_ORBIT_CHOICE_PRIVATE_H
#define SNO_ORBIT_CHOICE_PRIVATE_H

#include "orbit/choice.h"

/* Offers cut to the span and sorted by beginning, and those that hold at the present. */
struct choice_walk {
	const struct choice_rules *rules;
	struct choice_offer *offers;
	size_t count;
	const struct choice_offer **active;
	size_t active_count, begun; /* how many of the offers have begun */
	double from, until;
	struct choices *out;
	size_t room;
};

/* Goes on to time t, not before where it was: `active` is what holds then. */
void choice_walk_to(struct choice_walk *walk, double t);
/* When the next offer begins; the span's end when none does. */
double choice_walk_next(const struct choice_walk *walk);
/* The active offer of this satellite; NULL when it makes none. */
const struct choice_offer *choice_walk_of(const struct choice_walk *walk, uint32_t satellite);
/* Appends a step, or goes on with the last one when it is the same. 0 or -ENOMEM. */
int choice_walk_take(struct choice_walk *walk, const struct choice_offer *offer, double from,
		     double until);

/* Policy plan (choice_plan.c). 0, -EINVAL (too many cores) or -ENOMEM. */
int choice_plan(struct choice_walk *walk, const struct choice *on);

#endif
