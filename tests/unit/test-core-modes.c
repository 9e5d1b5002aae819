/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Full registrations in the better modes: authentication and tunnel in one exchange, soft moves. */
#include "core-agent/anticipation.h"
#include "core-agent/holding.h"
#include "core-agent/mode.h"
#include "core-agent/peer.h"
#include "core-agent/release.h"
#include "core-agent/session.h"
#include "kernel_fake.h"
#include "otto.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OFFERED_A "198.51.100.5"
#define OFFERED_C "203.0.113.5"

/* Is he bound to where the far core has offered, by its authentication alone? */
static bool combined(const struct world *w, int which)
{
	const struct message *ack = &w->far[which].last_answer;

	assert_int_equal(ack->type, MESSAGE_AUTHENTICATION_ACK);
	assert_int_equal(ack->reason, REASON_ACCEPTED);
	return message_has(ack, ATTR_COA);
}

static void test_combined(void **state)
{
	struct world *w = otto_world(NULL);
	const struct message *ack = &w->far[FAR_C].last_answer;
	uint64_t number = otto_visit(w, FAR_A);

	(void)state;
	otto_authenticate(w, FAR_C, OFFERED_C);
	assert_true(combined(w, FAR_C));
	assert_int_equal(ack->mtu, 1400);
	assert_true(message_has(ack, ATTR_ACCESS_KEY));
	assert_int_equal(kernel_fake_count(OTTO_C), 1);
	assert_int_equal(otto_binding(w)->state, BINDING_VISITING);
	assert_true(otto_binding(w)->number == ack->binding);
	assert_string_equal(otto_binding(w)->place.satellite, "sat-c");
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	assert_true(w->far[FAR_A].last[MESSAGE_RELEASE].binding == number);
	assert_int_equal(w->core.handovers.made[MODE_COMBINED], 1);
	assert_int_equal(w->core.handovers.made[MODE_BASELINE], 0);
	otto_clean(w);
	world_free(w);
}

/* His root is the new one from when the binding of it is in force, and not before. */
static void test_root(void **state)
{
	struct world *w = otto_world(NULL);
	uint8_t root[KEY_LENGTH];

	(void)state;
	otto_visit(w, FAR_A);
	memcpy(root, otto(w)->root.key, KEY_LENGTH);
	otto_authenticate(w, FAR_C, NULL);
	assert_memory_equal(otto(w)->root.key, root, KEY_LENGTH);
	assert_memory_not_equal(otto(w)->offer.root.key, root, KEY_LENGTH);
	memcpy(root, otto(w)->offer.root.key, KEY_LENGTH);
	otto_tunnel(w, FAR_C, w->far[FAR_C].last_answer.binding, OFFERED_C, TUNNEL_GRE4);
	assert_memory_equal(otto(w)->root.key, root, KEY_LENGTH);
	assert_false(otto(w)->offer.root.known);
	/* The tunnel asked for again: nothing new about the root. */
	otto_tunnel(w, FAR_C, otto_binding(w)->number, OFFERED_C, TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	assert_memory_equal(otto(w)->root.key, root, KEY_LENGTH);
	/* An offer that is never taken up leaves nothing. */
	otto_authenticate(w, FAR_A, NULL);
	otto_authenticate(w, FAR_C, OFFERED_C);
	assert_memory_not_equal(otto(w)->root.key, root, KEY_LENGTH);
	assert_false(otto(w)->offer.root.known);
	world_free(w);
}

/* Whatever stands against it: he is authentic, and nothing was carried out. */
static void test_not_combined(void **state)
{
	static const char *const refused[] = {"198.51.100.9", "2001:db8::5"};
	struct world *w = otto_world(NULL);

	(void)state;
	otto_visit(w, FAR_A);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		otto_authenticate(w, FAR_C, refused[i]);
		assert_false(combined(w, FAR_C));
		assert_int_equal(kernel_fake_count(OTTO_A), 1);
	}
	for (unsigned int n = 1;; n++) {
		bool failed;

		kernel_fake_fail_at(n, -ENOSPC);
		otto_authenticate(w, FAR_C, OFFERED_C);
		failed = kernel_fake_failed();
		kernel_fake_fail_at(0, 0);
		if (combined(w, FAR_C))
			break;
		assert_true(failed);
		assert_int_equal(kernel_fake_count(OTTO_A), 1);
		assert_string_equal(otto_binding(w)->peer->name, "a.example");
		/* The tunnel alone, then. */
		if (n == 1) {
			otto_tunnel(w, FAR_C, w->far[FAR_C].last_answer.binding, OFFERED_C,
				    TUNNEL_GRE4);
			assert_int_equal(kernel_fake_count(OTTO_C), 1);
			otto_visit(w, FAR_A);
		}
	}
	assert_int_equal(kernel_fake_count(OTTO_C), 1);
	world_free(w);
}

/* A copy of his discovery from another address, or one without any, moves nothing. */
static void test_copy(void **state)
{
	struct world *w = otto_world(NULL);
	const struct lladdr mac = w->otto.mac;

	(void)state;
	otto_visit(w, FAR_A);
	/* Said is what the frame had; the identity says what is true. */
	otto_authenticate_from(w, FAR_C, OFFERED_C, &w->tina.mac, &w->otto.link_local);
	assert_false(combined(w, FAR_C));
	otto_authenticate_from(w, FAR_C, OFFERED_C, &mac, &w->tina.link_local);
	assert_false(combined(w, FAR_C));
	otto_authenticate_from(w, FAR_C, OFFERED_C, NULL, NULL);
	assert_false(combined(w, FAR_C));
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
	world_free(w);
}

/* Whoever narrows: the core, for the subscriber, for the peer, or the terminal itself. */
static void test_narrowed(void **state)
{
	static const struct world_text narrower[] = {
		{.pools = WORLD_BASELINE},
		{.subscribers = "{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; home4 = "
				"\"10.2.0.9\"; mode = \"baseline\"; }"},
		{.peers = WORLD_PEER_A
		 ", { name = \"c.example\"; endpoint = \"192.0.2.3\"; public_key = \"$C\"; "
		 "home_prefixes = [ \"10.3.0.0/24\" ]; care_of_prefixes = [ \"203.0.113.0/25\" ]; "
		 "mode = \"baseline\"; }"},
		{.pools = NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(narrower) / sizeof(narrower[0]); i++) {
		struct world *w = otto_world(NULL);

		otto_visit(w, FAR_A);
		assert_int_equal(world_reload(w, &narrower[i]), 0);
		w->otto.mode = i == 3 ? MODE_BASELINE : MODE_SOFT;
		otto_authenticate(w, FAR_C, OFFERED_C);
		assert_false(combined(w, FAR_C));
		assert_int_equal(kernel_fake_count(OTTO_A), 1);
		otto_tunnel(w, FAR_C, w->far[FAR_C].last_answer.binding, OFFERED_C, TUNNEL_GRE4);
		assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
		assert_int_equal(w->core.handovers.made[MODE_BASELINE], 1);
		world_free(w);
	}
}

static void test_mode_of_move(void **state)
{
	struct world *w = otto_world(NULL);
	struct subscriber *s = otto(w);
	struct peer *a = peer_find(&w->core, "a.example"), *c = peer_find(&w->core, "c.example");

	(void)state;
	assert_int_equal(mode_of_move(s, a, c), MODE_SOFT);
	a->mode = MODE_PREDICTIVE;
	assert_int_equal(mode_of_move(s, a, c), MODE_PREDICTIVE);
	assert_int_equal(mode_of_move(s, NULL, c), MODE_SOFT);
	assert_int_equal(mode_of_peer(a), MODE_PREDICTIVE);
	s->mode = MODE_COMBINED;
	assert_int_equal(mode_of_move(s, a, c), MODE_COMBINED);
	s->mode = MODE_SOFT;
	/* What a terminal with one link says tells nothing of its next move. */
	s->allows = MODE_PREDICTIVE;
	assert_int_equal(mode_of_move(s, NULL, c), MODE_SOFT);
	s->allows = MODE_PROACTIVE;
	assert_int_equal(mode_of_move(s, a, c), MODE_PROACTIVE);
	world_free(w);
}

/* ---- soft ----------------------------------------------------------------------------------- */

/* A is 30 ms away, C 10 ms, and that is known. */
static struct world *soft_world(void)
{
	struct world *w = otto_world(NULL);

	w->far[FAR_A].delay = 30 * MS;
	w->far[FAR_C].delay = 10 * MS;
	/* Handshakes and requests of before took no time: they are forgotten. */
	for (int i = 0; i < 2; i++)
		far_restart(w, i);
	world_run(w, 2 * SEC);
	for (int i = 0; i < 40; i++) {
		release_send(peer_find(&w->core, "a.example"), 1, REASON_TERMINAL_MOVED, w->now);
		release_send(peer_find(&w->core, "c.example"), 2, REASON_TERMINAL_MOVED, w->now);
		world_run(w, 100 * MS);
	}
	w->far[FAR_A].asked[MESSAGE_RELEASE] = w->far[FAR_C].asked[MESSAGE_RELEASE] = 0;
	return w;
}

/*
 * He registers over his other link: nothing is moved before the new core is ready for him. Its
 * tunnel request is so long under way; 100 ms after it left this returns.
 */
static void soft_register(struct world *w, int which, const char *coa, usec_t delay)
{
	struct message ack;

	w->otto.mode = MODE_SOFT;
	otto_authenticate(w, which, coa);
	assert_false(combined(w, which));
	ack = w->far[which].last_answer;
	w->far[which].delay = delay;
	otto_tunnel(w, which, ack.binding, coa, TUNNEL_GRE4);
	w->far[which].last[MESSAGE_AUTHENTICATION_ACK] = ack;
}

/* Sealed packets are later than signalling, by which ways are measured. */
static void test_soft_protected(void **state)
{
	struct world *w = soft_world();
	struct peer *peer;

	(void)state;
	otto_visit(w, FAR_A);
	world_run(w, SEC);
	peer = peer_find(&w->core, w->far[FAR_A].name);
	assert_non_null(peer);
	peer->protection.suite = SUITE_AES_256_GCM;
	soft_register(w, FAR_C, OFFERED_C, 10 * MS);
	assert_int_equal(w->far[FAR_C].last[MESSAGE_AUTHENTICATION_ACK].uplink_delay, 21000);
	peer->protection.suite = (enum suite)0;
	otto_clean(w);
	world_free(w);
}

/* By the shorter way packets wait for those on the longer one; the old core goes on delivering. */
static void test_soft_shorter(void **state)
{
	struct world *w = soft_world();
	struct message *ack = &w->far[FAR_C].last[MESSAGE_AUTHENTICATION_ACK];

	(void)state;
	otto_visit(w, FAR_A);
	world_run(w, SEC);
	soft_register(w, FAR_C, OFFERED_C, 10 * MS);
	assert_int_equal(ack->uplink_delay, 20000);
	assert_int_equal(kernel_fake_count(OTTO_C), 1);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].mode, MODE_SOFT);
	assert_int_equal(w->core.handovers.made[MODE_SOFT], 1);
	otto_clean(w);
	world_free(w);
}

/* A packet for him comes to where packets wait. */
static void wait_for_him(struct world *w)
{
	uint8_t packet[20] = {0x45, 0, 0, 20, [8] = 64, [9] = 17, [16] = 10, [17] = 2, [19] = 9};

	assert_int_equal(kernel_fake_tun_send("sno-buf", packet, sizeof(packet)), 0);
	holding_read(&w->core, w->now);
}

static struct world *busy_world;

/* It takes the core a while to have packets held; what is under way then has to arrive first. */
static usec_t busy_core(void)
{
	return busy_world->now + 3 * MS;
}

static void test_soft_holds_late(void **state)
{
	struct world *w = busy_world = soft_world();

	(void)state;
	otto_visit(w, FAR_A);
	world_run(w, SEC);
	w->core.clock = busy_core;
	soft_register(w, FAR_C, OFFERED_C, 89 * MS);
	w->core.clock = NULL;
	wait_for_him(w);
	world_run(w, 12 * MS);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	world_run(w, 2 * MS);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 0);
	world_run(w, 3 * MS);
	otto_clean(w);
	world_free(w);
}

static void test_soft_holds(void **state)
{
	struct world *w = soft_world();
	const struct handover *h;

	(void)state;
	otto_visit(w, FAR_A);
	world_run(w, SEC);
	soft_register(w, FAR_C, OFFERED_C, 89 * MS);
	/* 11 ms after it came. */
	assert_int_equal(kernel_fake_count(OTTO_A), 0);
	assert_int_equal(kernel_fake_count(OTTO_C), 0);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	wait_for_him(w);
	world_run(w, 9 * MS);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	world_run(w, 2 * MS);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 0);
	/* And the route for what comes out of the hold, for a moment. */
	assert_int_equal(kernel_fake_count(OTTO_C), 2);
	world_run(w, 3 * MS);
	assert_int_equal(kernel_fake_count(OTTO_C), 1);
	h = handover_kept(&w->core.handovers, 1);
	assert_int_equal(handover_buffered(h), 1);
	assert_int_equal(handover_dropped(h), -1);
	otto_clean(w);
	world_free(w);
}

/* When the way in the end is refused there is none, and the new core is told. */
/* Nobody makes a terminal wait by answering late: half of what is held at most. */
static void test_soft_slow_peer(void **state)
{
	struct world *w = soft_world();

	(void)state;
	w->core.current.handover.hold.time = 10 * MS;
	otto_visit(w, FAR_A);
	world_run(w, SEC);
	soft_register(w, FAR_C, OFFERED_C, 89 * MS);
	/* 11 ms after it came. */
	assert_int_equal(kernel_fake_count(OTTO_HELD), 0);
	assert_true(kernel_fake_count(OTTO_C) > 0);
	world_run(w, 20 * MS);
	otto_clean(w);
	world_free(w);
}

static void test_soft_refused(void **state)
{
	struct world *w = soft_world();

	(void)state;
	otto_visit(w, FAR_A);
	world_run(w, SEC);
	soft_register(w, FAR_C, OFFERED_C, 89 * MS);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	kernel_fake_fail_on("route replace 10.2.0.9/32", -ENOSPC);
	world_run(w, 20 * MS);
	kernel_fake_fail_on(NULL, 0);
	world_run(w, SEC);
	assert_int_equal(otto_binding(w)->state, BINDING_NONE);
	assert_int_equal(w->far[FAR_C].last[MESSAGE_RELEASE].reason, REASON_KERNEL_REFUSED);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 0);
	otto_clean(w);
	world_free(w);
}

/* He moves on while packets still wait. */
static void test_soft_twice(void **state)
{
	struct world *w = soft_world();

	(void)state;
	otto_visit(w, FAR_A);
	world_run(w, SEC);
	soft_register(w, FAR_C, OFFERED_C, 89 * MS);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	terminal_discovery(&w->otto, NULL);
	terminal_send(w, &w->otto, "s1", w->otto.discovery, w->otto.discovery_length);
	/* Home is shorter still. */
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	assert_int_equal(otto_binding(w)->state, BINDING_HOME);
	world_run(w, 200 * MS);
	assert_int_equal(kernel_fake_count(OTTO_HOME), 1);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 0);
	terminal_read(w, &w->otto);
	assert_true(w->otto.done);
	assert_true(w->otto.registration.uplink_delay > 0);
	otto_clean(w);
	world_free(w);
}

/* He leaves while packets still wait: they go where he goes, and stay there. */
static void test_soft_and_leaves(void **state)
{
	struct world *w = soft_world();
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	world_run(w, SEC);
	w->far[FAR_C].delay = 10 * MS;
	soft_register(w, FAR_C, OFFERED_C, 89 * MS);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	otto_move(&m, MESSAGE_CORE_DISCONNECT, 1, "b.example");
	message_set_text(&m, ATTR_NEXT_SATELLITE, "s1");
	message_set_number(&m, ATTR_BINDING, otto_binding(w)->number);
	w->far[FAR_C].delay = 0;
	far_ask(w, FAR_C, &m);
	world_run(w, SEC);
	/* This core holds for itself now. */
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	world_free(w);
}

/* By a longer way nothing overtakes. */
static void test_soft_longer(void **state)
{
	struct world *w = soft_world();

	(void)state;
	otto_visit(w, FAR_C);
	world_run(w, SEC);
	soft_register(w, FAR_A, OFFERED_A, 30 * MS);
	assert_false(
		message_has(&w->far[FAR_A].last[MESSAGE_AUTHENTICATION_ACK], ATTR_UPLINK_DELAY));
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	assert_int_equal(w->far[FAR_C].last[MESSAGE_RELEASE].mode, MODE_SOFT);
	world_free(w);
}

/* With a short proof, which the target passes on. */
static void test_soft_arrival(void **state)
{
	struct world *w = soft_world();
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	otto_move(&m, MESSAGE_HANDOVER_ANNOUNCEMENT, 1, "c.example");
	otto_says(w, &m);
	world_run(w, SEC);
	assert_int_equal(otto_told(w, MESSAGE_HANDOVER_ANNOUNCEMENT_ACK)->uplink_delay, 20000);
	assert_int_equal(w->far[FAR_C].last[MESSAGE_PROACTIVE_AUTHENTICATION].uplink_delay, 20000);
	otto_arrival(w, FAR_C, 1, &m);
	message_set_number(&m, ATTR_MODE, MODE_SOFT);
	far_ask(w, FAR_C, &m);
	world_run(w, 20 * MS);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	world_run(w, 100 * MS);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].mode, MODE_SOFT);
	assert_int_equal(w->core.handovers.made[MODE_SOFT], 1);
	otto_clean(w);
	world_free(w);
}

/* After a disconnect the old link is gone, whatever the discovery says. */
static void test_soft_after_leaving(void **state)
{
	struct world *w = soft_world();
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	otto_move(&m, MESSAGE_CORE_DISCONNECT, 1, "c.example");
	otto_says(w, &m);
	world_run(w, SEC);
	otto_arrival(w, FAR_C, 1, &m);
	message_set_number(&m, ATTR_MODE, MODE_SOFT);
	far_ask(w, FAR_C, &m);
	world_run(w, SEC);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	assert_false(message_has(&w->far[FAR_A].last[MESSAGE_RELEASE], ATTR_MODE));
	assert_int_equal(w->core.handovers.made[MODE_PROACTIVE], 1);
	otto_clean(w);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_combined),	   cmocka_unit_test(test_root),
		cmocka_unit_test(test_not_combined),	   cmocka_unit_test(test_copy),
		cmocka_unit_test(test_narrowed),	   cmocka_unit_test(test_mode_of_move),
		cmocka_unit_test(test_soft_protected),	   cmocka_unit_test(test_soft_shorter),
		cmocka_unit_test(test_soft_holds),	   cmocka_unit_test(test_soft_holds_late),
		cmocka_unit_test(test_soft_slow_peer),	   cmocka_unit_test(test_soft_refused),
		cmocka_unit_test(test_soft_twice),	   cmocka_unit_test(test_soft_and_leaves),
		cmocka_unit_test(test_soft_longer),	   cmocka_unit_test(test_soft_arrival),
		cmocka_unit_test(test_soft_after_leaving),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
