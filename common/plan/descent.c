/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Planning satellites anew. */
#include "plan/descent.h"

#include "plan/batch.h"
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
	struct batches batches;
	double fall;	       /* of J so far */
	attachment *proposals; /* [of the batch x slots + slot] */
	/* per worker */
	struct timeline **timelines;
	sno_set *scratch; /* slots */
};

/* The cores to which the satellite can be attached in some slot of a view. */
static sno_set cores_in(const struct stretch *stretch, size_t satellite, const struct view *view)
{
	const sno_set *attachable = stretch->attachable + satellite * stretch->slots;
	sno_set cores = 0;

	for (unsigned int t = view->from; t < view->until; t++)
		cores |= attachable[t];
	return cores;
}

/* What the satellite could be worth. */
static void find_gains(const struct descent *descent, size_t satellite, const attachment *now,
		       sno_set *scratch, float *gains)
{
	const struct stretch *stretch = descent->schedule->stretch;

	for (size_t i = stretch->view_of[satellite]; i < stretch->view_of[satellite + 1]; i++) {
		const struct view *view = &stretch->views[i];
		sno_set cores = cores_in(stretch, satellite, view);
		double worth[LANES_MAX];

		trials_worth(&descent->trials, view, now, cores, scratch, worth);
		for (unsigned int k = 0; k < stretch->scenario->sno_count; k++) {
			float gain = (float)(worth[k] / (view->until - view->from));

			if (gain == 0)
				continue;
			for (unsigned int t = view->from; t < view->until; t++)
				gains[(size_t)t * stretch->lanes + k] += gain;
		}
	}
}

/* A better timeline for one of the batch. */
static void propose(void *arg, size_t part, unsigned int worker)
{
	struct descent *descent = arg;
	const struct schedule *schedule = descent->schedule;
	unsigned int slots = schedule->stretch->slots;
	struct timeline *timeline = descent->timelines[worker];
	size_t satellite = descent->batches.satellites[part];
	const attachment *now = schedule->attachments + satellite * slots;

	find_gains(descent, satellite, now, descent->scratch + (size_t)worker * slots,
		   timeline_gains(timeline));
	timeline_best(timeline, satellite, schedule, descent->proposals + part * slots);
}

/* Takes the proposal if J falls. */
static int try_proposal(struct descent *descent, size_t satellite, const attachment *proposal)
{
	unsigned int from = 0, until = descent->schedule->stretch->slots;
	const attachment *now = descent->schedule->attachments + satellite * until;
	double rise;
	int err;

	while (from < until && proposal[from] == now[from])
		from++;
	while (from < until && proposal[until - 1] == now[until - 1])
		until--;
	if (from == until)
		return 0;
	err = trial_change(&descent->trial, satellite, from, until, proposal + from);
	if (err < 0)
		return err;
	rise = trial_rise(&descent->trial);
	if (rise < -LEAST_FALL) {
		trial_keep(&descent->trial);
		descent->fall -= rise;
	} else {
		trial_undo(&descent->trial);
	}
	return 0;
}

static int descend(struct descent *descent, struct parallel *parallel)
{
	const struct stretch *stretch = descent->schedule->stretch;
	const struct past *past = stretch->past;
	struct batches *batches = &descent->batches;
	int err = 0;

	for (size_t s = 0; s < stretch->scenario->satellite_count; s++)
		if (stretch->view_of[s + 1] > stretch->view_of[s] &&
		    (past->held[s] == 0 || past->age[s] >= stretch->prices->dwell))
			batches_add(batches, s);
	while (err == 0 && batches_next(batches)) {
		parallel_run(parallel, batches->count, propose, descent);
		for (size_t i = 0; err == 0 && i < batches->count; i++)
			err = try_proposal(descent, batches->satellites[i],
					   descent->proposals + i * stretch->slots);
	}
	return err;
}

static void descent_close(struct descent *descent, unsigned int workers)
{
	trial_close(&descent->trial);
	trials_close(&descent->trials);
	batches_close(&descent->batches);
	timelines_close(descent->timelines, workers);
	free(descent->scratch);
	free(descent->proposals);
}

int descent_run(struct schedule *schedule, struct parallel *parallel, double *fall)
{
	const struct stretch *stretch = schedule->stretch;
	unsigned int workers = parallel_workers(parallel);
	struct descent descent = {
		.schedule = schedule,
		.timelines = timelines_open(stretch, workers),
		.scratch = calloc(workers, stretch->slots),
		.proposals = calloc((size_t)BATCH_MOST * stretch->slots, sizeof(attachment))};
	int err = descent.timelines && descent.scratch && descent.proposals ? 0 : -ENOMEM;

	if (err == 0)
		err = batches_open(&descent.batches, stretch, schedule->room != NULL);
	if (err == 0)
		err = trials_open(&descent.trials, schedule);
	if (err == 0)
		err = trial_open(&descent.trial, &descent.trials);
	if (err == 0) {
		trials_refresh(&descent.trials, parallel);
		err = descend(&descent, parallel);
	}
	*fall = descent.fall;
	descent_close(&descent, workers);
	return err;
}
