/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a core discovery to who deals with it, and this core's own subscribers; see discovery.h. */
#include "discovery.h"

#include "arrival.h"
#include "authentication.h"
#include "binding.h"
#include "handover_key.h"
#include "log.h"
#include "mode.h"
#include "peer.h"
#include "preparation.h"
#include "registration.h"
#include "send.h"
#include "session.h"
#include "session_send.h"
#include "subscriber.h"
#include "way.h"

#include <string.h>

/* ---- own subscribers ----------------------------------------------------------------------- */

static enum reason serve_subscriber(const struct session_grant *grant,
				    struct subscriber *subscriber, usec_t now)
{
	struct core *core = grant->satellite->core;
	struct path path = way_to_terminal(grant->satellite, &grant->mac, grant->mtu);
	struct session *s;
	enum reason reason;

	if (!session_admits(core, grant->satellite, &grant->mac, subscriber->nai, now))
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

static void discovery_at_home(const struct discovery *d, usec_t now)
{
	const struct message *m = &d->message;
	struct authentication a;
	struct session_grant grant;
	enum reason reason;

	authenticate(d->satellite->core, NULL, d->satellite->name, m->id, &m->handshake, now, &a);
	grant = (struct session_grant){
		.satellite = d->satellite,
		.mac = d->mac,
		.link_local = d->link_local,
		.terminal_index = m->id,
		.binding = a.binding,
		.lifetime = a.lifetime,
		.mtu = way_mtu_at_home(a.mtu),
		.uplink_delay = a.uplink_delay,
		.access_key = a.access_key,
		.handshake = &a.answer,
		.discovery = d->hash,
	};
	reason = a.reason;
	if (reason == REASON_ACCEPTED &&
	    (!lladdr_equal(&a.link_layer, &d->mac) || !addr_equal(&a.link_local, &d->link_local)))
		reason = REASON_NOT_PERMITTED;
	if (reason == REASON_ACCEPTED) {
		if (mode_of_move(a.subscriber, NULL, NULL) > MODE_BASELINE)
			grant.mode = MODE_COMBINED;
		reason = serve_subscriber(&grant, a.subscriber, now);
	}
	if (reason != REASON_ACCEPTED) {
		log_remote(&d->satellite->core->noise, now,
			   "registration of %s on satellite %s refused: %s",
			   a.subscriber ? a.subscriber->nai : "a terminal", d->satellite->name,
			   reason_name(reason));
		/* Message 2 says what was judged; a later refusal is this core's own. */
		send_reject(d->satellite, &d->mac, &d->link_local, m->id, reason,
			    reason == a.reason ? &a.answer : NULL);
	}
	keys_wipe(&a, sizeof(a));
}

/* ---- discovery ----------------------------------------------------------------------------- */

static void realm_unknown(const struct discovery *d, usec_t now)
{
	log_remote(&d->satellite->core->noise, now,
		   "a terminal of realm %s on satellite %s refused: no peer of that name",
		   d->message.realm, d->satellite->name);
	send_reject(d->satellite, &d->mac, &d->link_local, d->message.id, REASON_UNKNOWN_REALM,
		    NULL);
}

/* Is it being dealt with, or has it been? Then it is answered as before, or not at all. */
static bool known(const struct discovery *d)
{
	struct core *core = d->satellite->core;
	struct session *served = session_by_mac(core, &d->mac);

	if (registration_running(core, d->hash))
		return true;
	if (!served || !keys_equal(served->discovery, d->hash, sizeof(d->hash)))
		return false;
	/* After that it is a late copy, and no wish to come back. */
	if (served->state == SESSION_REGISTERED)
		session_repeat_done(served);
	return true;
}

static enum drop dispatch(struct discovery *d, const uint8_t *proof, size_t proof_length,
			  usec_t now)
{
	struct core *core = d->satellite->core;
	struct peer *home;
	enum drop drop;

	if (known(d) || arrival(d, now))
		return DROP_NONE;
	drop = door_discovery(d, proof, proof_length, now);
	if (drop != DROP_NONE)
		return drop;
	home = peer_open(core, d->message.realm);
	if (home)
		return registration_begin(d, home, now);
	if (!strcmp(d->message.realm, core->config->name))
		discovery_at_home(d, now);
	else
		realm_unknown(d, now);
	return DROP_NONE;
}

/*
 * Is a flood not worth reading as far as this? Nobody is waiting for whoever this is from, and
 * there is nothing left for those whom nobody waits for.
 */
static bool in_vain(const struct satellite *satellite, const struct lladdr *mac,
		    const uint8_t *datagram, size_t length, usec_t now)
{
	const struct core *core = satellite->core;
	const uint8_t *tag = handover_tag_of(datagram, length);

	return length > 0 && datagram[0] == MESSAGE_CORE_DISCOVERY &&
	       door_shut(satellite, tag != NULL, now) && !session_by_mac(core, mac) &&
	       !(tag && preparation_by_tag(core, tag));
}

enum drop discovery_receive(struct satellite *satellite, const struct lladdr *mac,
			    const struct addr *link_local, const uint8_t *datagram, size_t length,
			    usec_t now)
{
	struct discovery d = {
		.satellite = satellite,
		.mac = *mac,
		.link_local = *link_local,
		.datagram = datagram,
		.length = length,
	};
	const uint8_t *proof = NULL;
	size_t proof_length = 0;
	enum drop drop = DROP_NONE;

	if (in_vain(satellite, mac, datagram, length, now))
		return DROP_LIMIT;
	if (length > 0 && datagram[0] == MESSAGE_COOKIE_PROOF) {
		proof = datagram;
		proof_length = length;
		drop = cookie_inner(proof, proof_length, MESSAGE_CORE_DISCOVERY, &d.datagram,
				    &d.length);
	}
	if (drop == DROP_NONE)
		drop = message_read(&d.message, PLACE_CLEAR, d.datagram, d.length);
	if (drop != DROP_NONE)
		return drop;
	if (d.message.type != MESSAGE_CORE_DISCOVERY)
		return DROP_TYPE;
	satellite->core->counters.received[MESSAGE_CORE_DISCOVERY]++;
	satellite->core->counters.received[MESSAGE_COOKIE_PROOF] += proof != NULL;
	keys_sha256(d.hash, d.datagram, d.length);
	return dispatch(&d, proof, proof_length, now);
}
