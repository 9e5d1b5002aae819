/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What should hold, what does, and the way from one to the other. */
#include "sat-forwarder/satellite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "sat-forwarder/order.h"

#define RETRY_FIRST (100 * USEC_PER_MSEC)
#define RETRY_LAST  USEC_PER_SEC

/* "core a.example over gs-a1 (feed-a)", "no core" */
#define FEEDER_TEXT 560
static const char *feeder_text(const struct feeder *feeder, char text[FEEDER_TEXT])
{
	if (!feeder)
		snprintf(text, FEEDER_TEXT, "no core");
	else
		snprintf(text, FEEDER_TEXT, "core %s%s%s (%s)", feeder->core,
			 *feeder->station ? " over " : "", feeder->station, feeder->port.name);
	return text;
}

static json_t *string_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

/* ---- telling -----------------------------------------------------------------------------------
 */

static void tell(const struct satellite *s, const struct feeder *was)
{
	const struct feeder *is = s->forwarding.serving;

	if (!s->control)
		return;
	control_event(
		s->control, "association",
		json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:f}", "satellite",
			  s->config->satellite.name, "core", string_or_null(is ? is->core : NULL),
			  "station", string_or_null(is ? is->station : NULL), "interface",
			  string_or_null(is ? is->port.name : NULL), "old_core",
			  string_or_null(was ? was->core : NULL), "old_station",
			  string_or_null(was ? was->station : NULL), "source",
			  source_text(s->source), "forwarding", forwarding_passes(&s->forwarding),
			  "late", (double)s->counters.late / (double)USEC_PER_SEC));
}

static void count(struct satellite *s, const struct choice *choice, usec_t wall)
{
	struct counters *c = &s->counters;

	c->late = 0;
	if (!s->settled)
		return;
	switch (choice->source) {
	case SOURCE_PLAN:
		c->by_plan++;
		/* Who is told afterwards is not late. */
		if (choice->since > s->told) {
			c->late = wall - choice->since;
			if (c->late > c->latest)
				c->latest = c->late;
		}
		break;
	case SOURCE_ORDER:
		c->by_order++;
		break;
	default:
		c->by_configuration++;
	}
}

static void say(const struct satellite *s, const struct feeder *was, const char *reason)
{
	const struct feeder *is = s->forwarding.serving;
	char from[FEEDER_TEXT], to[FEEDER_TEXT], lab[ASSOCIATION_TIME_TEXT] = "";

	if (s->time.rate)
		association_time_format(lab_time_planned(&s->time, s->since), lab);
	log_notice("satellite %s: %s%s%s, %s%s%s%s", s->config->satellite.name,
		   s->settled ? feeder_text(was, from) : "begins with", s->settled ? " -> " : " ",
		   feeder_text(is, to), reason, *lab ? " at lab time " : "", lab,
		   !is ? ": frames are dropped"
		   : forwarding_passes(&s->forwarding)
			   ? ""
			   : ": frames are dropped until its feeder and "
			     "the access side are up");
}

/* ---- the one change ----------------------------------------------------------------------------
 */

static struct feeder *wanted(const struct satellite *s, const struct choice *choice)
{
	return choice->core ? forwarding_feeder(&s->forwarding, choice->core, choice->station)
			    : NULL;
}

static void end_order(struct satellite *s)
{
	s->schedule.order.given = false;
	if (*s->order_file && order_remove(s->order_file))
		log_warn("satellite %s: cannot remove %s", s->config->satellite.name,
			 s->order_file);
}

/* Serves what is to be served. 0; or -errno with everything as before. */
static int associate(struct satellite *s, const struct choice *choice, struct instant at)
{
	struct feeder *was = s->forwarding.serving, *is = wanted(s, choice);
	int err;

	if (s->settled && was == is) {
		s->source = choice->source;
		return 0;
	}
	err = forwarding_associate(&s->forwarding, is, at.now);
	if (err)
		return err;
	count(s, choice, at.wall);
	s->source = choice->source;
	s->since = at.wall;
	say(s, was, source_text(choice->source));
	tell(s, was);
	s->settled = true;
	return 0;
}

void satellite_update(struct satellite *s, struct instant at)
{
	struct choice choice;

	forwarding_run(&s->forwarding, at.now);
	if (s->retry_at != USEC_NEVER && at.now < s->retry_at)
		return;
	if (s->schedule.order.given && at.wall >= s->schedule.order.until)
		end_order(s);
	choice = schedule_at(&s->schedule, at.wall);
	if (associate(s, &choice, at) == 0) {
		s->retry_at = USEC_NEVER;
		s->retry_step = RETRY_FIRST;
		return;
	}
	s->counters.failures++;
	s->retry_at = at.now + s->retry_step;
	s->retry_step = usec_min(2 * s->retry_step, RETRY_LAST);
	log_error("satellite %s: cannot serve core %s, the former association stays; next try in "
		  "%.1f s",
		  s->config->satellite.name, choice.core ? choice.core : "none",
		  (double)(s->retry_at - at.now) / (double)USEC_PER_SEC);
}

usec_t satellite_next_wall(const struct satellite *s, usec_t wall)
{
	return schedule_next(&s->schedule, wall);
}

usec_t satellite_next(const struct satellite *s)
{
	return usec_min(forwarding_due(&s->forwarding), s->retry_at);
}

/* ---- orders ------------------------------------------------------------------------------------
 */

static int refuse(char why[SATELLITE_WHY], int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(char why[SATELLITE_WHY], int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, SATELLITE_WHY, format, ap);
	va_end(ap);
	return err;
}

/* The feeder that an order means. NULL: there is none. */
static struct feeder *ordered(const struct satellite *s, const char *core, const char *station)
{
	const struct forwarding *f = &s->forwarding;

	if (station && *station)
		return forwarding_feeder(f, core, station);
	for (size_t i = 0; i < f->count; i++)
		if (!f->feeders[i]->retired && strcmp(f->feeders[i]->core, core) == 0 &&
		    port_passes(&f->feeders[i]->port))
			return f->feeders[i];
	return forwarding_feeder(f, core, NULL);
}

int satellite_order(struct satellite *s, const char *core, const char *station, struct instant at,
		    char why[SATELLITE_WHY])
{
	struct order before = s->schedule.order, *order = &s->schedule.order;
	const struct feeder *feeder = ordered(s, core, station);
	struct choice choice;
	int err;

	if (!feeder)
		return refuse(why, -ENOENT, "no feeder of satellite %s leads to core %s%s%s",
			      s->config->satellite.name, core, station ? " over " : "",
			      station ? station : "");
	if (!feeder->port.ready)
		return refuse(why, -ENODEV, "the feeder %s to core %s: %s", feeder->port.name, core,
			      feeder->port.trouble);
	*order = (struct order){.given = true, .since = at.wall};
	order->until = schedule_order_end(&s->schedule, at.wall);
	snprintf(order->core, sizeof(order->core), "%s", feeder->core);
	snprintf(order->station, sizeof(order->station), "%s", feeder->station);
	choice = schedule_at(&s->schedule, at.wall);
	err = associate(s, &choice, at);
	if (err) {
		*order = before;
		return refuse(why, err, "the kernel refuses: %s; the former association stays",
			      kernel_error(s->kernel));
	}
	s->retry_at = USEC_NEVER;
	if (*s->order_file) {
		err = order_save(s->order_file, s->config->satellite.name, order);
		if (err)
			log_warn_errno(err,
				       "satellite %s: the order will not outlive a restart: %s",
				       s->config->satellite.name, s->order_file);
	}
	return 0;
}

bool satellite_resume(struct satellite *s, struct instant at)
{
	bool given = s->schedule.order.given;

	if (given)
		end_order(s);
	s->told = at.wall;
	satellite_update(s, at);
	return given;
}

static void report_order(void *arg, const char *message)
{
	const struct satellite *s = arg;

	log_warnx("satellite %s: the order of an earlier run is of no use: %s",
		  s->config->satellite.name, message);
}

/* An order that is still in force, where a feeder can still carry it out. */
static void adopt_order(struct satellite *s, usec_t wall)
{
	struct order *order = &s->schedule.order;

	if (!*s->order_file ||
	    order_load(s->order_file, s->config->satellite.name, wall, order, report_order, s))
		return;
	if (!order->given)
		return;
	if (!forwarding_feeder(&s->forwarding, order->core, order->station)) {
		log_notice("satellite %s: the order to serve core %s ends: no feeder leads there",
			   s->config->satellite.name, order->core);
		end_order(s);
	} else {
		log_notice("satellite %s: core %s stays associated by command",
			   s->config->satellite.name, order->core);
	}
}

/* ---- configuration -----------------------------------------------------------------------------
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

/* A plan that is over is a mistake when somebody puts it into force. */
static int check_end(const struct satellite *s, const struct config *config,
		     const struct plan *plan, usec_t wall, char why[SATELLITE_WHY])
{
	char end[ASSOCIATION_TIME_TEXT];

	if (!plan->count || plan_end(plan) > wall)
		return 0;
	return refuse(why, -EINVAL, "%s: the last association of satellite %s was over at %s",
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
		log_info("satellite %s: %zu association%s up to the end of the plan",
			 config->satellite.name, plan->count, plan->count == 1 ? "" : "s");
}

int satellite_open(struct satellite *s, const struct config *config, struct kernel *kernel,
		   const char *order_file, struct instant at)
{
	struct plan_faults faults = {0};
	char why[SATELLITE_WHY];
	struct plan plan;
	int err;

	*s = (struct satellite){.config = config, .kernel = kernel, .started = at.now};
	s->retry_at = USEC_NEVER;
	s->retry_step = RETRY_FIRST;
	s->time = lab_time_of(&config->time);
	lab_time_warn(&s->time);
	snprintf(s->order_file, sizeof(s->order_file), "%s", order_file ? order_file : "");
	err = plan_load(&plan, config, plan_fault, &faults);
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
	adopt_order(s, at.wall);
	satellite_update(s, at);
	forwarding_sweep(&s->forwarding);
	return 0;
}

void satellite_close(struct satellite *s)
{
	forwarding_close(&s->forwarding);
	plan_free(&s->schedule.plan);
}

/* The order's feeder may be gone, and where there was none a retry may do. */
static void reassociate(struct satellite *s, struct instant at)
{
	const struct order *order = &s->schedule.order;

	if (order->given && !forwarding_feeder(&s->forwarding, order->core, order->station)) {
		log_notice("satellite %s: the order to serve core %s ends: no feeder leads there",
			   s->config->satellite.name, order->core);
		end_order(s);
	} else if (order->given) {
		log_notice(
			"satellite %s: core %s stays associated by command, \"resume\" ends that",
			s->config->satellite.name, order->core);
	}
	s->retry_at = USEC_NEVER;
	satellite_update(s, at);
	/* Feeders that are configured no more go now that nothing needs them. */
	if (forwarding_associate(&s->forwarding, s->forwarding.serving, at.now))
		s->retry_at = at.now + s->retry_step;
}

/* Reads and checks the association file of a configuration that is to come into force. */
static int prepare_plan(struct satellite *s, const struct config *config, struct plan *plan,
			usec_t wall, char why[SATELLITE_WHY])
{
	struct plan_faults faults = {.why = why};
	int err;

	refuse(why, 0, "out of memory");
	err = plan_load(plan, config, plan_fault, &faults);
	if (!err && (err = check_end(s, config, plan, wall, why)))
		plan_free(plan);
	s->counters.refused_reloads += err != 0;
	return err;
}

int satellite_reconfigure(struct satellite *s, const struct config *config, struct instant at,
			  char why[SATELLITE_WHY])
{
	struct plan plan;
	int err = prepare_plan(s, config, &plan, at.wall, why);

	if (err)
		return err;
	err = forwarding_configure(&s->forwarding, config, false, at.now, why);
	if (err) {
		plan_free(&plan);
		s->counters.refused_reloads++;
		return err;
	}
	s->config = config;
	s->forwarding.satellite = config->satellite.name;
	take_plan(s, config, &plan, at.wall);
	reassociate(s, at);
	s->counters.reloads++;
	return 0;
}

int satellite_reread(struct satellite *s, struct instant at, char why[SATELLITE_WHY])
{
	struct plan plan;
	int err;

	if (!s->config->association.file)
		return 0;
	err = prepare_plan(s, s->config, &plan, at.wall, why);
	if (err)
		return err;
	take_plan(s, s->config, &plan, at.wall);
	reassociate(s, at);
	s->counters.reloads++;
	return 0;
}

void satellite_event(struct satellite *s, const struct kernel_event *event, struct instant at)
{
	bool passed = forwarding_passes(&s->forwarding), passes;

	forwarding_event(&s->forwarding, event, at.now);
	passes = forwarding_passes(&s->forwarding);
	if (passed == passes || !s->control)
		return;
	control_event(
		s->control, "link",
		json_pack("{s:s, s:b, s:o}", "satellite", s->config->satellite.name, "forwarding",
			  passes, "interface",
			  event->type == KERNEL_EVENT_LINK || event->type == KERNEL_EVENT_LINK_GONE
				  ? json_string(event->link.name)
				  : json_null()));
}
