/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rations of handshakes, and cookies; see door.h. */
#include "door.h"

#include "discovery.h"
#include "peer.h"
#include "registration.h"
#include "send.h"
#include "session.h"

#include <string.h>

/*
 * Bursts and intervals, in microseconds. A handshake takes some 0.2 ms: what nobody has proven
 * anything for gets a tenth of the time on one satellite, what comes with cookies less than half,
 * and the rest is for those who are served. The first burst is as large as a crowd that may come at
 * one moment.
 */
#define ANY_BURST		1024
#define ANY_INTERVAL		(2 * USEC_PER_MSEC)
#define PROVEN_BURST		4096
#define PROVEN_INTERVAL		400
#define SOURCE_BURST		8
#define SOURCE_INTERVAL		(500 * USEC_PER_MSEC)
#define INITIATION_BURST	100
#define INITIATION_INTERVAL	(10 * USEC_PER_MSEC)
#define COOKIE_BURST		2048
#define COOKIE_INTERVAL		20
#define DOUBT_BURST		1024
#define DOUBT_INTERVAL		200
#define AUTHENTICATION_BURST	4096
#define AUTHENTICATION_INTERVAL 400

void door_open(struct door *door)
{
	memset(door, 0, sizeof(*door));
	keys_random(door->hash_key, sizeof(door->hash_key));
}

/* ---- terminals ----------------------------------------------------------------------------- */

/* Where an answer to a discovery goes to. */
struct terminal_source {
	char satellite[SNO_NAME_MAX + 1];
	uint8_t link_layer[6], link_local[16];
};

static struct terminal_source source_of(const struct discovery *d)
{
	struct terminal_source source = {0};

	memcpy(source.satellite, d->satellite->name, sizeof(source.satellite));
	memcpy(source.link_layer, d->mac.bytes, sizeof(source.link_layer));
	memcpy(source.link_local, d->link_local.bytes, sizeof(source.link_local));
	return source;
}

static struct bucket *bucket_of(struct door *door, const struct terminal_source *source)
{
	return &door->sources[keys_siphash(door->hash_key, source, sizeof(*source)) % DOOR_SOURCES];
}

/* One more cookie; doubtful is who has claimed a proof and has none. */
static bool take_cookie(struct door *door, bool doubtful, usec_t now)
{
	return doubtful ? bucket_take(&door->doubts, DOUBT_BURST, DOUBT_INTERVAL, now)
			: bucket_take(&door->cookies, COOKIE_BURST, COOKIE_INTERVAL, now);
}

static void send_cookie(const struct discovery *d, const struct terminal_source *source,
			bool doubtful, usec_t now)
{
	struct core *core = d->satellite->core;
	uint8_t cookie[COOKIE_LENGTH], datagram[COOKIE_DATAGRAM];

	if (!take_cookie(&core->door, doubtful, now))
		return;
	cookie_make(&core->door.jar, source, sizeof(*source), now, cookie);
	cookie_write(datagram, d->message.id, d->datagram, d->length, cookie);
	core->counters.sent[MESSAGE_COOKIE]++;
	send_datagram(d->satellite, &d->mac, &d->link_local, datagram, sizeof(datagram));
}

/* Served here at this address: it has a ration of its own, which only who is there can spend. */
static bool served(const struct discovery *d, usec_t now)
{
	struct session *s = session_by_mac(d->satellite->core, &d->mac);

	return s && s->satellite == d->satellite && addr_equal(&s->link_local, &d->link_local) &&
	       bucket_take(&s->discoveries, SOURCE_BURST, SOURCE_INTERVAL, now);
}

enum drop door_discovery(struct discovery *d, const uint8_t *proof, size_t proof_length, usec_t now)
{
	const struct terminal_source source = source_of(d);
	struct satellite *satellite = d->satellite;
	struct door *door = &satellite->core->door;

	d->proven = served(d, now);
	if (d->proven)
		return DROP_NONE;
	d->proven = proof && cookie_proven(&door->jar, NULL, &source, sizeof(source), now, proof,
					   proof_length);
	if (d->proven)
		return bucket_take(bucket_of(door, &source), SOURCE_BURST, SOURCE_INTERVAL, now) &&
				       bucket_take(&satellite->share.proven, PROVEN_BURST,
						   PROVEN_INTERVAL, now)
			       ? DROP_NONE
			       : DROP_LIMIT;
	if (bucket_take(&satellite->share.any, ANY_BURST, ANY_INTERVAL, now) &&
	    bucket_take(&door->discoveries, 2 * ANY_BURST, ANY_INTERVAL / 2, now))
		return DROP_NONE;
	send_cookie(d, &source, proof || message_has(&d->message, ATTR_HANDOVER_TAG), now);
	return DROP_LIMIT;
}

bool door_shut(const struct satellite *satellite, bool doubtful, usec_t now)
{
	const struct door *door = &satellite->core->door;

	return (doubtful ? bucket_spent(&door->doubts, DOUBT_BURST, DOUBT_INTERVAL, now)
			 : bucket_spent(&door->cookies, COOKIE_BURST, COOKIE_INTERVAL, now)) &&
	       (bucket_spent(&satellite->share.any, ANY_BURST, ANY_INTERVAL, now) ||
		bucket_spent(&door->discoveries, 2 * ANY_BURST, ANY_INTERVAL / 2, now));
}

bool door_registration(const struct discovery *d, const struct peer *home, usec_t now)
{
	const struct terminal_source source = source_of(d);

	if (home->registrations < (d->proven ? REGISTRATIONS_PER_PEER : REGISTRATIONS_OF_STRANGERS))
		return true;
	/* The last of a crowd need not wait until they would ask again. */
	if (home->registrations < REGISTRATIONS_PER_PEER)
		send_cookie(d, &source, message_has(&d->message, ATTR_HANDOVER_TAG), now);
	return false;
}

bool door_authentication(struct peer *peer, usec_t now)
{
	return bucket_take(&peer->authentications, AUTHENTICATION_BURST, AUTHENTICATION_INTERVAL,
			   now);
}

/* ---- cores --------------------------------------------------------------------------------- */

struct core_source {
	uint8_t family, address[16], port[2];
};

static struct core_source source_at(const struct endpoint *from)
{
	struct core_source source = {.family = (uint8_t)from->addr.family,
				     .port = {(uint8_t)(from->port >> 8), (uint8_t)from->port}};

	memcpy(source.address, from->addr.bytes, addr_length(from->addr.family));
	return source;
}

enum drop door_initiation(struct core *core, usec_t now)
{
	return bucket_take(&core->door.initiations, INITIATION_BURST, INITIATION_INTERVAL, now)
		       ? DROP_NONE
		       : DROP_LIMIT;
}

void door_cookie(const struct peer *peer, const struct endpoint *from, const uint8_t *initiation,
		 size_t length, usec_t now)
{
	struct core *core = peer->core;
	const struct core_source source = source_at(from);
	uint8_t cookie[COOKIE_LENGTH], datagram[COOKIE_DATAGRAM];
	enum message_type type;
	uint32_t id;

	if (message_read_head(initiation, length, &type, &id) != DROP_NONE ||
	    !take_cookie(&core->door, !addr_equal(&from->addr, &peer->endpoint.addr), now))
		return;
	cookie_make(&core->door.jar, &source, sizeof(source), now, cookie);
	cookie_write(datagram, id, initiation, length, cookie);
	core->counters.sent[MESSAGE_COOKIE]++;
	core->io.to_peer(core->io.context, peer, from, datagram, sizeof(datagram));
}

bool door_initiation_proven(const struct peer *peer, const struct endpoint *from,
			    const uint8_t *proof, size_t length, usec_t now)
{
	const struct core_source source = source_at(from);

	return cookie_proven(&peer->core->door.jar, channel_cookie_key(peer->channel), &source,
			     sizeof(source), now, proof, length);
}
