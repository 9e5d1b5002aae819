/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Noise handshakes: both ends of every protocol against each other, and everything that must not
 * work. What the bytes have to be is the business of noise-vectors; here it is what a handshake
 * does about forged, short, misdirected and repeated messages: refuse, and stay as it was.
 */
#include "noise.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "seal.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Two ends that know what they must of each other. */
struct pair {
	struct key_pair alice_keys, bob_keys;
	uint8_t psk[KEY_LENGTH];
	struct noise alice, bob;
};

static bool is_ik(enum noise_protocol p)
{
	return p >= NOISE_IK;
}

static bool is_psk(enum noise_protocol p)
{
	return p != NOISE_KK && p != NOISE_IK;
}

/* Alice initiates, Bob responds, the prologue is "sno". */
static void start(struct pair *p, enum noise_protocol protocol)
{
	const uint8_t *psk = is_psk(protocol) ? p->psk : NULL;

	keys_generate_pair(&p->alice_keys);
	keys_generate_pair(&p->bob_keys);
	keys_generate_psk(p->psk);
	assert_int_equal(noise_init(&p->alice, &(struct noise_setup){.protocol = protocol,
								     .initiator = true,
								     .prologue = "sno",
								     .prologue_length = 3,
								     .local = &p->alice_keys,
								     .remote = p->bob_keys.public,
								     .psk = psk}),
			 0);
	assert_int_equal(noise_init(&p->bob,
				    &(struct noise_setup){
					    .protocol = protocol,
					    .prologue = "sno",
					    .prologue_length = 3,
					    .local = &p->bob_keys,
					    .remote = is_ik(protocol) ? NULL : p->alice_keys.public,
					    .psk = psk}),
			 0);
}

/* One message from one end to the other, with this payload. */
static void pass(struct noise *from, struct noise *to, const void *payload, size_t length)
{
	uint8_t message[256], got[256];
	size_t message_length, got_length, overhead = noise_overhead(from);

	assert_true(noise_writes_next(from));
	assert_false(noise_writes_next(to));
	assert_int_equal(noise_overhead(to), overhead);
	assert_int_equal(
		noise_write(from, payload, length, message, sizeof(message), &message_length), 0);
	assert_int_equal(message_length, length + overhead);
	assert_int_equal(noise_read(to, message, message_length, got, sizeof(got), &got_length), 0);
	assert_int_equal(got_length, length);
	assert_memory_equal(got, payload, length);
}

/* Both split; what one sends with, the other receives with. */
static void finish(struct pair *p)
{
	struct noise_keys alice, bob;

	assert_true(noise_finished(&p->alice));
	assert_true(noise_finished(&p->bob));
	assert_int_equal(noise_split(&p->alice, &alice), 0);
	assert_int_equal(noise_split(&p->bob, &bob), 0);
	assert_memory_equal(alice.send, bob.receive, KEY_LENGTH);
	assert_memory_equal(alice.receive, bob.send, KEY_LENGTH);
	assert_memory_equal(alice.hash, bob.hash, HASH_LENGTH);
	assert_memory_not_equal(alice.send, alice.receive, KEY_LENGTH);
	assert_true(keys_zero(&p->alice, sizeof(p->alice)));
	assert_true(keys_zero(&p->bob, sizeof(p->bob)));
}

static void test_every_protocol(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned int i = 0; i < NOISE_PROTOCOLS; i++) {
		start(&p, i);
		assert_int_equal(noise_overhead(&p.alice),
				 is_ik(i) ? NOISE_OVERHEAD_IK : NOISE_OVERHEAD);
		pass(&p.alice, &p.bob, "alice@a.example", 15);
		assert_non_null(noise_remote_static(&p.bob));
		assert_memory_equal(noise_remote_static(&p.bob), p.alice_keys.public, KEY_LENGTH);
		assert_int_equal(noise_overhead(&p.alice), NOISE_OVERHEAD);
		pass(&p.bob, &p.alice, "", 0);
		assert_int_equal(noise_overhead(&p.alice), 0);
		finish(&p);
	}
}

static void test_names(void **state)
{
	static const char *const unknown[] = {
		"",
		"Noise_XX_25519_ChaChaPoly_SHA256",
		"Noise_KK_25519_ChaChaPoly_SHA512",
		"Noise_KK_25519_AESGCM_SHA256",
		"Noise_KK_448_ChaChaPoly_SHA256",
		"Noise_KKpsk3_25519_ChaChaPoly_SHA256",
		"Noise_KKpsk0+psk2_25519_ChaChaPoly_SHA256",
		"NoisePSK_KK_25519_ChaChaPoly_SHA256",
		"Noise_KK_25519_ChaChaPoly_SHA256 ",
	};
	enum noise_protocol found;

	(void)state;
	for (unsigned int i = 0; i < NOISE_PROTOCOLS; i++) {
		assert_int_equal(noise_protocol_find(&found, noise_protocol_name(i)), 0);
		assert_int_equal(found, i);
	}
	for (size_t i = 0; i < COUNT(unknown); i++)
		assert_int_equal(noise_protocol_find(&found, unknown[i]), -ENOENT);
	assert_int_equal(noise_protocol_find(&found, "Noise_KKpsk2_25519_ChaChaPoly_SHA256"), 0);
	assert_int_equal(found, NOISE_KK_PSK2);
	assert_int_equal(noise_protocol_find(&found, "Noise_IKpsk2_25519_ChaChaPoly_SHA256"), 0);
	assert_int_equal(found, NOISE_IK_PSK2);
}

static void test_setup_refused(void **state)
{
	struct key_pair keys;
	uint8_t other[KEY_LENGTH];
	struct noise n;

	(void)state;
	keys_generate_pair(&keys);
	keys_random(other, sizeof(other));

	const struct noise_setup bad[] = {
		{.protocol = NOISE_PROTOCOLS, .initiator = true, .local = &keys, .remote = other},
		{.protocol = (enum noise_protocol) - 1, .local = &keys, .remote = other},
		{.protocol = NOISE_KK, .initiator = true, .remote = other},
		{.protocol = NOISE_KK, .initiator = true, .local = &keys},
		{.protocol = NOISE_KK, .local = &keys},
		{.protocol = NOISE_IK, .initiator = true, .local = &keys},
		{.protocol = NOISE_IK, .local = &keys, .remote = other},
		{.protocol = NOISE_KK, .local = &keys, .remote = other, .psk = other},
		{.protocol = NOISE_IK, .local = &keys, .psk = other},
		{.protocol = NOISE_IK, .local = &keys, .prologue_length = 1},
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		if (noise_init(&n, &bad[i]) != -EINVAL)
			fail_msg("setup %zu was taken", i);
		assert_true(keys_zero(&n, sizeof(n)));
	}
}

/*
 * Each message of each protocol with each of its bits inverted, and with each shorter length: the
 * reader refuses and is byte for byte as before; then the true message passes.
 */
static void check_forgeries(struct noise *from, struct noise *to)
{
	uint8_t message[256], got[256];
	size_t length, got_length = 4711;
	struct noise before = *to;

	assert_int_equal(noise_write(from, "payload", 7, message, sizeof(message), &length), 0);
	for (size_t bit = 0; bit < 8 * length; bit++) {
		int error;

		/* X25519 ignores the top bit of a point (RFC 7748), but the hash does not. */
		message[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		error = noise_read(to, message, length, got, sizeof(got), &got_length);
		if (error != -EBADMSG)
			fail_msg("bit %zu: %d", bit, error);
		message[bit / 8] ^= (uint8_t)(1U << (bit % 8));
	}
	for (size_t cut = 0; cut < length; cut++)
		assert_int_equal(noise_read(to, message, cut, got, sizeof(got), &got_length),
				 -EBADMSG);
	assert_int_equal(got_length, 4711);
	assert_memory_equal(to, &before, sizeof(before));
	assert_int_equal(noise_read(to, message, length, got, sizeof(got), &got_length), 0);
	assert_int_equal(got_length, 7);
	assert_memory_equal(got, "payload", 7);
}

static void test_forgeries(void **state)
{
	static const enum noise_protocol protocols[] = {NOISE_KK_PSK2, NOISE_IK_PSK2,
							NOISE_IK_PSK0};
	struct pair p;

	(void)state;
	for (size_t i = 0; i < COUNT(protocols); i++) {
		start(&p, protocols[i]);
		check_forgeries(&p.alice, &p.bob);
		check_forgeries(&p.bob, &p.alice);
		finish(&p);
	}
}

static void test_low_order(void **state)
{
	static const enum noise_protocol protocols[] = {NOISE_KK, NOISE_IK_PSK2};
	uint8_t message[256] = {0}, out[256];
	struct noise before;
	size_t length;
	struct pair p;

	(void)state;
	for (size_t i = 0; i < COUNT(protocols); i++) {
		/* An ephemeral of zero. */
		start(&p, protocols[i]);
		before = p.bob;
		assert_int_equal(noise_read(&p.bob, message, noise_overhead(&p.bob), out,
					    sizeof(out), &length),
				 -EKEYREJECTED);
		assert_memory_equal(&p.bob, &before, sizeof(before));
		pass(&p.alice, &p.bob, "x", 1);
		before = p.alice;
		assert_int_equal(noise_read(&p.alice, message, noise_overhead(&p.alice), out,
					    sizeof(out), &length),
				 -EKEYREJECTED);
		assert_memory_equal(&p.alice, &before, sizeof(before));
		pass(&p.bob, &p.alice, "y", 1);
		finish(&p);
		/* A configured key of zero. */
		assert_int_equal(
			noise_init(&p.alice, &(struct noise_setup){.protocol = protocols[i],
								   .initiator = true,
								   .local = &p.alice_keys,
								   .remote = message}),
			0);
		before = p.alice;
		assert_int_equal(noise_write(&p.alice, NULL, 0, out, sizeof(out), &length),
				 -EKEYREJECTED);
		assert_memory_equal(&p.alice, &before, sizeof(before));
	}
}

/* Wrong turn, wrong size, missing psk: refused, and the handshake goes on afterwards. */
static void test_misuse(void **state)
{
	static uint8_t big[NOISE_MESSAGE_MAX + 1], message[NOISE_MESSAGE_MAX];
	struct noise_keys keys;
	uint8_t out[256];
	struct noise before;
	size_t length;
	struct pair p;

	(void)state;
	start(&p, NOISE_IK_PSK2);
	assert_int_equal(noise_write(&p.bob, "", 0, out, sizeof(out), &length), -EPROTO);
	assert_int_equal(noise_read(&p.alice, out, sizeof(out), big, sizeof(big), &length),
			 -EPROTO);
	assert_int_equal(noise_split(&p.alice, &keys), -EPROTO);
	assert_null(noise_remote_static(&p.bob));
	before = p.alice;
	assert_int_equal(noise_write(&p.alice, "abcd", 4, out, NOISE_OVERHEAD_IK + 3, &length),
			 -ENOBUFS);
	assert_int_equal(noise_write(&p.alice, big, NOISE_MESSAGE_MAX - NOISE_OVERHEAD_IK + 1,
				     message, sizeof(message), &length),
			 -EMSGSIZE);
	assert_int_equal(noise_write(&p.alice, big, SIZE_MAX, message, sizeof(message), &length),
			 -EMSGSIZE);
	assert_memory_equal(&p.alice, &before, sizeof(before));

	/* The longest message there is. */
	assert_int_equal(noise_write(&p.alice, big, NOISE_MESSAGE_MAX - NOISE_OVERHEAD_IK, message,
				     sizeof(message), &length),
			 0);
	assert_int_equal(length, NOISE_MESSAGE_MAX);
	before = p.bob;
	assert_int_equal(noise_read(&p.bob, big, sizeof(big), message, sizeof(message), &length),
			 -EMSGSIZE);
	assert_int_equal(noise_read(&p.bob, message, NOISE_MESSAGE_MAX, big,
				    NOISE_MESSAGE_MAX - NOISE_OVERHEAD_IK - 1, &length),
			 -ENOBUFS);
	assert_memory_equal(&p.bob, &before, sizeof(before));
	memset(big, 0xff, sizeof(big));
	assert_int_equal(noise_read(&p.bob, message, NOISE_MESSAGE_MAX, big, sizeof(big), &length),
			 0);
	assert_int_equal(length, NOISE_MESSAGE_MAX - NOISE_OVERHEAD_IK);
	assert_true(keys_zero(big, length));

	pass(&p.bob, &p.alice, "", 0);
	assert_int_equal(noise_write(&p.alice, "", 0, out, sizeof(out), &length), -EPROTO);
	assert_int_equal(noise_read(&p.bob, out, sizeof(out), big, sizeof(big), &length), -EPROTO);
	finish(&p);
}

/* The home core's way: who is it, then which psk. */
static void test_psk_after_identity(void **state)
{
	uint8_t out[256], wrong[KEY_LENGTH];
	struct noise before;
	size_t length;
	struct pair p;

	(void)state;
	start(&p, NOISE_IK_PSK2);
	assert_int_equal(noise_init(&p.bob, &(struct noise_setup){.protocol = NOISE_IK_PSK2,
								  .prologue = "sno",
								  .prologue_length = 3,
								  .local = &p.bob_keys}),
			 0);
	pass(&p.alice, &p.bob, "alice@a.example", 15);
	assert_memory_equal(noise_remote_static(&p.bob), p.alice_keys.public, KEY_LENGTH);
	before = p.bob;
	assert_int_equal(noise_write(&p.bob, "", 0, out, sizeof(out), &length), -ENOKEY);
	assert_memory_equal(&p.bob, &before, sizeof(before));

	/* A wrong psk is noticed by the initiator, who then still takes the right answer. */
	keys_generate_psk(wrong);
	assert_int_equal(noise_set_psk(&p.bob, wrong), 0);
	assert_int_equal(noise_write(&p.bob, "", 0, out, sizeof(out), &length), 0);
	assert_int_equal(noise_read(&p.alice, out, length, NULL, 0, &length), -EBADMSG);
	assert_int_equal(noise_set_psk(&p.bob, wrong), -EALREADY);
	p.bob = before;
	assert_int_equal(noise_set_psk(&p.bob, p.psk), 0);
	pass(&p.bob, &p.alice, "", 0);
	finish(&p);

	start(&p, NOISE_IK);
	assert_int_equal(noise_set_psk(&p.bob, p.psk), -EINVAL);
	start(&p, NOISE_KK_PSK0);
	pass(&p.alice, &p.bob, "", 0);
	assert_int_equal(noise_set_psk(&p.bob, p.psk), -EALREADY);
}

/* Each thing both ends must agree on, changed at one end: the handshake fails. */
static void test_disagreement(void **state)
{
	enum { PROLOGUE, INITIATOR_KEY, RESPONDER_KEY, PATTERN, WHATS };
	uint8_t message[256], out[256];
	struct key_pair other;
	size_t length;
	struct pair p;

	(void)state;
	keys_generate_pair(&other);
	for (int what = 0; what < WHATS; what++) {
		struct noise_setup setup = {.protocol = NOISE_KK_PSK2,
					    .prologue = "sno",
					    .prologue_length = 3,
					    .local = &p.bob_keys,
					    .remote = p.alice_keys.public,
					    .psk = p.psk};

		start(&p, NOISE_KK_PSK2);
		if (what == PROLOGUE)
			setup.prologue = "snO";
		if (what == INITIATOR_KEY)
			setup.remote = other.public;
		if (what == RESPONDER_KEY)
			setup.local = &other;
		if (what == PATTERN)
			setup.protocol = NOISE_KK_PSK1;
		assert_int_equal(noise_init(&p.bob, &setup), 0);
		assert_int_equal(noise_write(&p.alice, "", 0, message, sizeof(message), &length),
				 0);
		assert_int_equal(noise_read(&p.bob, message, length, out, sizeof(out), &length),
				 -EBADMSG);
	}
}

/* Fresh ephemerals: the same two ends never agree on the same keys twice. */
static void test_fresh(void **state)
{
	uint8_t first[256], second[256];
	size_t length;
	struct noise again;
	struct pair p;

	(void)state;
	start(&p, NOISE_KK_PSK2);
	again = p.alice;
	assert_int_equal(noise_write(&p.alice, "", 0, first, sizeof(first), &length), 0);
	assert_int_equal(noise_write(&again, "", 0, second, sizeof(second), &length), 0);
	assert_memory_not_equal(first, second, KEY_LENGTH);
	noise_wipe(&again);
	assert_true(keys_zero(&again, sizeof(again)));
}

/* The keys of a handshake carry sealed datagrams in both directions, each under its own key. */
static void test_into_seal(void **state)
{
	uint8_t sealed[32 + SEAL_TAG], opened[32];
	struct noise_keys alice, bob;
	struct seal_tx tx;
	struct seal_rx rx;
	struct pair p;

	(void)state;
	start(&p, NOISE_KK_PSK2);
	pass(&p.alice, &p.bob, "", 0);
	pass(&p.bob, &p.alice, "", 0);
	assert_int_equal(noise_split(&p.alice, &alice), 0);
	assert_int_equal(noise_split(&p.bob, &bob), 0);
	seal_tx_init(&tx, alice.send);
	assert_int_equal(seal_close(&tx, "h", 1, "core discovery", 14, sealed), 0);
	seal_rx_init(&rx, bob.send);
	assert_int_equal(seal_open(&rx, 0, "h", 1, sealed, 14 + SEAL_TAG, opened), -EBADMSG);
	seal_rx_init(&rx, bob.receive);
	assert_int_equal(seal_open(&rx, 0, "h", 1, sealed, 14 + SEAL_TAG, opened), 0);
	assert_memory_equal(opened, "core discovery", 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_protocol),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_setup_refused),
		cmocka_unit_test(test_forgeries),
		cmocka_unit_test(test_low_order),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_psk_after_identity),
		cmocka_unit_test(test_disagreement),
		cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_into_seal),
	};

	if (keys_init() < 0)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("noise", tests, NULL, NULL);
}
