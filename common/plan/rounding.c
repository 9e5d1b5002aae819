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

static void round_satellite(struct schedule *schedule, const struct pricing *pricing,
			    struct timeline *timeline, size_t satellite, attachment *best)
{
	const struct stretch *stretch = schedule->stretch;
	const float *average = pricing_average(pricing, satellite);
	float *gains = timeline_gains(timeline);
	double gamma = stretch->prices->gamma;
	float worth = (float)(gamma > 0 ? WORTH * gamma : WORTH_ALONE);

	gain_prices(schedule, pricing, satellite, gains);
	for (size_t c = 0; c < (size_t)stretch->slots * stretch->lanes; c++)
		gains[c] += worth * average[c];
	timeline_best(timeline, satellite, schedule, best);
	schedule_set(schedule, satellite, 0, stretch->slots, best, NULL);
}

int rounding_fill(struct schedule *schedule, const struct pricing *pricing)
{
	const struct stretch *stretch = schedule->stretch;
	const struct past *past = stretch->past;
	struct timeline *timeline = timeline_open(stretch);
	attachment *best = calloc(stretch->slots, sizeof(*best));

	if (!timeline || !best) {
		timeline_close(timeline);
		free(best);
		return -ENOMEM;
	}
	/* Those that have to stay where they are for a while take their station's room first. */
	for (unsigned int pass = 0; pass < 2; pass++)
		for (size_t s = 0; s < stretch->scenario->satellite_count; s++) {
			bool bound = past->held[s] && past->age[s] < stretch->prices->dwell;

			if (bound == (pass == 0))
				round_satellite(schedule, pricing, timeline, s, best);
		}
	timeline_close(timeline);
	free(best);
	return 0;
}
