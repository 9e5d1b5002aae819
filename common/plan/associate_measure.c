/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan, figure 2 and naive sharing on the whole span. */
#include "plan/associate_private.h"

#include "plan/terminals.h"

int planning_open_whole(struct planning *planning, bool figure2, struct stretch *whole,
			struct schedule *schedule)
{
	size_t slots = planning->sky.slots;
	int err = stretch_open(whole, &planning->sky, &planning->prices, &planning->free, 0,
			       planning->sky.slots);

	if (err < 0)
		return err;
	err = schedule_open(schedule, whole);
	if (err == 0 && figure2)
		err = figure2_associate(schedule);
	for (size_t s = 0; err == 0 && !figure2 && s < planning->scenario->satellite_count; s++)
		schedule_set(schedule, s, 0, whole->slots, planning->plan + s * slots, NULL);
	if (err < 0) {
		schedule_close(schedule);
		stretch_close(whole);
	}
	return err;
}

static int measure_plan(struct planning *planning, struct comparison *comparison)
{
	struct schedule schedule;
	struct stretch whole;
	int err = planning_open_whole(planning, false, &whole, &schedule);

	if (err < 0)
		return err;
	comparison->unavoidable = stretch_unavoidable(&whole);
	comparison->bound = planning->bound;
	comparison->has_bound = planning->associate->optimise;
	err = terminals_planned(&schedule, planning->associate->parallel, &comparison->plan);
	schedule_close(&schedule);
	stretch_close(&whole);
	return err;
}

static int measure_baselines(struct planning *planning, struct comparison *comparison)
{
	struct parallel *parallel = planning->associate->parallel;
	struct schedule schedule;
	struct stretch whole;
	int err = planning_open_whole(planning, true, &whole, &schedule);

	if (err < 0)
		return err;
	err = terminals_figure2(&schedule, parallel, &comparison->figure2);
	if (err == 0)
		err = terminals_planned(&schedule, parallel,
					&comparison->figure2_planned_terminals);
	if (err == 0)
		err = terminals_naive(&schedule, &planning->sky, parallel, &comparison->naive);
	comparison->has_baselines = err == 0;
	schedule_close(&schedule);
	stretch_close(&whole);
	return err;
}

int planning_measure(struct planning *planning, bool baselines, struct comparison *comparison)
{
	struct associate *associate = planning->associate;
	int err;

	planning_begin(associate, "measures", 2);
	err = measure_plan(planning, comparison);
	progress_add(associate->progress, 1);
	if (err == 0 && baselines)
		err = measure_baselines(planning, comparison);
	planning_end(associate);
	return err;
}
