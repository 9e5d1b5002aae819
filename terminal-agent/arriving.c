/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer to a discovery: what is proven takes effect in the kernel first, and only then in our
 * own state (PROTOCOL section 7, rows `discovering`).
 */
#include <string.h>

#include "log.h"
#include "terminal-agent/belief.h"
#include "terminal-agent/session_internal.h"

#define RESYNCS_MAX 3 /* in a row, before the back-off takes over */
/* A satellite that is late with a change of its core is given so much time, so often. */
#define CROSSED_AGAIN (20 * USEC_PER_MSEC)
#define CROSSED_MAX   5

int session_transmit(void *context, const uint8_t *octets, size_t length)
{
	struct session *s = context;

	keep_sealing(s);
	return send_sealed(&s->sender, &s->registration, octets, length);
}

static bool lladdr_zero(const struct lladdr *l)
{
	static const struct lladdr zero;

	return lladdr_equal(l, &zero);
}

/* Before this, a packet could overtake those that went over the link before (section 15.4). */
static usec_t earliest(const struct session *s, const struct registration *fresh,
		       const struct message *registration, usec_t now)
{
	const struct move *move = moving_to(s, fresh->link, fresh->place.core);
	usec_t delay = move ? move->uplink_delay : 0;

	if (!s->registration.valid || fresh->link == s->registration.link ||
	    s->config->handover.mode < MODE_PROACTIVE)
		return now;
	if (message_has(registration, ATTR_UPLINK_DELAY))
		delay = moving_uplink_delay(s, registration);
	return uplink_earliest(&s->uplink, fresh->link, delay, now);
}

static void begin_registration(struct session *s, struct registration *fresh,
			       const struct discovery_result *result, usec_t now)
{
	struct registration old = s->registration;
	const struct message *m = &result->registration;

	measuring_finish(s, now); /* of the one before, as far as it went */
	s->registration = *fresh;
	keep_registration(s);
	if (result->full && s->home_epoch != result->assignment.home_epoch) {
		s->home_epoch = result->assignment.home_epoch;
		keep_counter(s);
	}
	s->repair = false;
	session_enter(s, SESSION_REGISTERED, s->attempt.reason, now);
	measuring_registered(s, &old, result->full,
			     message_has(m, ATTR_MODE) ? (enum handover_mode)m->mode : 0, now);
	moving_arrived(s, old.link, now);
	registration_end(&old);
}

/* A verified registration takes effect: the kernel first, and only then our own state. */
static void accept_registration(struct session *s, struct discovery_result *result,
				const struct lladdr *source, usec_t now)
{
	struct request_ops transmit = {session_transmit, s};
	struct registration fresh;
	struct forwarding_plan plan;
	int error = registration_begin(&fresh, &s->registration, s->link, result, &transmit, now);

	if (error == 0) {
		fresh.gateway = lladdr_zero(source) ? s->config->access.gateway_mac : *source;
		plan = registration_plan(&fresh, s->link);
		error = uplink_set(&s->uplink, &plan, s->link,
				   earliest(s, &fresh, &result->registration, now), now);
		if (error < 0)
			registration_end(&fresh);
	}
	if (error < 0) {
		log_warn_errno(error, "registration with %s cannot take effect, trying again",
			       result->registration.core);
		attempt_back_off(s, now);
		return;
	}
	begin_registration(s, &fresh, result, now);
	keys_wipe(&fresh, sizeof(fresh));
}

enum drop session_registration_done(struct session *s, struct link *link, const struct message *m,
				    const struct lladdr *source, usec_t now)
{
	struct discovery_result result;
	const char *heard;
	enum drop drop;

	if (s->registration.valid && m->id == s->registration.access.local_index)
		return DROP_REPLAY;
	if (s->state != SESSION_DISCOVERING || link != s->link)
		return DROP_INDEX;
	drop = discovery_accept(&s->discovery, m, &result);
	if (drop != DROP_NONE)
		return drop;
	heard = belief_heard(s, link, now);
	if (heard && strcmp(heard, result.registration.core) != 0) {
		log_remote(&s->noise, now, "link %s: %s answers where %s should be, asking again",
			   link->name, result.registration.core, heard);
		s->attempt.outdated = true;
		s->deadline = belief_fresh(s, link, heard, now)
				      ? now
				      : s->attempt.begun + SESSION_RATE_LIMIT;
	} else {
		accept_registration(s, &result, source, now);
	}
	keys_wipe(&result, sizeof(result));
	return DROP_NONE;
}

enum drop session_cookie(struct session *s, const struct link *link, const uint8_t *datagram,
			 size_t length, usec_t now)
{
	if (s->state != SESSION_DISCOVERING || link != s->link)
		return DROP_INDEX;
	return attempt_cookie(s, datagram, length, now);
}

/* A stranger, or a home core with another pre-shared key: which, only an operator can tell. */
static void not_by_home(struct session *s, const struct link *link, usec_t now)
{
	log_remote(&s->noise, now,
		   "link %s: an answer does not prove the home core; if that goes on, its "
		   "pre-shared key is not that of terminal.psk_file",
		   link->name);
}

/*
 * The discovery has come to another core than it names. When the satellite is about to change its
 * core, or just has, it was only too early or too late for that: then it is sent anew, in the name
 * of the core that is to be there now, which may take the satellite a moment.
 */
static bool crossed_change(struct session *s, const struct message *assignment, usec_t now)
{
	const char *core = belief_heard(s, s->link, now);

	if (assignment->reason != REASON_WRONG_CORE || !core ||
	    !belief_fresh(s, s->link, core, now) || s->attempt.crossed++ >= CROSSED_MAX)
		return false;
	log_info("satellite %s is changing to %s, asking again", s->link->name, core);
	s->attempt.outdated = true;
	s->deadline = strcmp(core, assignment->core) == 0 ? now : now + CROSSED_AGAIN;
	return true;
}

static void rejected(struct session *s, const struct message *assignment, usec_t now)
{
	if (crossed_change(s, assignment, now))
		return;
	if (assignment->reason != REASON_RESYNC) {
		log_warnx("the home core refuses %s@%s: %s", s->identity->name.user,
			  s->identity->name.realm, reason_name(assignment->reason));
		attempt_back_off(s, now);
		return;
	}
	log_info("the home core asks for its epoch and counter");
	s->home_epoch = assignment->home_epoch;
	s->counter = assignment->counter;
	keep_counter(s);
	if (s->attempt.resyncs++ < RESYNCS_MAX)
		attempt_begin(s, now);
	else
		attempt_back_off(s, now);
}

enum drop session_registration_reject(struct session *s, struct link *link, const struct message *m,
				      usec_t now)
{
	struct message assignment;
	bool authentic;
	enum drop drop;
	usec_t before = s->attempt.timeout;

	if (s->state != SESSION_DISCOVERING || link != s->link)
		return DROP_INDEX;
	drop = discovery_reject(&s->discovery, m, &assignment, &authentic);
	if (drop == DROP_HANDSHAKE)
		not_by_home(s, link, now);
	if (drop != DROP_NONE)
		return drop;
	if (authentic) {
		rejected(s, &assignment, now);
		return DROP_NONE;
	}
	log_remote(&s->noise, now, "link %s: the serving core refuses: %s", link->name,
		   reason_name(m->reason));
	if (!s->attempt.slowed) {
		s->attempt.slowed = true;
		s->attempt.timeout = usec_min(2 * before, s->config->timers.retry_max);
		s->deadline += s->attempt.timeout - before;
	}
	return DROP_NONE;
}
