/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel between two cores: how it opens, what passes through it, what callbacks may do.
 *
 * Two channels talk through an in-memory path in virtual time (pair.h). Timers and restarts are in
 * test-channel-time.c, an attacker is in test-channel-attack.c, a bad path in test-faults.c.
 */
#include "pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* --- opening -------------------------------------------------------------------------------- */

static void test_open(void **state)
{
	struct pair *p = *state;

	p->now = 1000 * SEC;
	pair_start_a_first(p);
	assert_int_equal(p->carried, 1); /* B's, lost */
	assert_int_equal(channel_session_age(pair_channel(p, A), p->now), -1);
	assert_null(channel_hello(pair_channel(p, A)));
	pair_run(p, 25 * MS); /* initiation and response have arrived, the keepalive has not */
	assert_true(channel_up(pair_channel(p, A)));
	assert_false(channel_up(pair_channel(p, B)));
	pair_run(p, 10 * MS);
	assert_true(channel_up(pair_channel(p, B)));

	assert_int_equal(p->carried, 4);
	assert_int_equal(p->log[1].octets[0], MESSAGE_HANDSHAKE_INITIATION);
	assert_int_equal(p->log[2].octets[0], MESSAGE_HANDSHAKE_RESPONSE);
	assert_int_equal(p->log[3].octets[0], MESSAGE_SEALED);
	assert_int_equal(pair_counters(p, A)->sent[MESSAGE_HANDSHAKE_INITIATION], 1);
	assert_int_equal(pair_counters(p, A)->sent[MESSAGE_KEEPALIVE], 1);
	assert_int_equal(pair_counters(p, B)->received[MESSAGE_KEEPALIVE], 1);
	assert_int_equal(channel_session_age(pair_channel(p, A), p->now), 35 * MS);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(p->side[i].ups, 1);
		assert_int_equal(p->side[i].downs, 0);
		assert_int_equal(p->side[i].restarts, 0);
		assert_int_equal(pair_counters(p, i)->handshakes, 1);
		assert_int_equal(channel_hello(pair_channel(p, i))->epoch, 1);
	}
	pair_assert_works(p, 1);
	/* An initiation is no proof of anything, a response and what is sealed are. */
	assert_int_equal(p->side[A].authentic, pair_counters(p, A)->received_datagrams);
	assert_int_equal(p->side[B].authentic, pair_counters(p, B)->received_datagrams - 1);
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
	assert_ptr_equal(channel_find(index), pair_channel(p, B));
	assert_null(channel_find(0));
	assert_false(channel_initiation_hint(d->octets, d->length, hint));

	d = pair_sent(p, A, MESSAGE_HANDSHAKE_RESPONSE, 0);
	assert_true(channel_receiver_index(d->octets, d->length, &index));
	assert_ptr_equal(channel_find(index), pair_channel(p, A));
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
		assert_true(channel_up(pair_channel(p, i)));
		assert_int_equal(pair_counters(p, i)->handshakes, 2);
		assert_int_equal(p->side[i].ups, 1);
		/* Both ended as the responder of what is current: this is what jitter must undo. */
		assert_false(pair_channel(p, i)->current->initiator);
		assert_true(pair_channel(p, i)->previous->initiator);
	}
	pair_assert_works(p, 1);
	pair_run(p, 3600 * SEC);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pair_counters(p, i)->deaths, 0);
		assert_in_range(pair_counters(p, i)->handshakes, 3600 / 135, 3600 / 120 + 4);
		assert_int_equal(p->side[i].downs, 0);
	}
	assert_int_not_equal(pair_channel(p, A)->current->initiator,
			     pair_channel(p, B)->current->initiator);
	pair_assert_works(p, 3);
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
			assert_false(channel_up(pair_channel(p, i)));
			assert_int_equal(p->side[i].ups, 0);
			assert_int_equal(p->side[i].authentic, 0);
			assert_null(channel_hello(pair_channel(p, i)));
		}
		assert_true(pair_drops(p, B, DROP_HANDSHAKE) >= 7);
		if (wrong != NAME)
			assert_true(pair_drops(p, A, DROP_HANDSHAKE) >= 7);
		pair_teardown(state);
		pair_setup(state);
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
	assert_int_equal(channel_send(pair_channel(p, A), &m, p->now), -ENOTCONN);
	assert_int_equal(p->carried, 1); /* the initiation */
}

static void test_send(void **state)
{
	struct pair *p = *state;
	struct message m;

	pair_open(p);
	message_init(&m, MESSAGE_KEEPALIVE, 0);
	assert_int_equal(channel_send(pair_channel(p, A), &m, p->now), 0);
	message_init(&m, MESSAGE_RELEASE, 1);
	assert_int_equal(channel_send(pair_channel(p, A), &m, p->now), -EINVAL);
	message_init(&m, MESSAGE_ERROR, 1); /* without REASON */
	assert_int_equal(channel_send(pair_channel(p, A), &m, p->now), -EINVAL);
	/* An error that nobody waits for. */
	message_set_number(&m, ATTR_REASON, REASON_BUSY);
	assert_int_equal(channel_send(pair_channel(p, A), &m, p->now), 0);
	pair_run(p, 100 * MS);
	assert_int_equal(pair_counters(p, B)->received[MESSAGE_ERROR], 1);
	assert_int_equal(requests_counters(channel_requests(pair_channel(p, B)))->unknown_answers,
			 1);
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
	transmit = pair_channel(p, A)->ops.transmit;
	pair_channel(p, A)->ops.transmit = refuse_transmit;
	pair_ask(p, A, 1);
	pair_tick(p, A);
	assert_int_equal(pair_counters(p, A)->unsent_datagrams, 1);
	assert_int_equal(requests_counters(channel_requests(pair_channel(p, A)))->unsent, 1);
	pair_channel(p, A)->ops.transmit = transmit;
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
	assert_int_equal(requests_counters(channel_requests(pair_channel(p, B)))->running, 2);
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
	assert_int_equal(pair_counters(p, A)->sent[MESSAGE_RELEASE], REQUEST_MAX_TRIES);
	assert_true(channel_up(pair_channel(p, A)));
}

static void seal_and_send(struct pair *p, int from, const uint8_t *octets, size_t length)
{
	assert_int_equal(channel_seal(pair_channel(p, from), octets, length), 0);
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

	pair_open_by_a(p);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = pair_drops(p, B, cases[i].drop);
		uint64_t errors = pair_counters(p, B)->sent[MESSAGE_ERROR];
		unsigned int authentic = p->side[B].authentic;

		seal_and_send(p, A, cases[i].octets, cases[i].length);
		assert_int_equal(pair_drops(p, B, cases[i].drop), before + 1);
		assert_int_equal(pair_counters(p, B)->sent[MESSAGE_ERROR],
				 errors + cases[i].refused);
		assert_int_equal(p->side[B].authentic, authentic + 1);
	}
	pair_assert_works(p, 1);
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

	pair_open_by_a(p);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_open),	 TEST(test_new_refused), TEST(test_lookup),
		TEST(test_simultaneous), TEST(test_wrong_keys),	 TEST(test_down),
		TEST(test_send),	 TEST(test_unsent),	 TEST(test_running),
		TEST(test_unanswered),	 TEST(test_malformed),	 TEST(test_reentry),
		TEST(test_reentry_down),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
