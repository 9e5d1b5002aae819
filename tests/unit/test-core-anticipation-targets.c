/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What targets are asked to prepare, how many of them, and by which keys. */
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
	/* It is another satellite in the end: what was told does not hold for that. */
	otto_arrival(w, FAR_C, 1, &m);
	message_set_text(&m, ATTR_NEXT_SATELLITE, "sat-x");
	far_ask(w, FAR_C, &m);
	world_run(w, 50 * MS);
	assert_string_equal(otto_binding(w)->place.satellite, "sat-x");
	assert_int_equal(otto_binding(w)->place.link.mtu, 0);
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
	otto_agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
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
	otto_agree(w, ANNOUNCED, 1, "c.example", MODE_PREDICTIVE);
	first = otto_prepared(w, FAR_C);
	otto_agree(w, ANNOUNCED, 2, "c.example", MODE_PREDICTIVE);
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
	otto_agree(w, LEAVES, 1, "c.example", MODE_PROACTIVE);
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

/* No key twice, whatever became of the first. */
static void test_no_key_twice(void **state)
{
	struct world *w = otto_world(NULL);
	struct far *c = &w->far[FAR_C];

	(void)state;
	terminal_register(w, &w->otto, "s1");
	c->prepare_reason = REASON_BUSY;
	otto_unprepared(w, ANNOUNCED, 3, "c.example");
	assert_int_equal(c->asked[MESSAGE_RELEASE], 0);
	c->prepare_reason = REASON_ACCEPTED;
	otto_unprepared(w, LEAVES, 3, "c.example");
	otto_unprepared(w, LEAVES, 2, "c.example");
	assert_int_equal(c->asked[PREPARE], 1);
	otto_agree(w, LEAVES, 4, "c.example", MODE_PROACTIVE);
	/* Said again, it is the same preparation. */
	otto_agree(w, LEAVES, 4, "c.example", MODE_PROACTIVE);
	assert_int_equal(c->asked[PREPARE], 2);
	world_free(w);
}

/* A target that cannot hold says so, and he hears what that makes of the handover. */
static void test_nothing_held(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	terminal_register(w, &w->otto, "s1");
	w->far[FAR_C].no_hold = true;
	otto_agree(w, ANNOUNCED, 1, "c.example", MODE_PROACTIVE);
	assert_int_equal(w->far[FAR_C].last[PREPARE].hold, 1);
	otto_agree(w, LEAVES, 1, "c.example", MODE_PROACTIVE);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->core.handovers.made[MODE_PROACTIVE], 1);
	otto_clean(w);
	world_free(w);
}

/* One who names ever new moves does not have the others work for each: he is told so at once. */
static void test_too_often(void **state)
{
	struct world *w = otto_world(NULL);
	struct far *c = &w->far[FAR_C];
	unsigned int number = 0;
	uint64_t asked;

	(void)state;
	terminal_register(w, &w->otto, "s1");
	while (number < ANNOUNCED_BURST)
		otto_agree(w, ANNOUNCED, ++number, "c.example", MODE_PREDICTIVE);
	/* Each takes 50 ms: some more, up to the first of the next interval. */
	while (number < 40 || otto_told(w, ANNOUNCED_OK)->reason != REASON_ACCEPTED)
		otto_say(w, ANNOUNCED, ++number, "c.example");
	asked = c->asked[PREPARE];
	assert_in_range(asked, ANNOUNCED_BURST + 1,
			ANNOUNCED_BURST + number * 50 * MS / ANNOUNCED_INTERVAL);
	otto_unprepared(w, ANNOUNCED, ++number, "c.example");
	otto_unprepared(w, LEAVES, ++number, "c.example");
	assert_int_equal(c->asked[PREPARE], asked);
	/* What is prepared can be said as often as one likes. */
	world_run(w, ANNOUNCED_INTERVAL);
	otto_agree(w, ANNOUNCED, ++number, "c.example", MODE_PREDICTIVE);
	for (int i = 0; i < 20; i++)
		otto_agree(w, ANNOUNCED, number, "c.example", MODE_PREDICTIVE);
	world_free(w);
}

/* Where nothing can be prepared he is told so at once. */
static void test_no_target(void **state)
{
	struct world *w = otto_world(NULL);
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	otto_unprepared(w, LEAVES, 1, "x.example");
	otto_unprepared(w, LEAVES, 1, "a.example");
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
		cmocka_unit_test(test_link_told),    cmocka_unit_test(test_addresses_told),
		cmocka_unit_test(test_room),	     cmocka_unit_test(test_room_and_no_way_back),
		cmocka_unit_test(test_no_key_twice), cmocka_unit_test(test_no_target),
		cmocka_unit_test(test_too_often),    cmocka_unit_test(test_nothing_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
