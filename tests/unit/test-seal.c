/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sealing: the replay window as a table of (counter, expected), the same window against a plain
 * set as oracle, and what seal_open() must refuse without moving the window.
 */
#include "seal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/hex.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define W    SEAL_WINDOW_BITS
#define LAST (SEAL_COUNTER_LIMIT - 1)

/* What a receiver does with an authentic datagram. */
static int accept_counter(struct seal_window *w, uint64_t counter)
{
	int error = seal_window_check(w, counter);

	if (error == 0)
		seal_window_commit(w, counter);
	return error;
}

static void test_window_table(void **state)
{
	static const struct {
		uint64_t counter;
		int expected;
	} steps[] = {
		/* The start of a session, in disorder. */
		{0, 0},
		{1, 0},
		{1, -ESTALE},
		{9, 0},
		{8, 0},
		{7, 0},
		{7, -ESTALE},
		{0, -ESTALE},
		/* Forward to the edge: the oldest counter inside, then the first one outside. */
		{W, 0},
		{W - 1, 0},
		{W - 1, -ESTALE},
		{W - 2, 0},
		{2, 0},
		{2, -ESTALE},
		{W + 16, 0},
		{3, -ESTALE},
		{16, -ESTALE},
		{17, 0},
		{17, -ESTALE},
		{W + 16, -ESTALE},
		/* A jump by exactly one window, by one ring, and by far more than the ring. */
		{2 * W + 16, 0},
		{W + 16, -ESTALE},
		{W + 17, 0},
		{2 * W + 16 + SEAL_RING_BITS, 0},
		{2 * W + 16, -ESTALE},
		{W + 17 + SEAL_RING_BITS, 0},
		{W + 17 + SEAL_RING_BITS, -ESTALE},
		{1000000, 0},
		{1000000 - W, -ESTALE},
		{1000000 - W + 1, 0},
		{999999, 0},
		{1000000, -ESTALE},
		/* Word borders. */
		{1 << 24, 0},
		{(1 << 24) - 1, 0},
		{(1 << 24) - 64, 0},
		{(1 << 24) - 65, 0},
		{(1 << 24) + 63, 0},
		{(1 << 24) + 64, 0},
		{(1 << 24) - 64, -ESTALE},
		/* The end of the numbers. */
		{LAST, 0},
		{LAST, -ESTALE},
		{SEAL_COUNTER_LIMIT, -EKEYEXPIRED},
		{SEAL_COUNTER_LIMIT + 1, -EKEYEXPIRED},
		{UINT64_MAX, -EKEYEXPIRED},
		{LAST - W, -ESTALE},
		{LAST - W + 1, 0},
		{LAST - 1, 0},
		{0, -ESTALE},
	};
	struct seal_window w = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(steps); i++) {
		if (accept_counter(&w, steps[i].counter) != steps[i].expected)
			fail_msg("step %zu: counter %llu", i, (unsigned long long)steps[i].counter);
	}
}

/* A whole window filled in either direction, from each offset within a word. */
static void test_window_full(void **state)
{
	(void)state;
	for (uint64_t base = 1000; base < 1000 + 2 * SEAL_WORD_BITS; base++) {
		struct seal_window up = {0}, down = {0};

		for (uint64_t i = 0; i < W; i++)
			assert_int_equal(accept_counter(&up, base + i), 0);
		for (uint64_t i = 0; i < W; i++)
			assert_int_equal(accept_counter(&up, base + i), -ESTALE);
		for (uint64_t i = 0; i < W; i++)
			assert_int_equal(accept_counter(&down, base + W - 1 - i), 0);
		for (uint64_t i = 0; i < W; i++)
			assert_int_equal(accept_counter(&down, base + i), -ESTALE);
		assert_int_equal(accept_counter(&down, base - 1), -ESTALE);
	}
}

/* Random walks against the obvious implementation: one byte per counter ever used. */
static void test_window_oracle(void **state)
{
	enum { SPAN = 60000, STEPS = 40000 };
	static uint8_t seen[SPAN];
	uint32_t random = 12345;

	(void)state;
	for (unsigned int run = 0; run < 8; run++) {
		struct seal_window w = {0};
		int64_t top = -1, centre = 0;

		memset(seen, 0, sizeof(seen));
		for (unsigned int step = 0; step < STEPS; step++) {
			int64_t counter;
			int expected;

			random = random * 1664525 + 1013904223;
			centre += (random >> 8) % 100 == 0 ? (int64_t)((random >> 16) % 300) : 1;
			counter = centre + (int64_t)((random >> 12) % (2 * W)) - W - W / 2;
			if (counter < 0 || counter >= SPAN)
				continue;
			expected = seen[counter] || counter <= top - W ? -ESTALE : 0;
			if (accept_counter(&w, (uint64_t)counter) != expected)
				fail_msg("run %u step %u counter %lld top %lld", run, step,
					 (long long)counter, (long long)top);
			seen[counter] = 1;
			if (counter > top)
				top = counter;
		}
	}
}

static void make_ends(struct seal_tx *tx, struct seal_rx *rx)
{
	uint8_t key[KEY_LENGTH];

	keys_random(key, sizeof(key));
	seal_tx_init(tx, key);
	seal_rx_init(rx, key);
}

/* A datagram made by Python's cryptography module. */
static void test_known_answer(void **state)
{
	static const char plain[] = "core discovery";
	uint8_t sealed[64], expected[64], key[KEY_LENGTH], opened[sizeof(plain)] = {0};
	struct seal_tx tx;
	struct seal_rx rx;
	ssize_t length;

	(void)state;
	for (unsigned int i = 0; i < KEY_LENGTH; i++)
		key[i] = (uint8_t)i;
	length = hex_decode(expected, sizeof(expected),
			    "9326df818b5d836b07c45ca90101cecd3765c78807c39a58f95f39237438");
	assert_int_equal(length, strlen(plain) + SEAL_TAG);
	seal_tx_init(&tx, key);
	tx.counter = UINT64_C(0x0102030405060708);
	assert_int_equal(seal_close(&tx, "header", 6, plain, strlen(plain), sealed), 0);
	assert_memory_equal(sealed, expected, length);
	assert_true(seal_counter(&tx) == UINT64_C(0x0102030405060709));
	seal_rx_init(&rx, key);
	assert_int_equal(seal_open(&rx, UINT64_C(0x0102030405060708), "header", 6, sealed,
				   (size_t)length, opened),
			 0);
	assert_string_equal((char *)opened, plain);
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 63, 64, 65, 1400, 65000};
	static uint8_t plain[65000], sealed[65000 + SEAL_TAG], opened[65000];
	struct seal_tx tx;
	struct seal_rx rx;

	(void)state;
	make_ends(&tx, &rx);
	keys_random(plain, sizeof(plain));
	for (size_t i = 0; i < COUNT(sizes); i++) {
		uint64_t counter = seal_counter(&tx);

		assert_true(counter == i);
		assert_int_equal(seal_close(&tx, &counter, 8, plain, sizes[i], sealed), 0);
		assert_int_equal(
			seal_open(&rx, counter, &counter, 8, sealed, sizes[i] + SEAL_TAG, opened),
			0);
		assert_memory_equal(opened, plain, sizes[i]);
		assert_int_equal(
			seal_open(&rx, counter, &counter, 8, sealed, sizes[i] + SEAL_TAG, opened),
			-ESTALE);
	}
	/* Nothing at all but a tag, and in place. */
	assert_int_equal(seal_close(&tx, NULL, 0, NULL, 0, sealed), 0);
	assert_int_equal(seal_open(&rx, COUNT(sizes), NULL, 0, sealed, SEAL_TAG, NULL), 0);
	memcpy(sealed, plain, 100);
	assert_int_equal(seal_close(&tx, "h", 1, sealed, 100, sealed), 0);
	assert_memory_not_equal(sealed, plain, 100);
	assert_int_equal(seal_open(&rx, COUNT(sizes) + 1, "h", 1, sealed, 100 + SEAL_TAG, sealed),
			 0);
	assert_memory_equal(sealed, plain, 100);
}

/* Every single bit of header, counter, ciphertext and tag counts; a forgery moves nothing. */
static void test_forgeries(void **state)
{
	uint8_t ad[4] = {1, 2, 3, 4}, sealed[8 + SEAL_TAG], opened[8];
	struct seal_rx rx, before;
	struct seal_tx tx;

	(void)state;
	make_ends(&tx, &rx);
	tx.counter = 5000;
	seal_window_commit(&rx.window, 1200);
	before = rx;
	assert_int_equal(seal_close(&tx, ad, sizeof(ad), "12345678", 8, sealed), 0);
	for (unsigned int bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		assert_int_equal(
			seal_open(&rx, 5000, ad, sizeof(ad), sealed, sizeof(sealed), opened),
			-EBADMSG);
		assert_true(keys_zero(opened, sizeof(opened)));
		sealed[bit / 8] ^= (uint8_t)(1U << (bit % 8));
	}
	for (unsigned int bit = 0; bit < 8 * sizeof(ad); bit++) {
		ad[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		assert_int_equal(
			seal_open(&rx, 5000, ad, sizeof(ad), sealed, sizeof(sealed), opened),
			-EBADMSG);
		ad[bit / 8] ^= (uint8_t)(1U << (bit % 8));
	}
	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t counter = 5000 ^ (UINT64_C(1) << bit);

		if (counter < SEAL_COUNTER_LIMIT)
			assert_int_equal(seal_open(&rx, counter, ad, sizeof(ad), sealed,
						   sizeof(sealed), opened),
					 -EBADMSG);
	}
	for (size_t length = 0; length < sizeof(sealed); length++)
		assert_int_equal(seal_open(&rx, 5000, ad, sizeof(ad), sealed, length, opened),
				 length < SEAL_TAG ? -EMSGSIZE : -EBADMSG);
	assert_memory_equal(&rx, &before, sizeof(rx));
	assert_int_equal(seal_open(&rx, 5000, ad, sizeof(ad), sealed, sizeof(sealed), opened), 0);
	assert_memory_equal(opened, "12345678", 8);
}

static void test_exhaustion(void **state)
{
	uint8_t sealed[SEAL_TAG];
	struct seal_tx tx;
	struct seal_rx rx;

	(void)state;
	assert_true(SEAL_COUNTER_LIMIT + (UINT64_C(1) << 13) == 0);
	make_ends(&tx, &rx);
	tx.counter = LAST;
	assert_int_equal(seal_close(&tx, NULL, 0, NULL, 0, sealed), 0);
	assert_int_equal(seal_open(&rx, LAST, NULL, 0, sealed, sizeof(sealed), NULL), 0);
	assert_int_equal(seal_close(&tx, NULL, 0, NULL, 0, sealed), -EKEYEXPIRED);
	assert_true(seal_counter(&tx) == SEAL_COUNTER_LIMIT);
	seal_encrypt(tx.key, SEAL_COUNTER_LIMIT, NULL, 0, NULL, 0, sealed);
	assert_int_equal(seal_open(&rx, SEAL_COUNTER_LIMIT, NULL, 0, sealed, sizeof(sealed), NULL),
			 -EKEYEXPIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_table),  cmocka_unit_test(test_window_full),
		cmocka_unit_test(test_window_oracle), cmocka_unit_test(test_known_answer),
		cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_forgeries),
		cmocka_unit_test(test_exhaustion),
	};

	if (keys_init() < 0)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
