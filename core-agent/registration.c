/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From core discovery to registration done, as serving core: the draft's figure 4.
 *
 *   discovery --own realm--> authenticate, bind at home -----------------------------> registered
 *       |
 *       +--peer's realm--> AUTHENTICATING --ACK--> TUNNELLING --tunnel ACK--> registered
 *                                |                      |
 *                              reject              undo, reject
 *
 * Everything the terminal's packets need is in the kernel before the home core is asked to send
 * them here: they may arrive together with its answer.
 */
#include "registration.h"

#include "authentication.h"
#include "binding.h"
#include "log.h"
#include "peer.h"
#include "pool.h"
#include "send.h"
#include "session.h"
#include "session_send.h"
#include "subscriber.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct registration *find_by_discovery(const struct core *core,
					      const uint8_t hash[HASH_LENGTH])
{
	struct registration *r;

	HASH_FIND(hh, core->registrations, hash, HASH_LENGTH, r);
	return r;
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
	keys_wipe(r, sizeof(*r));
	free(r);
}

static void give_care_of(struct registration *r)
{
	if (r->took_coa)
		pool_give(r->coa.family == AF_INET6 ? r->core->care_of6 : r->core->care_of4,
			  &r->coa);
	r->took_coa = false;
}

void registration_drop(struct registration *r, enum reason reason, usec_t now)
{
	give_care_of(r);
	if (r->request > 0)
		peer_request_cancel(r->home, r->request);
	if (r->asked)
		peer_release(r->home, r->granted.binding, reason, now);
	if (r->superseded)
		peer_release(r->home, r->superseded, reason, now);
	registration_free(r);
}

/* Puts back what the attempt has changed, and ends it. */
static void abandon(struct registration *r, enum reason reason, usec_t now)
{
	struct session *s = r->session;
	int result = s ? forwarding_set(r->core, s->path, &r->before) : 0;

	registration_drop(r, reason, now);
	if (s && result < 0)
		/* It cannot be served where it was either. */
		session_evict(s, REASON_KERNEL_REFUSED, now);
	else if (s)
		session_abandon(s, now);
}

static void reject(struct registration *r, enum reason reason, const struct message_blob *handshake,
		   usec_t now)
{
	log_info("registration of a terminal of %s on satellite %s refused: %s", r->home->name,
		 r->satellite->name, reason_name(reason));
	send_reject(r->satellite, &r->mac, &r->link_local, r->terminal_index, reason, handshake);
	abandon(r, reason, now);
}

/*
 * May this Ethernet address be used by this terminal? Not while another one that registered with it
 * is on another satellite: its packets would be led here. On the same satellite the newest one
 * wins, and the other is over.
 */
static bool claim_mac(struct core *core, struct satellite *satellite, const struct lladdr *mac,
		      const char *nai, usec_t now)
{
	struct session *s = session_by_mac(core, mac);
	char text[LLADDR_TEXT];

	if (!s || !strcmp(s->nai, nai))
		return true;
	if (session_satellite(s) != satellite) {
		log_warnx("terminal %s on satellite %s uses the Ethernet address %s of %s; refused",
			  nai, satellite->name, lladdr_format(mac, text), s->nai);
		return false;
	}
	session_evict(s, REASON_TERMINAL_LEFT, now);
	return true;
}

/* ---- own subscribers ----------------------------------------------------------------------- */

/* What the path of a terminal served here is, whoever's it is. */
static struct path access_path(const struct satellite *satellite, const struct lladdr *mac,
			       unsigned int mtu)
{
	return (struct path){.kind = PATH_ACCESS, .mac = *mac, .port = satellite->port, .mtu = mtu};
}

static uint16_t home_mtu(uint16_t link_mtu)
{
	return link_mtu < 1500 ? link_mtu : 1500;
}

static enum reason serve_subscriber(struct satellite *satellite, const struct session_grant *grant,
				    struct subscriber *subscriber, usec_t now)
{
	struct core *core = satellite->core;
	struct path path = access_path(satellite, &grant->mac, grant->mtu);
	struct session *s;
	enum reason reason;

	if (!claim_mac(core, satellite, &grant->mac, subscriber->nai, now))
		return REASON_NOT_PERMITTED;
	path.hoa4 = subscriber->hoa4;
	path.hoa6 = subscriber->hoa6;
	path.prefix = subscriber->prefix;
	s = session_prepare(core, subscriber->nai, NULL, subscriber, &grant->mac, now);
	if (!s)
		return REASON_BUSY;
	reason = binding_at_home(subscriber, grant->binding, &path, now);
	if (reason != REASON_ACCEPTED) {
		session_abandon(s, now);
	} else if (session_register(s, grant, now) < 0) {
		/* The core that served before has been released: there is no way back. */
		reason = REASON_BUSY;
		binding_withdraw(subscriber, reason, now);
	}
	return reason;
}

static void discovery_at_home(struct satellite *satellite, const struct lladdr *mac,
			      const struct addr *link_local, const uint8_t hash[HASH_LENGTH],
			      const struct message *discovery, usec_t now)
{
	struct authentication a;
	struct session_grant grant;
	enum reason reason;

	authenticate(satellite->core, NULL, satellite->name, discovery->id, &discovery->handshake,
		     now, &a);
	grant = (struct session_grant){
		.satellite = satellite,
		.mac = *mac,
		.link_local = *link_local,
		.terminal_index = discovery->id,
		.binding = a.binding,
		.lifetime = a.lifetime,
		.mtu = home_mtu(a.mtu),
		.access_key = a.access_key,
		.handshake = &a.answer,
		.discovery = hash,
	};
	reason = a.reason;
	if (reason == REASON_ACCEPTED &&
	    (!lladdr_equal(&a.link_layer, mac) || !addr_equal(&a.link_local, link_local)))
		reason = REASON_NOT_PERMITTED;
	if (reason == REASON_ACCEPTED)
		reason = serve_subscriber(satellite, &grant, a.subscriber, now);
	if (reason != REASON_ACCEPTED) {
		log_info("registration of %s on satellite %s refused: %s",
			 a.subscriber ? a.subscriber->nai : "a terminal", satellite->name,
			 reason_name(reason));
		/* Message 2 says what was judged; a later refusal is this core's own. */
		send_reject(satellite, mac, link_local, discovery->id, reason,
			    reason == a.reason ? &a.answer : NULL);
	}
	keys_wipe(&a, sizeof(a));
}

/* ---- visitors ------------------------------------------------------------------------------ */

static void tunnel_answered(void *context, uint64_t token, enum reason reason,
			    const struct message *answer, usec_t now)
{
	struct registration *r = find_by_id(context, token);
	const struct message *granted;
	struct session_grant grant;
	uint16_t mtu;

	if (!r)
		return;
	r->request = 0;
	if (!answer || answer->type == MESSAGE_ERROR || reason != REASON_ACCEPTED) {
		/* Without an answer nobody knows whether it was carried out. */
		r->asked = !answer;
		reject(r, reason == REASON_ACCEPTED ? REASON_UNSUPPORTED : reason, NULL, now);
		return;
	}
	granted = &r->granted;
	mtu = underlay_mtu(r->core->config, r->tunnel);
	if (message_has(answer, ATTR_MTU) && answer->mtu < mtu)
		mtu = answer->mtu;
	if (granted->mtu < mtu)
		mtu = granted->mtu;
	grant = (struct session_grant){
		.satellite = r->satellite,
		.mac = r->mac,
		.link_local = r->link_local,
		.terminal_index = r->terminal_index,
		.binding = granted->binding,
		.coa = r->coa,
		.lifetime = granted->lifetime,
		.mtu = mtu,
		.access_key = granted->access_key,
		.handshake = &granted->handshake,
		.discovery = r->discovery,
	};
	if (session_register(r->session, &grant, now) < 0)
		reject(r, REASON_BUSY, NULL, now);
	else
		registration_free(r);
}

/* Is what the home core grants within what it may grant? */
static enum reason check_grant(const struct registration *r, const struct message *ack)
{
	const struct prefix hoa4 = prefix_of(&ack->hoa4), hoa6 = prefix_of(&ack->hoa6);

	if (!lladdr_equal(&ack->link_layer, &r->mac) ||
	    !addr_equal(&ack->link_local, &r->link_local))
		return REASON_NOT_PERMITTED;
	if ((message_has(ack, ATTR_HOA4) && !peer_owns_home(r->home, &hoa4)) ||
	    (message_has(ack, ATTR_HOA6) && !peer_owns_home(r->home, &hoa6)) ||
	    (message_has(ack, ATTR_PREFIX) && !peer_owns_home(r->home, &ack->prefix))) {
		log_warnx("peer %s grants a home address outside its home_prefixes", r->home->name);
		return REASON_NOT_PERMITTED;
	}
	return REASON_ACCEPTED;
}

/* Has the home core authenticated this terminal again since it gave out this binding? */
static bool outdated(const struct session *s, uint64_t binding)
{
	uint64_t newest = s->registration ? s->registration->granted.binding : s->binding;

	/* Numbers of different lives of the home core cannot be compared (PROTOCOL section 9). */
	return newest >> 32 == binding >> 32 && binding <= newest;
}

/* The session is changed by this attempt now; an older one has lost, and leaves what it had. */
static void take_session(struct registration *r, struct session *s)
{
	struct registration *older = s->registration;

	r->before = older ? older->before : *s->path;
	r->coa = older ? older->coa : s->coa;
	if (older) {
		r->took_coa = older->took_coa;
		r->superseded = older->asked ? older->granted.binding : older->superseded;
		if (older->request > 0)
			peer_request_cancel(older->home, older->request);
		registration_free(older);
	}
	r->session = s;
	s->registration = r;
}

static enum reason take_care_of(struct registration *r)
{
	sa_family_t family = tunnel_family(r->tunnel);
	struct pool *pool = family == AF_INET6 ? r->core->care_of6 : r->core->care_of4;
	struct addr coa;

	if (r->coa.family == family)
		return REASON_ACCEPTED;
	if (pool_take(pool, &coa) < 0)
		return REASON_NO_CARE_OF_ADDRESS;
	give_care_of(r);
	r->coa = coa;
	r->took_coa = true;
	return REASON_ACCEPTED;
}

/* The terminal is authentic: install its path here, then ask its home core to send there. */
static enum reason prepare_visitor(struct registration *r, const struct message *ack, usec_t now)
{
	struct core *core = r->core;
	enum reason reason = peer_tunnel(r->home, &r->tunnel);
	char nai[NAI_TEXT];
	struct session *s;
	struct path path;

	if (reason != REASON_ACCEPTED)
		return reason;
	if (r->tunnel == TUNNEL_IPIP4 && !message_has(ack, ATTR_HOA4))
		return REASON_NO_COMMON_TUNNEL;
	snprintf(nai, sizeof(nai), "%s@%s", ack->user, r->home->name);
	s = session_find(core, nai);
	if (s && outdated(s, ack->binding))
		return REASON_STALE_BINDING;
	if (!claim_mac(core, r->satellite, &r->mac, nai, now))
		return REASON_NOT_PERMITTED;
	s = session_prepare(core, nai, r->home, NULL, &r->mac, now);
	if (!s)
		return REASON_BUSY;
	take_session(r, s);
	reason = take_care_of(r);
	if (reason != REASON_ACCEPTED)
		return reason;
	path = access_path(r->satellite, &r->mac, underlay_mtu(core->config, r->tunnel));
	path.hoa4 = ack->hoa4;
	path.hoa6 = ack->hoa6;
	path.prefix = ack->prefix;
	return forwarding_set(core, s->path, &path) < 0 ? REASON_KERNEL_REFUSED : REASON_ACCEPTED;
}

static void request_tunnel(struct registration *r, usec_t now)
{
	struct message m;
	uint32_t key;

	keys_random(&key, sizeof(key));
	message_init(&m, MESSAGE_TUNNEL_REQUEST, 0);
	message_set_number(&m, ATTR_BINDING, r->granted.binding);
	message_set_addr(&m, ATTR_COA, &r->coa);
	message_set_number(&m, ATTR_TUNNEL_KIND, r->tunnel);
	message_set_number(&m, ATTR_TUNNEL_KEY, key % 0xffffff + 1);
	r->request = peer_request(r->home, &m, tunnel_answered, r->id, now);
	r->asked = r->request > 0;
	if (!r->asked)
		reject(r, REASON_BUSY, NULL, now);
}

static void authentication_answered(void *context, uint64_t token, enum reason reason,
				    const struct message *answer, usec_t now)
{
	struct registration *r = find_by_id(context, token);

	if (!r)
		return;
	if (!answer || answer->type == MESSAGE_ERROR || reason != REASON_ACCEPTED) {
		const struct message_blob *handshake =
			answer && message_has(answer, ATTR_HANDSHAKE) ? &answer->handshake : NULL;

		reject(r, reason == REASON_ACCEPTED ? REASON_UNSUPPORTED : reason, handshake, now);
		return;
	}
	r->granted = *answer;
	reason = check_grant(r, answer);
	if (reason == REASON_ACCEPTED)
		reason = prepare_visitor(r, answer, now);
	if (reason != REASON_ACCEPTED)
		reject(r, reason, NULL, now);
	else
		request_tunnel(r, now);
}

static enum drop discovery_of_peer(struct satellite *satellite, const struct lladdr *mac,
				   const struct addr *link_local, const uint8_t hash[HASH_LENGTH],
				   const struct message *discovery, struct peer *home, usec_t now)
{
	struct core *core = satellite->core;
	struct registration *r;
	struct message m;

	if (HASH_COUNT(core->registrations) >= REGISTRATIONS_MAX)
		return DROP_LIMIT;
	r = calloc(1, sizeof(*r));
	if (!r)
		return DROP_LIMIT;
	r->core = core;
	r->id = ++core->last_registration;
	r->satellite = satellite;
	r->mac = *mac;
	r->link_local = *link_local;
	r->terminal_index = discovery->id;
	r->home = home;
	memcpy(r->discovery, hash, sizeof(r->discovery));
	HASH_ADD(hh, core->registrations, discovery, sizeof(r->discovery), r);
	HASH_ADD(hh_id, core->registration_ids, id, sizeof(r->id), r);

	message_init(&m, MESSAGE_AUTHENTICATION, 0);
	message_set_text(&m, ATTR_REALM, discovery->realm);
	message_set_number(&m, ATTR_INDEX, discovery->id);
	message_set_blob(&m, ATTR_HANDSHAKE, discovery->handshake.bytes,
			 discovery->handshake.length);
	if (peer_request(home, &m, authentication_answered, r->id, now) < 0)
		reject(r, REASON_BUSY, NULL, now);
	return DROP_NONE;
}

/* ---- discovery ----------------------------------------------------------------------------- */

static void realm_unknown(struct satellite *satellite, const struct lladdr *mac,
			  const struct addr *link_local, const struct message *discovery,
			  usec_t now)
{
	log_remote(&satellite->core->noise, now,
		   "a terminal of realm %s on satellite %s refused: no peer of that name",
		   discovery->realm, satellite->name);
	send_reject(satellite, mac, link_local, discovery->id, REASON_UNKNOWN_REALM, NULL);
}

enum drop registration_discovery(struct satellite *satellite, const struct lladdr *mac,
				 const struct addr *link_local, const uint8_t *datagram,
				 size_t length, usec_t now)
{
	struct core *core = satellite->core;
	struct session *served = session_by_mac(core, mac);
	uint8_t hash[HASH_LENGTH];
	struct message discovery;
	struct peer *home;
	enum drop drop = message_read(&discovery, PLACE_CLEAR, datagram, length);

	if (drop != DROP_NONE)
		return drop;
	if (discovery.type != MESSAGE_CORE_DISCOVERY)
		return DROP_TYPE;
	core->counters.received[MESSAGE_CORE_DISCOVERY]++;
	keys_sha256(hash, datagram, length);
	if (find_by_discovery(core, hash))
		return DROP_NONE;
	if (served && keys_equal(served->discovery, hash, sizeof(hash))) {
		/* After that it is a late copy, and no wish to come back. */
		if (served->state == SESSION_REGISTERED)
			session_repeat_done(served);
		return DROP_NONE;
	}
	home = peer_find(core, discovery.realm);
	if (home)
		return discovery_of_peer(satellite, mac, link_local, hash, &discovery, home, now);
	if (!strcmp(discovery.realm, core->config->name))
		discovery_at_home(satellite, mac, link_local, hash, &discovery, now);
	else
		realm_unknown(satellite, mac, link_local, &discovery, now);
	return DROP_NONE;
}

static void abandon_those(struct core *core, const struct peer *peer,
			  const struct satellite *satellite, usec_t now)
{
	struct registration *r, *next;

	HASH_ITER (hh, core->registrations, r, next)
		if (r->home == peer || r->satellite == satellite)
			abandon(r, REASON_ADMINISTRATIVE, now);
}

void registration_peer_removed(struct peer *peer, usec_t now)
{
	abandon_those(peer->core, peer, NULL, now);
}

void registration_satellite_removed(struct satellite *satellite, usec_t now)
{
	abandon_those(satellite->core, NULL, satellite, now);
}

void registrations_close(struct core *core)
{
	struct registration *r, *next;

	HASH_ITER (hh, core->registrations, r, next)
		registration_free(r);
}
