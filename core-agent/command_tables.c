/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long tables; see command_tables.h. */
#include "command_tables.h"

#include "anticipation.h"
#include "binding.h"
#include "control_value.h"
#include "forwarding.h"
#include "peer.h"
#include "preparation.h"
#include "satellite.h"
#include "session.h"
#include "show.h"
#include "subscriber.h"
#include "walk.h"

#include <stdlib.h>

/* How far a table has been shown. */
struct cursor {
	struct core *core;
	struct walk walk;
	bool second;	 /* in the second of two of the core's tables */
	uint64_t number; /* of a handover */
};

static struct cursor *cursor_new(struct core *core, void *first)
{
	struct cursor *cursor = calloc(1, sizeof(*cursor));

	if (!cursor)
		return NULL;
	cursor->core = core;
	walk_begin(core, &cursor->walk, first);
	return cursor;
}

static void cursor_close(void *arg)
{
	struct cursor *cursor = arg;

	walk_end(&cursor->walk);
	free(cursor);
}

/* How long until, or null where there is no end. */
static json_t *left(usec_t at, usec_t now)
{
	return at == USEC_NEVER ? json_null() : control_seconds(at > now ? at - now : 0);
}

/* ---- terminals: those that are served, then those that are to come, or were ---------------- */

static void terminal_row(struct control_reply *reply, const struct session *s, usec_t now)
{
	char mac[LLADDR_TEXT];

	control_row(reply, "s s s s o o o o o", s->nai, session_state_name(s->state),
		    s->satellite ? s->satellite->name : "none", lladdr_format(&s->mac, mac),
		    control_addr(&s->path->hoa4), control_addr(&s->path->hoa6),
		    control_prefix(&s->path->prefix), control_addr(&s->coa), left(s->expires, now));
}

static void expected_row(struct control_reply *reply, const struct preparation *p, usec_t now)
{
	char mac[LLADDR_TEXT];

	control_row(reply, "s s s o o o o o o", p->nai, preparation_state_name(p->state),
		    p->satellite ? p->satellite->name : "none",
		    p->linked ? json_string(lladdr_format(&p->mac, mac)) : json_null(),
		    control_addr(&p->homes.hoa4), control_addr(&p->homes.hoa6),
		    control_prefix(&p->homes.prefix), control_addr(&p->coa),
		    left(p->deadline, now));
}

static bool next_terminal(void *arg, struct control_reply *reply)
{
	struct cursor *c = arg;
	usec_t now = clock_now();

	if (!c->walk.at && !c->second) {
		c->walk.at = c->core->preparations;
		c->second = true;
	}
	if (!c->walk.at)
		return false;
	if (c->second) {
		const struct preparation *p = c->walk.at;

		c->walk.at = p->hh.next;
		expected_row(reply, p, now);
	} else {
		const struct session *s = c->walk.at;

		c->walk.at = s->hh.next;
		terminal_row(reply, s, now);
	}
	return true;
}

int show_terminals(void *arg, const json_t *request, struct control_reply *reply)
{
	static const struct control_source source = {next_terminal, cursor_close};
	struct core *core = arg;

	control_filter(reply, request);
	control_columns(reply, "terminal", "state", "satellite", "mac", "hoa4", "hoa6", "prefix",
			"coa", "lifetime:s", NULL);
	control_stream(reply, &source, cursor_new(core, core->sessions));
	return 0;
}

static bool next_visitor(void *arg, struct control_reply *reply)
{
	struct cursor *c = arg;
	const struct session *s = c->walk.at;

	if (!s)
		return false;
	c->walk.at = s->hh.next;
	if (s->home)
		control_row(reply, "s s s s o o o o s o", s->nai, s->home->name,
			    session_state_name(s->state),
			    s->satellite ? s->satellite->name : "none",
			    control_addr(&s->path->hoa4), control_addr(&s->path->hoa6),
			    control_prefix(&s->path->prefix), control_addr(&s->coa),
			    tunnel_kind_name(s->home->uplink), left(s->expires, clock_now()));
	return true;
}

int show_visitors(void *arg, const json_t *request, struct control_reply *reply)
{
	static const struct control_source source = {next_visitor, cursor_close};
	struct core *core = arg;

	control_filter(reply, request);
	control_columns(reply, "terminal", "home", "state", "satellite", "hoa4", "hoa6", "prefix",
			"coa", "tunnel", "lifetime:s", NULL);
	control_stream(reply, &source, cursor_new(core, core->sessions));
	return 0;
}

/* ---- bindings ------------------------------------------------------------------------------- */

static bool next_binding(void *arg, struct control_reply *reply)
{
	struct cursor *c = arg;
	const struct subscriber *s = c->walk.at;
	const struct binding *b;
	char text[PATH_TEXT];
	usec_t now = clock_now();

	if (!s)
		return false;
	c->walk.at = s->hh.next;
	b = &s->binding;
	control_row(reply, "s s s o o o o s o o", s->nai,
		    b->left ? "leaving" : binding_state_name(b->state),
		    b->state == BINDING_VISITING ? b->peer->name
		    : b->state == BINDING_HOME	 ? c->core->config->name
						 : "none",
		    control_addr(&s->hoa4), control_addr(&s->hoa6), control_prefix(&s->prefix),
		    control_addr(&b->coa), path_text(&s->path, text),
		    b->state == BINDING_NONE ? json_null() : control_seconds(now - b->since),
		    left(b->expires, now));
	return true;
}

int show_bindings(void *arg, const json_t *request, struct control_reply *reply)
{
	static const struct control_source source = {next_binding, cursor_close};
	struct core *core = arg;

	control_filter(reply, request);
	control_columns(reply, "terminal", "state", "core", "hoa4", "hoa6", "prefix", "coa", "path",
			"since:s", "lifetime:s", NULL);
	control_stream(reply, &source, cursor_new(core, core->subscribers));
	return 0;
}

int show_snapshot(void *arg, const json_t *request, struct control_reply *reply)
{
	(void)request; /* what is not asked of the table here */
	return show_bindings(arg, NULL, reply);
}

/* ---- anticipations -------------------------------------------------------------------------- */

static bool next_anticipation(void *arg, struct control_reply *reply)
{
	struct cursor *c = arg;
	const struct anticipation *a = c->walk.at;
	char text[PATH_TEXT];

	if (!a)
		return false;
	c->walk.at = a->hh.next;
	control_row(reply, "s s s I s s s o", a->subscriber->nai, anticipation_target(a),
		    *a->place.satellite ? a->place.satellite : "unknown", (json_int_t)a->number,
		    handover_mode_name(a->mode),
		    a->leads   ? "leads"
		    : a->ready ? "ready"
			       : "asked",
		    path_text(&a->path, text), left(a->timer.at, clock_now()));
	return true;
}

int show_anticipations(void *arg, const json_t *request, struct control_reply *reply)
{
	static const struct control_source source = {next_anticipation, cursor_close};
	struct core *core = arg;

	control_filter(reply, request);
	control_columns(reply, "terminal", "core", "satellite", "move", "mode", "state", "path",
			"left:s", NULL);
	control_stream(reply, &source, cursor_new(core, core->anticipations));
	return 0;
}

/* ---- accounting: own subscribers, then visitors --------------------------------------------- */

static void account_row(struct control_reply *reply, const struct core *core, const char *nai,
			const char *home, const char *serving, const struct account *account,
			const struct path *path)
{
	struct guard_traffic traffic;

	if (accounting_look(core, account, path, &traffic))
		control_row(reply, "s s s o I I I I", nai, home, serving,
			    control_seconds(clock_now() - account->since),
			    (json_int_t)traffic.up.packets, (json_int_t)traffic.up.octets,
			    (json_int_t)traffic.down.packets, (json_int_t)traffic.down.octets);
}

static bool next_account(void *arg, struct control_reply *reply)
{
	struct cursor *c = arg;
	const struct core *core = c->core;

	if (!c->walk.at && !c->second) {
		c->walk.at = core->sessions;
		c->second = true;
	}
	if (!c->walk.at)
		return false;
	if (c->second) {
		const struct session *s = c->walk.at;

		c->walk.at = s->hh.next;
		if (s->home)
			account_row(reply, core, s->nai, s->home->name, core->config->name,
				    &s->account, s->path);
	} else {
		const struct subscriber *subscriber = c->walk.at;
		const struct path homes = subscriber_homes(subscriber);
		const struct peer *serving = binding_serving(subscriber);

		c->walk.at = subscriber->hh.next;
		account_row(reply, core, subscriber->nai, core->config->name,
			    serving ? serving->name : core->config->name,
			    &subscriber->binding.account, &homes);
	}
	return true;
}

int show_accounting(void *arg, const json_t *request, struct control_reply *reply)
{
	static const struct control_source source = {next_account, cursor_close};
	struct core *core = arg;

	control_filter(reply, request);
	control_columns(reply, "terminal", "home", "core", "since:s", "up packets", "up octets",
			"down packets", "down octets", NULL);
	control_stream(reply, &source, cursor_new(core, core->subscribers));
	return 0;
}

/* ---- handovers ------------------------------------------------------------------------------ */

static json_t *milliseconds(int64_t us)
{
	return us < 0 ? json_null() : control_milliseconds(us);
}

static json_t *packets(int64_t count)
{
	return count < 0 ? json_null() : json_integer(count);
}

static bool next_handover(void *arg, struct control_reply *reply)
{
	struct cursor *c = arg;
	const struct handover_log *log = &c->core->handovers;
	uint64_t oldest = log->begun - log->count;
	usec_t since_1970 = clock_wall() - clock_now();
	const struct handover *h;

	if (c->number < oldest) /* it has given way */
		c->number = oldest;
	h = handover_kept(log, c->number++ - oldest);
	if (!h)
		return false;
	control_row(reply, "f s s s s o o o o o o", (double)(since_1970 + h->at) / 1e6, h->nai,
		    *h->from ? h->from : "none", h->to, handover_mode_name(h->mode),
		    milliseconds(h->gap), milliseconds(h->registration), milliseconds(h->switching),
		    milliseconds(h->first_packet), packets(handover_buffered(h)),
		    packets(handover_dropped(h)));
	return true;
}

int show_handovers(void *arg, const json_t *request, struct control_reply *reply)
{
	static const struct control_source source = {next_handover, cursor_close};

	control_filter(reply, request);
	control_columns(reply, "time:time", "terminal", "from", "to", "mode", "gap:ms",
			"registration:ms", "switch:ms", "first packet:ms", "buffered", "dropped",
			NULL);
	control_stream(reply, &source, cursor_new(arg, NULL));
	return 0;
}
