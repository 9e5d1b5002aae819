/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel between two cores: its states, its timers, and what strangers can do to it.
 *
 * Two channels talk through an in-memory path in virtual time (pair.h). The attacker of these tests
 * records every datagram and sends what he likes to either side; he has no key. What a bad path
 * alone does is in test-faults.c.
 */
#include "channel_internal.h"
#include "pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	*state = pair_new(1);
	return 0;
}

static int teardown(void **state)
{
	pair_free(*state);
	return 0;
}

static struct channel *chan(struct pair *p, int side)
{
	return p->side[side].channel;
}

static const struct channel_counters *count(struct pair *p, int side)
{
	return channel_counters(chan(p, side));
}

/* A request from each side is executed once and answered. */
static void assert_works(struct pair *p, uint64_t token)
{
	pair_ask(p, A, token);
	pair_ask(p, B, token + 1);
	pair_run(p, 20 * SEC);
	for (uint64_t t = token; t <= token + 1; t++) {
		assert_int_equal(p->tokens[t].executed, 1);
		assert_int_equal(p->tokens[t].ended, 1);
		assert_int_equal(p->tokens[t].reason, REASON_ACCEPTED);
	}
}

/* Starts both, so that A's is the first initiation that arrives: B's own one is lost. */
static void start_a_first(struct pair *p)
{
	pair_start(p, B);
	p->cut[B] = true;
	pair_tick(p, B);
	p->cut[B] = false;
	pair_start(p, A);
}

/* Opens with A as the initiator of the one session. */
static void open_by_a(struct pair *p)
{
	start_a_first(p);
	pair_run(p, 1 * SEC);
	assert_true(chan(p, A)->current->initiator);
	assert_false(chan(p, B)->current->initiator);
	assert_null(chan(p, A)->previous);
}

static size_t sessions_in(struct pair *p, int side, enum keyset_state state)
{
	size_t sum = 0;

	for (size_t i = 0; i < SESSIONS; i++)
		sum += chan(p, side)->sessions[i].state == state;
	return sum;
}

/* The next handshake of A is due. */
static void rekey_a(struct pair *p)
{
	chan(p, A)->current->rekey_at = p->now;
	chan(p, A)->handshake_at = p->now;
	pair_tick(p, A);
}

/* --- opening -------------------------------------------------------------------------------- */

static void test_open(void **state)
{
	struct pair *p = *state;

	p->now = 1000 * SEC;
	start_a_first(p);
	assert_int_equal(p->carried, 1); /* B's, lost */
	assert_int_equal(channel_session_age(chan(p, A), p->now), -1);
	assert_null(channel_hello(chan(p, A)));
	pair_run(p, 25 * MS); /* initiation and response have arrived, the keepalive has not */
	assert_true(channel_up(chan(p, A)));
	assert_false(channel_up(chan(p, B)));
	pair_run(p, 10 * MS);
	assert_true(channel_up(chan(p, B)));

	assert_int_equal(p->carried, 4);
	assert_int_equal(p->log[1].octets[0], MESSAGE_HANDSHAKE_INITIATION);
	assert_int_equal(p->log[2].octets[0], MESSAGE_HANDSHAKE_RESPONSE);
	assert_int_equal(p->log[3].octets[0], MESSAGE_SEALED);
	assert_int_equal(count(p, A)->sent[MESSAGE_HANDSHAKE_INITIATION], 1);
	assert_int_equal(count(p, A)->sent[MESSAGE_KEEPALIVE], 1);
	assert_int_equal(count(p, B)->received[MESSAGE_KEEPALIVE], 1);
	assert_int_equal(channel_session_age(chan(p, A), p->now), 35 * MS);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(p->side[i].ups, 1);
		assert_int_equal(p->side[i].downs, 0);
		assert_int_equal(p->side[i].restarts, 0);
		assert_int_equal(count(p, i)->handshakes, 1);
		assert_int_equal(channel_hello(chan(p, i))->epoch, 1);
	}
	assert_works(p, 1);
	/* An initiation is no proof of anything, a response and what is sealed are. */
	assert_int_equal(p->side[A].authentic, count(p, A)->received_datagrams);
	assert_int_equal(p->side[B].authentic, count(p, B)->received_datagrams - 1);
}

static void test_new_refused(void **state)
{
	struct pair *p = *state;
	struct side *s = &p->side[A];
	struct channel_ops ops = {0};
	struct message hello;

	message_init(&hello, MESSAGE_HELLO, 0);
	assert_null(channel_new(&s->identity, s->peer_public, NULL, "b.example", &hello, &p->timers,
				&ops));
	assert_int_equal(errno, EINVAL);
	channel_free(NULL);
}

static void test_lookup(void **state)
{
	struct pair *p = *state;
	const struct datagram *d;
	uint8_t hint[8], wanted[8];
	uint32_t index = 0;

	pair_open(p);
	d = pair_sent(p, B, MESSAGE_HANDSHAKE_INITIATION, 0);
	channel_hint(wanted, p->side[A].identity.public_key);
	assert_true(channel_initiation_hint(d->octets, d->length, hint));
	assert_memory_equal(hint, wanted, sizeof(hint));
	assert_false(channel_initiation_hint(d->octets, 15, hint));
	assert_false(channel_receiver_index(d->octets, d->length, &index));

	d = pair_sent(p, B, MESSAGE_SEALED, 0);
	assert_true(channel_receiver_index(d->octets, d->length, &index));
	assert_true(channel_owns_index(chan(p, B), index));
	assert_false(channel_owns_index(chan(p, A), index));
	assert_ptr_equal(channel_find(index), chan(p, B));
	assert_null(channel_find(0));
	assert_false(channel_initiation_hint(d->octets, d->length, hint));

	d = pair_sent(p, A, MESSAGE_HANDSHAKE_RESPONSE, 0);
	assert_true(channel_receiver_index(d->octets, d->length, &index));
	assert_ptr_equal(channel_find(index), chan(p, A));
	assert_false(channel_receiver_index(d->octets, 11, &index));
	pair_stop(p, A);
	assert_null(channel_find(index));
}

static void test_simultaneous(void **state)
{
	struct pair *p = *state;

	pair_start(p, A);
	pair_start(p, B);
	pair_run(p, 15 * MS);
	assert_int_equal(p->carried, 4); /* two initiations that crossed, two responses */
	pair_run(p, 30 * MS);
	for (int i = 0; i < 2; i++) {
		assert_true(channel_up(chan(p, i)));
		assert_int_equal(count(p, i)->handshakes, 2);
		assert_int_equal(p->side[i].ups, 1);
		/* Both ended as the responder of what is current: this is what jitter must undo. */
		assert_false(chan(p, i)->current->initiator);
		assert_true(chan(p, i)->previous->initiator);
	}
	assert_works(p, 1);
	pair_run(p, 3600 * SEC);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(count(p, i)->deaths, 0);
		assert_in_range(count(p, i)->handshakes, 3600 / 135, 3600 / 120 + 4);
		assert_int_equal(p->side[i].downs, 0);
	}
	assert_int_not_equal(chan(p, A)->current->initiator, chan(p, B)->current->initiator);
	assert_works(p, 3);
}

static void test_wrong_keys(void **state)
{
	enum { KEY, PSK, NAME };

	for (int wrong = KEY; wrong <= NAME; wrong++) {
		struct pair *p = *state;

		switch (wrong) {
		case KEY: /* A takes another for B: what it sends has another hash from the start */
			p->side[A].peer_public[0] ^= 1;
			break;
		case PSK: /* not needed before message 2 */
			p->side[A].psk[31] ^= 1;
			break;
		case NAME:
			strcpy(p->side[A].name, "c.example");
			break;
		}
		pair_start(p, A);
		pair_start(p, B);
		pair_run(p, 10 * SEC);
		for (int i = 0; i < 2; i++) {
			assert_false(channel_up(chan(p, i)));
			assert_int_equal(p->side[i].ups, 0);
			assert_int_equal(p->side[i].authentic, 0);
			assert_null(channel_hello(chan(p, i)));
		}
		assert_true(pair_drops(p, B, DROP_HANDSHAKE) >= 7);
		if (wrong != NAME)
			assert_true(pair_drops(p, A, DROP_HANDSHAKE) >= 7);
		teardown(state);
		setup(state);
	}
}

/* --- requests ------------------------------------------------------------------------------- */

static void test_down(void **state)
{
	struct pair *p = *state;
	struct message m;

	pair_start(p, A);
	pair_ask(p, A, 1);
	assert_int_equal(p->tokens[1].ended, 0);
	pair_tick(p, A);
	assert_int_equal(p->tokens[1].ended, 1);
	assert_int_equal(p->tokens[1].reason, REASON_HOME_UNREACHABLE);
	message_init(&m, MESSAGE_KEEPALIVE, 0);
	assert_int_equal(channel_send(chan(p, A), &m, p->now), -ENOTCONN);
	assert_int_equal(p->carried, 1); /* the initiation */
}

static void test_send(void **state)
{
	struct pair *p = *state;
	struct message m;

	pair_open(p);
	message_init(&m, MESSAGE_KEEPALIVE, 0);
	assert_int_equal(channel_send(chan(p, A), &m, p->now), 0);
	message_init(&m, MESSAGE_RELEASE, 1);
	assert_int_equal(channel_send(chan(p, A), &m, p->now), -EINVAL);
	message_init(&m, MESSAGE_ERROR, 1); /* without REASON */
	assert_int_equal(channel_send(chan(p, A), &m, p->now), -EINVAL);
	/* An error that nobody waits for. */
	message_set_number(&m, ATTR_REASON, REASON_BUSY);
	assert_int_equal(channel_send(chan(p, A), &m, p->now), 0);
	pair_run(p, 100 * MS);
	assert_int_equal(count(p, B)->received[MESSAGE_ERROR], 1);
	assert_int_equal(requests_counters(channel_requests(chan(p, B)))->unknown_answers, 1);
}

static int refuse_transmit(void *context, const uint8_t *octets, size_t length)
{
	(void)context;
	(void)octets;
	(void)length;
	return -ENETUNREACH;
}

static void test_unsent(void **state)
{
	struct pair *p = *state;
	int (*transmit)(void *, const uint8_t *, size_t);

	pair_open(p);
	transmit = chan(p, A)->ops.transmit;
	chan(p, A)->ops.transmit = refuse_transmit;
	pair_ask(p, A, 1);
	pair_tick(p, A);
	assert_int_equal(count(p, A)->unsent_datagrams, 1);
	assert_int_equal(requests_counters(channel_requests(chan(p, A)))->unsent, 1);
	chan(p, A)->ops.transmit = transmit;
	pair_run(p, 2 * SEC);
	assert_int_equal(p->tokens[1].reason, REASON_ACCEPTED);
	assert_int_equal(p->tokens[1].ended, 1);
}

/* Answers that take time: a retransmission meanwhile is not executed again. */
static void test_running(void **state)
{
	struct pair *p = *state;

	p->side[B].manner = ANSWER_LATER;
	p->work = 3 * SEC;
	pair_open(p);
	pair_ask(p, A, 1);
	pair_run(p, 10 * SEC);
	assert_int_equal(p->tokens[1].executed, 1);
	assert_int_equal(p->tokens[1].ended, 1);
	assert_int_equal(p->tokens[1].reason, REASON_ACCEPTED);
	assert_int_equal(requests_counters(channel_requests(chan(p, B)))->running, 2);
}

static void test_unanswered(void **state)
{
	struct pair *p = *state;

	p->side[B].manner = ANSWER_NEVER;
	pair_open(p);
	pair_ask(p, A, 1);
	pair_run(p, 15400 * MS);
	assert_int_equal(p->tokens[1].ended, 0);
	pair_run(p, 200 * MS);
	assert_int_equal(p->tokens[1].ended, 1);
	assert_int_equal(p->tokens[1].reason, REASON_TIMEOUT);
	assert_int_equal(p->tokens[1].executed, 1);
	assert_int_equal(count(p, A)->sent[MESSAGE_RELEASE], REQUEST_MAX_TRIES);
	assert_true(channel_up(chan(p, A)));
}

static void seal_and_send(struct pair *p, int from, const uint8_t *octets, size_t length)
{
	assert_int_equal(channel_seal(chan(p, from), octets, length), 0);
	pair_run(p, 100 * MS);
}

/* Authentic, and yet wrong: dropped as a whole, counted; only an unknown request is answered. */
static void test_malformed(void **state)
{
	static const struct {
		uint8_t octets[16];
		size_t length;
		enum drop drop;
		bool refused;
	} cases[] = {
		{{0x3e, 1, 0, 0, 0, 0, 0}, 7, DROP_SHORT, false},
		{{0x3e, 2, 0, 0, 0, 0, 0, 0}, 8, DROP_VERSION, false},
		{{0x20, 1, 0, 0, 0, 0, 0, 0}, 8, DROP_TYPE, false},
		{{0x3d, 1, 0, 0, 0, 0, 0, 9}, 8, DROP_TYPE, true},
		{{0x3d, 1, 0, 0, 0, 0, 0, 0}, 8, DROP_TYPE, false},
		{{0xbd, 1, 0, 0, 0, 0, 0, 9}, 8, DROP_TYPE, false},
		{{0x33, 1, 0, 0, 0, 0, 0, 9}, 8, DROP_MISSING, false},
		{{0x33, 1, 0, 0, 0, 0, 0, 9, 0x0e, 0, 2, 0, 1}, 13, DROP_MISSING, false},
		{{0x3e, 1, 0, 0, 0, 0, 0, 0, 0x7f, 0, 0}, 11, DROP_UNKNOWN, false},
	};
	struct pair *p = *state;

	open_by_a(p);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = pair_drops(p, B, cases[i].drop);
		uint64_t errors = count(p, B)->sent[MESSAGE_ERROR];
		unsigned int authentic = p->side[B].authentic;

		seal_and_send(p, A, cases[i].octets, cases[i].length);
		assert_int_equal(pair_drops(p, B, cases[i].drop), before + 1);
		assert_int_equal(count(p, B)->sent[MESSAGE_ERROR], errors + cases[i].refused);
		assert_int_equal(p->side[B].authentic, authentic + 1);
	}
	assert_works(p, 1);
}

/* --- time ----------------------------------------------------------------------------------- */

static void test_keepalive(void **state)
{
	struct pair *p = *state;

	open_by_a(p);
	pair_run(p, 60 * SEC);
	assert_int_equal(count(p, A)->sent[MESSAGE_KEEPALIVE], 1 + 12);
	assert_int_equal(count(p, B)->sent[MESSAGE_KEEPALIVE], 12);
	assert_int_equal(count(p, A)->deaths + count(p, B)->deaths, 0);
	/* Whoever talks anyway needs none. */
	for (uint64_t t = 1; t <= 10; t++) {
		pair_ask(p, A, t);
		pair_run(p, 4 * SEC);
	}
	assert_in_range(count(p, A)->sent[MESSAGE_KEEPALIVE], 13, 14);
	assert_in_range(count(p, B)->sent[MESSAGE_KEEPALIVE], 12, 13);
}

static void test_rekey(void **state)
{
	struct pair *p = *state;

	open_by_a(p);
	pair_run(p, 118900 * MS);
	assert_int_equal(count(p, A)->handshakes, 1);
	pair_run(p, 200 * MS); /* 120 s and 10 round trips */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(count(p, i)->handshakes, 2);
		assert_int_equal(count(p, i)->rekeys, 1);
		assert_in_range(channel_session_age(chan(p, i), p->now), 0, 200 * MS);
		assert_non_null(chan(p, i)->previous);
		assert_int_equal(p->side[i].ups, 1); /* no news */
	}
	assert_int_equal(count(p, B)->sent[MESSAGE_HANDSHAKE_INITIATION], 1); /* the lost one */
	/* However often, there is one previous session at most. */
	for (int i = 0; i < 4; i++) {
		rekey_a(p);
		pair_run(p, 100 * MS);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(count(p, i)->handshakes, 6);
		assert_int_equal(sessions_in(p, i, SESSION_PREVIOUS), 1);
		assert_int_equal(sessions_in(p, i, SESSION_FREE), SESSIONS - 2);
	}
}

/* The previous session serves until it is too old, and then nothing is left of it. */
static void test_previous(void **state)
{
	struct pair *p = *state;
	const struct datagram *old;
	uint32_t index;

	open_by_a(p);
	pair_run(p, 119100 * MS);
	assert_non_null(chan(p, B)->previous);
	/* The previous one serves until it is 180 s old, then nothing is left of it. */
	old = pair_sent(p, B, MESSAGE_SEALED, 0);
	assert_true(channel_receiver_index(old->octets, old->length, &index));
	pair_run(p, 59 * SEC);
	assert_int_equal(pair_inject(p, B, old->octets, old->length), DROP_REPLAY);
	pair_run(p, 1 * SEC);
	assert_int_equal(pair_inject(p, B, old->octets, old->length), DROP_INDEX);
	assert_null(chan(p, B)->previous);
	assert_null(channel_find(index));
	assert_works(p, 1);
}

/* What was sealed before a rekey and arrives after it is accepted. */
static void test_late(void **state)
{
	struct pair *p = *state;

	open_by_a(p);
	p->cut[A] = true;
	pair_ask(p, A, 1);
	pair_tick(p, A);
	p->cut[A] = false;
	rekey_a(p);
	pair_run(p, 300 * MS);
	assert_int_equal(count(p, B)->handshakes, 2);
	assert_int_equal(p->tokens[1].executed, 0);
	assert_int_equal(pair_inject(p, B, p->log[4].octets, p->log[4].length), DROP_NONE);
	assert_int_equal(p->tokens[1].executed, 1);
}

/* The initiator's initiations are lost: the responder takes over after the grace time. */
static void test_rekey_grace(void **state)
{
	struct pair *p = *state;

	open_by_a(p);
	chan(p, A)->current->rekey_at = USEC_NEVER;
	pair_run(p, 133 * SEC);
	assert_int_equal(count(p, B)->handshakes, 1);
	pair_run(p, 7 * SEC);
	assert_int_equal(count(p, B)->handshakes, 2);
	assert_int_equal(count(p, B)->sent[MESSAGE_HANDSHAKE_INITIATION], 2);
	assert_true(chan(p, B)->current->initiator);
	assert_works(p, 1);
}

static void test_rekey_messages(void **state)
{
	struct pair *p = *state;

	p->timers.rekey_messages = 10;
	open_by_a(p);
	/* One keepalive so far; the tenth datagram makes the initiator start over at once. */
	for (uint64_t t = 1; t <= 8; t++)
		pair_ask(p, A, t);
	pair_run(p, 100 * MS);
	assert_int_equal(count(p, A)->handshakes, 1);
	pair_ask(p, A, 9);
	pair_run(p, 500 * MS); /* not within HANDSHAKE_RETRY of the last one, though */
	assert_int_equal(count(p, A)->handshakes, 2);
	/* The responder leaves it to the other side for as long as the grace time. */
	for (uint64_t t = 11; t <= 19; t++)
		pair_ask(p, B, t);
	chan(p, A)->current->rekey_at = USEC_NEVER;
	chan(p, A)->timers.rekey_messages = 1000;
	pair_run(p, 14 * SEC);
	assert_int_equal(count(p, B)->handshakes, 2);
	pair_run(p, 8 * SEC);
	assert_int_equal(count(p, B)->handshakes, 3);
	assert_int_equal(count(p, B)->sent[MESSAGE_HANDSHAKE_INITIATION], 2);
	for (uint64_t t = 1; t <= 19; t++)
		assert_true(t == 10 || p->tokens[t].reason == REASON_ACCEPTED);
}

/* No handshake gets through any more: sessions end at REJECT_AFTER though the peer is heard. */
static void test_reject(void **state)
{
	struct pair *p = *state;

	open_by_a(p);
	p->no_handshake = true;
	pair_run(p, 178500 * MS);
	assert_true(channel_up(chan(p, A)) && channel_up(chan(p, B)));
	pair_run(p, 2 * SEC);
	for (int i = 0; i < 2; i++) {
		assert_false(channel_up(chan(p, i)));
		assert_int_equal(p->side[i].downs, 1);
		assert_int_equal(channel_session_age(chan(p, i), p->now), -1);
		for (size_t s = 0; s < SESSIONS; s++) {
			if (&chan(p, i)->sessions[s] != chan(p, i)->initiated)
				assert_true(
					keys_zero(&chan(p, i)->sessions[s], sizeof(struct keyset)));
		}
	}
	p->no_handshake = false;
	pair_run(p, 3 * SEC);
	assert_int_equal(p->side[A].restarts + p->side[B].restarts, 0);
	assert_works(p, 1);
}

/* The age of a session is looked at when something comes, not only when time is told. */
static void test_reject_between_ticks(void **state)
{
	struct pair *p = *state;
	struct datagram d[2];

	open_by_a(p);
	p->cut[A] = true;
	for (uint64_t t = 1; t <= 2; t++) {
		pair_ask(p, A, t);
		d[t - 1] = p->log[p->log_length - 1];
	}
	p->now = chan(p, B)->current->born + p->timers.reject_after - 1;
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

	open_by_a(p);
	pair_run(p, 3 * SEC);
	p->cut[A] = p->cut[B] = true;
	heard = chan(p, A)->heard;
	pair_run(p, heard + 15 * SEC - p->now - 1);
	assert_true(channel_up(chan(p, A)));
	pair_ask(p, A, 1);
	pair_run(p, 1);
	assert_false(channel_up(chan(p, A)));
	assert_int_equal(p->side[A].downs, 1);
	assert_int_equal(p->tokens[1].ended, 1);
	assert_int_equal(p->tokens[1].reason, REASON_HOME_UNREACHABLE);
	assert_int_equal(count(p, A)->deaths, 1);
	/* The session is still there, for what the peer may seal under it. */
	assert_true(channel_session_age(chan(p, A), p->now) > 0);
	message_init(&keepalive, MESSAGE_KEEPALIVE, 0);
	assert_int_equal(channel_send(chan(p, A), &keepalive, p->now), -ENOTCONN);
	/* From then on initiations, each 1 to 1.33 s, and nothing else. */
	pair_run(p, 20 * SEC);
	sent = p->carried;
	pair_run(p, 100 * SEC);
	assert_in_range(p->carried - sent, 2 * 78, 2 * 94);
	p->cut[A] = p->cut[B] = false;
	pair_run(p, 2 * SEC);
	assert_true(channel_up(chan(p, A)) && channel_up(chan(p, B)));
	assert_int_equal(p->side[A].ups, 2);
	assert_int_equal(p->side[A].restarts, 0);
	assert_works(p, 2);
}

/* One direction fails: the deaf side goes down, and what it hears later brings it up again. */
static void test_one_way(void **state)
{
	struct pair *p = *state;

	open_by_a(p);
	p->cut[A] = true;
	pair_run(p, 22 * SEC);
	assert_false(channel_up(chan(p, B)));
	assert_true(channel_up(chan(p, A)));
	p->no_handshake = true;
	p->cut[A] = false;
	pair_run(p, 6 * SEC); /* A's next keepalive */
	assert_true(channel_up(chan(p, B)));
	assert_int_equal(p->side[B].ups, 2);
	assert_int_equal(count(p, B)->handshakes, 1);
	assert_works(p, 1);
}

/* --- epochs --------------------------------------------------------------------------------- */

static void test_restart(void **state)
{
	struct pair *p = *state;

	open_by_a(p);
	assert_works(p, 1);
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
	assert_int_equal(count(p, A)->restarts_seen, 1);
	assert_int_equal(p->tokens[3].ended, 1);
	assert_int_equal(p->tokens[3].reason, REASON_HOME_UNREACHABLE);
	assert_int_equal(p->side[B].restarts, 0); /* it never knew another epoch */
	assert_null(chan(p, A)->previous);
	/* B's ids begin at 1 again and are no repetitions. */
	assert_works(p, 5);
	assert_works(p, 7);
}

/* A keepalive of the peer's earlier life, delayed past its restart, confirms nothing. */
static void test_restart_stale_confirmation(void **state)
{
	struct pair *p = *state;
	const struct datagram *stale;

	start_a_first(p);
	pair_run(p, 15 * MS);
	p->cut[A] = true; /* its confirming keepalive is held back */
	pair_run(p, 10 * MS);
	p->cut[A] = false;
	assert_false(channel_up(chan(p, B)));
	stale = pair_sent(p, B, MESSAGE_SEALED, 0);
	pair_start(p, A);
	pair_run(p, 100 * MS);
	assert_int_equal(p->side[B].seen_epoch, 2);
	assert_int_equal(p->side[B].restarts, 0);
	assert_int_equal(pair_inject(p, B, stale->octets, stale->length), DROP_INDEX);
	assert_int_equal(p->side[B].seen_epoch, 2);
	assert_works(p, 1);
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
	assert_int_equal(sessions_in(p, B, SESSION_NEXT), 1);
	assert_int_equal(pair_inject(p, B, stale.octets, stale.length), DROP_NONE);
	assert_int_equal(p->side[B].seen_epoch, 1);
	pair_run(p, 30 * MS);
	assert_int_equal(p->side[B].seen_epoch, 2);
	assert_int_equal(p->side[B].restarts, 1);
	assert_works(p, 1);
}

/* A confirmation that comes after that of the following session: both serve, and both end. */
static void test_late_confirmation(void **state)
{
	struct pair *p = *state;
	struct datagram late;
	usec_t end;

	start_a_first(p);
	pair_run(p, 15 * MS);
	p->cut[A] = true;
	pair_run(p, 10 * MS);
	late = *pair_sent(p, B, MESSAGE_SEALED, 0);
	p->cut[A] = false;
	rekey_a(p);
	pair_run(p, 100 * MS);
	assert_int_equal(pair_inject(p, B, late.octets, late.length), DROP_NONE);
	assert_true(chan(p, B)->current->born < chan(p, B)->previous->born);
	assert_works(p, 1);
	p->cut[A] = p->cut[B] = true;
	end = chan(p, B)->current->born + p->timers.reject_after;
	pair_run(p, end - p->now);
	assert_null(chan(p, B)->current);
	assert_null(chan(p, B)->previous);
}

/* The peer's configuration has changed, not its epoch: news, but no restart. */
static void test_hello_changed(void **state)
{
	struct pair *p = *state;

	open_by_a(p);
	p->side[B].tunnel_key = 77;
	p->side[B].epoch--;
	pair_start(p, B);
	pair_run(p, 3 * SEC);
	assert_int_equal(p->side[A].ups, 2);
	assert_int_equal(p->side[A].restarts, 0);
	assert_int_equal(channel_hello(chan(p, A))->tunnel_key, 77);
}

/* --- the attacker --------------------------------------------------------------------------- */

/* Everything that was ever sent, sent again to both sides, in three states. */
static void test_replay(void **state)
{
	struct pair *p = *state;

	open_by_a(p);
	assert_works(p, 1);
	pair_run(p, 100 * SEC); /* one rekey */
	for (int round = 0; round < 3; round++) {
		uint32_t current[2];
		size_t length = p->log_length;
		unsigned int authentic[2];

		for (int i = 0; i < 2; i++) {
			current[i] = chan(p, i)->current->local_index;
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
			assert_int_equal(chan(p, i)->current->local_index, current[i]);
			assert_int_equal(p->side[i].authentic, authentic[i]);
			assert_int_equal(p->side[i].restarts, 0);
		}
		assert_works(p, 3 + 2 * (uint64_t)round);
		pair_run(p, 130 * SEC);
	}
	assert_int_equal(count(p, A)->deaths + count(p, B)->deaths, 0);
}

/* Old initiations arrive between a true one and its confirmation, and again and again. */
static void test_replay_in_between(void **state)
{
	struct pair *p = *state;
	struct datagram old[SESSIONS];

	for (size_t i = 0; i < SESSIONS; i++) {
		open_by_a(p);
		old[i] = *pair_sent(p, B, MESSAGE_HANDSHAKE_INITIATION, i);
	}
	open_by_a(p);
	rekey_a(p);
	pair_run(p, 15 * MS); /* it has been answered */
	for (size_t i = 0; i < NEXT_SESSIONS - 1; i++)
		assert_int_equal(pair_inject(p, B, old[i].octets, old[i].length), DROP_NONE);
	for (size_t i = 0; i < 10000; i++) {
		const struct datagram *d = &old[i % (NEXT_SESSIONS - 1)];

		assert_int_equal(pair_inject(p, B, d->octets, d->length), DROP_REPLAY);
	}
	pair_run(p, 100 * MS);
	assert_int_equal(count(p, B)->rekeys, 1);
	assert_int_equal(chan(p, B)->current->remote_index, chan(p, A)->current->local_index);
	assert_int_equal(p->side[B].restarts, 0);
	/* However many there are, they only ever take each other's place. */
	for (size_t i = 0; i < SESSIONS; i++)
		pair_inject(p, B, old[i].octets, old[i].length);
	assert_int_equal(sessions_in(p, B, SESSION_FREE), 0);
	assert_true(sessions_in(p, B, SESSION_NEXT) >= NEXT_SESSIONS);
	/* Full of old ones, there is room for a true one, and an old one takes an old one's place.
	 */
	pair_run(p, SEC);
	rekey_a(p);
	pair_run(p, 15 * MS);
	for (size_t i = 0, taken = 0; i < SESSIONS && taken < NEXT_SESSIONS - 1; i++)
		taken += pair_inject(p, B, old[i].octets, old[i].length) == DROP_NONE;
	pair_run(p, 100 * MS);
	assert_int_equal(count(p, B)->rekeys, 2);
	assert_works(p, 1);
}

/* The index of an initiation that is out stands for no keys, not even for keys of zeros. */
static void test_pending_index(void **state)
{
	struct pair *p = *state;
	struct seal_tx zeros = {0};
	uint8_t octets[SEALED_HEAD + SNO_HEAD_LENGTH + SEAL_TAG];

	open_by_a(p);
	p->cut[A] = true;
	rekey_a(p);
	message_write_head(octets, MESSAGE_SEALED, chan(p, A)->initiated->local_index);
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
		assert_int_equal(chan(p, i)->current ? chan(p, i)->current->local_index : 0,
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

	open_by_a(p);
	p->cut[to ^ 1] = true; /* the attacker has it, its receiver does not yet */
	if (type == MESSAGE_SEALED)
		pair_ask(p, A, 1);
	else
		rekey_a(p);
	pair_run(p, 15 * MS);
	d = *pair_sent(p, to, type, 1); /* the first of each type was that of opening */
	for (int i = 0; i < 2; i++)
		current[i] = chan(p, i)->current->local_index;
	handshakes = count(p, to)->handshakes;

	forge(p, to, &d);
	assert_same(p, current);
	assert_int_equal(count(p, to)->handshakes, handshakes);
	assert_int_equal(p->tokens[1].executed, 0);
	p->cut[to ^ 1] = false;
	assert_int_equal(pair_inject(p, to, d.octets, d.length), DROP_NONE);
	pair_tick(p, to);
	pair_run(p, 2 * SEC);
	if (type == MESSAGE_SEALED)
		assert_int_equal(p->tokens[1].executed, 1);
	else
		assert_true(count(p, B)->rekeys >= 1);
	assert_works(p, 2);
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
		teardown(state);
		setup(state);
	}
}

/* An index altered on the way, which Noise does not notice: the peers find each other again. */
static void test_wrong_index(void **state)
{
	for (int type = MESSAGE_HANDSHAKE_INITIATION; type <= MESSAGE_HANDSHAKE_RESPONSE; type++) {
		struct pair *p = *state;

		open_by_a(p);
		rekey_a(p);
		if (type == MESSAGE_HANDSHAKE_RESPONSE)
			pair_run(p, 15 * MS);
		assert_int_equal(p->queue_length, 1);
		assert_int_equal(p->queue[0].octets[0], type);
		p->queue[0].octets[5] ^= 0x40;
		pair_run(p, 20 * SEC);
		assert_works(p, 1);
		teardown(state);
		setup(state);
	}
}

static void test_zero_index(void **state)
{
	struct pair *p = *state;
	struct datagram d;

	start_a_first(p);
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

	open_by_a(p);
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
	assert_true(channel_up(chan(p, A)) && channel_up(chan(p, B)));
	assert_works(p, 1);
}

/* --- callbacks that call back --------------------------------------------------------------- */

static void ask_on_state(struct side *s, const struct message *hello)
{
	(void)hello;
	pair_ask(s->pair, s->number, 100 + 10 * (uint64_t)s->number + s->ups + 5 * s->downs);
}

static void ask_on_request(struct side *s, const struct message *request)
{
	struct message keepalive;

	message_init(&keepalive, MESSAGE_KEEPALIVE, 0);
	assert_int_equal(channel_send(s->channel, &keepalive, s->pair->now), 0);
	if (request->binding < 200)
		pair_ask(s->pair, s->number, request->binding + 100);
}

static void ask_on_done(struct side *s, uint64_t token, enum reason reason)
{
	(void)reason;
	if (token >= 200 && token < 300)
		pair_ask(s->pair, s->number, token + 100);
}

static void test_reentry(void **state)
{
	struct pair *p = *state;

	for (int i = 0; i < 2; i++) {
		p->side[i].on_state = ask_on_state;
		p->side[i].on_request = ask_on_request;
		p->side[i].on_done = ask_on_done;
	}
	pair_open(p);
	pair_run(p, 1 * SEC);
	/* Coming up, A asked 101 and B 111; the other side then asked 100 more, and again. */
	for (uint64_t t = 101; t <= 311; t += t % 100 == 1 ? 10 : 90) {
		assert_int_equal(p->tokens[t].executed, 1);
		assert_int_equal(p->tokens[t].ended, 1);
		assert_int_equal(p->tokens[t].reason, REASON_ACCEPTED);
	}
}

static void ask_again(struct side *s, uint64_t token, enum reason reason)
{
	assert_int_equal(reason, REASON_HOME_UNREACHABLE);
	if (token < 1000)
		pair_ask(s->pair, s->number, token + 1);
}

/* An owner that repeats at once what failed gets one failure for each tick, and no busy loop. */
static void test_reentry_down(void **state)
{
	struct pair *p = *state;

	open_by_a(p);
	p->side[A].on_done = ask_again;
	p->cut[A] = p->cut[B] = true;
	pair_ask(p, A, 1);
	pair_run(p, 14 * SEC);
	assert_int_equal(p->tokens[1].ended, 0);
	pair_run(p, 2 * SEC);
	assert_int_equal(p->tokens[1].ended, 1);
	assert_int_equal(p->tokens[1000].ended, 1);
	for (uint64_t t = 1; t <= 1000; t++)
		assert_int_equal(p->tokens[t].ended, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_open),
		TEST(test_new_refused),
		TEST(test_lookup),
		TEST(test_simultaneous),
		TEST(test_wrong_keys),
		TEST(test_down),
		TEST(test_send),
		TEST(test_unsent),
		TEST(test_running),
		TEST(test_unanswered),
		TEST(test_malformed),
		TEST(test_keepalive),
		TEST(test_rekey),
		TEST(test_previous),
		TEST(test_late),
		TEST(test_rekey_grace),
		TEST(test_rekey_messages),
		TEST(test_reject),
		TEST(test_reject_between_ticks),
		TEST(test_dead_peer),
		TEST(test_one_way),
		TEST(test_restart),
		TEST(test_restart_stale_confirmation),
		TEST(test_restart_stale_response),
		TEST(test_late_confirmation),
		TEST(test_hello_changed),
		TEST(test_replay),
		TEST(test_replay_in_between),
		TEST(test_pending_index),
		TEST(test_forged),
		TEST(test_wrong_index),
		TEST(test_zero_index),
		TEST(test_flood),
		TEST(test_reentry),
		TEST(test_reentry_down),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
