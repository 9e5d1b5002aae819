/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A move begins with an order or with the loss of a link, and ends where a link is discovered on.
 * Only an order is announced, and says farewell.
 */
#include "terminal-agent/moving.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "terminal-agent/parting.h"
#include "terminal-agent/session_internal.h"
#include "terminal-agent/telling.h"

/* How long a core delivers what comes over the old way (DRAIN of PROTOCOL section 12). */
#define LEAVE_AFTER (2 * USEC_PER_SEC)
/* An antenna may be needed elsewhere sooner, but not before all that was under way has come. */
#define TURN_AFTER (500 * USEC_PER_MSEC)

/* A move that is late by so much may come to nothing. */
#define AFTER (100 * USEC_PER_MSEC)

static const char reason_switch[] = "switch";
static const char reason_switch_failed[] = "switch failed";
static const char reason_connect[] = "connect";
static const char reason_schedule[] = "schedule";

static bool may(const struct session *s, enum handover_mode mode)
{
	return s->config->handover.mode >= (int)mode;
}

static bool sets_links(const struct session *s)
{
	return s->config->switching.mode == SWITCHING_SELF && s->config->switching.administrative;
}

bool moving_ordered(const struct session *s)
{
	return s->attempt.reason == reason_switch;
}

/* ---- switching ------------------------------------------------------------------------- */

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
	measuring_watch(s, to);
	result = s->ops.switch_link(s->ops.context, from, to);
	s->commanded = result == 0;
	if (result >= 0 && !to->ready)
		attempt_make_ahead(s, to, now);
	if (!s->commanded)
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

/* ---- what is known of the way ------------------------------------------------------------ */

const struct move *moving_to(const struct session *s, const struct link *link, const char *core)
{
	const struct move *m = &s->move;

	return m->number && m->target == link && core && strcmp(m->core, core) == 0 ? m : NULL;
}

uint64_t moving_number(const struct session *s, const struct link *link, const char *core)
{
	const struct move *m = &s->move;

	/* The home core may have found out by itself which core that is. */
	if (m->number && m->target == link && (!m->core[0] || strcmp(m->core, core) == 0))
		return m->number;
	return s->registration.moves + 1;
}

usec_t moving_uplink_delay(const struct session *s, const struct message *m)
{
	return usec_min(m->uplink_delay, s->config->handover.hold.time);
}

/* Both links are up, so that the one can be used until the other is. */
static bool soft_possible(const struct session *s)
{
	const struct link *old = s->registration.link;

	return may(s, MODE_SOFT) && s->move.target->ready && s->move.target != old &&
	       registration_reachable(&s->registration);
}

/* ---- farewell --------------------------------------------------------------------------- */

static void moving_drop(struct session *s, usec_t now)
{
	struct move *m = &s->move;

	if (m->phase == MOVE_RAISING)
		s->ops.set_link(s->ops.context, m->target, false);
	if (m->parted && s->state == SESSION_REGISTERED)
		parting_undo(s, now);
	*m = (struct move){0};
}

/* A move to the same link that has not begun keeps what was said of it. */
static void plan(struct session *s, struct link *target, usec_t at, const char *reason, usec_t now)
{
	struct move *m = &s->move;

	if (m->phase == MOVE_NONE || m->phase == MOVE_LEAVING || m->target != target) {
		moving_drop(s, now);
		*m = (struct move){.phase = MOVE_PLANNED, .target = target};
	}
	m->at = m->latest = at;
	m->risen = 0;
	m->reason = reason;
}

static void deregistered(struct session *s, usec_t now)
{
	uplink_end(&s->uplink);
	forwarding_withdraw(s->forwarding);
	registration_end(&s->registration);
	keep_registration(s);
	s->link = s->target = NULL;
	session_enter(s, SESSION_DOWN, "deregistered", now);
}

void moving_after_disconnect(struct session *s, usec_t now)
{
	request_cancel(s->registration.requests, s->disconnect_id);
	if (!s->target) {
		deregistered(s, now);
		return;
	}
	if (may(s, MODE_PROACTIVE))
		uplink_hold(&s->uplink, now);
	begin_switch(s, s->link, s->target, reason_switch, now);
}

/* Tells the serving core where the terminal goes (target), or that it deregisters (NULL). */
static void disconnect(struct session *s, struct link *target, const char *reason, usec_t now)
{
	s->target = target;
	measuring_finish(s, now);
	if (registration_reachable(&s->registration) && !(target && parting_over(s, now))) {
		s->deadline =
			telling_farewell(s, now) ? now + s->config->timers.disconnect_wait : now;
		session_enter(s, SESSION_DISCONNECTING, reason, now);
		if (target)
			attempt_make_ahead(s, target, now); /* while there is time */
		return;
	}
	s->disconnect_id = 0;
	if (target && may(s, MODE_PROACTIVE))
		uplink_hold(&s->uplink, now);
	if (target)
		begin_switch(s, s->link, target, reason, now);
	else
		deregistered(s, now);
}

/* ---- ahead of it ------------------------------------------------------------------------- */

static void prepare(struct session *s, usec_t now)
{
	struct move *m = &s->move;

	if (soft_possible(s) || m->target == s->registration.link) {
		m->phase = MOVE_READY;
	} else if (may(s, MODE_SOFT) && sets_links(s) && m->target->ifindex &&
		   registration_reachable(&s->registration) &&
		   s->ops.set_link(s->ops.context, m->target, true) == 0) {
		m->phase = MOVE_RAISING;
		m->deadline = (m->at > now ? m->at : now) + s->config->handover.lead;
	} else {
		telling_announce(s, now);
	}
}

/* The second link is there, or cannot be had beside the first. */
static void raised(struct session *s, usec_t now)
{
	if (s->move.target->ready) {
		s->move.phase = MOVE_READY;
		return;
	}
	log_info("link %s does not come up beside %s", s->move.target->name,
		 s->registration.place.link);
	s->ops.set_link(s->ops.context, s->move.target, false);
	telling_announce(s, now);
}

/* Another antenna than the one in use is turning there, and there is time for it. */
static bool turns(const struct session *s, usec_t now)
{
	const struct link *target = s->move.target, *old = s->registration.link;

	return may(s, MODE_SOFT) && now < s->move.latest && target->twin && target->twin != old &&
	       (target->aimed || target->ordered || target->twin == s->leaving.link) &&
	       !target->ready && registration_reachable(&s->registration);
}

/* It is time. */
static void leave(struct session *s, usec_t now)
{
	struct move *m = &s->move;
	struct link *target = m->target;

	if (turns(s, now))
		return;
	s->wanted = true;
	m->phase = MOVE_LEAVING;
	m->soft = soft_possible(s);
	if (m->soft || (registration_reachable(&s->registration) &&
			target == s->registration.link)) { /* or back from a soft move */
		session_discover(s, target, m->reason, now);
	} else if (target->ready || s->config->switching.mode == SWITCHING_COMMAND ||
		   sets_links(s)) {
		disconnect(s, target, m->reason, now);
	} else {
		log_warnx("link %s is not ready, staying with what there is", target->name);
		moving_drop(s, now);
	}
}

/* Gives up the link that was left softly. */
static usec_t leaving_tick(struct session *s, usec_t now)
{
	if (!s->leaving.link || s->leaving.link == s->link || s->leaving.link == s->target) {
		s->leaving.link = NULL;
		return USEC_NEVER;
	}
	if (now < s->leaving.at)
		return s->leaving.at;
	if (sets_links(s))
		s->ops.set_link(s->ops.context, s->leaving.link, false);
	s->leaving.link = NULL;
	return USEC_NEVER;
}

usec_t moving_soon(const struct session *s, usec_t within, usec_t now)
{
	const struct move *m = &s->move;
	bool soon = m->phase != MOVE_NONE && m->phase != MOVE_LEAVING && m->target != s->link &&
		    now > m->at - within && now < m->at + AFTER;

	return soon ? m->at + AFTER : 0;
}

usec_t moving_tick(struct session *s, usec_t now)
{
	struct move *m = &s->move;
	usec_t ahead = m->at - s->config->handover.lead, next = leaving_tick(s, now);

	if (s->state == SESSION_DISCONNECTING || s->state == SESSION_SWITCHING)
		return next;
	next = usec_min(next, parting_tick(s, now));
	if (m->phase == MOVE_PLANNED && now >= ahead)
		prepare(s, now);
	if (m->phase == MOVE_RAISING && (m->target->ready || now >= m->deadline))
		raised(s, now);
	if (m->phase == MOVE_ANNOUNCED && now >= m->deadline)
		m->phase = MOVE_READY;
	if (m->phase == MOVE_READY && now >= m->at && !s->commanded)
		leave(s, now);
	switch (m->phase) {
	case MOVE_PLANNED:
		return usec_min(next, ahead);
	case MOVE_RAISING:
	case MOVE_ANNOUNCED:
		return usec_min(next, m->deadline);
	case MOVE_READY:
		if (s->commanded)
			return next;
		return usec_min(next, now < m->at ? m->at : m->latest);
	case MOVE_NONE:
	case MOVE_LEAVING:
		break;
	}
	return next;
}

/* ---- what becomes of it ------------------------------------------------------------------ */

void moving_link_lost(struct session *s, struct link *link, const char *reason, usec_t now)
{
	struct move *m = &s->move;
	bool planned = m->phase != MOVE_NONE && m->phase != MOVE_LEAVING && m->target != link &&
		       now >= m->risen;

	if (planned && m->target->ready) {
		m->phase = MOVE_LEAVING;
		session_discover(s, m->target, reason, now);
	} else if (planned && (s->config->switching.mode == SWITCHING_COMMAND || sets_links(s))) {
		m->phase = MOVE_LEAVING;
		begin_switch(s, link, m->target, reason_switch, now);
	} else {
		moving_take_any(s, link, reason, now);
	}
}

void moving_discovers(struct session *s, const struct link *link, usec_t now)
{
	if (s->move.phase == MOVE_LEAVING && link != s->move.target)
		moving_drop(s, now);
}

void moving_arrived(struct session *s, struct link *from, usec_t now)
{
	struct move *m = &s->move;

	if (m->soft && from && from != s->link && (from->twin || sets_links(s))) {
		s->leaving.link = from;
		s->leaving.at = now + (from->twin ? TURN_AFTER : LEAVE_AFTER);
	}
	if (m->phase == MOVE_LEAVING || m->target == s->link) {
		*m = (struct move){0};
	} else if (m->phase != MOVE_NONE && m->phase != MOVE_RAISING) {
		/* With every new binding the home core gives up what it had prepared. */
		telling_void(s);
		m->parted = false;
		m->phase = MOVE_PLANNED;
	}
	moving_follow_schedule(s, now);
}

/* A link that could be had and whose satellite will have a core then; NULL: none. */
static struct link *served_link(const struct session *s, usec_t at)
{
	struct link *link = s->link;

	for (size_t i = 1; i < s->links->count; i++) {
		link = next_link(s, link);
		if (link->satellite && schedule_core(s->schedule, link->name, at) &&
		    (link->ready || s->config->switching.mode == SWITCHING_COMMAND ||
		     sets_links(s)))
			return link;
	}
	return NULL;
}

void moving_follow_schedule(struct session *s, usec_t now)
{
	usec_t end, at;
	struct link *target;

	if (config_chooses(s->config))
		return; /* choosing.h does */
	if (s->move.phase == MOVE_PLANNED && s->move.reason == reason_schedule)
		moving_drop(s, now);
	if (s->state != SESSION_REGISTERED || s->move.phase != MOVE_NONE || !s->link->satellite)
		return;
	end = schedule_end(s->schedule, s->link->name, now);
	target = end == USEC_NEVER ? NULL : served_link(s, end);
	if (!target)
		return;
	at = end - s->config->timers.disconnect_wait;
	plan(s, target, at > now ? at : now, reason_schedule, now);
}

void moving_forget(struct session *s, const struct link *link, usec_t now)
{
	if (s->leaving.link == link)
		s->leaving.link = NULL;
	if (s->move.target == link) {
		s->move.phase = MOVE_NONE; /* there is nothing to set down any more */
		moving_drop(s, now);
	}
}

/* ---- orders ---------------------------------------------------------------------------- */

int session_handover(struct session *s, struct link *link, usec_t at, usec_t now)
{
	bool busy =
		s->state == SESSION_DISCONNECTING || s->state == SESSION_SWITCHING || s->commanded;

	if (busy)
		return -EBUSY;
	if (link == s->link)
		return -EALREADY;
	if (at <= now && !link->ready && s->config->switching.mode == SWITCHING_SELF &&
	    !sets_links(s))
		return -ENETDOWN;
	plan(s, link, at > now ? at : now, reason_switch, now);
	moving_tick(s, now);
	return 0;
}

void session_choose(struct session *s, const struct chosen *chosen, usec_t now)
{
	struct move *m = &s->move;
	bool under_way = m->phase != MOVE_NONE && m->phase != MOVE_LEAVING;

	if (!s->wanted || chosen->link == s->link || s->commanded ||
	    s->state == SESSION_DISCONNECTING || s->state == SESSION_SWITCHING ||
	    (under_way && m->reason != reason_schedule))
		return;
	if (under_way && m->target == chosen->link && m->phase != MOVE_PLANNED)
		return;
	plan(s, chosen->link, chosen->at > now ? chosen->at : now, reason_schedule, now);
	m->risen = chosen->risen;
	m->latest = chosen->latest;
	/* What was chosen last is what holds: the plan, or the satellite, may be another one. */
	snprintf(m->core, sizeof(m->core), "%s",
		 strlen(chosen->core) < sizeof(m->core) ? chosen->core : "");
	moving_tick(s, now);
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
	moving_drop(s, now);
	s->wanted = false;
	disconnect(s, NULL, "deregister", now);
}
