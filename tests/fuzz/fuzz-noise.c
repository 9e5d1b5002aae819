/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: what strangers can send to the cryptographic layer.
 *
 * The first byte of the input selects a protocol and how far the handshake has come, the rest is
 * either taken as the message itself or laid over a true one by exclusive or, so that the fuzzer
 * reaches every depth without breaking the cipher. Whatever comes in: only the true message is
 * taken, a refusal leaves the state byte for byte as it was, and the true one still passes
 * afterwards. The rest of the input is then tried as a sealed datagram, as the text of a key and as
 * the name of a protocol. At the start everything is asked for once that a caller must not.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "noise.h"
#include "seal.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAYLOAD "alice@a.example"
#define LENGTH	(sizeof(PAYLOAD) - 1)

/* A reader that waits for a message, and that message. */
struct stage {
	struct noise reader;
	uint8_t message[NOISE_OVERHEAD_IK + LENGTH];
	size_t length;
};

static struct stage stages[NOISE_PROTOCOLS][2];
static uint8_t transport_key[KEY_LENGTH];

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* A fixed key, so that a found input stays a finding. */
static void fixed_pair(struct key_pair *pair, uint8_t number)
{
	keys_derive(pair->private, (const uint8_t[KEY_LENGTH]){number}, "fuzz", NULL, 0);
	keys_public(pair->public, pair->private);
}

/* Plays one handshake and keeps what each reader saw. */
static void prepare(enum noise_protocol protocol)
{
	bool ik = protocol >= NOISE_IK, psk = protocol != NOISE_KK && protocol != NOISE_IK;
	struct stage *first = &stages[protocol][0], *second = &stages[protocol][1];
	struct key_pair alice, bob, ephemeral;
	struct noise_setup setup = {.protocol = protocol, .psk = psk ? transport_key : NULL};
	struct noise initiator, responder;
	uint8_t payload[LENGTH];
	struct noise_keys keys;
	size_t length;

	fixed_pair(&alice, 1);
	fixed_pair(&bob, 2);
	setup.initiator = true;
	setup.local = &alice;
	setup.remote = bob.public;
	require(noise_init(&initiator, &setup) == 0);
	setup.initiator = false;
	setup.local = &bob;
	setup.remote = ik ? NULL : alice.public;
	require(noise_init(&responder, &setup) == 0);
	fixed_pair(&ephemeral, 3);
	noise_set_ephemeral(&initiator, ephemeral.private);
	fixed_pair(&ephemeral, 4);
	noise_set_ephemeral(&responder, ephemeral.private);

	first->reader = responder;
	require(noise_write(&initiator, PAYLOAD, LENGTH, first->message, sizeof(first->message),
			    &first->length) == 0);
	require(noise_read(&responder, first->message, first->length, payload, sizeof(payload),
			   &length) == 0);
	second->reader = initiator;
	require(noise_write(&responder, PAYLOAD, LENGTH, second->message, sizeof(second->message),
			    &second->length) == 0);
	require(noise_read(&initiator, second->message, second->length, payload, sizeof(payload),
			   &length) == 0);
	require(noise_split(&initiator, &keys) == 0);
}

/* Setups that contradict their patterns. */
static void refuse_setups(const struct key_pair *alice, const struct key_pair *bob)
{
	const struct noise_setup good = {
		.protocol = NOISE_KK, .initiator = true, .local = alice, .remote = bob->public};
	struct noise_setup setup;
	struct noise n;

	setup = good;
	setup.protocol = NOISE_PROTOCOLS;
	require(noise_init(&n, &setup) == -EINVAL);
	setup = good;
	setup.psk = transport_key;
	require(noise_init(&n, &setup) == -EINVAL);
	setup = good;
	setup.remote = NULL;
	require(noise_init(&n, &setup) == -EINVAL);
	setup = good;
	setup.prologue_length = 1;
	require(noise_init(&n, &setup) == -EINVAL);
	setup = good;
	setup.ready = (struct noise_ready *)&n;
	require(noise_init(&n, &setup) == -EINVAL);
	require(noise_init(&n, &good) == 0 && noise_set_psk(&n, transport_key) == -EINVAL);
	noise_wipe(&n);
}

/* Out of turn, too long, into too little room, without a psk: nothing comes of it. */
static void refuse_calls(const struct key_pair *alice, const struct key_pair *bob)
{
	const struct noise_setup setup = {.protocol = NOISE_KK_PSK0,
					  .initiator = true,
					  .local = alice,
					  .remote = bob->public};
	uint8_t message[NOISE_OVERHEAD_IK], payload[LENGTH];
	struct noise reader = stages[NOISE_KK_PSK0][0].reader, n;
	const struct stage *stage = &stages[NOISE_KK_PSK0][0];
	struct noise_keys keys;
	size_t length;

	require(noise_init(&n, &setup) == 0);
	require(noise_read(&n, stage->message, stage->length, payload, LENGTH, &length) == -EPROTO);
	require(noise_write(&n, payload, NOISE_MESSAGE_MAX, message, sizeof(message), &length) ==
		-EMSGSIZE);
	require(noise_write(&n, NULL, 0, message, 1, &length) == -ENOBUFS);
	require(noise_write(&n, NULL, 0, message, sizeof(message), &length) == -ENOKEY);
	require(noise_split(&n, &keys) == -EPROTO);
	require(noise_set_psk(&n, transport_key) == 0);
	require(noise_write(&n, NULL, 0, message, sizeof(message), &length) == 0);
	require(noise_write(&n, NULL, 0, message, sizeof(message), &length) == -EPROTO);
	require(noise_set_psk(&n, transport_key) == -EALREADY);
	noise_wipe(&n);
	require(noise_read(&reader, stage->message, NOISE_MESSAGE_MAX + 1, payload, LENGTH,
			   &length) == -EMSGSIZE);
	require(noise_read(&reader, stage->message, stage->length, payload, 1, &length) ==
		-ENOBUFS);
	noise_wipe(&reader);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct key_pair alice, bob;

	(void)argc;
	(void)argv;
	require(keys_init() == 0);
	for (unsigned int i = 0; i < NOISE_PROTOCOLS; i++)
		prepare(i);
	fixed_pair(&alice, 1);
	fixed_pair(&bob, 2);
	refuse_setups(&alice, &bob);
	refuse_calls(&alice, &bob);
	return 0;
}

/* A message from outside: taken only if it is the true one. */
static void try_message(const struct stage *stage, const uint8_t *message, size_t length)
{
	bool same = length == stage->length && memcmp(message, stage->message, length) == 0;
	static uint8_t payload[NOISE_MESSAGE_MAX];
	struct noise n = stage->reader;
	size_t payload_length = 0;

	if (noise_read(&n, message, length, payload, sizeof(payload), &payload_length) == 0) {
		require(same);
	} else {
		require(!same);
		require(memcmp(&n, &stage->reader, sizeof(n)) == 0);
		require(noise_read(&n, stage->message, stage->length, payload, sizeof(payload),
				   &payload_length) == 0);
	}
	require(payload_length == LENGTH && memcmp(payload, PAYLOAD, LENGTH) == 0);
	noise_wipe(&n);
}

/* A window of which only its end is known takes what comes behind that, once, and nothing before.
 */
static void resume_window(uint64_t next)
{
	struct seal_window w;

	seal_window_resume(&w, next);
	for (uint64_t i = 1; i <= 3 * SEAL_WORD_BITS && i <= next; i++)
		require(seal_window_check(&w, next - i) == -ESTALE);
	for (uint64_t i = 0; i < 3; i++) {
		uint64_t counter = next + i * SEAL_WORD_BITS;

		if (counter >= SEAL_COUNTER_LIMIT)
			return;
		require(seal_window_check(&w, counter) == 0);
		seal_window_commit(&w, counter);
		require(seal_window_check(&w, counter) == -ESTALE);
	}
	if (next + SEAL_WINDOW_BITS * 2 < SEAL_COUNTER_LIMIT) {
		seal_window_commit(&w, next + SEAL_WINDOW_BITS * 2);
		require(seal_window_check(&w, next + 1) == -ESTALE);
	}
}

/* A datagram from outside, its counter in front; only its true form may be opened, and once. */
static void try_datagram(const uint8_t *data, size_t size)
{
	static uint8_t plain[NOISE_MESSAGE_MAX], sealed[NOISE_MESSAGE_MAX + SEAL_TAG];
	struct seal_rx rx, before;
	struct seal_tx tx;
	uint64_t counter;

	if (size < sizeof(counter) || size > sizeof(plain))
		return;
	memcpy(&counter, data, sizeof(counter));
	data += sizeof(counter);
	size -= sizeof(counter);
	seal_rx_init(&rx, transport_key);
	before = rx;
	require(seal_open(&rx, counter, NULL, 0, data, size, plain) < 0);
	require(memcmp(&rx, &before, sizeof(rx)) == 0);
	tx.counter = counter;
	memcpy(tx.key, transport_key, sizeof(tx.key));
	if (counter >= SEAL_COUNTER_LIMIT) {
		require(seal_close(&tx, NULL, 0, data, size, sealed) == -EKEYEXPIRED);
		return;
	}
	require(seal_close(&tx, NULL, 0, data, size, sealed) == 0 &&
		seal_counter(&tx) == counter + 1);
	resume_window(counter);
	seal_encrypt(transport_key, counter, NULL, 0, data, size, sealed);
	require(seal_open(&rx, counter, NULL, 0, sealed, size + SEAL_TAG, plain) == 0);
	require(memcmp(plain, data, size) == 0);
	require(seal_open(&rx, counter, NULL, 0, sealed, size + SEAL_TAG, plain) == -ESTALE);
}

/* The text of a key: either refused or exactly what that key is written as. */
static void try_key(const uint8_t *data, size_t size)
{
	char text[KEY_TEXT + 8] = {0}, back[KEY_TEXT];
	uint8_t key[KEY_LENGTH];

	memcpy(text, data, size < sizeof(text) - 1 ? size : sizeof(text) - 1);
	if (keys_decode(key, text) == 0)
		require(strcmp(keys_encode(back, key), text) == 0);
}

/* The name of a protocol: none, or the one that has it. */
static void try_name(const uint8_t *data, size_t size)
{
	enum noise_protocol protocol;
	char text[64] = {0};

	memcpy(text, data, size < sizeof(text) - 1 ? size : sizeof(text) - 1);
	if (noise_protocol_find(&protocol, text) == 0)
		require(strcmp(noise_protocol_name(protocol), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct stage *stage;
	uint8_t laid[NOISE_OVERHEAD_IK + LENGTH];
	bool over;

	if (size < 1)
		return 0;
	stage = &stages[data[0] % NOISE_PROTOCOLS][data[0] / NOISE_PROTOCOLS % 2];
	over = data[0] & 0x80;
	data++;
	size--;
	if (over) {
		memcpy(laid, stage->message, stage->length);
		for (size_t i = 0; i < size && i < stage->length; i++)
			laid[i] ^= data[i];
		try_message(stage, laid, stage->length);
	} else {
		try_message(stage, data, size);
	}
	try_datagram(data, size);
	try_key(data, size);
	try_name(data, size);
	return 0;
}
