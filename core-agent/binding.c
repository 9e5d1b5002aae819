/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The home core's part of PROTOCOL section 9: what becomes of a binding, whoever asks for it.
 *
 * One binding per subscriber, in the manner of RFC 6275 section 9.5, except that the visited core
 * binds on behalf of the terminal it was told to be authentic, and that the old place is told
 * to send back what is still under way.
 */
#include "binding.h"

#include "anticipation.h"
#include "crowd.h"
#include "guard.h"
#include "keep.h"
#include "lead.h"
#include "log_event.h"
#include "mode.h"
#include "peer.h"
#include "release.h"
#include "session.h"

#include <stdio.h>
#include <string.h>

/* How well the lengths of two ways are known, as for the uplink (terminal-agent/uplink.h). */
#define SOFT_DOUBT ((usec_t)500)
/*
 * What sealing and opening a packet may take at the two ends of a protected tunnel, without help
 * for it in hardware. Round trips are those of signalling, which know nothing of it.
 */
#define SEALING USEC_PER_MSEC
/* In which a peer that was told of a terminal serves it, should it not say so. */
#define SERVED_IN (500 * USEC_PER_MSEC)

const char *binding_state_name(enum binding_state state)
{
	static const char *const names[] = {"none", "home", "visiting"};

	return names[state];
}

/* Which core serves now; "" for none. */
static const char *serving_name(const struct subscriber *s)
{
	if (s->binding.state == BINDING_VISITING)
		return s->binding.peer->name;
	return s->binding.state == BINDING_HOME ? s->core->config->name : "";
}

struct peer *binding_serving(const struct subscriber *s)
{
	return s->binding.state == BINDING_VISITING ? s->binding.peer : NULL;
}

struct path binding_path(const struct subscriber *s)
{
	const struct session *session =
		s->binding.state == BINDING_HOME ? session_find(s->core, s->nai) : NULL;
	struct path path = s->binding.path;

	/* Its satellite may have another port since. */
	if (session && session_satellite(session))
		path.port = session_satellite(session)->port;
	return path;
}

usec_t binding_way(const struct peer *peer)
{
	return peer ? channel_rtt(peer->channel) / 2 : 0;
}

/* How late a packet may be that goes by the core which serves now. */
static usec_t way_before(const struct subscriber *s)
{
	const struct peer *serving = binding_serving(s);

	return binding_way(serving) + (serving && serving->protection.suite ? SEALING : 0);
}

/* By how much the way by this core is longer than by the one that serves now; negative: shorter. */
static usec_t longer(const struct subscriber *s, const struct peer *to)
{
	return binding_way(to) - way_before(s);
}

usec_t binding_shorter(const struct subscriber *s, const struct peer *to)
{
	usec_t by = s->binding.state == BINDING_NONE ? 0 : -longer(s, to);

	return by > 0 ? by : 0;
}

/* ---- changes ------------------------------------------------------------------------------- */

/* The root of a full registration goes with its binding; a foreseen move keeps the root. */
static void take_root(struct subscriber *s, uint64_t number, usec_t now)
{
	if (number == 0) {
		root_wipe(&s->root);
	} else if (s->offer.number == number && s->offer.root.known) {
		root_pass(&s->root, &s->offer.root);
		s->root.until = now + s->core->config->timers.lifetime;
	}
}

/* Under the binding that ends; its addresses are guarded still. */
static void account_close(struct subscriber *s, usec_t now)
{
	const struct path homes = subscriber_homes(s);

	if (s->binding.state != BINDING_NONE)
		accounting_close(s->core, &s->binding.account, &homes, s->nai,
				 s->core->config->name, serving_name(s), now);
}

static void account_open(struct subscriber *s, usec_t now)
{
	const struct path homes = subscriber_homes(s);

	if (s->binding.state != BINDING_NONE)
		accounting_open(s->core, &s->binding.account, &homes, s->binding.number, now);
}

/* One more or less at a peer, where the binding is to one. */
static void count_away(const struct subscriber *s, int one)
{
	if (s->binding.state != BINDING_VISITING)
		return;
	s->binding.peer->bindings += (unsigned int)one;
	s->core->away += (unsigned int)one;
}

/* The one place where a binding changes. */
static void binding_enter(struct subscriber *s, const struct binding_next *next, usec_t now,
			  const char *reason)
{
	struct core *core = s->core;
	struct binding *b = &s->binding;
	char what[NAI_TEXT + 16];

	snprintf(what, sizeof(what), "binding of %s", s->nai);
	log_transition_event(&(struct log_about){.event = LOG_EVENT_STATE,
						 .terminal = s->nai,
						 .peer = next->peer ? next->peer->name : NULL},
			     what, binding_state_name(b->state), binding_state_name(next->state),
			     reason);
	anticipations_end(s, REASON_TERMINAL_MOVED, now);
	account_close(s, now);
	if (b->state != BINDING_NONE)
		HASH_DELETE(hh_bound, core->bound, s);
	count_away(s, -1);
	/* What has ended cannot be taken up again: no core keeps a terminal after release. */
	if (next->state == BINDING_NONE && s->offer.number == b->number)
		subscriber_offer_end(s);
	take_root(s, next->number, now);
	b->state = next->state;
	b->number = next->number;
	b->peer = next->peer;
	b->coa = next->coa;
	b->path = next->path;
	b->place = next->place;
	b->left = false;
	b->since = now;
	b->expires = next->state == BINDING_NONE ? USEC_NEVER : now + core->config->timers.lifetime;
	if (b->state != BINDING_NONE)
		HASH_ADD(hh_bound, core->bound, binding.number, sizeof(b->number), s);
	count_away(s, 1);
	account_open(s, now);
	guard_subscriber(s);
	crowd_join(s, b->place.satellite);
	timer_set(&core->timers, &b->timer, b->expires);
	keep_subscriber(s);
}

void binding_resume(struct subscriber *s, const struct binding *binding)
{
	const struct timer timer = s->binding.timer;

	s->binding = *binding;
	s->binding.timer = timer;
	count_away(s, 1);
	HASH_ADD(hh_bound, s->core->bound, binding.number, sizeof(s->binding.number), s);
	crowd_join(s, s->binding.place.satellite);
	timer_set(&s->core->timers, &s->binding.timer, s->binding.expires);
}

void binding_end(struct subscriber *s, usec_t now, const char *reason)
{
	const struct binding_next none = {.state = BINDING_NONE};

	account_close(s, now);
	lead_nowhere(s);
	binding_enter(s, &none, now, reason);
}

/*
 * Who serves until now is to be told, unless it serves on: that core replaces its own session. A
 * terminal that has moved softly still listens there: what is under way is delivered, and not sent
 * back.
 */
static void owe_previous(const struct subscriber *s, const struct binding_next *next, usec_t now)
{
	struct peer *serving = binding_serving(s);

	if (serving && serving != next->peer)
		release_owe(serving, s->binding.number, REASON_TERMINAL_MOVED,
			    next->mode == MODE_SOFT, now);
}

/* The path has moved to `peer` (NULL: to this core's access side): tell who served before. */
static void release_previous(struct subscriber *s, const struct peer *peer, usec_t now)
{
	const struct binding *b = &s->binding;

	if (b->state == BINDING_VISITING)
		release_tell(b->peer, b->number, now);
	else if (b->state == BINDING_HOME && peer)
		session_moved(s->core, s->nai, now);
}

/*
 * How long packets wait here before they take the new way. Nothing may overtake what a terminal is
 * still listening to. And where they have waited for one that has come elsewhere, none of them is
 * to be lost now: they would overtake the peer's work on our answer (binding_request.c asks for
 * that).
 */
static usec_t waits(const struct subscriber *s, const struct binding_next *next)
{
	if (next->mode == MODE_SOFT && binding_serving(s) != next->peer)
		return SOFT_DOUBT - longer(s, next->peer);
	if (next->mode == MODE_COMBINED && next->peer && anticipation_awaits(s, next->peer))
		return SERVED_IN;
	return 0;
}

enum reason binding_lead(struct subscriber *s, struct binding_next *next, usec_t now)
{
	usec_t began = core_clock(s->core, now);
	/* A peer that takes its time to answer does not have its former visitors wait until packets
	 * are given up. */
	usec_t delay = usec_min(waits(s, next), s->core->config->handover.hold.time / 2);
	int result;

	result = delay > 0 ? lead_along_after(s, &next->path, delay, now)
			   : lead_along(s, &next->path, now, &next->held);

	next->switching = core_clock(s->core, now) - began;
	if (result < 0)
		return REASON_KERNEL_REFUSED;
	owe_previous(s, next, now);
	keep_binding(s, next, now);
	return REASON_ACCEPTED;
}

void binding_rebind(struct subscriber *s, const struct binding_next *next, usec_t now)
{
	struct handover h = {.at = now,
			     .binding = next->number,
			     .mode = next->mode,
			     .switching = next->switching,
			     .held = next->held};

	snprintf(h.nai, sizeof(h.nai), "%s", s->nai);
	snprintf(h.from, sizeof(h.from), "%s", serving_name(s));
	release_previous(s, next->peer, now);
	binding_enter(s, next, now, "registered");
	snprintf(h.to, sizeof(h.to), "%s", serving_name(s));
	if (strcmp(h.from, h.to) != 0)
		handover_begun(s->core, &h);
}

enum handover_mode binding_full_mode(const struct subscriber *s, const struct peer *to,
				     enum handover_mode without)
{
	bool bound = s->binding.state != BINDING_NONE;

	if (bound && s->offer.soft && mode_of_move(s, binding_serving(s), to) == MODE_SOFT)
		return MODE_SOFT;
	return without;
}

/* ---- at home ------------------------------------------------------------------------------- */

enum reason binding_at_home(struct subscriber *s, uint64_t number, const struct path *path,
			    usec_t now)
{
	struct binding_next next = {.state = BINDING_HOME, .number = number, .path = *path};
	enum reason reason;

	if (s->offer.number != number || s->offer.to)
		return REASON_STALE_BINDING;
	next.place = s->offer.place;
	next.mode = binding_full_mode(s, NULL,
				      mode_of_move(s, NULL, NULL) < MODE_COMBINED ? MODE_BASELINE
										  : MODE_COMBINED);
	reason = binding_lead(s, &next, now);
	if (reason == REASON_ACCEPTED)
		binding_rebind(s, &next, now);
	return reason;
}

void binding_note_end(const struct subscriber *s, usec_t now)
{
	const struct binding_next none = {.state = BINDING_NONE};

	keep_binding(s, &none, now);
}

void binding_left(struct subscriber *s, bool final, usec_t now)
{
	if (s->binding.state == BINDING_NONE)
		return;
	s->binding.left = true;
	keep_subscriber(s);
	if (final)
		binding_withdraw(s, REASON_TERMINAL_LEFT, now);
}

/* ---- ends ---------------------------------------------------------------------------------- */

void binding_withdraw(struct subscriber *s, enum reason reason, usec_t now)
{
	struct peer *serving = binding_serving(s);
	const uint64_t binding = s->binding.number;

	if (s->binding.state == BINDING_NONE)
		return;
	if (serving)
		release_owe(serving, binding, reason, false, now);
	else
		session_withdrawn(s->core, s->nai, reason, now);
	binding_end(s, now, reason_name(reason));
	if (serving)
		release_tell(serving, binding, now);
}

static void binding_timer(struct timer *timer, void *arg, usec_t now)
{
	(void)timer;
	binding_withdraw(arg, REASON_LIFETIME_EXPIRED, now);
}

void binding_init(struct subscriber *s)
{
	s->binding = (struct binding){.state = BINDING_NONE, .expires = USEC_NEVER};
	timer_init(&s->binding.timer, binding_timer, s);
}

void binding_peer_removed(struct peer *peer, usec_t now)
{
	struct subscriber *s, *next;

	HASH_ITER (hh, peer->core->subscribers, s, next) {
		if (s->offer.to == peer)
			subscriber_offer_end(s);
		if (binding_serving(s) == peer)
			binding_withdraw(s, REASON_ADMINISTRATIVE, now);
	}
}
