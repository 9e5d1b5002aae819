/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dynamic programme of one satellite, forwards, and the way back. */
#include "plan/timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OFF	(-1)
#define NOTHING (-INFINITY)

struct timeline {
	const struct stretch *stretch;
	float *gains;	/* [slot x lanes + core] */
	double *sums;	/* [core x (slots + 1) + t]: of gains before t */
	double *freed;	/* F[t] */
	int *through;	/* the pass by which F[t] is reached, or OFF */
	double *held;	/* P of each pass, at the slot that is looked at */
	uint8_t *fresh; /* [pass x (slots + 1) + t]: P[t] begins at t - dwell */
	size_t *active; /* passes that are on */
};

void timeline_close(struct timeline *timeline)
{
	if (!timeline)
		return;
	free(timeline->gains);
	free(timeline->sums);
	free(timeline->freed);
	free(timeline->through);
	free(timeline->held);
	free(timeline->fresh);
	free(timeline->active);
	free(timeline);
}

struct timeline *timeline_open(const struct stretch *stretch)
{
	struct timeline *timeline = calloc(1, sizeof(*timeline));
	size_t slots = stretch->slots, passes = stretch->most_passes + 1;

	if (!timeline)
		return NULL;
	timeline->stretch = stretch;
	timeline->gains = calloc(slots * stretch->lanes, sizeof(*timeline->gains));
	timeline->sums = calloc((slots + 1) * stretch->lanes, sizeof(*timeline->sums));
	timeline->freed = calloc(slots + 1, sizeof(*timeline->freed));
	timeline->through = calloc(slots + 1, sizeof(*timeline->through));
	timeline->held = calloc(passes, sizeof(*timeline->held));
	timeline->fresh = calloc(passes * (slots + 1), sizeof(*timeline->fresh));
	timeline->active = calloc(passes, sizeof(*timeline->active));
	if (!timeline->gains || !timeline->sums || !timeline->freed || !timeline->through ||
	    !timeline->held || !timeline->fresh || !timeline->active) {
		timeline_close(timeline);
		return NULL;
	}
	return timeline;
}

float *timeline_gains(struct timeline *timeline)
{
	const struct stretch *stretch = timeline->stretch;

	memset(timeline->gains, 0,
	       (size_t)stretch->slots * stretch->lanes * sizeof(*timeline->gains));
	return timeline->gains;
}

static void sum_gains(struct timeline *timeline)
{
	const struct stretch *stretch = timeline->stretch;

	for (unsigned int k = 0; k < stretch->scenario->sno_count; k++) {
		double *sums = timeline->sums + (size_t)k * (stretch->slots + 1), sum = 0;

		for (unsigned int t = 0; t < stretch->slots; t++) {
			sums[t] = sum;
			sum += timeline->gains[(size_t)t * stretch->lanes + k];
		}
		sums[stretch->slots] = sum;
	}
}

/* True when the satellite may be attached so in all slots from `from` to until - 1. */
static bool has_room(const struct schedule *schedule, size_t satellite, attachment attached,
		     unsigned int from, unsigned int until)
{
	if (!schedule || !schedule->room)
		return true;
	for (unsigned int t = from; t < until; t++)
		if (!schedule_takes(schedule, satellite, attached, t))
			return false;
	return true;
}

/* The association that is on at the beginning goes on: the first values. Returns until when it has
 * to last for the dwell. */
static unsigned int take_past(struct timeline *timeline, size_t satellite)
{
	const struct stretch *stretch = timeline->stretch;
	const struct pass *passes = stretch->passes + stretch->pass_of[satellite];
	size_t count = stretch->pass_of[satellite + 1] - stretch->pass_of[satellite];
	attachment held = stretch->past->held[satellite];
	unsigned int age = stretch->past->age[satellite], dwell = stretch->prices->dwell;
	bool goes_on = false;

	for (size_t p = 0; p < count; p++) {
		bool same = held != 0 && passes[p].attached == held && passes[p].from == 0;

		timeline->held[p] = same ? 0 : NOTHING;
		goes_on = goes_on || same;
	}
	return goes_on && age < dwell ? dwell - age : 0;
}

/* P[t] of one pass; the station is one that it could be attached to in slot t - 1. */
static void hold_on(struct timeline *timeline, size_t satellite, size_t p, const struct pass *pass,
		    unsigned int t, const struct schedule *schedule)
{
	const struct stretch *stretch = timeline->stretch;
	unsigned int dwell = stretch->prices->dwell;
	const double *sums = timeline->sums + (size_t)pass->core * (stretch->slots + 1);
	uint8_t *fresh = &timeline->fresh[p * (stretch->slots + 1) + t];
	double best = NOTHING;

	*fresh = 0;
	if (timeline->held[p] > NOTHING && has_room(schedule, satellite, pass->attached, t - 1, t))
		best = timeline->held[p] + sums[t] - sums[t - 1];
	if (t >= pass->from + dwell && timeline->freed[t - dwell] > NOTHING) {
		bool free_of_charge = t == dwell && stretch->past->beginning;
		double begun = timeline->freed[t - dwell] + sums[t] - sums[t - dwell] -
			       (free_of_charge ? 0 : stretch->prices->gamma);

		if (begun > best && has_room(schedule, satellite, pass->attached, t - dwell, t)) {
			best = begun;
			*fresh = 1;
		}
	}
	timeline->held[p] = best;
}

static void trace_back(const struct timeline *timeline, const struct pass *passes, attachment *best)
{
	const struct stretch *stretch = timeline->stretch;
	unsigned int t = stretch->slots;
	int p = OFF;

	/* Nothing is free where the dwell of what was before lasts longer than the stretch. */
	while (t > 0) {
		if (p == OFF)
			p = timeline->through[t];
		if (p == OFF) {
			best[--t] = 0;
			continue;
		}
		if (timeline->fresh[(size_t)p * (stretch->slots + 1) + t]) {
			for (unsigned int i = 0; i < stretch->prices->dwell; i++)
				best[--t] = passes[p].attached;
			p = OFF;
		} else {
			best[--t] = passes[p].attached;
		}
	}
}

double timeline_best(struct timeline *timeline, size_t satellite, const struct schedule *schedule,
		     attachment *best)
{
	const struct stretch *stretch = timeline->stretch;
	const struct pass *passes = stretch->passes + stretch->pass_of[satellite];
	size_t count = stretch->pass_of[satellite + 1] - stretch->pass_of[satellite];
	size_t next = 0, active = 0;
	unsigned int bound_until = take_past(timeline, satellite);

	sum_gains(timeline);
	timeline->freed[0] = bound_until > 0 ? NOTHING : 0;
	timeline->through[0] = OFF;
	for (unsigned int t = 1; t <= stretch->slots; t++) {
		timeline->freed[t] = timeline->freed[t - 1];
		timeline->through[t] = OFF;
		while (next < count && passes[next].from < t)
			timeline->active[active++] = next++;
		for (size_t i = 0; i < active; i++) {
			size_t p = timeline->active[i];

			if (passes[p].until < t) {
				timeline->active[i--] = timeline->active[--active];
				continue;
			}
			hold_on(timeline, satellite, p, &passes[p], t, schedule);
			if (t >= bound_until && timeline->held[p] > timeline->freed[t]) {
				timeline->freed[t] = timeline->held[p];
				timeline->through[t] = (int)p;
			}
		}
	}
	trace_back(timeline, passes, best);
	return timeline->freed[stretch->slots];
}
