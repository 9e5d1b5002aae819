/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What should hold, what does, and the way from one to the other. */
#include "sat-forwarder/satellite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log_event.h"
#include "sat-forwarder/order.h"
#include "sat-forwarder/relays.h"

#define RETRY_FIRST (100 * USEC_PER_MSEC)
#define RETRY_LAST  USEC_PER_SEC

/* "core a.example over gs-a1 via s2 (isl-s2)", "no core" */
#define SERVED_TEXT 840
static const char *served_text(const struct served *served, const struct feeder *feeder,
			       char text[SERVED_TEXT])
{
	if (!feeder)
		snprintf(text, SERVED_TEXT, "no core");
	else
		snprintf(text, SERVED_TEXT, "core %s%s%s%s%s (%s)", served->core,
			 *served->station ? " over " : "", served->station,
			 *served->via ? " via " : "", served->via, feeder->port.name);
	return text;
}

static json_t *string_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

/* ---- telling -----------------------------------------------------------------------------------
 */

static void tell(const struct satellite *s, const struct served *was)
{
	const struct feeder *feeder = s->forwarding.serving;

	if (!s->control)
		return;
	control_event(s->control, "association",
		      json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:f}", "satellite",
				s->config->satellite.name, "core", string_or_null(s->served.core),
				"station", string_or_null(s->served.station), "via",
				string_or_null(s->served.via), "interface",
				string_or_null(feeder ? feeder->port.name : NULL), "old_core",
				string_or_null(was->core), "old_station",
				string_or_null(was->station), "source", source_text(s->source),
				"forwarding", forwarding_passes(&s->forwarding), "late",
				(double)s->counters.late / (double)USEC_PER_SEC));
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

static void say(const struct satellite *s, const struct served *served, const struct feeder *was,
		const char *reason)
{
	const struct feeder *is = s->forwarding.serving;
	char from[SERVED_TEXT], to[SERVED_TEXT], lab[ASSOCIATION_TIME_TEXT] = "";

	if (s->time.rate)
		association_time_format(lab_time_planned(&s->time, s->since), lab);
	log_event(LOG_LEVEL_NOTICE,
		  &(struct log_about){.event = LOG_EVENT_ASSOCIATION,
				      .peer = is ? is->core : NULL,
				      .satellite = s->config->satellite.name},
		  "%ssatellite %s: %s%s%s, %s%s%s%s", s->config->relay ? "relay of " : "",
		  s->config->satellite.name,
		  s->settled ? served_text(served, was, from) : "begins with",
		  s->settled ? " -> " : " ", served_text(&s->served, is, to), reason,
		  *lab ? " at lab time " : "", lab,
		  !is				      ? ": frames are dropped"
		  : forwarding_passes(&s->forwarding) ? ""
						      : ": frames are dropped until its feeder and "
							"the access side are up");
}

/* ---- the one change ----------------------------------------------------------------------------
 */

static struct feeder *wanted(const struct satellite *s, const struct choice *choice)
{
	/* A relay is itself what the row leads over. */
	const char *via = s->config->relay ? NULL : choice->via;

	return choice->core ? forwarding_feeder(&s->forwarding, choice->core, choice->station, via)
			    : NULL;
}

static struct served served_by(const struct feeder *feeder, const struct choice *choice)
{
	struct served served = {.core = ""};

	if (!feeder)
		return served;
	snprintf(served.core, sizeof(served.core), "%s",
		 *feeder->via ? choice->core : feeder->core);
	snprintf(served.station, sizeof(served.station), "%s",
		 !*feeder->via	   ? feeder->station
		 : choice->station ? choice->station
				   : "");
	snprintf(served.via, sizeof(served.via), "%s", feeder->via);
	return served;
}

static bool served_equal(const struct served *a, const struct served *b)
{
	return strcmp(a->core, b->core) == 0 && strcmp(a->station, b->station) == 0 &&
	       strcmp(a->via, b->via) == 0;
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
	struct served old = s->served, served = served_by(is, choice);
	int err;

	if (s->settled && was == is && served_equal(&served, &old)) {
		s->source = choice->source;
		return 0;
	}
	err = forwarding_associate(&s->forwarding, is, at.now);
	if (err)
		return err;
	count(s, choice, at.wall);
	s->served = served;
	s->source = choice->source;
	s->since = at.wall;
	say(s, &old, was, source_text(choice->source));
	tell(s, &old);
	s->settled = true;
	return 0;
}

/* ---- the association file ----------------------------------------------------------------------
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
		refuse(why, 0, "out of memory");
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
	return refuse(why, -EAGAIN, "%s: no memory or no thread to read it with; reload again",
		      path);
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
	return refuse(why, -EINPROGRESS, "%s is being read", path);
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

static void look_at_reading(struct satellite *s, struct instant at)
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

/* ---- the one update ----------------------------------------------------------------------------
 */

static void update(struct satellite *s, struct instant at)
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

void satellite_update(struct satellite *s, struct instant at)
{
	update(s, at);
	relays_update(s, at);
	look_at_reading(s, at);
}

usec_t satellite_next_wall(const struct satellite *s, usec_t wall)
{
	return usec_min(schedule_next(&s->schedule, wall), relays_next_wall(s, wall));
}

usec_t satellite_next(const struct satellite *s)
{
	usec_t next = usec_min(forwarding_due(&s->forwarding), s->retry_at);

	return usec_min(usec_min(next, relays_next(s)), s->reading ? s->look_at : USEC_NEVER);
}

/* ---- orders ------------------------------------------------------------------------------------
 */

/* The feeder that an order means. NULL: there is none. */
static struct feeder *ordered(const struct satellite *s, const char *core, const char *station)
{
	const struct forwarding *f = &s->forwarding;

	if (station && *station)
		return forwarding_feeder(f, core, station, NULL);
	for (size_t i = 0; i < f->count; i++)
		if (!f->feeders[i]->retired && strcmp(f->feeders[i]->core, core) == 0 &&
		    port_passes(&f->feeders[i]->port))
			return f->feeders[i];
	return forwarding_feeder(f, core, NULL, NULL);
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
	if (!forwarding_feeder(&s->forwarding, order->core, order->station, NULL)) {
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

/* A plan that is over is a mistake when somebody puts it into force. */
static int check_end(const struct satellite *s, const struct config *config,
		     const struct plan *plan, usec_t wall, char why[SATELLITE_WHY])
{
	char end[ASSOCIATION_TIME_TEXT];

	if (!plan->count || plan_end(plan) > wall || config->relay)
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
		log_info("%ssatellite %s: %zu association%s up to the end of the plan",
			 config->relay ? "relay of " : "", config->satellite.name, plan->count,
			 plan->count == 1 ? "" : "s");
}

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
	adopt_order(s, at.wall);
	update(s, at);
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

/* The order's feeder may be gone, and where there was none a retry may do. */
static void reassociate(struct satellite *s, struct instant at)
{
	const struct order *order = &s->schedule.order;

	if (order->given && !forwarding_feeder(&s->forwarding, order->core, order->station, NULL)) {
		log_notice("satellite %s: the order to serve core %s ends: no feeder leads there",
			   s->config->satellite.name, order->core);
		end_order(s);
	} else if (order->given) {
		log_notice(
			"satellite %s: core %s stays associated by command, \"resume\" ends that",
			s->config->satellite.name, order->core);
	}
	s->retry_at = USEC_NEVER;
	update(s, at);
	/* Feeders that are configured no more go now that nothing needs them. */
	if (forwarding_associate(&s->forwarding, s->forwarding.serving, at.now))
		s->retry_at = at.now + s->retry_step;
}

int satellite_plan(struct satellite *s, const struct config *config, const struct plan_file *file,
		   struct plan *plan, usec_t wall, char why[SATELLITE_WHY])
{
	struct plan_faults faults = {.why = why};
	int err;

	refuse(why, 0, "out of memory");
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

void satellite_event(struct satellite *s, const struct kernel_event *event, struct instant at)
{
	bool passed = forwarding_passes(&s->forwarding), passes;

	relays_event(s, event, at);
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
