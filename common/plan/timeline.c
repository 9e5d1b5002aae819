/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dynamic programme of each satellite, forwards, and the way back.
 *
 * Values of passes are kept less the sum of all gains of their core so far, so that holding on
 * costs nothing: of P[t] what remains is the greatest F[b] - gamma - (gains before b) of all
 * beginnings b, and the b that it is from.
 */
#include "plan/timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OFF	(-1)
#define NOTHING (-INFINITY)

/* A pass that is on. */
struct active {
	double value;	     /* P less gains before; NOTHING when it is not attached */
	unsigned int begun;  /* the slot since when it is */
	unsigned int closed; /* ... and cannot be before: the station had no room */
	unsigned int until;
	int pass;
	attachment attached;
	uint8_t core;
};

struct timeline {
	const struct stretch *stretch;
	float *gains;	       /* [slot x lanes + core] */
	double *sums;	       /* [t x lanes + core]: of gains before t */
	double *freed;	       /* F[t] */
	int *through;	       /* the pass by which F[t] is reached, or OFF */
	unsigned int *begun;   /* ... and since when it has been held */
	struct active *active; /* passes that are on */
	size_t on;
	/* What others leave room for is looked up for, or NULL; and for whom. */
	const struct schedule *schedule;
	size_t satellite;
};

void timeline_close(struct timeline *timeline)
{
	if (!timeline)
		return;
	free(timeline->gains);
	free(timeline->sums);
	free(timeline->freed);
	free(timeline->through);
	free(timeline->begun);
	free(timeline->active);
	free(timeline);
}

struct timeline *timeline_open(const struct stretch *stretch)
{
	struct timeline *timeline = calloc(1, sizeof(*timeline));
	size_t slots = stretch->slots;

	if (!timeline)
		return NULL;
	timeline->stretch = stretch;
	timeline->gains = calloc(slots * stretch->lanes, sizeof(*timeline->gains));
	timeline->sums = calloc((slots + 1) * stretch->lanes, sizeof(*timeline->sums));
	timeline->freed = calloc(slots + 1, sizeof(*timeline->freed));
	timeline->through = calloc(slots + 1, sizeof(*timeline->through));
	timeline->begun = calloc(slots + 1, sizeof(*timeline->begun));
	timeline->active = calloc(stretch->most_passes + 1, sizeof(*timeline->active));
	if (timeline->gains && timeline->sums && timeline->freed && timeline->through &&
	    timeline->begun && timeline->active)
		return timeline;
	timeline_close(timeline);
	return NULL;
}

void timelines_close(struct timeline **timelines, unsigned int count)
{
	for (unsigned int i = 0; timelines && i < count; i++)
		timeline_close(timelines[i]);
	free(timelines);
}

struct timeline **timelines_open(const struct stretch *stretch, unsigned int count)
{
	struct timeline **timelines = calloc(count, sizeof(*timelines));

	for (unsigned int i = 0; timelines && i < count; i++) {
		timelines[i] = timeline_open(stretch);
		if (!timelines[i]) {
			timelines_close(timelines, count);
			return NULL;
		}
	}
	return timelines;
}

float *timeline_gains(struct timeline *timeline)
{
	const struct stretch *stretch = timeline->stretch;

	memset(timeline->gains, 0,
	       (size_t)stretch->slots * stretch->lanes * sizeof(*timeline->gains));
	return timeline->gains;
}

static inline __attribute__((always_inline)) void sum_gains(struct timeline *timeline,
							    unsigned int lanes)
{
	const float *gains = timeline->gains;
	double *sums = timeline->sums, sum[LANES_MAX] = {0};

	for (unsigned int t = 0; t < timeline->stretch->slots; t++, gains += lanes) {
		sums += lanes;
		for (unsigned int k = 0; k < lanes; k++) {
			sum[k] += gains[k];
			sums[k] = sum[k];
		}
	}
}

/* The pass that goes on where the association at the beginning does, or `count`. Of what is held
 * over a station there is at most one. */
static size_t find_held(const struct stretch *stretch, size_t satellite, const struct pass *passes,
			size_t count)
{
	attachment held = stretch->past->held[satellite];
	size_t p = 0;

	while (p < count && !(held != 0 && passes[p].attached == held && passes[p].from == 0))
		p++;
	return p;
}

static struct active *activate(struct timeline *timeline, const struct pass *pass, size_t p,
			       double value)
{
	struct active *active = &timeline->active[timeline->on++];

	*active = (struct active){.value = value,
				  .until = pass->until,
				  .pass = (int)p,
				  .attached = pass->attached,
				  .core = pass->core};
	return active;
}

/* A pass in which an association may end from now on. */
static void begin(struct timeline *timeline, const struct pass *pass, size_t p, bool limited)
{
	struct active *active = activate(timeline, pass, p, NOTHING);

	for (unsigned int t = pass->from;
	     limited && t + 1 < pass->from + timeline->stretch->prices->dwell; t++)
		if (!schedule_takes(timeline->schedule, timeline->satellite, active->attached, t))
			active->closed = t + 1;
}

/* Lets go of what is over at boundary t; returns the last boundary, `last` at most, to which all
 * others go on. */
static unsigned int deactivate(struct timeline *timeline, unsigned int t, unsigned int last)
{
	for (size_t i = 0; i < timeline->on; i++) {
		struct active *active = &timeline->active[i];

		if (active->until < t)
			timeline->active[i--] = timeline->active[--timeline->on];
		else if (active->until < last)
			last = active->until;
	}
	return last;
}

/* P[t] of a pass. */
static inline __attribute__((always_inline)) double hold_on(const struct timeline *timeline,
							    struct active *active, unsigned int t,
							    bool limited, unsigned int lanes)
{
	const struct stretch *stretch = timeline->stretch;
	unsigned int dwell = stretch->prices->dwell, begin = t - dwell;

	if (limited &&
	    !schedule_takes(timeline->schedule, timeline->satellite, active->attached, t - 1)) {
		active->value = NOTHING;
		active->closed = t;
	}
	if (t >= dwell && begin >= active->closed) {
		double gamma = begin == 0 && stretch->past->beginning ? 0 : stretch->prices->gamma;
		double value = timeline->freed[begin] - gamma -
			       timeline->sums[(size_t)begin * lanes + active->core];

		if (value > active->value) {
			active->value = value;
			active->begun = begin;
		}
	}
	return active->value + timeline->sums[(size_t)t * lanes + active->core];
}

/* Boundaries t to `last`, in which the same `on` passes are on. */
static inline __attribute__((always_inline)) void go_on(struct timeline *timeline, size_t on,
							unsigned int t, unsigned int last,
							unsigned int bound, bool limited,
							unsigned int lanes)
{
	for (; t <= last; t++) {
		double best = timeline->freed[t - 1];
		unsigned int begun = 0;
		int through = OFF;

		for (size_t i = 0; i < on; i++) {
			struct active *active = &timeline->active[i];
			double value = hold_on(timeline, active, t, limited, lanes);

			if (value > best && t >= bound) {
				best = value;
				through = active->pass;
				begun = active->begun;
			}
		}
		timeline->freed[t] = best;
		timeline->through[t] = through;
		timeline->begun[t] = begun;
	}
}

static inline __attribute__((always_inline)) void
go_forwards(struct timeline *timeline, size_t satellite, bool limited, unsigned int lanes)
{
	const struct stretch *stretch = timeline->stretch;
	const struct pass *passes = stretch->passes + stretch->pass_of[satellite];
	size_t count = stretch->pass_of[satellite + 1] - stretch->pass_of[satellite], next = 0;
	size_t held = find_held(stretch, satellite, passes, count);
	unsigned int dwell = stretch->prices->dwell, age = stretch->past->age[satellite];
	unsigned int bound = held < count && age < dwell ? dwell - age : 0, last;

	sum_gains(timeline, lanes);
	timeline->freed[0] = bound > 0 ? NOTHING : 0;
	timeline->on = 0;
	if (held < count)
		activate(timeline, &passes[held], held, 0);
	for (unsigned int t = 1; t <= stretch->slots; t = last + 1) {
		/* An association ends a dwell after the beginning of its pass at the earliest. */
		for (; next < count && passes[next].from + dwell <= t; next++)
			if (next != held)
				begin(timeline, &passes[next], next, limited);
		last = stretch->slots;
		if (next < count && passes[next].from + dwell <= last)
			last = passes[next].from + dwell - 1;
		last = deactivate(timeline, t, last);
		if (timeline->on == 0)
			go_on(timeline, 0, t, last, bound, limited, lanes);
		else if (timeline->on == 1)
			go_on(timeline, 1, t, last, bound, limited, lanes);
		else
			go_on(timeline, timeline->on, t, last, bound, limited, lanes);
	}
}

static void trace_back(const struct timeline *timeline, const struct pass *passes, attachment *best)
{
	unsigned int t = timeline->stretch->slots;

	/* Nothing is free where the dwell of what was before lasts longer than the stretch. */
	while (t > 0) {
		int p = timeline->through[t];
		unsigned int begun = p == OFF ? t - 1 : timeline->begun[t];

		while (t > begun)
			best[--t] = p == OFF ? 0 : passes[p].attached;
	}
}

double timeline_best(struct timeline *timeline, size_t satellite, const struct schedule *schedule,
		     attachment *best)
{
	const struct stretch *stretch = timeline->stretch;
	bool limited = schedule && schedule->room;

	timeline->schedule = schedule;
	timeline->satellite = satellite;
	if (stretch->lanes == 4 && !limited)
		go_forwards(timeline, satellite, false, 4);
	else if (stretch->lanes == 4)
		go_forwards(timeline, satellite, true, 4);
	else
		go_forwards(timeline, satellite, limited, 8);
	trace_back(timeline, stretch->passes + stretch->pass_of[satellite], best);
	return timeline->freed[stretch->slots];
}
