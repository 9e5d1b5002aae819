/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel between two cores: what an attacker can do to it.
 *
 * He records every datagram, holds some back, and sends what he likes to either side; he has no
 * key. Each test ends with the proof that the two cores still serve each other.
 */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Everything that was ever sent, sent again to both sides, in three states. */
static void test_replay(void **state)
{
	struct pair *p = *state;

	pair_open_by_a(p);
	pair_assert_works(p, 1);
	pair_run(p, 100 * SEC); /* one rekey */
	for (int round = 0; round < 3; round++) {
		uint32_t current[2];
		size_t length = p->log_length;
		unsigned int authentic[2];

		for (int i = 0; i < 2; i++) {
			current[i] = pair_channel(p, i)->current->local_index;
			authentic[i] = p->side[i].authentic;
		}
		for (size_t n = 0; n < 2 * length; n++) {
			const struct datagram d = p->log[n / 2];
			enum drop drop = pair_inject(p, n % 2, d.octets, d.length);

			/* To the wrong side, even an initiation is nothing. */
			if (d.octets[0] == MESSAGE_HANDSHAKE_INITIATION && d.to == (int)(n % 2))
				assert_true(drop == DROP_NONE || drop == DROP_REPLAY ||
					    drop == DROP_LIMIT);
			else if (d.octets[0] == MESSAGE_HANDSHAKE_INITIATION)
				assert_int_equal(drop, DROP_HANDSHAKE);
			else if (d.octets[0] == MESSAGE_SEALED && d.to == (int)(n % 2))
				assert_true(drop == DROP_REPLAY || drop == DROP_INDEX);
			else
				assert_int_equal(drop, DROP_INDEX);
		}
		for (int i = 0; i < 2; i++) {
			assert_int_equal(pair_channel(p, i)->current->local_index, current[i]);
			assert_int_equal(p->side[i].authentic, authentic[i]);
			assert_int_equal(p->side[i].restarts, 0);
		}
		pair_assert_works(p, 3 + 2 * (uint64_t)round);
		pair_run(p, 130 * SEC);
	}
	assert_int_equal(pair_counters(p, A)->deaths + pair_counters(p, B)->deaths, 0);
}

/* Old initiations arrive between a true one and its confirmation, and again and again. */
static void test_replay_in_between(void **state)
{
	struct pair *p = *state;
	struct datagram old[SESSIONS];

	for (size_t i = 0; i < SESSIONS; i++) {
		pair_open_by_a(p);
		old[i] = *pair_sent(p, B, MESSAGE_HANDSHAKE_INITIATION, i);
	}
	pair_open_by_a(p);
	pair_rekey_a(p);
	pair_run(p, 15 * MS); /* it has been answered */
	for (size_t i = 0; i < NEXT_SESSIONS - 1; i++)
		assert_int_equal(pair_inject(p, B, old[i].octets, old[i].length), DROP_NONE);
	for (size_t i = 0; i < 10000; i++) {
		const struct datagram *d = &old[i % (NEXT_SESSIONS - 1)];

		assert_int_equal(pair_inject(p, B, d->octets, d->length), DROP_REPLAY);
	}
	pair_run(p, 100 * MS);
	assert_int_equal(pair_counters(p, B)->rekeys, 1);
	assert_int_equal(pair_channel(p, B)->current->remote_index,
			 pair_channel(p, A)->current->local_index);
	assert_int_equal(p->side[B].restarts, 0);
	/* However many there are, they only ever take each other's place. */
	for (size_t i = 0; i < SESSIONS; i++)
		pair_inject(p, B, old[i].octets, old[i].length);
	assert_int_equal(pair_sessions(p, B, SESSION_FREE), 0);
	assert_true(pair_sessions(p, B, SESSION_NEXT) >= NEXT_SESSIONS);
	/* Full of old ones, there is room for a true one, and an old one takes an old one's place.
	 */
	pair_run(p, SEC);
	pair_rekey_a(p);
	pair_run(p, 15 * MS);
	for (size_t i = 0, taken = 0; i < SESSIONS && taken < NEXT_SESSIONS - 1; i++)
		taken += pair_inject(p, B, old[i].octets, old[i].length) == DROP_NONE;
	pair_run(p, 100 * MS);
	assert_int_equal(pair_counters(p, B)->rekeys, 2);
	pair_assert_works(p, 1);
}

/* The index of an initiation that is out stands for no keys, not even for keys of zeros. */
static void test_pending_index(void **state)
{
	struct pair *p = *state;
	struct seal_tx zeros = {0};
	uint8_t octets[SEALED_HEAD + SNO_HEAD_LENGTH + SEAL_TAG];

	pair_open_by_a(p);
	p->cut[A] = true;
	pair_rekey_a(p);
	message_write_head(octets, MESSAGE_SEALED, pair_channel(p, A)->initiated->local_index);
	memset(octets + SNO_HEAD_LENGTH, 0, COUNTER_LENGTH);
	message_write_head(octets + SEALED_HEAD, MESSAGE_KEEPALIVE, 0);
	assert_int_equal(seal_close(&zeros, octets, SEALED_HEAD, octets + SEALED_HEAD,
				    SNO_HEAD_LENGTH, octets + SEALED_HEAD),
			 0);
	assert_int_equal(pair_inject(p, A, octets, sizeof(octets)), DROP_INDEX);
}

static void assert_same(struct pair *p, const uint32_t current[2])
{
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			pair_channel(p, i)->current ? pair_channel(p, i)->current->local_index : 0,
			current[i]);
}

/*
 * One datagram of each type, about to arrive at its receiver while a session is up: first in every
 * forged form, and then, to show that none of them has spoilt anything, as it was sent.
 */
static void attack(struct pair *p, enum message_type type,
		   void (*forge)(struct pair *p, int to, const struct datagram *d))
{
	int to = type == MESSAGE_HANDSHAKE_RESPONSE ? A : B;
	uint64_t handshakes;
	uint32_t current[2];
	struct datagram d;

	pair_open_by_a(p);
	p->cut[to ^ 1] = true; /* the attacker has it, its receiver does not yet */
	if (type == MESSAGE_SEALED)
		pair_ask(p, A, 1);
	else
		pair_rekey_a(p);
	pair_run(p, 15 * MS);
	d = *pair_sent(p, to, type, 1); /* the first of each type was that of opening */
	for (int i = 0; i < 2; i++)
		current[i] = pair_channel(p, i)->current->local_index;
	handshakes = pair_counters(p, to)->handshakes;

	forge(p, to, &d);
	assert_same(p, current);
	assert_int_equal(pair_counters(p, to)->handshakes, handshakes);
	assert_int_equal(p->tokens[1].executed, 0);
	p->cut[to ^ 1] = false;
	assert_int_equal(pair_inject(p, to, d.octets, d.length), DROP_NONE);
	pair_tick(p, to);
	pair_run(p, 2 * SEC);
	if (type == MESSAGE_SEALED)
		assert_int_equal(p->tokens[1].executed, 1);
	else
		assert_true(pair_counters(p, B)->rekeys >= 1);
	pair_assert_works(p, 2);
}

/* What a datagram is dropped for when the octet at this place is wrong; DROP_NONE: see below. */
static enum drop drop_at(const struct datagram *d, size_t at)
{
	if (at >= 1 && at <= 3)
		return DROP_VERSION;
	switch (d->octets[0]) {
	case MESSAGE_HANDSHAKE_INITIATION:
		/* The index is the only part that Noise does not cover: a wrong one leads to a
		 * response that its receiver does not know. */
		return at < 8 ? DROP_NONE : DROP_HANDSHAKE;
	case MESSAGE_HANDSHAKE_RESPONSE:
		return at < 12 ? DROP_INDEX : DROP_HANDSHAKE;
	default:
		return at < 8 ? DROP_INDEX : DROP_SEAL;
	}
}

static void flip_bits(struct pair *p, int to, const struct datagram *d)
{
	for (size_t at = 0; at < d->length; at++) {
		/* The response's own index, see drop_at(): covered in test_wrong_index(). */
		if (d->octets[0] == MESSAGE_HANDSHAKE_RESPONSE && at >= 4 && at < 8)
			continue;
		for (unsigned int bit = 0; bit < 8; bit++) {
			struct datagram forged = *d;
			enum drop drop;

			forged.octets[at] ^= (uint8_t)(1u << bit);
			p->side[to].channel->initiations.full_at = 0;
			p->side[to].channel->responses.full_at = 0;
			drop = pair_inject(p, to, forged.octets, forged.length);
			if (at == 0)
				assert_int_not_equal(drop, DROP_NONE);
			else if (d->octets[0] == MESSAGE_HANDSHAKE_INITIATION && at >= 4 && at < 8)
				assert_int_equal(drop, DROP_NONE);
			else if (d->octets[0] == MESSAGE_SEALED && drop == DROP_REPLAY)
				assert_in_range(at, 8, 15); /* a counter that had been used */
			else
				assert_int_equal(drop, drop_at(d, at));
		}
	}
}

static void truncate_all(struct pair *p, int to, const struct datagram *d)
{
	size_t head = d->octets[0] == MESSAGE_HANDSHAKE_INITIATION ? INITIATION_HEAD
		      : d->octets[0] == MESSAGE_HANDSHAKE_RESPONSE ? RESPONSE_HEAD
								   : SEALED_HEAD;
	size_t shortest = head + (d->octets[0] == MESSAGE_SEALED ? SEAL_TAG : NOISE_OVERHEAD);
	uint8_t longer[SNO_DATAGRAM_MAX + 1] = {0};

	for (size_t length = 0; length < d->length; length++) {
		enum drop drop;

		p->side[to].channel->initiations.full_at = 0;
		p->side[to].channel->responses.full_at = 0;
		drop = pair_inject(p, to, d->octets, length);
		if (length < shortest)
			assert_int_equal(drop, DROP_SHORT);
		else
			assert_int_equal(drop, d->octets[0] == MESSAGE_SEALED ? DROP_SEAL
									      : DROP_HANDSHAKE);
	}
	memcpy(longer, d->octets, d->length);
	assert_int_equal(pair_inject(p, to, longer, d->length + 1),
			 d->octets[0] == MESSAGE_SEALED ? DROP_SEAL : DROP_HANDSHAKE);
	assert_int_equal(pair_inject(p, to, longer, sizeof(longer)), DROP_LONG);
}

static void test_forged(void **state)
{
	static const enum message_type types[] = {MESSAGE_HANDSHAKE_INITIATION,
						  MESSAGE_HANDSHAKE_RESPONSE, MESSAGE_SEALED};

	for (size_t i = 0; i < 2 * sizeof(types) / sizeof(types[0]); i++) {
		attack(*state, types[i / 2], i % 2 ? flip_bits : truncate_all);
		pair_teardown(state);
		pair_setup(state);
	}
}

/* An index altered on the way, which Noise does not notice: the peers find each other again. */
static void test_wrong_index(void **state)
{
	for (int type = MESSAGE_HANDSHAKE_INITIATION; type <= MESSAGE_HANDSHAKE_RESPONSE; type++) {
		struct pair *p = *state;

		pair_open_by_a(p);
		pair_rekey_a(p);
		if (type == MESSAGE_HANDSHAKE_RESPONSE)
			pair_run(p, 15 * MS);
		assert_int_equal(p->queue_length, 1);
		assert_int_equal(p->queue[0].octets[0], type);
		p->queue[0].octets[5] ^= 0x40;
		pair_run(p, 20 * SEC);
		pair_assert_works(p, 1);
		pair_teardown(state);
		pair_setup(state);
	}
}

static void test_zero_index(void **state)
{
	struct pair *p = *state;
	struct datagram d;

	pair_start_a_first(p);
	pair_tick(p, A);
	d = p->log[1];
	memset(d.octets + 4, 0, 4);
	assert_int_equal(pair_inject(p, B, d.octets, d.length), DROP_VALUE);
	d.octets[0] = 0;
	assert_int_equal(pair_inject(p, B, d.octets, d.length), DROP_TYPE);
	d.octets[0] = 0x33; /* a request in the clear */
	assert_int_equal(pair_inject(p, B, d.octets, d.length), DROP_TYPE);
}

/* Forged initiations by the thousand: few are computed, and the cores still meet. */
static void test_flood(void **state)
{
	struct pair *p = *state;
	uint64_t computed;
	struct datagram d;

	pair_open_by_a(p);
	d = *pair_sent(p, B, MESSAGE_HANDSHAKE_INITIATION, 0);
	pair_start(p, A);			    /* nobody is left who knows the session of B */
	for (unsigned int n = 0; n < 100000; n++) { /* 20 s at 5000 each second */
		memcpy(d.octets + INITIATION_HEAD, &n, sizeof(n));
		pair_inject(p, B, d.octets, d.length);
		pair_run(p, SEC / 5000);
	}
	computed = pair_drops(p, B, DROP_HANDSHAKE);
	assert_in_range(computed, 20 * 20, HANDSHAKE_BURST + 20 * 25 + 1);
	assert_in_range(pair_drops(p, B, DROP_LIMIT), 100000 - computed, 100100 - computed);
	/* B's own initiation came through, in the other direction, when it missed its peer. */
	assert_true(channel_up(pair_channel(p, A)) && channel_up(pair_channel(p, B)));
	pair_assert_works(p, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_replay), TEST(test_replay_in_between), TEST(test_pending_index),
		TEST(test_forged), TEST(test_wrong_index),	 TEST(test_zero_index),
		TEST(test_flood),
	};

	return cmocka_run_group_tests_name("channel-attack", tests, NULL, NULL);
}
