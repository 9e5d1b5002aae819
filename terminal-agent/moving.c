/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A move begins with an order or with the loss of a link, and ends where a link is discovered on.
 * Only an order says farewell first.
 */
#include "terminal-agent/moving.h"

#include <errno.h>

#include "log.h"
#include "terminal-agent/session_internal.h"

static const char reason_switch[] = "switch";
static const char reason_switch_failed[] = "switch failed";
static const char reason_connect[] = "connect";

bool moving_ordered(const struct session *s)
{
	return s->attempt.reason == reason_switch;
}

/* ---- switching ------------------------------------------------------------------------- */

static bool sets_links(const struct session *s)
{
	return s->config->switching.mode == SWITCHING_SELF && s->config->switching.administrative;
}

/* The link after this one in the configuration, in a ring. */
static struct link *next_link(const struct session *s, const struct link *after)
{
	for (size_t i = 0; i < s->links->count; i++)
		if (s->links->list[i] == after)
			return s->links->list[(i + 1) % s->links->count];
	return s->links->list[0];
}

static void begin_switch(struct session *s, struct link *from, struct link *to, const char *reason,
			 usec_t now)
{
	int result;

	s->target = to;
	s->attempt.reason = reason;
	session_enter(s, SESSION_SWITCHING, reason, now);
	s->deadline = now + s->config->switching.timeout;
	result = s->ops.switch_link(s->ops.context, from, to);
	s->commanded = result == 0;
	if (s->commanded)
		attempt_make_ahead(s, to);
	else
		session_switched(s, result < 0 ? result : 0, now);
}

void moving_take_any(struct session *s, struct link *after, const char *reason, usec_t now)
{
	struct link *link = links_next_ready(s->links, after);

	if (link) {
		session_discover(s, link, reason, now);
	} else if (sets_links(s) && s->links->count > 0) {
		begin_switch(s, after, next_link(s, after), reason, now);
	} else {
		s->link = s->target = NULL;
		session_enter(s, SESSION_DOWN, reason, now);
	}
}

void session_switched(struct session *s, int error, usec_t now)
{
	s->commanded = false;
	if (s->state != SESSION_SWITCHING) {
		if (error < 0)
			log_warn_errno(error,
				       "the switching command failed after the link came up");
		return;
	}
	if (s->target->ready)
		session_discover(s, s->target, s->attempt.reason, now);
	else if (error < 0 && sets_links(s))
		s->deadline = now + SESSION_RATE_LIMIT; /* then the next link has its turn */
	else if (error < 0)
		moving_take_any(s, s->target, reason_switch_failed, now);
}

void moving_timeout(struct session *s, usec_t now)
{
	log_warnx("link %s has not come up", s->target->name);
	moving_take_any(s, s->target, reason_switch_failed, now);
}

/* ---- farewell --------------------------------------------------------------------------- */

static void deregistered(struct session *s, usec_t now)
{
	forwarding_withdraw(s->forwarding);
	registration_end(&s->registration);
	s->link = s->target = NULL;
	session_enter(s, SESSION_DOWN, "deregistered", now);
}

void moving_after_disconnect(struct session *s, usec_t now)
{
	request_cancel(s->registration.requests, s->disconnect_id);
	if (s->target)
		begin_switch(s, s->link, s->target, reason_switch, now);
	else
		deregistered(s, now);
}

/* Not to end the registration here: this runs inside of its request table. */
static void disconnect_answered(void *context, uint64_t token, enum reason reason,
				const struct message *answer, usec_t now)
{
	struct session *s = context;

	(void)token;
	(void)now;
	if (reason != REASON_ACCEPTED)
		log_info("core disconnect: %s%s", reason_name(reason),
			 answer ? "" : " (no answer)");
	s->disconnected = true;
}

/* Tells the serving core where the terminal goes (target), or that it deregisters (NULL). */
static void disconnect(struct session *s, struct link *target, const char *reason, usec_t now)
{
	struct message m;
	int64_t id;

	s->target = target;
	if (!registration_reachable(&s->registration)) {
		s->disconnect_id = 0;
		if (target)
			begin_switch(s, s->link, target, reason, now);
		else
			deregistered(s, now);
		return;
	}
	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	if (!target)
		message_set_number(&m, ATTR_LIFETIME, 0);
	else if (target->satellite)
		message_set_text(&m, ATTR_NEXT_SATELLITE, target->name);
	s->disconnected = false;
	session_enter(s, SESSION_DISCONNECTING, reason, now);
	s->deadline = now + s->config->timers.disconnect_wait;
	id = request_send(s->registration.requests, &m, disconnect_answered, s, 0, now);
	s->disconnect_id = id > 0 ? (uint32_t)id : 0;
	if (id < 0)
		s->deadline = now;
}

/* ---- orders ---------------------------------------------------------------------------- */

int session_switch(struct session *s, struct link *link, usec_t now)
{
	bool busy =
		s->state == SESSION_DISCONNECTING || s->state == SESSION_SWITCHING || s->commanded;

	if (busy)
		return -EBUSY;
	if (link == s->link)
		return -EALREADY;
	if (!link->ready && s->config->switching.mode == SWITCHING_SELF && !sets_links(s))
		return -ENETDOWN;
	s->wanted = true;
	disconnect(s, link, reason_switch, now);
	return 0;
}

int session_connect(struct session *s, usec_t now)
{
	if (s->wanted)
		return -EALREADY;
	s->wanted = true;
	if (s->state == SESSION_DOWN)
		moving_take_any(s, NULL, reason_connect, now);
	return 0;
}

void session_deregister(struct session *s, usec_t now)
{
	s->wanted = false;
	disconnect(s, NULL, "deregister", now);
}
