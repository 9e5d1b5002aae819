/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets prepared for a subscriber: from announcement to arrival, or to nothing. */
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

#define ANNOUNCED    MESSAGE_HANDOVER_ANNOUNCEMENT
#define ANNOUNCED_OK MESSAGE_HANDOVER_ANNOUNCEMENT_ACK
#define LEAVES	     MESSAGE_CORE_DISCONNECT
#define LEAVES_OK    MESSAGE_DISCONNECTION_ACK
#define PREPARE	     MESSAGE_PROACTIVE_AUTHENTICATION

static void test_predictive_from_home(void **state)
{
	struct world *w = otto_world(NULL);
	struct far *a = &w->far[FAR_A];
	uint8_t key[KEY_LENGTH];
	const struct message *asked = &a->last[PREPARE];

	(void)state;
	terminal_register(w, &w->otto, "s1");
	assert_memory_equal(otto(w)->root.key, w->otto.root, KEY_LENGTH);
	otto_agree(w, ANNOUNCED, 1, "a.example", MODE_PREDICTIVE);
	assert_int_equal(a->asked[PREPARE], 1);
	assert_string_equal(asked->user, "otto");
	assert_int_equal(handover_key(key, w->otto.root, "a.example", 1), 0);
	assert_memory_equal(asked->handover_key, key, KEY_LENGTH);
	assert_int_equal(asked->expected, 2000);
	assert_int_equal(asked->hold, 1);
	assert_int_equal(asked->lifetime, 300);
	assert_true(addr_equal(&asked->hoa4, &otto(w)->hoa4));
	assert_false(message_has(asked, ATTR_LINK_LAYER));
	/* Nothing leads there before he goes. */
	assert_int_equal(kernel_fake_count(OTTO_HOME), 1);
	world_run(w, 1900 * MS);
	otto_agree(w, LEAVES, 1, "a.example", MODE_PREDICTIVE);
	assert_int_equal(a->asked[PREPARE], 1);
	assert_int_equal(kernel_fake_count(OTTO_HOME), 0);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_A), 1);
	assert_int_equal(otto_binding(w)->state, BINDING_HOME);
	assert_true(otto_binding(w)->left);
	otto_arrive(w, FAR_A, 1);
	assert_int_equal(a->last_reason, REASON_ACCEPTED);
	assert_int_equal(a->last_answer.mtu, 1400);
	assert_int_equal(otto_binding(w)->state, BINDING_VISITING);
	assert_true(otto_binding(w)->number == otto_prepared(w, FAR_A));
	assert_true(otto(w)->counter == w->otto.counter);
	assert_null(session_find(&w->core, "otto@b.example"));
	assert_int_equal(w->core.handovers.made[MODE_PREDICTIVE], 1);
	otto_clean(w);
	world_free(w);
}

/* Moves by short proofs go on under one root, but not for longer than it lives. */
static void test_root_ends(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	terminal_register(w, &w->otto, "s1");
	otto_agree(w, ANNOUNCED, 1, "a.example", MODE_PREDICTIVE);
	otto_agree(w, LEAVES, 1, "a.example", MODE_PREDICTIVE);
	otto_arrive(w, FAR_A, 1);
	world_run(w, 250 * SEC);
	otto_agree(w, ANNOUNCED, 2, "c.example", MODE_PREDICTIVE);
	otto_agree(w, LEAVES, 2, "c.example", MODE_PREDICTIVE);
	otto_arrive(w, FAR_C, 2);
	world_run(w, 50 * SEC);
	assert_int_equal(otto_binding(w)->state, BINDING_VISITING);
	otto_unprepared(w, ANNOUNCED, 3, "a.example");
	/* A full registration makes another one. */
	otto_visit(w, FAR_C);
	otto_agree(w, ANNOUNCED, 1, "a.example", MODE_PREDICTIVE);
	world_free(w);
}

/* On disconnect alone; the answer waits for the target and for the kernel. */
static void test_proactive(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	terminal_register(w, &w->otto, "s1");
	w->far[FAR_A].hold_type = PREPARE;
	otto_say(w, LEAVES, 1, "a.example");
	assert_null(otto_told(w, LEAVES_OK));
	assert_int_equal(kernel_fake_count(OTTO_HOME), 1);
	far_answer(w, FAR_A, 0);
	world_run(w, 1 * MS);
	assert_non_null(otto_told(w, LEAVES_OK));
	assert_int_equal(w->otto.last[LEAVES_OK].reason, REASON_ACCEPTED);
	assert_int_equal(w->otto.last[LEAVES_OK].mode, MODE_PROACTIVE);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_A), 1);
	otto_arrive(w, FAR_A, 1);
	assert_int_equal(w->core.handovers.made[MODE_PROACTIVE], 1);
	assert_true(handover_kept(&w->core.handovers, 1)->switching == 50 * MS);
	otto_clean(w);
	world_free(w);
}

/* The terminal does not wait for ever; the target may still be ready in time. */
static void test_slow_target(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	otto_visit(w, FAR_C);
	w->far[FAR_A].hold_type = PREPARE;
	otto_say(w, LEAVES, 1, "a.example");
	assert_null(otto_told(w, LEAVES_OK));
	world_run(w, 99 * MS);
	assert_null(otto_told(w, LEAVES_OK));
	world_run(w, 2 * MS);
	assert_int_equal(otto_told(w, LEAVES_OK)->reason, REASON_NOT_PREPARED);
	assert_int_equal(kernel_fake_count(OTTO_C), 1);
	far_answer(w, FAR_A, 0);
	world_run(w, 1 * MS);
	assert_int_equal(kernel_fake_count(OTTO_C), 0);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_A), 1);
	otto_arrive(w, FAR_A, 1);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(w->far[FAR_C].asked[MESSAGE_RELEASE], 1);
	otto_clean(w);
	world_free(w);
}

/* Announced in time, but ready only after the farewell: that is no more than proactive. */
static void test_slow_for_announcement(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	otto_visit(w, FAR_C);
	w->far[FAR_A].hold_type = PREPARE;
	otto_say(w, ANNOUNCED, 1, "a.example");
	otto_say(w, LEAVES, 1, "a.example");
	world_run(w, 101 * MS);
	assert_int_equal(otto_told(w, LEAVES_OK)->reason, REASON_NOT_PREPARED);
	far_answer(w, FAR_A, 0);
	world_run(w, 1 * MS);
	otto_arrive(w, FAR_A, 1);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(w->core.handovers.made[MODE_PROACTIVE], 1);
	assert_int_equal(w->core.handovers.made[MODE_PREDICTIVE], 0);
	otto_clean(w);
	world_free(w);
}

/* From one visited core to another: the first is released under its own number. */
static void test_between_visited(void **state)
{
	struct world *w = otto_world(NULL);
	uint64_t number = otto_visit(w, FAR_A);
	const struct message *release = &w->far[FAR_A].last[MESSAGE_RELEASE];

	(void)state;
	otto_agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
	assert_false(otto_binding(w)->left);
	otto_agree(w, LEAVES, 1, "c.example", MODE_PREDICTIVE);
	assert_true(otto_binding(w)->left);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	assert_int_equal(release->reason, REASON_TERMINAL_MOVED);
	assert_true(release->binding == number);
	assert_false(message_has(release, ATTR_MODE));
	assert_int_equal(w->far[FAR_C].asked[MESSAGE_RELEASE], 0);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	otto_clean(w);
	/* And on, by the next number under the same root; not by one that is used up. */
	otto_unprepared(w, ANNOUNCED, 1, "b.example");
	otto_agree(w, LEAVES, 2, "a.example", MODE_PROACTIVE);
	otto_arrive(w, FAR_A, 2);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	otto_clean(w);
	world_free(w);
}

/* The home core prepares itself, holds, and lets go what it held when he is there. */
static void test_home_again(void **state)
{
	struct world *w = otto_world(NULL);
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	otto_move(&m, ANNOUNCED, 1, "b.example");
	message_set_text(&m, ATTR_NEXT_SATELLITE, "s1");
	otto_says(w, &m);
	world_run(w, 50 * MS);
	assert_string_equal(otto_told(w, ANNOUNCED_OK)->next_core, "b.example");
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	otto_agree(w, LEAVES, 1, "b.example", MODE_PREDICTIVE);
	assert_int_equal(kernel_fake_count(OTTO_A), 0);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	memcpy(w->otto.root, otto(w)->root.key, KEY_LENGTH);
	snprintf(w->otto.target, sizeof(w->otto.target), "b.example");
	w->otto.number = 1;
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	assert_int_equal(w->otto.assignment.type, 0);
	assert_int_equal(otto_binding(w)->state, BINDING_HOME);
	assert_string_equal(otto_binding(w)->place.satellite, "s1");
	assert_int_equal(kernel_fake_count(OTTO_HOME), 1);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 0);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	otto_clean(w);
	world_free(w);
}

/* The target gives up: its release is acknowledged when his packets lead to him again. */
static void test_not_arrived(void **state)
{
	struct world *w = otto_world(NULL);
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	otto_agree(w, LEAVES, 1, "c.example", MODE_PROACTIVE);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_NOT_ARRIVED);
	message_set_number(&m, ATTR_BINDING, otto_prepared(w, FAR_C));
	/* Another core cannot say so. */
	far_ask(w, FAR_A, &m);
	world_run(w, 50 * MS);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	far_ask(w, FAR_C, &m);
	world_run(w, 50 * MS);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	assert_int_equal(w->far[FAR_C].asked[MESSAGE_RELEASE], 0);
	otto_clean(w);
	/* Late, he is told that it is over. */
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_STALE_BINDING);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	world_free(w);
}

/* Not even back: then nowhere, and the core that serves is told. */
static void test_no_way_back(void **state)
{
	struct world *w = otto_world(NULL);
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	otto_agree(w, LEAVES, 1, "c.example", MODE_PROACTIVE);
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_NOT_ARRIVED);
	message_set_number(&m, ATTR_BINDING, otto_prepared(w, FAR_C));
	kernel_fake_fail_at(1, -ENOSPC);
	far_ask(w, FAR_C, &m);
	world_run(w, 50 * MS);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	assert_int_equal(otto_binding(w)->state, BINDING_NONE);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].reason, REASON_KERNEL_REFUSED);
	assert_int_equal(kernel_fake_count(OTTO_A), 0);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
	otto_clean(w);
	world_free(w);
}

/* A target that says nothing any more is taken for dead, and told. */
static void test_dead_target(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	terminal_register(w, &w->otto, "s1");
	otto_agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
	otto_agree(w, LEAVES, 1, "c.example", MODE_PREDICTIVE);
	world_run(w, 7800 * MS);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	world_run(w, 200 * MS);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
	assert_int_equal(kernel_fake_count(OTTO_HOME), 1);
	assert_int_equal(w->far[FAR_C].last[MESSAGE_RELEASE].reason, REASON_NOT_ARRIVED);
	otto_clean(w);
	world_free(w);
}

/* Two targets; he comes to neither but to where nobody expected him. */
static void test_elsewhere(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	otto_visit(w, FAR_A);
	otto_agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
	otto_agree(w, ANNOUNCED, 2, "b.example", MODE_PREDICTIVE);
	assert_int_equal(HASH_COUNT(w->core.anticipations), 2);
	otto_agree(w, LEAVES, 1, "c.example", MODE_PREDICTIVE);
	otto_visit(w, FAR_A);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
	assert_int_equal(w->far[FAR_C].last[MESSAGE_RELEASE].reason, REASON_TERMINAL_MOVED);
	assert_true(w->far[FAR_C].last[MESSAGE_RELEASE].binding == otto_prepared(w, FAR_C));
	otto_clean(w);
	/* A new root: numbers begin anew. */
	otto_agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
	world_free(w);
}

/* Two targets; the first arrival decides, and it need not be where he said last. */
static void test_first_arrival(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	terminal_register(w, &w->otto, "s1");
	otto_agree(w, ANNOUNCED, 1, "a.example", MODE_PREDICTIVE);
	otto_agree(w, ANNOUNCED, 2, "c.example", MODE_PREDICTIVE);
	otto_agree(w, LEAVES, 2, "c.example", MODE_PREDICTIVE);
	otto_arrive(w, FAR_A, 1);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_A), 1);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
	assert_int_equal(w->far[FAR_C].asked[MESSAGE_RELEASE], 1);
	otto_arrive(w, FAR_C, 2);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_STALE_BINDING);
	otto_clean(w);
	/* What has led somewhere is over, with all before it. */
	otto_unprepared(w, ANNOUNCED, 1, "c.example");
	world_free(w);
}

/* He changes his mind: only where he said last do his packets go, and from there they go back. */
static void test_another_target(void **state)
{
	struct world *w = otto_world(NULL);
	struct message m;

	(void)state;
	terminal_register(w, &w->otto, "s1");
	w->far[FAR_C].hold_type = PREPARE;
	otto_say(w, LEAVES, 1, "c.example");
	otto_agree(w, LEAVES, 2, "a.example", MODE_PROACTIVE);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_A), 1);
	far_answer(w, FAR_C, 0);
	world_run(w, 50 * MS);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_A), 1);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
	otto_agree(w, LEAVES, 1, "c.example", MODE_PROACTIVE);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	/* A's end is none of the path's business any more. */
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_NOT_ARRIVED);
	message_set_number(&m, ATTR_BINDING, otto_prepared(w, FAR_A));
	far_ask(w, FAR_A, &m);
	world_run(w, 50 * MS);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	assert_int_equal(HASH_COUNT(w->core.anticipations), 1);
	world_free(w);
}

/* Nothing that is not exactly his proof of this move, of this discovery, at this core. */
static void test_false_arrivals(void **state)
{
	struct world *w = otto_world(NULL);
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	otto_agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
	for (int i = 0; i < 5; i++) {
		int from = FAR_C;

		otto_arrival(w, FAR_C, i == 0 ? 2 : 1, &m);
		if (i == 1)
			m.arrival[15] ^= 1;
		else if (i == 2)
			m.counter++;
		else if (i == 3)
			from = FAR_A;
		else if (i == 4)
			m.binding++;
		far_ask(w, from, &m);
		world_run(w, 50 * MS);
		assert_int_equal(w->far[from].last_reason, REASON_STALE_BINDING);
		assert_int_equal(kernel_fake_count(OTTO_A), 1);
	}
	/* Old: he has been authenticated since. */
	otto_arrival(w, FAR_C, 1, &m);
	otto_authenticate(w, FAR_A, NULL);
	far_ask(w, FAR_C, &m);
	world_run(w, 50 * MS);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_STALE_BINDING);
	/* A care-of address that is not that core's. */
	otto_arrival(w, FAR_C, 1, &m);
	assert_int_equal(addr_parse(&m.coa, "198.51.100.9"), 0);
	far_ask(w, FAR_C, &m);
	world_run(w, 50 * MS);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_NOT_PERMITTED);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	/* The offer that is under way is older than this, and over with it. */
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	otto_tunnel(w, FAR_A, w->far[FAR_A].last_answer.binding, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	otto_clean(w);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_predictive_from_home),
		cmocka_unit_test(test_root_ends),
		cmocka_unit_test(test_proactive),
		cmocka_unit_test(test_slow_target),
		cmocka_unit_test(test_slow_for_announcement),
		cmocka_unit_test(test_between_visited),
		cmocka_unit_test(test_home_again),
		cmocka_unit_test(test_not_arrived),
		cmocka_unit_test(test_no_way_back),
		cmocka_unit_test(test_dead_target),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_first_arrival),
		cmocka_unit_test(test_another_target),
		cmocka_unit_test(test_false_arrivals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
