/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moves by chance, and the stations they go by. */
#include "plan/moves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The longest that a move reaches from the slot it begins with, and the most links of a chain. */
#define REACH 40
#define CHAIN 6
/* How often a view in the block is looked for. */
#define TRIES 64

int moves_open(struct moves *moves, struct trial *trial, uint64_t seed)
{
	*moves = (struct moves){.trial = trial, .random = seed};
	moves->route = calloc(trial->trials->schedule->stretch->slots, sizeof(*moves->route));
	return moves->route ? 0 : -ENOMEM;
}

void moves_close(struct moves *moves)
{
	free(moves->route);
	*moves = (struct moves){0};
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t moves_random(struct moves *moves)
{
	uint64_t z = moves->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0 to below - 1. */
static unsigned int any(struct moves *moves, unsigned int below)
{
	return (unsigned int)((moves_random(moves) >> 32) * below >> 32);
}

static const struct schedule *schedule_of(const struct moves *moves)
{
	return moves->trial->trials->schedule;
}

static const attachment *attachments_of(const struct moves *moves, size_t satellite)
{
	const struct schedule *schedule = schedule_of(moves);

	return schedule->attachments + satellite * schedule->stretch->slots;
}

static uint8_t core_of(const struct moves *moves, attachment attached)
{
	return attached ? attachment_core(schedule_of(moves)->stretch->scenario, attached)
			: NO_CORE;
}

/* How far the satellite can stay attached so from slot t on; at most to `until`. */
static unsigned int stays(const struct moves *moves, size_t satellite, const struct pass *pass,
			  unsigned int t, unsigned int until)
{
	if (until > pass->until)
		until = pass->until;
	while (t < until && schedule_takes(schedule_of(moves), satellite, pass->attached, t))
		t++;
	return t;
}

/*
 * The stations by which a satellite is attached to the core in slots from to until - 1: as it was
 * just before as long as that goes, and otherwise that which lasts longest, with that which it has
 * afterwards before all others. Returns how far that goes.
 */
static unsigned int find_route(struct moves *moves, size_t satellite, uint8_t core,
			       unsigned int from, unsigned int until)
{
	const struct stretch *stretch = schedule_of(moves)->stretch;
	const attachment *at = attachments_of(moves, satellite);
	attachment before = from > 0 ? at[from - 1] : stretch->past->held[satellite];
	attachment behind = until < stretch->slots ? at[until] : 0;
	unsigned int t = from;

	while (t < until) {
		unsigned int best = t;
		attachment through = 0;

		for (size_t i = stretch->pass_of[satellite]; i < stretch->pass_of[satellite + 1];
		     i++) {
			const struct pass *pass = &stretch->passes[i];
			unsigned int reach;

			if (pass->from > t)
				break;
			if (pass->core != core || pass->until <= t)
				continue;
			reach = stays(moves, satellite, pass, t, until);
			if (reach > t &&
			    (reach > best || (reach == best && pass->attached == behind))) {
				best = reach;
				through = pass->attached;
			}
			if (reach > t && pass->attached == before) {
				best = reach;
				through = before;
				break;
			}
		}
		if (best == t)
			return t;
		for (; t < best; t++)
			moves->route[t - from] = through;
		before = 0;
	}
	return t;
}

/* Slots from which on, and until which, the attachment at slot t is the same, as far as may be
 * looked. */
static unsigned int run_from(const struct moves *moves, const attachment *at, unsigned int t)
{
	while (t > moves->trial->look_first && at[t - 1] == at[t])
		t--;
	return t;
}

static unsigned int run_until(const struct moves *moves, const attachment *at, unsigned int t)
{
	unsigned int end = t + 1;

	while (end < moves->trial->look_end && at[end] == at[t])
		end++;
	return end;
}

/* True when all associations that begin or end at slots from to until last for the dwell. */
static bool all_dwell(const struct moves *moves, size_t satellite, unsigned int from,
		      unsigned int until)
{
	const struct stretch *stretch = schedule_of(moves)->stretch;
	const attachment *at = attachments_of(moves, satellite);
	unsigned int dwell = stretch->prices->dwell;
	unsigned int t = run_from(moves, at, from > 0 ? from - 1 : 0);

	while (t < moves->trial->look_end && t <= until) {
		unsigned int end = run_until(moves, at, t), length = end - t;

		if (t == 0 && at[0] == stretch->past->held[satellite])
			length += stretch->past->age[satellite];
		if (at[t] && length < dwell)
			return false;
		if (t == 0 && stretch->past->held[satellite] != 0 &&
		    at[0] != stretch->past->held[satellite] &&
		    stretch->past->age[satellite] < dwell)
			return false;
		t = end;
	}
	return true;
}

/* Attaches a satellite to a core from slot `from` on, at most until `until`, as a change of the
 * trial. Returns until when; `from` if it cannot be. */
static unsigned int attach(struct moves *moves, size_t satellite, uint8_t core, unsigned int from,
			   unsigned int until)
{
	const struct trial *trial = moves->trial;
	const attachment *at = attachments_of(moves, satellite);
	unsigned int dwell = schedule_of(moves)->stretch->prices->dwell, start, end;

	if (from < trial->first)
		from = trial->first;
	if (until > trial->end)
		until = trial->end;
	if (from >= until)
		return from;
	/* What would be left too short goes along. */
	start = run_from(moves, at, from);
	if (from - start < dwell && start >= trial->first)
		from = start;
	end = run_until(moves, at, until - 1);
	if (end - until < dwell && end <= trial->end)
		until = end;
	end = find_route(moves, satellite, core, from, until);
	if (end == from)
		return from;
	if (memcmp(moves->route, at + from, (end - from) * sizeof(*at)) == 0 ||
	    trial_change(moves->trial, satellite, from, end, moves->route) < 0)
		return from;
	return end;
}

/* True when changes of the trial leave all dwells long enough. */
static bool trial_dwells(const struct moves *moves)
{
	for (size_t i = 0; i < moves->trial->count; i++) {
		const struct trial_change *change = &moves->trial->changes[i];

		if (!all_dwell(moves, change->satellite, change->from, change->until))
			return false;
	}
	return true;
}

/* The cores to which the satellite can be attached in a slot. */
static sno_set cores_at(const struct moves *moves, size_t satellite, unsigned int t)
{
	const struct stretch *stretch = schedule_of(moves)->stretch;

	return stretch->attachable[satellite * stretch->slots + t];
}

/* One of a set that is not empty. */
static uint8_t any_core(struct moves *moves, sno_set cores)
{
	unsigned int skip = any(moves, (unsigned int)__builtin_popcount(cores));

	while (skip-- > 0)
		cores &= (sno_set)(cores - 1);
	return (uint8_t)__builtin_ctz(cores);
}

/* The earliest slot, not before `from`, from which on the core can be held up to slot t. */
static unsigned int held_from(const struct moves *moves, size_t satellite, uint8_t core,
			      unsigned int from, unsigned int t)
{
	const struct stretch *stretch = schedule_of(moves)->stretch;
	bool further = true;

	while (further && t > from) {
		further = false;
		for (size_t i = stretch->pass_of[satellite];
		     i < stretch->pass_of[satellite + 1] && stretch->passes[i].from < t; i++)
			if (stretch->passes[i].core == core && stretch->passes[i].until >= t) {
				t = stretch->passes[i].from;
				further = true;
				break;
			}
	}
	return t < from ? from : t;
}

static bool recore(struct moves *moves, size_t satellite, const struct view *view, unsigned int t)
{
	const attachment *at = attachments_of(moves, satellite);
	unsigned int slots = schedule_of(moves)->stretch->slots, from, until;
	sno_set cores = cores_at(moves, satellite, t);
	uint8_t core;

	if (at[t])
		cores &= (sno_set) ~(1u << core_of(moves, at[t]));
	if (!cores)
		return false;
	core = any_core(moves, cores);
	switch (any(moves, 4)) {
	case 0:
		from = view->from;
		until = view->until;
		break;
	case 1:
		from = run_from(moves, at, t);
		until = run_until(moves, at, t);
		break;
	case 2:
		from = any(moves, 2) ? view->from : run_from(moves, at, t);
		until = t + 1 + any(moves, REACH);
		break;
	default:
		from = t - any(moves, t < REACH ? t + 1 : REACH);
		until = any(moves, 2) ? view->until : run_until(moves, at, t);
		break;
	}
	if (until > slots)
		until = slots;
	if (from > t)
		from = t;
	from = held_from(moves, satellite, core, from, t);
	return attach(moves, satellite, core, from, until) > from;
}

static bool shift(struct moves *moves, size_t satellite, unsigned int t)
{
	const attachment *at = attachments_of(moves, satellite);
	unsigned int slots = schedule_of(moves)->stretch->slots;
	unsigned int border = run_until(moves, at, t), by = 1 + any(moves, REACH / 2), from;

	if (border > moves->trial->end || border >= slots)
		return false;
	if (any(moves, 2)) {
		if (!at[border - 1])
			return false;
		return attach(moves, satellite, core_of(moves, at[border - 1]), border,
			      border + by) > border;
	}
	if (!at[border])
		return false;
	from = held_from(moves, satellite, core_of(moves, at[border]),
			 border < by ? 0 : border - by, border);
	return attach(moves, satellite, core_of(moves, at[border]), from, border) > from;
}

/* Detaches a satellite in slots from to until - 1, as a change of the trial. False where that is
 * not in the block. */
static bool detach(struct moves *moves, size_t satellite, unsigned int from, unsigned int until)
{
	const struct trial *trial = moves->trial;

	if (from < trial->first || until > trial->end || from >= until)
		return false;
	memset(moves->route, 0, (until - from) * sizeof(*moves->route));
	return trial_change(moves->trial, satellite, from, until, moves->route) == 0;
}

/* Ends the association that is on, or its part before or behind a slot, or behind a view. */
static bool drop(struct moves *moves, size_t satellite, const struct view *view, unsigned int t)
{
	const attachment *at = attachments_of(moves, satellite);
	unsigned int from = run_from(moves, at, t);
	unsigned int until = run_until(moves, at, t);

	if (!at[t])
		return false;
	switch (any(moves, 4)) {
	case 0:
		from = t;
		break;
	case 1:
		until = t;
		break;
	case 2:
		from = from < view->until && view->until < until ? view->until : from;
		break;
	default:
		break;
	}
	return detach(moves, satellite, from, until);
}

/* Ends what one of the satellites that a station has in slot t has there. */
static bool make_room(struct moves *moves, size_t station, unsigned int t)
{
	const struct stretch *stretch = schedule_of(moves)->stretch;
	size_t count = stretch->scenario->satellite_count;
	size_t start = any(moves, (unsigned int)count);

	for (size_t i = 0; i < count; i++) {
		size_t satellite = (start + i) % count;
		const attachment *at = attachments_of(moves, satellite);

		if (at[t] && attachment_station(stretch->scenario, at[t]) == station)
			return detach(moves, satellite, run_from(moves, at, t),
				      run_until(moves, at, t));
	}
	return false;
}

/* Takes the room of another satellite at a station that is full. */
static bool displace(struct moves *moves, size_t satellite, const struct view *view, unsigned int t)
{
	const struct schedule *schedule = schedule_of(moves);
	const struct stretch *stretch = schedule->stretch;
	size_t first = stretch->pass_of[satellite], count = stretch->pass_of[satellite + 1] - first;
	size_t start;

	if (!schedule->room || !count)
		return false;
	start = any(moves, (unsigned int)count);
	for (size_t i = 0; i < count; i++) {
		const struct pass *pass = &stretch->passes[first + (start + i) % count];

		if (pass->from > t || pass->until <= t ||
		    schedule_takes(schedule, satellite, pass->attached, t))
			continue;
		return make_room(moves, attachment_station(stretch->scenario, pass->attached), t) &&
		       attach(moves, satellite, pass->core, view->from, view->until) > view->from;
	}
	return false;
}

static bool swap(struct moves *moves, size_t satellite, const struct view *view, unsigned int t)
{
	const struct stretch *stretch = schedule_of(moves)->stretch;
	size_t count;
	const struct viewed *viewed = stretch_viewed(stretch, view->place, t, &count);
	size_t start = any(moves, (unsigned int)count);
	attachment mine = attachments_of(moves, satellite)[t];

	for (size_t i = 0; i < count; i++) {
		const struct viewed *other = &viewed[(start + i) % count];
		attachment its = attachments_of(moves, other->satellite)[t];
		unsigned int from, until;

		if (other->satellite == satellite || other->from > t || other->until <= t || !its ||
		    !mine || core_of(moves, its) == core_of(moves, mine))
			continue;
		from = view->from > other->from ? view->from : other->from;
		until = view->until < other->until ? view->until : other->until;
		if (any(moves, 2))
			from = t;
		return attach(moves, satellite, core_of(moves, its),
			      held_from(moves, satellite, core_of(moves, its), from, t),
			      until) > from &&
		       attach(moves, other->satellite, core_of(moves, mine),
			      held_from(moves, other->satellite, core_of(moves, mine), from, t),
			      until) > from;
	}
	return false;
}

/* Of the satellites in view of a place in slot t, that which can serve the core for longest. */
static const struct viewed *next_link(struct moves *moves, uint32_t place, uint8_t core,
				      unsigned int t)
{
	const struct stretch *stretch = schedule_of(moves)->stretch;
	size_t count;
	const struct viewed *viewed = stretch_viewed(stretch, place, t, &count), *best = NULL;

	for (size_t i = 0; i < count; i++)
		if (viewed[i].until > t && (!best || viewed[i].until > best->until) &&
		    cores_at(moves, viewed[i].satellite, t) >> core & 1)
			best = &viewed[i];
	return best;
}

static bool chain(struct moves *moves, const struct view *view, unsigned int t)
{
	const struct stretch *stretch = schedule_of(moves)->stretch;
	const struct scenario_place *place = &stretch->scenario->places[view->place];
	const struct scenario_group *group =
		&stretch->scenario->groups[place->first_group + any(moves, place->group_count)];
	const sno_set *available =
		schedule_of(moves)->available + (size_t)view->place * stretch->slots;
	unsigned int end = t + 8 + any(moves, 2 * REACH), links = 0;

	if (end > moves->trial->end)
		end = moves->trial->end;
	while (t < end && links < CHAIN) {
		const struct viewed *link;
		unsigned int reached;

		if (available[t] >> group->home & 1) {
			t++;
			continue;
		}
		link = next_link(moves, view->place, group->home, t);
		if (!link) {
			t++;
			continue;
		}
		reached = attach(moves, link->satellite, group->home, t,
				 link->until < end ? link->until : end);
		if (reached <= t)
			break;
		t = reached;
		links++;
	}
	return links > 0;
}

/* A view in the block, the satellite that has it, and a slot of both; by chance. */
static const struct view *any_view(struct moves *moves, size_t *satellite, unsigned int *slot)
{
	const struct stretch *stretch = schedule_of(moves)->stretch;
	const struct trial *trial = moves->trial;
	unsigned int from = trial->first < stretch->longest ? 0 : trial->first - stretch->longest;
	size_t first = stretch->begun_of[from], count = stretch->begun_of[trial->end] - first;

	for (unsigned int tries = 0; count > 0 && tries < TRIES; tries++) {
		const struct begun *begun = &stretch->begun[first + moves_random(moves) % count];
		const struct view *view = &stretch->views[begun->view];

		*slot = view->from + any(moves, (unsigned int)(view->until - view->from));
		if (*slot < trial->first || *slot >= trial->end)
			continue;
		*satellite = begun->satellite;
		return view;
	}
	return NULL;
}

bool moves_propose(struct moves *moves)
{
	unsigned int t;
	size_t satellite;
	const struct view *view = any_view(moves, &satellite, &t);
	bool found;

	if (!view)
		return false;
	switch (any(moves, 10)) {
	case 0:
	case 1:
	case 2:
		found = recore(moves, satellite, view, t);
		break;
	case 3:
	case 4:
		found = shift(moves, satellite, t);
		break;
	case 5:
	case 6:
		found = drop(moves, satellite, view, t);
		break;
	case 7:
		found = displace(moves, satellite, view, t) || swap(moves, satellite, view, t);
		break;
	default:
		found = chain(moves, view, t);
		break;
	}
	if (found && trial_dwells(moves))
		return true;
	trial_undo(moves->trial);
	return false;
}
