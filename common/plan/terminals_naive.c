/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Naive sharing: every terminal is on the satellite that stands highest. */
#include "plan/terminals_private.h"

#include "orbit/track.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Slots that are looked at together; bounds the memory of positions: 12 bytes per satellite and
 * slot. */
#define TOGETHER 240

struct naive {
	const struct schedule *schedule;
	const struct sky *sky;
	unsigned int first, count; /* slots */
	float (*positions)[3];	   /* [satellite x TOGETHER + slot], km; in the slot's middle */
	struct tally *tallies;	   /* per place */
	struct serving *last;	   /* per group */
	/* per worker: what each slot has best, [slot] */
	float *highest;
	uint32_t *best;
	int err;
};

/* Positions of one satellite. One that has decayed is at the Earth's centre. */
static void locate(void *arg, size_t part, unsigned int worker)
{
	struct naive *naive = arg;
	const struct sky *sky = naive->sky;
	usec_t start = sky->start + clock_from_seconds(naive->first * sky->slot);
	float(*positions)[3] = naive->positions + part * TOGETHER;
	struct track track;

	(void)worker;
	if (track_open(&track, &sky->orbits[part], start, naive->count * sky->slot) < 0) {
		__atomic_store_n(&naive->err, -ENOMEM, __ATOMIC_RELAXED);
		return;
	}
	for (unsigned int t = 0; t < naive->count; t++) {
		double r[3] = {0};

		track_position(&track, (t + 0.5) * sky->slot, r);
		for (unsigned int i = 0; i < 3; i++)
			positions[t][i] = (float)r[i];
	}
	track_close(&track);
}

/* The sine of the elevation. */
static float height(const struct site *site, const float r[3])
{
	double d[3], up = 0, range = 0;

	for (unsigned int i = 0; i < 3; i++) {
		d[i] = (double)r[i] - site->position[i];
		up += d[i] * site->up[i];
		range += d[i] * d[i];
	}
	return (float)(up / sqrt(range));
}

/* The highest satellite that serves a group, slot by slot. */
static void find_highest(const struct naive *naive, size_t place, sno_set cores, float *highest,
			 uint32_t *best)
{
	const struct schedule *schedule = naive->schedule;
	const struct stretch *stretch = schedule->stretch;
	const struct site *site = &naive->sky->sites[stretch->scenario->places[place].site];
	unsigned int end = naive->first + naive->count;

	for (unsigned int t = 0; t < naive->count; t++) {
		highest[t] = -1;
		best[t] = NOWHERE;
	}
	for (size_t i = stretch->viewed_of[place]; i < stretch->viewed_of[place + 1]; i++) {
		const struct viewed *view = &stretch->viewed[i];
		const attachment *at =
			schedule->attachments + (size_t)view->satellite * stretch->slots;
		unsigned int t = view->from > naive->first ? view->from : naive->first;

		for (; t < view->until && t < end; t++) {
			float sine;

			if (!at[t] || !(cores >> attachment_core(stretch->scenario, at[t]) & 1))
				continue;
			sine = height(
				site,
				naive->positions[view->satellite * TOGETHER + t - naive->first]);
			if (sine > highest[t - naive->first]) {
				highest[t - naive->first] = sine;
				best[t - naive->first] = view->satellite;
			}
		}
	}
}

static void watch_place(void *arg, size_t part, unsigned int worker)
{
	struct naive *naive = arg;
	const struct schedule *schedule = naive->schedule;
	const struct stretch *stretch = schedule->stretch;
	const struct scenario_place *place = &stretch->scenario->places[part];
	float *highest = naive->highest + (size_t)worker * TOGETHER;
	uint32_t *best = naive->best + (size_t)worker * TOGETHER;
	sno_set looked_for = 0;

	for (size_t g = place->first_group; g < place->first_group + place->group_count; g++) {
		const struct scenario_group *group = &stretch->scenario->groups[g];

		if (g == place->first_group || group->cores != looked_for)
			find_highest(naive, part, group->cores, highest, best);
		looked_for = group->cores;
		for (unsigned int t = 0; t < naive->count; t++) {
			size_t slot = (size_t)best[t] * stretch->slots + naive->first + t;
			uint8_t core = best[t] == NOWHERE
					       ? NO_CORE
					       : attachment_core(stretch->scenario,
								 schedule->attachments[slot]);

			tally_slot(&naive->tallies[part], &naive->last[g], group->weight,
				   group->home, best[t], core);
		}
	}
}

int terminals_naive(const struct schedule *schedule, const struct sky *sky,
		    struct parallel *parallel, struct measures *measures)
{
	const struct stretch *stretch = schedule->stretch;
	const struct scenario *scenario = stretch->scenario;
	size_t workers = parallel_workers(parallel);
	struct naive naive = {.schedule = schedule, .sky = sky};

	naive.positions = calloc(scenario->satellite_count * TOGETHER, sizeof(*naive.positions));
	naive.tallies = calloc(scenario->place_count, sizeof(*naive.tallies));
	naive.last = calloc(scenario->group_count, sizeof(*naive.last));
	naive.highest = calloc(workers * TOGETHER, sizeof(*naive.highest));
	naive.best = calloc(workers * TOGETHER, sizeof(*naive.best));
	if (!naive.positions || !naive.tallies || !naive.last || !naive.highest || !naive.best) {
		naive.err = -ENOMEM;
		goto out;
	}
	for (size_t g = 0; g < scenario->group_count; g++)
		naive.last[g].satellite = NOWHERE;
	for (; naive.first < stretch->slots; naive.first += TOGETHER) {
		naive.count = stretch->slots - naive.first;
		if (naive.count > TOGETHER)
			naive.count = TOGETHER;
		parallel_run(parallel, scenario->satellite_count, locate, &naive);
		if (naive.err < 0)
			goto out;
		parallel_run(parallel, scenario->place_count, watch_place, &naive);
	}
	tally_measure(naive.tallies, schedule, measures);
out:
	free(naive.positions);
	free(naive.tallies);
	free(naive.last);
	free(naive.highest);
	free(naive.best);
	return naive.err;
}
