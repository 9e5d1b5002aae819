/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User data up while the link changes (PROTOCOL section 15.4): numbered packets are sent in every
 * phase of a handover, and none may be lost, none may overtake, and none may leave too early.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel_fake.h"
#include "log.h"
#include "terminal-agent/session.h"
#include "terminal_rig.h"

#define MSEC(n) ((n)*USEC_PER_MSEC)

static struct rig rig;
static struct rig_core a, b;
static unsigned int number; /* of the last packet sent */

static int setup_mode(enum handover_mode mode)
{
	rig_open(&rig);
	rig.config.handover.mode = mode;
	a = rig_core("a.example", 11);
	b = rig_core("b.example", 22);
	number = 0;
	rig_start(&rig);
	rig_register(&rig, "s1", &a);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return setup_mode(MODE_PREDICTIVE);
}

static int setup_soft(void **state)
{
	(void)state;
	return setup_mode(MODE_SOFT);
}

static int setup_combined(void **state)
{
	(void)state;
	return setup_mode(MODE_COMBINED);
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

/* A packet a millisecond. */
static void stream(unsigned int count)
{
	while (count-- > 0) {
		assert_true(rig_send_packet(&rig, ++number));
		rig_pass(&rig, MSEC(1));
	}
}

/* All that was sent has left, in order, and since the packet `from` over this link. */
static void all_left(unsigned int from, const char *link)
{
	assert_int_equal(rig.packet_count, number);
	for (unsigned int i = 0; i < number; i++) {
		assert_int_equal(rig.packets[i].number, i + 1);
		if (i + 1 >= from)
			assert_ptr_equal(rig.packets[i].link, rig_link(&rig, link));
	}
}

/* Ordered to s2; the announcement says that b is prepared. Until the answer to the disconnect. */
static void leave_for_b(uint32_t uplink_delay)
{
	struct message m;

	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now), 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	stream(20);
	rig_prepare(&rig, &b, m.handover_counter);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", uplink_delay);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	stream(20);
	assert_int_equal(rig.packet_count, number);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", uplink_delay);
}

static void cut_over(unsigned int gap)
{
	rig_carrier(&rig, rig.sat1, false);
	rig_carrier(&rig, rig.sat2, false); /* where it was up already */
	stream(gap);
	rig_carrier(&rig, rig.sat2, true);
}

static void reply_prepared(void)
{
	assert_int_equal(rig_reply_prepared(&rig, &b, rig_take_discovery(&rig, "s2")), DROP_NONE);
}

/* ---- a prepared core ------------------------------------------------------------------------ */

static void test_behind_discovery(void **state)
{
	unsigned int held;

	(void)state;
	stream(10);
	leave_for_b(0);
	held = number + 1;
	cut_over(50);
	assert_int_equal(rig.packet_count, held - 1);
	rig_pass(&rig, UPLINK_PAUSE);
	/* The discovery is out, and so is everything that was held; nobody has answered yet. */
	assert_int_equal(rig.sent_count, rig.taken + 1);
	all_left(held, "s2");
	assert_int_equal(rig.packets[held - 1].at, rig.sent[rig.taken].at + UPLINK_PAUSE);
	stream(20);
	all_left(held, "s2");
	assert_int_equal(kernel_fake_count("lock dev sat2"), 2);
	kernel_fake_log_clear();
	reply_prepared();
	assert_int_equal(kernel_fake_calls(), 0); /* nothing was left to do */
	stream(20);
	all_left(held, "s2");
	rig_receive_packet(&rig, "s2");
	assert_int_equal(rig.handovers[0].held, 50);
	assert_int_equal(rig.handovers[0].dropped, 0);
	assert_int_equal(hold_queues(rig.hold), 0);
	assert_int_equal(kernel_fake_count("dev sno-buf-up"), 0);
}

/* The core knows our addresses by the discovery only: nothing leaves before it has answered. */
static void moves_unplaced(void)
{
	unsigned int held;

	stream(10);
	leave_for_b(0);
	held = number + 1;
	cut_over(50);
	stream(20);
	assert_int_equal(rig.packet_count, held - 1);
	reply_prepared();
	stream(5);
	all_left(held, "s2");
}

static void test_unplaced(void **state)
{
	(void)state;
	rig_link(&rig, "s2")->prepared = false; /* as while its interface is not there */
	moves_unplaced();
}

/* Likewise where it was not told behind which satellite they are. */
static void test_unnamed(void **state)
{
	(void)state;
	rig_link(&rig, "s2")->satellite = false;
	/* But not where it was heard which core is there. */
	rig_carrier(&rig, rig.sat2, true);
	assert_int_equal(rig_advertise(&rig, "s2", "b.example", b.epoch), DROP_NONE);
	moves_unplaced();
}

/* Nothing leaves on the dead link: the routes lead to the hold before the modem is told. */
static void test_held_before_break(void **state)
{
	(void)state;
	kernel_fake_log_clear();
	leave_for_b(0);
	assert_int_equal(rig.switches, 1);
	assert_int_equal(kernel_fake_count("dev sno-buf-up"), 2);
	assert_int_equal(kernel_fake_log_find("route delete", 1), 0);
}

static void test_uplink_delay(void **state)
{
	unsigned int held;
	usec_t left;

	(void)state;
	leave_for_b(30000);
	held = number + 1;
	left = rig.now;
	cut_over(10);
	stream(19); /* answered or not, it is too early */
	assert_int_equal(rig.packet_count, held - 1);
	reply_prepared();
	assert_int_equal(rig.packet_count, held - 1);
	stream(1);
	rig_pass(&rig, MSEC(1));
	all_left(held, "s2");
	assert_int_equal(rig.packets[held - 1].at, left + 30000 + UPLINK_MARGIN);
	stream(10);
	all_left(held, "s2");
}

/* The core that is left names a delay of more than an hour: it is borne as long as packets are. */
static void test_uplink_delay_bounded(void **state)
{
	unsigned int before;

	(void)state;
	rig.config.handover.hold.time = MSEC(300);
	leave_for_b(UINT32_MAX);
	cut_over(10);
	reply_prepared();
	before = rig.packet_count;
	rig_pass(&rig, MSEC(302));
	stream(10);
	assert_true(rig.packet_count >= before + 10);
	assert_int_equal(kernel_fake_count("dev sno-buf-up"), 0);
}

/* The first discovery and what was behind it is lost: the rest waits for the answer. */
static void test_discovery_lost(void **state)
{
	unsigned int before;

	(void)state;
	leave_for_b(0);
	cut_over(5);
	rig_take_discovery(&rig, "s2");
	stream(499);
	before = rig.packet_count;
	assert_int_equal(before, number);
	rig_pass(&rig, MSEC(2));
	stream(30);
	assert_int_equal(rig.packet_count, before);
	reply_prepared();
	all_left(before + 1, "s2");
}

/* The target says no: another core registers the terminal the full way. */
static void test_other_core(void **state)
{
	(void)state;
	leave_for_b(0);
	cut_over(5);
	stream(40);
	rig_reply(&rig, &b, rig_take_discovery(&rig, "s2"), REASON_ACCEPTED);
	stream(10);
	all_left(number, "s2");
}

static void test_link_flaps(void **state)
{
	unsigned int before;

	(void)state;
	leave_for_b(0);
	cut_over(5);
	stream(5);
	before = number;
	rig_carrier(&rig, rig.sat2, false);
	stream(10);
	assert_int_equal(rig.packet_count, before);
	rig_take_discovery(&rig, "s2");
	rig_carrier(&rig, rig.sat2, true);
	stream(5);
	rig_reply(&rig, &b, rig_take_discovery(&rig, "s2"), REASON_ACCEPTED);
	all_left(before + 1, "s2");
}

/* ---- no prepared core ---------------------------------------------------------------------- */

static void test_unannounced(void **state)
{
	unsigned int held;

	(void)state;
	stream(5);
	rig_carrier(&rig, rig.sat1, false);
	held = number + 1;
	assert_int_equal(kernel_fake_count("dev sno-buf-up"), 2);
	stream(100);
	rig_carrier(&rig, rig.sat2, true);
	stream(60);
	assert_int_equal(rig.packet_count, held - 1);
	b.uplink_delay = 300000; /* since it was lost */
	rig_reply(&rig, &b, rig_take_discovery(&rig, "s2"), REASON_ACCEPTED);
	assert_int_equal(rig.packet_count, held - 1);
	stream(139);
	assert_int_equal(rig.packet_count, held - 1);
	stream(2);
	all_left(held, "s2");
	assert_int_equal(kernel_fake_count("dev sno-buf-up"), 0);
}

static void test_same_link_again(void **state)
{
	(void)state;
	rig_carrier(&rig, rig.sat1, false);
	stream(30);
	rig_carrier(&rig, rig.sat1, true);
	stream(30);
	rig_register(&rig, "s1", &a);
	stream(5);
	all_left(1, "s1");
}

static void test_interface_down(void **state)
{
	(void)state;
	kernel_link_set_up(rig.kernel, rig.sat1, false);
	rig_turn(&rig);
	stream(30);
	kernel_link_set_up(rig.kernel, rig.sat1, true);
	rig_turn(&rig);
	rig_register(&rig, "s1", &a);
	all_left(1, "s1");
}

/* What waits too long is dropped, and counted. */
static void test_limits(void **state)
{
	(void)state;
	rig_carrier(&rig, rig.sat1, false);
	stream(1500);
	rig_carrier(&rig, rig.sat2, true);
	rig_register(&rig, "s2", &b);
	assert_int_equal(rig.packet_count, 1000);
	assert_int_equal(rig.packets[999].number, 1000);
	assert_int_equal(rig.handovers[0].held, 1500);
	assert_int_equal(rig.handovers[0].dropped, 500);
	rig.packet_count = number = 0;
	rig_carrier(&rig, rig.sat2, false);
	stream(100);
	rig_pass(&rig, MSEC(1950));
	rig_carrier(&rig, rig.sat1, true);
	rig_register(&rig, "s1", &a);
	assert_int_equal(rig.packets[0].number, 52); /* sent 1,999 ms ago */
	assert_int_equal(rig.packet_count, 49);
}

static void test_baseline_holds_nothing(void **state)
{
	struct message m;

	(void)state;
	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now), 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_false(message_has(&m, ATTR_HANDOVER_COUNTER));
	rig_ack(&rig, "s1", &a, MESSAGE_DISCONNECTION_ACK, m.id);
	rig_carrier(&rig, rig.sat1, false);
	assert_false(rig_send_packet(&rig, 1));
	rig_carrier(&rig, rig.sat2, true);
	assert_false(rig_send_packet(&rig, 2));
	rig_register(&rig, "s2", &b);
	assert_true(rig_send_packet(&rig, 3));
	assert_int_equal(rig.packets[0].number, 3);
}

/* ---- soft ---------------------------------------------------------------------------------- */

static void test_soft(void **state)
{
	unsigned int held;
	usec_t last;

	(void)state;
	rig_carrier(&rig, rig.sat2, true);
	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now), 0);
	stream(60);
	all_left(1, "s1");
	b.uplink_delay = 15000;
	rig_reply(&rig, &b, rig_take_discovery(&rig, "s2"), REASON_ACCEPTED);
	held = number + 1;
	last = rig.now;
	stream(14);
	assert_int_equal(rig.packet_count, held - 1);
	stream(2);
	all_left(held, "s2");
	assert_true(rig.packets[held - 1].at >= last + 15000);
	stream(10);
	all_left(held, "s2");
}

/* No delay is told for it: what remains is the margin. */
static void test_soft_longer_way(void **state)
{
	(void)state;
	rig_carrier(&rig, rig.sat2, true);
	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now), 0);
	rig_reply(&rig, &b, rig_take_discovery(&rig, "s2"), REASON_ACCEPTED);
	stream(2);
	all_left(1, "s2");
	assert_int_equal(kernel_fake_count("dev sno-buf-up"), 0);
	stream(10);
	all_left(1, "s2");
}

/* The first registration of all and a renewal on the same link hold nothing. */
static void test_nothing_to_overtake(void **state)
{
	(void)state;
	assert_int_equal(kernel_fake_log_find("dev sno-buf-up", 1), 0);
	rig_pass(&rig, 200 * USEC_PER_SEC);
	rig_register(&rig, "s1", &a);
	assert_int_equal(kernel_fake_log_find("dev sno-buf-up", 1), 0);
}

/* ---- when something fails ------------------------------------------------------------------ */

/* From held to registered with the nth change refused, for every n: nothing gets lost. */
static void test_refused(void **state)
{
	unsigned int n = 0;
	bool failed;

	(void)state;
	do {
		teardown(state);
		setup(state);
		stream(3);
		leave_for_b(0);
		rig_carrier(&rig, rig.sat1, false);
		stream(3);
		kernel_fake_fail_at(++n, -ENOSPC);
		rig_carrier(&rig, rig.sat2, true);
		stream(3);
		rig_pass(&rig, 2 * USEC_PER_SEC - MSEC(20));
		while (rig.session.state != SESSION_REGISTERED) {
			const struct rig_sent *sent = NULL, *next;

			while ((next = rig_take(&rig)))
				sent = next;
			if (sent)
				rig_reply(&rig, &b, sent, REASON_ACCEPTED);
			else
				rig_pass(&rig, MSEC(100));
		}
		failed = kernel_fake_failed();
		kernel_fake_fail_at(0, 0);
		stream(3);
		all_left(number - 2, "s2");
	} while (failed);
	assert_true(n > 3);
}

/* The hold cannot be had: it goes on without. */
static void test_no_hold(void **state)
{
	(void)state;
	uplink_use(&rig.session.uplink, NULL, 0);
	leave_for_b(0);
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	rig_carrier(&rig, rig.sat1, false);
	assert_false(rig_send_packet(&rig, 99));
	rig_carrier(&rig, rig.sat2, true);
	reply_prepared();
	stream(3);
	assert_ptr_equal(rig.packets[rig.packet_count - 1].link, rig_link(&rig, "s2"));
}

static void test_socket_full(void **state)
{
	unsigned int held;

	(void)state;
	leave_for_b(0);
	held = number + 1;
	rig.full = true;
	cut_over(10);
	stream(10);
	assert_int_equal(rig.packet_count, held - 1);
	reply_prepared();
	stream(3);
	assert_int_equal(rig.packet_count, held - 1);
	rig.full = false;
	stream(2);
	all_left(held, "s2");
}

/* A stream as fast as the agent takes its way through it, in order, and the routes wait for a
 * second. */
static void test_dense(void **state)
{
	unsigned int held, ms = 0;

	(void)state;
	leave_for_b(0);
	held = number + 1;
	cut_over(10);
	rig.dense = true;
	reply_prepared();
	for (; kernel_fake_count("dev sno-buf-up") > 0 && ms < 3000; ms++)
		rig_pass(&rig, MSEC(1));
	assert_in_range(ms, 900, 1100);
	rig.dense = false;
	stream(5);
	all_left(held, "s2");
}

/* Ordered to s2, and all that was held has just left over it. */
static void arrive(void)
{
	leave_for_b(0);
	cut_over(10);
	reply_prepared();
	rig_pass(&rig, UPLINK_PAUSE);
	assert_int_equal(rig.packet_count, number);
	assert_int_equal(kernel_fake_count("dev sno-buf-up"), 0);
}

/* What comes to the device while the routes are changed is not overtaken. */
static void test_gate(void **state)
{
	unsigned int held;

	(void)state;
	arrive();
	held = number + 1;
	rig_straggle(&rig, ++number);
	assert_true(rig_send_packet(&rig, ++number));
	rig_straggle(&rig, ++number);
	assert_true(rig_send_packet(&rig, ++number));
	rig_turn(&rig);
	assert_true(rig.gate.until > 0);
	assert_true(rig_send_packet(&rig, ++number)); /* nothing is behind: at once */
	all_left(held, "s2");
	rig_pass(&rig, HOLD_LINGER);
	assert_int_equal(rig.gate.until, 0);
	assert_int_equal(hold_queues(rig.hold), 0);
}

/* The device has lost a packet: nobody waits for it for long. */
static void test_gate_lost(void **state)
{
	(void)state;
	arrive();
	rig.gate.held++;
	stream(2);
	assert_true(rig.gate.until > 0);
	rig_pass(&rig, 3 * HOLD_LINGER);
	assert_int_equal(rig.gate.until, 0);
	assert_int_equal(hold_queues(rig.hold), 0);
	stream(2);
	assert_int_equal(rig.packet_count, number);
}

/* More comes than goes: others wait for a second at most, also when the agent dies in it. */
static void test_gate_dense(void **state)
{
	unsigned int ms = 0;

	(void)state;
	arrive();
	assert_in_range(rig.gate.until, (uint64_t)rig.now * 1000,
			(uint64_t)(rig.now + UPLINK_PATIENCE) * 1000);
	for (; rig.gate.until > 0 && ms < 3000; ms++) {
		rig_straggle(&rig, ++number);
		rig.gate.held++;
		rig_pass(&rig, MSEC(1));
	}
	assert_in_range(ms, 900, 1100);
	rig_pass(&rig, HOLD_LINGER);
	assert_int_equal(hold_queues(rig.hold), 0);
}

/* The next link comes before the last release is over. */
static void test_gate_lifted(void **state)
{
	(void)state;
	arrive();
	rig_straggle(&rig, ++number);
	assert_int_equal(uplink_hold(&rig.session.uplink, rig.now), 0);
	assert_int_equal(rig.gate.until, 0);
	assert_true(kernel_fake_count("dev sno-buf-up") > 0);
}

/* Somebody removes the device in the middle; the agent makes another one. */
static void test_device_removed(void **state)
{
	unsigned int held;

	(void)state;
	leave_for_b(0);
	held = number + 1;
	rig_carrier(&rig, rig.sat1, false);
	stream(5);
	kernel_link_delete(rig.kernel, rig.buffer);
	rig_turn(&rig);
	assert_false(rig_send_packet(&rig, 99));
	rig.buffer = kernel_fake_link("sno-buf-up", "tun");
	kernel_link_set_up(rig.kernel, rig.buffer, true);
	uplink_use(&rig.session.uplink, rig.hold, rig.buffer);
	stream(5);
	rig_carrier(&rig, rig.sat2, true);
	reply_prepared();
	rig_pass(&rig, UPLINK_PAUSE);
	all_left(held, "s2");
}

static void test_restart(void **state)
{
	(void)state;
	leave_for_b(0);
	rig_carrier(&rig, rig.sat1, false);
	stream(5);
	rig_kill(&rig);
	assert_int_equal(kernel_fake_count("route"), 0); /* with the device */
	rig.packet_count = number = 0;
	rig_restart(&rig);
	assert_int_equal(rig.session.state, SESSION_DOWN);
	rig_carrier(&rig, rig.sat2, true);
	rig_register(&rig, "s2", &b);
	stream(5);
	all_left(1, "s2");
	assert_int_equal(kernel_fake_count("address " RIG_HOA4), 1);
}

static void test_link_removed(void **state)
{
	struct link_config configs[2];

	(void)state;
	leave_for_b(0);
	rig_carrier(&rig, rig.sat1, false);
	stream(5);
	/* A reload takes the old link out, and the new one with it. */
	configs[0] = (struct link_config){NULL, "sat3", NULL};
	rig.config.links = configs;
	rig.config.link_count = 1;
	assert_int_equal(links_configure(&rig.links, &rig.config, rig.now), 0);
	assert_int_equal(rig.session.state, SESSION_DOWN);
	assert_null(rig.session.move.target);
	stream(5);
	rig_carrier(&rig, rig.sat3, true);
	rig_register(&rig, "sat3", &b);
	all_left(number - 9, "sat3");
}

static void test_deregister(void **state)
{
	(void)state;
	rig_carrier(&rig, rig.sat1, false);
	stream(5);
	session_deregister(&rig.session, rig.now);
	assert_int_equal(rig.session.state, SESSION_DOWN);
	assert_int_equal(kernel_fake_count("route"), 0);
	assert_int_equal(hold_queues(rig.hold), 0);
	assert_false(rig_send_packet(&rig, 1));
	rig_carrier(&rig, rig.sat1, true);
	assert_int_equal(session_connect(&rig.session, rig.now), 0);
	rig.packet_count = number = 0;
	rig_register(&rig, "s1", &a);
	stream(5);
	all_left(1, "s1");
}

#define TEST(name)     cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
#define SOFT(name)     cmocka_unit_test_setup_teardown(test_##name, setup_soft, teardown)
#define COMBINED(name) cmocka_unit_test_setup_teardown(test_##name, setup_combined, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(behind_discovery),
		TEST(unplaced),
		TEST(unnamed),
		TEST(held_before_break),
		TEST(uplink_delay),
		TEST(uplink_delay_bounded),
		TEST(discovery_lost),
		TEST(other_core),
		TEST(link_flaps),
		TEST(unannounced),
		TEST(same_link_again),
		TEST(interface_down),
		TEST(limits),
		COMBINED(baseline_holds_nothing),
		SOFT(soft),
		SOFT(soft_longer_way),
		SOFT(nothing_to_overtake),
		TEST(refused),
		TEST(no_hold),
		TEST(socket_full),
		TEST(dense),
		TEST(gate),
		TEST(gate_lost),
		TEST(gate_dense),
		TEST(gate_lifted),
		TEST(device_removed),
		TEST(restart),
		TEST(link_removed),
		TEST(deregister),
	};

	assert_int_equal(keys_init(), 0);
	log_set_level(LOG_LEVEL_ERROR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
