/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Soft moves over two links (PROTOCOL section 15.5), and what a terminal measures of each handover
 * (section 15.7).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kernel_fake.h"
#include "log.h"
#include "terminal-agent/session.h"
#include "terminal_rig.h"

#define MSEC(n) ((n)*USEC_PER_MSEC)

static struct rig rig;
static struct rig_core a, b, c;

static int open_rig(enum handover_mode mode)
{
	rig_open(&rig);
	rig.config.handover.mode = mode;
	a = rig_core("a.example", 11);
	b = rig_core("b.example", 22);
	c = rig_core("c.example", 33);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return open_rig(MODE_PREDICTIVE);
}

static int setup_soft(void **state)
{
	(void)state;
	return open_rig(MODE_SOFT);
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

static void registered_at_a(void)
{
	rig_start(&rig);
	rig_register(&rig, "s1", &a);
}

/* ---- soft ---------------------------------------------------------------------------------- */

static void test_soft(void **state)
{
	const struct rig_sent *sent;
	struct message m;

	(void)state;
	registered_at_a();
	rig_carrier(&rig, rig.sat2, true);
	rig_order(&rig, "s2", 0);
	assert_int_equal(rig.switches, 0);
	sent = rig_take_discovery(&rig, "s2");
	m = rig_identity(&rig, sent);
	assert_int_equal(m.mode, MODE_SOFT);
	assert_true(rig_send_packet(&rig, 1));
	assert_ptr_equal(rig.packets[0].link, rig_link(&rig, "s1"));
	b.mode = MODE_COMBINED; /* as far as that core knows */
	rig_reply(&rig, &b, sent, REASON_ACCEPTED);
	assert_true(rig_send_packet(&rig, 2));
	rig_pass(&rig, UPLINK_MARGIN);
	assert_ptr_equal(rig.packets[1].link, rig_link(&rig, "s2"));
	assert_int_equal(kernel_fake_count("lock dev sat2"), 2);
	rig_receive_packet(&rig, "s2");
	m = rig_take_done(&rig, "s2", &b);
	assert_int_equal(m.mode, MODE_SOFT);
	assert_int_equal(m.gap, 0);
	assert_int_equal(m.first_packet, UPLINK_MARGIN);
	assert_int_equal(rig.handovers[0].held, 1);
	rig_no_more(&rig);
	/* Who put the second link up takes the first one down. */
	rig_pass(&rig, 10 * USEC_PER_SEC);
	rig_carrier(&rig, rig.sat1, false);
	rig_no_more(&rig);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
	assert_int_equal(rig.switches, 0);
}

/* It takes a while to prove the answer, and meanwhile packets leave by the old link. */
static void test_soft_slow(void **state)
{
	const struct rig_sent *sent;

	(void)state;
	registered_at_a();
	rig_carrier(&rig, rig.sat2, true);
	rig_order(&rig, "s2", 0);
	sent = rig_take_discovery(&rig, "s2");
	b.uplink_delay = 10000;
	rig.handling = MSEC(3);
	rig_reply(&rig, &b, sent, REASON_ACCEPTED);
	rig.handling = 0;
	assert_true(rig_send_packet(&rig, 1));
	rig_pass(&rig, MSEC(10) + UPLINK_MARGIN - 1);
	assert_int_equal(rig.packet_count, 0);
	rig_pass(&rig, 1);
	assert_int_equal(rig.packet_count, 1);
}

/* With what the schedule says the target may be prepared: MODE is told to it as well. */
static void test_soft_prepared(void **state)
{
	const struct rig_sent *sent;

	(void)state;
	registered_at_a();
	rig_carrier(&rig, rig.sat2, true);
	rig_advertise(&rig, "s2", "b.example", 22);
	rig_prepare(&rig, &b, 1);
	rig_order(&rig, "s2", 0);
	sent = rig_take_discovery(&rig, "s2");
	assert_int_equal(rig_discovery(sent).mode, MODE_SOFT);
	b.mode = MODE_PREDICTIVE;
	assert_int_equal(rig_reply_prepared(&rig, &b, sent), DROP_NONE);
	assert_int_equal(rig.handovers[0].mode, MODE_SOFT);
}

static void test_soft_unanswered(void **state)
{
	(void)state;
	registered_at_a();
	rig_carrier(&rig, rig.sat2, true);
	rig_order(&rig, "s2", 0);
	rig_pass(&rig, MSEC(7501));
	for (int i = 0; i < 4; i++)
		rig_take_discovery(&rig, "s2");
	assert_int_equal(kernel_fake_count("lock dev sat1"), 2);
	assert_int_equal(rig_identity(&rig, rig.sent + rig.taken).mode, 0);
	rig_register(&rig, "s1", &a);
	assert_int_equal(rig.handover_count, 0);
}

/* A third link takes it over: that is not soft any more. */
static void test_soft_elsewhere(void **state)
{
	(void)state;
	registered_at_a();
	rig_carrier(&rig, rig.sat2, true);
	rig_carrier(&rig, rig.sat3, true);
	rig_order(&rig, "s2", 0);
	rig_pass(&rig, MSEC(7501));
	for (int i = 0; i < 4; i++)
		rig_take_discovery(&rig, "s2");
	c.mode = MODE_COMBINED;
	rig_register(&rig, "sat3", &c);
	assert_int_equal(rig.handovers[0].mode, MODE_COMBINED);
	assert_null(rig.session.leaving.link);
}

static void test_soft_back(void **state)
{
	(void)state;
	registered_at_a();
	rig_carrier(&rig, rig.sat2, true);
	rig_order(&rig, "s2", 0);
	rig_take_discovery(&rig, "s2");
	rig_order(&rig, "s1", 0);
	assert_int_equal(kernel_fake_count("lock dev sat1"), 2);
	rig_register(&rig, "s1", &a);
	rig_no_more(&rig);
}

static void test_soft_old_breaks(void **state)
{
	const struct rig_sent *sent;

	(void)state;
	registered_at_a();
	rig_carrier(&rig, rig.sat2, true);
	rig_order(&rig, "s2", 0);
	sent = rig_take_discovery(&rig, "s2");
	assert_true(rig_send_packet(&rig, 1));
	rig_carrier(&rig, rig.sat1, false);
	assert_int_equal(rig.session.state, SESSION_DISCOVERING);
	assert_true(rig_send_packet(&rig, 2));
	assert_int_equal(rig.packet_count, 1);
	rig_pass(&rig, MSEC(60));
	b.mode = MODE_COMBINED;
	rig_reply(&rig, &b, sent, REASON_ACCEPTED);
	assert_int_equal(rig.handovers[0].mode, MODE_COMBINED);
	assert_int_equal(rig.packet_count, 2);
	assert_ptr_equal(rig.packets[1].link, rig_link(&rig, "s2"));
}

static void self_administrative(void)
{
	rig.config.switching.mode = SWITCHING_SELF;
	rig.config.switching.administrative = true;
	rig.switch_result = 1;
	kernel_link_set_up(rig.kernel, rig.sat2, false);
}

static void test_soft_raised(void **state)
{
	(void)state;
	self_administrative();
	registered_at_a();
	rig_order(&rig, "s2", 0);
	rig_no_more(&rig);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
	rig_pass(&rig, MSEC(300));
	rig_carrier(&rig, rig.sat2, true);
	rig_register(&rig, "s2", &b);
	assert_int_equal(rig.switches, 0);
	rig_pass(&rig, MSEC(1999));
	assert_int_equal(kernel_fake_log_find("sat1 down", 1), 0);
	kernel_fake_log_clear();
	rig_pass(&rig, MSEC(2));
	assert_int_equal(kernel_fake_log_find("sat1 down", 1), 1);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
}

/* One radio for both: the second link does not come up beside the first. */
static void test_not_beside(void **state)
{
	struct message m;

	(void)state;
	self_administrative();
	registered_at_a();
	kernel_fake_log_clear();
	rig_order(&rig, "s2", 0);
	rig_pass(&rig, MSEC(1999));
	rig_no_more(&rig);
	rig_pass(&rig, MSEC(2));
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_int_equal(kernel_fake_log_find("sat2 down", 1) > 0, 1);
	rig_prepare(&rig, &b, m.handover_counter);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	assert_int_equal(rig.switches, 1);
	kernel_link_set_up(rig.kernel, rig.sat2, true);
	rig_cut_over(&rig, MSEC(50));
	rig_arrive_prepared(&rig, &b);
}

/* ---- measuring ------------------------------------------------------------------------------ */

static void test_first_packet(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	m = rig_announce(&rig, &a, &b, 0);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	assert_true(rig_send_packet(&rig, 1));
	rig_cut_over(&rig, MSEC(50));
	rig.now += MSEC(20);
	b.mode = MODE_PREDICTIVE;
	assert_int_equal(rig_reply_prepared(&rig, &b, rig_take_discovery(&rig, "s2")), DROP_NONE);
	/* It is listed at once, and told when it is known. */
	assert_int_equal(rig.handover_count, 1);
	assert_int_equal(rig.measured_count, 0);
	rig_no_more(&rig);
	rig_pass(&rig, MSEC(3));
	rig_receive_packet(&rig, "s2");
	m = rig_take_done(&rig, "s2", &b);
	assert_int_equal(m.gap, 50000);
	assert_int_equal(m.registration_time, 20000);
	assert_int_equal(m.mode, MODE_PREDICTIVE);
	assert_int_equal(m.first_packet, 23000);
	assert_int_equal(m.buffered, 1);
	assert_int_equal(m.dropped, 0);
	assert_int_equal(rig.measured_count, 1);
	assert_int_equal(rig.handovers[0].first_packet, 23000);
	rig_receive_packet(&rig, "s2");
	rig_no_more(&rig);
}

/* What is lost while the first ones have not left is told, though packets come down already. */
static void test_dropped_at_last(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	m = rig_announce(&rig, &a, &b, 0);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	for (unsigned int i = 1; i <= 1000; i++) /* as many as may be held */
		assert_true(rig_send_packet(&rig, i));
	rig_cut_over(&rig, MSEC(50));
	assert_int_equal(rig_reply_prepared(&rig, &b, rig_take_discovery(&rig, "s2")), DROP_NONE);
	rig_receive_packet(&rig, "s2");
	rig_no_more(&rig);
	assert_true(rig_send_packet(&rig, 1001));
	rig_pass(&rig, MSEC(3));
	m = rig_take_done(&rig, "s2", &b);
	assert_int_equal(rig.packet_count, 1000);
	assert_int_equal(rig.packets[999].number, 1000);
	assert_int_equal(m.first_packet, 0);
	assert_int_equal(m.buffered, 1000);
	assert_int_equal(m.dropped, 1);
}

static void test_no_first_packet(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	m = rig_announce(&rig, &a, &b, 0);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, MSEC(50));
	assert_int_equal(rig_reply_prepared(&rig, &b, rig_take_discovery(&rig, "s2")), DROP_NONE);
	rig_pass(&rig, MSEC(499));
	rig_no_more(&rig);
	assert_non_null(rig.watched);
	rig_pass(&rig, MSEC(2));
	m = rig_take_done(&rig, "s2", &b);
	assert_false(message_has(&m, ATTR_FIRST_PACKET));
	assert_null(rig.watched);
	/* What begins before that does not wait for it. */
	session_switched(&rig.session, 0, rig.now);
	rig_order(&rig, "s1", 0);
	m = rig_take_sealed(&rig, &b, MESSAGE_HANDOVER_ANNOUNCEMENT);
	rig_ack_move(&rig, "s2", &b, &m, REASON_ACCEPTED, "a.example", 0);
	m = rig_take_sealed(&rig, &b, MESSAGE_CORE_DISCONNECT);
	rig_ack_move(&rig, "s2", &b, &m, REASON_ACCEPTED, "a.example", 0);
	rig_carrier(&rig, rig.sat2, false);
	rig_prepare(&rig, &a, m.handover_counter);
	rig_carrier(&rig, rig.sat1, true);
	assert_int_equal(rig_reply_prepared(&rig, &a, rig_take_discovery(&rig, "s1")), DROP_NONE);
	session_deregister(&rig.session, rig.now);
	rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_DONE);
	rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
}

/* The next registration comes before the first packet: each handover is told of. */
static void test_no_time_to_measure(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	m = rig_announce(&rig, &a, &b, 0);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, MSEC(50));
	assert_int_equal(rig_reply_prepared(&rig, &b, rig_take_discovery(&rig, "s2")), DROP_NONE);
	rig_carrier(&rig, rig.sat2, false);
	rig_carrier(&rig, rig.sat3, true);
	rig_pass(&rig, MSEC(70));
	rig_reply(&rig, &c, rig_take_discovery(&rig, "sat3"), REASON_ACCEPTED);
	assert_int_equal(rig.handover_count, 2);
	assert_int_equal(rig.measured_count, 1);
	rig_receive_packet(&rig, "sat3");
	assert_int_equal(rig.measured_count, 2);
	assert_int_equal(rig.handovers[0].first_packet, -1);
	assert_int_equal(rig.handovers[1].first_packet, MSEC(70));
}

#define SOFT(name) cmocka_unit_test_setup_teardown(test_##name, setup_soft, teardown)
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SOFT(soft),
		SOFT(soft_slow),
		SOFT(soft_prepared),
		SOFT(soft_unanswered),
		SOFT(soft_elsewhere),
		SOFT(soft_back),
		SOFT(soft_old_breaks),
		SOFT(soft_raised),
		SOFT(not_beside),
		TEST(first_packet),
		TEST(dropped_at_last),
		TEST(no_first_packet),
		TEST(no_time_to_measure),
	};

	assert_int_equal(keys_init(), 0);
	log_set_level(LOG_LEVEL_ERROR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
