/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trying a change of a plan: what it does to the objective, exactly, and taking it back.
 *
 * For every group and instant the state before and the state after are kept (objective.h). A change
 * of associations touches what is available at some places for some slots; for their groups, and
 * for these slots only, the programme is run anew and joined to the state after. So a trial costs a
 * few microseconds, whatever the length of the stretch.
 *
 * A *block* is a part of the stretch that one thread tries changes in, while others do in other
 * blocks. What lies outside of the block counts as given: states before its first slot and after
 * its last are those of the last trials_refresh(). Of the associations outside, those of the slots
 * between this block and others may be looked at, for nobody changes them, and no others.
 */
#ifndef SNO_PLAN_TRIAL_H
#define SNO_PLAN_TRIAL_H

#include "plan/schedule.h"

/* States of all groups; shared by the blocks, each of which writes its own slots only. */
struct trials {
	struct schedule *schedule;
	float *before; /* [(group x (slots + 1) + slot) x lanes] */
	float *after;  /* the same */
	float *cost;   /* [group x slots + slot] */
};

/* Borrows the schedule, which trials change from then on. 0 or -ENOMEM. */
int trials_open(struct trials *trials, struct schedule *schedule);
void trials_close(struct trials *trials);
/* Computes all states anew. */
void trials_refresh(struct trials *trials, struct parallel *parallel);

/*
 * What a satellite, whose attachments are `now`, is worth in one of its views: worth[k], for each
 * of these cores, is by how much the objective falls if it serves core k in all of the view instead
 * of none. Of the schedule nothing changes. scratch: as long as the stretch.
 */
void trials_worth(const struct trials *trials, const struct view *view, const attachment *now,
		  sno_set cores, sno_set *scratch, double worth[LANES_MAX]);

struct trial_change {
	uint32_t satellite;
	uint16_t from, until;
	size_t old; /* its attachments before, in trial.old */
};

/* One thread's work. */
struct trial {
	struct trials *trials;
	unsigned int first, end;	   /* the block */
	unsigned int look_first, look_end; /* ... and what lies between it and others */
	struct touched touched;
	struct trial_change *changes;
	size_t count, room;
	attachment *old;
	size_t old_count, old_room;
	double changed; /* sum of gamma x association changes */
};

/* The block is the whole stretch, until it is set otherwise. 0 or -ENOMEM. */
int trial_open(struct trial *trial, struct trials *trials);
void trial_close(struct trial *trial);

/*
 * Adds a change to the trial: the satellite's attachments in slots from to until - 1, which lie in
 * the block, become these. 0 or -ENOMEM.
 */
int trial_change(struct trial *trial, size_t satellite, unsigned int from, unsigned int until,
		 const attachment *attachments);
/* By how much the objective rises with all changes of the trial. */
double trial_rise(const struct trial *trial);
/* Ends the trial: the changes stay. */
void trial_keep(struct trial *trial);
/* Ends it: they are taken back. */
void trial_undo(struct trial *trial);

#endif
