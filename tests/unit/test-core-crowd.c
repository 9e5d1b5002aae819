/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Satellites that change their core by schedule, and take all their terminals with them. */
#include "core-agent/anticipation.h"
#include "core-agent/binding.h"
#include "core-agent/crowd.h"
#include "core-agent/peer.h"
#include "core-agent/preparation.h"
#include "core-agent/schedule.h"
#include "kernel_fake.h"
#include "planned.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PREPARE MESSAGE_PROACTIVE_AUTHENTICATION

/* sat-a goes from a to c at 12:00:20, and otto with it. */
static void test_taken_along(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	struct message *asked = &w->far[FAR_C].last[PREPARE];

	(void)state;
	otto_visit(w, FAR_A);
	planned_run(w, 17.9);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 0);
	planned_run(w, 18.1);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 1);
	assert_int_equal(asked->expected, 2000);
	assert_int_equal(asked->hold, 1);
	assert_string_equal(asked->next_satellite, "sat-a");
	/* The link stays: the target can lead packets there beforehand. */
	assert_true(lladdr_equal(&asked->link_layer, &w->otto.mac));
	assert_int_equal(asked->mtu, 1500);
	planned_run(w, 19.98);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	planned_run(w, 20);
	assert_int_equal(kernel_fake_count(OTTO_A), 0);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	/* He takes the number that nobody has told him; the kernel is not asked again. */
	kernel_fake_log_clear();
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_calls(), 0);
	assert_int_equal(w->core.handovers.made[MODE_PREDICTIVE], 1);
	assert_string_equal(otto_binding(w)->place.satellite, "sat-a");
	otto_clean(w);
	planned_free(w);
}

/* And on to the next, home this time, whose core is this one: it advertises itself, too. */
static void test_home_by_satellite(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 40, "sat-a", "c.example"},
				   {0, 20, "s1", "a.example"}, {20, 40, "s1", "b.example"}));
	size_t frames;

	(void)state;
	otto_authenticate(w, FAR_A, NULL);
	snprintf(otto(w)->offer.place.satellite, sizeof(otto(w)->offer.place.satellite), "s1");
	otto_tunnel(w, FAR_A, w->far[FAR_A].last_answer.binding, "198.51.100.5", TUNNEL_GRE4);
	planned_run(w, 19.96);
	assert_non_null(w->core.preparations);
	planned_run(w, 19.999);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	/* At once, and again for a satellite that is a little late. */
	planned_run(w, 20.002);
	frames = w->frame_count;
	planned_run(w, 20.25);
	assert_int_equal(w->frame_count, frames + 3);
	memcpy(w->otto.root, otto(w)->root.key, KEY_LENGTH);
	snprintf(w->otto.target, sizeof(w->otto.target), "b.example");
	w->otto.number = 1;
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	assert_int_equal(w->otto.assignment.type, 0);
	assert_int_equal(otto_binding(w)->state, BINDING_HOME);
	assert_int_equal(kernel_fake_count(OTTO_HOME), 1);
	otto_clean(w);
	planned_free(w);
}

/* The plan was wrong: he is where he was, and nothing is left. */
static void test_wrong(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	uint64_t number;

	(void)state;
	otto_visit(w, FAR_A);
	planned_run(w, 21.4);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	number = otto_prepared(w, FAR_C);
	/* Before anything that is held for him for two seconds is given up. */
	planned_run(w, 21.6);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	assert_int_equal(w->far[FAR_C].asked[MESSAGE_RELEASE], 1);
	assert_int_equal(w->far[FAR_C].last[MESSAGE_RELEASE].binding, number);
	assert_int_equal(w->far[FAR_C].last[MESSAGE_RELEASE].reason, REASON_NOT_ARRIVED);
	otto_clean(w);
	planned_free(w);
}

/* The core there may see it before: he is where he was. */
static void test_wrong_told(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	planned_run(w, 21);
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_NOT_ARRIVED);
	message_set_number(&m, ATTR_BINDING, otto_prepared(w, FAR_C));
	far_ask(w, FAR_C, &m);
	world_run(w, 50 * MS);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	otto_clean(w);
	planned_free(w);
}

/* A satellite that is a second late. */
static void test_late(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	planned_run(w, 21);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	planned_run(w, 30);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	assert_int_equal(w->core.handovers.made[MODE_PREDICTIVE], 1);
	otto_clean(w);
	planned_free(w);
}

/* He says that he leaves, after the addresses were led: then he is without a link for a while. */
static void test_leaves_after(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	planned_run(w, 20.5);
	otto_move(&m, MESSAGE_CORE_DISCONNECT, 1, "c.example");
	otto_says(w, &m);
	planned_run(w, 24);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	otto_clean(w);
	planned_free(w);
}

/* Those who are elsewhere, or nowhere, are none of its business. */
static void test_not_on_it(void **state)
{
	static const struct row rows[] = {
		{0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"},
		{0, 30, "sat-c", "a.example"}, {30, 60, "sat-c", "b.example"},
		{0, 40, "sat-x", "x.example"}, {40, 60, "sat-x", "y.example"}};
	struct world *w = planned_world(rows, sizeof(rows) / sizeof(rows[0]));

	(void)state;
	/* On sat-c, which the plan takes for a's. */
	otto_visit(w, FAR_C);
	planned_run(w, 31);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 0);
	assert_int_equal(kernel_fake_count(OTTO_C), 1);
	otto_clean(w);
	planned_free(w);
}

/* To a core that nobody knows nothing can be led, nor to this one in its place. */
static void test_unknown_core(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "x.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	planned_run(w, 21);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	otto_clean(w);
	planned_free(w);
}

/* In the order of time, whatever their names. */
static void test_order(void **state)
{
	struct world *w = planned_world(
		PLAN({0, 40, "another", "a.example"}, {40, 60, "another", "c.example"},
		     {0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	planned_run(w, 20);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	planned_free(w);
}

/* Nobody tells the number of such a move: it follows the highest that he has told. */
static void test_number(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	otto_move(&m, MESSAGE_HANDOVER_ANNOUNCEMENT, 3, "x.example");
	otto_says(w, &m);
	planned_run(w, 20);
	otto_arrive(w, FAR_C, 4);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	otto_clean(w);
	planned_free(w);
}

/* He has announced the move himself: under his number he comes. */
static void test_announced_too(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	planned_run(w, 17);
	otto_move(&m, MESSAGE_HANDOVER_ANNOUNCEMENT, 1, "c.example");
	otto_says(w, &m);
	planned_run(w, 20);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 1);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	otto_clean(w);
	planned_free(w);
}

/* Ahead by so much as the configuration says, to the moment. */
static void test_lead(void **state)
{
	const struct world_text text = {.pools = PLANNED_WITH("lead = 1.9;")};
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	assert_int_equal(world_reload(w, &text), 0);
	planned_run(w, 18.09);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 0);
	planned_run(w, 18.11);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 1);
	assert_int_equal(w->far[FAR_C].last[PREPARE].expected, 1900);
	planned_free(w);
}

/*
 * By its way they are led away before the time: but not so long that packets are given up, however
 * far away a peer seems to be.
 */
static void test_far_away(void **state)
{
	const struct world_text text = {.pools = PLANNED_WITH("hold_time = 0.2;")};
	struct world *w = planned_world(
		PLAN({0, 100, "sat-a", "a.example"}, {100, 160, "sat-a", "c.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	assert_int_equal(world_reload(w, &text), 0);
	w->far[FAR_A].delay = 140 * MS;
	planned_run(w, 99.89);
	assert_int_equal(binding_way(peer_find(&w->core, "a.example")), 140 * MS);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	planned_run(w, 99.91);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	planned_free(w);
}

/* Allowed to foresee, or not. */
static void test_mode(void **state)
{
	const struct world_text text = {.pools = PLANNED_WITH("mode = \"proactive\";")};
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	assert_int_equal(world_reload(w, &text), 0);
	planned_run(w, 30);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 0);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	planned_free(w);
}

/* The target is late: as soon as it is ready. */
static void test_late_target(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	w->far[FAR_C].hold_type = PREPARE;
	planned_run(w, 20.1);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	far_answer(w, FAR_C, 0);
	world_run(w, 1 * MS);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	otto_clean(w);
	planned_free(w);
}

/* The plan was wrong, and the target late. */
static void test_late_and_wrong(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	w->far[FAR_C].hold_type = PREPARE;
	planned_run(w, 20.3);
	w->far[FAR_C].hold_type = (enum message_type)0;
	far_answer(w, FAR_C, 0);
	planned_run(w, 21.7);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	planned_run(w, 21.9);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	assert_int_equal(w->far[FAR_C].last[MESSAGE_RELEASE].reason, REASON_NOT_ARRIVED);
	otto_clean(w);
	planned_free(w);
}

/* The kernel refuses his part of the whole: he stays, and the target knows. */
static void test_refused(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	planned_run(w, 19.9);
	kernel_fake_fail_at(1, -ENOSPC);
	planned_run(w, 20.1);
	assert_true(kernel_fake_failed());
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	assert_int_equal(w->far[FAR_C].last[MESSAGE_RELEASE].reason, REASON_KERNEL_REFUSED);
	otto_clean(w);
	planned_free(w);
}

/* A pause that is longer than packets are held is none that terminals sit out. */
static void test_gap(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {21, 30, "sat-a", "c.example"},
				   {33, 60, "sat-a", "a.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	planned_run(w, 20.5);
	/* Away at the end of the old, there at the beginning of the new. */
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	planned_run(w, 21);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	planned_run(w, 40);
	assert_int_equal(w->far[FAR_A].asked[PREPARE], 0);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	planned_free(w);
}

#define CROWD 40

/* Subscribers u0 .. with one key each, as libconfig text. */
static char *crowd_config(const struct terminal *crowd)
{
	char *text = NULL, key[KEY_TEXT];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (int i = 0; i < CROWD; i++)
		fprintf(out, "%s{ nai = \"u%d@b.example\"; public_key = \"%s\"; }", i ? ", " : "",
			i, keys_encode(key, crowd[i].keys.public));
	fclose(out);
	return text;
}

/* One of them visits A on sat-a. */
static void crowd_visit(struct world *w, struct terminal *t, int i)
{
	struct message m;
	struct addr coa;
	char text[ADDR_TEXT];

	t->home_epoch = w->core.epoch;
	terminal_discovery(t, NULL);
	terminal_authentication(t, &m);
	message_set_text(&m, ATTR_NEXT_SATELLITE, "sat-a");
	snprintf(text, sizeof(text), "198.51.100.%d", 20 + i);
	assert_int_equal(addr_parse(&coa, text), 0);
	message_set_addr(&m, ATTR_COA, &coa);
	message_set_number(&m, ATTR_TUNNEL_KIND, TUNNEL_GRE4);
	message_set_number(&m, ATTR_TUNNEL_KEY, 99);
	message_set_link_layer(&m, &t->mac);
	message_set_addr(&m, ATTR_LINK_LOCAL, &t->link_local);
	far_ask(w, FAR_A, &m);
	world_run(w, 10 * MS);
	assert_true(message_has(&w->far[FAR_A].last_answer, ATTR_COA));
}

/* All of them at once, in few datagrams and few exchanges with the kernel. */
static void test_crowd(void **state)
{
	struct terminal *crowd = calloc(CROWD, sizeof(*crowd));
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	struct world_text text = {.pools = PLANNED_WITH("")};
	char *subscribers;

	(void)state;
	for (int i = 0; i < CROWD; i++) {
		char user[16];

		keys_generate_pair(&crowd[i].keys);
		snprintf(user, sizeof(user), "u%d", i);
		terminal_make(&crowd[i], user, "b.example", w->core.keys.public,
			      "02:00:00:00:02:01");
	}
	text.subscribers = subscribers = crowd_config(crowd);
	assert_int_equal(world_reload(w, &text), 0);
	for (int i = 0; i < CROWD; i++)
		crowd_visit(w, &crowd[i], i);
	planned_run(w, 17.99);
	w->carried = 0;
	planned_run(w, 18.5);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], CROWD);
	assert_true(w->carried < CROWD / 2);
	planned_run(w, 19.9);
	kernel_fake_log_clear();
	planned_run(w, 20);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), CROWD);
	assert_true(kernel_fake_batches() <= 2);
	assert_int_equal(HASH_COUNT(w->core.anticipations), CROWD);
	free(subscribers);
	free(crowd);
	planned_free(w);
}

/* Who is on which satellite, through all that happens to him. */
static void test_places(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	assert_null(w->core.crowds);
	terminal_register(w, &w->otto, "s1");
	assert_ptr_equal(crowd_on(&w->core, "s1"), otto(w));
	terminal_register(w, &w->otto, "s2");
	assert_null(crowd_on(&w->core, "s1"));
	assert_ptr_equal(crowd_on(&w->core, "s2"), otto(w));
	otto_visit(w, FAR_A);
	assert_null(crowd_on(&w->core, "s2"));
	assert_ptr_equal(crowd_on(&w->core, "sat-a"), otto(w));
	world_run(w, 301 * SEC);
	assert_int_equal(otto_binding(w)->state, BINDING_NONE);
	assert_null(w->core.crowds);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken_along),   cmocka_unit_test(test_home_by_satellite),
		cmocka_unit_test(test_wrong),	      cmocka_unit_test(test_wrong_told),
		cmocka_unit_test(test_late),	      cmocka_unit_test(test_leaves_after),
		cmocka_unit_test(test_not_on_it),     cmocka_unit_test(test_unknown_core),
		cmocka_unit_test(test_order),	      cmocka_unit_test(test_number),
		cmocka_unit_test(test_announced_too), cmocka_unit_test(test_lead),
		cmocka_unit_test(test_mode),	      cmocka_unit_test(test_far_away),
		cmocka_unit_test(test_late_target),   cmocka_unit_test(test_late_and_wrong),
		cmocka_unit_test(test_refused),	      cmocka_unit_test(test_gap),
		cmocka_unit_test(test_crowd),	      cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
