/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Terminals that stay where they are as long as their rule lets them. */
#include "plan/terminals_private.h"

#include "plan/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum rule { RULE_PLANNED, RULE_FIGURE2 };

struct terminals {
	const struct schedule *schedule;
	enum rule rule;
	struct tally *tallies; /* per place */
	/* per worker */
	struct viewed *views; /* of a place, by beginning: most of them */
	uint32_t *active;     /* of these, those that are in view */
	float *states;	      /* slots + 1 */
	uint8_t *path;	      /* slots */
	size_t most;
};

/* One place as time goes on. */
struct watch {
	const struct schedule *schedule;
	const struct viewed *views;
	size_t count, next;
	uint32_t *active;
	size_t active_count;
};

static void watch_slot(struct watch *watch, unsigned int t)
{
	size_t kept = 0;

	while (watch->next < watch->count && watch->views[watch->next].from <= t)
		watch->active[watch->active_count++] = (uint32_t)watch->next++;
	for (size_t i = 0; i < watch->active_count; i++)
		if (watch->views[watch->active[i]].until > t)
			watch->active[kept++] = watch->active[i];
	watch->active_count = kept;
}

/* The core of a satellite in a slot. */
static uint8_t core_in(const struct schedule *schedule, uint32_t satellite, unsigned int t)
{
	attachment at = schedule->attachments[(size_t)satellite * schedule->stretch->slots + t];

	return at ? attachment_core(schedule->stretch->scenario, at) : NO_CORE;
}

/*
 * The satellite in view that serves one of the cores: `present` if it does, otherwise that which
 * does for longest. NOWHERE: none.
 */
static uint32_t choose(const struct watch *watch, unsigned int t, sno_set cores, uint32_t present)
{
	uint32_t best = NOWHERE;
	unsigned int longest = 0;

	for (size_t i = 0; i < watch->active_count; i++) {
		const struct viewed *view = &watch->views[watch->active[i]];
		uint8_t core = core_in(watch->schedule, view->satellite, t);
		unsigned int until = t + 1;

		if (core == NO_CORE || !(cores >> core & 1))
			continue;
		if (view->satellite == present)
			return present;
		while (until < view->until &&
		       core_in(watch->schedule, view->satellite, until) == core)
			until++;
		if (until > longest) {
			longest = until;
			best = view->satellite;
		}
	}
	return best;
}

static int by_beginning(const void *left, const void *right)
{
	const struct viewed *a = left, *b = right;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return a->satellite < b->satellite ? -1 : a->satellite > b->satellite;
}

static void watch_group(const struct terminals *terminals, size_t g, struct watch *watch,
			const uint8_t *path, struct tally *tally)
{
	const struct stretch *stretch = terminals->schedule->stretch;
	const struct scenario_group *group = &stretch->scenario->groups[g];
	const sno_set *available =
		terminals->schedule->available + (size_t)group->place * stretch->slots;
	struct serving last = {.satellite = NOWHERE};
	sno_set home = (sno_set)(1u << group->home);

	for (unsigned int t = 0; t < stretch->slots; t++) {
		sno_set cores = available[t] & group->cores;
		uint32_t satellite;

		watch_slot(watch, t);
		if (!cores)
			continue;
		if (terminals->rule == RULE_PLANNED)
			cores = (sno_set)(1u << path[t]);
		else if (cores & home)
			cores = home;
		satellite = choose(watch, t, cores, last.satellite);
		tally_slot(tally, &last, group->weight, group->home, satellite,
			   core_in(terminals->schedule, satellite, t));
	}
}

static void watch_place(void *arg, size_t part, unsigned int worker)
{
	const struct terminals *terminals = arg;
	const struct stretch *stretch = terminals->schedule->stretch;
	const struct scenario_place *place = &stretch->scenario->places[part];
	struct viewed *views = terminals->views + worker * terminals->most;
	uint8_t *path = terminals->path + (size_t)worker * stretch->slots;
	float *states = terminals->states + (size_t)worker * (stretch->slots + 1) * stretch->lanes;
	size_t count = stretch->viewed_of[part + 1] - stretch->viewed_of[part];

	memcpy(views, stretch->viewed + stretch->viewed_of[part], count * sizeof(*views));
	qsort(views, count, sizeof(*views), by_beginning);
	for (size_t g = place->first_group; g < place->first_group + place->group_count; g++) {
		struct watch watch = {.schedule = terminals->schedule,
				      .views = views,
				      .count = count,
				      .active = terminals->active + worker * terminals->most};

		programme_path(&stretch->costs, &stretch->scenario->groups[g],
			       terminals->schedule->available + part * stretch->slots,
			       stretch->slots, stretch->past->last[g], stretch->lanes, states,
			       path);
		watch_group(terminals, g, &watch, path, &terminals->tallies[part]);
	}
}

void tally_measure(const struct tally *tallies, const struct schedule *schedule,
		   struct measures *measures)
{
	const struct stretch *stretch = schedule->stretch;
	const struct scenario *scenario = stretch->scenario;
	const struct prices *prices = stretch->prices;
	double hours = stretch->slots * prices->slot / 3600, changes = 0;
	double all = scenario->weight * stretch->slots; /* slots, by weight */
	struct tally sum = {0};

	for (size_t p = 0; p < scenario->place_count; p++) {
		sum.inter_sno += tallies[p].inter_sno;
		sum.handovers += tallies[p].handovers;
		sum.home += tallies[p].home;
		sum.served += tallies[p].served;
	}
	for (size_t s = 0; s < scenario->satellite_count; s++)
		changes += schedule_changes(schedule, s, 0, stretch->slots);
	*measures = (struct measures){
		.inter_sno_per_user_hour = sum.inter_sno / scenario->weight / hours,
		.handovers_per_user_hour = sum.handovers / scenario->weight / hours,
		.home_share = sum.home / all,
		.served_share = sum.served / all,
		.association_changes_per_satellite_hour =
			changes / (double)scenario->satellite_count / hours,
		.objective = sum.inter_sno + (sum.served - sum.home) * prices->slot / prices->tau +
			     (all - sum.served) * prices->slot / prices->outage +
			     prices->gamma * changes};
}

static int measure(const struct schedule *schedule, struct parallel *parallel, enum rule rule,
		   struct measures *measures)
{
	const struct stretch *stretch = schedule->stretch;
	size_t places = stretch->scenario->place_count, workers = parallel_workers(parallel);
	struct terminals terminals = {.schedule = schedule, .rule = rule};
	int err = -ENOMEM;

	for (size_t p = 0; p < places; p++)
		if (stretch->viewed_of[p + 1] - stretch->viewed_of[p] > terminals.most)
			terminals.most = stretch->viewed_of[p + 1] - stretch->viewed_of[p];
	terminals.tallies = calloc(places, sizeof(*terminals.tallies));
	terminals.views = calloc(workers * terminals.most + 1, sizeof(*terminals.views));
	terminals.active = calloc(workers * terminals.most + 1, sizeof(*terminals.active));
	terminals.path = calloc(workers, stretch->slots);
	terminals.states = calloc(workers * (stretch->slots + 1) * stretch->lanes, sizeof(float));
	if (terminals.tallies && terminals.views && terminals.active && terminals.path &&
	    terminals.states) {
		parallel_run(parallel, places, watch_place, &terminals);
		tally_measure(terminals.tallies, schedule, measures);
		err = 0;
	}
	free(terminals.tallies);
	free(terminals.views);
	free(terminals.active);
	free(terminals.path);
	free(terminals.states);
	return err;
}

int terminals_planned(const struct schedule *schedule, struct parallel *parallel,
		      struct measures *measures)
{
	return measure(schedule, parallel, RULE_PLANNED, measures);
}

int terminals_figure2(const struct schedule *schedule, struct parallel *parallel,
		      struct measures *measures)
{
	return measure(schedule, parallel, RULE_FIGURE2, measures);
}

int figure2_associate(struct schedule *schedule)
{
	const struct stretch *stretch = schedule->stretch;
	const struct scenario *scenario = stretch->scenario;
	struct timeline *timeline = timeline_open(stretch);
	attachment *best = calloc(stretch->slots, sizeof(*best));

	if (!timeline || !best) {
		timeline_close(timeline);
		free(best);
		return -ENOMEM;
	}
	for (size_t s = 0; s < scenario->satellite_count; s++) {
		float *gains = timeline_gains(timeline);

		/* A slot is worth more than all changes could cost. */
		for (unsigned int t = 0; t < stretch->slots; t++)
			gains[(size_t)t * stretch->lanes + scenario->satellites[s].owner] =
				(float)(1 + stretch->prices->gamma * stretch->slots);
		timeline_best(timeline, s, schedule, best);
		schedule_set(schedule, s, 0, stretch->slots, best, NULL);
	}
	timeline_close(timeline);
	free(best);
	return 0;
}
