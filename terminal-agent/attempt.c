/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending discoveries and pacing them; when to give up a link is the session's business.
 */
#include "terminal-agent/attempt.h"

#include "log.h"
#include "terminal-agent/session.h"

/* What a discovery on this link would say now. */
static struct discovery_facts facts_of(const struct session *s, const struct link *link)
{
	return (struct discovery_facts){
		.link_layer = link->mac,
		.link_local = link->address,
		.mtu = (uint16_t)(link->mtu < 1280    ? 1280
				  : link->mtu > 65535 ? 65535
						      : link->mtu),
		.core = link->advertised.core[0] ? link->advertised.core : NULL,
		.home_epoch = s->home_epoch,
	};
}

void attempt_make_ahead(struct session *s, const struct link *link)
{
	struct discovery_facts facts = facts_of(s, link);

	facts.core = NULL; /* nothing can have been heard when it comes up */
	facts.counter = ++s->counter;
	s->ahead = link->prepared && discovery_begin(&s->discovery, s->identity, &facts) == 0
			   ? facts
			   : (struct discovery_facts){0};
}

/* Is what was made ahead what would be made now? It serves once. */
static bool made_ahead(struct session *s, const struct discovery_facts *facts)
{
	struct discovery_facts ahead = s->ahead;

	s->ahead = (struct discovery_facts){0};
	return s->discovery.live && ahead.counter == s->counter && !facts->core &&
	       lladdr_equal(&ahead.link_layer, &facts->link_layer) &&
	       addr_equal(&ahead.link_local, &facts->link_local) && ahead.mtu == facts->mtu &&
	       ahead.home_epoch == facts->home_epoch;
}

static void transmit(struct session *s)
{
	s->attempt.tries++;
	s->attempt.slowed = false;
	send_discovery(&s->sender, s->link, &s->discovery);
}

void attempt_begin(struct session *s, usec_t now)
{
	struct discovery_facts facts = facts_of(s, s->link);
	int error = 0;

	if (!made_ahead(s, &facts)) {
		facts.counter = ++s->counter;
		error = discovery_begin(&s->discovery, s->identity, &facts);
	}
	s->attempt.begun = now;
	s->attempt.repeats = 0;
	s->attempt.outdated = false;
	if (error < 0)
		log_error("cannot make a discovery: is terminal.home_public_key right? (error %d)",
			  -error);
	else
		transmit(s);
	s->deadline = now + s->attempt.timeout;
}

void attempt_repeat(struct session *s, usec_t now)
{
	s->attempt.repeats++;
	transmit(s);
	attempt_back_off(s, now);
}

void attempt_back_off(struct session *s, usec_t now)
{
	s->attempt.timeout = usec_min(2 * s->attempt.timeout, s->config->timers.retry_max);
	s->deadline = now + s->attempt.timeout;
}
