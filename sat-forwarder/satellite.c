/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What should hold, what does, and the way from one to the other. */
#include "sat-forwarder/satellite_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log_event.h"
#include "sat-forwarder/order.h"
#include "sat-forwarder/relays.h"

#define RETRY_LAST USEC_PER_SEC

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

int satellite_refuse(char why[SATELLITE_WHY], int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, SATELLITE_WHY, format, ap);
	va_end(ap);
	return err;
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

/* ---- the one update ----------------------------------------------------------------------------
 */

void satellite_settle(struct satellite *s, struct instant at)
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
	satellite_settle(s, at);
	relays_update(s, at);
	satellite_look_at_reading(s, at);
}

usec_t satellite_next_wall(const struct satellite *s, usec_t wall)
{
	return usec_min(schedule_next(&s->schedule, wall), relays_next_wall(s, wall));
}

usec_t satellite_next(const struct satellite *s)
{
	usec_t next = usec_min(forwarding_due(&s->forwarding), s->retry_at);

	return usec_min(usec_min(next, relays_next(s)), reloading_next(&s->reloading));
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
		return satellite_refuse(why, -ENOENT,
					"no feeder of satellite %s leads to core %s%s%s",
					s->config->satellite.name, core, station ? " over " : "",
					station ? station : "");
	if (!feeder->port.ready)
		return satellite_refuse(why, -ENODEV, "the feeder %s to core %s: %s",
					feeder->port.name, core, feeder->port.trouble);
	*order = (struct order){.given = true, .since = at.wall};
	order->until = schedule_order_end(&s->schedule, at.wall);
	snprintf(order->core, sizeof(order->core), "%s", feeder->core);
	snprintf(order->station, sizeof(order->station), "%s", feeder->station);
	choice = schedule_at(&s->schedule, at.wall);
	err = associate(s, &choice, at);
	if (err) {
		*order = before;
		return satellite_refuse(why, err,
					"the kernel refuses: %s; the former association stays",
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

/* One that no feeder can carry out any more ends. */
void satellite_check_order(struct satellite *s)
{
	const struct order *order = &s->schedule.order;

	if (!order->given)
		return;
	if (forwarding_feeder(&s->forwarding, order->core, order->station, NULL)) {
		log_notice(
			"satellite %s: core %s stays associated by command, \"resume\" ends that",
			s->config->satellite.name, order->core);
		return;
	}
	log_notice("satellite %s: the order to serve core %s ends: no feeder leads there",
		   s->config->satellite.name, order->core);
	end_order(s);
}

void satellite_adopt_order(struct satellite *s, usec_t wall)
{
	if (*s->order_file && order_load(s->order_file, s->config->satellite.name, wall,
					 &s->schedule.order, report_order, s) == 0)
		satellite_check_order(s);
}

/* ---- the kernel's monitor -----------------------------------------------------------------------
 */

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
