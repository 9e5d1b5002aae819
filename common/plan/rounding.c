/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dynamic programme of each satellite, for what the ones before it have left. */
#include "plan/rounding.h"

#include "plan/timeline.h"

#include <errno.h>
#include <stdlib.h>

/* Prices make all satellites that could be of use just worth their changes; a little more decides
 * for those that come first. */
#define BOOST 1.5f
/* What a slot that a satellite always had is worth beside, in association changes. */
#define WORTH 0.3
/* The same where changes cost nothing. */
#define WORTH_ALONE 1e-6

/* What is not yet available at places in view, at its price. */
static void gain_prices(const struct schedule *schedule, const struct pricing *pricing,
			size_t satellite, float *gains)
{
	const struct stretch *stretch = schedule->stretch;
	unsigned int lanes = stretch->lanes;

	for (size_t i = stretch->view_of[satellite]; i < stretch->view_of[satellite + 1]; i++) {
		const struct view *view = &stretch->views[i];
		const float *worth = pricing_worth(pricing, view->place);
		const sno_set *available =
			schedule->available + (size_t)view->place * stretch->slots;

		for (unsigned int t = view->from; t < view->until; t++)
			for (unsigned int k = 0; k < lanes; k++)
				if (!(available[t] >> k & 1))
					gains[(size_t)t * lanes + k] +=
						BOOST * worth[(size_t)t * lanes + k];
	}
}

/* What the satellite could earn from what the others have left. */
static void gain(const struct schedule *schedule, const struct pricing *pricing, size_t satellite,
		 float *gains)
{
	const struct stretch *stretch = schedule->stretch;
	const float *average = pricing_average(pricing, satellite);
	double gamma = stretch->prices->gamma;
	float worth = (float)(gamma > 0 ? WORTH * gamma : WORTH_ALONE);

	gain_prices(schedule, pricing, satellite, gains);
	for (size_t c = 0; c < (size_t)stretch->slots * stretch->lanes; c++)
		gains[c] += worth * average[c];
}

/* Satellites in the order in which they choose. */
struct turn {
	size_t satellite;
	bool bound;   /* it has to stay where it is for a while */
	double value; /* what it could earn if it came first; 0 where stations have room for all */
};

static int by_value(const void *left, const void *right)
{
	const struct turn *a = left, *b = right;

	if (a->bound != b->bound)
		return a->bound ? -1 : 1;
	if (a->value != b->value)
		return a->value > b->value ? -1 : 1;
	return a->satellite < b->satellite ? -1 : a->satellite > b->satellite;
}

/* Where room is scarce it is for those that have most use for it. */
static struct turn *find_order(const struct schedule *schedule, const struct pricing *pricing,
			       struct timeline *timeline, attachment *scratch)
{
	const struct stretch *stretch = schedule->stretch;
	const struct past *past = stretch->past;
	size_t satellites = stretch->scenario->satellite_count;
	struct turn *turns = calloc(satellites + 1, sizeof(*turns));

	for (size_t s = 0; turns && s < satellites; s++) {
		turns[s] = (struct turn){.satellite = s,
					 .bound = past->held[s] &&
						  past->age[s] < stretch->prices->dwell};
		if (!schedule->room)
			continue;
		gain(schedule, pricing, s, timeline_gains(timeline));
		turns[s].value = timeline_best(timeline, s, NULL, scratch);
	}
	if (turns)
		qsort(turns, satellites, sizeof(*turns), by_value);
	return turns;
}

int rounding_fill(struct schedule *schedule, const struct pricing *pricing)
{
	const struct stretch *stretch = schedule->stretch;
	struct timeline *timeline = timeline_open(stretch);
	attachment *best = calloc(stretch->slots, sizeof(*best));
	struct turn *turns =
		timeline && best ? find_order(schedule, pricing, timeline, best) : NULL;

	for (size_t i = 0; turns && i < stretch->scenario->satellite_count; i++) {
		size_t s = turns[i].satellite;

		gain(schedule, pricing, s, timeline_gains(timeline));
		timeline_best(timeline, s, schedule, best);
		schedule_set(schedule, s, 0, stretch->slots, best, NULL);
	}
	timeline_close(timeline);
	free(best);
	free(turns);
	return turns ? 0 : -ENOMEM;
}
