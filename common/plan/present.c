/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Following a plan for a while up to the present. */
#include "plan/present.h"

#include "plan/schedule.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How a satellite is attached by an association; 0 when its station or its neighbour is unknown
 * here. */
static attachment attachment_of(const struct sky *sky, size_t satellite,
				const struct association *row)
{
	const struct scenario *scenario = sky->scenario;
	const struct element_set *sets = scenario->constellation.sets;
	size_t over = 0; /* 0: no neighbour; 1 + enum neighbour */

	if (*row->via) {
		const uint32_t *via = sky->neighbours ? sky->neighbours[satellite] : NULL;
		unsigned int n = 0;

		while (via && n < NEIGHBOURS &&
		       (via[n] == NEIGHBOUR_NONE || strcmp(sets[via[n]].name, row->via) != 0))
			n++;
		if (!via || n == NEIGHBOURS)
			return 0;
		over = 1 + n;
	}
	for (size_t i = 0; i < scenario->station_count; i++)
		if (strcmp(scenario->stations[i].name, row->station) == 0)
			return (attachment)(1 + over * scenario->station_count + i);
	return 0;
}

/* Slots from one instant to another, rounded; at most `most`. */
static unsigned int slots_between(usec_t from, usec_t until, double slot, unsigned int most)
{
	double slots = round((double)(until - from) / USEC_PER_SEC / slot);

	return slots <= 0 ? 0 : slots > most ? most : (unsigned int)slots;
}

/* The associations of one satellite in the slots before the present; and what it holds in the
 * end. */
static void follow(struct schedule *schedule, size_t s, const struct associations *plan,
		   const struct sky *before, struct past *past, attachment *timeline)
{
	const struct stretch *stretch = schedule->stretch;
	const struct scenario *scenario = stretch->scenario;
	usec_t end = before->start + clock_from_seconds(before->slot * before->slots);
	size_t count = 0;
	const struct association *rows =
		association_of(plan, scenario->constellation.sets[s].name, &count);

	memset(timeline, 0, stretch->slots * sizeof(*timeline));
	for (size_t i = 0; i < count; i++) {
		unsigned int from =
			slots_between(before->start, rows[i].from, before->slot, stretch->slots);
		unsigned int until =
			slots_between(before->start, rows[i].until, before->slot, stretch->slots);
		attachment at = from < until || rows[i].until >= end
					? attachment_of(before, s, &rows[i])
					: 0;

		for (unsigned int t = from; t < until; t++)
			timeline[t] = at;
		/* What ends with the present is still what a new beginning is compared with. */
		if (rows[i].from >= end || rows[i].until < end)
			continue;
		past->held[s] = at;
		past->age[s] = (uint16_t)slots_between(rows[i].from, end, before->slot,
						       stretch->prices->dwell);
	}
	schedule_set(schedule, s, 0, stretch->slots, timeline, NULL);
}

static int follow_all(struct past *past, const struct stretch *stretch, const struct sky *before,
		      const struct associations *plan)
{
	const struct scenario *scenario = stretch->scenario;
	struct schedule schedule;
	attachment *timeline = calloc(stretch->slots, sizeof(*timeline));
	float *states = calloc((size_t)(stretch->slots + 1) * stretch->lanes, sizeof(*states));
	uint8_t *path = malloc(stretch->slots);
	int err = schedule_open(&schedule, stretch);

	if (err == 0 && (!timeline || !states || !path))
		err = -ENOMEM;
	for (size_t s = 0; err == 0 && s < scenario->satellite_count; s++)
		follow(&schedule, s, plan, before, past, timeline);
	for (size_t g = 0; err == 0 && g < scenario->group_count; g++) {
		const struct scenario_group *group = &scenario->groups[g];

		programme_path(&stretch->costs, group,
			       schedule.available + (size_t)group->place * stretch->slots,
			       stretch->slots, NO_CORE, stretch->lanes, states, path);
		for (unsigned int t = 0; t < stretch->slots; t++)
			if (path[t] != NO_CORE)
				past->last[g] = path[t];
	}
	schedule_close(&schedule);
	free(timeline);
	free(states);
	free(path);
	return err;
}

int present_open(struct past *past, const struct scenario *scenario, const struct sky_view *view,
		 const struct prices *prices, const struct associations *plan)
{
	struct sky_view back = *view;
	struct past nothing;
	struct stretch stretch;
	struct sky before;
	int err;

	back.slots = (uint32_t)ceil(PRESENT_LOOKBACK / view->slot);
	back.start = view->start - clock_from_seconds(back.slots * view->slot);
	back.progress = NULL;
	err = past_open(past, scenario);
	if (err < 0)
		return err;
	past->beginning = false;
	err = past_open(&nothing, scenario);
	if (err < 0)
		goto no_nothing;
	err = sky_open(&before, scenario, &back);
	if (err < 0)
		goto no_sky;
	err = stretch_open(&stretch, &before, prices, &nothing, 0, back.slots);
	if (err < 0)
		goto no_stretch;
	err = follow_all(past, &stretch, &before, plan);
	stretch_close(&stretch);
no_stretch:
	sky_close(&before);
no_sky:
	past_close(&nothing);
no_nothing:
	if (err < 0)
		past_close(past);
	return err;
}
