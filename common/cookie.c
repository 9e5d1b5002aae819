/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cookies and what is proven with them; see cookie.h. */
#include "cookie.h"

#include <errno.h>
#include <string.h>

#include "cursor.h"

/* ---- proofs -------------------------------------------------------------------------------- */

void cookie_key(uint8_t key[KEY_LENGTH], const uint8_t private[KEY_LENGTH],
		const uint8_t public[KEY_LENGTH], const uint8_t psk[KEY_LENGTH])
{
	uint8_t shared[KEY_LENGTH];

	if (keys_dh(shared, private, public) < 0)
		keys_random(shared, sizeof(shared));
	keys_derive(key, shared, "sno cookie", psk, KEY_LENGTH);
	keys_wipe(shared, sizeof(shared));
}

static void prove(uint8_t proof[COOKIE_LENGTH], const uint8_t *key,
		  const uint8_t cookie[COOKIE_LENGTH], const uint8_t *datagram, size_t length)
{
	uint8_t with[KEY_LENGTH], mac[HASH_LENGTH];

	if (key) {
		keys_derive(with, key, "sno proof", cookie, COOKIE_LENGTH);
		keys_hmac(mac, with, sizeof(with), datagram, length);
		keys_wipe(with, sizeof(with));
	} else {
		keys_hmac(mac, cookie, COOKIE_LENGTH, datagram, length);
	}
	memcpy(proof, mac, COOKIE_LENGTH);
}

int cookie_prove(uint8_t *out, size_t cap, const uint8_t key[KEY_LENGTH],
		 const uint8_t cookie[COOKIE_LENGTH], const uint8_t *datagram, size_t length)
{
	struct cursor_in id = cursor_in(datagram + SNO_HEAD_LENGTH - 4, 4);

	if (COOKIE_PROOF_HEAD + length > cap || COOKIE_PROOF_HEAD + length > SNO_DATAGRAM_MAX)
		return -EMSGSIZE;
	message_write_head(out, MESSAGE_COOKIE_PROOF, cursor_get_u32(&id));
	prove(out + SNO_HEAD_LENGTH, key, cookie, datagram, length);
	memcpy(out + COOKIE_PROOF_HEAD, datagram, length);
	return (int)(COOKIE_PROOF_HEAD + length);
}

enum drop cookie_inner(const uint8_t *datagram, size_t length, enum message_type type,
		       const uint8_t **inner, size_t *inner_length)
{
	enum message_type outer_type, inner_type;
	uint32_t outer_id, inner_id;
	enum drop drop = message_read_head(datagram, length, &outer_type, &outer_id);

	if (drop == DROP_NONE && outer_type != MESSAGE_COOKIE_PROOF)
		drop = DROP_TYPE;
	if (drop == DROP_NONE && length < COOKIE_PROOF_HEAD)
		drop = DROP_SHORT;
	if (drop != DROP_NONE)
		return drop;
	*inner = datagram + COOKIE_PROOF_HEAD;
	*inner_length = length - COOKIE_PROOF_HEAD;
	drop = message_read_head(*inner, *inner_length, &inner_type, &inner_id);
	if (drop != DROP_NONE)
		return drop;
	if (inner_type != type)
		return DROP_TYPE;
	return outer_id == inner_id ? DROP_NONE : DROP_VALUE;
}

/* ---- cookies ------------------------------------------------------------------------------- */

static void renew(struct cookie_jar *jar, usec_t now)
{
	if (jar->filled && now - jar->renewed < COOKIE_TIME)
		return;
	memcpy(jar->secret[1], jar->secret[0], KEY_LENGTH);
	/* After a long silence, as at the beginning, no older one counts. */
	if (!jar->filled || now - jar->renewed >= 2 * COOKIE_TIME)
		keys_random(jar->secret[1], KEY_LENGTH);
	keys_random(jar->secret[0], KEY_LENGTH);
	jar->renewed = now;
	jar->filled = true;
}

static void bake(const uint8_t secret[KEY_LENGTH], const void *source, size_t source_length,
		 uint8_t cookie[COOKIE_LENGTH])
{
	uint8_t mac[HASH_LENGTH];

	keys_hmac(mac, secret, KEY_LENGTH, source, source_length);
	memcpy(cookie, mac, COOKIE_LENGTH);
}

void cookie_make(struct cookie_jar *jar, const void *source, size_t source_length, usec_t now,
		 uint8_t cookie[COOKIE_LENGTH])
{
	renew(jar, now);
	bake(jar->secret[0], source, source_length, cookie);
}

bool cookie_proven(struct cookie_jar *jar, const uint8_t key[KEY_LENGTH], const void *source,
		   size_t source_length, usec_t now, const uint8_t *datagram, size_t length)
{
	const uint8_t *inner = datagram + COOKIE_PROOF_HEAD;
	uint8_t cookie[COOKIE_LENGTH], proof[COOKIE_LENGTH];

	renew(jar, now);
	for (size_t i = 0; i < sizeof(jar->secret) / sizeof(jar->secret[0]); i++) {
		bake(jar->secret[i], source, source_length, cookie);
		prove(proof, key, cookie, inner, length - COOKIE_PROOF_HEAD);
		if (keys_equal(proof, datagram + SNO_HEAD_LENGTH, sizeof(proof)))
			return true;
	}
	return false;
}

/* By which a cookie shows that its sender has seen what it answers. */
static void echo_of(uint8_t echo[COOKIE_LENGTH], const uint8_t *answered, size_t length)
{
	uint8_t hash[HASH_LENGTH];

	keys_sha256(hash, answered, length);
	memcpy(echo, hash, COOKIE_LENGTH);
}

void cookie_write(uint8_t out[COOKIE_DATAGRAM], uint32_t id, const uint8_t *answered,
		  size_t answered_length, const uint8_t cookie[COOKIE_LENGTH])
{
	message_write_head(out, MESSAGE_COOKIE, id);
	echo_of(out + SNO_HEAD_LENGTH, answered, answered_length);
	memcpy(out + SNO_HEAD_LENGTH + COOKIE_LENGTH, cookie, COOKIE_LENGTH);
}

bool cookie_read(const uint8_t *datagram, size_t length, const uint8_t *sent, size_t sent_length,
		 uint8_t cookie[COOKIE_LENGTH])
{
	uint8_t expected[COOKIE_DATAGRAM];
	struct cursor_in id = cursor_in(sent + SNO_HEAD_LENGTH - 4, 4);

	if (length != COOKIE_DATAGRAM || sent_length < SNO_HEAD_LENGTH)
		return false;
	cookie_write(expected, cursor_get_u32(&id), sent, sent_length,
		     datagram + SNO_HEAD_LENGTH + COOKIE_LENGTH);
	if (!keys_equal(expected, datagram, sizeof(expected)))
		return false;
	memcpy(cookie, datagram + SNO_HEAD_LENGTH + COOKIE_LENGTH, COOKIE_LENGTH);
	return true;
}
