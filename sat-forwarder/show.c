/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What operators ask a satellite, and tell it. */
#include "sat-forwarder/show.h"
#include "sat-forwarder/command_doctor.h"
#include "sat-forwarder/relays.h"

#include <errno.h>
#include <string.h>

#define ASSOCIATIONS_SHOWN 20

static double seconds(usec_t usec)
{
	return (double)usec / (double)USEC_PER_SEC;
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

/* An instant of the plan; in a laboratory that is not the real one. */
static json_t *time_or_null(const struct satellite *s, usec_t wall)
{
	return wall == USEC_NEVER || wall <= 0
		       ? json_null()
		       : json_real(seconds(lab_time_planned(&s->time, wall)));
}

int show_status(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct satellite *s = arg;
	const struct feeder *feeder = s->forwarding.serving;
	struct instant at = show_instant();
	usec_t next = schedule_next(&s->schedule, at.wall);
	struct choice then = {0};

	(void)request;
	if (next != USEC_NEVER)
		then = schedule_at(&s->schedule, next);
	control_field(reply, "satellite", NULL, json_string(s->config->satellite.name));
	control_field(reply, "core", NULL, text_or_null(s->served.core));
	control_field(reply, "station", NULL, text_or_null(s->served.station));
	control_field(reply, "via", NULL, text_or_null(s->served.via));
	control_field(reply, "feeder", NULL, text_or_null(feeder ? feeder->port.name : NULL));
	control_field(reply, "access", NULL, json_string(s->forwarding.access.name));
	control_field(reply, "forwarding", NULL, json_boolean(forwarding_passes(&s->forwarding)));
	control_field(reply, "source", NULL, json_string(source_text(s->source)));
	control_field(reply, "since", "time", time_or_null(s, s->since));
	control_field(reply, "until", "time", time_or_null(s, next));
	control_field(reply, "next core", NULL, text_or_null(then.core));
	control_field(reply, "next station", NULL, text_or_null(then.station));
	control_field(reply, "next via", NULL, text_or_null(then.via));
	control_field(reply, "plan", NULL, text_or_null(s->config->association.file));
	control_field(reply, "plan end", "time", time_or_null(s, plan_end(&s->schedule.plan)));
	if (s->time.rate)
		control_field(reply, "lab time", "time", time_or_null(s, at.wall));
	control_field(reply, "index", NULL, json_integer(s->forwarding.index));
	control_field(reply, "uptime", "s", json_real(seconds(at.now - s->started)));
	return 0;
}

/* What holds now, then the rows of the plan that are to come. */
static int show_associations(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct satellite *s = arg;
	const struct feeder *feeder = s->forwarding.serving;
	const struct plan *plan = &s->schedule.plan;
	struct instant at = show_instant();
	size_t shown = 0;

	control_filter(reply, request);
	control_columns(reply, "from:time", "until:time", "core", "station", "feeder", "source",
			"now", "via", NULL);
	control_row(reply, "o o o o o s b o", time_or_null(s, s->since),
		    time_or_null(s, schedule_next(&s->schedule, at.wall)),
		    text_or_null(s->served.core), text_or_null(s->served.station),
		    text_or_null(feeder ? feeder->port.name : NULL), source_text(s->source), 1,
		    text_or_null(s->served.via));
	for (size_t i = 0; i < plan->count && shown < ASSOCIATIONS_SHOWN; i++) {
		const struct association *row = &plan->rows[i];

		if (row->from <= at.wall)
			continue;
		feeder = forwarding_feeder(&s->forwarding, row->core, row->station, row->via);
		control_row(reply, "o o s o o s b o", time_or_null(s, row->from),
			    time_or_null(s, row->until), row->core, text_or_null(row->station),
			    text_or_null(feeder ? feeder->port.name : NULL),
			    source_text(SOURCE_PLAN), 0, text_or_null(row->via));
		shown++;
	}
	return 0;
}

static void link_row(struct control_reply *reply, const struct port *port, const char *role,
		     const struct feeder *feeder, const char *use)
{
	const char *condition = !port->ready	 ? port->trouble
				: !port->up	 ? "down"
				: !port->carrier ? "no carrier"
						 : "up";

	control_row(reply, "s s o o s s o s o", port->name, role,
		    text_or_null(feeder ? feeder->core : NULL),
		    text_or_null(feeder ? feeder->station : NULL), condition, use,
		    port->ready ? json_integer(port->mtu) : json_null(),
		    port->tunnel ? "gretap" : "interface",
		    text_or_null(feeder ? feeder->via : NULL));
}

static void show_ports(const struct forwarding *f, const char *role, const char *feeder_role,
		       struct control_reply *reply)
{
	link_row(reply, &f->access, role, NULL, forwarding_passes(f) ? "forwarding" : "dropping");
	for (size_t i = 0; i < f->count; i++) {
		const struct feeder *feeder = f->feeders[i];

		link_row(reply, &feeder->port, feeder_role, feeder,
			 feeder == f->serving  ? "serving"
			 : feeder->port.filter ? "draining"
			 : feeder->retired     ? "retired"
					       : "idle");
	}
}

static int show_links(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct satellite *s = arg;

	control_filter(reply, request);
	control_columns(reply, "interface", "role", "core", "station", "state", "use", "mtu:bytes",
			"kind", "via", NULL);
	show_ports(&s->forwarding, "access", "feeder", reply);
	for (size_t i = 0; i < s->relay_count; i++)
		show_ports(&s->relays[i].satellite.forwarding, "neighbour", "relay", reply);
	return 0;
}

static int show_relays(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct satellite *s = arg;
	struct instant at = show_instant();

	control_filter(reply, request);
	control_columns(reply, "satellite", "interface", "core", "station", "feeder", "forwarding",
			"since:time", "until:time", "changes", "late worst:us", NULL);
	for (size_t i = 0; i < s->relay_count; i++) {
		const struct satellite *r = &s->relays[i].satellite;
		const struct feeder *feeder = r->forwarding.serving;

		control_row(reply, "s s o o o b o o I I", r->config->satellite.name,
			    r->forwarding.access.name, text_or_null(r->served.core),
			    text_or_null(r->served.station),
			    text_or_null(feeder ? feeder->port.name : NULL),
			    forwarding_passes(&r->forwarding), time_or_null(r, r->since),
			    time_or_null(r, schedule_next(&r->schedule, at.wall)),
			    (json_int_t)r->counters.by_plan, (json_int_t)r->counters.latest);
	}
	return 0;
}

static int show_counters(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct satellite *s = arg;
	const struct counters *c = &s->counters;
	const struct {
		const char *name;
		unsigned long value;
	} counts[] = {
		{"associations_by_plan", c->by_plan},
		{"associations_by_command", c->by_order},
		{"associations_by_configuration", c->by_configuration},
		{"association_failures", c->failures},
		{"kernel_refusals", s->forwarding.refusals},
		{"port_setups", s->forwarding.setups},
		{"kernel_resyncs", s->forwarding.resyncs},
		{"reloads", c->reloads},
		{"reloads_refused", c->refused_reloads},
	};

	(void)request;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		control_field(reply, counts[i].name, NULL,
			      json_integer((json_int_t)counts[i].value));
	control_field(reply, "planned_late_last", "us", json_integer(c->late));
	control_field(reply, "planned_late_worst", "us", json_integer(c->latest));
	return 0;
}

static int show_associate(void *arg, const json_t *request, struct control_reply *reply)
{
	struct satellite *s = arg;
	const char *core = control_argument(request, "core"),
		   *station = control_argument(request, "station");
	char why[SATELLITE_WHY], until[ASSOCIATION_TIME_TEXT];
	const struct feeder *feeder;
	int err = control_only(reply, request, "core", "station", NULL);

	if (err)
		return err;
	if (!core)
		return control_refuse(reply, -EINVAL, "which core? associate takes core=NAME");
	err = satellite_order(s, core, station, show_instant(), why);
	if (err)
		return control_refuse(reply, err, "%s", why);
	feeder = s->forwarding.serving;
	if (s->schedule.order.until == USEC_NEVER)
		control_text(reply, "core %s over %s, until told otherwise", core,
			     feeder->port.name);
	else
		control_text(reply, "core %s over %s, until the plan's next association at %s",
			     core, feeder->port.name,
			     association_time_format(
				     lab_time_planned(&s->time, s->schedule.order.until), until));
	return 0;
}

static int show_resume(void *arg, const json_t *request, struct control_reply *reply)
{
	struct satellite *s = arg;
	const struct feeder *feeder;
	int err = control_only(reply, request, NULL);
	bool given;

	if (err)
		return err;
	given = satellite_resume(s, show_instant());
	feeder = s->forwarding.serving;
	control_text(reply, "%s; core %s is associated", given ? "resumed" : "there was no order",
		     feeder ? feeder->core : "none");
	return 0;
}

const struct control_command show_commands[] = {
	{"status", show_status, "the satellite, its association and what comes next"},
	{"associations", show_associations, "the association that holds, and those to come"},
	{"links", show_links, "access side and feeders"},
	{"feeders", show_links, "the same as links"},
	{"relays", show_relays, "neighbouring satellites whose frames pass here"},
	{"counters", show_counters, "changes, failures, lateness"},
	{"doctor", command_doctor, "what is wrong, and what to do"},
	{"associate", show_associate, "serve a core from now on: core=NAME [station=NAME]"},
	{"resume", show_resume, "end an associate: plan and configuration decide again"},
	{0}};
