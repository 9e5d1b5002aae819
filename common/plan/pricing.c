/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The volume algorithm. Each iteration is two loops in parallel, over places (use against supply,
 * new prices, the groups' programmes) and over satellites (their timelines at these prices).
 */
#include "plan/pricing.h"

#include "plan/timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Weight of an iteration in the average direction, and in that of the satellites' choices. */
#define SHARE	      0.1f
#define SHARE_CHOICES 0.04f
/* What rounding may have taken from a programme's cost, relative. */
#define ROUNDING 2e-6

/* No core, as the index of a row that adds to none. */
#define NONE LANES_MAX
static const float units[LANES_MAX + 1][LANES_MAX] = {
	{[0] = 1}, {[1] = 1}, {[2] = 1}, {[3] = 1}, {[4] = 1}, {[5] = 1}, {[6] = 1}, {[7] = 1},
};

struct pricing {
	const struct stretch *stretch;
	struct parallel *parallel;
	struct timeline **timelines; /* per worker */
	attachment *attachments;     /* per worker: of a satellite */
	float *supply;		     /* per worker: of a place */
	uint8_t *traces;	     /* per worker: the way back */
	size_t cells;		     /* slots x lanes */
	/* per group, [group x cells + slot x lanes + core] */
	float *prices, *best;  /* per unit of weight */
	float *surplus;	       /* use - supply, averaged */
	uint8_t *use;	       /* the path: a core, or NONE; [group x slots + slot] */
	float *worth;	       /* per place: prices of its groups, by weight */
	uint8_t *served;       /* per satellite: a core, or NONE */
	float *average;	       /* per satellite */
	double *costs, *gains; /* per place, per satellite */
	double bound, step;
	bool first, better; /* iteration; with a better bound than all before */
};

void pricing_close(struct pricing *pricing)
{
	if (!pricing)
		return;
	timelines_close(pricing->timelines, parallel_workers(pricing->parallel));
	free(pricing->attachments);
	free(pricing->supply);
	free(pricing->traces);
	free(pricing->prices);
	free(pricing->best);
	free(pricing->surplus);
	free(pricing->use);
	free(pricing->worth);
	free(pricing->served);
	free(pricing->average);
	free(pricing->costs);
	free(pricing->gains);
	free(pricing);
}

struct pricing *pricing_open(const struct stretch *stretch, struct parallel *parallel)
{
	struct pricing *pricing = calloc(1, sizeof(*pricing));
	const struct scenario *scenario = stretch->scenario;
	size_t cells = (size_t)stretch->slots * stretch->lanes;
	unsigned int workers = parallel_workers(parallel);

	if (!pricing)
		return NULL;
	pricing->stretch = stretch;
	pricing->parallel = parallel;
	pricing->cells = cells;
	pricing->bound = -INFINITY;
	pricing->first = true;
	pricing->timelines = timelines_open(stretch, workers);
	pricing->attachments = malloc((size_t)workers * stretch->slots * sizeof(attachment));
	pricing->supply = calloc((size_t)workers * cells, sizeof(float));
	pricing->traces = malloc((size_t)workers * 3 * stretch->slots);
	pricing->prices = calloc(scenario->group_count * cells, sizeof(float));
	pricing->best = calloc(scenario->group_count * cells, sizeof(float));
	pricing->surplus = calloc(scenario->group_count * cells, sizeof(float));
	pricing->use = malloc(scenario->group_count * stretch->slots);
	pricing->worth = calloc(scenario->place_count * cells, sizeof(float));
	pricing->served = malloc(scenario->satellite_count * stretch->slots);
	pricing->average = calloc(scenario->satellite_count * cells, sizeof(float));
	pricing->costs = calloc(scenario->place_count, sizeof(double));
	pricing->gains = calloc(scenario->satellite_count, sizeof(double));
	if (!pricing->timelines || !pricing->attachments || !pricing->supply || !pricing->traces ||
	    !pricing->prices || !pricing->best || !pricing->surplus || !pricing->use ||
	    !pricing->worth || !pricing->served || !pricing->average || !pricing->costs ||
	    !pricing->gains) {
		pricing_close(pricing);
		return NULL;
	}
	return pricing;
}

/* The least cost of a group's path at its prices; stores the path. trace: 3 x slots. */
static inline __attribute__((always_inline)) double
priced_path(const struct pricing *pricing, size_t g, uint8_t *trace, unsigned int lanes)
{
	const struct stretch *stretch = pricing->stretch;
	const struct scenario_group *group = &stretch->scenario->groups[g];
	const sno_set *possible = stretch->possible + (size_t)group->place * stretch->slots;
	const float *prices = pricing->prices + g * pricing->cells;
	uint8_t *use = pricing->use + g * stretch->slots;
	float outage = stretch->costs.costs[group->home][0][0];
	uint8_t *least = trace, *capped = least + stretch->slots, *idle = capped + stretch->slots;
	float v[LANES_MAX];
	double cost = 0;
	unsigned int core = 0;

	state_begin(v, stretch->past->last[g], lanes);
	for (unsigned int t = 0; t < stretch->slots; t++) {
		const float *base = stretch->costs.costs[group->home][possible[t] & group->cores];
		const float *price = prices + (size_t)t * lanes;
		unsigned int first = 0, above = 0, unserved = 0;
		float m;

		for (unsigned int k = 0; k < lanes; k++) {
			float served = base[k] + price[k];

			unserved |= (unsigned int)(served >= outage) << k;
			v[k] += served < outage ? served : outage;
		}
		m = state_least(v, lanes);
		for (unsigned int k = 0; k < lanes; k++) {
			v[k] -= m;
			above |= (unsigned int)(v[k] >= 1) << k;
			v[k] = v[k] < 1 ? v[k] : 1;
		}
		while (v[first] > 0)
			first++;
		cost += m;
		least[t] = (uint8_t)first;
		capped[t] = (uint8_t)above;
		idle[t] = (uint8_t)unserved;
	}
	while (v[core] > 0)
		core++;
	for (unsigned int t = stretch->slots; t-- > 0;) {
		if (capped[t] >> core & 1)
			core = least[t];
		use[t] = idle[t] >> core & 1 ? NONE : (uint8_t)core;
	}
	return cost;
}

/* Rows of lanes are computed in arrays of their own: then they are vectors to the compiler. */
static inline __attribute__((always_inline)) void add_row(float *to, const float *row,
							  unsigned int lanes)
{
	float sum[LANES_MAX];

	for (unsigned int k = 0; k < lanes; k++)
		sum[k] = to[k] + row[k];
	/* cppcheck-suppress uninitvar; the loop has set all lanes */
	memcpy(to, sum, lanes * sizeof(*to));
}

/* Takes a row into an average. */
static inline __attribute__((always_inline)) void average_row(float *average, const float *row,
							      float share, unsigned int lanes)
{
	float new[LANES_MAX];

	for (unsigned int k = 0; k < lanes; k++)
		new[k] = average[k] + share *(row[k] - average[k]);
	/* cppcheck-suppress uninitvar; the loop has set all lanes */
	memcpy(average, new, lanes * sizeof(*average));
}

/* Takes the difference of use and supply into the average. */
static inline __attribute__((always_inline)) void
update_surplus(struct pricing *pricing, size_t g, const float *supply, unsigned int lanes)
{
	const uint8_t *use = pricing->use + g * pricing->stretch->slots;
	float *surplus = pricing->surplus + g * pricing->cells;
	float share = pricing->first ? 1 : SHARE;

	for (unsigned int t = 0; t < pricing->stretch->slots; t++) {
		float now[LANES_MAX];

		for (unsigned int k = 0; k < lanes; k++)
			now[k] = units[use[t]][k] - supply[k];
		average_row(surplus, now, share, lanes);
		surplus += lanes;
		supply += lanes;
	}
}

/* How many satellites serve each core at a place, at the prices of the last iteration. */
static inline __attribute__((always_inline)) void
sum_supply(const struct pricing *pricing, size_t place, float *supply, unsigned int lanes)
{
	const struct stretch *stretch = pricing->stretch;

	memset(supply, 0, pricing->cells * sizeof(*supply));
	for (size_t i = stretch->viewed_of[place]; i < stretch->viewed_of[place + 1]; i++) {
		const struct viewed *viewed = &stretch->viewed[i];
		const uint8_t *served =
			pricing->served + (size_t)viewed->satellite * stretch->slots;

		for (unsigned int t = viewed->from; t < viewed->until; t++)
			add_row(supply + (size_t)t * lanes, units[served[t]], lanes);
	}
}

static inline __attribute__((always_inline)) void observe(struct pricing *pricing, size_t p,
							  float *supply, unsigned int lanes)
{
	const struct scenario_place *place = &pricing->stretch->scenario->places[p];

	sum_supply(pricing, p, supply, lanes);
	for (size_t g = place->first_group; g < place->first_group + place->group_count; g++) {
		if (pricing->better)
			memcpy(pricing->best + g * pricing->cells,
			       pricing->prices + g * pricing->cells,
			       pricing->cells * sizeof(float));
		update_surplus(pricing, g, supply, lanes);
	}
}

static void observe_place(void *arg, size_t part, unsigned int worker)
{
	struct pricing *pricing = arg;
	float *supply = pricing->supply + worker * pricing->cells;

	if (pricing->stretch->lanes == 4)
		observe(pricing, part, supply, 4);
	else
		observe(pricing, part, supply, 8);
}

/* New prices of a group, which are added by its weight to what satellites can earn. */
static inline __attribute__((always_inline)) void raise_prices(struct pricing *pricing, size_t g,
							       float *worth, unsigned int lanes)
{
	const float *best = pricing->best + g * pricing->cells;
	const float *surplus = pricing->surplus + g * pricing->cells;
	float *prices = pricing->prices + g * pricing->cells;
	float step = (float)pricing->step;
	float weight = (float)pricing->stretch->scenario->groups[g].weight;

	for (size_t i = 0; i < pricing->cells; i += lanes) {
		float price[LANES_MAX], sum[LANES_MAX];

		for (unsigned int k = 0; k < lanes; k++) {
			price[k] = best[i + k] + step * surplus[i + k];
			price[k] = price[k] > 0 ? price[k] : 0;
			sum[k] = worth[i + k] + weight * price[k];
		}
		/* cppcheck-suppress uninitvar; the loop has set all lanes */
		memcpy(prices + i, price, lanes * sizeof(*price));
		/* cppcheck-suppress uninitvar; likewise */
		memcpy(worth + i, sum, lanes * sizeof(*sum));
	}
}

/* New prices at one place, and what its groups then do. Returns what that costs them. */
static inline __attribute__((always_inline)) double price(struct pricing *pricing, size_t p,
							  uint8_t *trace, unsigned int lanes)
{
	const struct scenario *scenario = pricing->stretch->scenario;
	const struct scenario_place *place = &scenario->places[p];
	float *worth = pricing->worth + p * pricing->cells;
	double cost = 0;

	memset(worth, 0, pricing->cells * sizeof(*worth));
	for (size_t g = place->first_group; g < place->first_group + place->group_count; g++) {
		raise_prices(pricing, g, worth, lanes);
		cost += scenario->groups[g].weight * priced_path(pricing, g, trace, lanes);
	}
	return cost;
}

static void price_place(void *arg, size_t part, unsigned int worker)
{
	struct pricing *pricing = arg;
	uint8_t *trace = pricing->traces + (size_t)worker * 3 * pricing->stretch->slots;

	if (pricing->stretch->lanes == 4)
		pricing->costs[part] = price(pricing, part, trace, 4);
	else
		pricing->costs[part] = price(pricing, part, trace, 8);
}

/* The best timeline of a satellite at the prices. Returns what it earns. */
static inline __attribute__((always_inline)) double earn(struct pricing *pricing, size_t s,
							 struct timeline *timeline, attachment *at,
							 unsigned int lanes)
{
	const struct stretch *stretch = pricing->stretch;
	uint8_t *served = pricing->served + s * stretch->slots;
	float *average = pricing->average + s * pricing->cells;
	float *gains = timeline_gains(timeline);
	float share = pricing->first ? 1 : SHARE_CHOICES;
	double gain;

	for (size_t i = stretch->view_of[s]; i < stretch->view_of[s + 1]; i++) {
		const struct view *view = &stretch->views[i];
		const float *worth = pricing->worth + (size_t)view->place * pricing->cells;

		for (size_t c = (size_t)view->from * lanes; c < (size_t)view->until * lanes;
		     c += lanes)
			add_row(gains + c, worth + c, lanes);
	}
	gain = timeline_best(timeline, s, NULL, at);
	for (unsigned int t = 0; t < stretch->slots; t++) {
		served[t] = at[t] ? attachment_core(stretch->scenario, at[t]) : NONE;
		average_row(average, units[served[t]], share, lanes);
		average += lanes;
	}
	return gain;
}

static void plan_satellite(void *arg, size_t part, unsigned int worker)
{
	struct pricing *pricing = arg;
	struct timeline *timeline = pricing->timelines[worker];
	attachment *at = pricing->attachments + (size_t)worker * pricing->stretch->slots;

	if (pricing->stretch->lanes == 4)
		pricing->gains[part] = earn(pricing, part, timeline, at, 4);
	else
		pricing->gains[part] = earn(pricing, part, timeline, at, 8);
}

static double sum_up(const double *values, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += values[i];
	return sum;
}

/* One iteration, at prices `step` away from the best ones. Returns L. */
static double iterate(struct pricing *pricing)
{
	const struct scenario *scenario = pricing->stretch->scenario;
	double cost, gain;

	parallel_run(pricing->parallel, scenario->place_count, price_place, pricing);
	parallel_run(pricing->parallel, scenario->satellite_count, plan_satellite, pricing);
	cost = sum_up(pricing->costs, scenario->place_count);
	gain = sum_up(pricing->gains, scenario->satellite_count);
	return cost - gain - ROUNDING * (cost + gain);
}

void pricing_take(struct pricing *pricing, const struct pricing *other)
{
	size_t cells = pricing->cells < other->cells ? pricing->cells : other->cells;

	for (size_t g = 0; g < pricing->stretch->scenario->group_count; g++)
		memcpy(pricing->best + g * pricing->cells, other->best + g * other->cells,
		       cells * sizeof(float));
}

/* The length of steps falls by equal factors. Prices are in handovers per slot and unit of weight,
 * so what is right does not depend on the scenario. */
double pricing_improve(struct pricing *pricing, unsigned int times, double step,
		       struct progress *progress)
{
	const struct scenario *scenario = pricing->stretch->scenario;

	for (unsigned int i = 0; i < times; i++) {
		double value;

		pricing->step = step * pow(PRICING_NEAR / step, (double)i / times);
		value = iterate(pricing);
		pricing->better = value > pricing->bound;
		if (pricing->better)
			pricing->bound = value;
		parallel_run(pricing->parallel, scenario->place_count, observe_place, pricing);
		pricing->first = false;
		if (progress)
			progress_add(progress, 1);
	}
	return pricing->bound;
}

void pricing_settle(struct pricing *pricing)
{
	pricing->step = 0;
	parallel_run(pricing->parallel, pricing->stretch->scenario->place_count, price_place,
		     pricing);
}

const float *pricing_worth(const struct pricing *pricing, size_t place)
{
	return pricing->worth + place * pricing->cells;
}

const float *pricing_average(const struct pricing *pricing, size_t satellite)
{
	return pricing->average + satellite * pricing->cells;
}
