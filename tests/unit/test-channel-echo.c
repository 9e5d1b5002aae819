/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a core learns what the way to a peer takes (PROTOCOL section 4.7): by echoes, often while the
 * peer has just come up and now and then for ever.
 */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FIRST  8	  /* echoes to a peer that has come up */
#define EVERY  (200 * MS) /* so far apart */
#define PERIOD (5 * SEC)  /* later ones */

static int setup(void **state)
{
	struct pair *p;
	int error = pair_setup(state);

	if (error)
		return error;
	p = *state;
	p->timers.echo = PERIOD;
	return 0;
}

static void assert_echoes(struct pair *p, int side, uint64_t count)
{
	const struct channel_counters *own = pair_counters(p, side);
	const struct channel_counters *other = pair_counters(p, !side);

	assert_int_equal(own->sent[MESSAGE_ECHO], count);
	assert_int_equal(other->received[MESSAGE_ECHO], count);
	assert_int_equal(other->sent[MESSAGE_ECHO_ACK], count);
	assert_int_equal(own->received[MESSAGE_ECHO_ACK], count);
}

static void assert_both(struct pair *p, uint64_t count)
{
	assert_echoes(p, A, count);
	assert_echoes(p, B, count);
}

/* Many at first; then so often that no keepalive is left. */
static void test_when(void **state)
{
	struct pair *p = *state;
	uint64_t keepalives[2];

	pair_open_by_a(p);
	for (int i = 0; i < 2; i++)
		keepalives[i] = pair_counters(p, i)->sent[MESSAGE_KEEPALIVE];
	pair_run(p, FIRST * EVERY + 3 * p->delay);
	assert_both(p, FIRST);
	pair_run(p, PERIOD - FIRST * EVERY);
	assert_both(p, FIRST);
	pair_run(p, FIRST * EVERY);
	assert_both(p, FIRST + 1);
	pair_run(p, 11 * PERIOD);
	assert_both(p, FIRST + 12);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pair_counters(p, i)->sent[MESSAGE_KEEPALIVE], keepalives[i]);
}

/* A handshake among hosts that are busy starting tells little; moves may follow it at once. */
static void test_slow_start(void **state)
{
	struct pair *p = *state;

	p->delay = 60 * MS;
	pair_open_by_a(p);
	for (int i = 0; i < 2; i++)
		assert_int_equal(channel_rtt(pair_channel(p, i)), 120 * MS);
	p->delay = 10 * MS;
	pair_run(p, 2 * EVERY);
	for (int i = 0; i < 2; i++)
		assert_int_equal(channel_rtt(pair_channel(p, i)), 20 * MS);
}

/* A path that has become longer is believed after eight measurements, without any requests. */
static void test_longer(void **state)
{
	struct pair *p = *state;

	pair_open_by_a(p);
	pair_run(p, 10 * SEC);
	p->delay = 15 * MS;
	pair_run(p, 6 * PERIOD);
	for (int i = 0; i < 2; i++)
		assert_int_equal(channel_rtt(pair_channel(p, i)), 20 * MS);
	pair_run(p, 3 * PERIOD);
	for (int i = 0; i < 2; i++)
		assert_int_equal(channel_rtt(pair_channel(p, i)), 30 * MS);
}

/* Lost ones are sent again like any request, and nothing depends on them. */
static void test_lost(void **state)
{
	struct pair *p = *state;
	const struct request_counters *a;
	uint64_t sent;

	pair_open_by_a(p);
	pair_run(p, 10 * SEC);
	a = requests_counters(channel_requests(pair_channel(p, A)));
	sent = pair_counters(p, A)->sent[MESSAGE_ECHO];
	p->cut[A] = true;
	while (pair_counters(p, A)->sent[MESSAGE_ECHO] == sent)
		pair_run(p, 1 * MS);
	p->cut[A] = false;
	pair_run(p, 1 * SEC);
	assert_int_equal(a->retransmitted, 1);
	assert_int_equal(pair_counters(p, A)->sent[MESSAGE_ECHO], sent + 2);
	assert_int_equal(pair_counters(p, A)->received[MESSAGE_ECHO_ACK], sent + 1);
	assert_int_equal(requests_outstanding(channel_requests(pair_channel(p, A))), 0);
	assert_int_equal(channel_rtt(pair_channel(p, A)), 20 * MS);
}

/* To a dead peer there are none, and after its return many again. */
static void test_return(void **state)
{
	struct pair *p = *state;
	uint64_t sent;

	pair_open_by_a(p);
	pair_run(p, 10 * SEC);
	p->cut[B] = true;
	pair_run(p, 30 * SEC);
	assert_false(channel_up(pair_channel(p, A)));
	assert_int_equal(requests_outstanding(channel_requests(pair_channel(p, A))), 0);
	sent = pair_counters(p, A)->sent[MESSAGE_ECHO];
	pair_run(p, 30 * SEC);
	assert_int_equal(pair_counters(p, A)->sent[MESSAGE_ECHO], sent);
	p->cut[B] = false;
	p->delay = 30 * MS;
	pair_run(p, 5 * SEC);
	assert_true(channel_up(pair_channel(p, A)));
	assert_in_range(pair_counters(p, A)->sent[MESSAGE_ECHO], sent + FIRST, sent + FIRST + 1);
	assert_int_equal(channel_rtt(pair_channel(p, A)), 60 * MS);
	pair_assert_works(p, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_when), TEST(test_slow_start), TEST(test_longer),
		TEST(test_lost), TEST(test_return),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
