/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events come in, one state comes out. Timers, each with its reason:
 *
 *   deadline      discovering: repeat the discovery or begin a new one, with back-off;
 *                 disconnecting: the core's ACK is not worth more waiting;
 *                 switching: the new link does not come up, take another one
 *   refresh       two thirds of the lifetime: register again before the binding ends
 *   silence       no advertisement for 3 intervals: the core behind the satellite may be gone
 *   again         a discovery that strangers could cause: at most one a second
 *                 (these three wait where the terminal is about to leave)
 *   repair        somebody removed our routes: put them back, at most once a second
 *   requests      retransmission of what was sent sealed (request.h)
 */
#include "terminal-agent/session.h"

#include <string.h>

#include "log_event.h"
#include "terminal-agent/belief.h"
#include "terminal-agent/moving.h"
#include "terminal-agent/session_internal.h"

#define REPEATS_MAX	 3		       /* of the same octets */
#define ANSWER_WAIT	 (100 * USEC_PER_MSEC) /* until then one may be on its way */
#define SILENT_INTERVALS 3
#define PATIENCE_MAX	 16
/*
 * So shortly before a move no discovery is begun that others cause, or that can wait. With a new
 * registration all is void that was prepared, and until its answer comes nobody knows by which keys
 * to say farewell.
 */
#define SOON	  (100 * USEC_PER_MSEC)
#define UNHURRIED USEC_PER_SEC

/* Why a discovery is sent, for logs, events and the list of handovers. */
static const char reason_start[] = "start";
static const char reason_resumed[] = "resumed";
static const char reason_link_up[] = "link up";
static const char reason_link_lost[] = "link lost";
static const char reason_core_changed[] = "core changed";
static const char reason_silence[] = "no advertisement";
static const char reason_no_answer[] = "no answer";
static const char reason_refresh[] = "refresh";

const char *session_state_name(enum session_state state)
{
	static const char *const names[] = {"down", "discovering", "registered", "disconnecting",
					    "switching"};

	return names[state];
}

void session_enter(struct session *s, enum session_state state, const char *reason, usec_t now)
{
	enum session_state old_state = s->state;

	if (state == SESSION_REGISTERED || state == SESSION_DOWN) {
		discovery_end(&s->discovery);
		s->ahead = false;
	}
	s->state = state;
	s->again = USEC_NEVER;
	if (state == SESSION_REGISTERED || state == SESSION_DOWN)
		s->deadline = USEC_NEVER;
	if (old_state == state)
		return;
	s->since = now;
	log_transition_event(
		&(struct log_about){.event = LOG_EVENT_STATE, .peer = s->registration.place.core},
		"session", session_state_name(old_state), session_state_name(state), reason);
	s->ops.state(s->ops.context, old_state, state, reason);
}

void session_init(struct session *s, const struct session_parts *parts)
{
	*s = (struct session){.config = parts->config,
			      .identity = parts->identity,
			      .links = parts->links,
			      .forwarding = parts->forwarding,
			      .schedule = parts->schedule,
			      .sender = parts->sender,
			      .ops = parts->ops,
			      .wanted = true,
			      .deadline = USEC_NEVER,
			      .again = USEC_NEVER,
			      .patience = 1};
	uplink_init(&s->uplink, parts->forwarding, parts->send_packet, parts->sender.context);
}

void session_end(struct session *s)
{
	uplink_end(&s->uplink);
	discovery_wipe(&s->discovery);
	registration_end(&s->registration);
}

/* ---- discovering ----------------------------------------------------------------------- */

/*
 * The core there was prepared and takes our packets right behind the discovery: what is held need
 * not wait for its answer. Unless it does not know that link's addresses before: its guard would
 * drop what comes before it has read the discovery, or instead of one that was lost.
 */
static void send_early(struct session *s, struct link *link, usec_t now)
{
	const struct move *move = moving_to(s, link, s->discovery.facts.target);
	struct forwarding_plan plan;
	usec_t allowed;

	if (!move || !move->prepared || move->unplaced || !uplink_held(&s->uplink))
		return;
	plan = registration_plan(&s->registration, link);
	allowed = s->uplink.since + move->uplink_delay + UPLINK_MARGIN;
	uplink_set(&s->uplink, &plan, link,
		   allowed > now + UPLINK_PAUSE ? allowed : now + UPLINK_PAUSE, now);
}

void session_discover(struct session *s, struct link *link, const char *reason, usec_t now)
{
	if (s->state != SESSION_DISCOVERING || link != s->link)
		s->attempt = (struct attempt){.first = now,
					      .timeout = s->config->timers.discovery_timeout,
					      .reason = reason};
	moving_discovers(s, link, now);
	s->link = link;
	s->target = NULL;
	attempt_begin(s, now); /* first things first: the log can wait */
	send_early(s, link, now);
	measuring_watch(s, link);
	session_enter(s, SESSION_DISCOVERING, reason, now);
}

/*
 * A discovery that strangers could cause: now, or when the rate limit allows it; and later, when
 * the terminal is about to leave anyway. Expected: the schedule has told that it would be due.
 */
static void rediscover(struct session *s, const char *reason, bool expected, usec_t now)
{
	usec_t allowed = s->attempt.begun + SESSION_RATE_LIMIT;

	if (s->state != SESSION_REGISTERED)
		return;
	if (moving_soon(s, SOON, now)) {
		s->again = now + SESSION_RATE_LIMIT; /* if it is still here then */
		s->again_reason = reason;
		return;
	}
	if (expected || now >= allowed) {
		session_discover(s, s->link, reason, now);
		return;
	}
	s->again = allowed;
	s->again_reason = reason;
}

/* The discovery was not answered in time. */
static void discovery_timeout(struct session *s, usec_t now)
{
	struct attempt *a = &s->attempt;
	struct link *other = links_next_ready(s->links, s->link);

	/* Nobody took what was sent behind the discovery: the rest waits for the answer. */
	if (s->uplink.link == s->link && s->registration.link != s->link)
		uplink_hold(&s->uplink, now);
	if (a->outdated) {
		attempt_begin(s, now);
		return;
	}
	if (s->discovery.live && a->repeats < REPEATS_MAX) {
		attempt_repeat(s, now);
		return;
	}
	if (s->discovery.live && other && other != s->link) {
		log_notice("no core answers on link %s, trying %s", s->link->name, other->name);
		session_discover(s, other, reason_no_answer, now);
		return;
	}
	a->timeout = usec_min(2 * a->timeout, s->config->timers.retry_max);
	attempt_begin(s, now);
}

/* ---- links ----------------------------------------------------------------------------- */

void session_start(struct session *s, unsigned int preferred, usec_t now)
{
	struct link *going, *link = resume(s, &going, now);

	s->started = true;
	s->since = now;
	if (link) {
		s->link = link;
		session_enter(s, SESSION_REGISTERED, reason_resumed, now);
		moving_follow_schedule(s, now);
		return;
	}
	if (going) {
		moving_link_lost(s, s->registration.link, reason_start, now);
		return;
	}
	link = links_by_index(s->links, preferred);
	if (link && link->ready)
		session_discover(s, link, reason_start, now);
	else
		moving_take_any(s, NULL, reason_start, now);
}

/*
 * The new link is ready before the loss of the old one was reported. If it is lost nevertheless,
 * it was so at some time since the switch began: the gap is told as its upper bound.
 */
static void look_back(struct session *s, usec_t begun, usec_t now)
{
	struct registration *r = &s->registration;

	if (!r->link || r->link == s->link || r->lost)
		return;
	links_refresh(s->links, r->link, now);
	if (r->lost)
		r->lost = begun;
}

void session_link_ready(struct session *s, struct link *link, usec_t now)
{
	usec_t begun = s->since;

	if (!s->started || !s->wanted)
		return;
	if (s->state == SESSION_DOWN)
		session_discover(s, link, s->registration.valid ? reason_link_lost : reason_link_up,
				 now);
	else if (s->state == SESSION_SWITCHING && (link == s->target || !moving_ordered(s))) {
		session_discover(s, link, s->attempt.reason,
				 now); /* without an order any link will do */
		look_back(s, begun, now);
	}
}

void session_link_lost(struct session *s, struct link *link, usec_t now)
{
	if (s->registration.link == link && s->registration.lost == 0)
		s->registration.lost = now;
	if (s->uplink.link == link && s->config->handover.mode >= MODE_PROACTIVE)
		uplink_hold(&s->uplink, now);
	if (!s->started || link != s->link)
		return;
	switch (s->state) {
	case SESSION_DISCOVERING:
	case SESSION_REGISTERED:
		moving_link_lost(s, link, reason_link_lost, now);
		break;
	case SESSION_DISCONNECTING:
		moving_after_disconnect(s, now);
		break;
	case SESSION_SWITCHING:
		s->link = NULL;
		break;
	case SESSION_DOWN:
		break;
	}
}

void session_link_removed(struct session *s, struct link *link, usec_t now)
{
	uplink_forget(&s->uplink, link);
	moving_forget(s, link, now);
	measuring_forget(s, link);
	if (s->registration.link == link)
		s->registration.link = NULL;
	if (s->link == link)
		s->link = NULL;
	if (s->target == link) {
		s->target = NULL;
		moving_take_any(s, NULL, reason_link_lost, now);
	}
}

/* ---- what cores say --------------------------------------------------------------------- */

/* The core on the link in use, as it is now. Expected: by the schedule. */
static void compare_core(struct session *s, const struct message *m, bool expected, usec_t now)
{
	const struct registration *r = &s->registration;

	if (strcmp(m->core, r->place.core) != 0 || m->epoch != r->epoch)
		rediscover(s, reason_core_changed, expected, now);
	else if (s->again_reason == reason_core_changed)
		s->again = USEC_NEVER;
}

/* A core is heard on the link while no answer has come. New: it was not there before. */
static void reconsider(struct session *s, const struct message *m, bool new, bool expected,
		       usec_t now)
{
	const struct attempt *a = &s->attempt;
	usec_t allowed = a->begun + SESSION_RATE_LIMIT;

	if (s->discovery.core[0] && strcmp(s->discovery.core, m->core) != 0) {
		s->attempt.outdated = true;
		s->deadline = expected || now > allowed ? now : allowed;
	} else if ((new || expected) && now - a->sent >= ANSWER_WAIT) {
		attempt_repeat(s, now); /* which nobody may have heard before */
	}
}

enum drop session_advertisement(struct session *s, struct link *link, const struct message *m,
				usec_t now)
{
	struct advertised *a = &link->advertised;
	bool new = !a->core[0], expected = belief_fresh(s, link, m->core, now);

	memcpy(a->core, m->core, sizeof(a->core));
	a->epoch = m->epoch;
	a->interval = m->interval * USEC_PER_MSEC;
	a->heard = now;
	if (link != s->link || belief_former(s, link, m->core, now))
		return DROP_NONE;
	s->patience = 1;
	if (s->state == SESSION_REGISTERED)
		compare_core(s, m, expected, now);
	else if (s->state == SESSION_DISCOVERING && s->discovery.live)
		reconsider(s, m, new, expected, now);
	return DROP_NONE;
}

/* A request of the serving core. */
static void answer_request(struct session *s, const struct message *m, usec_t now)
{
	struct requests *requests = s->registration.requests;
	struct message answer;
	bool release = m->type == MESSAGE_RELEASE;

	if (request_arrived(requests, m, now) != REQUEST_NEW)
		return;
	message_init(&answer, release ? MESSAGE_RELEASE_ACK : MESSAGE_ERROR, 0);
	message_set_number(&answer, ATTR_REASON, release ? REASON_ACCEPTED : REASON_UNSUPPORTED);
	if (request_answer(requests, m->id, &answer, now) < 0)
		log_warnx("cannot answer %s", message_type_name(m->type));
	if (release) {
		log_info("released by %s: %s", s->registration.place.core, reason_name(m->reason));
		rediscover(s, reason_name(m->reason), false, now);
	}
}

void session_message(struct session *s, const struct message *m, usec_t now)
{
	if (message_is_request(m->type))
		answer_request(s, m, now);
	else if (message_is_answer(m->type) || m->type == MESSAGE_ERROR)
		request_answered(s->registration.requests, m, now);
	resume_known(s);
	if (s->state == SESSION_DISCONNECTING && s->disconnected)
		moving_after_disconnect(s, now);
}

void session_follow_schedule(struct session *s)
{
	s->reschedule = true;
}

void session_repair(struct session *s)
{
	s->repair = s->registration.valid;
}

/* ---- time ------------------------------------------------------------------------------ */

/* When the silence of the core will have become suspicious. */
static usec_t silence(const struct session *s)
{
	const struct advertised *a = &s->link->advertised;
	usec_t heard = a->heard > s->registration.since ? a->heard : s->registration.since;

	usec_t at = heard + SILENT_INTERVALS * a->interval * s->patience;
	usec_t allowed =
		s->attempt.begun + SESSION_RATE_LIMIT; /* intervals are what strangers say */

	if (!a->core[0])
		return USEC_NEVER;
	return at > allowed ? at : allowed;
}

/* So late, or later. */
static usec_t not_before(usec_t due, usec_t earliest)
{
	return due > earliest ? due : earliest;
}

/* When the terminal would discover anew where it is registered; now or later. */
static usec_t rediscovery(const struct session *s, usec_t now)
{
	usec_t unhurried = usec_min(silence(s), registration_refresh(&s->registration));

	return usec_min(not_before(s->again, moving_soon(s, SOON, now)),
			not_before(unhurried, moving_soon(s, UNHURRIED, now)));
}

static void registered_tick(struct session *s, usec_t now)
{
	if (now >= s->again && !moving_soon(s, SOON, now)) {
		session_discover(s, s->link, s->again_reason, now);
	} else if (moving_soon(s, UNHURRIED, now)) {
		return;
	} else if (now >= registration_refresh(&s->registration)) {
		session_discover(s, s->link, reason_refresh, now);
	} else if (now >= silence(s)) {
		/* A core that answers but is not heard is asked less and less often. */
		if (s->patience < PATIENCE_MAX)
			s->patience *= 2;
		session_discover(s, s->link, reason_silence, now);
	}
}

/* What is due; the deadline is then another one. */
static void state_tick(struct session *s, usec_t now)
{
	if (s->state == SESSION_REGISTERED) {
		registered_tick(s, now);
		return;
	}
	if (now < s->deadline)
		return;
	if (s->state == SESSION_DISCOVERING)
		discovery_timeout(s, now);
	else if (s->state == SESSION_DISCONNECTING)
		moving_after_disconnect(s, now);
	else if (s->state == SESSION_SWITCHING)
		moving_timeout(s, now);
}

static usec_t repair_tick(struct session *s, usec_t now)
{
	if (!s->repair)
		return USEC_NEVER;
	if (s->repaired && now < s->repaired + SESSION_RATE_LIMIT)
		return s->repaired + SESSION_RATE_LIMIT;
	s->repaired = now;
	s->repair = forwarding_repair(s->forwarding) < 0;
	return s->repair ? s->repaired + SESSION_RATE_LIMIT : USEC_NEVER;
}

usec_t session_tick(struct session *s, usec_t now)
{
	usec_t next;

	if (s->reschedule)
		moving_follow_schedule(s, now);
	s->reschedule = false;
	state_tick(s, now);
	next = usec_min(moving_tick(s, now), resume_tick(s, now));
	next = usec_min(next, uplink_tick(&s->uplink, now));
	next = usec_min(next, measuring_tick(s, now)); /* of what has left the hold now, too */
	next = usec_min(next, usec_min(s->deadline, repair_tick(s, now)));
	if (s->registration.valid)
		next = usec_min(next, requests_tick(s->registration.requests, now));
	if (s->state == SESSION_DISCONNECTING && s->disconnected) {
		moving_after_disconnect(s, now);
		return now;
	}
	if (s->state == SESSION_REGISTERED)
		next = usec_min(next, rediscovery(s, now));
	return next;
}
