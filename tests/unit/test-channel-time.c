/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel between two cores: every timer (PROTOCOL sections 4.1, 4.3), restarts (4.4).
 */
#include "pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* --- time ----------------------------------------------------------------------------------- */

static void test_keepalive(void **state)
{
	struct pair *p = *state;

	pair_open_by_a(p);
	pair_run(p, 60 * SEC);
	assert_int_equal(pair_counters(p, A)->sent[MESSAGE_KEEPALIVE], 1 + 12);
	assert_int_equal(pair_counters(p, B)->sent[MESSAGE_KEEPALIVE], 12);
	assert_int_equal(pair_counters(p, A)->deaths + pair_counters(p, B)->deaths, 0);
	/* Whoever talks anyway needs none. */
	for (uint64_t t = 1; t <= 10; t++) {
		pair_ask(p, A, t);
		pair_run(p, 4 * SEC);
	}
	assert_in_range(pair_counters(p, A)->sent[MESSAGE_KEEPALIVE], 13, 14);
	assert_in_range(pair_counters(p, B)->sent[MESSAGE_KEEPALIVE], 12, 13);
}

static void test_rekey(void **state)
{
	struct pair *p = *state;

	pair_open_by_a(p);
	pair_run(p, 118900 * MS);
	assert_int_equal(pair_counters(p, A)->handshakes, 1);
	pair_run(p, 200 * MS); /* 120 s and 10 round trips */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pair_counters(p, i)->handshakes, 2);
		assert_int_equal(pair_counters(p, i)->rekeys, 1);
		assert_in_range(channel_session_age(pair_channel(p, i), p->now), 0, 200 * MS);
		assert_non_null(pair_channel(p, i)->previous);
		assert_int_equal(p->side[i].ups, 1); /* no news */
	}
	assert_int_equal(pair_counters(p, B)->sent[MESSAGE_HANDSHAKE_INITIATION],
			 1); /* the lost one */
	/* However often, there is one previous session at most. */
	for (int i = 0; i < 4; i++) {
		pair_rekey_a(p);
		pair_run(p, 100 * MS);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pair_counters(p, i)->handshakes, 6);
		assert_int_equal(pair_sessions(p, i, SESSION_PREVIOUS), 1);
		assert_int_equal(pair_sessions(p, i, SESSION_FREE), SESSIONS - 2);
	}
}

/* The previous session serves until it is too old, and then nothing is left of it. */
static void test_previous(void **state)
{
	struct pair *p = *state;
	const struct datagram *old;
	uint32_t index;

	pair_open_by_a(p);
	pair_run(p, 119100 * MS);
	assert_non_null(pair_channel(p, B)->previous);
	/* The previous one serves until it is 180 s old, then nothing is left of it. */
	old = pair_sent(p, B, MESSAGE_SEALED, 0);
	assert_true(channel_receiver_index(old->octets, old->length, &index));
	pair_run(p, 59 * SEC);
	assert_int_equal(pair_inject(p, B, old->octets, old->length), DROP_REPLAY);
	pair_run(p, 1 * SEC);
	assert_int_equal(pair_inject(p, B, old->octets, old->length), DROP_INDEX);
	assert_null(pair_channel(p, B)->previous);
	assert_null(channel_find(index));
	pair_assert_works(p, 1);
}

/* What was sealed before a rekey and arrives after it is accepted. */
static void test_late(void **state)
{
	struct pair *p = *state;

	pair_open_by_a(p);
	p->cut[A] = true;
	pair_ask(p, A, 1);
	pair_tick(p, A);
	p->cut[A] = false;
	pair_rekey_a(p);
	pair_run(p, 300 * MS);
	assert_int_equal(pair_counters(p, B)->handshakes, 2);
	assert_int_equal(p->tokens[1].executed, 0);
	assert_int_equal(pair_inject(p, B, p->log[4].octets, p->log[4].length), DROP_NONE);
	assert_int_equal(p->tokens[1].executed, 1);
}

/* The initiator's initiations are lost: the responder takes over after the grace time. */
static void test_rekey_grace(void **state)
{
	struct pair *p = *state;

	pair_open_by_a(p);
	pair_channel(p, A)->current->rekey_at = USEC_NEVER;
	pair_run(p, 133 * SEC);
	assert_int_equal(pair_counters(p, B)->handshakes, 1);
	pair_run(p, 7 * SEC);
	assert_int_equal(pair_counters(p, B)->handshakes, 2);
	assert_int_equal(pair_counters(p, B)->sent[MESSAGE_HANDSHAKE_INITIATION], 2);
	assert_true(pair_channel(p, B)->current->initiator);
	pair_assert_works(p, 1);
}

static void test_rekey_messages(void **state)
{
	struct pair *p = *state;

	p->timers.rekey_messages = 10;
	pair_open_by_a(p);
	/* One keepalive so far; the tenth datagram makes the initiator start over at once. */
	for (uint64_t t = 1; t <= 8; t++)
		pair_ask(p, A, t);
	pair_run(p, 100 * MS);
	assert_int_equal(pair_counters(p, A)->handshakes, 1);
	pair_ask(p, A, 9);
	pair_run(p, 500 * MS); /* not within HANDSHAKE_RETRY of the last one, though */
	assert_int_equal(pair_counters(p, A)->handshakes, 2);
	/* The responder leaves it to the other side for as long as the grace time. */
	for (uint64_t t = 11; t <= 19; t++)
		pair_ask(p, B, t);
	pair_channel(p, A)->current->rekey_at = USEC_NEVER;
	pair_channel(p, A)->timers.rekey_messages = 1000;
	pair_run(p, 14 * SEC);
	assert_int_equal(pair_counters(p, B)->handshakes, 2);
	pair_run(p, 8 * SEC);
	assert_int_equal(pair_counters(p, B)->handshakes, 3);
	assert_int_equal(pair_counters(p, B)->sent[MESSAGE_HANDSHAKE_INITIATION], 2);
	for (uint64_t t = 1; t <= 19; t++)
		assert_true(t == 10 || p->tokens[t].reason == REASON_ACCEPTED);
}

/* No handshake gets through any more: sessions end at REJECT_AFTER though the peer is heard. */
static void test_reject(void **state)
{
	struct pair *p = *state;

	pair_open_by_a(p);
	p->no_handshake = true;
	pair_run(p, 178500 * MS);
	assert_true(channel_up(pair_channel(p, A)) && channel_up(pair_channel(p, B)));
	pair_run(p, 2 * SEC);
	for (int i = 0; i < 2; i++) {
		assert_false(channel_up(pair_channel(p, i)));
		assert_int_equal(p->side[i].downs, 1);
		assert_int_equal(channel_session_age(pair_channel(p, i), p->now), -1);
		for (size_t s = 0; s < SESSIONS; s++) {
			if (&pair_channel(p, i)->sessions[s] != pair_channel(p, i)->initiated)
				assert_true(keys_zero(&pair_channel(p, i)->sessions[s],
						      sizeof(struct keyset)));
		}
	}
	p->no_handshake = false;
	pair_run(p, 3 * SEC);
	assert_int_equal(p->side[A].restarts + p->side[B].restarts, 0);
	pair_assert_works(p, 1);
}

/* The age of a session is looked at when something comes, not only when time is told. */
static void test_reject_between_ticks(void **state)
{
	struct pair *p = *state;
	struct datagram d[2];

	pair_open_by_a(p);
	p->cut[A] = true;
	for (uint64_t t = 1; t <= 2; t++) {
		pair_ask(p, A, t);
		d[t - 1] = p->log[p->log_length - 1];
	}
	p->now = pair_channel(p, B)->current->born + p->timers.reject_after - 1;
	assert_int_equal(pair_inject(p, B, d[0].octets, d[0].length), DROP_NONE);
	p->now++;
	assert_int_equal(pair_inject(p, B, d[1].octets, d[1].length), DROP_INDEX);
	assert_int_equal(p->tokens[1].executed, 1);
	assert_int_equal(p->tokens[2].executed, 0);
}

static void test_dead_peer(void **state)
{
	struct pair *p = *state;
	struct message keepalive;
	uint64_t sent;
	usec_t heard;

	pair_open_by_a(p);
	pair_run(p, 3 * SEC);
	p->cut[A] = p->cut[B] = true;
	heard = pair_channel(p, A)->heard;
	pair_run(p, heard + 15 * SEC - p->now - 1);
	assert_true(channel_up(pair_channel(p, A)));
	pair_ask(p, A, 1);
	pair_run(p, 1);
	assert_false(channel_up(pair_channel(p, A)));
	assert_int_equal(p->side[A].downs, 1);
	assert_int_equal(p->tokens[1].ended, 1);
	assert_int_equal(p->tokens[1].reason, REASON_HOME_UNREACHABLE);
	assert_int_equal(pair_counters(p, A)->deaths, 1);
	/* The session is still there, for what the peer may seal under it. */
	assert_true(channel_session_age(pair_channel(p, A), p->now) > 0);
	message_init(&keepalive, MESSAGE_KEEPALIVE, 0);
	assert_int_equal(channel_send(pair_channel(p, A), &keepalive, p->now), -ENOTCONN);
	/* From then on initiations, each 1 to 1.33 s, and nothing else. */
	pair_run(p, 20 * SEC);
	sent = p->carried;
	pair_run(p, 100 * SEC);
	assert_in_range(p->carried - sent, 2 * 78, 2 * 94);
	p->cut[A] = p->cut[B] = false;
	pair_run(p, 2 * SEC);
	assert_true(channel_up(pair_channel(p, A)) && channel_up(pair_channel(p, B)));
	assert_int_equal(p->side[A].ups, 2);
	assert_int_equal(p->side[A].restarts, 0);
	pair_assert_works(p, 2);
}

/* Who did not run has not listened: that is no silence of the other's. */
static void test_stood_still(void **state)
{
	struct pair *p = *state;
	usec_t heard;

	pair_open_by_a(p);
	pair_run(p, 3 * SEC);
	p->now += 40 * SEC;
	pair_run(p, 60 * SEC);
	assert_int_equal(p->side[A].downs + p->side[B].downs, 0);
	assert_int_equal(pair_counters(p, A)->handshakes, 1);
	/* What came before counts, and what comes after. */
	p->cut[A] = p->cut[B] = true;
	heard = pair_channel(p, A)->heard;
	pair_run(p, heard + 10 * SEC - p->now);
	p->now += 40 * SEC;
	pair_run(p, heard + 49 * SEC - p->now); /* a keepalive may have been due at 15 */
	assert_true(channel_up(pair_channel(p, A)));
	pair_run(p, 7 * SEC);
	assert_false(channel_up(pair_channel(p, A)));
}

/* One direction fails: the deaf side goes down, and what it hears later brings it up again. */
static void test_one_way(void **state)
{
	struct pair *p = *state;

	pair_open_by_a(p);
	p->cut[A] = true;
	pair_run(p, 22 * SEC);
	assert_false(channel_up(pair_channel(p, B)));
	assert_true(channel_up(pair_channel(p, A)));
	p->no_handshake = true;
	p->cut[A] = false;
	pair_run(p, 6 * SEC); /* A's next keepalive */
	assert_true(channel_up(pair_channel(p, B)));
	assert_int_equal(p->side[B].ups, 2);
	assert_int_equal(pair_counters(p, B)->handshakes, 1);
	pair_assert_works(p, 1);
}

/* --- epochs --------------------------------------------------------------------------------- */

static void test_restart(void **state)
{
	struct pair *p = *state;

	pair_open_by_a(p);
	pair_assert_works(p, 1);
	p->side[B].manner = ANSWER_NEVER;
	pair_ask(p, A, 3);
	pair_run(p, 100 * MS);
	pair_start(p, B);
	p->side[B].manner = ANSWER_AT_ONCE;
	pair_run(p, 100 * MS);
	assert_int_equal(p->side[A].restarts, 1);
	assert_int_equal(p->side[A].ups, 2);
	assert_int_equal(p->side[A].downs, 0);
	assert_int_equal(p->side[A].seen_epoch, 2);
	assert_int_equal(pair_counters(p, A)->restarts_seen, 1);
	assert_int_equal(p->tokens[3].ended, 1);
	assert_int_equal(p->tokens[3].reason, REASON_HOME_UNREACHABLE);
	assert_int_equal(p->side[B].restarts, 0); /* it never knew another epoch */
	assert_null(pair_channel(p, A)->previous);
	/* B's ids begin at 1 again and are no repetitions. */
	pair_assert_works(p, 5);
	pair_assert_works(p, 7);
}

/* A keepalive of the peer's earlier life, delayed past its restart, confirms nothing. */
static void test_restart_stale_confirmation(void **state)
{
	struct pair *p = *state;
	const struct datagram *stale;

	pair_start_a_first(p);
	pair_run(p, 15 * MS);
	p->cut[A] = true; /* its confirming keepalive is held back */
	pair_run(p, 10 * MS);
	p->cut[A] = false;
	assert_false(channel_up(pair_channel(p, B)));
	stale = pair_sent(p, B, MESSAGE_SEALED, 0);
	pair_start(p, A);
	pair_run(p, 100 * MS);
	assert_int_equal(p->side[B].seen_epoch, 2);
	assert_int_equal(p->side[B].restarts, 0);
	assert_int_equal(pair_inject(p, B, stale->octets, stale->length), DROP_INDEX);
	assert_int_equal(p->side[B].seen_epoch, 2);
	pair_assert_works(p, 1);
}

/* A response of the peer's earlier life, delayed past the initiation of its next one. */
static void test_restart_stale_response(void **state)
{
	struct pair *p = *state;
	struct datagram stale;

	pair_start(p, A);
	p->cut[A] = true;
	pair_tick(p, A);
	pair_start(p, B);
	pair_run(p, 15 * MS);
	stale = *pair_sent(p, B, MESSAGE_HANDSHAKE_RESPONSE, 0);
	p->cut[A] = false;
	pair_start(p, A);
	pair_run(p, 15 * MS); /* B holds a next session of the new epoch, not confirmed yet */
	assert_int_equal(pair_sessions(p, B, SESSION_NEXT), 1);
	assert_int_equal(pair_inject(p, B, stale.octets, stale.length), DROP_NONE);
	assert_int_equal(p->side[B].seen_epoch, 1);
	pair_run(p, 30 * MS);
	assert_int_equal(p->side[B].seen_epoch, 2);
	assert_int_equal(p->side[B].restarts, 1);
	pair_assert_works(p, 1);
}

/* A confirmation that comes after that of the following session: both serve, and both end. */
static void test_late_confirmation(void **state)
{
	struct pair *p = *state;
	struct datagram late;
	usec_t end;

	pair_start_a_first(p);
	pair_run(p, 15 * MS);
	p->cut[A] = true;
	pair_run(p, 10 * MS);
	late = *pair_sent(p, B, MESSAGE_SEALED, 0);
	p->cut[A] = false;
	pair_rekey_a(p);
	pair_run(p, 100 * MS);
	assert_int_equal(pair_inject(p, B, late.octets, late.length), DROP_NONE);
	assert_true(pair_channel(p, B)->current->born < pair_channel(p, B)->previous->born);
	pair_assert_works(p, 1);
	p->cut[A] = p->cut[B] = true;
	end = pair_channel(p, B)->current->born + p->timers.reject_after;
	pair_run(p, end - p->now);
	assert_null(pair_channel(p, B)->current);
	assert_null(pair_channel(p, B)->previous);
}

/* The peer's configuration has changed, not its epoch: news, but no restart. */
static void test_hello_changed(void **state)
{
	struct pair *p = *state;

	pair_open_by_a(p);
	p->side[B].tunnel_key = 77;
	p->side[B].epoch--;
	pair_start(p, B);
	pair_run(p, 3 * SEC);
	assert_int_equal(p->side[A].ups, 2);
	assert_int_equal(p->side[A].restarts, 0);
	assert_int_equal(channel_hello(pair_channel(p, A))->tunnel_key, 77);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_keepalive),
		TEST(test_rekey),
		TEST(test_previous),
		TEST(test_late),
		TEST(test_rekey_grace),
		TEST(test_rekey_messages),
		TEST(test_reject),
		TEST(test_reject_between_ticks),
		TEST(test_dead_peer),
		TEST(test_stood_still),
		TEST(test_one_way),
		TEST(test_restart),
		TEST(test_restart_stale_confirmation),
		TEST(test_restart_stale_response),
		TEST(test_late_confirmation),
		TEST(test_hello_changed),
	};

	return cmocka_run_group_tests_name("channel-time", tests, NULL, NULL);
}
