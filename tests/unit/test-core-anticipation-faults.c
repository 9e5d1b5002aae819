/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preparations that meet refusing kernels, lost messages, restarts and other configurations. */
#include "core-agent/anticipation.h"
#include "core-agent/peer.h"
#include "core-agent/preparation.h"
#include "core-agent/session.h"
#include "kernel_fake.h"
#include "otto.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ANNOUNCED MESSAGE_HANDOVER_ANNOUNCEMENT
#define LEAVES	  MESSAGE_CORE_DISCONNECT
#define LEAVES_OK MESSAGE_DISCONNECTION_ACK
#define PREPARE	  MESSAGE_PROACTIVE_AUTHENTICATION

static enum reason told(struct world *w, enum message_type type)
{
	const struct message *m = otto_told(w, message_answer(type));

	assert_non_null(m);
	return m->reason;
}

static char *state(void)
{
	char *copy = strdup(kernel_fake_dump());

	assert_non_null(copy);
	return copy;
}

/* Whichever change the kernel refuses when he leaves: he is where he was, and C knows. */
static void test_switch_refused(void **cmocka)
{
	unsigned int n;

	(void)cmocka;
	for (n = 1;; n++) {
		struct world *w = otto_world(NULL);
		char *before;
		bool failed;

		otto_visit(w, FAR_A);
		otto_say(w, ANNOUNCED, 1, "c.example");
		before = state();
		kernel_fake_fail_at(n, -ENOSPC);
		otto_say(w, LEAVES, 1, "c.example");
		failed = kernel_fake_failed();
		kernel_fake_fail_at(0, 0);
		if (failed && told(w, LEAVES) == REASON_NOT_PREPARED) {
			assert_string_equal(before, kernel_fake_dump());
			assert_int_equal(w->far[FAR_C].last[MESSAGE_RELEASE].reason,
					 REASON_KERNEL_REFUSED);
			otto_clean(w);
		} else {
			assert_int_equal(told(w, LEAVES), REASON_ACCEPTED);
			assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
		}
		free(before);
		world_free(w);
		if (!failed)
			break;
	}
	assert_true(n > 1);
}

/* The same when he arrives where nothing led to yet: the target may ask again. */
static void test_arrival_refused(void **cmocka)
{
	unsigned int n;

	(void)cmocka;
	for (n = 1;; n++) {
		struct world *w = otto_world(NULL);
		char *before;
		bool failed;

		terminal_register(w, &w->otto, "s1");
		otto_say(w, ANNOUNCED, 1, "c.example");
		before = state();
		kernel_fake_fail_at(n, -ENOSPC);
		otto_arrive(w, FAR_C, 1);
		failed = kernel_fake_failed();
		kernel_fake_fail_at(0, 0);
		if (w->far[FAR_C].last_reason != REASON_ACCEPTED) {
			assert_true(failed);
			assert_int_equal(w->far[FAR_C].last_reason, REASON_KERNEL_REFUSED);
			assert_string_equal(before, kernel_fake_dump());
			assert_int_equal(otto_binding(w)->state, BINDING_HOME);
			assert_non_null(session_find(&w->core, "otto@b.example"));
			otto_arrive(w, FAR_C, 1);
		}
		assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
		assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
		otto_clean(w);
		free(before);
		world_free(w);
		if (!failed)
			break;
	}
	assert_true(n > 1);
}

/* The whole way home, whatever the kernel refuses: in the end he is there, and nothing is left. */
static void test_home_refused(void **cmocka)
{
	unsigned int n;

	(void)cmocka;
	for (n = 1;; n++) {
		struct world *w = otto_world(NULL);
		bool failed;

		otto_visit(w, FAR_A);
		memcpy(w->otto.root, otto(w)->root.key, KEY_LENGTH);
		snprintf(w->otto.target, sizeof(w->otto.target), "b.example");
		w->otto.number = 1;
		kernel_fake_fail_at(n, -ENOSPC);
		otto_say(w, ANNOUNCED, 1, "b.example");
		otto_say(w, LEAVES, 1, "b.example");
		terminal_register(w, &w->otto, "s1");
		world_run(w, SEC);
		failed = kernel_fake_failed();
		kernel_fake_fail_at(0, 0);
		w->otto.target[0] = '\0';
		if (otto_binding(w)->state != BINDING_HOME)
			terminal_register(w, &w->otto, "s1");
		world_run(w, 90 * SEC);
		assert_int_equal(otto_binding(w)->state, BINDING_HOME);
		assert_int_equal(kernel_fake_count(OTTO_HOME), 1);
		assert_int_equal(kernel_fake_count("sno-buf"),
				 1 + 2); /* the device and its rules */
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
		otto_clean(w);
		world_free(w);
		if (!failed)
			break;
	}
	assert_true(n > 1);
}

/* Each datagram between the cores lost in turn: it takes longer, and no more. */
static void test_lost_messages(void **cmocka)
{
	unsigned int n, carried = 1;

	(void)cmocka;
	for (n = 1; n <= carried; n++) {
		struct world *w = otto_world(NULL);

		otto_visit(w, FAR_A);
		w->carried = 0;
		w->lose_nth = n;
		otto_say(w, ANNOUNCED, 1, "c.example");
		world_run(w, SEC);
		otto_say(w, LEAVES, 1, "c.example");
		world_run(w, SEC);
		otto_arrive(w, FAR_C, 1);
		world_run(w, SEC);
		assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
		assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
		assert_int_equal(w->far[FAR_C].asked[PREPARE], 1);
		otto_clean(w);
		carried = w->carried;
		world_free(w);
	}
	assert_true(n > 8);
}

/* The target has prepared and its answer never comes: it is told that it is over, until it says so.
 */
static void test_target_silent(void **cmocka)
{
	struct world *w = otto_world(NULL);

	(void)cmocka;
	otto_visit(w, FAR_A);
	w->far[FAR_C].mute = true;
	otto_say(w, LEAVES, 1, "c.example");
	world_run(w, 30 * SEC);
	assert_int_equal(told(w, LEAVES), REASON_NOT_PREPARED);
	assert_true(w->far[FAR_C].asked[MESSAGE_RELEASE] >= 1);
	w->far[FAR_C].mute = false;
	world_run(w, 30 * SEC);
	w->far[FAR_C].asked[MESSAGE_RELEASE] = 0;
	world_run(w, 30 * SEC);
	assert_int_equal(w->far[FAR_C].asked[MESSAGE_RELEASE], 0);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	otto_clean(w);
	world_free(w);
}

/* How often C was asked to prepare, as far as the core knows. */
static uint64_t asked(const struct world *w)
{
	return channel_counters(peer_find(&w->core, "c.example")->channel)->sent[PREPARE];
}

/* Over before it has answered: it is asked no more, and told. */
static void test_asked_no_more(void **cmocka)
{
	struct world *w = otto_world(NULL);
	uint64_t sent;

	(void)cmocka;
	otto_visit(w, FAR_A);
	w->far[FAR_C].cut = true;
	otto_say(w, ANNOUNCED, 1, "c.example");
	otto_authenticate(w, FAR_A, NULL);
	otto_tunnel(w, FAR_A, w->far[FAR_A].last_answer.binding, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(told(w, ANNOUNCED), REASON_NOT_PREPARED);
	sent = asked(w);
	assert_true(sent > 0);
	world_run(w, 5 * SEC);
	assert_int_equal(asked(w), sent);
	otto_clean(w);
	world_free(w);
}

/* It comes, and from it he arrives before its answer does. */
static void test_arrival_before_the_answer(void **cmocka)
{
	struct world *w = otto_world(NULL);

	(void)cmocka;
	otto_visit(w, FAR_A);
	w->far[FAR_C].hold_type = PREPARE;
	otto_say(w, LEAVES, 1, "c.example");
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	assert_int_equal(otto_binding(w)->state, BINDING_VISITING);
	assert_int_equal(w->far[FAR_A].last_answer.type, LEAVES_OK);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	far_answer(w, FAR_C, 0);
	world_run(w, SEC);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	assert_int_equal(w->far[FAR_C].asked[MESSAGE_RELEASE], 0);
	otto_clean(w);
	world_free(w);
}

/* What it offers is not its to offer. */
static void test_offer_not_permitted(void **cmocka)
{
	struct world *w = otto_world(NULL);

	(void)cmocka;
	otto_visit(w, FAR_A);
	assert_int_equal(addr_parse(&w->far[FAR_C].coa, "198.51.100.6"), 0);
	otto_say(w, LEAVES, 1, "c.example");
	assert_int_equal(told(w, LEAVES), REASON_NOT_PREPARED);
	assert_int_equal(w->far[FAR_C].last[MESSAGE_RELEASE].reason, REASON_NOT_PERMITTED);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	otto_clean(w);
	world_free(w);
}

/*
 * He comes elsewhere than where packets wait for him. They would reach that core before it has
 * carried out its answer: all of them wait here until it has answered once more, or is not heard.
 */
static void test_elsewhere(void **cmocka)
{
	(void)cmocka;
	for (int mute = 0; mute < 2; mute++) {
		struct world *w = otto_world(NULL);

		terminal_register(w, &w->otto, "s1");
		otto_say(w, LEAVES, 1, "a.example");
		assert_int_equal(kernel_fake_count(OTTO_NEXT_A), 1);
		w->far[FAR_C].delay = 70 * MS;
		otto_authenticate(w, FAR_C, "203.0.113.5");
		/* 30 ms ago. */
		assert_ptr_equal(otto_binding(w)->peer, peer_find(&w->core, "c.example"));
		assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].reason, REASON_TERMINAL_MOVED);
		w->far[FAR_C].cut = mute;
		world_run(w, mute ? 469 * MS : 109 * MS);
		assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
		assert_int_equal(kernel_fake_count(OTTO_C), 0);
		world_run(w, 5 * MS);
		assert_int_equal(kernel_fake_count(OTTO_HELD), 0);
		assert_int_equal(kernel_fake_count(OTTO_C), 1);
		otto_clean(w);
		world_free(w);
	}
}

/* The target dies between preparation and arrival. */
static void test_target_restarts(void **cmocka)
{
	struct world *w = otto_world(NULL);

	(void)cmocka;
	otto_visit(w, FAR_A);
	otto_say(w, LEAVES, 1, "c.example");
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	far_restart(w, FAR_C);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	otto_clean(w);
	/* It can be prepared again, for another move. */
	otto_say(w, LEAVES, 2, "c.example");
	assert_int_equal(told(w, LEAVES), REASON_ACCEPTED);
	world_free(w);
}

/* Who has asked has forgotten it, and gives the number to another request. */
static void test_serving_restarts(void **cmocka)
{
	struct world *w = otto_world(NULL);
	struct far *a = &w->far[FAR_A];
	struct message m;

	(void)cmocka;
	otto_visit(w, FAR_A);
	w->far[FAR_C].hold_type = PREPARE;
	/* Its third request. */
	otto_say(w, ANNOUNCED, 1, "c.example");
	far_restart(w, FAR_A);
	for (int i = 0; i < 2; i++)
		otto_tunnel(w, FAR_A, 1, "198.51.100.5", TUNNEL_GRE4);
	a->answers = 0;
	/* And the third of its new life, which ends what was prepared for that. */
	otto_move(&m, ANNOUNCED, 2, "c.example");
	otto_says(w, &m);
	world_run(w, 50 * MS);
	assert_int_equal(a->answers, 0);
	far_answer(w, FAR_C, 1);
	world_run(w, 50 * MS);
	assert_int_equal(a->answers, 1);
	assert_int_equal(a->last_reason, REASON_ACCEPTED);
	world_free(w);
}

/* The core itself restarts: it knows nothing, and says so. */
static void test_home_restarts(void **cmocka)
{
	struct world *w = otto_world(NULL);
	struct message arrival;

	(void)cmocka;
	otto_visit(w, FAR_A);
	otto_say(w, LEAVES, 1, "c.example");
	otto_arrival(w, FAR_C, 1, &arrival);
	world_restart(w, NULL);
	world_run(w, 2 * SEC);
	far_ask(w, FAR_C, &arrival);
	world_run(w, SEC);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_STALE_BINDING);
	otto_clean(w);
	world_free(w);
}

/* He deregisters, and nobody expects him any more. */
static void test_deregistered(void **cmocka)
{
	struct world *w = otto_world(NULL);
	struct message m;

	(void)cmocka;
	otto_visit(w, FAR_A);
	otto_say(w, ANNOUNCED, 1, "c.example");
	otto_say(w, ANNOUNCED, 2, "b.example");
	message_init(&m, LEAVES, 0);
	message_set_number(&m, ATTR_LIFETIME, 0);
	otto_says(w, &m);
	world_run(w, 50 * MS);
	assert_int_equal(otto_binding(w)->state, BINDING_NONE);
	assert_int_equal(w->far[FAR_C].asked[MESSAGE_RELEASE], 1);
	otto_clean(w);
	world_free(w);
}

/* The serving core gives his binding up while he is on his way. */
static void test_binding_released(void **cmocka)
{
	struct world *w = otto_world(NULL);
	uint64_t number = otto_visit(w, FAR_A);
	struct message m;

	(void)cmocka;
	otto_say(w, LEAVES, 1, "c.example");
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_TERMINAL_LEFT);
	message_set_number(&m, ATTR_BINDING, number);
	far_ask(w, FAR_A, &m);
	world_run(w, 50 * MS);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
	assert_int_equal(w->far[FAR_C].asked[MESSAGE_RELEASE], 1);
	otto_clean(w);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_STALE_BINDING);
	world_free(w);
}

#define SOFT_OTTO "{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; home4 = \"10.2.0.9\"; "

/* Another configuration: what it allows no more ends, and the binding goes on. */
static void test_reload(void **cmocka)
{
	static const struct world_text narrower[] = {
		{.pools = WORLD_POOLS " handover = { mode = \"combined\"; };"},
		{.subscribers = SOFT_OTTO "mode = \"baseline\"; }"},
		{.peers = WORLD_PEER_A
		 ", { name = \"c.example\"; endpoint = \"192.0.2.3\"; public_key = \"$C\"; "
		 "home_prefixes"
		 " = [ \"10.3.0.0/24\" ]; care_of_prefixes = [ \"203.0.113.0/25\" ]; mode = "
		 "\"proactive\"; }"},
		{.peers = WORLD_PEER_A},
	};

	(void)cmocka;
	for (size_t i = 0; i < sizeof(narrower) / sizeof(narrower[0]); i++) {
		struct world *w = otto_world(NULL);

		otto_visit(w, FAR_A);
		otto_say(w, ANNOUNCED, 1, "c.example");
		otto_say(w, LEAVES, 1, "c.example");
		assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
		assert_int_equal(world_reload(w, &narrower[i]), 0);
		world_run(w, 50 * MS);
		assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
		assert_int_equal(kernel_fake_count(OTTO_A), 1);
		assert_int_equal(otto_binding(w)->state, BINDING_VISITING);
		otto_clean(w);
		world_free(w);
	}
}

/* Nothing that matters to him has changed. */
static void test_reload_beside(void **cmocka)
{
	static const struct world_text beside = {
		.pools = WORLD_POOLS " handover = { mode = \"predictive\"; lead = 1.0; };"};
	struct world *w = otto_world(NULL);

	(void)cmocka;
	otto_visit(w, FAR_A);
	otto_say(w, ANNOUNCED, 1, "c.example");
	assert_int_equal(world_reload(w, &beside), 0);
	otto_say(w, LEAVES, 1, "c.example");
	assert_int_equal(told(w, LEAVES), REASON_ACCEPTED);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	otto_clean(w);
	world_free(w);
}

/* The core where he is, or he himself, is not in the new configuration. */
static void test_reload_without(void **cmocka)
{
	static const struct world_text without[] = {
		{.peers = WORLD_PEER_C},
		{.subscribers = "{ nai = \"olga@b.example\"; public_key = \"$OTTO\"; }"},
	};

	(void)cmocka;
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		struct world *w = otto_world(NULL);

		otto_visit(w, FAR_A);
		otto_say(w, LEAVES, 1, "c.example");
		assert_int_equal(world_reload_cut(w, &without[i]), 0);
		world_run(w, 50 * MS);
		assert_int_equal(w->far[FAR_C].asked[MESSAGE_RELEASE], 1);
		assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
		assert_null(w->core.anticipations);
		world_free(w);
	}
}

/* The core closes in the middle of everything. */
static void test_close(void **cmocka)
{
	struct world *w = otto_world(NULL);

	(void)cmocka;
	otto_visit(w, FAR_A);
	w->far[FAR_C].hold_type = PREPARE;
	otto_say(w, ANNOUNCED, 1, "c.example");
	otto_say(w, LEAVES, 2, "b.example");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_switch_refused),
		cmocka_unit_test(test_arrival_refused),
		cmocka_unit_test(test_home_refused),
		cmocka_unit_test(test_lost_messages),
		cmocka_unit_test(test_target_silent),
		cmocka_unit_test(test_asked_no_more),
		cmocka_unit_test(test_arrival_before_the_answer),
		cmocka_unit_test(test_offer_not_permitted),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_target_restarts),
		cmocka_unit_test(test_serving_restarts),
		cmocka_unit_test(test_home_restarts),
		cmocka_unit_test(test_deregistered),
		cmocka_unit_test(test_binding_released),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_reload_beside),
		cmocka_unit_test(test_reload_without),
		cmocka_unit_test(test_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
