/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what each satellite does in each slot to the rows of an association file. */
#include "plan/associate_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_satellite(const void *left, const void *right)
{
	const struct association *a = left, *b = right;
	int order = strcmp(a->satellite, b->satellite);

	return order ? order : a->from < b->from ? -1 : a->from > b->from;
}

/* When a slot begins; past the last one, when the plan ends, which may be within that slot. */
static usec_t slot_begin(const struct planning *planning, uint32_t slot)
{
	const struct associate *associate = planning->associate;

	return associate->start + usec_min(clock_from_seconds(slot * associate->slot),
					   clock_from_seconds(associate->hours * 3600));
}

/* An association of a satellite from one slot until another. */
static struct association row_of(const struct planning *planning, size_t satellite, uint32_t from,
				 uint32_t until)
{
	const struct scenario *scenario = planning->scenario;
	const struct element_set *sets = scenario->constellation.sets;
	attachment at = planning->plan[satellite * planning->sky.slots + from];
	size_t carrier = attachment_carrier(scenario, planning->sky.neighbours, satellite, at);

	return (struct association){
		.from = slot_begin(planning, from),
		.until = slot_begin(planning, until),
		.satellite = sets[satellite].name,
		.core = scenario->snos[attachment_core(scenario, at)].name,
		.station = scenario->stations[attachment_station(scenario, at)].name,
		.via = carrier == satellite ? "" : sets[carrier].name};
}

/* The plan as association rows; with rows NULL only counts them. */
static size_t write_rows(const struct planning *planning, struct association *rows)
{
	uint32_t slots = planning->sky.slots;
	size_t count = 0;

	for (size_t s = 0; s < planning->scenario->satellite_count; s++) {
		const attachment *at = planning->plan + s * slots;

		for (uint32_t t = 0, until; t < slots; t = until) {
			for (until = t + 1; until < slots && at[until] == at[t];)
				until++;
			if (!at[t])
				continue;
			if (rows)
				rows[count] = row_of(planning, s, t, until);
			count++;
		}
	}
	return count;
}

int planning_rows(const struct planning *planning, struct associated *associated)
{
	associated->count = write_rows(planning, NULL);
	associated->rows = calloc(associated->count + 1, sizeof(*associated->rows));
	if (!associated->rows)
		return -ENOMEM;
	write_rows(planning, associated->rows);
	qsort(associated->rows, associated->count, sizeof(*associated->rows), by_satellite);
	for (size_t i = 0; i < associated->count; i++)
		associated->relayed += *associated->rows[i].via != '\0';
	return 0;
}
