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
#include <sys/stat.h>

/* How often the file is looked at; so often, too, the clocks are compared. */
#define SCHEDULE_POLL (USEC_PER_SEC / 4)
/* A wall clock that differs by more from the monotonic one was set. */
#define CLOCK_STEP (USEC_PER_SEC / 2)

/* After so many lines that name a core that is not known. */
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

static struct file_state file_state(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct file_state){0};
	return (struct file_state){.device = st.st_dev,
				   .inode = st.st_ino,
				   .size = st.st_size,
				   .changed = st.st_mtim.tv_sec * USEC_PER_SEC +
					      st.st_mtim.tv_nsec / 1000 + 1};
}

static bool file_same(const struct file_state *a, const struct file_state *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed == b->changed;
}

static void report(void *arg, const char *message)
{
	(void)arg;
	log_warnx("%s", message);
}

static int by_time(const void *one, const void *two)
{
	const struct schedule_change *a = one, *b = two;

	return (a->at > b->at) - (a->at < b->at);
}

/*
 * All changes of core in the file. A gap that is longer than packets are held is none: the
 * terminals look for another satellite.
 */
static size_t find_changes(const struct associations *a, usec_t gap,
			   struct schedule_change *changes)
{
	size_t count = 0;

	for (size_t i = 1; i < a->count; i++) {
		const struct association *is = &a->rows[i - 1], *next = &a->rows[i];

		if (strcmp(is->satellite, next->satellite) != 0 || !strcmp(is->core, next->core) ||
		    next->from - is->until > gap)
			continue;
		changes[count++] = (struct schedule_change){.until = is->until,
							    .at = next->from,
							    .satellite = is->satellite,
							    .from = is->core,
							    .to = next->core};
	}
	qsort(changes, count, sizeof(*changes), by_time);
	return count;
}

/* Begins with what is to come: for what is past it is too late. */
static void seek(struct schedule *schedule, usec_t wall)
{
	size_t first = 0, behind = schedule->count;

	while (first < behind) {
		size_t middle = first + (behind - first) / 2;

		if (schedule->changes[middle].at <= wall)
			first = middle + 1;
		else
			behind = middle;
	}
	schedule->first = schedule->prepared = first;
	for (size_t i = first; i < schedule->count; i++) {
		schedule->changes[i].switched = false;
		schedule->changes[i].advertised = 0;
	}
}

static void forget(struct schedule *schedule)
{
	free(schedule->changes);
	association_free(&schedule->associations);
	schedule->changes = NULL;
	schedule->count = schedule->first = schedule->prepared = 0;
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
static size_t check_plan(const struct core *core, const struct associations *a, usec_t wall)
{
	const char *path = core->schedule.path;
	size_t faults = 0;
	bool over = true;

	for (size_t i = 0; i < a->count && faults < PLAN_FAULTS_MAX; i++) {
		const struct association *row = &a->rows[i];

		over &= row->until <= wall;
		if (!strcmp(row->core, core->config->name) || peer_open(core, row->core))
			continue;
		log_warnx("%s:%u: core %s is neither this one nor one of peers", path, row->line,
			  row->core);
		faults++;
	}
	if (!faults && over) {
		log_warnx("%s: all associations are over", path);
		faults++;
	}
	if (!faults && !concerns(core, a))
		log_warnx("%s: none of its satellites feeds this core (access.satellites)", path);
	return faults;
}

/* Reads and checks the file, with real times and the satellites' names in the protocol. */
static int load(const struct core *core, struct associations *associations, usec_t wall)
{
	const struct schedule *schedule = &core->schedule;
	int result = association_load(associations, schedule->path, NULL, report, NULL);

	if (result < 0)
		return result;
	lab_time_associations(&schedule->time, associations);
	association_fold(associations);
	if (!check_plan(core, associations, wall))
		return 0;
	association_free(associations);
	return -EINVAL;
}

static void read_file(struct core *core, const struct file_state *state, usec_t now)
{
	struct schedule *schedule = &core->schedule;
	struct associations associations;
	struct schedule_change *changes;

	schedule->read = *state;
	schedule->refused = load(core, &associations, now + core->wall_ahead) < 0;
	if (schedule->refused) {
		log_warnx("the schedule %s", schedule->associations.count
						     ? "of before stays in force"
						     : "is not used");
		return;
	}
	changes = calloc(associations.count + 1, sizeof(*changes));
	if (!changes) {
		log_warnx("out of memory for the schedule");
		association_free(&associations);
		return;
	}
	forget(schedule);
	schedule->associations = associations;
	schedule->changes = changes;
	schedule->count = find_changes(&associations, core->config->handover.hold.time, changes);
	schedule->wall_ahead = USEC_NEVER;
	log_info("schedule %s: %zu associations, %zu changes of core", schedule->path,
		 associations.count, schedule->count);
}

/* Another file is complete in its place; one that is written in place has to come to rest. */
static void look(struct core *core, usec_t now)
{
	struct schedule *schedule = &core->schedule;
	struct file_state state = file_state(schedule->path);
	bool replaced = state.changed != 0 && (state.inode != schedule->read.inode ||
					       state.device != schedule->read.device);

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

	change->early = SWITCH_FIRST + (usec_t)count * SWITCH_EACH +
			binding_way(peer_find(core, change->from));
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

	for (; schedule->prepared < schedule->count &&
	       schedule->changes[schedule->prepared].at - lead <= wall;
	     schedule->prepared++)
		prepare(core, &schedule->changes[schedule->prepared], now);
	for (size_t i = schedule->first; i < schedule->prepared; i++) {
		usec_t at = step(core, &schedule->changes[i], now);

		if (at == USEC_NEVER && i == schedule->first)
			schedule->first++;
		next = usec_min(next, at);
	}
	if (schedule->prepared < schedule->count)
		next = usec_min(next, schedule->changes[schedule->prepared].at - lead);
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
	timer_set(&core->timers, timer, usec_min(next, now + SCHEDULE_POLL));
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
	forget(schedule);
	free(schedule->path);
	*schedule = (struct schedule){0};
}

const char *schedule_core(const struct core *core, const char *satellite, usec_t at)
{
	size_t count;
	const struct association *rows =
		association_of(&core->schedule.associations, satellite, &count);
	const struct association *row =
		rows ? association_at(rows, count, at + core->wall_ahead) : NULL;

	return row ? row->core : NULL;
}

size_t schedule_ahead(const struct core *core)
{
	return core->schedule.count - core->schedule.first;
}
