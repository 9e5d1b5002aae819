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

void registration_forget(struct registration *r)
{
	HASH_DELETE(hh, r->core->registrations, r);
	HASH_DELETE(hh_id, r->core->registration_ids, r);
	keys_wipe(r, sizeof(*r));
	free(r);
}

/* Puts back what the attempt has changed, and ends it. */
static void abandon(struct registration *r)
{
	struct session *s = r->session;

	if (s) {
		forwarding_set(r->core, s->path, &r->before);
		if (r->took_coa) {
			pool_give(r->core->care_of4, &s->coa);
			pool_give(r->core->care_of6, &s->coa);
			s->coa = (struct addr){.family = AF_UNSPEC};
		}
	}
	registration_forget(r);
	if (s)
		session_abandon(s);
}

static void reject(struct registration *r, enum reason reason, const struct message_blob *handshake)
{
	log_info("registration of a terminal of %s on satellite %s refused: %s", r->home->name,
		 r->satellite->name, reason_name(reason));
	send_reject(r->satellite, &r->mac, &r->link_local, r->terminal_index, reason, handshake);
	abandon(r);
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
	if (s->satellite != satellite) {
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
	struct path before = subscriber->path;
	struct session *s;
	enum reason reason;

	if (!claim_mac(core, satellite, &grant->mac, subscriber->nai, now))
		return REASON_NOT_PERMITTED;
	path.hoa4 = subscriber->hoa4;
	path.hoa6 = subscriber->hoa6;
	path.prefix = subscriber->prefix;
	s = session_prepare(core, subscriber->nai, NULL, subscriber);
	if (!s)
		return REASON_BUSY;
	reason = binding_at_home(subscriber, grant->binding, &path, now);
	if (reason == REASON_ACCEPTED && session_register(s, grant, now) < 0) {
		forwarding_set(core, &subscriber->path, &before);
		reason = REASON_BUSY;
	}
	if (reason != REASON_ACCEPTED)
		session_abandon(s);
	return reason;
}

static void discovery_at_home(struct satellite *satellite, const struct lladdr *mac,
			      const struct addr *link_local, const uint8_t hash[HASH_LENGTH],
			      const struct message *discovery, usec_t now)
{
	struct authentication a;
	struct session_grant grant;
	enum reason reason;

	authenticate(satellite->core, NULL, discovery->id, &discovery->handshake, &a);
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
	if (!answer || answer->type == MESSAGE_ERROR || reason != REASON_ACCEPTED) {
		reject(r, reason == REASON_ACCEPTED ? REASON_UNSUPPORTED : reason, NULL);
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
		.lifetime = granted->lifetime,
		.mtu = mtu,
		.access_key = granted->access_key,
		.handshake = &granted->handshake,
		.discovery = r->discovery,
	};
	if (session_register(r->session, &grant, now) < 0) {
		reject(r, REASON_BUSY, NULL);
		return;
	}
	registration_forget(r);
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

static enum reason take_care_of(struct registration *r, struct session *s)
{
	struct core *core = r->core;
	sa_family_t family = tunnel_family(r->tunnel);
	struct addr coa;

	if (s->coa.family == family)
		return REASON_ACCEPTED;
	if (pool_take(family == AF_INET6 ? core->care_of6 : core->care_of4, &coa) < 0)
		return REASON_NO_CARE_OF_ADDRESS;
	s->coa = coa;
	r->took_coa = true;
	return REASON_ACCEPTED;
}

/* The terminal is authentic: install its path here, then ask its home core to send there. */
static enum reason prepare_visitor(struct registration *r, const struct message *ack, usec_t now)
{
	struct core *core = r->core;
	struct path path;
	char nai[NAI_TEXT];
	struct session *s;
	enum reason reason;

	r->tunnel = peer_tunnel(r->home);
	if (r->tunnel == 0 || (r->tunnel == TUNNEL_IPIP4 && !message_has(ack, ATTR_HOA4)))
		return REASON_NO_COMMON_TUNNEL;
	snprintf(nai, sizeof(nai), "%s@%s", ack->user, r->home->name);
	if (!claim_mac(core, r->satellite, &r->mac, nai, now))
		return REASON_NOT_PERMITTED;
	s = session_prepare(core, nai, r->home, NULL);
	if (!s)
		return REASON_BUSY;
	/* An older attempt of the same terminal has lost. */
	if (s->registration) {
		struct registration *older = s->registration;

		abandon(older);
		s = session_prepare(core, nai, r->home, NULL);
		if (!s)
			return REASON_BUSY;
	}
	s->registration = r;
	r->session = s;
	r->before = *s->path;
	reason = take_care_of(r, s);
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
	message_set_addr(&m, ATTR_COA, &r->session->coa);
	message_set_number(&m, ATTR_TUNNEL_KIND, r->tunnel);
	message_set_number(&m, ATTR_TUNNEL_KEY, key % 0xffffff + 1);
	if (peer_request(r->home, &m, tunnel_answered, r->id, now) < 0)
		reject(r, REASON_BUSY, NULL);
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

		reject(r, reason == REASON_ACCEPTED ? REASON_UNSUPPORTED : reason, handshake);
		return;
	}
	r->granted = *answer;
	reason = check_grant(r, answer);
	if (reason == REASON_ACCEPTED)
		reason = prepare_visitor(r, answer, now);
	if (reason != REASON_ACCEPTED)
		reject(r, reason, NULL);
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
		reject(r, REASON_BUSY, NULL);
	return DROP_NONE;
}

/* ---- discovery ----------------------------------------------------------------------------- */

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
		session_repeat_done(served);
		return DROP_NONE;
	}
	home = peer_find(core, discovery.realm);
	if (home)
		return discovery_of_peer(satellite, mac, link_local, hash, &discovery, home, now);
	if (!strcmp(discovery.realm, core->config->name))
		discovery_at_home(satellite, mac, link_local, hash, &discovery, now);
	else
		send_reject(satellite, mac, link_local, discovery.id, REASON_UNKNOWN_REALM, NULL);
	return DROP_NONE;
}

static void abandon_those(struct core *core, const struct peer *peer,
			  const struct satellite *satellite)
{
	struct registration *r, *next;

	HASH_ITER (hh, core->registrations, r, next)
		if (r->home == peer || r->satellite == satellite)
			abandon(r);
}

void registration_peer_removed(struct peer *peer)
{
	abandon_those(peer->core, peer, NULL);
}

void registration_satellite_removed(struct satellite *satellite)
{
	abandon_those(satellite->core, NULL, satellite);
}

void registrations_close(struct core *core)
{
	struct registration *r, *next;

	HASH_ITER (hh, core->registrations, r, next)
		registration_forget(r);
}
