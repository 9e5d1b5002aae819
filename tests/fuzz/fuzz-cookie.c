/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cookies and their proofs out of anything: nothing beyond the octets is read, a datagram found
 * within lies within, and what nobody has made proves nothing.
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size + !size), cookie[COOKIE_LENGTH], sent[100] = {0x21, 1};
	uint8_t proof[SNO_DATAGRAM_MAX];
	int length;

	if (!exact || keys_init() < 0)
		abort();
	memcpy(exact, data, size);
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
