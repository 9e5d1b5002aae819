/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stretch after stretch; then what came out of it, and what else could have. */
#include "plan/associate_private.h"

#include "plan/descent.h"
#include "plan/present.h"
#include "plan/rounding.h"
#include "plan/search.h"
#include "plan/terminals.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct associate_effort associate_effort = {.iterations = 600,
						  .most_seen = 2.4e9,
						  .descents = 8,
						  .rounds = 120,
						  .proposals = 0.5,
						  .most_proposals = 16e6};

/* Temperatures of the search, in handovers of an average group. */
#define WARMEST 1.0
#define COLDEST 0.01
/* Iterations of prices that are taken over for a part. */
#define PART_ITERATIONS 12
/* Descent goes on while J falls by so many handovers of each user. */
#define LEAST_FALL 0.002

double associate_gamma(const struct scenario *scenario)
{
	return 0.75 * scenario->weight / (double)scenario->satellite_count;
}

void planning_begin(const struct associate *associate, const char *what, size_t all)
{
	progress_begin(associate->progress, what, all);
}

void planning_end(struct associate *associate)
{
	const char *what = associate->progress->what;

	report_phase(associate->report, what, progress_end(associate->progress));
}

/* How many slots of a stretch that begins at `first` there are, and how many of these are kept. */
static unsigned int cut_stretch(const struct planning *planning, uint32_t first, unsigned int *kept)
{
	const struct associate *associate = planning->associate;
	uint32_t left = planning->sky.slots - first;
	uint32_t slots = (uint32_t)ceil(associate->stretch / associate->slot);
	uint32_t overlap = (uint32_t)floor(associate->overlap / associate->slot);

	if (left <= slots) {
		*kept = left;
		return left;
	}
	*kept = slots - overlap;
	return slots;
}

static size_t count_stretches(const struct planning *planning)
{
	size_t count = 0;
	unsigned int kept;

	for (uint32_t first = 0; first < planning->sky.slots; first += kept, count++)
		cut_stretch(planning, first, &kept);
	return count;
}

/* Copies what is kept into the plan, and takes the past to its end. */
static int keep(struct planning *planning, const struct schedule *schedule, unsigned int kept)
{
	const struct stretch *stretch = schedule->stretch;
	const struct scenario *scenario = planning->scenario;
	float *states = calloc((size_t)(stretch->slots + 1) * stretch->lanes, sizeof(*states));
	uint8_t *path = malloc(stretch->slots);
	int err = states && path ? 0 : -ENOMEM;

	for (size_t g = 0; err == 0 && g < scenario->group_count; g++) {
		const struct scenario_group *group = &scenario->groups[g];

		programme_path(&stretch->costs, group,
			       schedule->available + (size_t)group->place * stretch->slots,
			       stretch->slots, planning->past.last[g], stretch->lanes, states,
			       path);
		for (unsigned int t = 0; t < kept; t++)
			if (path[t] != NO_CORE)
				planning->past.last[g] = path[t];
	}
	for (size_t s = 0; err == 0 && s < scenario->satellite_count; s++) {
		const attachment *at = schedule->attachments + s * stretch->slots;
		unsigned int age = 0;

		memcpy(planning->plan + s * planning->sky.slots + stretch->first, at,
		       kept * sizeof(*at));
		while (age < kept && at[kept - 1 - age] == at[kept - 1])
			age++;
		if (age == kept && at[0] == planning->past.held[s])
			age += planning->past.age[s];
		if (age > planning->prices.dwell)
			age = planning->prices.dwell;
		planning->past.held[s] = at[kept - 1];
		planning->past.age[s] = (uint16_t)age;
	}
	planning->past.beginning = false;
	free(states);
	free(path);
	return err;
}

/* A bound for the kept part of a stretch, for itself. */
static int bound_part(struct planning *planning, const struct pricing *pricing, uint32_t first,
		      unsigned int kept)
{
	struct pricing *part;
	struct stretch stretch;
	int err = stretch_open(&stretch, &planning->sky, &planning->loose, &planning->free, first,
			       kept);

	if (err < 0)
		return err;
	part = pricing_open(&stretch, planning->associate->parallel);
	if (part) {
		pricing_take(part, pricing);
		planning->bound += pricing_improve(part, PART_ITERATIONS, 2 * PRICING_NEAR, NULL);
	}
	pricing_close(part);
	stretch_close(&stretch);
	return part ? 0 : -ENOMEM;
}

/* How many iterations a stretch is worth: fewer where there is so much to choose from that each
 * takes long and little depends on it. */
static unsigned int iterations_for(const struct associate_effort *effort,
				   const struct stretch *stretch)
{
	size_t views = stretch->view_of[stretch->scenario->satellite_count];
	double seen = 0;

	for (size_t i = 0; i < views; i++)
		seen += stretch->views[i].until - stretch->views[i].from;
	if (seen * effort->iterations <= effort->most_seen)
		return effort->iterations;
	return (unsigned int)fmax(effort->most_seen / seen, 20);
}

/* A bound for slots of which nothing has been planned. */
static int bound_alone(struct planning *planning, uint32_t first, unsigned int kept)
{
	const struct associate_effort *effort = &planning->associate->effort;
	struct pricing *pricing;
	struct stretch stretch;
	unsigned int iterations;
	int err = stretch_open(&stretch, &planning->sky,
			       planning->alone ? &planning->prices : &planning->loose,
			       &planning->free, first, kept);

	if (err < 0)
		return err;
	iterations = iterations_for(effort, &stretch);
	pricing = pricing_open(&stretch, planning->associate->parallel);
	if (pricing)
		planning->bound += pricing_improve(pricing, iterations, PRICING_FAR,
						   planning->associate->progress);
	progress_add(planning->associate->progress, effort->iterations - iterations);
	pricing_close(pricing);
	stretch_close(&stretch);
	return pricing ? 0 : -ENOMEM;
}

/* Goes through all satellites again and again, so often at most, until that has little to show. */
static int descend(const struct planning *planning, struct schedule *schedule, unsigned int most)
{
	double fall = INFINITY;
	int err = 0;

	for (unsigned int i = 0;
	     err == 0 && i < most && fall > LEAST_FALL * planning->scenario->weight; i++)
		err = descent_run(schedule, planning->associate->parallel, &fall);
	return err;
}

/*
 * Descent, search, descent. Where there would be too much to try for the search to be thorough, it
 * is left out: it would only disturb, and with so many satellites one descent before and one after
 * find what counts.
 */
static int search(struct planning *planning, struct schedule *schedule)
{
	const struct associate *associate = planning->associate;
	const struct associate_effort *effort = &associate->effort;
	const struct stretch *stretch = schedule->stretch;
	double views = (double)stretch->view_of[planning->scenario->satellite_count];
	struct search_effort how = {.rounds = effort->rounds,
				    .proposals = effort->proposals * views,
				    .warmest = WARMEST,
				    .coldest = COLDEST,
				    .seed = associate->seed * 0x9e3779b97f4a7c15u + stretch->first,
				    .progress = associate->progress};
	bool thorough = how.proposals * effort->rounds <= effort->most_proposals;
	unsigned int descents = thorough ? effort->descents : 1;
	double objective;
	int err = descend(planning, schedule, descents);

	if (err == 0 && thorough)
		err = search_run(schedule, associate->parallel, &how, &objective);
	else
		progress_add(associate->progress, effort->rounds);
	return err < 0 ? err : descend(planning, schedule, descents);
}

/* Plans the stretch that begins at `first`; *kept: how many slots of it are settled. */
static int plan_stretch(struct planning *planning, uint32_t first, unsigned int *kept)
{
	struct associate *associate = planning->associate;
	unsigned int slots = cut_stretch(planning, first, kept);
	struct pricing *pricing = NULL;
	struct schedule schedule = {0};
	unsigned int iterations;
	struct stretch stretch;
	double bound;
	int err = stretch_open(&stretch, &planning->sky, &planning->prices, &planning->past, first,
			       slots);

	if (err < 0)
		return err;
	pricing = pricing_open(&stretch, associate->parallel);
	err = pricing ? schedule_open(&schedule, &stretch) : -ENOMEM;
	if (err < 0)
		goto out;
	iterations = iterations_for(&associate->effort, &stretch);
	bound = pricing_improve(pricing, iterations, PRICING_FAR, associate->progress);
	progress_add(associate->progress, associate->effort.iterations - iterations);
	if (planning->alone)
		planning->bound = bound;
	else
		err = bound_part(planning, pricing, first, *kept);
	pricing_settle(pricing);
	if (err == 0)
		err = rounding_fill(&schedule, pricing, associate->parallel);
	/* Prices are large; what follows does not need them. */
	pricing_close(pricing);
	pricing = NULL;
	if (err == 0)
		err = search(planning, &schedule);
	if (err == 0)
		err = keep(planning, &schedule, *kept);
out:
	pricing_close(pricing);
	schedule_close(&schedule);
	stretch_close(&stretch);
	return err;
}

/* Every satellite with its owner, all the time. */
static int plan_figure2(struct planning *planning)
{
	struct schedule schedule = {0};
	struct stretch whole;
	int err = stretch_open(&whole, &planning->sky, &planning->prices, &planning->past, 0,
			       planning->sky.slots);

	if (err < 0)
		return err;
	err = schedule_open(&schedule, &whole);
	if (err == 0)
		err = figure2_associate(&schedule);
	if (err == 0)
		memcpy(planning->plan, schedule.attachments,
		       planning->scenario->satellite_count * whole.slots * sizeof(*planning->plan));
	schedule_close(&schedule);
	stretch_close(&whole);
	return err;
}

static int plan_all(struct planning *planning)
{
	struct associate *associate = planning->associate;
	size_t stretches = count_stretches(planning);
	unsigned int kept = 0;
	int err = 0;

	planning->alone = stretches == 1 && !associate->present;
	if (!associate->optimise)
		return plan_figure2(planning);
	planning_begin(associate, "planning",
		       stretches * (associate->effort.iterations + associate->effort.rounds));
	for (uint32_t first = 0; err == 0 && first < planning->sky.slots; first += kept)
		err = plan_stretch(planning, first, &kept);
	planning_end(associate);
	return err;
}

static struct sky_view view_of(const struct planning *planning)
{
	const struct associate *associate = planning->associate;

	return (struct sky_view){
		.start = associate->start,
		.slot = associate->slot,
		.slots = (uint32_t)ceil(associate->hours * 3600 / associate->slot - 1e-9),
		.min_elevation = associate->min_elevation,
		.station_elevation = associate->station_elevation,
		.shortest = planning->prices.dwell,
		.isl_range = associate->isl_range,
		.grid = associate->start,
		.parallel = associate->parallel,
		.progress = progress_at,
		.arg = associate->progress};
}

static int scan(struct planning *planning)
{
	struct associate *associate = planning->associate;
	struct sky_view view = view_of(planning);
	int err;

	if (associate->hours * 3600 / associate->slot > STRETCH_SLOTS_MAX)
		return -ERANGE;
	if (associate->isl_range > 0 &&
	    planning->scenario->station_count > ASSOCIATE_RELAY_STATIONS_MAX)
		return -ENOSPC;
	planning_begin(associate, "windows", 1);
	err = sky_open(&planning->sky, planning->scenario, &view);
	planning_end(associate);
	associate->report->windows = planning->sky.users.count + planning->sky.stations.count;
	return err;
}

static void set_prices(struct planning *planning, double gamma)
{
	const struct associate *associate = planning->associate;
	double dwell = ceil(associate->dwell / associate->slot - 1e-9);

	planning->prices = (struct prices){.slot = associate->slot,
					   .tau = associate->tau,
					   .outage = associate->outage,
					   .gamma = gamma,
					   .dwell = dwell < 1 ? 1 : (unsigned int)dwell};
}

static void take_tau(struct planning *planning, double tau)
{
	planning->prices.tau = tau;
	planning->loose = planning->prices;
	planning->loose.dwell = 1;
}

int planning_run(struct planning *planning)
{
	const struct associate *associate = planning->associate;
	struct sky_view view = view_of(planning);
	int err;

	take_tau(planning, planning->prices.tau);
	planning->bound = 0;
	err = associate->present ? present_open(&planning->past, planning->scenario, &view,
						&planning->prices, associate->present)
				 : past_open(&planning->past, planning->scenario);
	if (err < 0)
		return err;
	err = plan_all(planning);
	past_close(&planning->past);
	return err;
}

int planning_bound(struct planning *planning)
{
	struct associate *associate = planning->associate;
	unsigned int kept = 0;
	int err = 0;

	take_tau(planning, planning->prices.tau);
	planning->bound = 0;
	planning_begin(associate, "bound",
		       count_stretches(planning) * associate->effort.iterations);
	for (uint32_t first = 0; err == 0 && first < planning->sky.slots; first += kept) {
		cut_stretch(planning, first, &kept);
		err = bound_alone(planning, first, kept);
	}
	planning_end(associate);
	return err;
}

/* The other taus. Their plans are of no further use. */
static int sweep(struct planning *planning, struct associated *associated)
{
	const struct associate *associate = planning->associate;
	struct comparison comparison = associated->comparison;
	int err = 0;

	associated->sweep = calloc(associate->sweep_count + 1, sizeof(*associated->sweep));
	if (!associated->sweep)
		return -ENOMEM;
	for (size_t i = 0; err == 0 && i < associate->sweep_count; i++) {
		planning->prices.tau = associate->sweep[i];
		err = planning_run(planning);
		if (err == 0)
			err = planning_measure(planning, false, &comparison);
		associated->sweep[i] = (struct sweep_point){.tau = associate->sweep[i],
							    .plan = comparison.plan,
							    .bound = comparison.bound};
	}
	return err;
}

/* The plan, its measures and rows; then the sweep. */
static int run(struct planning *planning, struct associated *associated)
{
	const struct associate *associate = planning->associate;
	int err = associate->home_share > 0 ? planning_at_home(planning, &associated->home_share)
					    : planning_run(planning);

	associated->tau = planning->prices.tau;
	if (err == 0)
		err = planning_measure(planning, associate->baselines, &associated->comparison);
	if (err == 0)
		err = planning_rows(planning, associated);
	return err < 0 ? err : sweep(planning, associated);
}

int associate_run(struct associate *associate, struct associated *associated)
{
	struct planning planning = {.associate = associate, .scenario = associate->scenario};
	int err;

	*associated = (struct associated){.gamma = associate->gamma < 0
							   ? associate_gamma(associate->scenario)
							   : associate->gamma};
	set_prices(&planning, associated->gamma);
	err = scan(&planning);
	if (err == 0)
		err = past_open(&planning.free, planning.scenario);
	planning.plan = calloc(planning.scenario->satellite_count * (size_t)planning.sky.slots + 1,
			       sizeof(*planning.plan));
	if (err == 0 && !planning.plan)
		err = -ENOMEM;
	if (err == 0)
		err = run(&planning, associated);
	free(planning.plan);
	past_close(&planning.free);
	sky_close(&planning.sky);
	if (err < 0)
		associated_free(associated);
	return err;
}

void associated_free(struct associated *associated)
{
	free(associated->rows);
	free(associated->sweep);
	*associated = (struct associated){0};
}
