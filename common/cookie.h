/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cookies (PROTOCOL section 17): who wants a handshake of us while many do, first shows that he
 * receives what is sent to where he says he is. As in WireGuard, what a cookie is made of is a
 * secret of ours and the address, so that nothing is kept for anybody. Cores prove beyond that that
 * they know the key they share; then nobody else can spend what is set aside for a peer.
 */
#ifndef SNO_COOKIE_H
#define SNO_COOKIE_H

#include "clock.h"
#include "keys.h"
#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COOKIE_LENGTH	  16
#define COOKIE_DATAGRAM	  (SNO_HEAD_LENGTH + 2 * COOKIE_LENGTH)
#define COOKIE_PROOF_HEAD (SNO_HEAD_LENGTH + COOKIE_LENGTH)
#define COOKIE_TIME	  (120 * USEC_PER_SEC) /* for which a cookie is good, at least */

/* What our cookies are made of: two secrets, the older of which still counts. */
struct cookie_jar {
	uint8_t secret[2][KEY_LENGTH];
	usec_t renewed;
	bool filled;
};

/* ---- who asks for proof -------------------------------------------------------------------- */

/* The cookie of a source, which is whatever octets an answer to it depends on. */
void cookie_make(struct cookie_jar *jar, const void *source, size_t source_length, usec_t now,
		 uint8_t cookie[COOKIE_LENGTH]);
/* The datagram that gives it to the sender of `answered`, whose head has this id. */
void cookie_write(uint8_t out[COOKIE_DATAGRAM], uint32_t id, const uint8_t *answered,
		  size_t answered_length, const uint8_t cookie[COOKIE_LENGTH]);
/*
 * What a cookie proof (type 0x05) is about: the datagram within, its octets in *inner_length.
 * DROP_NONE and *inner; or DROP_SHORT, DROP_TYPE when it is of another type than `type`, DROP_VALUE
 * when the two heads have different ids. Nothing is proven by that yet.
 */
enum drop cookie_inner(const uint8_t *datagram, size_t length, enum message_type type,
		       const uint8_t **inner, size_t *inner_length);
/* Is it proven by a cookie of this source? key as in cookie_prove(). After cookie_inner(). */
bool cookie_proven(struct cookie_jar *jar, const uint8_t key[KEY_LENGTH], const void *source,
		   size_t source_length, usec_t now, const uint8_t *datagram, size_t length);

/* ---- who gives it -------------------------------------------------------------------------- */

/* Takes the cookie out of a datagram that answers `sent`; false when it does not. */
bool cookie_read(const uint8_t *datagram, size_t length, const uint8_t *sent, size_t sent_length,
		 uint8_t cookie[COOKIE_LENGTH]);
/*
 * The datagram with its proof. key: of both cores (cookie_key()), NULL on the access side. Returns
 * its octets, -EMSGSIZE when cap or SNO_DATAGRAM_MAX is too small.
 */
int cookie_prove(uint8_t *out, size_t cap, const uint8_t key[KEY_LENGTH],
		 const uint8_t cookie[COOKIE_LENGTH], const uint8_t *datagram, size_t length);
/* The key of two cores: of their static keys and their psk. Never fails: with a public key that is
 * none nothing can be proven. */
void cookie_key(uint8_t key[KEY_LENGTH], const uint8_t private[KEY_LENGTH],
		const uint8_t public[KEY_LENGTH], const uint8_t psk[KEY_LENGTH]);

#endif
