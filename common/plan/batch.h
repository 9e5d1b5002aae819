/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Satellites that can be planned at the same time.
 *
 * Two satellites get in each other's way where both are in view of a place in the same slot, and
 * with stations that take only so many also where both are in reach of a station. Those of a batch
 * do not, so each finds what it would find if the others had been planned before it. Where
 * stations matter those that come first have the first choice: no satellite is in an earlier batch
 * than one before it in whose way it is. Batches depend on the stretch alone, so what is planned in
 * them does not depend on the number of threads.
 */
#ifndef SNO_PLAN_BATCH_H
#define SNO_PLAN_BATCH_H

#include "plan/stretch.h"

/* The most that are in one. */
#define BATCH_MOST 64

struct batches {
	const struct stretch *stretch;
	bool stations;	      /* matter */
	uint32_t *satellites; /* the batch */
	size_t count;
	uint32_t *left; /* those that are still to come, left[begun] to left[left_count - 1] */
	size_t begun, left_count;
	uint64_t *taken; /* bits, [(place, then station) x words + slot / 64] */
	size_t words;
};

/* No satellites yet. The stretch is borrowed; stations: they take only so many satellites. 0 or
 * -ENOMEM. */
int batches_open(struct batches *batches, const struct stretch *stretch, bool stations);
void batches_close(struct batches *batches);

/* Adds a satellite, each at most once. */
void batches_add(struct batches *batches, size_t satellite);

/* Takes the next batch out: satellites[0] to satellites[count - 1], of those that are left the
 * first and such as come soon after it. False, and none, when all have been. */
bool batches_next(struct batches *batches);

#endif
