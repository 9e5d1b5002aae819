/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a terminal asks of the core that serves it: to take note that it leaves, to have the core
 * prepared that it goes to, to pass on what it has measured.
 *
 * A visitor's home core decides about all of that, so its terminal's messages are relayed. Where a
 * move may be prepared (PROTOCOL section 15.2) the terminal gets the home core's answer; otherwise,
 * and when there is none, it is answered at once: the link switch never waits for home (the draft's
 * core disconnect).
 */
#include "anticipation.h"
#include "keep.h"
#include "log.h"
#include "mode.h"
#include "peer.h"
#include "session.h"
#include "session_send.h"
#include "subscriber.h"

#include <string.h>

/* ---- answers that come later --------------------------------------------------------------- */

/* Names a request of a terminal across time: whose it is, and its id there. */
static uint64_t asked(const struct session *s, const struct message *m)
{
	return (uint64_t)s->access.local_index << 32 | m->id;
}

/* A session that has been registered anew since has another index: nobody waits any more. */
static struct session *who_asked(const struct core *core, uint64_t token)
{
	return session_by_index(core, (uint32_t)(token >> 32));
}

static void answered_at_home(struct core *core, uint64_t token, struct message *answer, usec_t now)
{
	struct session *s = who_asked(core, token);

	if (s)
		request_answer(s->requests, (uint32_t)token, answer, now);
}

/* What the home core says of a move, for its terminal. */
static void relay_answer(struct core *core, uint64_t token, enum message_type type,
			 const struct message *from_home, usec_t now)
{
	struct message answer;

	message_init(&answer, message_answer(type), 0);
	message_set_number(&answer, ATTR_REASON, REASON_NOT_PREPARED);
	if (from_home && from_home->type == answer.type)
		answer = *from_home;
	answered_at_home(core, token, &answer, now);
}

static void announcement_relayed(void *context, uint64_t token, enum reason reason,
				 const struct message *answer, usec_t now)
{
	(void)reason;
	relay_answer(context, token, MESSAGE_HANDOVER_ANNOUNCEMENT, answer, now);
}

static void disconnect_relayed(void *context, uint64_t token, enum reason reason,
			       const struct message *answer, usec_t now)
{
	(void)reason;
	relay_answer(context, token, MESSAGE_CORE_DISCONNECT, answer, now);
}

static void relayed(void *context, uint64_t token, enum reason reason, const struct message *answer,
		    usec_t now)
{
	(void)context;
	(void)answer;
	(void)now;
	log_debug("relayed for terminal index %08x: %s", (unsigned int)(token >> 32),
		  reason_name(reason));
}

/* Passes a terminal's message on to its home core, under the binding that home knows. */
static bool relay(struct session *s, const struct message *from_terminal, request_done *done,
		  usec_t now)
{
	struct message m = *from_terminal;

	m.id = 0;
	message_set_number(&m, ATTR_BINDING, s->binding);
	return peer_request(s->home, &m, done, asked(s, from_terminal), now) > 0;
}

/* ---- requests ------------------------------------------------------------------------------ */

/* A move that is to be prepared: the terminal waits for what its home core says. */
static void ask_home(struct session *s, const struct message *m, request_done *done, usec_t now)
{
	const struct anticipation_reply reply = {.fn = answered_at_home, .token = asked(s, m)};

	if (s->subscriber)
		anticipation_announced(s->subscriber, NULL, m, &reply, now);
	else if (!relay(s, m, done, now))
		session_answer(s, m, REASON_NOT_PREPARED, now);
}

static bool prepares(const struct session *s, enum handover_mode mode)
{
	return s->subscriber || mode_of_peer(s->home) >= mode;
}

static void terminal_announces(struct session *s, const struct message *m, usec_t now)
{
	if (prepares(s, MODE_PREDICTIVE))
		ask_home(s, m, announcement_relayed, now);
	else
		session_answer(s, m, REASON_NOT_PREPARED, now);
}

/* A core disconnect as the draft has it: without the number under which a move can be prepared. */
static struct message unnumbered(const struct message *m)
{
	struct message plain;

	message_init(&plain, MESSAGE_CORE_DISCONNECT, 0);
	if (message_has(m, ATTR_NEXT_SATELLITE))
		message_set_text(&plain, ATTR_NEXT_SATELLITE, m->next_satellite);
	if (message_has(m, ATTR_NEXT_CORE))
		message_set_text(&plain, ATTR_NEXT_CORE, m->next_core);
	return plain;
}

static void terminal_disconnects(struct session *s, const struct message *m, usec_t now)
{
	if (message_has(m, ATTR_LIFETIME) && m->lifetime == 0) {
		session_deregister(s, m, now);
		return;
	}
	if (anticipation_names_move(m) && prepares(s, MODE_PROACTIVE)) {
		session_left(s, now);
		ask_home(s, m, disconnect_relayed, now);
		return;
	}
	session_answer(s, m, REASON_ACCEPTED, now);
	if (s->home) {
		struct message plain = unnumbered(m);

		relay(s, &plain, relayed, now);
	}
	session_left(s, now);
}

/* What the terminal has measured, and what happened to the packets that waited for it here. */
static void terminal_reports(struct session *s, const struct message *m, usec_t now)
{
	struct message report = *m;

	session_answer(s, m, REASON_ACCEPTED, now);
	if (s->buffered || s->dropped) {
		message_set_number(&report, ATTR_BUFFERED, (uint64_t)m->buffered + s->buffered);
		message_set_number(&report, ATTR_DROPPED, (uint64_t)m->dropped + s->dropped);
	}
	if (s->home)
		relay(s, &report, relayed, now);
	else
		handover_measured(s->core, s->binding, &report);
}

/* A terminal that was restarted asks whether it is still served. */
static void terminal_asks(struct session *s)
{
	uint8_t octets[SNO_DATAGRAM_MAX];
	struct message m;
	int length;

	if (s->state != SESSION_REGISTERED)
		return;
	message_init(&m, MESSAGE_KEEPALIVE, 0);
	length = message_write(&m, octets, sizeof(octets));
	if (length > 0)
		session_transmit(s, octets, (size_t)length);
}

static void session_message(struct session *s, const struct message *m, usec_t now)
{
	if (m->type == MESSAGE_KEEPALIVE) {
		terminal_asks(s);
		return;
	}
	if (message_is_answer(m->type)) {
		request_answered(s->requests, m, now);
		return;
	}
	if (!message_is_request(m->type) || request_arrived(s->requests, m, now) != REQUEST_NEW)
		return;
	timer_set(&s->core->timers, &s->request_timer, now);
	if (s->state != SESSION_REGISTERED && s->state != SESSION_LEAVING) {
		session_answer(s, m, REASON_STALE_BINDING, now);
		return;
	}
	switch (m->type) {
	case MESSAGE_CORE_DISCONNECT:
		terminal_disconnects(s, m, now);
		break;
	case MESSAGE_HANDOVER_DONE:
		terminal_reports(s, m, now);
		break;
	case MESSAGE_HANDOVER_ANNOUNCEMENT:
		terminal_announces(s, m, now);
		break;
	default:
		session_answer(s, m, REASON_UNSUPPORTED, now);
		break;
	}
}

enum drop session_receive(struct session *s, struct satellite *satellite, const struct lladdr *mac,
			  const uint8_t *datagram, size_t length, usec_t now)
{
	struct message m;
	enum drop drop = access_open(&s->access, datagram, length, &m);

	if (drop != DROP_NONE)
		return drop;
	keep_session(s); /* it is not taken once more, whatever follows from it */
	s->core->counters.received[m.type & 0xff]++;
	/* Authentic, but not from where it registered: a copy sent by somebody else counts for
	 * nothing. */
	if (satellite == s->satellite && lladdr_equal(mac, &s->mac))
		session_message(s, &m, now);
	message_wipe(&m);
	return DROP_NONE;
}
