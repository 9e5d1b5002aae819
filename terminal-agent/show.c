/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control commands: what operators see, and the orders that they can give. */
#include "terminal-agent/show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control_value.h"
#include "terminal-agent/agent.h"
#include "terminal-agent/command_doctor.h"

#define HANDOVER_AHEAD_MAX 86400 /* seconds */

static json_t *text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

static int show_status(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct agent *a = arg;
	const struct session *s = &a->session;
	const struct registration *r = &s->registration;
	double left = r->valid ? registration_left(r, a->now) : 0;

	(void)request;
	control_field(reply, "state", NULL, json_string(session_state_name(s->state)));
	control_field(reply, "since", "s", control_seconds(a->now - s->since));
	control_field(reply, "terminal", NULL,
		      json_sprintf("%s@%s", a->identity.name.user, a->identity.name.realm));
	control_field(reply, "realm", NULL, json_string(a->identity.name.realm));
	control_field(reply, "core", NULL, text_or_null(r->place.core));
	control_field(reply, "link", NULL, s->link ? json_string(s->link->name) : json_null());
	control_field(reply, "satellite", NULL,
		      s->link && s->link->satellite ? json_string(s->link->name) : json_null());
	control_field(reply, "home4", NULL, control_addr(&r->hoa4));
	control_field(reply, "home6", NULL, control_addr(&r->hoa6));
	control_field(reply, "prefix", NULL, control_prefix(&r->delegated));
	control_field(reply, "care-of", NULL, control_addr(&r->coa));
	control_field(reply, "mtu", "bytes", r->valid ? json_integer(r->mtu) : json_null());
	control_field(reply, "lifetime", "s", r->valid ? json_integer(r->lifetime) : json_null());
	control_field(reply, "lifetime left", "s",
		      r->valid ? json_real(left > 0 ? left : 0) : json_null());
	control_field(reply, "handovers", NULL, json_integer((json_int_t)a->handovers.total));
	control_field(reply, "next link", NULL,
		      s->move.target ? json_string(s->move.target->name) : json_null());
	control_field(reply, "next core", NULL, text_or_null(s->move.core));
	control_field(reply, "next prepared", NULL,
		      s->move.target ? json_boolean(s->move.prepared) : json_null());
	control_field(reply, "held", "packets",
		      a->holding.hold
			      ? json_integer((json_int_t)hold_counters(a->holding.hold)->packets)
			      : json_null());
	return 0;
}

int show_snapshot(void *arg, const json_t *request, struct control_reply *reply)
{
	return show_status(arg, request, reply);
}

static const char *link_state(const struct session *s, const struct link *link)
{
	if (link == s->link)
		return link->ready ? "in use" : "lost";
	if (link == s->target)
		return "next";
	return !link->aimed	? "not aimed"
	       : link->turning	? "turning"
	       : !link->ifindex ? "missing"
	       : !link->up	? "down"
	       : !link->carrier ? "no carrier"
	       : !link->ready	? "not usable"
				: "ready";
}

static int show_links(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct agent *a = arg;

	control_filter(reply, request);
	control_columns(reply, "link", "interface", "satellite", "state", "address", "core heard",
			"heard:s", NULL);
	for (size_t i = 0; i < a->links.count; i++) {
		const struct link *link = a->links.list[i];
		const struct advertised *heard = &link->advertised;

		control_row(reply, "s s s? s o o o", link->name, link->interface,
			    link->satellite ? link->name : NULL, link_state(&a->session, link),
			    control_addr(&link->address), text_or_null(heard->core),
			    heard->core[0] ? control_seconds(a->now - heard->heard) : json_null());
	}
	return 0;
}

#define STEPS_SHOWN 20

/* The satellite of the hour and those to come, in the time of plans. */
static int show_satellites(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct agent *a = arg;
	const struct guide *g = &a->choosing.guide;
	usec_t planned = schedule_planned(&a->schedule, a->now);
	const struct guide_step *step = guide_at(g, planned);
	const char *on = a->session.link && a->session.link->satellite ? a->session.link->name : "";

	control_filter(reply, request);
	control_columns(reply, "from:time", "until:time", "satellite", "core", "visible:time",
			"now", "in use", NULL);
	step = step ? step : guide_after(g, planned);
	for (size_t i = 0; step && step < g->steps + g->step_count && i < STEPS_SHOWN; i++, step++)
		control_row(reply, "o o s o o b b", control_seconds(step->from),
			    control_seconds(step->until), step->satellite, text_or_null(step->core),
			    control_seconds(step->visible), step->from <= planned,
			    strcmp(step->satellite, on) == 0);
	return 0;
}

static int show_handovers(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct agent *a = arg;
	json_t *list = json_array();

	control_filter(reply, request);
	control_columns(reply, "time:time", "from", "to", "from core", "to core", "mode", "gap:ms",
			"registration:ms", "first packet:ms", "held", "dropped", "tries", "reason",
			NULL);
	for (size_t i = 0; i < handovers_count(&a->handovers); i++) {
		const struct handover *h = handovers_get(&a->handovers, i);

		json_array_append_new(list, handover_json(h));
		control_row(
			reply, "o s s s s s o o o I I i s", control_seconds(h->wall), h->from.link,
			h->to.link, h->from.core, h->to.core, handover_mode_name(h->mode),
			control_milliseconds(h->gap), control_milliseconds(h->registration),
			h->first_packet < 0 ? json_null() : control_milliseconds(h->first_packet),
			(json_int_t)h->held, (json_int_t)h->dropped, (int)h->tries, h->reason);
	}
	control_set(reply, "handovers", list);
	return 0;
}

static json_t *by_type(const uint64_t count[256])
{
	json_t *o = json_object();

	for (unsigned int type = 0; type < 256; type++)
		if (count[type])
			json_object_set_new(o, message_type_name(type),
					    json_integer((json_int_t)count[type]));
	return o;
}

static json_t *by_drop(const uint64_t count[DROP_COUNT])
{
	json_t *o = json_object();

	for (unsigned int drop = DROP_NONE + 1; drop < DROP_COUNT; drop++)
		json_object_set_new(o, drop_name(drop), json_integer((json_int_t)count[drop]));
	return o;
}

static int show_counters(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct agent *a = arg;
	const struct counters *c = &a->counters;

	control_filter(reply, request);
	control_columns(reply, "message", "sent", "received", NULL);
	for (unsigned int type = 0; type < 256; type++)
		if (c->sent[type] || c->received[type])
			control_row(reply, "s I I", message_type_name(type),
				    (json_int_t)c->sent[type], (json_int_t)c->received[type]);
	control_set(reply, "sent", by_type(c->sent));
	control_set(reply, "received", by_type(c->received));
	control_set(reply, "drops", by_drop(c->drops));
	control_set(reply, "unsent", json_integer((json_int_t)c->unsent));
	return 0;
}

static int show_drops(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct agent *a = arg;

	control_filter(reply, request);
	control_columns(reply, "reason", "datagrams", NULL);
	for (unsigned int drop = DROP_NONE + 1; drop < DROP_COUNT; drop++)
		if (a->counters.drops[drop])
			control_row(reply, "s I", drop_name(drop),
				    (json_int_t)a->counters.drops[drop]);
	control_set(reply, "drops", by_drop(a->counters.drops));
	return 0;
}

/* At the time that the request asks for. Answers the request. */
static int hand_over(struct agent *a, const json_t *request, struct control_reply *reply, usec_t at)
{
	const char *name = control_argument(request, "link");
	struct link *link;
	int error;

	if (!name)
		return control_refuse(reply, -EINVAL, "switch to which link? see `links`");
	link = links_find(&a->links, name);
	if (!link)
		return control_refuse(reply, -ENOENT, "there is no link %s; see `links`", name);
	error = session_handover(&a->session, link, at, a->now);
	if (error == -EALREADY)
		return control_refuse(reply, error, "link %s is in use already", link->name);
	if (error == -EBUSY)
		return control_refuse(reply, error, "a switch is under way; wait for its end");
	if (error == -ENETDOWN)
		return control_refuse(reply, error,
				      "link %s has no carrier, and this agent cannot bring it up "
				      "(switching.mode)",
				      link->name);
	if (at > a->now)
		control_text(reply, "switching to %s in %.1f s", link->name,
			     (double)(at - a->now) / (double)USEC_PER_SEC);
	else
		control_text(reply, "switching to %s", link->name);
	return 0;
}

static int order_switch(void *arg, const json_t *request, struct control_reply *reply)
{
	struct agent *a = arg;
	int err = control_only(reply, request, "link", NULL);

	return err ? err : hand_over(a, request, reply, a->now);
}

static int order_handover(void *arg, const json_t *request, struct control_reply *reply)
{
	struct agent *a = arg;
	const char *in = control_argument(request, "in"), *at = control_argument(request, "at");
	usec_t when = a->now, wall;
	char *end = NULL;
	double seconds;
	int err = control_only(reply, request, "link", "in", "at", NULL);

	if (err)
		return err;
	if (in && at)
		return control_refuse(reply, -EINVAL, "one of in and at, not both");
	if (in) {
		seconds = strtod(in, &end);
		if (end == in || *end || !(seconds >= 0 && seconds <= HANDOVER_AHEAD_MAX))
			return control_refuse(reply, -EINVAL, "in=%s: 0 to %d seconds", in,
					      HANDOVER_AHEAD_MAX);
		when += clock_from_seconds(seconds);
	}
	if (at) {
		if (association_time_parse(at, &wall) < 0)
			return control_refuse(reply, -EINVAL,
					      "at=%s: a time like 2026-07-29T12:03:20.5Z", at);
		when = wall - a->schedule.offset;
		if (when < a->now || when > a->now + HANDOVER_AHEAD_MAX * USEC_PER_SEC)
			return control_refuse(reply, -EINVAL, "at=%s is past, or too far ahead",
					      at);
	}
	return hand_over(a, request, reply, when);
}

static int order_disconnect(void *arg, const json_t *request, struct control_reply *reply)
{
	struct agent *a = arg;
	int err = control_only(reply, request, NULL);

	if (err)
		return err;
	session_deregister(&a->session, a->now);
	control_text(reply, "leaving; `connect` or `switch` registers again");
	return 0;
}

static int order_connect(void *arg, const json_t *request, struct control_reply *reply)
{
	struct agent *a = arg;
	int err = control_only(reply, request, NULL);

	if (err)
		return err;
	if (session_connect(&a->session, a->now) < 0)
		return control_refuse(reply, -EALREADY, "not disconnected; see `status`");
	control_text(reply, "registering");
	return 0;
}

const struct control_command show_commands[] = {
	{"status", show_status, "state, serving core, addresses, lifetime"},
	{"links", show_links, "access links and what is heard on them"},
	{"satellites", show_satellites, "which satellites are used, and when"},
	{"handovers", show_handovers, "the last handovers, the oldest first"},
	{"counters", show_counters, "messages sent and received by type"},
	{"drops", show_drops, "dropped datagrams by reason"},
	{"doctor", command_doctor, "what is wrong, and what to do"},
	{"switch", order_switch, "hand over to a link: {\"link\": NAME}"},
	{"handover", order_handover,
	 "the same at a time: {\"link\": NAME, \"in\": SECONDS or \"at\": TIME}"},
	{"disconnect", order_disconnect, "leave the core and stay away"},
	{"connect", order_connect, "register again after disconnect"},
	{}};
