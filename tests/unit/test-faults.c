/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two cores and a bad path: whatever happens to datagrams and cores, requests are executed once.
 *
 * A fixed conversation of some seconds, with requests both ways, alone and in bundles, and rekeys,
 * is played once without a fault to learn how many datagrams it takes; then again and again with a
 * fault at each of them: lost, repeated, late, or one of the cores restarted right after it has
 * arrived. Then hours of virtual time with random faults. Every run can be run again: it depends on
 * its seed only.
 */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define END (11 * SEC)

/* Which core is restarted, and after how many datagrams have been delivered; 0: none. */
struct restart {
	bool who[2];
	unsigned int after;
	usec_t at; /* when it happened, -1 before */
};

/* Who asked what, and when. */
static struct {
	int side;
	usec_t at;
	uint64_t epoch;
} asked[PAIR_TOKENS];
static uint64_t tokens;

static struct pair *pair_fresh(uint64_t seed)
{
	struct pair *p = pair_new(seed);

	/* A rekey each four seconds, so that a short run sees several. */
	p->timers = (struct channel_timers){
		.keepalive = 1 * SEC,
		.echo = 1 * SEC,
		.dead_peer = 5 * SEC,
		.handshake_retry = 1 * SEC,
		.rekey_after = 4 * SEC,
		.rekey_grace = 2 * SEC,
		.reject_after = 9 * SEC,
	};
	tokens = 0;
	return p;
}

/* One request, and in every other second three, which leave in a bundle. */
static void ask(struct pair *p, int side)
{
	unsigned int count = p->now / SEC % 2 ? 1 : 3;

	channel_gather(p->side[side].channel);
	while (count-- > 0) {
		asked[++tokens].side = side;
		asked[tokens].at = p->now;
		asked[tokens].epoch = p->side[side].epoch;
		pair_ask(p, side, tokens);
	}
	channel_flush(p->side[side].channel, p->now);
}

static void run_until(struct pair *p, usec_t end, struct restart *r)
{
	while (p->now < end) {
		p->stop_after = r->after;
		pair_run(p, end - p->now);
		if (r->after == 0 || p->delivered < r->after)
			continue;
		for (int i = 0; i < 2; i++) {
			if (r->who[i])
				pair_start(p, i);
		}
		r->after = 0;
		r->at = p->now;
	}
}

/* The conversation: from the second second on both ask, each second, when they can. */
static void play(struct pair *p, struct restart *r)
{
	r->at = -1;
	pair_start(p, A);
	pair_start(p, B);
	for (usec_t now = 2 * SEC; now < END; now += SEC) {
		run_until(p, now, r);
		for (int i = 0; i < 2; i++) {
			if (channel_up(p->side[i].channel))
				ask(p, i);
		}
	}
	run_until(p, END + 6 * SEC, r); /* the time of four sendings */
}

static void assert_open(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		assert_true(channel_up(p->side[i].channel));
		assert_int_equal(p->side[i].seen_epoch, p->side[!i].epoch);
		/* But for an echo that may be on its way. */
		assert_in_range(requests_outstanding(channel_requests(p->side[i].channel)), 0, 1);
	}
}

static void assert_all_well(struct pair *p)
{
	assert_open(p);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(p->side[i].downs, 0);
		assert_int_equal(p->side[i].ups, 1);
	}
	for (uint64_t t = 1; t <= tokens; t++) {
		assert_int_equal(p->tokens[t].executed, 1);
		assert_int_equal(p->tokens[t].ended, 1);
		assert_int_equal(p->tokens[t].reason, REASON_ACCEPTED);
	}
}

/* How many datagrams the conversation takes when nothing goes wrong. */
static unsigned int length_of_play(enum manner manner)
{
	struct pair *p = pair_fresh(1);
	struct restart none = {0};
	unsigned int carried;

	p->side[A].manner = p->side[B].manner = manner;
	play(p, &none);
	assert_all_well(p);
	assert_int_equal(tokens, 2 * (5 * 3 + 4));
	for (int i = 0; i < 2; i++)
		assert_true(channel_counters(p->side[i].channel)->rekeys >= 2);
	carried = p->carried;
	pair_free(p);
	return carried;
}

/* Each datagram of the conversation in turn: one fault each. */
static void each_in_turn(unsigned int *(*fault)(struct pair *))
{
	for (enum manner manner = ANSWER_AT_ONCE; manner <= ANSWER_LATER; manner++) {
		unsigned int length = length_of_play(manner);

		assert_in_range(length, 50, 200);
		for (unsigned int n = 1; n <= length; n++) {
			struct pair *p = pair_fresh(1);
			struct restart none = {0};

			p->side[A].manner = p->side[B].manner = manner;
			*fault(p) = n;
			play(p, &none);
			assert_true(p->carried >= n);
			assert_all_well(p);
			pair_free(p);
		}
	}
}

static unsigned int *lose(struct pair *p)
{
	return &p->lose_nth;
}

static unsigned int *repeat(struct pair *p)
{
	return &p->repeat_nth;
}

static unsigned int *delay(struct pair *p)
{
	return &p->delay_nth;
}

static void test_each_lost(void **state)
{
	(void)state;
	each_in_turn(lose);
}

static void test_each_repeated(void **state)
{
	(void)state;
	each_in_turn(repeat);
}

static void test_each_late(void **state)
{
	(void)state;
	each_in_turn(delay);
}

/* What must hold of every request, whoever was restarted when. */
static void assert_restarted_well(struct pair *p, const struct restart *r)
{
	assert_open(p);
	for (uint64_t t = 1; t <= tokens; t++) {
		const struct token *k = &p->tokens[t];
		int side = asked[t].side;
		bool died = asked[t].epoch != p->side[side].epoch;

		assert_in_range(k->executed, 0, 1);
		/* The dead ask no more; the living learn how it ended. */
		assert_int_equal(k->ended, died && k->ended == 0 ? 0 : 1);
		if (k->ended && k->reason == REASON_ACCEPTED)
			assert_int_equal(k->executed, 1);
		if (asked[t].at > r->at + 2 * SEC)
			assert_int_equal(k->reason, REASON_ACCEPTED);
		if (asked[t].at < r->at - 2 * SEC)
			assert_int_equal(k->reason, REASON_ACCEPTED);
	}
	/* They went on asking soon: both were up again within two seconds. */
	assert_true(asked[tokens].at >= END - 2 * SEC);
	for (uint64_t t = 2, gap = 0; t <= tokens; t++) {
		gap = (uint64_t)(asked[t].at - asked[t - 1].at);
		assert_in_range(gap, 0, 2 * SEC);
	}
	for (int i = 0; i < 2; i++) {
		if (!r->who[i])
			assert_in_range(p->side[i].restarts, 0, 1);
	}
}

static void each_restart(bool a, bool b)
{
	for (enum manner manner = ANSWER_AT_ONCE; manner <= ANSWER_LATER; manner++) {
		unsigned int length = length_of_play(manner);
		unsigned int noticed = 0;

		for (unsigned int n = 1; n <= length; n++) {
			struct pair *p = pair_fresh(1);
			struct restart r = {.who = {a, b}, .after = n};

			p->side[A].manner = p->side[B].manner = manner;
			play(p, &r);
			assert_true(r.at >= 0);
			assert_restarted_well(p, &r);
			noticed += p->side[A].restarts + p->side[B].restarts;
			pair_free(p);
		}
		/* All but those before the first hello. Two that restart together know nothing. */
		if (a && b)
			assert_int_equal(noticed, 0);
		else
			assert_in_range(noticed, length - 6, length);
	}
}

static void test_each_restart_a(void **state)
{
	(void)state;
	each_restart(true, false);
}

static void test_each_restart_b(void **state)
{
	(void)state;
	each_restart(false, true);
}

static void test_each_restart_both(void **state)
{
	(void)state;
	each_restart(true, true);
}

/* Both sides ask now and then, for so long. */
static void chat(struct pair *p, usec_t duration, usec_t interval)
{
	usec_t end = p->now + duration;

	while (p->now < end) {
		pair_run(p, (usec_t)((double)interval * pair_random(p)));
		for (int i = 0; i < 2; i++) {
			if (channel_up(p->side[i].channel))
				ask(p, i);
		}
	}
	pair_run(p, 60 * SEC);
}

/* An hour with some loss, repetition and reordering: nothing is lost, over hundreds of rekeys. */
static void test_long_run(void **state)
{
	struct pair *p = pair_fresh(7);

	(void)state;
	p->loss = 0.02;
	p->repeat = 0.02;
	p->jitter = 60 * MS; /* datagrams overtake each other */
	p->side[B].manner = ANSWER_LATER;
	pair_open(p);
	chat(p, 3600 * SEC, SEC);
	assert_true(tokens > 12000);
	assert_all_well(p);
	for (int i = 0; i < 2; i++) {
		const struct channel_counters *c = channel_counters(p->side[i].channel);

		assert_true(c->rekeys > 800);
		assert_true(c->drops[DROP_REPLAY] > 150);
		assert_int_equal(c->drops[DROP_SEAL] + c->drops[DROP_HANDSHAKE], 0);
		assert_true(requests_counters(channel_requests(p->side[i].channel))->repeated > 50);
	}
	pair_free(p);
}

/* Nearly a third is lost: requests may fail, but each ends once and none is executed twice. */
static void test_heavy_loss(void **state)
{
	uint64_t failed = 0, asked_in_all = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct pair *p = pair_fresh(seed);

		p->loss = 0.3;
		p->repeat = 0.1;
		p->jitter = 200 * MS;
		pair_open(p);
		chat(p, 600 * SEC, SEC);
		p->loss = 0;
		pair_run(p, 30 * SEC);
		assert_open(p);
		for (uint64_t t = 1; t <= tokens; t++) {
			const struct token *k = &p->tokens[t];

			assert_in_range(k->executed, 0, 1);
			assert_int_equal(k->ended, 1);
			if (k->reason == REASON_ACCEPTED)
				assert_int_equal(k->executed, 1);
			else
				assert_true(k->reason == REASON_TIMEOUT ||
					    k->reason == REASON_HOME_UNREACHABLE);
			failed += k->reason != REASON_ACCEPTED;
		}
		asked_in_all += tokens;
		assert_int_equal(p->side[A].restarts + p->side[B].restarts, 0);
		pair_free(p);
	}
	/* Five tries of which each takes two datagrams: (1 - 0.7^2)^5 = 3.5% fail. */
	assert_true(asked_in_all > 8000);
	assert_in_range(failed * 1000 / asked_in_all, 20, 60);
}

/* Restarts at random on a bad path, for an hour: they always find each other again. */
static void test_restarts_on_a_bad_path(void **state)
{
	struct pair *p = pair_fresh(3);

	(void)state;
	p->loss = 0.1;
	p->repeat = 0.1;
	p->jitter = 300 * MS;
	p->side[A].manner = ANSWER_LATER;
	pair_open(p);
	for (int round = 0; round < 200; round++) {
		usec_t end;

		pair_start(p, pair_random(p) < 0.5 ? A : B);
		if (pair_random(p) < 0.2)
			pair_start(p, pair_random(p) < 0.5 ? A : B);
		end = p->now + (usec_t)(pair_random(p) * 20.0 * SEC);
		while (p->now < end) {
			pair_run(p, (usec_t)(pair_random(p) * SEC));
			for (int i = 0; i < 2; i++) {
				if (channel_up(p->side[i].channel))
					ask(p, i);
			}
		}
	}
	p->loss = 0;
	pair_run(p, 60 * SEC);
	assert_open(p);
	assert_true(tokens > 4000);
	for (uint64_t t = 1; t <= tokens; t++) {
		const struct token *k = &p->tokens[t];

		assert_in_range(k->executed, 0, 1);
		if (asked[t].epoch == p->side[asked[t].side].epoch)
			assert_int_equal(k->ended, 1);
		assert_in_range(k->ended, 0, 1);
	}
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_lost),
		cmocka_unit_test(test_each_repeated),
		cmocka_unit_test(test_each_late),
		cmocka_unit_test(test_each_restart_a),
		cmocka_unit_test(test_each_restart_b),
		cmocka_unit_test(test_each_restart_both),
		cmocka_unit_test(test_long_run),
		cmocka_unit_test(test_heavy_loss),
		cmocka_unit_test(test_restarts_on_a_bad_path),
	};

	return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
