/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the association file and does ahead what it asks for; see schedule.h. */
#include "schedule.h"

#include "binding.h"
#include "core.h"
#include "crowd.h"
#include "log.h"
#include "peer.h"
#include "satellite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How often the file is looked at; so often, too, the clocks are compared. */
#define SCHEDULE_POLL (USEC_PER_SEC / 4)
/* A wall clock that differs by more from the monotonic one was set. */
#define CLOCK_STEP (USEC_PER_SEC / 2)

/* After so many cores that are not known no more are told. */
#define PLAN_FAULTS_MAX 10

/* Leading home addresses elsewhere takes time: for the first, and for each. */
#define SWITCH_FIRST (3 * USEC_PER_MSEC)
#define SWITCH_EACH  10

/*
 * When the new core advertises itself, after the association has begun: the satellite's clock may
 * be a little behind, and what comes too early is heard by nobody.
 */
static const usec_t advertise_after[] = {0, 2 * USEC_PER_MSEC, 10 * USEC_PER_MSEC,
					 50 * USEC_PER_MSEC, 200 * USEC_PER_MSEC};
#define ADVERTISEMENTS (sizeof(advertise_after) / sizeof(advertise_after[0]))

/* ---- the file ------------------------------------------------------------------------------- */

static void report(void *arg, const char *message)
{
	(void)arg;
	log_warnx("%s", message);
}

/* Begins with what is to come: for what is past it is too late. */
static void seek(struct schedule *schedule, usec_t wall)
{
	size_t first = 0, behind = schedule->content.change_count;

	while (first < behind) {
		size_t middle = first + (behind - first) / 2;

		if (schedule->content.changes[middle].at <= wall)
			first = middle + 1;
		else
			behind = middle;
	}
	schedule->first = schedule->prepared = first;
	for (size_t i = first; i < schedule->content.change_count; i++) {
		schedule->content.changes[i].switched = false;
		schedule->content.changes[i].advertised = 0;
	}
}

/* Is any satellite of the plan one that feeds this core? True also where none is configured. */
static bool concerns(const struct core *core, const struct associations *a)
{
	const struct config *config = core->config;
	size_t count;

	for (size_t i = 0; i < config->access.satellite_count; i++)
		if (association_of(a, config->access.satellites[i].name, &count))
			return true;
	return config->access.satellite_count == 0;
}

/*
 * What makes a sound file wrong for this core: half a plan would be another plan, so it is taken
 * whole or not at all. Returns the number of faults, told in the log.
 */
static size_t check_plan(const struct core *core, const struct schedule_content *content,
			 usec_t wall)
{
	const char *path = core->schedule.path;
	size_t faults = 0;

	for (size_t i = 0; i < content->core_count && faults < PLAN_FAULTS_MAX; i++) {
		const struct association *row = content->cores[i];

		if (!strcmp(row->core, core->config->name) || peer_open(core, row->core))
			continue;
		log_warnx("%s:%u: core %s is neither this one nor one of peers", path, row->line,
			  row->core);
		faults++;
	}
	if (!faults && content->end <= wall) {
		log_warnx("%s: all associations are over", path);
		faults++;
	}
	if (!faults && !concerns(core, &content->associations))
		log_warnx("%s: none of its satellites feeds this core (access.satellites)", path);
	return faults;
}

/* Takes over what has been read, or says why not. */
static void take_over(struct core *core, usec_t now)
{
	struct schedule *schedule = &core->schedule;
	struct schedule_content content;
	int result = schedule_reading_end(schedule->reading, &content, report, NULL);

	schedule->reading = NULL;
	schedule->refused = result < 0 || check_plan(core, &content, now + core->wall_ahead);
	if (schedule->refused) {
		schedule_content_free(&content);
		log_warnx("the schedule %s", schedule->content.associations.count
						     ? "of before stays in force"
						     : "is not used");
		return;
	}
	schedule_content_put_away(&schedule->content);
	schedule->content = content;
	schedule->first = schedule->prepared = 0;
	schedule->wall_ahead = USEC_NEVER;
	log_info("schedule %s: %zu associations, %zu changes of core", schedule->path,
		 content.associations.count, content.change_count);
}

static void read_file(struct core *core, const struct file_state *state, usec_t now)
{
	struct schedule *schedule = &core->schedule;

	reading_abandon(schedule->reading);
	schedule->read = *state;
	schedule->reading = schedule_reading_begin(schedule->path, &schedule->time,
						   core->config->handover.hold.time);
	if (!schedule->reading) {
		schedule->refused = true;
		log_warnx("no memory or no thread to read the schedule with; reload to try again");
		return;
	}
	if (state->size <= READING_SMALL)
		take_over(core, now);
}

/* Another file is complete in its place; one that is written in place has to come to rest. */
static void look(struct core *core, usec_t now)
{
	struct schedule *schedule = &core->schedule;
	struct file_state state = file_state(schedule->path);
	bool replaced;

	if (schedule->reading && !reading_done(schedule->reading))
		return;
	if (schedule->reading)
		take_over(core, now);
	replaced = state.changed != 0 &&
		   (state.inode != schedule->read.inode || state.device != schedule->read.device);

	if (!file_same(&state, &schedule->read) && (replaced || file_same(&state, &schedule->seen)))
		read_file(core, &state, now);
	schedule->seen = state;
}

/* ---- changes --------------------------------------------------------------------------------- */

static void prepare(struct core *core, struct schedule_change *change, usec_t now)
{
	const struct crowd_move move = {change->satellite, change->from, change->to};
	usec_t expected = change->at - (now + core->wall_ahead);
	unsigned int count = crowd_prepare(core, &move, expected > 0 ? expected : 0, now);

	/* However late that peer answers: what is held at the target is not to be given up. */
	change->early = SWITCH_FIRST + (usec_t)count * SWITCH_EACH +
			usec_min(binding_way(peer_find(core, change->from)),
				 core->config->handover.hold.time / 2);
}

static void switch_over(struct core *core, struct schedule_change *change, usec_t now)
{
	const struct crowd_move move = {change->satellite, change->from, change->to};

	change->switched = true;
	crowd_switch(core, &move, now);
}

static void advertise(struct core *core, struct schedule_change *change, usec_t now)
{
	struct satellite *satellite = satellite_find(core, change->satellite);

	change->advertised++;
	if (satellite && !strcmp(change->to, core->config->name))
		satellite_advertise(satellite, now);
}

/* When something is to be done next for a change that is prepared. */
static usec_t next_step(const struct schedule_change *change)
{
	if (!change->switched)
		return change->until - change->early;
	if (change->advertised < ADVERTISEMENTS)
		return change->at + advertise_after[change->advertised];
	return USEC_NEVER;
}

/* Does what is due for one change; returns when there is more to do. */
static usec_t step(struct core *core, struct schedule_change *change, usec_t now)
{
	usec_t wall = now + core->wall_ahead;

	while (next_step(change) <= wall) {
		if (!change->switched)
			switch_over(core, change, now);
		else
			advertise(core, change, now);
	}
	return next_step(change);
}

/* Everything that is due; returns the next instant of the wall clock. */
static usec_t work(struct core *core, usec_t now)
{
	struct schedule *schedule = &core->schedule;
	usec_t wall = now + core->wall_ahead, lead = core->config->handover.lead;
	usec_t next = USEC_NEVER;

	for (; schedule->prepared < schedule->content.change_count &&
	       schedule->content.changes[schedule->prepared].at - lead <= wall;
	     schedule->prepared++)
		prepare(core, &schedule->content.changes[schedule->prepared], now);
	for (size_t i = schedule->first; i < schedule->prepared; i++) {
		usec_t at = step(core, &schedule->content.changes[i], now);

		if (at == USEC_NEVER && i == schedule->first)
			schedule->first++;
		next = usec_min(next, at);
	}
	if (schedule->prepared < schedule->content.change_count)
		next = usec_min(next, schedule->content.changes[schedule->prepared].at - lead);
	return next;
}

/* Also true for a schedule that was just read, which knows of no clock yet. */
static bool clock_stepped(const struct core *core)
{
	usec_t step;

	if (core->schedule.wall_ahead == USEC_NEVER)
		return true;
	step = core->wall_ahead - core->schedule.wall_ahead;
	if (step <= CLOCK_STEP && step >= -CLOCK_STEP)
		return false;
	log_notice("the clock was set by %.3f s; the schedule begins anew",
		   (double)step / (double)USEC_PER_SEC);
	return true;
}

static void schedule_timer(struct timer *timer, void *arg, usec_t now)
{
	struct core *core = arg;
	struct schedule *schedule = &core->schedule;
	usec_t next;

	look(core, now);
	if (clock_stepped(core))
		seek(schedule, now + core->wall_ahead);
	schedule->wall_ahead = core->wall_ahead;
	next = work(core, now);
	if (next != USEC_NEVER)
		next -= core->wall_ahead;
	next = usec_min(next, now + (schedule->reading ? READING_POLL : SCHEDULE_POLL));
	timer_set(&core->timers, timer, next);
}

/* ---- coming and going ------------------------------------------------------------------------ */

void schedule_configure(struct core *core, usec_t now)
{
	struct schedule *schedule = &core->schedule;
	const char *path = core->config->handover.schedule;

	if (!path) {
		schedule_close(core);
		return;
	}
	if (!schedule->path || strcmp(schedule->path, path) != 0) {
		schedule_close(core);
		schedule->path = strdup(path);
		if (!schedule->path) {
			log_warnx("out of memory for the schedule");
			return;
		}
		timer_init(&schedule->timer, schedule_timer, core);
		schedule->wall_ahead = USEC_NEVER;
		schedule->time = lab_time_of(&core->config->time);
		lab_time_warn(&schedule->time);
	}
	schedule->seen = file_state(schedule->path);
	if (!file_same(&schedule->seen, &schedule->read) || schedule->seen.changed == 0 ||
	    schedule->refused)
		read_file(core, &schedule->seen, now);
	timer_set(&core->timers, &schedule->timer, now);
}

void schedule_close(struct core *core)
{
	struct schedule *schedule = &core->schedule;

	timer_cancel(&core->timers, &schedule->timer);
	reading_abandon(schedule->reading);
	schedule_content_free(&schedule->content);
	free(schedule->path);
	*schedule = (struct schedule){0};
}

const char *schedule_core(const struct core *core, const char *satellite, usec_t at)
{
	size_t count;
	const struct association *rows =
		association_of(&core->schedule.content.associations, satellite, &count);
	const struct association *row =
		rows ? association_at(rows, count, at + core->wall_ahead) : NULL;

	return row ? row->core : NULL;
}

size_t schedule_ahead(const struct core *core)
{
	return core->schedule.content.change_count - core->schedule.first;
}
