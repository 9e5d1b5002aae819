/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policy plan: the way of least cost through the cores of a place, then as few satellites on it as
 * can be.
 *
 * Between two instants at which an offer begins or ends, what there is to choose from does not
 * change, so the span falls into stretches, and the cores' part is a shortest path through
 * (stretch, core): being with a core costs nothing at home and length / tau elsewhere; a change
 * costs 1. A terminal "with" a core that cannot be had is one that waits for it, which costs
 * length / outage, and length / tau besides while it could be with another: else a terminal would
 * rather have nothing than be away from home, where tau is less than outage. The satellites' part
 * is a cover of each stretch of time by intervals, for which taking the one that reaches farthest
 * is optimal.
 */
#include "orbit/choice_private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct stretch {
	double from, until;
	bool served;  /* some core can be had */
	uint8_t core; /* once the path is known; a local number */
};

struct path {
	struct stretch *stretches;
	size_t count;
	uint32_t cores[CHOICE_CORES_MAX]; /* the caller's numbers of cores, by ours */
	unsigned int core_count;
	uint8_t *available; /* by stretch, by core */
	uint8_t *before;    /* by stretch, by core: the core before on the best way there */
};

static int compare_times(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int add_core(struct path *path, uint32_t core)
{
	for (unsigned int k = 0; k < path->core_count; k++)
		if (path->cores[k] == core)
			return (int)k;
	if (path->core_count == CHOICE_CORES_MAX)
		return -EINVAL;
	path->cores[path->core_count] = core;
	return (int)path->core_count++;
}

/* Cuts the span where offers begin and end. */
static int find_stretches(struct path *path, const struct choice_walk *walk)
{
	double *times = calloc(2 * walk->count + 2, sizeof(*times));
	size_t n = 0, kept = 0;

	if (!times)
		return -ENOMEM;
	times[n++] = walk->from;
	times[n++] = walk->until;
	for (size_t i = 0; i < walk->count; i++) {
		times[n++] = walk->offers[i].from;
		times[n++] = walk->offers[i].until;
	}
	qsort(times, n, sizeof(*times), compare_times);
	for (size_t i = 0; i < n; i++)
		if (!kept || times[i] > times[kept - 1])
			times[kept++] = times[i];
	path->count = kept ? kept - 1 : 0;
	path->stretches = calloc(path->count + 1, sizeof(*path->stretches));
	for (size_t i = 0; path->stretches && i < path->count; i++)
		path->stretches[i] = (struct stretch){.from = times[i], .until = times[i + 1]};
	free(times);
	return path->stretches ? 0 : -ENOMEM;
}

/* Which cores can be had in which stretch. */
static int find_cores(struct path *path, struct choice_walk *walk, const struct choice *on)
{
	int err = on ? add_core(path, on->core) : 0;

	for (size_t i = 0; err >= 0 && i < walk->count; i++)
		err = add_core(path, walk->offers[i].core);
	if (err < 0)
		return err;
	path->available = calloc(path->count + 1, path->core_count + 1);
	path->before = calloc(path->count + 1, path->core_count + 1);
	if (!path->available || !path->before)
		return -ENOMEM;
	for (size_t i = 0; i < path->count; i++) {
		choice_walk_to(walk, path->stretches[i].from);
		path->stretches[i].served = walk->active_count > 0;
		for (size_t a = 0; a < walk->active_count; a++)
			path->available[i * path->core_count +
					(unsigned int)add_core(path, walk->active[a]->core)] = 1;
	}
	walk->begun = walk->active_count = 0;
	return 0;
}

/* The shortest path. Ties go to the core one is with, then to the one first offered. */
static void find_path(struct path *path, const struct choice_rules *rules, const struct choice *on)
{
	unsigned int cores = path->core_count, best = 0;
	double costs[CHOICE_CORES_MAX], length;

	for (unsigned int k = 0; k < cores; k++)
		costs[k] = on && path->cores[k] != on->core;
	for (size_t i = 0; i < path->count; i++) {
		length = path->stretches[i].until - path->stretches[i].from;
		for (unsigned int k = best = 0; k < cores; k++)
			if (costs[k] < costs[best])
				best = k;
		const double change = costs[best] + 1;

		for (unsigned int k = 0; k < cores; k++) {
			bool stays = costs[k] <= change;

			path->before[i * cores + k] = (uint8_t)(stays ? k : best);
			costs[k] = stays ? costs[k] : change;
			if (!path->available[i * cores + k])
				costs[k] += length / rules->outage +
					    (path->stretches[i].served ? length / rules->tau : 0);
			else if (path->cores[k] != rules->home)
				costs[k] += length / rules->tau;
		}
	}
	for (unsigned int k = best = 0; k < cores; k++)
		if (costs[k] < costs[best])
			best = k;
	for (size_t i = path->count; i-- > 0;) {
		path->stretches[i].core = (uint8_t)best;
		best = path->before[i * cores + best];
	}
}

/* Puts together what follows on the same core. */
static void join_stretches(struct path *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < path->count; i++)
		if (kept && path->stretches[kept - 1].core == path->stretches[i].core)
			path->stretches[kept - 1].until = path->stretches[i].until;
		else
			path->stretches[kept++] = path->stretches[i];
	path->count = kept;
}

/* ---- satellites ------------------------------------------------------------------------------ */

/* The offer of a satellite that begins exactly then; NULL. */
static const struct choice_offer *follows(const struct choice_walk *walk, uint32_t satellite,
					  double t)
{
	size_t low = 0, high = walk->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (walk->offers[middle].from < t)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < walk->count && walk->offers[low].from == t; low++)
		if (walk->offers[low].satellite == satellite)
			return &walk->offers[low];
	return NULL;
}

/* How long a terminal on the path can stay on the satellite of this offer, which leads to the core
 * of stretch i, as the satellite is associated with one core after another. */
static double reach(const struct choice_walk *walk, const struct path *path, size_t i,
		    const struct choice_offer *offer)
{
	for (;; i++) {
		if (!offer || offer->core != path->cores[path->stretches[i].core])
			return path->stretches[i].from;
		if (offer->until != path->stretches[i].until || i + 1 == path->count)
			return fmin(offer->until, path->stretches[i].until);
		offer = follows(walk, offer->satellite, offer->until);
	}
}

/* The one of the active offers to the core of stretch i that reaches farthest. */
static const struct choice_offer *farthest(const struct choice_walk *walk, const struct path *path,
					   size_t i)
{
	const struct choice_offer *best = NULL, *offer;
	double most = 0, until;

	for (size_t a = 0; a < walk->active_count; a++) {
		offer = walk->active[a];
		if (offer->core != path->cores[path->stretches[i].core])
			continue;
		until = reach(walk, path, i, offer);
		if (!best || until > most ||
		    (until == most && offer->satellite < best->satellite)) {
			best = offer;
			most = until;
		}
	}
	return best;
}

/* One stretch of the path. *satellite is what the terminal is on, if `connected`. */
static int cover(struct choice_walk *walk, const struct path *path, size_t i, uint32_t *satellite,
		 bool *connected)
{
	const struct stretch *stretch = &path->stretches[i];
	const struct choice_offer *on;
	double t = stretch->from, until;
	int err = 0;

	while (!err && t < stretch->until) {
		choice_walk_to(walk, t);
		on = *connected ? choice_walk_of(walk, *satellite) : NULL;
		if (!on || on->core != path->cores[stretch->core])
			on = farthest(walk, path, i);
		*connected = on != NULL;
		if (!on) { /* waiting */
			t = choice_walk_next(walk);
			continue;
		}
		until = fmin(on->until, stretch->until);
		err = choice_walk_take(walk, on, t, until);
		*satellite = on->satellite;
		t = until;
	}
	return err;
}

int choice_plan(struct choice_walk *walk, const struct choice *on)
{
	struct path path = {.count = 0};
	uint32_t satellite = on ? on->satellite : 0;
	bool connected = on != NULL;
	int err = find_stretches(&path, walk);

	if (!err)
		err = find_cores(&path, walk, on);
	if (!err && path.core_count) {
		find_path(&path, walk->rules, on);
		join_stretches(&path);
		for (size_t i = 0; !err && i < path.count; i++)
			err = cover(walk, &path, i, &satellite, &connected);
	}
	free(path.stretches);
	free(path.available);
	free(path.before);
	return err;
}
