/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Terminals that were expected and have come; see arrival.h.
 *
 * Where packets are held, the kernel has acknowledged all that registration done says before the
 * terminal was there: it goes out first, and then what is held. A kernel that refuses to lead that
 * on, or a home core that does not believe the arrival, ends the session, and the terminal is told
 * to register anew.
 */
#include "arrival.h"

#include "anticipation.h"
#include "binding.h"
#include "handover_key.h"
#include "log.h"
#include "peer.h"
#include "preparation.h"
#include "session.h"
#include "subscriber.h"
#include "way.h"

/* What registration done is to say, under the key that this discovery makes of the handover key. */
static struct session_grant grant_of(const struct preparation *p, const struct discovery *d,
				     const uint8_t *access_key)
{
	return (struct session_grant){
		.satellite = d->satellite,
		.mac = d->mac,
		.link_local = d->link_local,
		.terminal_index = d->message.id,
		.binding = p->binding,
		.coa = p->coa,
		.path = &p->path,
		.lifetime = p->lifetime,
		.mtu = p->mtu,
		.uplink_delay = p->uplink_delay,
		.mode = p->hold ? MODE_PREDICTIVE : MODE_PROACTIVE,
		.access_key = access_key,
		.discovery = d->hash,
	};
}

static struct path path_of(const struct preparation *p, const struct discovery *d)
{
	struct path way = way_to_terminal(d->satellite, &d->mac, p->mtu);

	if (p->home)
		way = way_of_visitor(&way, p->home, &p->coa, p->tunnel_key);
	return way_of(&p->homes, &way);
}

/* ---- visitors ------------------------------------------------------------------------------ */

static void arrival_answered(void *context, uint64_t token, enum reason reason,
			     const struct message *answer, usec_t now)
{
	/* One that has been registered anew since has another index. */
	struct session *s = session_by_index(context, (uint32_t)token);

	if (!s || !s->home)
		return;
	if (!answer)
		/* Nobody knows whether it was carried out. */
		session_evict(s, reason, now);
	else if (reason != REASON_ACCEPTED || answer->type == MESSAGE_ERROR)
		session_dismiss(s, reason, now);
}

/* The tunnel request with ARRIVAL. */
static void set_request(struct message *m, const struct preparation *p, const struct discovery *d)
{
	message_init(m, MESSAGE_TUNNEL_REQUEST, 0);
	message_set_number(m, ATTR_COUNTER, d->message.counter);
	message_set_number(m, ATTR_BINDING, p->binding);
	message_set_addr(m, ATTR_COA, &p->coa);
	message_set_number(m, ATTR_TUNNEL_KIND, p->tunnel);
	message_set_number(m, ATTR_TUNNEL_KEY, p->tunnel_key);
	message_set_text(m, ATTR_NEXT_SATELLITE, d->satellite->name);
	message_set_octets(m, ATTR_ARRIVAL, d->message.arrival);
	if (message_has(&d->message, ATTR_MODE))
		message_set_number(m, ATTR_MODE, d->message.mode);
}

/* Registers it; what is held is still held. */
static enum reason register_visitor(struct session *s, struct preparation *p,
				    const struct session_grant *grant, const struct path *path,
				    usec_t now)
{
	const struct path before = p->path;
	struct addr coa;

	if (before.kind != PATH_HOLD && forwarding_set(p->core, &p->path, path) < 0)
		return REASON_KERNEL_REFUSED;
	if (session_register(s, grant, now) < 0) {
		forwarding_set(p->core, &p->path, &before);
		return REASON_BUSY;
	}
	preparation_take(p, s->path, &coa);
	return REASON_ACCEPTED;
}

static enum reason visitor_arrives(struct preparation *p, const struct discovery *d,
				   const struct session_grant *grant, usec_t now)
{
	struct core *core = p->core;
	struct peer *home = p->home;
	const struct path path = path_of(p, d);
	struct session *s = session_prepare(core, p->nai, home, NULL, &d->mac, now);
	struct hold_counters held;
	struct message request;
	enum reason reason;

	if (!s)
		return REASON_BUSY;
	set_request(&request, p, d);
	reason = register_visitor(s, p, grant, &path, now);
	if (reason != REASON_ACCEPTED) {
		session_abandon(s, now);
		return reason;
	}
	if (forwarding_release(core, s->path, &path, now, &held) < 0) {
		session_evict(s, REASON_KERNEL_REFUSED, now);
		return REASON_ACCEPTED;
	}
	session_was_held(s, &held);
	if (peer_request(home, &request, arrival_answered, s->access.local_index, now) < 0)
		session_evict(s, REASON_BUSY, now);
	return REASON_ACCEPTED;
}

/* ---- own subscribers ----------------------------------------------------------------------- */

static enum reason subscriber_arrives(const struct preparation *p, const struct discovery *d,
				      const struct session_grant *grant, usec_t now)
{
	struct subscriber *subscriber = p->subscriber;
	const struct path path = path_of(p, d);
	const struct message *m = &d->message;
	bool held = subscriber->path.kind == PATH_HOLD;
	struct session *s = session_prepare(p->core, p->nai, NULL, subscriber, &d->mac, now);
	enum reason reason = REASON_ACCEPTED;

	if (!s)
		return REASON_BUSY;
	if (!held)
		reason = anticipation_arrived_here(subscriber, grant->binding, m->counter,
						   m->arrival, m->mode, &path, now);
	if (reason != REASON_ACCEPTED) {
		session_abandon(s, now);
		return reason;
	}
	if (session_register(s, grant, now) < 0) {
		if (held) {
			session_abandon(s, now);
			return REASON_BUSY;
		}
		preparation_end(subscriber, grant->binding);
		binding_withdraw(subscriber, REASON_BUSY, now);
		return REASON_BUSY;
	}
	if (held)
		reason = anticipation_arrived_here(subscriber, grant->binding, m->counter,
						   m->arrival, m->mode, &path, now);
	if (reason != REASON_ACCEPTED) {
		session_dismiss(s, reason, now);
		/* What is held need not wait for it any longer. */
		anticipation_not_arrived(subscriber->core, NULL, grant->binding, now);
	}
	preparation_end(subscriber, grant->binding);
	return REASON_ACCEPTED;
}

/* ---- discovery ----------------------------------------------------------------------------- */

/* The preparation that the discovery proves to be meant. */
static struct preparation *expected(const struct discovery *d, usec_t now)
{
	struct core *core = d->satellite->core;
	struct preparation *p;

	if (!message_has(&d->message, ATTR_HANDOVER_TAG))
		return NULL;
	p = preparation_by_tag(core, d->message.handover_tag);
	if (!p)
		return NULL;
	if (handover_proven(p->key, d->datagram, d->length, &d->mac, &d->link_local))
		return p;
	log_remote(&core->noise, now, "on satellite %s somebody pretends to be %s, or garbles it",
		   d->satellite->name, p->nai);
	return NULL;
}

bool arrival(const struct discovery *d, usec_t now)
{
	struct preparation *p = expected(d, now);
	uint8_t access_key[KEY_LENGTH];
	struct session_grant grant;
	enum reason reason;

	if (!p || !session_admits(p->core, d->satellite, &d->mac, p->nai, now))
		return false;
	handover_access_key(access_key, p->key, d->datagram, d->length);
	grant = grant_of(p, d, access_key);
	if (p->home)
		reason = visitor_arrives(p, d, &grant, now);
	else
		reason = subscriber_arrives(p, d, &grant, now);
	keys_wipe(access_key, sizeof(access_key));
	if (reason == REASON_ACCEPTED)
		return true;
	log_info("satellite %s: an expected terminal is to register in full: %s",
		 d->satellite->name, reason_name(reason));
	return false;
}
