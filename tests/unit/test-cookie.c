/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cookies (PROTOCOL section 17): only who was given one can prove it, and for so long. Their octets
 * are in test-golden.c, what a core asks them for in test-core-flood.c.
 */
#include "cookie.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SOURCE "satellite and address"
#define SEC    USEC_PER_SEC

static struct cookie_jar jar;
static uint8_t sent[100];

static int fresh(void **state)
{
	(void)state;
	memset(&jar, 0, sizeof(jar));
	memset(sent, 0x5a, sizeof(sent));
	message_write_head(sent, MESSAGE_CORE_DISCOVERY, 0x01020304);
	return keys_init();
}

/* A proof with the cookie of this source at this time. */
static size_t prove(uint8_t out[SNO_DATAGRAM_MAX], const char *source, const uint8_t *key,
		    usec_t now)
{
	uint8_t cookie[COOKIE_LENGTH];
	int length;

	cookie_make(&jar, source, strlen(source), now, cookie);
	length = cookie_prove(out, SNO_DATAGRAM_MAX, key, cookie, sent, sizeof(sent));
	assert_int_equal(length, COOKIE_PROOF_HEAD + sizeof(sent));
	return (size_t)length;
}

static bool right(const uint8_t *proof, size_t length, const char *source, const uint8_t *key,
		  usec_t now)
{
	return cookie_proven(&jar, key, source, strlen(source), now, proof, length);
}

static void test_source(void **state)
{
	uint8_t proof[SNO_DATAGRAM_MAX];
	size_t length = prove(proof, SOURCE, NULL, SEC);

	(void)state;
	assert_true(right(proof, length, SOURCE, NULL, SEC));
	assert_false(right(proof, length, "another place", NULL, SEC));
	for (size_t at = SNO_HEAD_LENGTH; at < length; at++) {
		proof[at] ^= 1;
		assert_false(right(proof, length, SOURCE, NULL, SEC));
		proof[at] ^= 1;
	}
}

/* Good for COOKIE_TIME at least, for twice that at the most, whenever the secret changes. */
static void test_age(void **state)
{
	uint8_t proof[SNO_DATAGRAM_MAX];

	(void)state;
	for (usec_t made = 0; made < COOKIE_TIME; made += 7 * SEC) {
		usec_t age = 0;
		size_t length;

		memset(&jar, 0, sizeof(jar));
		prove(proof, SOURCE, NULL, 0);
		length = prove(proof, SOURCE, NULL, made);
		while (age < COOKIE_TIME && right(proof, length, SOURCE, NULL, made + age))
			age += 5 * SEC;
		assert_true(age >= COOKIE_TIME);
		assert_false(right(proof, length, SOURCE, NULL, made + 2 * COOKIE_TIME));
	}
}

/* Between cores a cookie is good for nobody but the two. */
static void test_key(void **state)
{
	struct key_pair a, b, c;
	uint8_t psk[KEY_LENGTH] = {1}, none[KEY_LENGTH] = {0};
	uint8_t at_a[KEY_LENGTH], at_b[KEY_LENGTH], other[KEY_LENGTH];
	uint8_t proof[SNO_DATAGRAM_MAX];
	size_t length;

	(void)state;
	keys_generate_pair(&a);
	keys_generate_pair(&b);
	keys_generate_pair(&c);
	cookie_key(at_a, a.private, b.public, psk);
	cookie_key(at_b, b.private, a.public, psk);
	assert_memory_equal(at_a, at_b, KEY_LENGTH);
	length = prove(proof, SOURCE, at_a, SEC);
	assert_true(right(proof, length, SOURCE, at_b, SEC));
	assert_false(right(proof, length, SOURCE, NULL, SEC));
	cookie_key(other, b.private, a.public, none);
	assert_false(right(proof, length, SOURCE, other, SEC));
	cookie_key(other, b.private, c.public, psk);
	assert_false(right(proof, length, SOURCE, other, SEC));
	/* A public key that is none yields a key that nobody else can have. */
	cookie_key(at_a, a.private, none, psk);
	cookie_key(at_b, b.private, none, psk);
	assert_memory_not_equal(at_a, at_b, KEY_LENGTH);
}

static void test_taking(void **state)
{
	uint8_t cookie[COOKIE_LENGTH], taken[COOKIE_LENGTH], octets[COOKIE_DATAGRAM + 1] = {0};

	(void)state;
	cookie_make(&jar, SOURCE, strlen(SOURCE), SEC, cookie);
	cookie_write(octets, 0x01020304, sent, sizeof(sent), cookie);
	assert_true(cookie_read(octets, COOKIE_DATAGRAM, sent, sizeof(sent), taken));
	assert_memory_equal(taken, cookie, COOKIE_LENGTH);
	for (size_t length = 0; length <= sizeof(octets); length++)
		if (length != COOKIE_DATAGRAM)
			assert_false(cookie_read(octets, length, sent, sizeof(sent), taken));
	/* Head and echo; whatever else is the cookie. */
	for (size_t at = 0; at < COOKIE_DATAGRAM - COOKIE_LENGTH; at++) {
		octets[at] ^= 1;
		assert_false(cookie_read(octets, COOKIE_DATAGRAM, sent, sizeof(sent), taken));
		octets[at] ^= 1;
	}
	sent[sizeof(sent) - 1] ^= 1;
	assert_false(cookie_read(octets, COOKIE_DATAGRAM, sent, sizeof(sent), taken));
}

static void test_inner(void **state)
{
	uint8_t proof[SNO_DATAGRAM_MAX];
	size_t length = prove(proof, SOURCE, NULL, SEC), inner_length;
	const uint8_t *inner;

	(void)state;
	assert_int_equal(cookie_inner(proof, length, MESSAGE_CORE_DISCOVERY, &inner, &inner_length),
			 DROP_NONE);
	assert_int_equal(inner_length, sizeof(sent));
	assert_memory_equal(inner, sent, sizeof(sent));
	assert_int_equal(
		cookie_inner(proof, length, MESSAGE_HANDSHAKE_INITIATION, &inner, &inner_length),
		DROP_TYPE);
	assert_int_equal(
		cookie_inner(sent, sizeof(sent), MESSAGE_CORE_DISCOVERY, &inner, &inner_length),
		DROP_TYPE);
	for (size_t cut = 0; cut < COOKIE_PROOF_HEAD + SNO_HEAD_LENGTH; cut++)
		assert_int_equal(
			cookie_inner(proof, cut, MESSAGE_CORE_DISCOVERY, &inner, &inner_length),
			DROP_SHORT);
	proof[7] ^= 1;
	assert_int_equal(cookie_inner(proof, length, MESSAGE_CORE_DISCOVERY, &inner, &inner_length),
			 DROP_VALUE);
	/* What would not go into a datagram is not made. */
	assert_int_equal(cookie_prove(proof, sizeof(proof), NULL, sent, proof,
				      SNO_DATAGRAM_MAX - COOKIE_PROOF_HEAD + 1),
			 -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_source, fresh),
		cmocka_unit_test_setup(test_age, fresh),
		cmocka_unit_test_setup(test_key, fresh),
		cmocka_unit_test_setup(test_taking, fresh),
		cmocka_unit_test_setup(test_inner, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
