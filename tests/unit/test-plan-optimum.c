/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The planner against plain enumeration, on small random skies: the programmes of groups and of
 * satellites are optimal, trials know exactly what a change does, and bound <= optimum <= plan.
 */
#include "plan/descent.h"
#include "plan/moves.h"
#include "plan/rounding.h"
#include "plan/search.h"
#include "plan/timeline.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SKIES 40
#define SLOTS 6
#define SATS  3
#define SITES 2
#define CORES 2

/* A small sky, made up: nothing of it comes from orbits. */
struct world {
	struct scenario scenario;
	struct sky sky;
	struct prices prices;
	struct past past;
	struct stretch stretch;
	struct parallel *parallel;
	struct sighting users[SATS * SITES], stations[SATS * CORES];
	size_t users_of[SATS + 1], stations_of[SATS + 1];
	uint64_t random;
};

static unsigned int any(struct world *w, unsigned int below)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)((w->random >> 33) % below);
}

/* A sighting of some slots, at least two. */
static struct sighting see(struct world *w, unsigned int satellite, unsigned int where)
{
	unsigned int from = any(w, SLOTS - 1);

	return (struct sighting){.satellite = satellite,
				 .where = where,
				 .from = from,
				 .until = from + 2 + any(w, SLOTS - from - 1)};
}

static void make_scenario(struct world *w)
{
	static const char *const names[] = {"a.example", "b.example"};
	struct element_set sets[SATS] = {{.owner = 0}, {.owner = 1}, {.owner = 1}};
	struct scenario *scenario = &w->scenario;

	scenario_init(scenario);
	scenario->constellation.sets = calloc(SATS, sizeof(*sets));
	assert_non_null(scenario->constellation.sets);
	memcpy(scenario->constellation.sets, sets, sizeof(sets));
	scenario->constellation.count = scenario->constellation.room = SATS;
	for (unsigned int k = 0; k < CORES; k++) {
		struct place where = {.lat = k};

		assert_int_equal(scenario_sno(scenario, names[k]), (int)k);
		assert_int_equal(scenario_add_station(scenario, k, names[k], &where, 0), 0);
	}
	for (unsigned int i = 0; i < SITES * CORES; i++) {
		struct place where = {.lat = i / CORES};

		assert_int_equal(scenario_add_users(scenario, i % CORES, &where, 1 + any(w, 3)), 0);
	}
	assert_int_equal(scenario_close(scenario), 0);
}

static void open_world(struct world *w, uint64_t seed)
{
	*w = (struct world){.random = seed * 7919 + 1};
	make_scenario(w);
	w->prices = (struct prices){.slot = 15,
				    .tau = 40 + any(w, 60),
				    .outage = 5 + any(w, 20),
				    .gamma = 0.2,
				    .dwell = 1 + any(w, 2)};
	w->sky = (struct sky){.scenario = &w->scenario,
			      .slot = 15,
			      .slots = SLOTS,
			      .users = {.rows = w->users, .of = w->users_of},
			      .stations = {.rows = w->stations, .of = w->stations_of}};
	for (unsigned int s = 0; s < SATS; s++) {
		for (unsigned int i = 0; i < SITES; i++)
			w->users[w->sky.users.count++] = see(w, s, i);
		for (unsigned int k = 0; k < CORES; k++)
			w->stations[w->sky.stations.count++] = see(w, s, k);
		/* In the order of their beginnings, as a sky is. */
		for (unsigned int i = 0; i < 2; i++) {
			struct sighting *rows =
				i ? &w->stations[(size_t)s * CORES] : &w->users[(size_t)s * SITES];

			if (rows[1].from < rows[0].from) {
				struct sighting first = rows[1];

				rows[1] = rows[0];
				rows[0] = first;
			}
		}
		w->users_of[s + 1] = w->sky.users.count;
		w->stations_of[s + 1] = w->sky.stations.count;
	}
	assert_int_equal(past_open(&w->past, &w->scenario), 0);
	assert_int_equal(stretch_open(&w->stretch, &w->sky, &w->prices, &w->past, 0, SLOTS), 0);
	w->parallel = parallel_open(2);
	assert_non_null(w->parallel);
}

static void close_world(struct world *w)
{
	parallel_close(w->parallel);
	stretch_close(&w->stretch);
	past_close(&w->past);
	scenario_free(&w->scenario);
}

/* ---- enumeration ----------------------------------------------------------------------------- */

/* The least cost of a group from slot t on, last served by `last`, trying all cores. */
static double try_cores(const struct world *w, const struct scenario_group *group,
			const sno_set *available, unsigned int t, uint8_t last)
{
	double best = INFINITY;

	if (t == SLOTS)
		return 0;
	if (!available[t])
		return w->prices.slot / w->prices.outage +
		       try_cores(w, group, available, t + 1, last);
	for (uint8_t k = 0; k < CORES; k++) {
		double cost;

		if (!(available[t] >> k & 1))
			continue;
		cost = (last != NO_CORE && last != k) +
		       (k == group->home ? 0 : w->prices.slot / w->prices.tau) +
		       try_cores(w, group, available, t + 1, k);
		best = cost < best ? cost : best;
	}
	return best;
}

/* J of associations, from its definition. */
static double plain_objective(const struct world *w, attachment at[SATS][SLOTS])
{
	double sum = 0;

	for (size_t g = 0; g < w->scenario.group_count; g++) {
		const struct scenario_group *group = &w->scenario.groups[g];
		sno_set available[SLOTS] = {0};

		for (size_t i = 0; i < w->sky.users.count; i++)
			if (w->users[i].where == w->scenario.places[group->place].site)
				for (unsigned int t = w->users[i].from; t < w->users[i].until; t++)
					if (at[w->users[i].satellite][t])
						available[t] |=
							(sno_set)(1u
								  << (at[w->users[i].satellite][t] -
								      1));
		sum += group->weight * try_cores(w, group, available, 0, NO_CORE);
	}
	for (unsigned int s = 0; s < SATS; s++)
		for (unsigned int t = 1; t < SLOTS; t++)
			sum += at[s][t] && at[s][t] != at[s][t - 1] ? w->prices.gamma : 0;
	return sum;
}

/* Station k may be held by the satellite in slot t. */
static bool sees(const struct world *w, unsigned int satellite, unsigned int station,
		 unsigned int t)
{
	for (size_t i = w->stations_of[satellite]; i < w->stations_of[satellite + 1]; i++)
		if (w->stations[i].where == station)
			return t >= w->stations[i].from && t < w->stations[i].until;
	return false;
}

static bool allowed(const struct world *w, unsigned int satellite, const attachment at[SLOTS])
{
	for (unsigned int t = 0, run = 0; t < SLOTS; t++) {
		if (at[t] && !sees(w, satellite, at[t] - 1u, t))
			return false;
		run = t > 0 && at[t] == at[t - 1] ? run + 1 : 1;
		if (at[t] && (t + 1 == SLOTS || at[t + 1] != at[t]) && run < w->prices.dwell)
			return false;
	}
	return true;
}

/* All timelines that a satellite may have; returns how many. */
#define TIMELINES 729 /* 3 choices in 6 slots */
static size_t list_timelines(const struct world *w, unsigned int satellite,
			     attachment list[TIMELINES][SLOTS])
{
	size_t count = 0;

	for (unsigned int code = 0; code < TIMELINES; code++) {
		unsigned int rest = code;

		for (unsigned int t = 0; t < SLOTS; t++, rest /= 3)
			list[count][t] = (attachment)(rest % 3);
		if (allowed(w, satellite, list[count]))
			count++;
	}
	return count;
}

/* No station has more satellites than it takes. */
static bool fits(const struct world *w, attachment at[SATS][SLOTS])
{
	for (unsigned int k = 0; k < CORES; k++)
		for (unsigned int t = 0; t < SLOTS; t++) {
			unsigned int count = 0;

			for (unsigned int s = 0; s < SATS; s++)
				count += at[s][t] == k + 1;
			if (w->scenario.stations[k].capacity &&
			    count > w->scenario.stations[k].capacity)
				return false;
		}
	return true;
}

/* The least J of all plans. */
static double optimum(const struct world *w)
{
	static attachment lists[SATS][TIMELINES][SLOTS];
	attachment at[SATS][SLOTS];
	size_t counts[SATS];
	double best = INFINITY;

	for (unsigned int s = 0; s < SATS; s++)
		counts[s] = list_timelines(w, s, lists[s]);
	for (size_t i = 0; i < counts[0]; i++)
		for (size_t j = 0; j < counts[1]; j++)
			for (size_t k = 0; k < counts[2]; k++) {
				double value;

				memcpy(at[0], lists[0][i], sizeof(at[0]));
				memcpy(at[1], lists[1][j], sizeof(at[1]));
				memcpy(at[2], lists[2][k], sizeof(at[2]));
				if (!fits(w, at))
					continue;
				value = plain_objective(w, at);
				best = value < best ? value : best;
			}
	return best;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_programme(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 500; seed++) {
		struct world w;
		sno_set available[SLOTS];
		float states[(SLOTS + 1) * 4];
		uint8_t path[SLOTS], last = NO_CORE;
		const struct scenario_group *group;
		double cost, plain, along = 0;

		open_world(&w, seed);
		group = &w.scenario.groups[seed % w.scenario.group_count];
		for (unsigned int t = 0; t < SLOTS; t++)
			available[t] = (sno_set)any(&w, 4);
		cost = programme_path(&w.stretch.costs, group, available, SLOTS, NO_CORE, 4, states,
				      path);
		plain = try_cores(&w, group, available, 0, NO_CORE);
		assert_true(fabs(cost - plain) < 1e-4);
		/* And the path is one of that cost. */
		for (unsigned int t = 0; t < SLOTS; t++) {
			assert_true(available[t] ? available[t] >> path[t] & 1
						 : path[t] == NO_CORE);
			if (!available[t]) {
				along += w.prices.slot / w.prices.outage;
				continue;
			}
			along += (last != NO_CORE && last != path[t]) +
				 (path[t] == group->home ? 0 : w.prices.slot / w.prices.tau);
			last = path[t];
		}
		assert_true(fabs(along - plain) < 1e-4);
		close_world(&w);
	}
}

static void test_timeline(void **state)
{
	static attachment list[TIMELINES][SLOTS];

	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct world w;
		struct timeline *timeline;
		attachment found[SLOTS];
		float gains[SLOTS * 4] = {0};
		double best = -INFINITY, value;
		size_t count;

		open_world(&w, seed);
		for (unsigned int i = 0; i < SLOTS * 4; i++)
			gains[i] = (float)any(&w, 100) / 100;
		count = list_timelines(&w, 1, list);
		for (size_t i = 0; i < count; i++) {
			double sum = 0;

			for (unsigned int t = 0; t < SLOTS; t++) {
				attachment at = list[i][t];

				if (at)
					sum += (double)gains[t * 4 + at - 1u];
				if (at && t > 0 && at != list[i][t - 1])
					sum -= w.prices.gamma;
			}
			best = sum > best ? sum : best;
		}
		timeline = timeline_open(&w.stretch);
		assert_non_null(timeline);
		memcpy(timeline_gains(timeline), gains, sizeof(gains));
		value = timeline_best(timeline, 1, NULL, found);
		assert_true(fabs(value - best) < 1e-5);
		assert_true(allowed(&w, 1, found));
		timeline_close(timeline);
		close_world(&w);
	}
}

/* What a trial says a change does is what it does, kept or taken back. */
static void test_trials(void **state)
{
	unsigned int kept = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SKIES; seed++) {
		struct world w;
		struct schedule schedule;
		struct trials trials;
		struct trial trial;
		struct moves moves;
		double objective;

		open_world(&w, seed);
		assert_int_equal(schedule_open(&schedule, &w.stretch), 0);
		assert_int_equal(trials_open(&trials, &schedule), 0);
		assert_int_equal(trial_open(&trial, &trials), 0);
		assert_int_equal(moves_open(&moves, &trial, seed), 0);
		trials_refresh(&trials, w.parallel);
		objective = schedule_objective(&schedule, w.parallel);
		for (unsigned int i = 0; i < 200; i++) {
			double rise, now;

			if (!moves_propose(&moves))
				continue;
			rise = trial_rise(&trial);
			now = schedule_objective(&schedule, w.parallel);
			assert_true(fabs(objective + rise - now) < 1e-4);
			if (any(&w, 3)) {
				trial_keep(&trial);
				objective = now;
				kept++;
			} else {
				trial_undo(&trial);
				now = schedule_objective(&schedule, w.parallel);
				assert_true(fabs(objective - now) < 1e-4);
			}
			for (unsigned int s = 0; s < SATS; s++)
				assert_true(
					allowed(&w, s, schedule.attachments + (size_t)s * SLOTS));
		}
		moves_close(&moves);
		trial_close(&trial);
		trials_close(&trials);
		schedule_close(&schedule);
		close_world(&w);
	}
	assert_true(kept > SKIES);
}

/* What is proposed in the slots 2 and 3, as a number. */
static uint64_t propose_inside(struct schedule *schedule, uint64_t seed)
{
	struct trials trials;
	struct trial trial;
	struct moves moves;
	uint64_t all = 0;

	assert_int_equal(trials_open(&trials, schedule), 0);
	assert_int_equal(trial_open(&trial, &trials), 0);
	trial.first = 2;
	trial.end = 4;
	trial.look_first = 1;
	trial.look_end = 5;
	assert_int_equal(moves_open(&moves, &trial, seed), 0);
	for (unsigned int i = 0; i < 100; i++) {
		all = all * 31 + moves_propose(&moves);
		for (size_t c = 0; c < trial.count; c++)
			all = all * 31 + trial.changes[c].satellite * 36 +
			      trial.changes[c].from * 6u + trial.changes[c].until;
		trial_undo(&trial);
	}
	all ^= moves_random(&moves);
	moves_close(&moves);
	trial_close(&trial);
	trials_close(&trials);
	return all;
}

/* Threads search in blocks at the same time: none may see what another does. */
static void test_blocks(void **state)
{
	const attachment other[] = {1, 2};

	(void)state;
	for (uint64_t seed = 0; seed < SKIES; seed++) {
		struct world w;
		struct schedule schedule;
		uint64_t before;

		open_world(&w, seed);
		assert_int_equal(schedule_open(&schedule, &w.stretch), 0);
		before = propose_inside(&schedule, seed);
		for (unsigned int s = 0; s < SATS; s++) {
			schedule_set(&schedule, s, 0, 1, &other[s % 2], NULL);
			schedule_set(&schedule, s, 5, 6, &other[s % 2], NULL);
		}
		assert_true(propose_inside(&schedule, seed) == before);
		schedule_close(&schedule);
		close_world(&w);
	}
}

/* Plans all skies, with stations that take so many satellites, and counts those for which the bound
 * is tight, the optimum is found, and nearly so. */
static void plan_skies(unsigned int capacity, unsigned int *tight, unsigned int *found,
		       unsigned int *near)
{
	*tight = *found = *near = 0;
	for (uint64_t seed = 0; seed < SKIES; seed++) {
		struct search_effort effort = {.rounds = 60,
					       .proposals = 400,
					       .warmest = 1,
					       .coldest = 0.01,
					       .seed = seed};
		attachment at[SATS][SLOTS];
		struct schedule schedule;
		struct pricing *pricing;
		double bound, best, objective, value, fall;
		struct world w;

		open_world(&w, seed);
		for (unsigned int k = 0; k < CORES; k++)
			w.scenario.stations[k].capacity = capacity;
		best = optimum(&w);
		pricing = pricing_open(&w.stretch, w.parallel);
		assert_non_null(pricing);
		bound = pricing_improve(pricing, 300, PRICING_FAR, NULL);
		assert_true(bound <= best + 1e-9);
		assert_int_equal(schedule_open(&schedule, &w.stretch), 0);
		pricing_settle(pricing);
		assert_int_equal(rounding_fill(&schedule, pricing, w.parallel), 0);
		assert_int_equal(search_run(&schedule, w.parallel, &effort, &objective), 0);
		assert_int_equal(descent_run(&schedule, w.parallel, &fall), 0);
		value = schedule_objective(&schedule, w.parallel);
		assert_true(value <= objective + 1e-4);
		objective = value;
		memcpy(at, schedule.attachments, sizeof(at));
		assert_true(fabs(plain_objective(&w, at) - objective) < 1e-3);
		assert_true(fits(&w, at));
		assert_true(objective >= best - 1e-3);
		*tight += bound > 0.9 * best;
		*found += objective < best + 1e-3;
		*near += objective < 1.1 * best;
		schedule_close(&schedule);
		pricing_close(pricing);
		close_world(&w);
	}
}

static void test_bound_and_plan(void **state)
{
	unsigned int tight, found, near;

	(void)state;
	plan_skies(0, &tight, &found, &near);
	/* Most of these skies are solved or nearly so, and the bound shows it. */
	assert_true(found > SKIES / 2);
	assert_true(near > SKIES * 8 / 10);
	assert_true(tight > SKIES * 8 / 10);
	/* Where room is scarce too, which the bound does not know. */
	plan_skies(1, &tight, &found, &near);
	assert_true(found > SKIES / 2);
	assert_true(near > SKIES * 8 / 10);
}

/* Parts that follow each other are bounded together by the sum of their bounds. */
static void test_parts(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SKIES; seed++) {
		struct prices loose;
		double sum = 0, best;
		struct world w;

		open_world(&w, seed);
		best = optimum(&w);
		loose = w.prices;
		loose.dwell = 1;
		for (unsigned int first = 0; first < SLOTS; first += SLOTS / 2) {
			struct stretch part;
			struct pricing *pricing;

			assert_int_equal(
				stretch_open(&part, &w.sky, &loose, &w.past, first, SLOTS / 2), 0);
			pricing = pricing_open(&part, w.parallel);
			assert_non_null(pricing);
			sum += pricing_improve(pricing, 200, PRICING_FAR, NULL);
			pricing_close(pricing);
			stretch_close(&part);
		}
		assert_true(sum <= best + 1e-9);
		close_world(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programme),      cmocka_unit_test(test_timeline),
		cmocka_unit_test(test_trials),	       cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_bound_and_plan), cmocka_unit_test(test_parts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("plan-optimum", tests, NULL, NULL);
}
