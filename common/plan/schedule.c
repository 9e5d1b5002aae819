/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting, per place and slot, the satellites in view that serve each core. */
#include "plan/schedule.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

int schedule_open(struct schedule *schedule, const struct stretch *stretch)
{
	const struct scenario *scenario = stretch->scenario;
	size_t slots = stretch->slots, cells = scenario->place_count * slots;
	bool limited = false;

	*schedule = (struct schedule){.stretch = stretch};
	schedule->attachments =
		calloc(scenario->satellite_count * slots, sizeof(*schedule->attachments));
	schedule->serving = calloc(cells * stretch->lanes, sizeof(*schedule->serving));
	schedule->available = calloc(cells, sizeof(*schedule->available));
	for (size_t i = 0; i < scenario->station_count; i++)
		limited = limited || scenario->stations[i].capacity > 0;
	if (limited)
		schedule->room = calloc(scenario->station_count * slots, sizeof(*schedule->room));
	if (!schedule->attachments || !schedule->serving || !schedule->available ||
	    (limited && !schedule->room)) {
		schedule_close(schedule);
		return -ENOMEM;
	}
	for (size_t i = 0; limited && i < scenario->station_count; i++) {
		unsigned int capacity = scenario->stations[i].capacity;

		for (size_t t = 0; t < slots; t++)
			schedule->room[i * slots + t] = capacity == 0 || capacity > UINT16_MAX
								? UINT16_MAX
								: (uint16_t)capacity;
	}
	return 0;
}

void schedule_close(struct schedule *schedule)
{
	free(schedule->attachments);
	free(schedule->serving);
	free(schedule->available);
	free(schedule->room);
	*schedule = (struct schedule){0};
}

/* A satellite in view of a place takes up a core. True when the core becomes available by that. */
static bool take_up(struct schedule *schedule, size_t cell, uint8_t core)
{
	if (schedule->serving[cell * schedule->stretch->lanes + core]++ > 0)
		return false;
	schedule->available[cell] |= (sno_set)(1u << core);
	return true;
}

/* ... and gives it up. */
static bool give_up(struct schedule *schedule, size_t cell, uint8_t core)
{
	if (--schedule->serving[cell * schedule->stretch->lanes + core] > 0)
		return false;
	schedule->available[cell] &= (sno_set) ~(1u << core);
	return true;
}

static void touch(struct touched *touched, uint32_t place, unsigned int from, unsigned int until)
{
	struct touched_span *span = &touched->spans[place];

	if (span->from == span->until) {
		touched->places[touched->count++] = place;
		*span = (struct touched_span){.from = (uint16_t)from, .until = (uint16_t)until};
		return;
	}
	if (from < span->from)
		span->from = (uint16_t)from;
	if (until > span->until)
		span->until = (uint16_t)until;
}

/* One view of a satellite whose attachments in slots from `from` on change from old to new. */
static void set_view(struct schedule *schedule, const struct view *view, unsigned int from,
		     unsigned int until, const attachment *old, const attachment *new,
		     struct touched *touched)
{
	const struct stretch *stretch = schedule->stretch;
	size_t cell = (size_t)view->place * stretch->slots;
	unsigned int begin = from < view->from ? view->from : from;
	unsigned int end = until > view->until ? view->until : until;
	unsigned int first = end, last = begin;

	for (unsigned int t = begin; t < end; t++) {
		attachment a = old[t - from], b = new[t - from];
		uint8_t was = a ? attachment_core(stretch->scenario, a) : NO_CORE;
		uint8_t is = b ? attachment_core(stretch->scenario, b) : NO_CORE;
		bool differs;

		if (was == is)
			continue;
		differs = was != NO_CORE && give_up(schedule, cell + t, was);
		if (is != NO_CORE && take_up(schedule, cell + t, is))
			differs = true;
		if (!differs)
			continue;
		if (first == end)
			first = t;
		last = t + 1;
	}
	if (touched && last > first)
		touch(touched, view->place, first, last);
}

/* ---- room at stations ------------------------------------------------------------------------ */

/* True when a satellite other than `but` is attached so that the station has this carrier. */
static bool attaches(const struct schedule *schedule, size_t satellite, size_t but, size_t carrier,
		     size_t station, unsigned int t)
{
	const struct stretch *stretch = schedule->stretch;
	attachment at;

	if (satellite == but)
		return false;
	at = schedule->attachments[satellite * stretch->slots + t];
	return at && attachment_station(stretch->scenario, at) == station &&
	       attachment_carrier(stretch->scenario, stretch->neighbours, satellite, at) == carrier;
}

/* True when the station has the carrier of this attachment by somebody else's as well. */
static bool held_by_others(const struct schedule *schedule, size_t satellite, attachment attached,
			   unsigned int t)
{
	const struct stretch *stretch = schedule->stretch;
	size_t station = attachment_station(stretch->scenario, attached), carrier;

	if (!stretch->neighbours)
		return false;
	carrier = attachment_carrier(stretch->scenario, stretch->neighbours, satellite, attached);
	if (attaches(schedule, carrier, satellite, carrier, station, t))
		return true;
	for (unsigned int n = 0; n < NEIGHBOURS; n++) {
		uint32_t other = stretch->neighbours[carrier][n];

		if (other != NEIGHBOUR_NONE &&
		    attaches(schedule, other, satellite, carrier, station, t))
			return true;
	}
	return false;
}

/* Room that an attachment leaves (1) or takes (-1). */
static void take_room(struct schedule *schedule, size_t satellite, attachment attached,
		      unsigned int t, int change)
{
	const struct stretch *stretch = schedule->stretch;
	size_t station;

	if (!attached || held_by_others(schedule, satellite, attached, t))
		return;
	station = attachment_station(stretch->scenario, attached);
	schedule->room[station * stretch->slots + t] =
		(uint16_t)(schedule->room[station * stretch->slots + t] + change);
}

bool schedule_takes(const struct schedule *schedule, size_t satellite, attachment attached,
		    unsigned int slot)
{
	const struct stretch *stretch = schedule->stretch;

	return !schedule->room ||
	       schedule->room[attachment_station(stretch->scenario, attached) * stretch->slots +
			      slot] > 0 ||
	       schedule->attachments[satellite * stretch->slots + slot] == attached ||
	       held_by_others(schedule, satellite, attached, slot);
}

/* ---- changes --------------------------------------------------------------------------------- */

void schedule_set(struct schedule *schedule, size_t satellite, unsigned int from,
		  unsigned int until, const attachment *attachments, struct touched *touched)
{
	const struct stretch *stretch = schedule->stretch;
	attachment *old = schedule->attachments + satellite * stretch->slots + from;

	for (size_t i = stretch->view_of[satellite]; i < stretch->view_of[satellite + 1]; i++) {
		const struct view *view = &stretch->views[i];

		if (view->from >= until)
			break;
		if (view->until > from)
			set_view(schedule, view, from, until, old, attachments, touched);
	}
	for (unsigned int i = 0; schedule->room && i < until - from; i++)
		if (old[i] != attachments[i]) {
			take_room(schedule, satellite, old[i], from + i, 1);
			take_room(schedule, satellite, attachments[i], from + i, -1);
		}
	memcpy(old, attachments, (until - from) * sizeof(*old));
}

unsigned int schedule_changes(const struct schedule *schedule, size_t satellite, unsigned int from,
			      unsigned int until)
{
	const struct stretch *stretch = schedule->stretch;
	const attachment *at = schedule->attachments + satellite * stretch->slots;
	unsigned int changes = 0;

	for (unsigned int t = from; t < until; t++) {
		if (!at[t])
			continue;
		if (t > 0)
			changes += at[t] != at[t - 1];
		else if (!stretch->past->beginning)
			changes += at[0] != stretch->past->held[satellite];
	}
	return changes;
}

struct objective {
	const struct schedule *schedule;
	double *costs; /* per place */
};

static void cost_of_place(void *arg, size_t part, unsigned int worker)
{
	struct objective *objective = arg;
	const struct stretch *stretch = objective->schedule->stretch;
	const struct scenario_place *place = &stretch->scenario->places[part];
	const sno_set *available = objective->schedule->available + part * stretch->slots;
	double cost = 0;

	(void)worker;
	for (size_t g = place->first_group; g < place->first_group + place->group_count; g++) {
		const struct scenario_group *group = &stretch->scenario->groups[g];
		double sum = 0;
		float v[LANES_MAX];

		state_begin(v, stretch->past->last[g], LANES_MAX);
		for (unsigned int t = 0; t < stretch->slots; t++)
			sum += state_step(
				v, stretch->costs.costs[group->home][available[t] & group->cores],
				LANES_MAX);
		cost += group->weight * sum;
	}
	objective->costs[part] = cost;
}

double schedule_objective(const struct schedule *schedule, struct parallel *parallel)
{
	const struct scenario *scenario = schedule->stretch->scenario;
	struct objective objective = {
		.schedule = schedule,
		.costs = calloc(scenario->place_count, sizeof(*objective.costs))};
	double sum = 0;

	if (!objective.costs)
		return -1;
	parallel_run(parallel, scenario->place_count, cost_of_place, &objective);
	for (size_t p = 0; p < scenario->place_count; p++)
		sum += objective.costs[p];
	for (size_t s = 0; s < scenario->satellite_count; s++)
		sum += schedule->stretch->prices->gamma *
		       schedule_changes(schedule, s, 0, schedule->stretch->slots);
	free(objective.costs);
	return sum;
}
