/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages that travel together between two cores (PROTOCOL section 4.5): what leaves when, what
 * becomes of each part of a bundle, and that nothing of it outlives its moment.
 *
 * What a bad path does to bundles is in test-faults.c, whose requests leave in bundles every other
 * time.
 */
#include "pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RELEASE_OCTETS	    (SNO_HEAD_LENGTH + 5 + 11) /* with REASON and BINDING */
#define SEALED_OCTETS(text) (SEALED_HEAD + (text) + SEAL_TAG)
/* As many of them as a sealed datagram has room for. */
#define IN_ONE ((REQUEST_OCTETS_MAX - SNO_HEAD_LENGTH) / (2 + RELEASE_OCTETS))

static void ask_together(struct pair *p, int side, uint64_t from, uint64_t to)
{
	channel_gather(pair_channel(p, side));
	for (uint64_t token = from; token <= to; token++)
		pair_ask(p, side, token);
	channel_flush(pair_channel(p, side), p->now);
}

static void assert_answered(const struct pair *p, uint64_t from, uint64_t to)
{
	for (uint64_t token = from; token <= to; token++) {
		assert_int_equal(p->tokens[token].executed, 1);
		assert_int_equal(p->tokens[token].ended, 1);
		assert_int_equal(p->tokens[token].reason, REASON_ACCEPTED);
	}
}

/* --- out ------------------------------------------------------------------------------------ */

/* A message alone: at once, and in the same octets with a gathering around it as without. */
static void test_alone(void **state)
{
	struct pair *p = *state;
	unsigned int before;

	pair_open_by_a(p);
	before = p->carried;
	pair_ask(p, A, 1);
	assert_int_equal(p->carried, before + 1);
	ask_together(p, A, 2, 2);
	assert_int_equal(p->carried, before + 2);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(p->log[before + i].length, SEALED_OCTETS(RELEASE_OCTETS));
	pair_run(p, 1 * SEC);
	assert_answered(p, 1, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pair_counters(p, i)->sent[MESSAGE_BUNDLE], 0);
		assert_int_equal(pair_counters(p, i)->received[MESSAGE_BUNDLE], 0);
	}
}

static uint64_t last_executed;

static void in_order(struct side *s, const struct message *request)
{
	(void)s;
	assert_int_equal(request->binding, last_executed + 1);
	last_executed = request->binding;
}

/* Many leave in as few datagrams as they fit into, in their order, and their answers likewise. */
static void test_together(void **state)
{
	struct pair *p = *state;
	const struct channel_counters *a, *b;
	const uint64_t count = 3 * IN_ONE + 2;
	unsigned int before;

	pair_open_by_a(p);
	a = pair_counters(p, A);
	b = pair_counters(p, B);
	p->side[B].on_request = in_order;
	last_executed = 0;
	before = p->carried;
	ask_together(p, A, 1, count);
	assert_int_equal(p->carried, before + 4);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(p->log[before + i].length,
				 SEALED_OCTETS(SNO_HEAD_LENGTH + IN_ONE * (2 + RELEASE_OCTETS)));
	pair_run(p, p->delay + MS);
	assert_int_equal(last_executed, count);
	/* Each of A's four datagrams has been answered by one. */
	assert_int_equal(p->carried, before + 8);
	pair_run(p, 1 * SEC);
	assert_int_equal(p->carried, before + 8);
	assert_answered(p, 1, count);
	assert_int_equal(a->sent[MESSAGE_BUNDLE], 4);
	assert_int_equal(a->sent[MESSAGE_RELEASE], count);
	assert_int_equal(b->received[MESSAGE_BUNDLE], 4);
	assert_int_equal(b->received[MESSAGE_RELEASE], count);
	assert_int_equal(b->sent[MESSAGE_RELEASE_ACK], count);
	assert_int_equal(a->received[MESSAGE_RELEASE_ACK], count);
}

/* What is answered later leaves alone; what is answered within a gathering, together. */
static void test_answered_later(void **state)
{
	struct pair *p = *state;
	unsigned int before;

	pair_open_by_a(p);
	p->side[B].manner = ANSWER_LATER;
	before = p->carried;
	ask_together(p, A, 1, 3);
	pair_run(p, 90 * MS); /* before the first time-out */
	assert_int_equal(p->carried, before + 4);
	assert_answered(p, 1, 3);
	assert_int_equal(pair_counters(p, B)->sent[MESSAGE_BUNDLE], 0);
}

static void test_nested(void **state)
{
	struct pair *p = *state;
	struct channel *c;
	unsigned int before;

	pair_open_by_a(p);
	c = pair_channel(p, A);
	before = p->carried;
	channel_flush(c, p->now); /* of nothing */
	channel_gather(c);
	pair_ask(p, A, 1);
	channel_gather(c);
	pair_ask(p, A, 2);
	channel_flush(c, p->now);
	pair_ask(p, A, 3);
	assert_int_equal(p->carried, before);
	channel_flush(c, p->now);
	assert_int_equal(p->carried, before + 1);
	channel_flush(c, p->now);
	pair_ask(p, A, 4); /* at once again */
	assert_int_equal(p->carried, before + 2);
	pair_run(p, 1 * SEC);
	assert_answered(p, 1, 4);
}

/* A keepalive with an attribute that a reader skips, of so many octets in all. */
static void put_keepalive(struct channel *c, size_t length)
{
	uint8_t octets[REQUEST_OCTETS_MAX + 1] = {0};

	message_write_head(octets, MESSAGE_KEEPALIVE, 0);
	octets[8] = 0x80;
	octets[9] = (uint8_t)((length - 11) >> 8);
	octets[10] = (uint8_t)(length - 11);
	assert_int_equal(channel_put(c, octets, length), length > REQUEST_OCTETS_MAX ? -EINVAL : 0);
}

/* What fills a datagram has no room for company and does not overtake. */
static void test_long(void **state)
{
	static const struct {
		size_t length;
		unsigned int datagrams; /* for a short one, this one, and a short one */
	} cases[] = {
		{REQUEST_OCTETS_MAX - SNO_HEAD_LENGTH - 2 - 2 * (2 + RELEASE_OCTETS), 1},
		{REQUEST_OCTETS_MAX - SNO_HEAD_LENGTH - 2 - 2 * (2 + RELEASE_OCTETS) + 1, 2},
		{REQUEST_OCTETS_MAX - SNO_HEAD_LENGTH - 2, 3},
		{REQUEST_OCTETS_MAX - SNO_HEAD_LENGTH - 1, 3},
		{REQUEST_OCTETS_MAX, 3},
		{REQUEST_OCTETS_MAX + 1, 1},
	};
	struct pair *p = *state;
	struct channel *c;

	pair_open_by_a(p);
	c = pair_channel(p, A);
	p->side[B].on_request = in_order;
	last_executed = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned int before = p->carried;
		uint64_t keepalives = pair_counters(p, B)->received[MESSAGE_KEEPALIVE];

		channel_gather(c);
		pair_ask(p, A, 2 * i + 1);
		put_keepalive(c, cases[i].length);
		pair_ask(p, A, 2 * i + 2);
		channel_flush(c, p->now);
		assert_int_equal(p->carried, before + cases[i].datagrams);
		pair_run(p, 1 * SEC);
		assert_answered(p, 2 * i + 1, 2 * i + 2);
		assert_int_equal(pair_counters(p, B)->received[MESSAGE_KEEPALIVE],
				 keepalives + (cases[i].length <= REQUEST_OCTETS_MAX));
	}
}

/* What nobody answered is asked again together. */
static void test_retransmitted(void **state)
{
	struct pair *p = *state;
	unsigned int before;

	pair_open_by_a(p);
	p->cut[A] = true;
	ask_together(p, A, 1, 20);
	p->cut[A] = false;
	before = p->carried;
	pair_run(p, 2 * SEC);
	assert_answered(p, 1, 20);
	assert_int_equal(p->carried, before + 2);
	assert_int_equal(requests_counters(channel_requests(pair_channel(p, A)))->retransmitted,
			 20);
}

static int refuse_transmit(void *context, const uint8_t *octets, size_t length)
{
	(void)context;
	(void)octets;
	(void)length;
	return -ENETUNREACH;
}

/* A transmit that refuses is as a path that loses. */
static void test_unsent(void **state)
{
	struct pair *p = *state;
	int (*transmit)(void *, const uint8_t *, size_t);
	struct channel *c;

	pair_open_by_a(p);
	c = pair_channel(p, A);
	transmit = c->ops.transmit;
	c->ops.transmit = refuse_transmit;
	ask_together(p, A, 1, 5);
	c->ops.transmit = transmit;
	assert_int_equal(c->counters.unsent_datagrams, 1);
	assert_int_equal(c->counters.sent[MESSAGE_BUNDLE], 0);
	assert_int_equal(c->counters.sent[MESSAGE_RELEASE], 0);
	pair_run(p, 2 * SEC);
	assert_answered(p, 1, 5);
}

/* The peer goes down, or restarts, while something is gathered: nothing of it is sent any more. */
static void test_down(void **state)
{
	struct pair *p = *state;
	struct channel *c;
	unsigned int before;

	pair_open_by_a(p);
	c = pair_channel(p, A);
	channel_gather(c);
	pair_ask(p, A, 1);
	pair_ask(p, A, 2);
	p->cut[B] = true;
	pair_run(p, 16 * SEC);
	assert_false(channel_up(c));
	assert_int_equal(p->tokens[1].reason, REASON_HOME_UNREACHABLE);
	before = p->carried;
	channel_flush(c, p->now);
	assert_int_equal(p->carried, before);
	assert_int_equal(p->tokens[1].executed + p->tokens[2].executed, 0);
	p->cut[B] = false;
	pair_run(p, 5 * SEC);
	pair_assert_works(p, 3);
}

static void test_restart(void **state)
{
	struct pair *p = *state;
	struct channel *c;

	pair_open_by_a(p);
	c = pair_channel(p, A);
	p->side[A].manner = ANSWER_NEVER;
	pair_ask(p, B, 1);
	pair_run(p, 50 * MS);
	channel_gather(c);
	p->side[A].manner = ANSWER_LATER;
	p->work = 0;
	pair_ask(p, B, 2);
	pair_run(p, 50 * MS);
	assert_int_equal(p->tokens[2].executed, 1);
	assert_int_equal(c->bundle.messages, 1); /* the answer to 2, whose id the next life takes */
	pair_start(p, B);
	p->side[A].manner = ANSWER_NEVER;
	pair_run(p, 200 * MS);
	assert_true(channel_up(pair_channel(p, B)));
	pair_ask(p, B, 3);
	pair_ask(p, B, 4);
	channel_flush(c, p->now);
	pair_run(p, 100 * MS);
	assert_int_equal(p->tokens[4].ended, 0);
	assert_int_equal(requests_counters(channel_requests(pair_channel(p, B)))->unknown_answers,
			 0);
}

/* --- in ------------------------------------------------------------------------------------- */

#define KEEPALIVE "\x3e\x01\0\0\0\0\0\0"
#define UNKNOWN	  "\x3d\x01\0\0\0\0\0\x09"
#define BUNDLE	  "\x3f\x01\0\0\0\0\0\0"
/* Release of this token under this request id. */
#define RELEASE(id, token) "\x33\x01\0\0\0\0\0" id "\x0e\0\x02\0\x0d\x14\0\x08\0\0\0\0\0\0\0" token

struct odd {
	const char *octets;
	size_t length;
	enum drop drops[3];
	unsigned int executed, keepalives, errors;
};

#define TEXT(text) (text), sizeof(text) - 1

static const struct odd odd[] = {
	{TEXT(BUNDLE "\0\x08" KEEPALIVE), {0}, 0, 1, 0},
	{TEXT(BUNDLE "\0\x18" RELEASE("\x61", "\x01") "\0\x08" KEEPALIVE), {0}, 1, 1, 0},
	/* Lengths that lie. */
	{TEXT(BUNDLE), {DROP_SHORT}, 0, 0, 0},
	{TEXT(BUNDLE "\0"), {DROP_SHORT}, 0, 0, 0},
	{TEXT(BUNDLE "\0\0"), {DROP_SHORT}, 0, 0, 0},
	{TEXT(BUNDLE "\0\0\0\x08" KEEPALIVE), {DROP_SHORT}, 0, 1, 0},
	{TEXT(BUNDLE "\0\x09" KEEPALIVE), {DROP_SHORT}, 0, 0, 0},
	{TEXT(BUNDLE "\xff\xff" KEEPALIVE), {DROP_SHORT}, 0, 0, 0},
	{TEXT(BUNDLE "\0\x07" KEEPALIVE), {DROP_SHORT, DROP_SHORT}, 0, 0, 0},
	{TEXT(BUNDLE "\0\x08" KEEPALIVE "\0"), {DROP_SHORT}, 0, 1, 0},
	{TEXT(BUNDLE "\0\x08" KEEPALIVE "\0\x18" RELEASE("\x62", "\x02") "\0\x08\x3e"),
	 {DROP_SHORT},
	 1,
	 1,
	 0},
	/* Parts that are dropped, each under its reason. */
	{TEXT(BUNDLE "\0\x08" UNKNOWN "\0\x08" KEEPALIVE), {DROP_TYPE}, 0, 1, 1},
	{TEXT(BUNDLE "\0\x08" UNKNOWN "\0\x08" UNKNOWN), {DROP_TYPE, DROP_TYPE}, 0, 0, 2},
	{TEXT(BUNDLE "\0\x12" BUNDLE "\0\x08" KEEPALIVE "\0\x08" KEEPALIVE), {DROP_TYPE}, 0, 1, 0},
	{TEXT(BUNDLE "\0\x08\x3e\x02\0\0\0\0\0\0\0\x08\x33\x01\0\0\0\0\0\x05\0\x18" RELEASE(
		 "\x63", "\x03")),
	 {DROP_VERSION, DROP_MISSING},
	 1,
	 0,
	 0},
	/* The bundle's own head. */
	{TEXT("\x3f\x02\0\0\0\0\0\0\0\x08" KEEPALIVE), {DROP_VERSION}, 0, 0, 0},
	{TEXT("\x3f\x01\0\x01\0\0\0\0\0\x08" KEEPALIVE), {DROP_VERSION}, 0, 0, 0},
	{TEXT("\x3f\x01\0\0\0\0\0\x01\0\x08" KEEPALIVE), {DROP_VALUE}, 0, 0, 0},
	{TEXT("\x3f\x01\0\0\0\0\0"), {DROP_SHORT}, 0, 0, 0},
	/* The same request twice, and one that was executed before. */
	{TEXT(BUNDLE "\0\x18" RELEASE("\x64", "\x04") "\0\x18" RELEASE("\x64", "\x04")),
	 {0},
	 1,
	 0,
	 0},
	{TEXT(BUNDLE "\0\x18" RELEASE("\x61", "\x01") "\0\x18" RELEASE("\x65", "\x05")),
	 {0},
	 1,
	 0,
	 0},
};

/* Each part is dealt with or dropped by itself, and counted once. */
static void test_odd(void **state)
{
	struct pair *p = *state;
	const struct channel_counters *b;

	pair_open_by_a(p);
	b = pair_counters(p, B);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct channel_counters before = *b;
		uint64_t arrived = requests_counters(channel_requests(pair_channel(p, B)))->arrived;
		unsigned int carried = p->carried, answered;
		unsigned int authentic = p->side[B].authentic;

		assert_int_equal(channel_seal(pair_channel(p, A), (const uint8_t *)odd[i].octets,
					      odd[i].length),
				 0);
		pair_run(p, 100 * MS);
		assert_int_equal(p->side[B].authentic, authentic + 1);
		for (size_t d = 0; d < 3; d++)
			before.drops[odd[i].drops[d]]++;
		before.drops[DROP_NONE] = b->drops[DROP_NONE];
		for (unsigned int drop = 0; drop < DROP_COUNT; drop++)
			if (b->drops[drop] != before.drops[drop])
				fail_msg("case %zu, %s: %ju instead of %ju", i, drop_name(drop),
					 (uintmax_t)b->drops[drop], (uintmax_t)before.drops[drop]);
		assert_int_equal(requests_counters(channel_requests(pair_channel(p, B)))->arrived,
				 arrived + odd[i].executed);
		assert_int_equal(b->received[MESSAGE_KEEPALIVE],
				 before.received[MESSAGE_KEEPALIVE] + odd[i].keepalives);
		assert_int_equal(b->sent[MESSAGE_ERROR],
				 before.sent[MESSAGE_ERROR] + odd[i].errors);
		/* However many answers: one datagram. */
		answered = p->carried - carried - 1;
		assert_int_equal(answered, odd[i].executed + odd[i].errors > 0);
	}
	for (uint64_t token = 1; token <= 5; token++)
		assert_int_equal(p->tokens[token].executed, 1);
	assert_int_equal(pair_channel(p, B)->bundle.depth, 0);
	pair_assert_works(p, 10);
}

/* Before a session is confirmed and after the peer was silent, a bundle is as good as a message. */
static void test_wakes(void **state)
{
	struct pair *p = *state;

	pair_open_by_a(p);
	p->cut[A] = true;
	pair_run(p, 16 * SEC);
	assert_false(channel_up(pair_channel(p, B)));
	assert_true(channel_up(pair_channel(p, A)));
	p->cut[A] = false;
	ask_together(p, A, 1, 2);
	pair_run(p, 50 * MS);
	assert_true(channel_up(pair_channel(p, B)));
	assert_answered(p, 1, 2);
}

/* --- the round trip ------------------------------------------------------------------------- */

/* Handshakes measure it at both ends; what an answer took to be found does not count. */
static void test_round_trip(void **state)
{
	struct pair *p = *state;

	assert_int_equal(p->delay, 10 * MS);
	pair_start(p, A);
	assert_int_equal(channel_rtt(pair_channel(p, A)), 0);
	pair_open_by_a(p);
	for (int i = 0; i < 2; i++)
		assert_int_equal(channel_rtt(pair_channel(p, i)), 20 * MS);
	p->side[B].manner = ANSWER_LATER;
	for (uint64_t token = 1; token <= 5; token++) {
		pair_ask(p, A, token);
		pair_run(p, 80 * MS);
	}
	assert_answered(p, 1, 5);
	assert_true(requests_srtt(channel_requests(pair_channel(p, A))) >= 70 * MS);
	assert_int_equal(channel_rtt(pair_channel(p, A)), 20 * MS);
	/* A longer path shows when the old measurements have gone. */
	p->side[B].manner = ANSWER_AT_ONCE;
	p->delay = 15 * MS;
	for (uint64_t token = 11; token <= 30; token++) {
		pair_ask(p, A, token);
		pair_run(p, 80 * MS);
	}
	assert_int_equal(channel_rtt(pair_channel(p, A)), 30 * MS);
}

/* A confirmation that was lost and came with something later is no measure of the path. */
static void test_late_confirmation(void **state)
{
	struct pair *p = *state;

	pair_start_a_first(p);
	p->lose_nth = p->carried + 3; /* initiation, response, keepalive */
	pair_run(p, 50 * MS);
	p->no_handshake = true;
	pair_run(p, 2 * SEC);
	assert_false(channel_up(pair_channel(p, B)));
	pair_ask(p, A, 1);
	pair_run(p, 50 * MS);
	assert_answered(p, 1, 1);
	assert_int_equal(channel_rtt(pair_channel(p, A)), 20 * MS);
	assert_int_equal(channel_rtt(pair_channel(p, B)), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_alone),
		TEST(test_together),
		TEST(test_answered_later),
		TEST(test_nested),
		TEST(test_long),
		TEST(test_retransmitted),
		TEST(test_unsent),
		TEST(test_down),
		TEST(test_restart),
		TEST(test_odd),
		TEST(test_wakes),
		TEST(test_round_trip),
		TEST(test_late_confirmation),
	};

	return cmocka_run_group_tests_name("channel-bundle", tests, NULL, NULL);
}
