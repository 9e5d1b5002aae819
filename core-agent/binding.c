/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The home core's part of PROTOCOL section 9: the table there, procedure by procedure.
 *
 * One binding per subscriber, in the manner of RFC 6275 section 9.5, except that the visited core
 * binds on behalf of the terminal it was told to be authentic, and that the old place is told
 * to send back what is still under way.
 */
#include "binding.h"

#include "anticipation.h"
#include "authentication.h"
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

static void binding_end(struct subscriber *s, usec_t now, const char *reason)
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
 * to be lost now: they would overtake the peer's work on our answer (ask_whether_served()).
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

/* The mode of a full registration that the home core carries out at once, or in two exchanges. */
static enum handover_mode full_mode(const struct subscriber *s, const struct peer *to,
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
	next.mode = full_mode(s, NULL,
			      mode_of_move(s, NULL, NULL) < MODE_COMBINED ? MODE_BASELINE
									  : MODE_COMBINED);
	reason = binding_lead(s, &next, now);
	if (reason == REASON_ACCEPTED)
		binding_rebind(s, &next, now);
	return reason;
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

/* ---- requests of visited cores ------------------------------------------------------------- */

enum reason binding_tunnel_path(struct peer *peer, const struct subscriber *s,
				const struct message *m, struct path *path)
{
	const struct core *core = peer->core;
	const struct message *hello = channel_hello(peer->channel);
	enum tunnel_kind kind = m->tunnel_kind;
	enum reason reason;

	if (!hello || !(hello->tunnel_kinds & core->underlay.kinds & kind) ||
	    m->coa.family != tunnel_family(kind) || (kind == TUNNEL_IPIP4 && addr_none(&s->hoa4)))
		return REASON_NO_COMMON_TUNNEL;
	if (!peer_owns_care_of(peer, &m->coa))
		return REASON_NOT_PERMITTED;
	reason = protection_allows(peer, kind);
	if (reason != REASON_ACCEPTED)
		return reason;
	*path = (struct path){
		.kind = PATH_TUNNEL,
		.hoa4 = s->hoa4,
		.hoa6 = s->hoa6,
		.prefix = s->prefix,
		.mtu = path_mtu(peer, kind),
		.tunnel = kind,
		.outer_src = *underlay_end(&core->underlay, kind),
		.outer_dst = m->coa,
		.key = m->tunnel_key,
		.df = path_mtu_df(peer, kind),
		.peer = peer,
	};
	return REASON_ACCEPTED;
}

/* Points the routes of the subscriber that its offer to this peer is for to the peer. */
static enum reason take_up(struct peer *peer, const struct message *request, struct subscriber *s,
			   enum handover_mode mode, usec_t now, struct binding_next *next)
{
	enum reason reason;

	*next = (struct binding_next){.state = BINDING_VISITING};
	if (!s || s->offer.to != peer || now > s->offer.until)
		return REASON_STALE_BINDING;
	next->number = s->offer.number;
	next->peer = peer;
	next->coa = request->coa;
	next->place = s->offer.place;
	next->mode = full_mode(s, peer, mode);
	reason = binding_tunnel_path(peer, s, request, &next->path);
	return reason == REASON_ACCEPTED ? binding_lead(s, next, now) : reason;
}

/* The answer of a home core that vouches for the terminal. */
static void vouch(const struct authentication *a, struct message *ack)
{
	const struct subscriber *s = a->subscriber;

	message_set_text(ack, ATTR_USER, s->user);
	message_set_number(ack, ATTR_COUNTER, a->counter);
	message_set_link_layer(ack, &a->link_layer);
	message_set_addr(ack, ATTR_LINK_LOCAL, &a->link_local);
	message_set_number(ack, ATTR_MTU, a->mtu);
	message_set_number(ack, ATTR_LIFETIME, a->lifetime);
	message_set_addr(ack, ATTR_HOA4, &s->hoa4);
	message_set_addr(ack, ATTR_HOA6, &s->hoa6);
	message_set_prefix(ack, &s->prefix);
	message_set_octets(ack, ATTR_ACCESS_KEY, a->access_key);
	message_set_number(ack, ATTR_BINDING, a->binding);
	if (a->uplink_delay > 0)
		message_set_number(ack, ATTR_UPLINK_DELAY, a->uplink_delay);
}

/*
 * `combined` (PROTOCOL section 15.1): the peer has said where the tunnel is to end, and needs no
 * exchange of its own for that. Whatever stands against it, it is authentic all the same, and can
 * ask for the tunnel as in `baseline`.
 */
static bool combine(struct peer *peer, const struct message *request,
		    const struct authentication *a, usec_t now, struct binding_next *next,
		    struct message *ack)
{
	struct subscriber *s = a->subscriber;
	unsigned int mtu;
	enum reason reason;

	if (!message_has(request, ATTR_COA) || mode_of_move(s, NULL, peer) < MODE_COMBINED)
		return false;
	/* Packets overtake the peer's work on this answer, so some would be lost or late. A
	 * terminal that still has its old link does not wait for the exchange that avoids it. */
	if (full_mode(s, peer, MODE_COMBINED) == MODE_SOFT)
		return false;
	/* A copy from another address will be refused there: it must not move him now. */
	if (!lladdr_equal(&request->link_layer, &a->link_layer) ||
	    !addr_equal(&request->link_local, &a->link_local))
		return false;
	reason = take_up(peer, request, s, MODE_COMBINED, now, next);
	if (reason != REASON_ACCEPTED) {
		log_info("terminal %s: not bound to %s with its authentication: %s", s->nai,
			 peer->name, reason_name(reason));
		return false;
	}
	mtu = next->path.mtu < a->mtu ? next->path.mtu : a->mtu;
	message_set_number(ack, ATTR_MTU, mtu);
	message_set_addr(ack, ATTR_COA, &request->coa);
	return true;
}

/* Any answer: it was behind the other one. */
static void served(void *context, uint64_t binding, enum reason reason,
		   const struct message *answer, usec_t now)
{
	struct subscriber *s = subscriber_bound(context, binding);

	(void)reason;
	if (s && answer)
		lead_settle(s, now);
}

/*
 * What waits for the peer to carry out our answer need not wait for longer than it takes to ask
 * (PROTOCOL section 4.7): for no longer, then, than the exchange would have taken that `combined`
 * saves.
 */
static void ask_whether_served(struct peer *peer, const struct subscriber *s, usec_t now)
{
	struct message echo;

	if (!lead_settles(s))
		return;
	message_init(&echo, MESSAGE_ECHO, 0);
	peer_request(peer, &echo, served, s->binding.number, now);
}

void binding_authentication(struct peer *peer, const struct message *request, usec_t now)
{
	struct core *core = peer->core;
	struct authentication a = {.reason = REASON_UNKNOWN_REALM};
	struct binding_next next;
	struct message ack;
	bool bound = false;

	if (!door_authentication(peer, now))
		a.reason = REASON_BUSY;
	else if (!strcmp(request->realm, core->config->name))
		authenticate(core, peer, request->next_satellite, request->index,
			     &request->handshake, now, &a);
	message_init(&ack, MESSAGE_AUTHENTICATION_ACK, 0);
	message_set_number(&ack, ATTR_REASON, a.reason);
	if (a.answer.length > 0)
		message_set_blob(&ack, ATTR_HANDSHAKE, a.answer.bytes, a.answer.length);
	if (a.reason == REASON_ACCEPTED) {
		vouch(&a, &ack);
		bound = combine(peer, request, &a, now, &next, &ack);
	} else {
		log_remote(&peer->noise, now, "authentication of %s at %s refused: %s",
			   a.subscriber ? a.subscriber->nai : "a terminal", peer->name,
			   reason_name(a.reason));
	}
	peer_answer(peer, request, &ack, now);
	/* The terminal waits for that answer; who served before, and the log, do not. */
	if (bound) {
		binding_rebind(a.subscriber, &next, now);
		ask_whether_served(peer, a.subscriber, now);
	}
	message_wipe(&ack);
	keys_wipe(&a, sizeof(a));
}

void binding_tunnel_request(struct peer *peer, const struct message *request, usec_t now)
{
	struct subscriber *s = subscriber_offered(peer->core, request->binding);
	struct binding_next next;
	enum reason reason;

	if (message_has(request, ATTR_ARRIVAL)) {
		anticipation_arrived(peer, request, now);
		return;
	}
	reason = take_up(peer, request, s, MODE_BASELINE, now, &next);
	binding_tunnel_answer(peer, request, reason, now);
	if (reason == REASON_ACCEPTED)
		binding_rebind(s, &next, now);
}

void binding_tunnel_answer(struct peer *peer, const struct message *request, enum reason reason,
			   usec_t now)
{
	struct message ack;

	if (reason != REASON_ACCEPTED)
		log_remote(&peer->noise, now, "tunnel request of %s for binding %llu refused: %s",
			   peer->name, (unsigned long long)request->binding, reason_name(reason));
	message_init(&ack, MESSAGE_TUNNEL_ACK, 0);
	message_set_number(&ack, ATTR_REASON, reason);
	message_set_number(&ack, ATTR_BINDING, request->binding);
	if (reason == REASON_ACCEPTED)
		message_set_number(&ack, ATTR_MTU, path_mtu(peer, request->tunnel_kind));
	peer_answer(peer, request, &ack, now);
}

/* The subscriber whose present binding this is, and is at this peer. */
static struct subscriber *bound_at(const struct peer *peer, const struct message *request)
{
	struct subscriber *s = subscriber_bound(peer->core, request->binding);

	return s && s->binding.state == BINDING_VISITING && s->binding.peer == peer ? s : NULL;
}

void binding_announced(struct peer *peer, const struct message *request, usec_t now)
{
	struct subscriber *s = bound_at(peer, request);

	if (s)
		anticipation_announced(s, peer, request, NULL, now);
	else
		peer_answer_reason(peer, request, REASON_STALE_BINDING, now);
}

void binding_disconnected(struct peer *peer, const struct message *request, usec_t now)
{
	struct subscriber *s = bound_at(peer, request);
	bool final = message_has(request, ATTR_LIFETIME) && request->lifetime == 0;

	if (s)
		log_info("terminal %s: leaves %s%s%s", s->nai, peer->name,
			 message_has(request, ATTR_NEXT_SATELLITE) ? " for satellite " : "",
			 message_has(request, ATTR_NEXT_SATELLITE) ? request->next_satellite : "");
	if (s && !final && anticipation_names_move(request)) {
		anticipation_announced(s, peer, request, NULL, now);
		return;
	}
	if (s)
		binding_left(s, final, now);
	peer_answer_reason(peer, request, s ? REASON_ACCEPTED : REASON_STALE_BINDING, now);
}

void binding_handover_done(struct peer *peer, const struct message *request, usec_t now)
{
	struct subscriber *s = bound_at(peer, request);

	peer_answer_reason(peer, request, s ? REASON_ACCEPTED : REASON_STALE_BINDING, now);
	if (s)
		handover_measured(s->core, request->binding, request);
}

void binding_released(struct peer *peer, const struct message *request, usec_t now)
{
	struct core *core = peer->core;
	struct subscriber *s = bound_at(peer, request);
	struct subscriber *offered = subscriber_offered(core, request->binding);
	/* The answer says that the home addresses lead elsewhere: what was held there comes back.
	 */
	bool known = s || anticipation_not_arrived(core, peer, request->binding, now);

	/* Given back: a tunnel request for it that is still under way comes too late. */
	if (offered && offered->offer.to == peer)
		subscriber_offer_end(offered);
	if (s)
		binding_end(s, now, reason_name(request->reason));
	peer_answer_reason(peer, request, known ? REASON_ACCEPTED : REASON_STALE_BINDING, now);
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
