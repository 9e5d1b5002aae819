/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration and the plan in its association file: how they come into force, at the start and
 * while the satellite is at work.
 */
#include "sat-forwarder/satellite_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "sat-forwarder/relays.h"

/* ---- the association file ----------------------------------------------------------------------
 */

/* Faults go to the log, the first one also to who asked. */
struct plan_faults {
	char *why;
	bool some;
};

static void plan_fault(void *arg, const char *message)
{
	struct plan_faults *faults = arg;

	log_error("%s", message);
	if (!faults->some && faults->why)
		snprintf(faults->why, SATELLITE_WHY, "%s", message);
	faults->some = true;
}

/* The file that was awaited is there, or is refused. */
static int end_reading(struct satellite *s, char why[SATELLITE_WHY])
{
	struct plan_faults faults = {.why = why};
	void *file;
	int err;

	if (why)
		satellite_refuse(why, 0, "out of memory");
	err = reading_end(s->reading, &file, plan_fault, &faults);
	s->reading = NULL;
	s->file = file;
	return err;
}

static int begin_reading(struct satellite *s, const char *path, const struct file_state *state,
			 char why[SATELLITE_WHY])
{
	struct plan_file *file = plan_file_new(path);

	reading_abandon(s->reading);
	s->reading = NULL;
	satellite_forget_file(s);
	if (file) {
		file->seen = *state;
		s->awaited = file;
		s->reading = reading_begin(&plan_file_kind, file);
	}
	if (s->reading)
		return 0;
	return satellite_refuse(why, -EAGAIN,
				"%s: no memory or no thread to read it with; reload again", path);
}

static bool is_file(const struct plan_file *file, const char *path, const struct file_state *state)
{
	return strcmp(file->path, path) == 0 && file_same(&file->seen, state);
}

/*
 * Has the association file of a configuration read: then it is s->file, NULL where there is none.
 * A small one is waited for.
 */
static int find_file(struct satellite *s, const struct config *config, usec_t now,
		     char why[SATELLITE_WHY])
{
	const char *path = config->association.file;
	struct file_state state;
	int err;

	if (!path) {
		satellite_forget_file(s);
		return 0;
	}
	state = file_state(path);
	if (s->file && is_file(s->file, path, &state))
		return 0;
	if (!s->reading || !is_file(s->awaited, path, &state)) {
		err = begin_reading(s, path, &state, why);
		if (err)
			return err;
	}
	if (state.size <= READING_SMALL)
		return end_reading(s, why);
	s->look_at = now + READING_POLL;
	return satellite_refuse(why, -EINPROGRESS, "%s is being read", path);
}

void satellite_forget_file(struct satellite *s)
{
	if (s->file && s->file->seen.size > READING_SMALL)
		reading_put_away(&plan_file_kind, s->file);
	else
		plan_file_free(s->file);
	s->file = NULL;
}

bool satellite_goes_on(struct satellite *s)
{
	bool goes_on = s->goes_on;

	s->goes_on = false;
	return goes_on;
}

void satellite_look_at_reading(struct satellite *s, struct instant at)
{
	if (!s->reading)
		return;
	if (!reading_done(s->reading)) {
		s->look_at = at.now + READING_POLL;
	} else if (end_reading(s, NULL) == 0) {
		s->goes_on = true;
	} else {
		s->counters.refused_reloads++;
		log_warnx("reload refused, the running plan stays");
	}
}

/* ---- the plan ----------------------------------------------------------------------------------
 */

/* A plan that is over is a mistake when somebody puts it into force. */
static int check_end(const struct satellite *s, const struct config *config,
		     const struct plan *plan, usec_t wall, char why[SATELLITE_WHY])
{
	char end[ASSOCIATION_TIME_TEXT];

	if (!plan->count || plan_end(plan) > wall || config->relay)
		return 0;
	return satellite_refuse(
		why, -EINVAL, "%s: the last association of satellite %s was over at %s",
		config->association.file, config->satellite.name,
		association_time_format(lab_time_planned(&s->time, plan_end(plan)), end));
}

static void take_plan(struct satellite *s, const struct config *config, const struct plan *plan,
		      usec_t wall)
{
	struct order *order = &s->schedule.order;

	plan_free(&s->schedule.plan);
	s->schedule.plan = *plan;
	s->told = wall;
	s->schedule.core = config->association.core;
	s->schedule.station = config->association.station;
	if (order->given)
		order->until = usec_min(order->until, schedule_order_end(&s->schedule, wall));
	if (plan->count)
		log_info("%ssatellite %s: %zu association%s up to the end of the plan",
			 config->relay ? "relay of " : "", config->satellite.name, plan->count,
			 plan->count == 1 ? "" : "s");
}

/* ---- the start and the end ---------------------------------------------------------------------
 */

int satellite_begin(struct satellite *s, const struct config *config, struct kernel *kernel,
		    const char *order_file, const struct plan_file *file, struct instant at)
{
	struct plan_faults faults = {0};
	char why[SATELLITE_WHY];
	struct plan plan;
	int err;

	*s = (struct satellite){.config = config, .kernel = kernel, .started = at.now};
	s->retry_at = USEC_NEVER;
	s->retry_step = RETRY_FIRST;
	s->time = lab_time_of(&config->time);
	if (!config->relay)
		lab_time_warn(&s->time);
	snprintf(s->order_file, sizeof(s->order_file), "%s", order_file ? order_file : "");
	err = plan_take(&plan, config, file, plan_fault, &faults);
	if (err)
		return err;
	if (check_end(s, config, &plan, at.wall, why))
		log_warnx("%s", why);
	take_plan(s, config, &plan, at.wall);
	err = forwarding_open(&s->forwarding, kernel, config);
	if (!err) {
		err = forwarding_configure(&s->forwarding, config, true, at.now, why);
		if (err)
			log_error("satellite %s: %s", config->satellite.name, why);
	}
	if (err) {
		satellite_close(s);
		return err;
	}
	satellite_adopt_order(s, at.wall);
	satellite_settle(s, at);
	forwarding_sweep(&s->forwarding);
	err = relays_open(s, file, at);
	if (err)
		satellite_close(s);
	return err;
}

int satellite_open(struct satellite *s, const struct config *config, struct kernel *kernel,
		   const char *order_file, struct instant at)
{
	struct plan_faults faults = {0};
	struct plan_file *file;
	int err = plan_file_load(&file, config, plan_fault, &faults);

	if (err)
		return err;
	err = satellite_begin(s, config, kernel, order_file, file, at);
	plan_file_free(file);
	return err;
}

void satellite_close(struct satellite *s)
{
	relays_close(s);
	reading_abandon(s->reading);
	satellite_forget_file(s);
	forwarding_close(&s->forwarding);
	plan_free(&s->schedule.plan);
}

/* ---- reload ------------------------------------------------------------------------------------
 */

/* The order's feeder may be gone, and where there was none a retry may do. */
static void reassociate(struct satellite *s, struct instant at)
{
	satellite_check_order(s);
	s->retry_at = USEC_NEVER;
	satellite_settle(s, at);
	/* Feeders that are configured no more go now that nothing needs them. */
	if (forwarding_associate(&s->forwarding, s->forwarding.serving, at.now))
		s->retry_at = at.now + s->retry_step;
}

int satellite_plan(struct satellite *s, const struct config *config, const struct plan_file *file,
		   struct plan *plan, usec_t wall, char why[SATELLITE_WHY])
{
	struct plan_faults faults = {.why = why};
	int err;

	satellite_refuse(why, 0, "out of memory");
	err = plan_take(plan, config, file, plan_fault, &faults);
	if (!err && (err = check_end(s, config, plan, wall, why)))
		plan_free(plan);
	return err;
}

/* All plans that this configuration asks for, those of relays beside them. */
static int prepare_plans(struct satellite *s, const struct config *config, struct plan *plan,
			 struct instant at, char why[SATELLITE_WHY])
{
	int err = find_file(s, config, at.now, why);

	if (!err)
		err = satellite_plan(s, config, s->file, plan, at.wall, why);
	if (!err) {
		err = relays_prepare(s, config, s->file, at.wall, why);
		if (err)
			plan_free(plan);
	}
	s->counters.refused_reloads += err && err != -EINPROGRESS;
	satellite_forget_file(s);
	return err;
}

void satellite_follow(struct satellite *s, const struct config *config, const struct plan *plan,
		      struct instant at)
{
	s->config = config;
	s->forwarding.satellite = config->satellite.name;
	take_plan(s, config, plan, at.wall);
	reassociate(s, at);
	s->counters.reloads++;
}

int satellite_reconfigure(struct satellite *s, const struct config *config, struct instant at,
			  char why[SATELLITE_WHY])
{
	struct plan plan;
	int err = prepare_plans(s, config, &plan, at, why);

	if (err)
		return err;
	err = forwarding_configure(&s->forwarding, config, false, at.now, why);
	if (err) {
		plan_free(&plan);
		relays_abort(s);
		s->counters.refused_reloads++;
		return err;
	}
	satellite_follow(s, config, &plan, at);
	relays_commit(s, config, at);
	return 0;
}

int satellite_reread(struct satellite *s, struct instant at, char why[SATELLITE_WHY])
{
	struct plan plan;
	int err;

	if (!s->config->association.file)
		return 0;
	err = prepare_plans(s, s->config, &plan, at, why);
	if (err)
		return err;
	satellite_follow(s, s->config, &plan, at);
	relays_commit(s, s->config, at);
	return 0;
}
