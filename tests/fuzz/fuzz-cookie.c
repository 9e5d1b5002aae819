/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cookies and their proofs out of anything: nothing beyond the octets is read, a datagram found
 * within lies within, and what nobody has made proves nothing. And with anything as the datagram
 * that is answered: its cookie proves it, from the same place and for its time.
 */
#include "cookie.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_within(const uint8_t *data, size_t size, enum message_type type)
{
	static const uint8_t key[KEY_LENGTH] = {1};
	static struct cookie_jar jar;
	const uint8_t *inner;
	size_t length;

	if (cookie_inner(data, size, type, &inner, &length) != DROP_NONE)
		return;
	if (inner != data + COOKIE_PROOF_HEAD || inner + length != data + size || inner[0] != type)
		abort();
	if (cookie_proven(&jar, NULL, "place", 5, USEC_PER_SEC, data, size) ||
	    cookie_proven(&jar, key, "place", 5, USEC_PER_SEC, data, size))
		abort();
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The whole exchange about a datagram, with the key of two cores or without. */
static void exchange(const uint8_t *data, size_t size, const uint8_t *key)
{
	uint8_t cookie[COOKIE_LENGTH], taken[COOKIE_LENGTH], answer[COOKIE_DATAGRAM];
	uint8_t proof[SNO_DATAGRAM_MAX];
	struct cookie_jar jar = {0};
	const usec_t now = USEC_PER_SEC;
	const uint8_t *inner;
	enum message_type type;
	uint32_t id;
	size_t length;
	int written;

	if (size + COOKIE_PROOF_HEAD > sizeof(proof) ||
	    message_read_head(data, size, &type, &id) != DROP_NONE)
		return;
	cookie_make(&jar, "place", 5, now, cookie);
	cookie_write(answer, id, data, size, cookie);
	must(cookie_read(answer, sizeof(answer), data, size, taken));
	must(memcmp(cookie, taken, sizeof(cookie)) == 0);
	answer[sizeof(answer) - 1] ^= 1;
	must(cookie_read(answer, sizeof(answer), data, size, taken));
	answer[SNO_HEAD_LENGTH] ^= 1;
	must(!cookie_read(answer, sizeof(answer), data, size, taken));
	written = cookie_prove(proof, sizeof(proof), key, cookie, data, size);
	must(written == (int)(COOKIE_PROOF_HEAD + size));
	must(cookie_inner(proof, (size_t)written, type, &inner, &length) == DROP_NONE);
	must(cookie_proven(&jar, key, "place", 5, now, proof, (size_t)written));
	must(!cookie_proven(&jar, key, "other", 5, now, proof, (size_t)written));
	must(cookie_proven(&jar, key, "place", 5, now + COOKIE_TIME, proof, (size_t)written));
	must(!cookie_proven(&jar, key, "place", 5, now + 9 * COOKIE_TIME, proof, (size_t)written));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t none[KEY_LENGTH], private[KEY_LENGTH] = {1};
	uint8_t key[KEY_LENGTH];
	uint8_t *exact = malloc(size + !size), cookie[COOKIE_LENGTH], sent[100] = {0x21, 1};
	uint8_t proof[SNO_DATAGRAM_MAX];
	int length;

	if (!exact || keys_init() < 0)
		abort();
	memcpy(exact, data, size);
	cookie_key(key, private, none, none); /* a public key that is none */
	exchange(exact, size, key);
	exchange(exact, size, NULL);
	look_within(exact, size, MESSAGE_CORE_DISCOVERY);
	look_within(exact, size, MESSAGE_HANDSHAKE_INITIATION);
	if (cookie_read(exact, size, sent, sizeof(sent), cookie))
		abort();
	if (size >= SNO_HEAD_LENGTH) {
		memset(cookie, 7, sizeof(cookie));
		length = cookie_prove(proof, sizeof(proof), NULL, cookie, exact, size);
		if ((length > 0) != (size + COOKIE_PROOF_HEAD <= sizeof(proof)))
			abort();
	}
	free(exact);
	return 0;
}
