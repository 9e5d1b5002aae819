/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Annealing in blocks of time. */
#include "plan/search.h"

#include "plan/moves.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Slots of a block, unless the dwell is longer: some times as long as a satellite is in view. */
#define BLOCK 60
/* Cuts between blocks are moved by a part of that each round. */
#define CUTS 3

struct search {
	struct schedule *schedule;
	const struct search_effort *effort;
	struct trials trials;
	struct trial *workers;			  /* per worker */
	unsigned int round, parity, shift, block; /* block: slots of one */
	double temperature, per_block;
};

/* The first slot of a block. */
static unsigned int cut(const struct search *search, size_t block)
{
	size_t slot = block * search->block, slots = search->schedule->stretch->slots;

	slot = slot > search->shift ? slot - search->shift : 0;
	return (unsigned int)(slot < slots ? slot : slots);
}

/* Tries changes in one block. */
static void search_block(void *arg, size_t part, unsigned int worker)
{
	struct search *search = arg;
	struct trial *trial = &search->workers[worker];
	size_t block = 2 * part + search->parity;
	struct moves moves;
	uint64_t tries = (uint64_t)search->per_block;

	trial->first = cut(search, block);
	trial->end = cut(search, block + 1);
	trial->look_first = cut(search, block > 0 ? block - 1 : 0);
	trial->look_end = cut(search, block + 2);
	if (moves_open(&moves, trial,
		       search->effort->seed ^ (uint64_t)search->round << 32 ^
			       (uint64_t)block << 8) < 0)
		return;
	while (tries-- > 0) {
		double rise, limit;

		if (!moves_propose(&moves))
			continue;
		rise = trial_rise(trial);
		limit = -log(((double)(moves_random(&moves) >> 11) + 1) * 0x1p-53) *
			search->temperature;
		if (rise < limit && rise < 1e6)
			trial_keep(trial);
		else
			trial_undo(trial);
	}
	moves_close(&moves);
}

static void run_round(struct search *search, struct parallel *parallel)
{
	unsigned int slots = search->schedule->stretch->slots;
	size_t blocks;

	search->shift = search->round % CUTS * (search->block / CUTS);
	blocks = (slots + search->shift + search->block - 1) / search->block;
	for (search->parity = 0; search->parity < 2 && search->parity < blocks; search->parity++) {
		parallel_run(parallel, (blocks - search->parity + 1) / 2, search_block, search);
		trials_refresh(&search->trials, parallel);
	}
}

int search_run(struct schedule *schedule, struct parallel *parallel,
	       const struct search_effort *effort, double *objective)
{
	const struct stretch *stretch = schedule->stretch;
	const struct scenario *scenario = stretch->scenario;
	unsigned int workers = parallel_workers(parallel);
	double mean = scenario->weight / (double)scenario->group_count;
	struct search search = {.schedule = schedule, .effort = effort};
	int err = trials_open(&search.trials, schedule);

	if (err < 0)
		return err;
	search.workers = calloc(workers, sizeof(*search.workers));
	if (!search.workers)
		err = -ENOMEM;
	for (unsigned int i = 0; err == 0 && i < workers; i++)
		err = trial_open(&search.workers[i], &search.trials);
	if (err < 0)
		goto out;
	trials_refresh(&search.trials, parallel);
	search.block = stretch->prices->dwell > BLOCK ? stretch->prices->dwell : BLOCK;
	search.per_block = effort->proposals * search.block / (stretch->slots + search.block);
	for (search.round = 0; search.round < effort->rounds; search.round++) {
		double part = (double)search.round / effort->rounds;

		search.temperature =
			part > 0.95 ? 0
				    : mean * effort->warmest *
					      pow(effort->coldest / effort->warmest, part / 0.95);
		run_round(&search, parallel);
		if (effort->progress)
			progress_add(effort->progress, 1);
	}
	*objective = schedule_objective(schedule, parallel);
out:
	for (unsigned int i = 0; search.workers && i < workers; i++)
		trial_close(&search.workers[i]);
	free(search.workers);
	trials_close(&search.trials);
	return err;
}
