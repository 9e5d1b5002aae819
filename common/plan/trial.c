/* SPDX-License-Identifier: GPL-2.0-or-later */
/* States of groups before and after each slot, and trials on them. */
#include "plan/trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int trials_open(struct trials *trials, struct schedule *schedule)
{
	const struct stretch *stretch = schedule->stretch;
	size_t groups = stretch->scenario->group_count;
	size_t states = groups * (stretch->slots + 1) * stretch->lanes;

	*trials = (struct trials){.schedule = schedule,
				  .before = malloc(states * sizeof(float)),
				  .after = malloc(states * sizeof(float)),
				  .cost = malloc(groups * stretch->slots * sizeof(float))};
	if (!trials->before || !trials->after || !trials->cost) {
		trials_close(trials);
		return -ENOMEM;
	}
	return 0;
}

void trials_close(struct trials *trials)
{
	free(trials->before);
	free(trials->after);
	free(trials->cost);
	*trials = (struct trials){0};
}

/* What a group's steps need. */
struct steps {
	float *before, *after, *cost;
	const float (*costs)[LANES_MAX]; /* by what is available */
	const sno_set *available;
	sno_set cores;
	unsigned int lanes;
};

static struct steps steps_of(const struct trials *trials, size_t g)
{
	const struct stretch *stretch = trials->schedule->stretch;
	const struct scenario_group *group = &stretch->scenario->groups[g];
	size_t states = g * (stretch->slots + 1) * stretch->lanes;

	return (struct steps){.before = trials->before + states,
			      .after = trials->after + states,
			      .cost = trials->cost + g * stretch->slots,
			      .costs = stretch->costs.costs[group->home],
			      .available = trials->schedule->available +
					   (size_t)group->place * stretch->slots,
			      .cores = group->cores,
			      .lanes = stretch->lanes};
}

/* Steps forwards from slot `from`, at least to `until`, then on while states differ. */
static inline __attribute__((always_inline)) void go_forwards(const struct steps *steps,
							      unsigned int from, unsigned int until,
							      unsigned int end, unsigned int lanes)
{
	float v[LANES_MAX];

	memcpy(v, steps->before + (size_t)from * lanes, lanes * sizeof(*v));
	for (unsigned int t = from; t < end; t++) {
		float *next = steps->before + (size_t)(t + 1) * lanes;

		steps->cost[t] =
			state_step(v, steps->costs[steps->available[t] & steps->cores], lanes);
		if (t >= until && memcmp(next, v, lanes * sizeof(*v)) == 0)
			return;
		memcpy(next, v, lanes * sizeof(*v));
	}
}

/* The same backwards, from the end of slot until - 1, at least to `from`, at most to `first`. */
static inline __attribute__((always_inline)) void
go_backwards(const struct steps *steps, unsigned int from, unsigned int until, unsigned int first,
	     unsigned int lanes)
{
	float w[LANES_MAX];

	memcpy(w, steps->after + (size_t)until * lanes, lanes * sizeof(*w));
	for (unsigned int t = until; t-- > first;) {
		float *next = steps->after + (size_t)t * lanes;

		state_step(w, steps->costs[steps->available[t] & steps->cores], lanes);
		if (t < from && memcmp(next, w, lanes * sizeof(*w)) == 0)
			return;
		memcpy(next, w, lanes * sizeof(*w));
	}
}

static void update_group(const struct trials *trials, size_t g, unsigned int from,
			 unsigned int until, unsigned int first, unsigned int end)
{
	struct steps steps = steps_of(trials, g);

	if (steps.lanes == 4) {
		go_forwards(&steps, from, until, end, 4);
		go_backwards(&steps, from, until, first, 4);
	} else {
		go_forwards(&steps, from, until, end, 8);
		go_backwards(&steps, from, until, first, 8);
	}
}

static void refresh_place(void *arg, size_t part, unsigned int worker)
{
	struct trials *trials = arg;
	const struct stretch *stretch = trials->schedule->stretch;
	const struct scenario_place *place = &stretch->scenario->places[part];
	unsigned int slots = stretch->slots;

	(void)worker;
	for (size_t g = place->first_group; g < place->first_group + place->group_count; g++) {
		struct steps steps = steps_of(trials, g);

		state_begin(steps.before, stretch->past->last[g], stretch->lanes);
		state_begin(steps.after + (size_t)slots * stretch->lanes, NO_CORE, stretch->lanes);
		update_group(trials, g, 0, slots, 0, slots);
	}
}

void trials_refresh(struct trials *trials, struct parallel *parallel)
{
	parallel_run(parallel, trials->schedule->stretch->scenario->place_count, refresh_place,
		     trials);
}

int trial_open(struct trial *trial, struct trials *trials)
{
	const struct stretch *stretch = trials->schedule->stretch;
	size_t places = stretch->scenario->place_count;

	*trial = (struct trial){
		.trials = trials,
		.end = stretch->slots,
		.look_end = stretch->slots,
		.touched = {.spans = calloc(places, sizeof(*trial->touched.spans)),
			    .places = calloc(places, sizeof(*trial->touched.places))}};
	if (!trial->touched.spans || !trial->touched.places) {
		trial_close(trial);
		return -ENOMEM;
	}
	return 0;
}

void trial_close(struct trial *trial)
{
	free(trial->touched.spans);
	free(trial->touched.places);
	free(trial->changes);
	free(trial->old);
	*trial = (struct trial){0};
}

/* Remembers what a change replaces. */
static int remember(struct trial *trial, size_t satellite, unsigned int from, unsigned int until)
{
	const struct schedule *schedule = trial->trials->schedule;
	size_t slots = until - from;

	if (trial->count == trial->room) {
		size_t room = trial->room ? 2 * trial->room : 16;
		struct trial_change *grown = reallocarray(trial->changes, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		trial->changes = grown;
		trial->room = room;
	}
	if (trial->old_count + slots > trial->old_room) {
		size_t room = 2 * (trial->old_count + slots);
		attachment *grown = reallocarray(trial->old, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		trial->old = grown;
		trial->old_room = room;
	}
	trial->changes[trial->count++] = (struct trial_change){.satellite = (uint32_t)satellite,
							       .from = (uint16_t)from,
							       .until = (uint16_t)until,
							       .old = trial->old_count};
	memcpy(trial->old + trial->old_count,
	       schedule->attachments + satellite * schedule->stretch->slots + from,
	       slots * sizeof(*trial->old));
	trial->old_count += slots;
	return 0;
}

/* Of a satellite around the slots of a change. */
static double price_of_changes(const struct trial *trial, size_t satellite, unsigned int from,
			       unsigned int until)
{
	const struct schedule *schedule = trial->trials->schedule;
	unsigned int end = until < schedule->stretch->slots ? until + 1 : until;

	return schedule->stretch->prices->gamma * schedule_changes(schedule, satellite, from, end);
}

int trial_change(struct trial *trial, size_t satellite, unsigned int from, unsigned int until,
		 const attachment *attachments)
{
	int err = remember(trial, satellite, from, until);

	if (err < 0)
		return err;
	trial->changed -= price_of_changes(trial, satellite, from, until);
	schedule_set(trial->trials->schedule, satellite, from, until, attachments, &trial->touched);
	trial->changed += price_of_changes(trial, satellite, from, until);
	return 0;
}

/* From the state before slot `from` to that after slot until - 1: what a group's slots cost, and
 * what is paid to join them. available[0] is of slot `from`; `more` is available beside. */
static inline __attribute__((always_inline)) double
cost_of_group(const struct steps *steps, const sno_set *available, unsigned int from,
	      unsigned int until, sno_set more, unsigned int lanes)
{
	float v[LANES_MAX];
	double cost = 0;

	memcpy(v, steps->before + (size_t)from * lanes, lanes * sizeof(*v));
	for (unsigned int t = from; t < until; t++)
		cost += (double)state_step(
			v, steps->costs[(available[t - from] | more) & steps->cores], lanes);
	return cost + (double)state_join(v, steps->after + (size_t)until * lanes, lanes);
}

static inline __attribute__((always_inline)) double
rise_of_group(const struct steps *steps, unsigned int from, unsigned int until, unsigned int lanes)
{
	double cost = cost_of_group(steps, steps->available + from, from, until, 0, lanes);

	for (unsigned int t = from; t < until; t++)
		cost -= (double)steps->cost[t];
	return cost - (double)state_join(steps->before + (size_t)until * lanes,
					 steps->after + (size_t)until * lanes, lanes);
}

/* By how much the cost of a place's users rises, with what is available in these slots now. */
static double rise_of_place(const struct trials *trials, uint32_t p, unsigned int from,
			    unsigned int until)
{
	const struct scenario *scenario = trials->schedule->stretch->scenario;
	const struct scenario_place *place = &scenario->places[p];
	double sum = 0;

	for (size_t g = place->first_group; g < place->first_group + place->group_count; g++) {
		struct steps steps = steps_of(trials, g);
		double rise = steps.lanes == 4 ? rise_of_group(&steps, from, until, 4)
					       : rise_of_group(&steps, from, until, 8);

		sum += scenario->groups[g].weight * rise;
	}
	return sum;
}

/* What is available in a view without the satellite; returns the cores that always are. */
static sno_set take_out(const struct schedule *schedule, const struct view *view,
			const attachment *now, sno_set *available)
{
	const struct stretch *stretch = schedule->stretch;
	size_t cell = (size_t)view->place * stretch->slots;
	sno_set always = (sno_set)~0u;

	for (unsigned int t = view->from; t < view->until; t++) {
		sno_set set = schedule->available[cell + t];

		if (now[t]) {
			uint8_t core = attachment_core(stretch->scenario, now[t]);

			if (schedule->serving[(cell + t) * stretch->lanes + core] == 1)
				set &= (sno_set) ~(1u << core);
		}
		available[t - view->from] = set;
		always &= set;
	}
	return always;
}

static inline __attribute__((always_inline)) void
add_worth(const struct steps *steps, const struct view *view, const sno_set *available,
	  sno_set cores, double weight, double worth[LANES_MAX], unsigned int lanes)
{
	double without = cost_of_group(steps, available, view->from, view->until, 0, lanes);

	for (; cores; cores &= (sno_set)(cores - 1)) {
		unsigned int k = (unsigned int)__builtin_ctz(cores);

		worth[k] +=
			weight * (without - cost_of_group(steps, available, view->from, view->until,
							  (sno_set)(1u << k), lanes));
	}
}

void trials_worth(const struct trials *trials, const struct view *view, const attachment *now,
		  sno_set cores, sno_set *scratch, double worth[LANES_MAX])
{
	const struct scenario *scenario = trials->schedule->stretch->scenario;
	const struct scenario_place *place = &scenario->places[view->place];

	memset(worth, 0, LANES_MAX * sizeof(*worth));
	cores &= (sno_set)~take_out(trials->schedule, view, now, scratch);
	if (!cores)
		return;
	for (size_t g = place->first_group; g < place->first_group + place->group_count; g++) {
		struct steps steps = steps_of(trials, g);
		double weight = scenario->groups[g].weight;

		if (steps.lanes == 4)
			add_worth(&steps, view, scratch, cores, weight, worth, 4);
		else
			add_worth(&steps, view, scratch, cores, weight, worth, 8);
	}
}

double trial_rise(const struct trial *trial)
{
	double sum = trial->changed;

	for (size_t i = 0; i < trial->touched.count; i++) {
		uint32_t place = trial->touched.places[i];
		struct touched_span span = trial->touched.spans[place];

		sum += rise_of_place(trial->trials, place, span.from, span.until);
	}
	return sum;
}

/* Nothing is touched any more. */
static void end(struct trial *trial)
{
	for (size_t i = 0; i < trial->touched.count; i++)
		trial->touched.spans[trial->touched.places[i]] = (struct touched_span){0};
	trial->touched.count = 0;
	trial->count = 0;
	trial->old_count = 0;
	trial->changed = 0;
}

void trial_keep(struct trial *trial)
{
	const struct scenario *scenario = trial->trials->schedule->stretch->scenario;

	for (size_t i = 0; i < trial->touched.count; i++) {
		uint32_t p = trial->touched.places[i];
		const struct scenario_place *place = &scenario->places[p];
		struct touched_span span = trial->touched.spans[p];

		for (size_t g = place->first_group; g < place->first_group + place->group_count;
		     g++)
			update_group(trial->trials, g, span.from, span.until, trial->first,
				     trial->end);
	}
	end(trial);
}

void trial_undo(struct trial *trial)
{
	for (size_t i = trial->count; i-- > 0;) {
		const struct trial_change *change = &trial->changes[i];

		schedule_set(trial->trials->schedule, change->satellite, change->from,
			     change->until, trial->old + change->old, NULL);
	}
	end(trial);
}
