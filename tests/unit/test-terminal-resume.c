/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A terminal agent that was killed goes on: the kernel stays as it is, no core is asked to
 * authenticate it, nothing that may be used once is used twice, and moves go on to need no
 * handshake. What it finds to be no more, it registers anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cursor.h"
#include "kernel_fake.h"
#include "log.h"
#include "terminal-agent/keep.h"
#include "terminal_rig.h"

#define MS  USEC_PER_MSEC
#define SEC USEC_PER_SEC

static struct rig rig;
static struct rig_core a, b;

static int setup(void **state)
{
	(void)state;
	rig_open(&rig);
	rig_keep(&rig);
	rig.config.handover.mode = MODE_PREDICTIVE;
	a = rig_core("a.example", 11);
	b = rig_core("b.example", 22);
	return 0;
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

static void restart(void)
{
	rig_kill(&rig);
	rig.now += 300 * MS;
	rig_restart(&rig);
	assert_int_equal(rig.refused, 0);
}

/* The counter of the sealed datagram that was looked at last. */
static uint64_t counter_of(const struct rig_sent *sent)
{
	struct cursor_in c = cursor_in(sent->octets + SNO_HEAD_LENGTH, 8);

	return cursor_get_u64(&c);
}

static const struct rig_sent *last_taken(void)
{
	return &rig.sent[(rig.taken - 1) % RIG_SENT];
}

static void answer_keepalive(const char *link, struct rig_core *core)
{
	struct message m;

	rig_take_sealed(&rig, core, MESSAGE_KEEPALIVE);
	message_init(&m, MESSAGE_KEEPALIVE, 0);
	assert_int_equal(rig_tell(&rig, link, core, &m), DROP_NONE);
}

static void test_unnoticed(void **state)
{
	const struct registration *r = &rig.session.registration;
	char *kernel;
	usec_t refresh;

	(void)state;
	a.prefix = "2001:db8:a01::/56";
	rig.config.delegated.interface = (char[]){"lan0"};
	rig_kill(&rig);
	rig_restart(&rig);
	rig_register(&rig, "s1", &a);
	refresh = registration_refresh(r);
	kernel = strdup(kernel_fake_dump());
	kernel_fake_log_clear();
	restart();
	assert_string_equal(kernel_fake_dump(), kernel);
	assert_int_equal(kernel_fake_log_find("delete", 1), 0);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
	assert_string_equal(r->place.core, "a.example");
	assert_string_equal(r->place.link, "s1");
	assert_ptr_equal(rig.session.link, rig_link(&rig, "s1"));
	assert_true(registration_refresh(r) == refresh);
	/* The core is asked once, and nobody discovers. */
	answer_keepalive("s1", &a);
	rig_pass(&rig, 10 * SEC);
	rig_no_more(&rig);
	assert_true(rig_send_packet(&rig, 1));
	assert_string_equal(kernel_fake_dump(), kernel);
	/* What is lost is put back as ever, and the registration renewed in its time. */
	assert_int_equal(rig_advertise(&rig, "s1", "a.example", 11), DROP_NONE);
	rig_no_more(&rig);
	rig_pass(&rig, refresh - rig.now);
	assert_true(rig_identity(&rig, rig_take_discovery(&rig, "s1")).counter > rig.accepted);
	free(kernel);
}

/* Counters, request ids and numbers of discoveries: none comes twice, however often it is killed.
 */
static void test_nothing_twice(void **state)
{
	uint64_t sealed = 0, discovery;
	uint32_t request = 0;

	(void)state;
	registered_at_a();
	for (int i = 0; i < 200; i++) {
		struct message m;

		if (i % 3 == 0) {
			restart();
			answer_keepalive("s1", &a);
			assert_true(counter_of(last_taken()) > sealed);
			sealed = counter_of(last_taken());
		}
		message_init(&m, MESSAGE_HANDOVER_DONE, 0);
		message_set_number(&m, ATTR_GAP, 1);
		message_set_number(&m, ATTR_REGISTRATION_TIME, 1);
		assert_true(request_send(rig.session.registration.requests, &m, NULL, NULL, 0,
					 rig.now) > 0);
		/* What is answered makes a row; what is not must do without. */
		m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_DONE);
		if (i % 4 == 0)
			rig_ack(&rig, "s1", &a, MESSAGE_HANDOVER_DONE_ACK, m.id);
		assert_true(counter_of(last_taken()) > sealed);
		sealed = counter_of(last_taken());
		assert_true(m.id > request);
		request = m.id;
	}
	discovery = rig.accepted;
	for (int i = 0; i < 20; i++) {
		const struct rig_sent *sent;

		restart();
		answer_keepalive("s1", &a);
		/* Made, and never sent. */
		for (int made = 0; made < 100 * i; made++) {
			assert_true(keep_next_counter(&rig.session) > discovery);
			discovery = rig.session.counter;
		}
		/* Another epoch: it asks, and the core is about to say no to the first. */
		rig_advertise(&rig, "s1", "a.example", 100 + (uint64_t)i);
		sent = rig_take_discovery(&rig, "s1");
		assert_true(rig_identity(&rig, sent).counter > discovery);
		assert_true(rig_identity(&rig, sent).home_epoch == rig.home_epoch);
		discovery = rig_identity(&rig, sent).counter;
	}
}

/* What was received before is not received again. */
static void test_replay(void **state)
{
	uint8_t octets[SNO_DATAGRAM_MAX];
	struct message m;
	int length;

	(void)state;
	registered_at_a();
	message_init(&m, MESSAGE_RELEASE, 9);
	message_set_number(&m, ATTR_REASON, REASON_CORE_RESTARTED);
	length = access_seal(&a.access, &m, octets, sizeof(octets));
	assert_true(length > 0);
	rig.deaf = true; /* nothing of what it leads to gets out */
	assert_int_equal(rig_deliver(&rig, "s1", octets, (size_t)length), DROP_NONE);
	rig.deaf = false;
	restart();
	answer_keepalive("s1", &a);
	assert_int_equal(rig_deliver(&rig, "s1", octets, (size_t)length), DROP_REPLAY);
	rig_no_more(&rig);
}

/* A core that has forgotten it is asked three times; all goes on until it serves again. */
static void test_forgotten(void **state)
{
	char *kernel;

	(void)state;
	registered_at_a();
	kernel = strdup(kernel_fake_dump());
	restart();
	for (int i = 0; i < 3; i++) {
		rig_take_sealed(&rig, &a, MESSAGE_KEEPALIVE);
		rig_no_more(&rig);
		assert_int_equal(rig.session.state, SESSION_REGISTERED);
		rig_pass(&rig, rig.next - rig.now);
	}
	assert_string_equal(kernel_fake_dump(), kernel);
	assert_true(rig_send_packet(&rig, 1));
	assert_int_equal(rig.session.state, SESSION_DISCOVERING);
	rig_register(&rig, "s1", &a);
	assert_string_equal(kernel_fake_dump(), kernel);
	rig_pass(&rig, 10 * SEC);
	rig_no_more(&rig);
	free(kernel);
}

/* The move after it is announced under its own number, and needs no handshake. */
static void test_next_move(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	restart();
	answer_keepalive("s1", &a);
	m = rig_announce(&rig, &a, &b, 0);
	assert_int_equal(m.handover_counter, 1);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, 50 * MS);
	rig_arrive_prepared(&rig, &b);
	/* And the one after that, after another restart, under the next. */
	restart();
	assert_string_equal(rig.session.registration.place.core, "b.example");
	answer_keepalive("s2", &b);
	rig_carrier(&rig, rig.sat1, true);
	rig_order(&rig, "s1", 0);
	m = rig_take_sealed(&rig, &b, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_int_equal(m.handover_counter, 2);
}

/* An announcement that nobody has answered yet has used its number. */
static void test_announced(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_order(&rig, "s2", SEC);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_int_equal(m.handover_counter, 1);
	restart();
	answer_keepalive("s1", &a);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
	rig_order(&rig, "s2", SEC);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_int_equal(m.handover_counter, 2);
}

/* Killed between farewell and arrival: it goes where it was going, and is expected there. */
static void test_left(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	m = rig_announce(&rig, &a, &b, 0);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	assert_int_equal(rig.switches, 1);
	rig_carrier(&rig, rig.sat1, false);
	restart();
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	assert_int_equal(rig.switches, 2);
	assert_string_equal(rig.from, "s1");
	assert_string_equal(rig.to, "s2");
	rig_no_more(&rig);
	assert_true(rig_send_packet(&rig, 1)); /* which waits */
	rig_pass(&rig, 50 * MS);
	assert_int_equal(rig.packet_count, 0);
	rig_carrier(&rig, rig.sat2, true);
	assert_int_equal(rig_reply_prepared(&rig, &b, rig_take_discovery(&rig, "s2")), DROP_NONE);
	assert_string_equal(rig.session.registration.place.core, "b.example");
	rig_pass(&rig, 50 * MS);
	rig_receive_packet(&rig, "s2");
	rig_take_done(&rig, "s2", &b);
	assert_int_equal(rig.packet_count, 1);
	assert_ptr_equal(rig.packets[0].link, rig_link(&rig, "s2"));
}

/* The modem had done its work already. */
static void test_left_and_there(void **state)
{
	(void)state;
	registered_at_a();
	rig_announce(&rig, &a, &b, 0);
	rig_kill(&rig);
	kernel_fake_carrier(rig.sat1, false);
	kernel_fake_carrier(rig.sat2, true);
	rig_restart(&rig);
	assert_int_equal(rig.switches, 0);
	rig_arrive_prepared(&rig, &b);
}

/* While it was away the link was lost: the next one, and no question. */
static void test_other_link(void **state)
{
	(void)state;
	registered_at_a();
	rig_kill(&rig);
	kernel_fake_carrier(rig.sat1, false);
	kernel_fake_carrier(rig.sat2, true);
	rig_restart(&rig);
	rig_register(&rig, "s2", &b);
	rig_no_more(&rig);
}

/* Another interface under the same name: nobody would send to its address. */
static void test_other_address(void **state)
{
	(void)state;
	registered_at_a();
	rig_kill(&rig);
	kernel_link_delete(rig.kernel, rig.sat1);
	rig.sat1 = kernel_fake_link("sat1", NULL);
	rig_restart(&rig);
	kernel_link_set_up(rig.kernel, rig.sat1, true);
	rig_turn(&rig);
	rig_register(&rig, "s1", &a);
}

static void test_expired(void **state)
{
	(void)state;
	registered_at_a();
	rig_kill(&rig);
	rig.now += (usec_t)a.lifetime * SEC;
	rig_restart(&rig);
	assert_false(rig.session.registration.valid);
	assert_false(rig_has_proof(rig_take_discovery(&rig, "s1")));
}

static void test_deregistered(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	session_deregister(&rig.session, rig.now);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack(&rig, "s1", &a, MESSAGE_DISCONNECTION_ACK, m.id);
	restart();
	assert_false(rig.session.registration.valid);
	rig_register(&rig, "s1", &a);
}

/* An antenna points where it pointed, which only the agent has known. */
static void test_antenna(void **state)
{
	(void)state;
	rig_use_antennas(&rig);
	rig_start(&rig);
	links_rename(rig_link(&rig, "dish0"), "sat-7");
	rig_register(&rig, "sat-7", &a);
	restart();
	assert_string_equal(rig.session.link->name, "sat-7");
	assert_true(rig.session.link->satellite);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
	answer_keepalive("sat-7", &a);
	rig_no_more(&rig);
}

/* Killed while the antenna turned: it is turned there once more, and not taken for where it was. */
static void test_antenna_left(void **state)
{
	struct message m;

	(void)state;
	rig_use_antennas(&rig);
	rig_start(&rig);
	links_rename(rig_link(&rig, "dish0"), "sat-7");
	rig_register(&rig, "sat-7", &a);
	links_rename(rig_link(&rig, "dish0"), "sat-8");
	rig_order(&rig, "sat-8", 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	rig_prepare(&rig, &b, m.handover_counter);
	rig_ack_move(&rig, "sat-7", &a, &m, REASON_ACCEPTED, "b.example", 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack_move(&rig, "sat-7", &a, &m, REASON_ACCEPTED, "b.example", 0);
	assert_string_equal(rig.pointed, "dish0 sat-8");
	rig.pointed[0] = '\0';
	restart();
	assert_string_equal(rig.pointed, "dish0 sat-8");
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	rig_no_more(&rig);
	assert_true(rig_send_packet(&rig, 1)); /* which waits */
	rig_turned(&rig);
	assert_int_equal(rig_reply_prepared(&rig, &b, rig_take_discovery(&rig, "sat-8")),
			 DROP_NONE);
	assert_string_equal(rig.session.registration.place.satellite, "sat-8");
	rig_pass(&rig, 50 * MS);
	assert_int_equal(rig.packet_count, 1);
	assert_ptr_equal(rig.packets[0].link, rig_link(&rig, "sat-8"));
}

/* The machine was booted: nothing is known of before, not even the counter. */
static void test_booted(void **state)
{
	char path[80];

	(void)state;
	registered_at_a();
	rig_kill(&rig);
	snprintf(path, sizeof(path), "%s/journal", rig.folder);
	assert_int_equal(unlink(path), 0);
	rig_restart(&rig);
	assert_int_equal(rig.refused, 0);
	assert_false(rig.session.registration.valid);
	rig_register(&rig, "s1", &a);
}

/* ---- what is refused ------------------------------------------------------------------------ */

static void test_other_terminal(void **state)
{
	uint8_t before;

	(void)state;
	registered_at_a();
	rig_kill(&rig);
	before = rig.identity.keys.private[5];
	rig.identity.keys.private[5] ^= 1;
	rig_refused(&rig, -EKEYREJECTED);
	rig.identity.keys.private[5] = before;
	rig.identity.name.nai[0] = 'b';
	rig_refused(&rig, -EEXIST);
	rig.identity.name.nai[0] = 'a';
	rig_restart(&rig);
	assert_int_equal(rig.refused, 0);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
}

/* A row that ends early is of no version that was ever there. */
static void test_broken(void **state)
{
	(void)state;
	registered_at_a();
	store_put(rig.session.keep.store, KEEP_REGISTRATION, "", "short", 5);
	rig_kill(&rig);
	rig_refused(&rig, -EBADMSG);
	rig_refused(&rig, -EBADMSG); /* and was not overwritten */
	rig_restart(&rig);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(unnoticed),  TEST(nothing_twice), TEST(replay),  TEST(forgotten),
		TEST(next_move),  TEST(announced),     TEST(left),    TEST(left_and_there),
		TEST(other_link), TEST(other_address), TEST(expired), TEST(deregistered),
		TEST(antenna),	  TEST(antenna_left),  TEST(booted),  TEST(other_terminal),
		TEST(broken),
	};

	if (keys_init() < 0)
		return 1;
	log_init("test-terminal-resume", LOG_LEVEL_ERROR, LOG_TO_STDERR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
