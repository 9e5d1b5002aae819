/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to the serving core, and what their answers say of the next one; see telling.h. */
#include "terminal-agent/telling.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "terminal-agent/belief.h"
#include "terminal-agent/session.h"

void telling_void(struct session *s)
{
	struct move *m = &s->move;

	m->number = 0;
	m->announced = m->prepared = m->unplaced = false;
	m->uplink_delay = 0;
}

/*
 * Gives the move a number, so that it can be named to the home core. False when it cannot be named:
 * nobody knows where it leads, or it leads to the core that serves now.
 */
static bool number_move(struct session *s, usec_t now)
{
	struct move *m = &s->move;
	const char *core = belief_core(s, m->target, m->at > now ? m->at : now);

	if (core ? strcmp(core, s->registration.place.core) == 0 : !m->target->satellite)
		return false;
	if (m->number && core && strcmp(core, m->core) != 0 && m->core[0])
		telling_void(s); /* another core than was announced: another move */
	if (!m->number)
		m->number = ++s->registration.moves;
	if (core && core != m->core)
		snprintf(m->core, sizeof(m->core), "%s", core);
	return true;
}

/* Where the terminal goes, and from which addresses it will speak there. */
static void set_way(struct session *s, struct message *m)
{
	const struct link *target = s->move.target;

	message_set_number(m, ATTR_HANDOVER_COUNTER, s->move.number);
	if (target->satellite)
		message_set_text(m, ATTR_NEXT_SATELLITE, target->name);
	if (s->move.core[0])
		message_set_text(m, ATTR_NEXT_CORE, s->move.core);
	/* Where no satellite is named, addresses behind it say nothing. */
	if (!target->prepared || !target->satellite)
		s->move.unplaced = true;
	if (!target->prepared)
		return;
	message_set_link_layer(m, &target->mac);
	message_set_addr(m, ATTR_LINK_LOCAL, &target->address);
	message_set_number(m, ATTR_MTU, attempt_mtu(target));
}

/* What the home core says of the next core, in either answer. */
static void take_answer(struct session *s, enum reason reason, const struct message *answer)
{
	struct move *m = &s->move;

	if (!answer || answer->type == MESSAGE_ERROR)
		return;
	m->prepared = reason == REASON_ACCEPTED && message_has(answer, ATTR_NEXT_CORE);
	if (message_has(answer, ATTR_NEXT_CORE)) {
		memcpy(m->core, answer->next_core, sizeof(m->core));
		/* Where it is absent the new way is not shorter. */
		m->uplink_delay = moving_uplink_delay(s, answer);
	}
	log_debug("next core %s: %s, shorter by %.1f ms", m->core[0] ? m->core : "not known",
		  m->prepared ? "prepared" : "not prepared", (double)m->uplink_delay / 1000);
}

/* ---- farewell --------------------------------------------------------------------------- */

/* Not to end the registration here: this runs inside of its request table. */
static void disconnect_answered(void *context, uint64_t number, enum reason reason,
				const struct message *answer, usec_t now)
{
	struct session *s = context;

	(void)now;
	if (reason != REASON_ACCEPTED)
		log_info("core disconnect: %s%s", reason_name(reason),
			 answer ? "" : " (no answer)");
	if (number && s->move.number == number)
		take_answer(s, reason, answer);
	s->disconnected = true;
}

bool telling_farewell(struct session *s, usec_t now)
{
	const struct link *target = s->target;
	struct message m;
	bool named;
	int64_t id;

	named = target && s->config->handover.mode >= MODE_PROACTIVE && number_move(s, now);
	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	if (!target)
		message_set_number(&m, ATTR_LIFETIME, 0);
	else if (named)
		set_way(s, &m);
	else if (target->satellite)
		message_set_text(&m, ATTR_NEXT_SATELLITE, target->name);
	s->disconnected = false;
	s->registration.left = true;
	keep_registration(s);
	id = request_send(s->registration.requests, &m, disconnect_answered, s,
			  named ? s->move.number : 0, now);
	s->disconnect_id = id > 0 ? (uint32_t)id : 0;
	return id >= 0;
}

/* ---- ahead of it ------------------------------------------------------------------------- */

/* Runs inside of the registration's request table; moving_tick() goes on. */
static void announcement_answered(void *context, uint64_t number, enum reason reason,
				  const struct message *answer, usec_t now)
{
	struct session *s = context;
	struct move *m = &s->move;

	(void)now;
	if (m->number != number || m->phase == MOVE_NONE)
		return; /* of a move that was given up */
	if (reason != REASON_ACCEPTED)
		log_info("handover announcement: %s%s", reason_name(reason),
			 answer ? "" : " (no answer)");
	take_answer(s, reason, answer);
	if (m->phase == MOVE_ANNOUNCED) {
		m->announced = m->prepared;
		m->phase = MOVE_READY;
	}
}

void telling_announce(struct session *s, usec_t now)
{
	struct move *move = &s->move;
	usec_t expected = move->at > now ? (move->at - now) / USEC_PER_MSEC : 0;
	struct message m;

	move->phase = MOVE_READY;
	if (s->config->handover.mode < MODE_PREDICTIVE ||
	    !registration_reachable(&s->registration) || !number_move(s, now))
		return;
	message_init(&m, MESSAGE_HANDOVER_ANNOUNCEMENT, 0);
	message_set_number(&m, ATTR_EXPECTED, (uint64_t)usec_min(expected, UINT32_MAX));
	set_way(s, &m);
	keep_registration(s);
	if (request_send(s->registration.requests, &m, announcement_answered, s, move->number,
			 now) < 0)
		return;
	move->phase = MOVE_ANNOUNCED;
	move->deadline = now + s->config->timers.disconnect_wait;
}
