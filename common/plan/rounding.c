/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dynamic programme of each satellite, for what the ones before it have left. */
#include "plan/rounding.h"

#include "plan/batch.h"
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

struct rounding {
	struct schedule *schedule;
	const struct pricing *pricing;
	struct batches batches;
	struct turn *turns;
	struct timeline **timelines; /* per worker */
	attachment *scratch;	     /* per worker, slots */
	attachment *found;	     /* [of the batch x slots + slot] */
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

static void value_satellite(void *arg, size_t part, unsigned int worker)
{
	struct rounding *rounding = arg;
	struct timeline *timeline = rounding->timelines[worker];
	attachment *scratch =
		rounding->scratch + (size_t)worker * rounding->schedule->stretch->slots;

	gain(rounding->schedule, rounding->pricing, part, timeline_gains(timeline));
	rounding->turns[part].value = timeline_best(timeline, part, NULL, scratch);
}

/* Where room is scarce it is for those that have most use for it. */
static void find_order(struct rounding *rounding, struct parallel *parallel)
{
	const struct stretch *stretch = rounding->schedule->stretch;
	const struct past *past = stretch->past;
	size_t satellites = stretch->scenario->satellite_count;

	for (size_t s = 0; s < satellites; s++)
		rounding->turns[s] = (struct turn){.satellite = s,
						   .bound = past->held[s] &&
							    past->age[s] < stretch->prices->dwell};
	if (rounding->schedule->room)
		parallel_run(parallel, satellites, value_satellite, rounding);
	qsort(rounding->turns, satellites, sizeof(*rounding->turns), by_value);
	for (size_t i = 0; i < satellites; i++)
		batches_add(&rounding->batches, rounding->turns[i].satellite);
}

/* The timeline of one of the batch. */
static void round_satellite(void *arg, size_t part, unsigned int worker)
{
	struct rounding *rounding = arg;
	struct timeline *timeline = rounding->timelines[worker];
	size_t satellite = rounding->batches.satellites[part];

	gain(rounding->schedule, rounding->pricing, satellite, timeline_gains(timeline));
	timeline_best(timeline, satellite, rounding->schedule,
		      rounding->found + part * rounding->schedule->stretch->slots);
}

static void fill(struct rounding *rounding, struct parallel *parallel)
{
	const struct batches *batches = &rounding->batches;
	unsigned int slots = rounding->schedule->stretch->slots;

	find_order(rounding, parallel);
	while (batches_next(&rounding->batches)) {
		parallel_run(parallel, batches->count, round_satellite, rounding);
		for (size_t i = 0; i < batches->count; i++)
			schedule_set(rounding->schedule, batches->satellites[i], 0, slots,
				     rounding->found + i * slots, NULL);
	}
}

int rounding_fill(struct schedule *schedule, const struct pricing *pricing,
		  struct parallel *parallel)
{
	const struct stretch *stretch = schedule->stretch;
	unsigned int workers = parallel_workers(parallel);
	size_t slots = stretch->slots;
	struct rounding rounding = {
		.schedule = schedule,
		.pricing = pricing,
		.turns = calloc(stretch->scenario->satellite_count + 1, sizeof(*rounding.turns)),
		.timelines = timelines_open(stretch, workers),
		.scratch = calloc(workers * slots, sizeof(*rounding.scratch)),
		.found = calloc(BATCH_MOST * slots, sizeof(*rounding.found))};
	int err = batches_open(&rounding.batches, stretch, schedule->room != NULL);

	if (err == 0 &&
	    !(rounding.turns && rounding.timelines && rounding.scratch && rounding.found))
		err = -ENOMEM;
	if (err == 0)
		fill(&rounding, parallel);
	timelines_close(rounding.timelines, workers);
	free(rounding.turns);
	free(rounding.scratch);
	free(rounding.found);
	batches_close(&rounding.batches);
	return err;
}
