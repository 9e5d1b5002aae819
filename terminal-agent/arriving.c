/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer to a discovery: what is proven takes effect in the kernel first, and only then in our
 * own state (PROTOCOL section 7, rows `discovering`).
 */
#include <string.h>

#include "log.h"
#include "terminal-agent/session_internal.h"

#define RESYNCS_MAX 3 /* in a row, before the back-off takes over */

static int transmit_request(void *context, const uint8_t *octets, size_t length)
{
	struct session *s = context;

	return send_sealed(&s->sender, &s->registration, octets, length);
}

static bool lladdr_zero(const struct lladdr *l)
{
	static const struct lladdr zero;

	return lladdr_equal(l, &zero);
}

/* Tells the core, the log and the operator what this registration has cost. */
static void report(struct session *s, const struct registration *old, usec_t now)
{
	const struct registration *r = &s->registration;
	struct handover h = {.from = old->place,
			     .to = r->place,
			     .mode = "baseline",
			     .registration = now - s->attempt.first,
			     .tries = s->attempt.tries,
			     .reason = s->attempt.reason};
	struct message m;

	if (old->valid && old->lost && r->link->ready_since > old->lost)
		h.gap = r->link->ready_since - old->lost;
	message_init(&m, MESSAGE_HANDOVER_DONE, 0);
	message_set_number(&m, ATTR_GAP, (uint64_t)usec_min(h.gap, UINT32_MAX));
	message_set_number(&m, ATTR_REGISTRATION_TIME,
			   (uint64_t)usec_min(h.registration, UINT32_MAX));
	if (request_send(r->requests, &m, NULL, NULL, 0, now) < 0)
		log_warnx("cannot tell the core that the handover is done");

	log_notice(
		"registered with %s over link %s for %u s: %s, gap %.1f ms, registration %.1f ms, "
		"%u %s",
		r->place.core, r->place.link, r->lifetime, h.reason, (double)h.gap / 1000,
		(double)h.registration / 1000, h.tries, h.tries == 1 ? "discovery" : "discoveries");
	if (old->valid && (strcmp(h.from.link, h.to.link) != 0 ||
			   strcmp(h.from.core, h.to.core) != 0 || old->epoch != r->epoch))
		s->ops.handover(s->ops.context, &h);
}

/* A verified registration takes effect: the kernel first, and only then our own state. */
static void accept_registration(struct session *s, struct discovery_result *result,
				const struct lladdr *source, usec_t now)
{
	struct request_ops transmit = {transmit_request, s};
	struct registration fresh, old = s->registration;
	struct forwarding_plan plan;
	int error = registration_begin(&fresh, s->link, result, &transmit, now);

	if (error == 0) {
		fresh.gateway = lladdr_zero(source) ? s->config->access.gateway_mac : *source;
		plan = registration_plan(&fresh);
		error = forwarding_apply(s->forwarding, &plan);
		if (error < 0)
			registration_end(&fresh);
	}
	if (error < 0) {
		log_warn_errno(error, "registration with %s cannot take effect, trying again",
			       result->registration.core);
		attempt_back_off(s, now);
		return;
	}
	s->registration = fresh;
	s->home_epoch = result->assignment.home_epoch;
	s->repair = false;
	session_enter(s, SESSION_REGISTERED, s->attempt.reason, now);
	report(s, &old, now);
	registration_end(&old);
}

enum drop session_registration_done(struct session *s, struct link *link, const struct message *m,
				    const struct lladdr *source, usec_t now)
{
	struct discovery_result result;
	enum drop drop;

	if (s->registration.valid && m->id == s->registration.access.local_index)
		return DROP_REPLAY;
	if (s->state != SESSION_DISCOVERING || link != s->link)
		return DROP_INDEX;
	drop = discovery_accept(&s->discovery, m, &result);
	if (drop != DROP_NONE)
		return drop;
	if (link->advertised.core[0] &&
	    strcmp(link->advertised.core, result.registration.core) != 0) {
		log_remote(&s->noise, now,
			   "link %s: %s answers where %s advertises itself, asking again",
			   link->name, result.registration.core, link->advertised.core);
		s->deadline = s->attempt.begun + SESSION_RATE_LIMIT;
	} else {
		accept_registration(s, &result, source, now);
	}
	keys_wipe(&result, sizeof(result));
	return DROP_NONE;
}

/* A stranger, or a home core with another pre-shared key: which, only an operator can tell. */
static void not_by_home(struct session *s, const struct link *link, usec_t now)
{
	log_remote(&s->noise, now,
		   "link %s: an answer does not prove the home core; if that goes on, its "
		   "pre-shared key is not that of terminal.psk_file",
		   link->name);
}

static void rejected(struct session *s, const struct message *assignment, usec_t now)
{
	if (assignment->reason != REASON_RESYNC) {
		log_warnx("the home core refuses %s@%s: %s", s->identity->name.user,
			  s->identity->name.realm, reason_name(assignment->reason));
		attempt_back_off(s, now);
		return;
	}
	log_info("the home core asks for its epoch and counter");
	s->home_epoch = assignment->home_epoch;
	s->counter = assignment->counter;
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
