/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From core discovery to registration done, as visited core: the draft's figure 4, and the same in
 * one exchange.
 *
 *   discovery --> AUTHENTICATING --ACK--> TUNNELLING --tunnel ACK--> registered
 *                     |   \                  |
 *                     |    +--ACK with COA---|-----------------------> registered
 *                   reject             undo, reject
 *
 * Where a tunnel request is made, everything the terminal's packets need is in the kernel before:
 * they may arrive together with its answer. `combined` (PROTOCOL section 15.1) saves that exchange
 * by naming the care-of address together with the handshake. Who the terminal is, and so which home
 * addresses to route, is known only when they are already on their way.
 */
#include "registration.h"

#include "binding_number.h"
#include "care_of.h"
#include "door.h"
#include "log_event.h"
#include "mode.h"
#include "peer.h"
#include "preparation.h"
#include "release.h"
#include "send.h"
#include "session.h"
#include "way.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool registration_running(const struct core *core, const uint8_t hash[HASH_LENGTH])
{
	struct registration *r;

	HASH_FIND(hh, core->registrations, hash, HASH_LENGTH, r);
	return r != NULL;
}

static struct registration *find_by_id(const struct core *core, uint64_t id)
{
	struct registration *r;

	HASH_FIND(hh_id, core->registration_ids, &id, sizeof(id), r);
	return r;
}

static void registration_free(struct registration *r)
{
	if (r->session)
		r->session->registration = NULL;
	HASH_DELETE(hh, r->core->registrations, r);
	HASH_DELETE(hh_id, r->core->registration_ids, r);
	r->home->registrations--;
	keys_wipe(r, sizeof(*r));
	free(r);
}

static void give_care_of(struct registration *r)
{
	if (r->took_coa)
		care_of_give(r->core, &r->coa);
	r->took_coa = false;
}

void registration_drop(struct registration *r, enum reason reason, usec_t now)
{
	give_care_of(r);
	if (r->request > 0)
		peer_request_cancel(r->home, r->request);
	if (r->asked)
		release_send(r->home, r->granted.binding, reason, now);
	if (r->superseded)
		release_send(r->home, r->superseded, reason, now);
	registration_free(r);
}

/* Served before this attempt: so the terminal may still be, unless its home core has moved on. */
static bool serves(const struct session *s)
{
	return s->state == SESSION_REGISTERED || s->state == SESSION_LEAVING;
}

/* The home core had already led the home addresses away from what it was served by here. */
static void end_former(const struct registration *r, enum reason reason, usec_t now)
{
	struct session *s = session_find(r->core, r->nai);

	if (s && serves(s) && !s->registration &&
	    binding_number_spent(s->binding, r->granted.binding))
		session_evict(s, reason, now);
}

/* Puts back what the attempt has changed, and ends it. */
static void abandon(struct registration *r, enum reason reason, usec_t now)
{
	struct session *s = r->session;
	bool bound = r->bound;
	int result = s ? forwarding_set(r->core, s->path, &r->before) : 0;

	if (!s && bound)
		end_former(r, reason, now);
	registration_drop(r, reason, now);
	if (s && result < 0)
		/* It cannot be served where it was either. */
		session_evict(s, REASON_KERNEL_REFUSED, now);
	else if (s && bound && serves(s))
		session_evict(s, reason, now);
	else if (s)
		session_abandon(s, now);
}

static void reject(struct registration *r, enum reason reason, const struct message_blob *handshake,
		   usec_t now)
{
	log_remote_event(&r->home->noise, now,
			 &(struct log_about){.event = LOG_EVENT_REFUSED,
					     .peer = r->home->name,
					     .satellite = r->satellite->name},
			 "registration of a terminal of %s on satellite %s refused: %s",
			 r->home->name, r->satellite->name, reason_name(reason));
	send_reject(r->satellite, &r->mac, &r->link_local, r->terminal_index, reason, handshake);
	abandon(r, reason, now);
}

/* ---- what the home core says --------------------------------------------------------------- */

/* The home core sends here, and the kernel leads on from here. */
static void succeed(struct registration *r, enum handover_mode mode, usec_t now)
{
	const struct message *granted = &r->granted;
	const uint16_t own = path_mtu(r->home, r->tunnel);
	const struct session_grant grant = {
		.satellite = r->satellite,
		.mac = r->mac,
		.link_local = r->link_local,
		.terminal_index = r->terminal_index,
		.binding = granted->binding,
		.coa = r->coa,
		.path = r->session->path,
		.lifetime = granted->lifetime,
		.mtu = granted->mtu < own ? granted->mtu : own,
		.uplink_delay = granted->uplink_delay,
		.mode = mode_of_peer(r->home) > MODE_BASELINE ? mode : 0,
		.access_key = granted->access_key,
		.handshake = &granted->handshake,
		.discovery = r->discovery,
	};

	r->bound = true;
	if (session_register(r->session, &grant, now) < 0) {
		reject(r, REASON_BUSY, NULL, now);
		return;
	}
	session_was_held(r->session, &r->held);
	registration_free(r);
}

static void tunnel_answered(void *context, uint64_t token, enum reason reason,
			    const struct message *answer, usec_t now)
{
	struct registration *r = find_by_id(context, token);

	if (!r)
		return;
	r->request = 0;
	if (!answer || answer->type == MESSAGE_ERROR || reason != REASON_ACCEPTED) {
		/* Without an answer nobody knows whether it was carried out. */
		r->asked = !answer;
		reject(r, reason == REASON_ACCEPTED ? REASON_UNSUPPORTED : reason, NULL, now);
		return;
	}
	if (message_has(answer, ATTR_MTU) && answer->mtu < r->granted.mtu)
		r->granted.mtu = answer->mtu;
	succeed(r, MODE_BASELINE, now);
}

/* Is what the home core grants within what it may grant, to whom, and what it was offered? */
static bool permitted(const struct registration *r, const struct message *ack)
{
	return lladdr_equal(&ack->link_layer, &r->mac) &&
	       addr_equal(&ack->link_local, &r->link_local) && way_permitted(r->home, ack) &&
	       (!message_has(ack, ATTR_COA) || (r->offered && addr_equal(&ack->coa, &r->coa)));
}

/* Has the home core spoken of this terminal again since it gave out this binding? */
static bool outdated(const struct core *core, const char *nai, uint64_t binding)
{
	const struct session *s = session_find(core, nai);
	const struct preparation *p = preparation_find(core, nai);

	if (p && binding_number_spent(binding, p->binding))
		return true;
	return s && binding_number_spent(binding, s->registration ? s->registration->granted.binding
								  : s->binding);
}

/* The session is changed by this attempt now; an older one has lost, and leaves what it had. */
static void take_session(struct registration *r, struct session *s)
{
	struct registration *older = s->registration;
	bool takes_coa = !r->offered;

	r->before = older ? older->before : *s->path;
	if (takes_coa)
		r->coa = older ? older->coa : s->coa;
	if (older) {
		if (takes_coa)
			r->took_coa = older->took_coa;
		else
			give_care_of(older);
		r->superseded = older->asked ? older->granted.binding : older->superseded;
		if (older->request > 0)
			peer_request_cancel(older->home, older->request);
		registration_free(older);
	}
	r->session = s;
	s->registration = r;
}

/*
 * The terminal was expected, but comes with the full handshake: what is held for it is its own. The
 * preparation is over with this attempt, however that ends.
 */
static void take_preparation(struct registration *r)
{
	struct session *s = r->session;
	struct preparation *p = preparation_find(r->core, s->nai);

	if (!p)
		return;
	r->superseded = p->binding;
	preparation_take(p, s->path, &s->coa);
	if (!r->offered)
		r->coa = s->coa;
}

/* The attempt has a care-of address of its own or its session's, or gets one. */
static int take_care_of(struct registration *r)
{
	sa_family_t family = tunnel_family(r->tunnel);
	struct pool *pool = care_of_pool(r->core, family);
	struct addr coa;

	if (r->offered && !pool_covers(pool, &r->coa))
		return -EADDRNOTAVAIL;
	if (r->coa.family == family && (r->took_coa || addr_equal(&r->coa, &r->session->coa)))
		return 0;
	if (r->offered) {
		/* It was a session's that has ended since. */
		r->took_coa = pool_reserve(pool, &r->coa) == 0;
		return r->took_coa ? 0 : -EADDRNOTAVAIL;
	}
	if (pool_take(pool, &coa) < 0)
		return -EADDRNOTAVAIL;
	give_care_of(r);
	r->coa = coa;
	r->took_coa = true;
	return 0;
}

/*
 * A terminal that is served registers anew where it is, which must not cost it a packet: then its
 * packets go on coming by the same care-of address and key, whichever of the two cores is the first
 * to change to what follows from this attempt.
 */
static uint32_t tunnel_key(const struct registration *r, const struct session *served)
{
	const struct path *path = served ? served->path : NULL;

	if (path && path->kind == PATH_ACCESS && path->peer == r->home && path->key != 0 &&
	    addr_equal(&path->outer_dst, &r->coa))
		return path->key;
	return way_fresh_key();
}

/* The home core sends to the tunnel that it was offered, or to the one that is chosen now. */
static enum reason choose_tunnel(struct registration *r, const struct message *ack)
{
	enum tunnel_kind kind;
	enum reason reason = peer_tunnel(r->home, &kind);

	if (reason != REASON_ACCEPTED)
		return reason;
	if (!r->offered)
		r->tunnel = kind;
	if (r->tunnel == TUNNEL_IPIP4 && !message_has(ack, ATTR_HOA4))
		return REASON_NO_COMMON_TUNNEL;
	return REASON_ACCEPTED;
}

/* The terminal is authentic: whatever serves it here is its attempt's from now on. */
static enum reason prepare_visitor(struct registration *r, const struct message *ack, usec_t now)
{
	struct core *core = r->core;
	enum reason reason = choose_tunnel(r, ack);
	struct session *s;

	if (reason != REASON_ACCEPTED)
		return reason;
	preparations_settle(core, now);
	if (outdated(core, r->nai, ack->binding))
		return REASON_STALE_BINDING;
	if (!session_admits(core, r->satellite, &r->mac, r->nai, now))
		return REASON_NOT_PERMITTED;
	s = session_prepare(core, r->nai, r->home, NULL, &r->mac, now);
	if (!s)
		return REASON_BUSY;
	take_session(r, s);
	take_preparation(r);
	if (take_care_of(r) < 0)
		return REASON_NO_CARE_OF_ADDRESS;
	if (!r->offered)
		r->tunnel_key = tunnel_key(r, s);
	return REASON_ACCEPTED;
}

static enum reason lead_to_visitor(struct registration *r, usec_t now)
{
	const struct message *ack = &r->granted;
	struct path path = way_to_terminal(r->satellite, &r->mac, path_mtu(r->home, r->tunnel));

	path = way_of_visitor(&path, r->home, &r->coa, r->tunnel_key);
	path.hoa4 = ack->hoa4;
	path.hoa6 = ack->hoa6;
	path.prefix = ack->prefix;
	if (forwarding_release(r->core, r->session->path, &path, now, &r->held) < 0)
		return REASON_KERNEL_REFUSED;
	return REASON_ACCEPTED;
}

static void set_tunnel(const struct registration *r, struct message *m)
{
	message_set_addr(m, ATTR_COA, &r->coa);
	message_set_number(m, ATTR_TUNNEL_KIND, r->tunnel);
	message_set_number(m, ATTR_TUNNEL_KEY, r->tunnel_key);
}

static enum reason request_tunnel(struct registration *r, usec_t now)
{
	struct message m;

	message_init(&m, MESSAGE_TUNNEL_REQUEST, 0);
	message_set_number(&m, ATTR_BINDING, r->granted.binding);
	set_tunnel(r, &m);
	r->request = peer_request(r->home, &m, tunnel_answered, r->id, now);
	r->asked = r->request > 0;
	return r->asked ? REASON_ACCEPTED : REASON_BUSY;
}

/*
 * The home core has authenticated the terminal. In combined mode it may send here already;
 * otherwise it is asked to before the kernel leads on from here, which happens while the request is
 * on its way. The terminal hears of it when both are done.
 */
static void granted(struct registration *r, const struct message *ack, usec_t now)
{
	enum reason reason = REASON_NOT_PERMITTED;

	r->granted = *ack;
	snprintf(r->nai, sizeof(r->nai), "%s@%s", ack->user, r->home->name);
	r->bound = r->asked = message_has(ack, ATTR_COA);
	if (!r->satellite) {
		registration_drop(r, REASON_ADMINISTRATIVE, now);
		return;
	}
	if (permitted(r, ack))
		reason = prepare_visitor(r, ack, now);
	if (reason == REASON_ACCEPTED && !r->bound)
		reason = request_tunnel(r, now);
	if (reason == REASON_ACCEPTED)
		reason = lead_to_visitor(r, now);
	if (reason != REASON_ACCEPTED)
		reject(r, reason, NULL, now);
	else if (r->bound)
		succeed(r, MODE_COMBINED, now);
}

static void authentication_answered(void *context, uint64_t token, enum reason reason,
				    const struct message *answer, usec_t now)
{
	struct registration *r = find_by_id(context, token);

	if (!r)
		return;
	if (answer && answer->type == MESSAGE_AUTHENTICATION_ACK && reason == REASON_ACCEPTED) {
		granted(r, answer, now);
		return;
	}
	if (r->satellite)
		reject(r, reason == REASON_ACCEPTED ? REASON_UNSUPPORTED : reason,
		       answer && message_has(answer, ATTR_HANDSHAKE) ? &answer->handshake : NULL,
		       now);
	else
		registration_drop(r, reason, now);
}

/* ---- the beginning ------------------------------------------------------------------------- */

/*
 * Tunnel and care-of address for a terminal that nobody has vouched for yet: those of the one that
 * is served at this Ethernet address, or new ones as long as there is enough for others (PROTOCOL
 * section 15.1), so that forged discoveries shut nobody out.
 */
static void offer_tunnel(struct registration *r, struct message *m)
{
	const struct session *served = session_by_mac(r->core, &r->mac);
	struct pool *pool;

	if (mode_of_peer(r->home) < MODE_COMBINED ||
	    peer_tunnel(r->home, &r->tunnel) != REASON_ACCEPTED)
		return;
	pool = care_of_pool(r->core, tunnel_family(r->tunnel));
	if (served && served->home == r->home && pool_covers(pool, &served->coa))
		r->coa = served->coa;
	else if (pool_used(pool) <= pool_size(pool) / 2 && pool_take(pool, &r->coa) == 0)
		r->took_coa = true;
	else
		return;
	r->offered = true;
	r->tunnel_key = tunnel_key(r, served);
	set_tunnel(r, m);
	message_set_link_layer(m, &r->mac);
	message_set_addr(m, ATTR_LINK_LOCAL, &r->link_local);
}

enum drop registration_begin(const struct discovery *d, struct peer *home, usec_t now)
{
	struct core *core = d->satellite->core;
	struct registration *r;
	struct message m;

	if (!door_registration(d, home, now))
		return DROP_LIMIT;
	r = calloc(1, sizeof(*r));
	if (!r)
		return DROP_LIMIT;
	r->core = core;
	r->id = ++core->last_registration;
	r->satellite = d->satellite;
	r->mac = d->mac;
	r->link_local = d->link_local;
	r->terminal_index = d->message.id;
	r->home = home;
	home->registrations++;
	memcpy(r->discovery, d->hash, sizeof(r->discovery));
	HASH_ADD(hh, core->registrations, discovery, sizeof(r->discovery), r);
	HASH_ADD(hh_id, core->registration_ids, id, sizeof(r->id), r);

	message_init(&m, MESSAGE_AUTHENTICATION, 0);
	message_set_text(&m, ATTR_REALM, d->message.realm);
	message_set_number(&m, ATTR_INDEX, d->message.id);
	message_set_blob(&m, ATTR_HANDSHAKE, d->message.handshake.bytes,
			 d->message.handshake.length);
	if (mode_of_peer(home) > MODE_BASELINE)
		message_set_text(&m, ATTR_NEXT_SATELLITE, d->satellite->name);
	offer_tunnel(r, &m);
	if (peer_request(home, &m, authentication_answered, r->id, now) < 0)
		reject(r, REASON_BUSY, NULL, now);
	return DROP_NONE;
}

/* ---- ends ---------------------------------------------------------------------------------- */

void registration_peer_removed(struct peer *peer, usec_t now)
{
	struct registration *r, *next;

	HASH_ITER (hh, peer->core->registrations, r, next)
		if (r->home == peer)
			abandon(r, REASON_ADMINISTRATIVE, now);
}

static void give_up(struct registration *r, enum reason reason, usec_t now)
{
	if (r->session || !r->offered)
		abandon(r, reason, now);
	else
		/* What the home core does with the offer is to be undone when it says so. */
		r->satellite = NULL;
}

void registration_terminal_left(struct core *core, const struct lladdr *mac, usec_t now)
{
	struct registration *r, *next;

	HASH_ITER (hh, core->registrations, r, next)
		if (r->satellite && !r->session && lladdr_equal(&r->mac, mac))
			give_up(r, REASON_TERMINAL_LEFT, now);
}

void registration_satellite_removed(struct satellite *satellite, usec_t now)
{
	struct registration *r, *next;

	HASH_ITER (hh, satellite->core->registrations, r, next)
		if (r->satellite == satellite)
			give_up(r, REASON_ADMINISTRATIVE, now);
}

void registrations_close(struct core *core)
{
	struct registration *r, *next;

	HASH_ITER (hh, core->registrations, r, next)
		registration_free(r);
}
