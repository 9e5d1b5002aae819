/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door: who may cost this core a handshake (PROTOCOL section 17). Public-key operations are
 * the dearest thing that a stranger can ask for, and so they are rationed: by satellite, source and
 * peer, and beyond a share that is anybody's only to those who have shown with a cookie that they
 * receive what is sent to them. What is proven cheaply (short proofs, sealed datagrams) does not
 * come by here at all. Nothing is kept for anybody: buckets are found by hash.
 */
#ifndef SNO_CORE_DOOR_H
#define SNO_CORE_DOOR_H

#include "addr.h"
#include "bucket.h"
#include "clock.h"
#include "cookie.h"
#include "keys.h"
#include "message.h"

#define DOOR_SOURCES 4096 /* buckets that all sources share, by hash */

struct core;
struct discovery;
struct peer;
struct satellite;

struct door {
	struct cookie_jar jar;
	uint8_t hash_key[KEYS_SIP_LENGTH];
	struct bucket discoveries; /* whose sender has proven nothing */
	struct bucket initiations; /* of all peers, likewise */
	struct bucket cookies;
	struct bucket doubts; /* cookies for those who claim what they cannot show */
	struct bucket sources[DOOR_SOURCES];
};

/* Of a satellite. */
struct door_share {
	struct bucket any, proven;
};

void door_open(struct door *door);

/*
 * A discovery that has not proven itself in short wants a full handshake. proof is the cookie proof
 * that it came in, NULL for none. DROP_NONE; or DROP_LIMIT, and a cookie has been sent where that
 * helps. Sets d->proven.
 */
enum drop door_discovery(struct discovery *d, const uint8_t *proof, size_t proof_length,
			 usec_t now);
/*
 * Would any discovery of a stranger be dropped now, with no cookie left either? Doubtful is one
 * with a short proof or cookie proof that is none: it has got in among those who are read first,
 * and shall not take the time that is theirs.
 */
bool door_shut(const struct satellite *satellite, bool doubtful, usec_t now);
/*
 * May another attempt with this home core begin? Strangers do not get all that there are: for the
 * rest they get a cookie.
 */
bool door_registration(const struct discovery *d, const struct peer *home, usec_t now);
/* May this peer have another handshake of a terminal's computed here? */
bool door_authentication(struct peer *peer, usec_t now);

/* An initiation without proof, for whatever peer: DROP_NONE or DROP_LIMIT. */
enum drop door_initiation(struct core *core, usec_t now);
/* A cookie for its sender. */
void door_cookie(const struct peer *peer, const struct endpoint *from, const uint8_t *initiation,
		 size_t length, usec_t now);
/* Is this cookie proof of an initiation right, coming from there? */
bool door_initiation_proven(const struct peer *peer, const struct endpoint *from,
			    const uint8_t *proof, size_t length, usec_t now);

#endif
