/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is minimised, and the exact dynamic programme of one group.
 *
 * Over slots t of equal length, groups g with weight w_g and home h_g, satellites s:
 *
 *	J = sum_g w_g sum_t [ change of core since the last served slot
 *			    + away   if served by another core than h_g	(slot / tau)
 *			    + outage if not served			(slot / outage price) ]
 *	  + gamma x association changes
 *
 * A group is served in a slot if some core is available to it (a satellite that it sees is
 * associated with the core), whether it likes to be or not; by which available core is its choice.
 *
 * Given what is available, the choice is a shortest path: the state is the core that served last.
 * Let V[k] be the least cost so far with the group ready to be served by k, a change to k paid for
 * if there is one. All that matters of V is how far it is above its least element, and never by
 * more than 1, for by one change one gets to any core. So states are kept relative: least element
 * 0, none above 1. One slot with the costs c[k] (away or not; endless where k is not available; the
 * price of outage for every k when nothing is) is
 *
 *	u[k] = V[k] + c[k];	m = min u;	V'[k] = min(u[k] - m, 1);	cost += m
 *
 * Backwards, with W[k] the least cost of what is still to come for a group last served by k, the
 * step is the same. So the least cost of a group is, at any instant,
 *
 *	cost before + min_k (V[k] + W[k]) + cost after,
 *
 * and when what is available changes between a and b, the new cost takes b - a steps from V at a
 * and a look at W at b.
 */
#ifndef SNO_PLAN_OBJECTIVE_H
#define SNO_PLAN_OBJECTIVE_H

#include "plan/scenario.h"

/* Costs of one slot, in handovers; see measures.h. */
struct prices {
	double slot; /* seconds */
	double tau;
	double outage;
	double gamma;	/* per association change, in the unit of weights */
	unsigned dwell; /* least length of an association, in slots, at least 1 */
};

/*
 * A state has a lane (a float) per core, of which there are 4 or 8, so that steps are vector
 * operations. The functions of this header that get `lanes` as an argument are meant to be called
 * with a constant.
 */
#define LANES_MAX SCENARIO_SNOS_MAX
static inline unsigned int lanes_for(unsigned int cores)
{
	return cores <= 4 ? 4 : 8;
}

/* More than anything that can be paid for. */
#define ENDLESS 1e9f
/* No core. */
#define NO_CORE UINT8_MAX

/* The costs of a slot by home and by what is available: for a step, no more than a row to add. */
struct cost_table {
	float costs[SCENARIO_SNOS_MAX][1 << SCENARIO_SNOS_MAX][LANES_MAX];
};
void cost_table_fill(struct cost_table *table, const struct prices *prices, unsigned int cores);

/* The state of a group that was last served by `core`; with NO_CORE, of one that may begin
 * anywhere. */
void state_begin(float *v, uint8_t core, unsigned int lanes);

static inline __attribute__((always_inline)) float state_least(const float *v, unsigned int lanes)
{
	/* cppcheck-suppress uninitvar; there is a lane at least, and all of them have been set */
	float least = v[0];

	for (unsigned int k = 1; k < lanes; k++)
		least = v[k] < least ? v[k] : least;
	return least;
}

/* One slot: v becomes the next state; returns what the slot costs. */
static inline __attribute__((always_inline)) float state_step(float *v, const float *costs,
							      unsigned int lanes)
{
	float least;

	for (unsigned int k = 0; k < lanes; k++)
		v[k] += costs[k];
	least = state_least(v, lanes);
	for (unsigned int k = 0; k < lanes; k++) {
		v[k] -= least;
		v[k] = v[k] < 1 ? v[k] : 1;
	}
	return least;
}

/* The least cost of going from the state v before to w after. */
static inline __attribute__((always_inline)) float state_join(const float *v, const float *w,
							      unsigned int lanes)
{
	float sum[LANES_MAX];

	for (unsigned int k = 0; k < lanes; k++)
		sum[k] = v[k] + w[k];
	return state_least(sum, lanes);
}

/*
 * The cores of a group over `slots` slots, on the way that costs least: path[t] is the core that
 * serves it in slot t, or NO_CORE. `available` has what is available at its place, `cores` what may
 * serve it. begin: its state before; scratch: slots + 1 states. Returns the cost.
 */
double programme_path(const struct cost_table *table, const struct scenario_group *group,
		      const sno_set *available, unsigned int slots, uint8_t begin,
		      unsigned int lanes, float *scratch, uint8_t *path);

#endif
