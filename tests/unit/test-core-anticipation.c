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

/* otto says where he goes; 50 ms pass. */
static void say(struct world *w, enum message_type type, uint64_t number, const char *core)
{
	struct message m;

	otto_move(&m, type, number, core);
	otto_says(w, &m);
	world_run(w, 50 * MS);
}

/* Says it, and is told that the core is prepared. */
static void agree(struct world *w, enum message_type type, uint64_t number, const char *core,
		  enum handover_mode mode)
{
	const struct message *told;

	say(w, type, number, core);
	told = otto_told(w, message_answer(type));
	assert_non_null(told);
	assert_int_equal(told->reason, REASON_ACCEPTED);
	assert_string_equal(told->next_core, core);
	assert_int_equal(told->mode, mode);
}

static void unprepared(struct world *w, enum message_type type, uint64_t number, const char *core)
{
	const struct message *told;

	say(w, type, number, core);
	told = otto_told(w, message_answer(type));
	assert_non_null(told);
	assert_int_equal(told->reason, REASON_NOT_PREPARED);
	assert_false(message_has(told, ATTR_NEXT_CORE));
}

static void test_predictive_from_home(void **state)
{
	struct world *w = otto_world(NULL);
	struct far *a = &w->far[FAR_A];
	uint8_t key[KEY_LENGTH];
	const struct message *asked = &a->last[PREPARE];

	(void)state;
	terminal_register(w, &w->otto, "s1");
	assert_memory_equal(otto(w)->root.key, w->otto.root, KEY_LENGTH);
	agree(w, ANNOUNCED, 1, "a.example", MODE_PREDICTIVE);
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
	agree(w, LEAVES, 1, "a.example", MODE_PREDICTIVE);
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
	agree(w, ANNOUNCED, 1, "a.example", MODE_PREDICTIVE);
	agree(w, LEAVES, 1, "a.example", MODE_PREDICTIVE);
	otto_arrive(w, FAR_A, 1);
	world_run(w, 250 * SEC);
	agree(w, ANNOUNCED, 2, "c.example", MODE_PREDICTIVE);
	agree(w, LEAVES, 2, "c.example", MODE_PREDICTIVE);
	otto_arrive(w, FAR_C, 2);
	world_run(w, 50 * SEC);
	assert_int_equal(otto_binding(w)->state, BINDING_VISITING);
	unprepared(w, ANNOUNCED, 3, "a.example");
	/* A full registration makes another one. */
	otto_visit(w, FAR_C);
	agree(w, ANNOUNCED, 1, "a.example", MODE_PREDICTIVE);
	world_free(w);
}

/* All that the terminal tells of its next link goes to the target. */
static void test_link_told(void **state)
{
	struct world *w = otto_world(NULL);
	const struct message *asked = &w->far[FAR_C].last[PREPARE];
	struct message m;

	(void)state;
	terminal_register(w, &w->otto, "s1");
	otto_move(&m, ANNOUNCED, 1, "c.example");
	message_set_link_layer(&m, &w->otto.mac);
	message_set_addr(&m, ATTR_LINK_LOCAL, &w->otto.link_local);
	message_set_number(&m, ATTR_MTU, 1450);
	message_set_text(&m, ATTR_NEXT_SATELLITE, "sat-c");
	otto_says(w, &m);
	world_run(w, 50 * MS);
	assert_true(lladdr_equal(&asked->link_layer, &w->otto.mac));
	assert_true(addr_equal(&asked->link_local, &w->otto.link_local));
	assert_int_equal(asked->mtu, 1450);
	assert_string_equal(asked->next_satellite, "sat-c");
	world_free(w);
}

/* And all that is his. */
static void test_addresses_told(void **state)
{
	static const struct world_text text = {
		.pools = "pools = { home4 = [ \"10.2.0.0/24\" ]; home6 = [ \"2001:db8:b::/64\" ]; "
			 "care_of4 = [ \"198.51.100.128/25\" ]; delegated = [ "
			 "\"2001:db8:b00::/40\" ]; };",
		.subscribers = "{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; home4 = "
			       "\"10.2.0.9\"; home6 = \"2001:db8:b::9\"; prefix = "
			       "\"2001:db8:b01::/56\"; }"};
	struct world *w = otto_world(NULL);
	const struct message *asked = &w->far[FAR_C].last[PREPARE];

	(void)state;
	assert_int_equal(world_reload(w, &text), 0);
	terminal_register(w, &w->otto, "s1");
	agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
	assert_true(addr_equal(&asked->hoa4, &otto(w)->hoa4));
	assert_true(addr_equal(&asked->hoa6, &otto(w)->hoa6));
	assert_true(prefix_equal(&asked->prefix, &otto(w)->prefix));
	world_free(w);
}

/* One for each target, and so many in all: the oldest gives way. */
static void test_room(void **state)
{
	static const struct world_text text = {
		.peers = WORLD_PEERS
		", { name = \"d.example\"; endpoint = \"192.0.2.4\"; public_key = \"$TINA\"; }"
		", { name = \"e.example\"; endpoint = \"192.0.2.5\"; public_key = \"$OTTO\"; }"
		", { name = \"f.example\"; endpoint = \"192.0.2.6\"; public_key = "
		"\"hb0MKZVcxVQYUQFAkDLPOiZJlhCFyoqqkw+pVJgs8Xs=\"; }"};
	static const char *const to[] = {"c.example", "a.example", "d.example", "e.example",
					 "f.example"};
	struct world *w = otto_world(NULL);
	struct message m;
	uint64_t first;

	(void)state;
	terminal_register(w, &w->otto, "s1");
	assert_int_equal(world_reload(w, &text), 0);
	agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
	first = otto_prepared(w, FAR_C);
	agree(w, ANNOUNCED, 2, "c.example", MODE_PREDICTIVE);
	assert_int_equal(HASH_COUNT(w->core.anticipations), 1);
	assert_true(w->far[FAR_C].last[MESSAGE_RELEASE].binding == first);
	first = otto_prepared(w, FAR_C);
	/* All at one moment: those who are down fail in the next. */
	for (uint64_t i = 1; i < 5; i++) {
		otto_move(&m, ANNOUNCED, 2 + i, to[i]);
		otto_says(w, &m);
	}
	assert_int_equal(HASH_COUNT(w->core.anticipations), ANTICIPATIONS_MAX);
	world_run(w, 50 * MS);
	assert_true(w->far[FAR_C].last[MESSAGE_RELEASE].binding == first);
	assert_int_equal(HASH_COUNT(w->core.anticipations), 1);
	world_free(w);
}

/* To make room costs him his binding: then there is nothing to prepare for. */
static void test_room_and_no_way_back(void **state)
{
	struct world *w = otto_world(NULL);
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	agree(w, LEAVES, 1, "c.example", MODE_PROACTIVE);
	otto_move(&m, LEAVES, 2, "c.example");
	kernel_fake_fail_at(1, -ENOSPC);
	otto_says(w, &m);
	world_run(w, 50 * MS);
	assert_int_equal(otto_binding(w)->state, BINDING_NONE);
	assert_int_equal(w->far[FAR_A].last_answer.reason, REASON_NOT_PREPARED);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 1);
	otto_clean(w);
	world_free(w);
}

/* On disconnect alone; the answer waits for the target and for the kernel. */
static void test_proactive(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	terminal_register(w, &w->otto, "s1");
	w->far[FAR_A].hold_type = PREPARE;
	say(w, LEAVES, 1, "a.example");
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
	say(w, LEAVES, 1, "a.example");
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

/* From one visited core to another: the first is released under its own number. */
static void test_between_visited(void **state)
{
	struct world *w = otto_world(NULL);
	uint64_t number = otto_visit(w, FAR_A);
	const struct message *release = &w->far[FAR_A].last[MESSAGE_RELEASE];

	(void)state;
	agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
	assert_false(otto_binding(w)->left);
	agree(w, LEAVES, 1, "c.example", MODE_PREDICTIVE);
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
	/* And on, by the next number under the same root. */
	agree(w, LEAVES, 2, "a.example", MODE_PROACTIVE);
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
	agree(w, LEAVES, 1, "b.example", MODE_PREDICTIVE);
	assert_int_equal(kernel_fake_count(OTTO_A), 0);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	memcpy(w->otto.root, otto(w)->root.key, KEY_LENGTH);
	snprintf(w->otto.target, sizeof(w->otto.target), "b.example");
	w->otto.number = 1;
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	assert_int_equal(w->otto.assignment.type, 0);
	assert_int_equal(otto_binding(w)->state, BINDING_HOME);
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
	agree(w, LEAVES, 1, "c.example", MODE_PROACTIVE);
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
	agree(w, LEAVES, 1, "c.example", MODE_PROACTIVE);
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
	agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
	agree(w, LEAVES, 1, "c.example", MODE_PREDICTIVE);
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
	agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
	agree(w, ANNOUNCED, 2, "b.example", MODE_PREDICTIVE);
	assert_int_equal(HASH_COUNT(w->core.anticipations), 2);
	agree(w, LEAVES, 1, "c.example", MODE_PREDICTIVE);
	otto_visit(w, FAR_A);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
	assert_int_equal(w->far[FAR_C].last[MESSAGE_RELEASE].reason, REASON_TERMINAL_MOVED);
	assert_true(w->far[FAR_C].last[MESSAGE_RELEASE].binding == otto_prepared(w, FAR_C));
	otto_clean(w);
	/* A new root: numbers begin anew. */
	agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
	world_free(w);
}

/* Two targets; the first arrival decides, and it need not be where he said last. */
static void test_first_arrival(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	terminal_register(w, &w->otto, "s1");
	agree(w, ANNOUNCED, 1, "a.example", MODE_PREDICTIVE);
	agree(w, ANNOUNCED, 2, "c.example", MODE_PREDICTIVE);
	agree(w, LEAVES, 2, "c.example", MODE_PREDICTIVE);
	otto_arrive(w, FAR_A, 1);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_A), 1);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
	assert_int_equal(w->far[FAR_C].asked[MESSAGE_RELEASE], 1);
	otto_arrive(w, FAR_C, 2);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_STALE_BINDING);
	otto_clean(w);
	/* What has led somewhere is over, with all before it. */
	unprepared(w, ANNOUNCED, 1, "c.example");
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
	say(w, LEAVES, 1, "c.example");
	agree(w, LEAVES, 2, "a.example", MODE_PROACTIVE);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_A), 1);
	far_answer(w, FAR_C, 0);
	world_run(w, 50 * MS);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_A), 1);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
	agree(w, LEAVES, 1, "c.example", MODE_PROACTIVE);
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
	agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
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

/* No key twice, whatever became of the first. */
static void test_no_key_twice(void **state)
{
	struct world *w = otto_world(NULL);
	struct far *c = &w->far[FAR_C];

	(void)state;
	terminal_register(w, &w->otto, "s1");
	c->prepare_reason = REASON_BUSY;
	unprepared(w, ANNOUNCED, 3, "c.example");
	assert_int_equal(c->asked[MESSAGE_RELEASE], 0);
	c->prepare_reason = REASON_ACCEPTED;
	unprepared(w, LEAVES, 3, "c.example");
	unprepared(w, LEAVES, 2, "c.example");
	assert_int_equal(c->asked[PREPARE], 1);
	agree(w, LEAVES, 4, "c.example", MODE_PROACTIVE);
	/* Said again, it is the same preparation. */
	agree(w, LEAVES, 4, "c.example", MODE_PROACTIVE);
	assert_int_equal(c->asked[PREPARE], 2);
	world_free(w);
}

/* Where nothing can be prepared he is told so at once. */
static void test_no_target(void **state)
{
	struct world *w = otto_world(NULL);
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	unprepared(w, LEAVES, 1, "x.example");
	unprepared(w, LEAVES, 1, "a.example");
	otto_move(&m, LEAVES, 1, "c.example");
	m.present &= ~(UINT64_C(1) << ATTR_NEXT_CORE);
	message_set_text(&m, ATTR_NEXT_SATELLITE, "sat-c");
	otto_says(w, &m);
	world_run(w, 50 * MS);
	assert_int_equal(otto_told(w, LEAVES_OK)->reason, REASON_NOT_PREPARED);
	otto_move(&m, ANNOUNCED, 1, "c.example");
	message_set_number(&m, ATTR_EXPECTED, 3600 * 1000);
	otto_says(w, &m);
	world_run(w, 50 * MS);
	assert_int_equal(otto_told(w, ANNOUNCED_OK)->reason, REASON_NOT_PREPARED);
	/* A serving core of before says nothing any more. */
	otto_move(&m, ANNOUNCED, 1, "a.example");
	message_set_number(&m, ATTR_BINDING, otto_binding(w)->number);
	far_ask(w, FAR_C, &m);
	world_run(w, 50 * MS);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_STALE_BINDING);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 0);
	otto_clean(w);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_predictive_from_home),
		cmocka_unit_test(test_root_ends),
		cmocka_unit_test(test_link_told),
		cmocka_unit_test(test_addresses_told),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_room_and_no_way_back),
		cmocka_unit_test(test_proactive),
		cmocka_unit_test(test_slow_target),
		cmocka_unit_test(test_between_visited),
		cmocka_unit_test(test_home_again),
		cmocka_unit_test(test_not_arrived),
		cmocka_unit_test(test_no_way_back),
		cmocka_unit_test(test_dead_target),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_first_arrival),
		cmocka_unit_test(test_another_target),
		cmocka_unit_test(test_false_arrivals),
		cmocka_unit_test(test_no_key_twice),
		cmocka_unit_test(test_no_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
