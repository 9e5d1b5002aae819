/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Costs of slots, and the path of a group for which they are least. */
#include "plan/objective.h"

#include <string.h>

void cost_table_fill(struct cost_table *table, const struct prices *prices, unsigned int cores)
{
	float away = (float)(prices->slot / prices->tau);
	float outage = (float)(prices->slot / prices->outage);

	for (unsigned int home = 0; home < SCENARIO_SNOS_MAX; home++)
		for (unsigned int set = 0; set < 1 << SCENARIO_SNOS_MAX; set++)
			for (unsigned int k = 0; k < LANES_MAX; k++) {
				float *cost = &table->costs[home][set][k];

				if (k < cores && set == 0)
					*cost = outage;
				else if (k < cores && set >> k & 1)
					*cost = k == home ? 0 : away;
				else
					*cost = ENDLESS;
			}
}

void state_begin(float *v, uint8_t core, unsigned int lanes)
{
	for (unsigned int k = 0; k < lanes; k++)
		v[k] = core == NO_CORE || core == k ? 0 : 1;
}

/* The lane of the least element; the first of equal ones. */
static uint8_t least_lane(const float *v, unsigned int lanes)
{
	uint8_t least = 0;

	for (unsigned int k = 1; k < lanes; k++)
		if (v[k] < v[least])
			least = (uint8_t)k;
	return least;
}

double programme_path(const struct cost_table *table, const struct scenario_group *group,
		      const sno_set *available, unsigned int slots, uint8_t begin,
		      unsigned int lanes, float *scratch, uint8_t *path)
{
	double cost = 0;
	uint8_t core;

	state_begin(scratch, begin, lanes);
	for (unsigned int t = 0; t < slots; t++) {
		float *v = scratch + (size_t)t * lanes;
		const float *costs = table->costs[group->home][available[t] & group->cores];

		memcpy(v + lanes, v, lanes * sizeof(*v));
		cost += state_step(v + lanes, costs, lanes);
	}
	core = least_lane(scratch + (size_t)slots * lanes, lanes);
	for (unsigned int t = slots; t-- > 0;) {
		const float *v = scratch + (size_t)t * lanes;
		sno_set set = available[t] & group->cores;
		const float *costs = table->costs[group->home][set];
		float u[LANES_MAX] = {0};

		/* A state one above the least was got to by a change after this slot. */
		for (unsigned int k = 0; k < lanes; k++)
			u[k] = v[k] + costs[k];
		if (u[core] - state_least(u, lanes) >= 1)
			core = least_lane(u, lanes);
		path[t] = set ? core : NO_CORE;
	}
	return cost;
}
