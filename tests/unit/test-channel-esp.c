/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sessions of a channel tell those who make associations of them (PROTOCOL section 16.3): over
 * paths that lose, repeat, delay and reorder, with handshakes that cross and rekeys at any moment,
 * no end ever sends with an association that the other one has not, and both ends derive the same
 * keys.
 */
#include "core-agent/inbound.h"
#include "esp_key.h"
#include "pair.h"
#include "random_message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS  USEC_PER_MSEC
#define SEC USEC_PER_SEC

#define REKEY (10 * SEC)
#define GRACE (10 * SEC)
#define KEYS  4096

/* What either end has in its kernel, and every key that was derived, by SPI. */
static struct {
	struct inbounds in;
	uint32_t out;
	unsigned int agreed, heard;
	int refuse; /* so many sessions */
} ends[2];
static struct {
	uint32_t spi;
	uint8_t key[ESP_KEY];
} derived[KEYS];
static size_t derived_count;

/* The receiver of an association has derived its key first, and the sender derives the same. */
static void derive(const struct side *s, const struct channel_session *session, bool inbound)
{
	const struct esp_association association = {.suite = SUITE_CHACHA20_POLY1305,
						    .family = AF_INET,
						    .from_initiator = session->initiator != inbound,
						    .spi = inbound ? session->spi
								   : session->hello->spi};
	uint8_t key[ESP_KEY];

	(void)s;
	esp_key(key, session->esp_root, &association);
	for (size_t i = 0; i < derived_count; i++) {
		if (derived[i].spi != association.spi)
			continue;
		assert_false(inbound); /* no index is ever used twice */
		assert_memory_equal(derived[i].key, key, sizeof(key));
		return;
	}
	assert_true(inbound && derived_count < KEYS);
	derived[derived_count].spi = association.spi;
	memcpy(derived[derived_count++].key, key, sizeof(key));
}

static int on_agreed(struct side *s, const struct channel_session *session)
{
	assert_true(session->spi >= SPI_MIN && session->hello->spi >= SPI_MIN);
	if (ends[s->number].refuse > 0) {
		ends[s->number].refuse--;
		return -ENOMEM;
	}
	derive(s, session, true);
	ends[s->number].agreed++;
	inbounds_agreed(&ends[s->number].in, session->spi, REKEY / 2 * 3, GRACE, s->pair->now);
	return 0;
}

static void on_heard(struct side *s, const struct channel_session *session)
{
	derive(s, session, false);
	ends[s->number].heard++;
	ends[s->number].out = session->hello->spi;
}

static void assert_received(const struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		inbounds_expire(&ends[i].in, p->now);
		if (ends[!i].out)
			assert_true(inbounds_have(&ends[i].in, ends[!i].out));
	}
}

static struct pair *protected_pair(uint64_t seed)
{
	struct pair *p = pair_new(seed);

	memset(ends, 0, sizeof(ends));
	derived_count = 0;
	p->timers.rekey_after = REKEY;
	p->timers.rekey_grace = 1 * SEC;
	p->timers.reject_after = REKEY / 2 * 3;
	p->timers.keepalive = 1 * SEC;
	p->timers.dead_peer = 5 * SEC;
	for (int i = 0; i < 2; i++) {
		p->side[i].suites = SUITES_ALL;
		p->side[i].on_agreed = on_agreed;
		p->side[i].on_heard = on_heard;
	}
	return p;
}

static void test_any_path(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct random r = {seed};
		struct pair *p = protected_pair(seed);

		p->delay = random_below(&r, 60) * MS;
		p->jitter = random_below(&r, 60) * MS;
		p->loss = random_below(&r, 6) / 100.;
		p->repeat = random_below(&r, 20) / 100.;
		pair_start(p, A);
		pair_start(p, B);
		for (int i = 0; i < 6000; i++) {
			int side = (int)random_below(&r, 2);

			pair_run(p, 10 * MS);
			assert_received(p);
			/* Keys that wear out at one end, or at both at once. */
			if (random_below(&r, 300) == 0) {
				channel_rekey(p->side[side].channel, p->now);
				pair_tick(p, side);
				if (random_below(&r, 2))
					channel_rekey(p->side[!side].channel, p->now);
				pair_tick(p, !side);
			}
		}
		assert_true(ends[A].heard > 5 && ends[B].heard > 5);
		pair_free(p);
	}
}

/* Who cannot receive under a session has no such session, and tries again. */
static void test_refused(void **state)
{
	(void)state;
	for (int side = 0; side < 2; side++) {
		struct pair *p = protected_pair(7);

		ends[side].refuse = 2;
		pair_start(p, A);
		pair_start(p, B);
		for (int i = 0; i < 2000; i++) {
			pair_run(p, 10 * MS);
			assert_received(p);
		}
		assert_int_equal(ends[side].refuse, 0);
		assert_true(ends[A].out != 0 && ends[B].out != 0);
		pair_free(p);
	}
}

/* A hello without suites has no index, and the other end is told so. */
static int seen;

static int on_agreed_unprotected(struct side *s, const struct channel_session *session)
{
	seen++;
	assert_int_equal(session->spi != 0, s->number == B);
	assert_int_equal(message_has(session->hello, ATTR_SPI), s->number == A);
	return 0;
}

static void test_one_protects(void **state)
{
	struct pair *p = protected_pair(3);

	(void)state;
	p->side[A].suites = 0;
	p->side[A].on_agreed = p->side[B].on_agreed = on_agreed_unprotected;
	p->side[A].on_heard = p->side[B].on_heard = NULL;
	pair_open(p);
	assert_true(seen >= 2);
	pair_free(p);
}

static void test_suites(void **state)
{
	struct message one, other;
	static const struct {
		uint8_t suites, suite, other_suites, other_suite, chosen;
	} cases[] = {
		{3, 1, 3, 1, 1}, {3, 2, 3, 2, 2}, {3, 1, 3, 2, 1}, {3, 2, 3, 1, 1},
		{3, 1, 2, 2, 2}, {3, 2, 1, 1, 1}, {1, 1, 2, 2, 0}, {0, 0, 3, 1, 0},
		{3, 1, 0, 0, 0}, {0, 0, 0, 0, 0}, {1, 2, 1, 2, 1}, /* a preference for what it has
								      not */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		message_init(&one, MESSAGE_HELLO, 0);
		message_init(&other, MESSAGE_HELLO, 0);
		if (cases[i].suites) {
			message_set_number(&one, ATTR_SUITES, cases[i].suites);
			message_set_number(&one, ATTR_SUITE, cases[i].suite);
		}
		if (cases[i].other_suites) {
			message_set_number(&other, ATTR_SUITES, cases[i].other_suites);
			message_set_number(&other, ATTR_SUITE, cases[i].other_suite);
		}
		assert_int_equal(esp_suite(&one, &other), cases[i].chosen);
		assert_int_equal(esp_suite(&other, &one), cases[i].chosen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_path),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_one_protects),
		cmocka_unit_test(test_suites),
	};

	return cmocka_run_group_tests_name("channel-esp", tests, NULL, NULL);
}
