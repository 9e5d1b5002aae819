/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The access side's cryptography from both ends: a registration played through a real handshake,
 * keys against an independent computation, and everything that may happen to a sealed datagram.
 */
#include "access.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "noise.h"
#include "octets.h"
#include "random_message.h"
#include "tests/hex.h"

#define TERMINAL_INDEX 0x01020304
#define CORE_INDEX     0xa0b0c0d0

static struct access_session core, terminal;

/* Both ends of a session under a fixed key, each knowing the other's index. */
static int start(void **state)
{
	static const uint8_t key[KEY_LENGTH] = {7};

	(void)state;
	access_session_init(&core, key, true);
	core.local_index = CORE_INDEX;
	core.remote_index = TERMINAL_INDEX;
	access_session_init(&terminal, key, false);
	terminal.local_index = TERMINAL_INDEX;
	terminal.remote_index = CORE_INDEX;
	return 0;
}

static struct message disconnect(uint32_t id)
{
	struct message m;

	message_init(&m, MESSAGE_CORE_DISCONNECT, id);
	message_set_text(&m, ATTR_NEXT_CORE, "b.example");
	return m;
}

static struct message registration(void)
{
	struct message m;

	message_init(&m, MESSAGE_REGISTRATION, CORE_INDEX);
	message_set_text(&m, ATTR_CORE, "b.example");
	message_set_number(&m, ATTR_EPOCH, 77);
	message_set_number(&m, ATTR_MTU, 1400);
	message_set_number(&m, ATTR_LIFETIME, 300);
	return m;
}

/* A sealed datagram from one end; octets.h has the room. */
static struct octets sealed_by(struct access_session *s, const struct message *m)
{
	struct octets o;
	int length = access_seal(s, m, o.bytes, sizeof(o.bytes));

	assert_true(length > 0);
	o.length = (size_t)length;
	return o;
}

/* Opens from memory of exactly the length. What was dropped leaves nothing behind. */
static enum drop opened_by(struct access_session *s, const struct octets *o, struct message *m)
{
	static const struct message nothing;
	uint8_t *exact = malloc(o->length + !o->length);
	enum drop drop;

	memcpy(exact, o->bytes, o->length);
	memset(m, 0x55, sizeof(*m));
	drop = access_open(s, exact, o->length, m);
	free(exact);
	if (drop != DROP_NONE)
		assert_memory_equal(m, &nothing, sizeof(nothing));
	return drop;
}

static void assert_opens(struct access_session *s, const struct octets *o,
			 const struct message *expected)
{
	struct message m;

	assert_int_equal(opened_by(s, o, &m), DROP_NONE);
	assert_memory_equal(&m, expected, sizeof(m));
}

static void assert_drops(struct access_session *s, const struct octets *o, enum drop expected)
{
	const struct access_session before = *s;
	struct message m;

	assert_int_equal(opened_by(s, o, &m), expected);
	assert_memory_equal(s, &before, sizeof(before));
}

static void test_prologue(void **state)
{
	uint8_t out[ACCESS_PROLOGUE_MAX], exact[25];
	char longest[SNO_NAME_MAX + 2];

	(void)state;
	assert_int_equal(access_prologue(out, sizeof(out), 0x01020304, "a.example"), 25);
	assert_memory_equal(out, "sno/1 access\1\2\3\4a.example", 25);
	assert_int_equal(access_prologue(exact, 25, 0x01020304, "a.example"), 25);
	assert_int_equal(access_prologue(exact, 24, 0x01020304, "a.example"), -EMSGSIZE);
	assert_int_equal(access_prologue(out, sizeof(out), 1, ""), -EINVAL);
	assert_int_equal(access_prologue(out, sizeof(out), 1, "A.example"), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[SNO_NAME_MAX] = '\0';
	assert_int_equal(access_prologue(out, sizeof(out), 1, longest), ACCESS_PROLOGUE_MAX);
	longest[SNO_NAME_MAX] = 'x';
	longest[SNO_NAME_MAX + 1] = '\0';
	assert_int_equal(access_prologue(out, sizeof(out), 1, longest), -EINVAL);
}

/*
 * Section 6, computed by Python's hmac and hashlib from k1 = 00 01 .. 1f, h = 20 21 .. 3f, core
 * b.example, COUNTER 0x0102030405060708.
 */
static void test_derivation(void **state)
{
	static const char root_hex[] =
		"8c31f9e90b7fbb087872fe8c71da492f822c942909b12e60bce78d04414eae2f";
	static const char key_hex[] =
		"6c912c707ed41f1c6356d109c62a3e1e5cc06cafe7132dd3e15e35ee99a2c939";
	static const char up_hex[] =
		"277cffa25fb00cf740d5614eae0b57bf6a7db41806c9596d31006fa0e5cb900e";
	static const char down_hex[] =
		"f4344fb8dc2b039829e4f0429026c015206edc014d6ecaaa496650e435b65764";
	uint8_t k1[KEY_LENGTH], h[HASH_LENGTH], root[KEY_LENGTH], key[KEY_LENGTH];
	uint8_t expected[KEY_LENGTH];

	(void)state;
	for (unsigned int i = 0; i < KEY_LENGTH; i++) {
		k1[i] = (uint8_t)i;
		h[i] = (uint8_t)(i + 32);
	}
	access_root(root, k1, h);
	assert_int_equal(hex_decode(expected, sizeof(expected), root_hex), KEY_LENGTH);
	assert_memory_equal(root, expected, KEY_LENGTH);
	assert_int_equal(access_key(key, root, "b.example", UINT64_C(0x0102030405060708)), 0);
	assert_int_equal(hex_decode(expected, sizeof(expected), key_hex), KEY_LENGTH);
	assert_memory_equal(key, expected, KEY_LENGTH);

	access_session_init(&terminal, key, false);
	access_session_init(&core, key, true);
	assert_int_equal(hex_decode(expected, sizeof(expected), up_hex), KEY_LENGTH);
	assert_memory_equal(terminal.tx.key, expected, KEY_LENGTH);
	assert_memory_equal(core.rx.key, expected, KEY_LENGTH);
	assert_int_equal(hex_decode(expected, sizeof(expected), down_hex), KEY_LENGTH);
	assert_memory_equal(terminal.rx.key, expected, KEY_LENGTH);
	assert_memory_equal(core.tx.key, expected, KEY_LENGTH);
	assert_int_equal(terminal.local_index | terminal.remote_index, 0);

	access_root(k1, k1, h); /* in place */
	assert_memory_equal(k1, root, KEY_LENGTH);
}

/* Another core, counter or root is another key; a core without a name gets none. */
static void test_key_separation(void **state)
{
	static const uint8_t zero[KEY_LENGTH];
	uint8_t root[KEY_LENGTH] = {1}, keys[5][KEY_LENGTH];

	(void)state;
	assert_int_equal(access_key(keys[0], root, "b.example", 1), 0);
	assert_int_equal(access_key(keys[1], root, "b.example", 2), 0);
	assert_int_equal(access_key(keys[2], root, "c.example", 1), 0);
	root[31] = 1;
	assert_int_equal(access_key(keys[3], root, "b.example", 1), 0);
	memcpy(keys[4], root, sizeof(root));
	for (unsigned int i = 0; i < 5; i++)
		for (unsigned int j = 0; j < i; j++)
			assert_memory_not_equal(keys[i], keys[j], KEY_LENGTH);
	assert_int_equal(access_key(keys[0], root, "", 1), -EINVAL);
	assert_memory_equal(keys[0], zero, KEY_LENGTH);
}

static void test_both_ways(void **state)
{
	(void)state;
	for (uint32_t id = 1; id < 300; id++) {
		struct message m = disconnect(id);
		struct octets up = sealed_by(&terminal, &m), down = sealed_by(&core, &m);
		uint32_t index;

		assert_true(access_receiver_index(up.bytes, up.length, &index));
		assert_int_equal(index, CORE_INDEX);
		assert_true(access_receiver_index(down.bytes, down.length, &index));
		assert_int_equal(index, TERMINAL_INDEX);
		assert_opens(&core, &up, &m);
		assert_opens(&terminal, &down, &m);
	}
}

/* Section 4.2: head, counter from 0 in big-endian order, ciphertext and tag. */
static void test_shape(void **state)
{
	static const uint8_t first[16] = {3, 1, 0, 0, 0xa0, 0xb0, 0xc0, 0xd0};
	struct message m = disconnect(9);
	struct octets o;
	uint8_t plain[SNO_DATAGRAM_MAX];
	int length = message_write(&m, plain, sizeof(plain));

	(void)state;
	o = sealed_by(&terminal, &m);
	assert_int_equal(o.length, (size_t)length + ACCESS_OVERHEAD);
	assert_memory_equal(o.bytes, first, sizeof(first));
	for (unsigned int i = 1; i < 0x102; i++)
		o = sealed_by(&terminal, &m);
	assert_memory_equal(o.bytes + 8, "\0\0\0\0\0\0\1\1", 8);
	assert_memory_not_equal(o.bytes + 16, plain, (size_t)length);
}

static void test_replay(void **state)
{
	struct message m = disconnect(1);
	struct octets o = sealed_by(&terminal, &m);

	(void)state;
	assert_opens(&core, &o, &m);
	assert_drops(&core, &o, DROP_REPLAY);
	/* Counted before the cipher is asked. */
	o.bytes[o.length - 1] ^= 1;
	assert_drops(&core, &o, DROP_REPLAY);
}

static void test_reordered(void **state)
{
	static struct octets sent[64];
	struct random r = {3};
	struct message m;

	(void)state;
	for (unsigned int i = 0; i < 64; i++) {
		m = disconnect(i + 1);
		sent[i] = sealed_by(&terminal, &m);
	}
	for (unsigned int i = 63; i > 0; i--) {
		unsigned int j = random_below(&r, i + 1);
		struct octets swap = sent[i];

		sent[i] = sent[j];
		sent[j] = swap;
	}
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(opened_by(&core, &sent[i], &m), DROP_NONE);
	for (unsigned int i = 0; i < 64; i++)
		assert_drops(&core, &sent[i], DROP_REPLAY);
}

/* At least 2,048 counters wide, and closed behind. */
static void test_window(void **state)
{
	struct message m = disconnect(1);
	struct octets oldest = sealed_by(&terminal, &m), later, newest;

	(void)state;
	later = sealed_by(&terminal, &m);
	terminal.tx.counter = 2048;
	newest = sealed_by(&terminal, &m);
	assert_opens(&core, &newest, &m);
	assert_opens(&core, &later, &m);
	terminal.tx.counter = 100000;
	newest = sealed_by(&terminal, &m);
	assert_opens(&core, &newest, &m);
	assert_drops(&core, &oldest, DROP_REPLAY);
}

/* Every bit of every octet: noticed, under the right reason, and without effect on the session. */
static void test_tampered(void **state)
{
	struct message m = disconnect(1);
	const struct octets original = sealed_by(&terminal, &m);

	(void)state;
	for (size_t i = 0; i < original.length; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			enum drop expected = i == 0  ? DROP_TYPE
					     : i < 4 ? DROP_VERSION
					     : i < 8 ? DROP_INDEX
						     : DROP_SEAL;
			struct octets o = original;

			o.bytes[i] ^= (uint8_t)(1u << bit);
			assert_drops(&core, &o, expected);
		}
	}
	assert_opens(&core, &original, &m);
}

static void test_truncated(void **state)
{
	struct message m = disconnect(1);
	const struct octets original = sealed_by(&terminal, &m);
	struct octets o = original;
	uint32_t index;

	(void)state;
	for (o.length = 0; o.length < original.length; o.length++) {
		assert_drops(&core, &o, o.length < ACCESS_OVERHEAD ? DROP_SHORT : DROP_SEAL);
		assert_int_equal(access_receiver_index(o.bytes, o.length, &index),
				 o.length >= ACCESS_OVERHEAD);
	}
	/* In the order of section 2.3: short before index. */
	o.length = ACCESS_OVERHEAD - 1;
	o.bytes[4] ^= 1;
	assert_drops(&core, &o, DROP_SHORT);
	o.length++;
	assert_drops(&core, &o, DROP_INDEX);
	o.bytes[4] ^= 1;
	o.length = SNO_DATAGRAM_MAX + 1;
	assert_drops(&core, &o, DROP_LONG);
	o.length = SNO_DATAGRAM_MAX;
	memset(o.bytes + original.length, 0, o.length - original.length);
	assert_drops(&core, &o, DROP_SEAL);
}

/* A datagram of one direction sent back, of another session, or to nobody. */
static void test_misdirected(void **state)
{
	struct message m = disconnect(1);
	struct octets o = sealed_by(&terminal, &m);
	uint8_t other[KEY_LENGTH] = {8};
	uint32_t index = 5;

	(void)state;
	assert_drops(&terminal, &o, DROP_INDEX);
	terminal.local_index = CORE_INDEX;
	assert_drops(&terminal, &o, DROP_SEAL);
	access_session_init(&core, other, true);
	core.local_index = CORE_INDEX;
	assert_drops(&core, &o, DROP_SEAL);
	core.local_index = 0;
	memset(o.bytes + 4, 0, 4);
	assert_drops(&core, &o, DROP_INDEX);
	assert_false(access_receiver_index(o.bytes, o.length, &index));
	assert_int_equal(index, 5);
}

/* What is authentic but no message of this place; its counter is spent. */
static void test_sealed_garbage(void **state)
{
	static const struct {
		const char *plain;
		size_t length;
		enum drop drop;
	} cases[] = {
		{"", 0, DROP_SHORT},
		{"\x32\x01\0\0\0\0\0", 7, DROP_SHORT},
		{"\x32\x02\0\0\0\0\0\1", 8, DROP_VERSION},
		{"\x30\x01\0\0\0\0\0\1", 8, DROP_TYPE}, /* between cores only */
		{"\x24\x01\0\0\0\0\0\1", 8, DROP_TYPE}, /* in registration done only */
		{"\xb2\x01\0\0\0\0\0\1", 8, DROP_MISSING},
		{"\x32\x01\0\0\0\0\0\1\x7f\0\0", 11, DROP_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct octets o = {.bytes = {3, 1, 0, 0, 0xa0, 0xb0, 0xc0, 0xd0},
				   .length = cases[i].length + ACCESS_OVERHEAD};
		struct message m;

		o.bytes[15] = (uint8_t)seal_counter(&terminal.tx);
		assert_int_equal(seal_close(&terminal.tx, o.bytes, 16, cases[i].plain,
					    cases[i].length, o.bytes + 16),
				 0);
		assert_int_equal(opened_by(&core, &o, &m), cases[i].drop);
		assert_drops(&core, &o, DROP_REPLAY);
	}
}

static void test_seal_errors(void **state)
{
	struct message m = disconnect(1), bad;
	uint8_t out[SNO_DATAGRAM_MAX];
	int length = access_seal(&core, &m, out, sizeof(out));

	(void)state;
	assert_int_equal(seal_counter(&core.tx), 1);
	for (size_t cap = 0; cap < (size_t)length; cap++) {
		uint8_t *room = malloc(cap + !cap);

		assert_int_equal(access_seal(&core, &m, room, cap), -EMSGSIZE);
		free(room);
	}
	message_init(&bad, MESSAGE_DISCONNECTION_ACK, 1);
	assert_int_equal(access_seal(&core, &bad, out, sizeof(out)), -EINVAL);
	core.remote_index = 0;
	assert_int_equal(access_seal(&core, &m, out, sizeof(out)), -ENOTCONN);
	core.remote_index = TERMINAL_INDEX;
	assert_int_equal(seal_counter(&core.tx), 1);
	core.tx.counter = SEAL_COUNTER_LIMIT;
	assert_int_equal(access_seal(&core, &m, out, sizeof(out)), -EKEYEXPIRED);
}

/* A message that fits a datagram alone need not fit one when sealed. */
static void test_seal_limit(void **state)
{
	static const uint8_t filler[SNO_HANDSHAKE_MAX];
	uint8_t out[2 * SNO_DATAGRAM_MAX];
	struct message m;

	(void)state;
	message_init(&m, MESSAGE_REGISTRATION_DONE, 1);
	message_set_blob(&m, ATTR_HANDSHAKE, filler, 768);
	message_set_blob(&m, ATTR_SEALED, filler, SNO_DATAGRAM_MAX - ACCESS_OVERHEAD - 8 - 771 - 3);
	assert_int_equal(access_seal(&core, &m, out, sizeof(out)), SNO_DATAGRAM_MAX);
	message_set_blob(&m, ATTR_SEALED, filler,
			 SNO_DATAGRAM_MAX - ACCESS_OVERHEAD - 8 - 771 - 3 + 1);
	assert_int_equal(access_seal(&core, &m, out, sizeof(out)), -EMSGSIZE);
}

static void test_registration(void **state)
{
	struct message m = registration(), back;
	struct message_blob sealed;
	struct octets o;

	(void)state;
	terminal.remote_index = 0;
	assert_int_equal(access_seal_registration(&core, &m, &sealed), 0);
	assert_memory_equal(sealed.bytes, "\0\0\0\0\0\0\0\0", 8);
	assert_int_equal(access_open_registration(&terminal, &sealed, &back), DROP_NONE);
	assert_memory_equal(&back, &m, sizeof(m));
	assert_int_equal(terminal.remote_index, CORE_INDEX);

	/* One counter space with the datagrams that follow (section 5.3). */
	assert_int_equal(access_open_registration(&terminal, &sealed, &back), DROP_REPLAY);
	m = disconnect(1);
	o = sealed_by(&core, &m);
	assert_int_equal(o.bytes[15], 1);
	assert_opens(&terminal, &o, &m);
}

static void test_registration_refused(void **state)
{
	struct message m = registration(), back, bad = disconnect(1);
	const struct message nothing = {0};
	struct message_blob sealed, copy;

	(void)state;
	terminal.remote_index = 0;
	assert_int_equal(access_seal_registration(&core, &bad, &sealed), -EINVAL);
	bad = m;
	bad.present &= ~(UINT64_C(1) << ATTR_MTU);
	assert_int_equal(access_seal_registration(&core, &bad, &sealed), -EINVAL);
	assert_int_equal(seal_counter(&core.tx), 0);
	assert_int_equal(access_seal_registration(&core, &m, &sealed), 0);
	for (size_t i = 0; i < sealed.length; i++) {
		copy = sealed;
		copy.bytes[i] ^= 0x10;
		assert_int_equal(access_open_registration(&terminal, &copy, &back), DROP_SEAL);
		assert_memory_equal(&back, &nothing, sizeof(nothing));
		copy = sealed;
		copy.length = (uint16_t)i;
		assert_int_equal(access_open_registration(&terminal, &copy, &back),
				 i < 24 ? DROP_SHORT : DROP_SEAL);
		assert_int_equal(terminal.remote_index, 0);
	}
	copy.length = sizeof(copy.bytes) + 1;
	assert_int_equal(access_open_registration(&terminal, &copy, &back), DROP_LENGTH);
	/* Bound to the head of the datagram it came in. */
	terminal.local_index++;
	assert_int_equal(access_open_registration(&terminal, &sealed, &back), DROP_SEAL);
	terminal.local_index--;
	assert_int_equal(access_open_registration(&terminal, &sealed, &back), DROP_NONE);
	core.remote_index = 0;
	assert_int_equal(access_seal_registration(&core, &m, &sealed), -ENOTCONN);
}

/* SEALED and a sealed datagram cannot stand for one another. */
static void test_registration_is_no_datagram(void **state)
{
	struct octets o = {.bytes = {3, 1, 0, 0, 1, 2, 3, 4}};
	struct message m = registration();
	struct message_blob sealed;

	(void)state;
	assert_int_equal(access_seal_registration(&core, &m, &sealed), 0);
	memcpy(o.bytes + 8, sealed.bytes, sealed.length);
	o.length = 8u + sealed.length;
	assert_drops(&terminal, &o, DROP_SEAL);
	m = disconnect(1);
	o = sealed_by(&core, &m);
	sealed.length = (uint16_t)(o.length - 8);
	memcpy(sealed.bytes, o.bytes + 8, sealed.length);
	assert_int_equal(access_open_registration(&terminal, &sealed, &m), DROP_SEAL);
}

/* A whole registration: both ends of the handshake come to the same access key. */
static void test_from_handshake(void **state)
{
	struct key_pair home, subscriber;
	uint8_t prologue[ACCESS_PROLOGUE_MAX], message[256], payload[256];
	uint8_t roots[2][KEY_LENGTH], keys[2][KEY_LENGTH];
	int length = access_prologue(prologue, sizeof(prologue), TERMINAL_INDEX, "a.example");
	struct noise_keys split[2];
	struct noise_setup setup = {.protocol = NOISE_IK_PSK2,
				    .prologue = prologue,
				    .prologue_length = (size_t)length,
				    .psk = (const uint8_t[KEY_LENGTH]){9}};
	struct noise n[2];
	size_t message_length, payload_length;
	struct message m = disconnect(1);
	struct octets o;

	(void)state;
	keys_generate_pair(&home);
	keys_generate_pair(&subscriber);
	setup.initiator = true;
	setup.local = &subscriber;
	setup.remote = home.public;
	assert_int_equal(noise_init(&n[0], &setup), 0);
	setup.initiator = false;
	setup.local = &home;
	setup.remote = NULL;
	assert_int_equal(noise_init(&n[1], &setup), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(
			noise_write(&n[i], "x", 1, message, sizeof(message), &message_length), 0);
		assert_int_equal(noise_read(&n[!i], message, message_length, payload,
					    sizeof(payload), &payload_length),
				 0);
	}
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(noise_split(&n[i], &split[i]), 0);
		access_root(roots[i], i == 0 ? split[i].send : split[i].receive, split[i].hash);
		assert_int_equal(access_key(keys[i], roots[i], "b.example", 1), 0);
	}
	assert_memory_equal(roots[0], roots[1], KEY_LENGTH);
	access_session_init(&terminal, keys[0], false);
	access_session_init(&core, keys[1], true);
	terminal.remote_index = CORE_INDEX;
	core.local_index = CORE_INDEX;
	o = sealed_by(&terminal, &m);
	assert_opens(&core, &o, &m);
}

static void test_wipe(void **state)
{
	static const struct access_session nothing;

	(void)state;
	access_session_wipe(&core);
	assert_memory_equal(&core, &nothing, sizeof(nothing));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prologue),
		cmocka_unit_test(test_derivation),
		cmocka_unit_test(test_key_separation),
		cmocka_unit_test_setup(test_both_ways, start),
		cmocka_unit_test_setup(test_shape, start),
		cmocka_unit_test_setup(test_replay, start),
		cmocka_unit_test_setup(test_reordered, start),
		cmocka_unit_test_setup(test_window, start),
		cmocka_unit_test_setup(test_tampered, start),
		cmocka_unit_test_setup(test_truncated, start),
		cmocka_unit_test_setup(test_misdirected, start),
		cmocka_unit_test_setup(test_sealed_garbage, start),
		cmocka_unit_test_setup(test_seal_errors, start),
		cmocka_unit_test_setup(test_seal_limit, start),
		cmocka_unit_test_setup(test_registration, start),
		cmocka_unit_test_setup(test_registration_refused, start),
		cmocka_unit_test_setup(test_registration_is_no_datagram, start),
		cmocka_unit_test_setup(test_from_handshake, start),
		cmocka_unit_test_setup(test_wipe, start),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (keys_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
