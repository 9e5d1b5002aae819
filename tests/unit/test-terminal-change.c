/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A satellite changes its core at a time that the schedule tells: who is right when what was heard,
 * what is answered and what is planned do not agree (PROTOCOL section 7.1).
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
static struct rig_core a, b;

static int open_rig(enum handover_mode mode)
{
	rig_open(&rig);
	rig.config.handover.mode = mode;
	a = rig_core("a.example", 11);
	b = rig_core("b.example", 22);
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

/* 10 seconds from now s1 goes from a to b, and s2 from b to a. */
static void swap_in_10_seconds(void)
{
	rig_start(&rig);
	rig_register(&rig, "s1", &a);
	rig_schedule(&rig, "from,until,satellite,core,station\n"
			   "2026-01-01T00:00:00Z,2026-01-01T00:00:10Z,s1,a.example,g\n"
			   "2026-01-01T00:00:10Z,2026-01-01T01:00:00Z,s1,b.example,h\n"
			   "2026-01-01T00:00:00Z,2026-01-01T00:00:10Z,s2,b.example,h\n"
			   "2026-01-01T00:00:10Z,2026-01-01T01:00:00Z,s2,a.example,g\n");
}

static void until(usec_t msec)
{
	rig_pass(&rig, 1000 * USEC_PER_SEC + MSEC(msec) - rig.now);
}

/* Both links are up, s2 was heard of b, and then the terminal goes there: the discovery. */
static const struct rig_sent *discovery_on_s2(usec_t heard, usec_t at)
{
	swap_in_10_seconds();
	rig_carrier(&rig, rig.sat2, true);
	until(heard);
	rig_advertise(&rig, "s2", "b.example", 22);
	until(at);
	rig_no_more(&rig);
	rig_order(&rig, "s2", 0);
	return rig_take_discovery(&rig, "s2");
}

static const char *named(const struct rig_sent *discovery)
{
	static struct message m;

	m = rig_identity(&rig, discovery);
	return message_has(&m, ATTR_CORE) ? m.core : "";
}

/* ---- what was heard ------------------------------------------------------------------------ */

static void test_heard_before(void **state)
{
	(void)state;
	assert_string_equal(named(discovery_on_s2(9900, 10010)), "a.example");
}

/* It may be late, and drains for a while. */
static void test_heard_after(void **state)
{
	(void)state;
	assert_string_equal(named(discovery_on_s2(10009, 10010)), "a.example");
}

/* But not for ever: then it is the schedule that is wrong. */
static void test_heard_long_after(void **state)
{
	(void)state;
	assert_string_equal(named(discovery_on_s2(11001, 11002)), "b.example");
}

/* What the former core has said is on its way still; registered is registered. */
static void test_former_core(void **state)
{
	(void)state;
	swap_in_10_seconds();
	until(10001);
	rig_advertise(&rig, "s1", "b.example", 22);
	rig_register(&rig, "s1", &b);
	rig_advertise(&rig, "s1", "a.example", 11);
	rig_pass(&rig, MSEC(990));
	rig_no_more(&rig);
	/* Now it is the schedule that is wrong. */
	until(11500);
	rig_advertise(&rig, "s1", "a.example", 11);
	rig_register(&rig, "s1", &a);
}

/* It has just registered with the core before, which was started again. */
static void registered_just_before(void)
{
	swap_in_10_seconds();
	until(9990);
	a.epoch = 12;
	rig_advertise(&rig, "s1", "a.example", 12);
	rig_register(&rig, "s1", &a);
	until(10003);
}

/* That is no reason to wait. */
static void test_new_core(void **state)
{
	(void)state;
	registered_just_before();
	rig_advertise(&rig, "s1", "b.example", 22);
	rig_register(&rig, "s1", &b);
}

/* Nobody has expected that one: once a second. */
static void test_other_core(void **state)
{
	(void)state;
	registered_just_before();
	rig_advertise(&rig, "s1", "c.example", 33);
	rig_pass(&rig, MSEC(980));
	rig_no_more(&rig);
}

/* ---- what is answered ---------------------------------------------------------------------- */

/* Sent before the change, in the name of the core that was there then, and come after it. */
static void test_too_late(void **state)
{
	const struct rig_sent *sent = discovery_on_s2(9900, 9999);

	(void)state;
	assert_string_equal(named(sent), "b.example");
	until(10005);
	rig_reply(&rig, &a, sent, REASON_WRONG_CORE);
	sent = rig_take_discovery(&rig, "s2");
	assert_int_equal(sent->at, 1000 * USEC_PER_SEC + MSEC(10005));
	assert_string_equal(named(sent), "a.example");
	rig_reply(&rig, &a, sent, REASON_ACCEPTED);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
}

/* The satellite is late: it gets some time, but not for ever. */
static void test_too_early(void **state)
{
	const struct rig_sent *sent = discovery_on_s2(9900, 10010);

	(void)state;
	for (int i = 0; i < 5; i++) {
		rig_reply(&rig, &b, sent, REASON_WRONG_CORE);
		rig_pass(&rig, MSEC(19));
		rig_no_more(&rig);
		rig_pass(&rig, MSEC(1));
		sent = rig_take_discovery(&rig, "s2");
		assert_string_equal(named(sent), "a.example");
	}
	rig_reply(&rig, &b, sent, REASON_WRONG_CORE);
	rig_pass(&rig, MSEC(990));
	rig_no_more(&rig);
	/* Until then the old link is in use. */
	assert_true(rig_send_packet(&rig, 1));
}

/* Without a change nobody knows better than the back-off. */
static void test_wrong_core(void **state)
{
	const struct rig_sent *sent = discovery_on_s2(7000, 8000);

	(void)state;
	rig_reply(&rig, &a, sent, REASON_WRONG_CORE);
	rig_pass(&rig, MSEC(990));
	rig_no_more(&rig);
}

/* The former core has answered, but it is not there any more. */
static void test_answered_before(void **state)
{
	const struct rig_sent *sent = discovery_on_s2(9900, 9995);

	(void)state;
	until(10004);
	rig_reply(&rig, &b, sent, REASON_ACCEPTED);
	assert_string_equal(named(rig_take_discovery(&rig, "s2")), "a.example");
}

/* There was no core, and now there is one: who asks does not wait until it is his turn. */
static void test_heard_at_last(void **state)
{
	(void)state;
	rig_start(&rig);
	rig_take_discovery(&rig, "s1");
	rig_pass(&rig, MSEC(1600));
	rig_take_discovery(&rig, "s1");
	rig_take_discovery(&rig, "s1");
	rig_pass(&rig, MSEC(400));
	rig_advertise(&rig, "s1", "a.example", 11);
	rig_register(&rig, "s1", &a);
}

/* Heard once, it is no news any more. */
static void test_heard_again(void **state)
{
	(void)state;
	rig_start(&rig);
	rig_take_discovery(&rig, "s1");
	rig_advertise(&rig, "s1", "a.example", 11);
	rig_pass(&rig, MSEC(499));
	for (int i = 0; i < 100; i++)
		rig_advertise(&rig, "s1", "a.example", 11);
	rig_no_more(&rig);
}

/* ---- what is planned ----------------------------------------------------------------------- */

/* Goes softly to s2 when it has changed: nothing is sent to who is not there any more. */
static void order_for_the_swap(void)
{
	swap_in_10_seconds();
	rig_carrier(&rig, rig.sat2, true);
	until(9000);
	rig_advertise(&rig, "s2", "b.example", 22);
	rig_order(&rig, "s2", MSEC(1010));
}

static void test_swap(void **state)
{
	const struct rig_sent *sent;

	(void)state;
	order_for_the_swap();
	until(9984);
	assert_true(rig_send_packet(&rig, 1));
	assert_int_equal(rig.packet_count, 1);
	until(9986);
	assert_true(rig_send_packet(&rig, 2));
	/* The next one is for who stays. */
	until(10001);
	rig_advertise(&rig, "s1", "b.example", 22);
	until(10009);
	assert_true(rig_send_packet(&rig, 3));
	rig_no_more(&rig);
	until(10011);
	sent = rig_take_discovery(&rig, "s2");
	assert_int_equal(rig_identity(&rig, sent).mode, MODE_SOFT);
	assert_int_equal(rig.packet_count, 1);
	rig_reply(&rig, &a, sent, REASON_ACCEPTED);
	rig_pass(&rig, MSEC(1));
	assert_int_equal(rig.packet_count, 3);
	assert_ptr_equal(rig.packets[0].link, rig_link(&rig, "s1"));
	assert_ptr_equal(rig.packets[1].link, rig_link(&rig, "s2"));
}

/* Something else is wanted in the last moment: what waits leaves by where it is registered. */
static void test_swap_dropped(void **state)
{
	(void)state;
	order_for_the_swap();
	until(9990);
	assert_true(rig_send_packet(&rig, 1));
	assert_int_equal(rig.packet_count, 0);
	rig_order(&rig, "sat3", MSEC(500));
	rig_pass(&rig, MSEC(3));
	assert_int_equal(rig.packet_count, 1);
	assert_ptr_equal(rig.packets[0].link, rig_link(&rig, "s1"));
}

/* Nobody is there any more who could be told, and packets wait for the next link. */
static void test_no_farewell(void **state)
{
	(void)state;
	swap_in_10_seconds();
	rig_order(&rig, "s2", MSEC(10200));
	until(10201);
	rig_no_more(&rig);
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	assert_true(rig_send_packet(&rig, 1));
	assert_int_equal(rig.packet_count, 0);
	rig_cut_over(&rig, MSEC(50));
	rig_register(&rig, "s2", &a);
	rig_pass(&rig, MSEC(1));
	assert_int_equal(rig.packet_count, 1);
}

/* The schedule is wrong: who serves there is heard, and is told. */
static void test_farewell_all_the_same(void **state)
{
	(void)state;
	swap_in_10_seconds();
	until(12000);
	rig_advertise(&rig, "s1", "a.example", 11);
	rig_order(&rig, "s2", MSEC(100));
	rig_pass(&rig, MSEC(100));
	rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_int_equal(rig.session.state, SESSION_DISCONNECTING);
}

#define SOFT(name) cmocka_unit_test_setup_teardown(test_##name, setup_soft, teardown)
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SOFT(heard_before),
		SOFT(heard_after),
		SOFT(heard_long_after),
		TEST(former_core),
		TEST(new_core),
		TEST(other_core),
		SOFT(too_late),
		SOFT(too_early),
		SOFT(wrong_core),
		SOFT(answered_before),
		TEST(heard_at_last),
		TEST(heard_again),
		SOFT(swap),
		SOFT(swap_dropped),
		TEST(no_farewell),
		TEST(farewell_all_the_same),
	};

	assert_int_equal(keys_init(), 0);
	log_set_level(LOG_LEVEL_ERROR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
