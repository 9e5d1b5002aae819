/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The home core's part of PROTOCOL section 9: the table there, procedure by procedure.
 *
 * One binding per subscriber, in the manner of RFC 6275 section 9.5, except that the visited core
 * binds on behalf of the terminal it was told to be authentic, and that the old place is told
 * to send back what is still under way.
 */
#include "binding.h"

#include "authentication.h"
#include "log.h"
#include "peer.h"
#include "session.h"

#include <stdio.h>
#include <string.h>

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

/* The one place where a binding changes. peer and coa belong to BINDING_VISITING. */
static void binding_enter(struct subscriber *s, enum binding_state state, uint64_t number,
			  struct peer *peer, const struct addr *coa, usec_t now, const char *reason)
{
	struct core *core = s->core;
	struct binding *b = &s->binding;
	char what[NAI_TEXT + 16];

	snprintf(what, sizeof(what), "binding of %s", s->nai);
	log_transition(what, binding_state_name(b->state), binding_state_name(state), reason);
	if (b->state != BINDING_NONE)
		HASH_DELETE(hh_bound, core->bound, s);
	/* What has ended cannot be taken up again: no core keeps a terminal after release. */
	if (state == BINDING_NONE && s->offered == b->number)
		subscriber_offer_end(s);
	b->state = state;
	b->number = number;
	b->peer = peer;
	b->coa = coa ? *coa : (struct addr){.family = AF_UNSPEC};
	b->left = false;
	b->since = now;
	b->expires = state == BINDING_NONE ? USEC_NEVER : now + core->config->timers.lifetime;
	if (state != BINDING_NONE)
		HASH_ADD(hh_bound, core->bound, binding.number, sizeof(b->number), s);
	timer_set(&core->timers, &b->timer, b->expires);
}

/*
 * The path has moved to `peer` (NULL: to this core's access side): tell who served before. The same
 * core with a newer binding has replaced its own session already.
 */
static void release_previous(struct subscriber *s, const struct peer *peer, usec_t now)
{
	const struct binding *b = &s->binding;

	if (b->state == BINDING_VISITING && b->peer != peer)
		peer_release(b->peer, b->number, REASON_TERMINAL_MOVED, now);
	else if (b->state == BINDING_HOME && peer)
		session_moved(s->core, s->nai, now);
}

static void rebind(struct subscriber *s, enum binding_state state, uint64_t number,
		   struct peer *peer, const struct addr *coa, usec_t now)
{
	char before[SNO_NAME_MAX + 1];
	const char *after;

	snprintf(before, sizeof(before), "%s", serving_name(s));
	release_previous(s, peer, now);
	binding_enter(s, state, number, peer, coa, now, "registered");
	after = serving_name(s);
	if (strcmp(before, after) != 0)
		handover_begun(s->core, s->nai, before, after, number, now);
}

/* ---- at home ------------------------------------------------------------------------------- */

enum reason binding_at_home(struct subscriber *s, uint64_t number, const struct path *path,
			    usec_t now)
{
	if (s->offered != number || s->offered_to)
		return REASON_STALE_BINDING;
	if (forwarding_set(s->core, &s->path, path) < 0)
		return REASON_KERNEL_REFUSED;
	rebind(s, BINDING_HOME, number, NULL, NULL, now);
	return REASON_ACCEPTED;
}

void binding_left(struct subscriber *s, bool final, usec_t now)
{
	if (s->binding.state == BINDING_NONE)
		return;
	s->binding.left = true;
	if (final)
		binding_withdraw(s, REASON_TERMINAL_LEFT, now);
}

/* ---- requests of visited cores ------------------------------------------------------------- */

void binding_authentication(struct peer *peer, const struct message *request, usec_t now)
{
	struct core *core = peer->core;
	struct authentication a = {.reason = REASON_UNKNOWN_REALM};
	struct message ack;

	if (!strcmp(request->realm, core->config->name))
		authenticate(core, peer, request->index, &request->handshake, now, &a);
	message_init(&ack, MESSAGE_AUTHENTICATION_ACK, 0);
	message_set_number(&ack, ATTR_REASON, a.reason);
	if (a.answer.length > 0)
		message_set_blob(&ack, ATTR_HANDSHAKE, a.answer.bytes, a.answer.length);
	if (a.reason == REASON_ACCEPTED) {
		message_set_text(&ack, ATTR_USER, a.subscriber->user);
		message_set_number(&ack, ATTR_COUNTER, a.counter);
		message_set_link_layer(&ack, &a.link_layer);
		message_set_addr(&ack, ATTR_LINK_LOCAL, &a.link_local);
		message_set_number(&ack, ATTR_MTU, a.mtu);
		message_set_number(&ack, ATTR_LIFETIME, a.lifetime);
		message_set_addr(&ack, ATTR_HOA4, &a.subscriber->hoa4);
		message_set_addr(&ack, ATTR_HOA6, &a.subscriber->hoa6);
		message_set_prefix(&ack, &a.subscriber->prefix);
		message_set_octets(&ack, ATTR_ACCESS_KEY, a.access_key);
		message_set_number(&ack, ATTR_BINDING, a.binding);
	} else {
		log_remote(&peer->noise, now, "authentication of %s at %s refused: %s",
			   a.subscriber ? a.subscriber->nai : "a terminal", peer->name,
			   reason_name(a.reason));
	}
	peer_answer(peer, request, &ack, now);
	message_wipe(&ack);
	keys_wipe(&a, sizeof(a));
}

/* The path to a care-of address. The peer's choice of tunnel and address must be within what both
 * have said they can and may use. */
static enum reason tunnel_path(struct peer *peer, const struct subscriber *s,
			       const struct message *request, struct path *path)
{
	const struct core *core = peer->core;
	const struct message *hello = channel_hello(peer->channel);
	enum tunnel_kind kind = request->tunnel_kind;

	if (!hello || !(hello->tunnel_kinds & core->underlay.kinds & kind) ||
	    request->coa.family != tunnel_family(kind) ||
	    (kind == TUNNEL_IPIP4 && addr_none(&s->hoa4)))
		return REASON_NO_COMMON_TUNNEL;
	if (!peer_owns_care_of(peer, &request->coa))
		return REASON_NOT_PERMITTED;
	*path = (struct path){
		.kind = PATH_TUNNEL,
		.hoa4 = s->hoa4,
		.hoa6 = s->hoa6,
		.prefix = s->prefix,
		.mtu = underlay_mtu(core->config, kind),
		.tunnel = kind,
		.outer_src = *underlay_end(&core->underlay, kind),
		.outer_dst = request->coa,
		.key = request->tunnel_key,
	};
	return REASON_ACCEPTED;
}

/* Points the routes of the subscriber that this binding was offered for to the peer. */
static enum reason tunnel_install(struct peer *peer, const struct message *request,
				  struct subscriber *s, usec_t now)
{
	enum reason reason;
	struct path path;

	if (!s || s->offered_to != peer || now > s->offered_until)
		return REASON_STALE_BINDING;
	reason = tunnel_path(peer, s, request, &path);
	if (reason != REASON_ACCEPTED)
		return reason;
	if (forwarding_set(peer->core, &s->path, &path) < 0)
		return REASON_KERNEL_REFUSED;
	return REASON_ACCEPTED;
}

void binding_tunnel_request(struct peer *peer, const struct message *request, usec_t now)
{
	struct subscriber *s = subscriber_offered(peer->core, request->binding);
	enum reason reason = tunnel_install(peer, request, s, now);
	struct message ack;

	if (reason != REASON_ACCEPTED)
		log_remote(&peer->noise, now, "tunnel request of %s for binding %llu refused: %s",
			   peer->name, (unsigned long long)request->binding, reason_name(reason));
	message_init(&ack, MESSAGE_TUNNEL_ACK, 0);
	message_set_number(&ack, ATTR_REASON, reason);
	message_set_number(&ack, ATTR_BINDING, request->binding);
	if (reason == REASON_ACCEPTED)
		message_set_number(&ack, ATTR_MTU,
				   underlay_mtu(peer->core->config, request->tunnel_kind));
	peer_answer(peer, request, &ack, now);
	/* The terminal waits for that answer; who served before, and the log, do not. */
	if (reason == REASON_ACCEPTED)
		rebind(s, BINDING_VISITING, request->binding, peer, &request->coa, now);
}

/* The subscriber whose present binding this is, and is at this peer. */
static struct subscriber *bound_at(const struct peer *peer, const struct message *request)
{
	struct subscriber *s = subscriber_bound(peer->core, request->binding);

	return s && s->binding.state == BINDING_VISITING && s->binding.peer == peer ? s : NULL;
}

void binding_disconnected(struct peer *peer, const struct message *request, usec_t now)
{
	struct subscriber *s = bound_at(peer, request);
	bool final = message_has(request, ATTR_LIFETIME) && request->lifetime == 0;

	peer_answer_reason(peer, request, s ? REASON_ACCEPTED : REASON_STALE_BINDING, now);
	if (!s)
		return;
	log_info("terminal %s: leaves %s%s%s", s->nai, peer->name,
		 message_has(request, ATTR_NEXT_SATELLITE) ? " for satellite " : "",
		 message_has(request, ATTR_NEXT_SATELLITE) ? request->next_satellite : "");
	binding_left(s, final, now);
}

void binding_handover_done(struct peer *peer, const struct message *request, usec_t now)
{
	struct subscriber *s = bound_at(peer, request);

	peer_answer_reason(peer, request, s ? REASON_ACCEPTED : REASON_STALE_BINDING, now);
	if (s)
		handover_measured(s->core, request->binding, request->gap,
				  request->registration_time);
}

void binding_released(struct peer *peer, const struct message *request, usec_t now)
{
	struct subscriber *s = bound_at(peer, request);
	struct subscriber *offered = subscriber_offered(peer->core, request->binding);

	peer_answer_reason(peer, request, s ? REASON_ACCEPTED : REASON_STALE_BINDING, now);
	/* Given back: a tunnel request for it that is still under way comes too late. */
	if (offered && offered->offered_to == peer)
		subscriber_offer_end(offered);
	if (!s)
		return;
	forwarding_clear(s->core, &s->path);
	binding_enter(s, BINDING_NONE, 0, NULL, NULL, now, reason_name(request->reason));
}

/* ---- ends ---------------------------------------------------------------------------------- */

void binding_withdraw(struct subscriber *s, enum reason reason, usec_t now)
{
	if (s->binding.state == BINDING_NONE)
		return;
	if (s->binding.state == BINDING_VISITING)
		peer_release(s->binding.peer, s->binding.number, reason, now);
	else
		session_withdrawn(s->core, s->nai, reason, now);
	forwarding_clear(s->core, &s->path);
	binding_enter(s, BINDING_NONE, 0, NULL, NULL, now, reason_name(reason));
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
		if (s->offered_to == peer)
			subscriber_offer_end(s);
		if (s->binding.state != BINDING_VISITING || s->binding.peer != peer)
			continue;
		forwarding_clear(s->core, &s->path);
		binding_enter(s, BINDING_NONE, 0, NULL, NULL, now, "peer removed");
	}
}
