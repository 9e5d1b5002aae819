/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending discoveries and pacing them; when to give up a link is the session's business.
 */
#include "terminal-agent/attempt.h"

#include <string.h>

#include "log.h"
#include "terminal-agent/belief.h"
#include "terminal-agent/session.h"

/* Who listens on the link can give us false ones; then the repetitions must do. */
#define COOKIES_MAX 4

uint16_t attempt_mtu(const struct link *link)
{
	return (uint16_t)(link->mtu < 1280 ? 1280 : link->mtu > 65535 ? 65535 : link->mtu);
}

/* The highest mode, and soft only while another link is in use. */
static enum handover_mode mode_of(const struct session *s, const struct link *link)
{
	if (s->move.soft && s->move.target == link && registration_reachable(&s->registration))
		return MODE_SOFT;
	return s->config->handover.mode < MODE_PREDICTIVE
		       ? (enum handover_mode)s->config->handover.mode
		       : MODE_PREDICTIVE;
}

/* What a discovery on this link would say now. */
static struct discovery_facts facts_of(const struct session *s, const struct link *link, usec_t now)
{
	const struct registration *r = &s->registration;
	struct discovery_facts facts = {
		.link_layer = link->mac,
		.link_local = link->address,
		.mtu = attempt_mtu(link),
		.core = belief_heard(s, link, now),
		.home_epoch = s->home_epoch,
		.mode = mode_of(s, link),
	};

	if (!r->valid || s->config->handover.mode < MODE_PROACTIVE)
		return facts;
	facts.target = belief_core(s, link, now);
	/* Nobody prepares the core that serves already. */
	if (facts.target && strcmp(facts.target, r->place.core) == 0)
		facts.target = NULL;
	if (facts.target) {
		facts.number = moving_number(s, link, facts.target);
		facts.root = r->root;
	}
	return facts;
}

void attempt_make_ahead(struct session *s, const struct link *link, usec_t now)
{
	struct discovery_facts facts = facts_of(s, link, now);

	if (s->ahead && discovery_says(&s->discovery, &facts))
		return;
	facts.counter = keep_next_counter(s);
	s->ahead = link->prepared && discovery_begin(&s->discovery, s->identity, &facts) == 0;
	if (s->ahead)
		discovery_foresee(&s->discovery, s->identity);
}

/* With the cookie of the core there, if it has given one. */
static void send_octets(struct session *s, usec_t now)
{
	send_discovery(&s->sender, s->link, &s->discovery,
		       now < s->attempt.cookie_until ? s->attempt.cookie : NULL);
}

static void transmit(struct session *s, usec_t now)
{
	s->attempt.tries++;
	s->attempt.sent = now;
	s->attempt.slowed = false;
	send_octets(s, now);
	discovery_sent(&s->discovery);
	discovery_foresee(&s->discovery, s->identity);
}

void attempt_begin(struct session *s, usec_t now)
{
	struct discovery_facts facts = facts_of(s, s->link, now);
	int error = 0;

	if (!s->ahead || !discovery_says(&s->discovery, &facts)) {
		facts.counter = keep_next_counter(s);
		error = discovery_begin(&s->discovery, s->identity, &facts);
	}
	s->ahead = false; /* it serves once */
	s->attempt.begun = now;
	s->attempt.repeats = 0;
	s->attempt.cookies = 0;
	s->attempt.outdated = false;
	if (error < 0)
		log_error("cannot make a discovery: is terminal.home_public_key right? (error %d)",
			  -error);
	else
		transmit(s, now);
	s->deadline = now + s->attempt.timeout;
}

void attempt_repeat(struct session *s, usec_t now)
{
	s->attempt.repeats++;
	transmit(s, now);
	attempt_back_off(s, now);
}

enum drop attempt_cookie(struct session *s, const uint8_t *datagram, size_t length, usec_t now)
{
	uint8_t cookie[COOKIE_LENGTH];

	if (!s->discovery.live ||
	    !cookie_read(datagram, length, s->discovery.octets, s->discovery.length, cookie))
		return DROP_INDEX;
	if (s->attempt.cookies++ >= COOKIES_MAX)
		return DROP_LIMIT;
	memcpy(s->attempt.cookie, cookie, sizeof(s->attempt.cookie));
	s->attempt.cookie_until = now + COOKIE_TIME;
	send_octets(s, now);
	return DROP_NONE;
}

void attempt_back_off(struct session *s, usec_t now)
{
	s->attempt.timeout = usec_min(2 * s->attempt.timeout, s->config->timers.retry_max);
	s->deadline = now + s->attempt.timeout;
}
