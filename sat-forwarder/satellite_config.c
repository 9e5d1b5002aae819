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

/* Faults go to the log; but the first one to who asks why, who writes that to the log. */
struct plan_faults {
	char *why;
	bool some;
};

static void plan_fault(void *arg, const char *message)
{
	struct plan_faults *faults = arg;

	if (!faults->some && faults->why)
		snprintf(faults->why, SATELLITE_WHY, "%s", message);
	else
		log_error("%s", message);
	faults->some = true;
}

/* Has the association file of a configuration read: *file, NULL where there is none. */
static int find_file(struct satellite *s, const struct config *config, usec_t now,
		     const struct plan_file **file, char why[SATELLITE_WHY])
{
	const char *path = config->association.file;
	struct plan_faults faults = {.why = why};
	int err = 0;

	satellite_refuse(why, 0, "out of memory");
	if (path)
		err = reloading_find(&s->reloading, &plan_file_kind, plan_file_new(path), now,
				     plan_fault, &faults);
	else
		reloading_close(&s->reloading);
	*file = s->reloading.object;
	return err;
}

void satellite_forget_file(struct satellite *s)
{
	reloading_forget(&s->reloading);
}

bool satellite_goes_on(struct satellite *s)
{
	return reloading_goes_on(&s->reloading);
}

void satellite_look_at_reading(struct satellite *s, struct instant at)
{
	struct plan_faults faults = {.why = NULL};

	s->counters.refused_reloads +=
		reloading_look(&s->reloading, at.now, plan_fault, &faults) < 0;
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
	reloading_close(&s->reloading);
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
	const struct plan_file *file;
	int err = find_file(s, config, at.now, &file, why);

	if (!err)
		err = satellite_plan(s, config, file, plan, at.wall, why);
	if (!err) {
		err = relays_prepare(s, config, file, at.wall, why);
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
