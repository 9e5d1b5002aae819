/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What visited cores ask of a home core: PROTOCOL section 9, procedure by procedure. */
#include "anticipation.h"
#include "authentication.h"
#include "binding.h"
#include "lead.h"
#include "log.h"
#include "mode.h"
#include "peer.h"

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
	next->mode = binding_full_mode(s, peer, mode);
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
	if (binding_full_mode(s, peer, MODE_COMBINED) == MODE_SOFT)
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
static void ask_whether_served(struct peer *peer, uint64_t binding, usec_t now)
{
	struct message echo;

	message_init(&echo, MESSAGE_ECHO, 0);
	peer_request(peer, &echo, served, binding, now);
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
	if (bound && lead_settles(a.subscriber))
		ask_whether_served(peer, next.number, now);
	/* The terminal waits for those; who served before, and the log, do not. */
	if (bound)
		binding_rebind(a.subscriber, &next, now);
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
