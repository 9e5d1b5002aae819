/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Planning single satellites anew. */
#include "plan/descent.h"

#include "plan/timeline.h"
#include "plan/trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Less is rounding. */
#define LEAST_FALL 1e-9

struct descent {
	struct schedule *schedule;
	struct trials trials;
	struct trial trial;
	struct timeline *timeline;
	attachment *old, *new; /* of a satellite */
};

/* The cores that the satellite can serve at all. */
static sno_set cores_of(const struct stretch *stretch, size_t satellite)
{
	sno_set cores = 0;

	for (size_t i = stretch->pass_of[satellite]; i < stretch->pass_of[satellite + 1]; i++)
		cores |= (sno_set)(1u << stretch->passes[i].core);
	return cores;
}

/* What the satellite, which is off, could be worth. */
static void find_gains(const struct descent *descent, size_t satellite, float *gains)
{
	const struct stretch *stretch = descent->schedule->stretch;
	sno_set cores = cores_of(stretch, satellite);

	for (size_t i = stretch->view_of[satellite]; i < stretch->view_of[satellite + 1]; i++) {
		const struct view *view = &stretch->views[i];

		for (uint8_t k = 0; k < stretch->scenario->sno_count; k++) {
			double gain;

			if (!(cores >> k & 1))
				continue;
			gain = trials_gain(&descent->trials, view->place, view->from, view->until,
					   k) /
			       (view->until - view->from);
			for (unsigned int t = view->from; t < view->until; t++)
				gains[(size_t)t * stretch->lanes + k] += (float)gain;
		}
	}
}

/* Replaces the whole timeline of a satellite; *rise gets what that does to J. */
static int replace(struct descent *descent, size_t satellite, const attachment *timeline,
		   double *rise)
{
	unsigned int slots = descent->schedule->stretch->slots;
	int err = trial_change(&descent->trial, satellite, 0, slots, timeline);

	if (err < 0)
		return err;
	*rise = trial_rise(&descent->trial);
	trial_keep(&descent->trial);
	return 0;
}

static int plan_anew(struct descent *descent, size_t satellite)
{
	struct schedule *schedule = descent->schedule;
	unsigned int slots = schedule->stretch->slots;
	double off, on, back;
	int err;

	memcpy(descent->old, schedule->attachments + satellite * slots,
	       slots * sizeof(*descent->old));
	memset(descent->new, 0, slots * sizeof(*descent->new));
	err = replace(descent, satellite, descent->new, &off);
	if (err < 0)
		return err;
	find_gains(descent, satellite, timeline_gains(descent->timeline));
	timeline_best(descent->timeline, satellite, schedule, descent->new);
	err = replace(descent, satellite, descent->new, &on);
	if (err == 0 && off + on > -LEAST_FALL)
		err = replace(descent, satellite, descent->old, &back);
	return err;
}

static void descent_close(struct descent *descent)
{
	trial_close(&descent->trial);
	trials_close(&descent->trials);
	timeline_close(descent->timeline);
	free(descent->old);
	free(descent->new);
}

int descent_run(struct schedule *schedule, struct parallel *parallel)
{
	const struct stretch *stretch = schedule->stretch;
	const struct past *past = stretch->past;
	struct descent descent = {.schedule = schedule,
				  .timeline = timeline_open(stretch),
				  .old = calloc(stretch->slots, sizeof(attachment)),
				  .new = calloc(stretch->slots, sizeof(attachment))};
	int err = descent.timeline && descent.old && descent.new ? 0 : -ENOMEM;

	if (err == 0)
		err = trials_open(&descent.trials, schedule);
	if (err == 0)
		err = trial_open(&descent.trial, &descent.trials);
	if (err == 0)
		trials_refresh(&descent.trials, parallel);
	for (size_t s = 0; err == 0 && s < stretch->scenario->satellite_count; s++)
		if (stretch->view_of[s + 1] > stretch->view_of[s] &&
		    (past->held[s] == 0 || past->age[s] >= stretch->prices->dwell))
			err = plan_anew(&descent, s);
	descent_close(&descent);
	return err;
}
