/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal's part of the handover modes (PROTOCOL sections 6.1, 7 and 15): what it says ahead,
 * by what it proves itself, and what becomes of a move when something is missing, late or wrong.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "handover_key.h"
#include "kernel_fake.h"
#include "log.h"
#include "terminal-agent/session.h"
#include "terminal_rig.h"

#define MSEC(n) ((n)*USEC_PER_MSEC)

static struct rig rig;
static struct rig_core a, b, c;

static void open_rig(enum handover_mode mode)
{
	rig_open(&rig);
	rig.config.handover.mode = mode;
	a = rig_core("a.example", 11);
	b = rig_core("b.example", 22);
	c = rig_core("c.example", 33);
}

static int setup_proactive(void **state)
{
	(void)state;
	open_rig(MODE_PROACTIVE);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	open_rig(MODE_PREDICTIVE);
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

/* ---- proactive ----------------------------------------------------------------------------- */

static void test_proactive(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_order(&rig, "s2", 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_string_equal(m.next_satellite, "s2");
	assert_false(message_has(&m, ATTR_NEXT_CORE));
	assert_int_equal(m.handover_counter, 1);
	assert_memory_equal(&m.link_layer, &rig_link(&rig, "s2")->mac, sizeof(m.link_layer));
	assert_true(addr_equal(&m.link_local, &rig_link(&rig, "s2")->address));
	assert_int_equal(m.mtu, 1500);
	rig_prepare(&rig, &b, 1);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	assert_int_equal(rig.switches, 1);
	rig_cut_over(&rig, MSEC(50));
	rig.now += MSEC(20);
	rig_arrive_prepared(&rig, &b);
	assert_int_equal(kernel_fake_count("lock dev sat2"), 2);
	assert_int_equal(kernel_fake_count("address " RIG_HOA4), 1);
	assert_int_equal(rig.handovers[0].mode, MODE_PROACTIVE);
	assert_int_equal(rig.handovers[0].gap, MSEC(50));
	assert_int_equal(rig.handovers[0].registration, MSEC(20));
	rig_no_more(&rig);
}

/* Root and addresses outlive a short registration: the next move has the next number. */
static void test_proactive_twice(void **state)
{
	struct message m;

	(void)state;
	test_proactive(state);
	session_switched(&rig.session, 0, rig.now);
	rig_order(&rig, "s1", 0);
	m = rig_take_sealed(&rig, &b, MESSAGE_CORE_DISCONNECT);
	assert_int_equal(m.handover_counter, 2);
	rig_prepare(&rig, &a, 2);
	rig_ack_move(&rig, "s2", &b, &m, REASON_ACCEPTED, "a.example", 0);
	rig_carrier(&rig, rig.sat2, false);
	rig_carrier(&rig, rig.sat1, true);
	assert_int_equal(rig_reply_prepared(&rig, &a, rig_take_discovery(&rig, "s1")), DROP_NONE);
	rig_pass(&rig, UPLINK_PAUSE);
	assert_int_equal(kernel_fake_count("lock dev sat1"), 2);
	rig_receive_packet(&rig, "s1");
	rig_take_done(&rig, "s1", &a);
	assert_int_equal(rig.session.home_epoch, rig.home_epoch);
	/* After a full registration numbers begin at 1. */
	rig_pass(&rig, 200 * USEC_PER_SEC);
	rig_register(&rig, "s1", &a);
	session_switched(&rig.session, 0, rig.now);
	rig_order(&rig, "s2", 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_int_equal(m.handover_counter, 1);
}

/* The core is not prepared after all: the same discovery goes the full way. */
static void test_proof_not_known(void **state)
{
	const struct rig_sent *sent;
	struct message m;

	(void)state;
	registered_at_a();
	rig_order(&rig, "s2", 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, MSEC(50));
	sent = rig_take_discovery(&rig, "s2");
	assert_true(rig_has_proof(sent));
	assert_int_equal(rig_reply(&rig, &c, sent, REASON_ACCEPTED), DROP_NONE);
	assert_string_equal(rig.session.registration.place.core, "c.example");
	assert_int_equal(rig.session.registration.moves, 0);
}

static void test_not_prepared(void **state)
{
	const struct rig_sent *sent;
	struct message m;

	(void)state;
	registered_at_a();
	rig_order(&rig, "s2", 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack_move(&rig, "s1", &a, &m, REASON_NOT_PREPARED, NULL, 0);
	assert_int_equal(rig.switches, 1);
	rig_cut_over(&rig, MSEC(50));
	sent = rig_take_discovery(&rig, "s2");
	assert_false(rig_has_proof(sent));
	assert_int_equal(rig_reply(&rig, &b, sent, REASON_ACCEPTED), DROP_NONE);
	assert_int_equal(rig.handovers[0].mode, MODE_BASELINE);
}

/* ---- what must not be believed ------------------------------------------------------------ */

/* Makes an answer without a handshake under this key. */
static size_t short_answer(const struct rig_sent *sent, const uint8_t key[KEY_LENGTH],
			   const char *core, uint8_t out[SNO_DATAGRAM_MAX])
{
	struct message m, registration, discovery = rig_discovery(sent);
	struct access_session access;
	struct message_blob sealed;
	int length;

	access_session_init(&access, key, true);
	access.local_index = 77;
	access.remote_index = discovery.id;
	message_init(&registration, MESSAGE_REGISTRATION, 77);
	message_set_text(&registration, ATTR_CORE, core);
	message_set_number(&registration, ATTR_EPOCH, 1);
	message_set_number(&registration, ATTR_MTU, 1400);
	message_set_number(&registration, ATTR_LIFETIME, 300);
	assert_int_equal(access_seal_registration(&access, &registration, &sealed), 0);
	message_init(&m, MESSAGE_REGISTRATION_DONE, discovery.id);
	message_set_blob(&m, ATTR_SEALED, sealed.bytes, sealed.length);
	length = message_write(&m, out, SNO_DATAGRAM_MAX);
	assert_true(length > 0);
	return (size_t)length;
}

static void test_forged_short(void **state)
{
	uint8_t octets[SNO_DATAGRAM_MAX], zero[KEY_LENGTH] = {0}, key[KEY_LENGTH];
	const struct rig_sent *sent;
	struct message m;
	size_t length;

	(void)state;
	rig_start(&rig);
	/* Without a short proof there is no short answer. */
	sent = rig_take_discovery(&rig, "s1");
	length = short_answer(sent, zero, "a.example", octets);
	assert_int_equal(rig_deliver(&rig, "s1", octets, length), DROP_HANDSHAKE);
	rig_reply(&rig, &a, sent, REASON_RESYNC);
	rig_register(&rig, "s1", &a);
	rig_order(&rig, "s2", 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_prepare(&rig, &b, m.handover_counter);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, MSEC(50));
	sent = rig_take_discovery(&rig, "s2");
	length = short_answer(sent, zero, "b.example", octets);
	assert_int_equal(rig_deliver(&rig, "s2", octets, length), DROP_SEAL);
	/* Who has the right key must be the one it is for. */
	handover_access_key(key, b.handover_key, sent->octets, sent->length);
	length = short_answer(sent, key, "c.example", octets);
	assert_int_equal(rig_deliver(&rig, "s2", octets, length), DROP_HANDSHAKE);
	assert_int_equal(rig.session.state, SESSION_DISCOVERING);
	length = short_answer(sent, key, "b.example", octets);
	for (size_t i = 0; i < length; i++) {
		octets[i] ^= 0x40;
		assert_int_not_equal(rig_deliver(&rig, "s2", octets, length), DROP_NONE);
		octets[i] ^= 0x40;
		assert_int_not_equal(rig_deliver(&rig, "s2", octets, i), DROP_NONE);
	}
	assert_int_equal(rig_reply_prepared(&rig, &b, sent), DROP_NONE);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
}

/* Short and full answer to the same discovery: the first counts. */
static void test_answered_twice(void **state)
{
	uint8_t full[SNO_DATAGRAM_MAX];
	const struct rig_sent *sent;
	const char *before;
	size_t length;
	struct message m;

	(void)state;
	registered_at_a();
	rig_order(&rig, "s2", 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_prepare(&rig, &b, m.handover_counter);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, MSEC(50));
	sent = rig_take_discovery(&rig, "s2");
	length = rig_answer(&rig, &c, sent, REASON_ACCEPTED, full);
	/* rig_answer() has made a root of its own, which is that of nobody. */
	assert_int_equal(rig_reply_prepared(&rig, &b, sent), DROP_NONE);
	before = kernel_fake_dump();
	assert_int_equal(rig_deliver(&rig, "s2", full, length), DROP_REPLAY);
	assert_string_equal(before, kernel_fake_dump());
	assert_string_equal(rig.session.registration.place.core, "b.example");
}

/* ---- predictive ----------------------------------------------------------------------------- */

static void test_predictive(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_order(&rig, "s2", 0);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_int_equal(m.handover_counter, 1);
	assert_int_equal(m.expected, 0);
	assert_string_equal(m.next_satellite, "s2");
	assert_memory_equal(&m.link_layer, &rig_link(&rig, "s2")->mac, sizeof(m.link_layer));
	rig_no_more(&rig);
	rig.now += MSEC(60);
	rig_prepare(&rig, &b, 1);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_int_equal(m.handover_counter, 1); /* the same move */
	assert_string_equal(m.next_core, "b.example");
	assert_string_equal(m.next_satellite, "s2");
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, MSEC(50));
	rig_arrive_prepared(&rig, &b);
	assert_int_equal(rig.handovers[0].mode, MODE_PREDICTIVE);
	rig_no_more(&rig);
}

static void test_announcement_unanswered(void **state)
{
	struct message m, late;

	(void)state;
	registered_at_a();
	rig_order(&rig, "s2", 0);
	late = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	rig_pass(&rig, MSEC(199));
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
	rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT); /* once more */
	rig_pass(&rig, MSEC(2));
	assert_int_equal(rig.session.state, SESSION_DISCONNECTING);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_int_equal(m.handover_counter, 1);
	/* Its answer is late, and still of use: the disconnect's gets lost. */
	rig_prepare(&rig, &b, 1);
	rig_ack_move(&rig, "s1", &a, &late, REASON_ACCEPTED, "b.example", 0);
	rig_pass(&rig, MSEC(200));
	rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT); /* once more */
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	rig_cut_over(&rig, MSEC(50));
	rig_arrive_prepared(&rig, &b);
	assert_int_equal(rig.handovers[0].mode, MODE_PROACTIVE);
}

static void test_announcement_refused(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_order(&rig, "s2", 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	rig_ack_move(&rig, "s1", &a, &m, REASON_NOT_PREPARED, NULL, 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	/* The home core may have found the core meanwhile. */
	rig_prepare(&rig, &b, m.handover_counter);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, MSEC(50));
	rig_arrive_prepared(&rig, &b);
	assert_int_equal(rig.handovers[0].mode, MODE_PROACTIVE);
}

/* A core of before does not know announcements. */
static void test_announcement_unknown(void **state)
{
	struct message m, error;

	(void)state;
	registered_at_a();
	rig_order(&rig, "s2", 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	message_init(&error, MESSAGE_ERROR, m.id);
	message_set_number(&error, ATTR_REASON, REASON_UNSUPPORTED);
	assert_int_equal(rig_tell(&rig, "s1", &a, &error), DROP_NONE);
	rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
}

static void test_ahead(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_order(&rig, "s2", 5 * USEC_PER_SEC);
	rig_pass(&rig, MSEC(2999));
	rig_no_more(&rig);
	rig_pass(&rig, MSEC(1));
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_int_equal(m.expected, 2000);
	rig_prepare(&rig, &b, m.handover_counter);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_pass(&rig, MSEC(1999));
	rig_no_more(&rig);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
	rig_pass(&rig, MSEC(1));
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, MSEC(50));
	rig_arrive_prepared(&rig, &b);
}

/* An order takes the place of one whose time has not come. */
static void test_replaced(void **state)
{
	struct message m, late;

	(void)state;
	registered_at_a();
	rig_order(&rig, "s2", USEC_PER_SEC);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_int_equal(m.handover_counter, 1);
	late = m;
	rig_link(&rig, "sat3")->satellite = true;
	rig_order(&rig, "sat3", USEC_PER_SEC);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_int_equal(m.handover_counter, 2);
	rig_ack_move(&rig, "s1", &a, &late, REASON_ACCEPTED, "b.example", 0);
	assert_false(rig.session.move.prepared);
	assert_string_equal(m.next_satellite, "sat3");
	assert_false(message_has(&m, ATTR_NEXT_CORE));
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "c.example", 0);
	/* The same one sooner is the same move. */
	rig_order(&rig, "sat3", 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_int_equal(m.handover_counter, 2);
	assert_string_equal(m.next_core, "c.example");
	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now),
			 -EBUSY);
}

/* The registration was renewed meanwhile: the number was one of the root before. */
static void test_renewed_meanwhile(void **state)
{
	struct message m, stale;

	(void)state;
	registered_at_a();
	rig.config.handover.lead = 20 * USEC_PER_SEC;
	rig_pass(&rig, 190 * USEC_PER_SEC);
	rig_order(&rig, "s2", 15 * USEC_PER_SEC);
	stale = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	rig_ack_move(&rig, "s1", &a, &stale, REASON_ACCEPTED, "b.example", 0);
	rig_pass(&rig, 10 * USEC_PER_SEC);
	rig_reply(&rig, &a, rig_take_discovery(&rig, "s1"), REASON_ACCEPTED);
	rig_take_done(&rig, "s1", &a);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_int_equal(m.handover_counter, 1);
	assert_int_equal(m.expected, 5000);
	rig_prepare(&rig, &b, 1);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_pass(&rig, 5 * USEC_PER_SEC);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, MSEC(50));
	rig_arrive_prepared(&rig, &b);
}

/* A short proof makes no new root: that is due as long after the last full registration as ever. */
static void test_renewed_in_full(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_pass(&rig, 150 * USEC_PER_SEC);
	m = rig_announce(&rig, &a, &b, 0);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, MSEC(50));
	rig_arrive_prepared(&rig, &b);
	rig_pass(&rig, 49 * USEC_PER_SEC);
	rig_no_more(&rig);
	rig_pass(&rig, USEC_PER_SEC);
	assert_int_equal(rig_reply(&rig, &b, rig_take_discovery(&rig, "s2"), REASON_ACCEPTED),
			 DROP_NONE);
}

/* The core has changed under it meanwhile: what was prepared is gone, the move is another one. */
static void test_moved_meanwhile(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_pass(&rig, 2 * USEC_PER_SEC);
	rig.config.handover.lead = 20 * USEC_PER_SEC;
	rig_order(&rig, "s2", 15 * USEC_PER_SEC);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_int_equal(m.handover_counter, 1);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_prepare(&rig, &c, 2);
	rig_advertise(&rig, "s1", "c.example", 33);
	assert_int_equal(rig_reply_prepared(&rig, &c, rig_take_discovery(&rig, "s1")), DROP_NONE);
	rig_take_done(&rig, "s1", &c);
	m = rig_take_sealed(&rig, &c, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_int_equal(m.handover_counter, 3);
}

/* Another core than was announced is heard on the next link: that is another move. */
static void test_other_core_heard(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_carrier(&rig, rig.sat2, true);
	rig_order(&rig, "s2", USEC_PER_SEC);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_advertise(&rig, "s2", "c.example", 33);
	rig_pass(&rig, USEC_PER_SEC);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_int_equal(m.handover_counter, 2);
	assert_string_equal(m.next_core, "c.example");
	rig_prepare(&rig, &c, 2);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "c.example", 0);
	session_switched(&rig.session, 0, rig.now);
	assert_int_equal(rig_reply_prepared(&rig, &c, rig_take_discovery(&rig, "s2")), DROP_NONE);
}

/* What was made ahead for one core is made again when the farewell's answer names another. */
static void test_answers_differ(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	m = rig_announce(&rig, &a, &b, 0);
	rig_prepare(&rig, &c, m.handover_counter);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "c.example", 0);
	rig_cut_over(&rig, MSEC(50));
	rig_arrive_prepared(&rig, &c);
}

/* The old link breaks between the announcement and its time: on to where it was to go. */
static void test_lost_before_time(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_order(&rig, "s2", USEC_PER_SEC);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	rig_prepare(&rig, &b, m.handover_counter);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_carrier(&rig, rig.sat1, false);
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	assert_string_equal(rig.to, "s2");
	rig_carrier(&rig, rig.sat2, true);
	rig_arrive_prepared(&rig, &b);
	assert_int_equal(rig.handovers[0].mode, MODE_PREDICTIVE);
}

/* It comes back to where it was: the preparation is left to its end. */
static void test_returns(void **state)
{
	const struct rig_sent *sent;
	struct message m;

	(void)state;
	registered_at_a();
	m = rig_announce(&rig, &a, &b, 0);
	rig_advertise(&rig, "s1", "a.example", 11);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	assert_true(rig_send_packet(&rig, 1));
	session_switched(&rig.session, -EIO, rig.now);
	sent = rig_take_discovery(&rig, "s1");
	assert_false(rig_has_proof(sent));
	assert_true(rig_send_packet(&rig, 2));
	assert_int_equal(rig.packet_count, 0);
	assert_int_equal(rig_reply(&rig, &a, sent, REASON_ACCEPTED), DROP_NONE);
	assert_int_equal(rig.packet_count, 2);
	assert_ptr_equal(rig.packets[0].link, rig_link(&rig, "s1"));
	assert_int_equal(rig.handover_count, 0);
	assert_int_equal(rig.session.move.phase, MOVE_NONE);
}

/* The target's link goes again before anything is answered there. */
static void test_target_lost(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	m = rig_announce(&rig, &a, &b, 0);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, MSEC(50));
	rig_take_discovery(&rig, "s2");
	assert_true(rig_send_packet(&rig, 1));
	rig_carrier(&rig, rig.sat2, false);
	assert_int_equal(rig.session.state, SESSION_DOWN);
	assert_true(rig_send_packet(&rig, 2));
	rig_carrier(&rig, rig.sat3, true);
	rig_register(&rig, "sat3", &c);
	rig_pass(&rig, UPLINK_MARGIN);
	assert_int_equal(rig.packet_count, 2);
	assert_ptr_equal(rig.packets[1].link, rig_link(&rig, "sat3"));
}

static void test_same_core(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_schedule(&rig, "from,until,satellite,core,station\n"
			   "2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,s2,a.example,g\n");
	rig_order(&rig, "s2", 0);
	/* A satellite under the same core: nothing to prepare. */
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_false(message_has(&m, ATTR_HANDOVER_COUNTER));
	assert_string_equal(m.next_satellite, "s2");
	rig_ack(&rig, "s1", &a, MESSAGE_DISCONNECTION_ACK, m.id);
	rig_cut_over(&rig, 0);
	assert_false(rig_has_proof(rig_take_discovery(&rig, "s2")));
}

static void test_identity_mode(void **state)
{
	struct message m;

	(void)state;
	rig.config.handover.mode = MODE_COMBINED;
	rig_start(&rig);
	m = rig_identity(&rig, rig_take_discovery(&rig, "s1"));
	assert_int_equal(m.mode, MODE_COMBINED);
	rig.config.handover.mode = MODE_SOFT;
	rig_advertise(&rig, "s1", "a.example", 11);
	rig_pass(&rig, 8 * USEC_PER_SEC);
	for (int i = 0; i < 3; i++)
		rig_take_discovery(&rig, "s1");
	m = rig_identity(&rig, rig_take_discovery(&rig, "s1"));
	assert_false(message_has(&m, ATTR_MODE));
}

/* ---- nobody has announced it -------------------------------------------------------------- */

static void test_core_changes(void **state)
{
	const struct rig_sent *sent;

	(void)state;
	registered_at_a();
	rig_pass(&rig, 2 * USEC_PER_SEC);
	rig_prepare(&rig, &b, 1);
	rig_advertise(&rig, "s1", "b.example", 22);
	sent = rig_take_discovery(&rig, "s1");
	assert_int_equal(rig_reply_prepared(&rig, &b, sent), DROP_NONE);
	rig_take_done(&rig, "s1", &b);
	assert_int_equal(rig.handovers[0].mode, MODE_PREDICTIVE);
	assert_int_equal(rig.handovers[0].first_packet, -1);
	/* And on, under the same root. */
	rig_pass(&rig, 2 * USEC_PER_SEC);
	rig_prepare(&rig, &c, 2);
	rig_advertise(&rig, "s1", "c.example", 33);
	sent = rig_take_discovery(&rig, "s1");
	assert_int_equal(rig_reply_prepared(&rig, &c, sent), DROP_NONE);
	rig_take_done(&rig, "s1", &c);
}

/*
 * One core was announced and is prepared, another one is heard there in the last moment. The answer
 * to the farewell, which names that one, is lost: what waits must not be sent there unasked.
 */
static void test_announced_another(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_carrier(&rig, rig.sat2, true);
	rig_schedule(&rig, "from,until,satellite,core,station\n"
			   "2026-01-01T00:00:00Z,2026-01-01T01:00:00Z,s2,b.example,g\n");
	rig_order(&rig, "s2", MSEC(2000));
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_string_equal(m.next_core, "b.example");
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_pass(&rig, MSEC(1990));
	rig_advertise(&rig, "s2", "c.example", 33);
	rig_pass(&rig, MSEC(10));
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_string_equal(m.next_core, "c.example");
	assert_int_equal(m.handover_counter, 2);
	rig_carrier(&rig, rig.sat1, false);
	assert_true(rig_send_packet(&rig, 1));
	session_switched(&rig.session, 0, rig.now);
	rig_turn(&rig);
	rig_take_discovery(&rig, "s2");
	rig_pass(&rig, MSEC(100));
	assert_int_equal(rig.packet_count, 0);
}

/* To s2, with a packet that waits. */
static const struct rig_sent *cut_over_with_packet(void)
{
	rig_carrier(&rig, rig.sat1, false);
	assert_true(rig_send_packet(&rig, 1));
	rig_cut_over(&rig, MSEC(50));
	return rig_take_discovery(&rig, "s2");
}

/* The way is shorter to the core that was announced, and not to the one that it is then. */
static void test_another_is_no_shorter(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	m = rig_announce(&rig, &a, &b, 300000);
	rig_prepare(&rig, &c, m.handover_counter);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "c.example", 0);
	assert_int_equal(rig_reply_prepared(&rig, &c, cut_over_with_packet()), DROP_NONE);
	rig_pass(&rig, UPLINK_PAUSE);
	assert_int_equal(rig.packet_count, 1);
}

/*
 * The way to the next core is shorter from the core that serves when the move is announced. Then
 * another one serves, which is told of the move as well, and nobody says how long the way from
 * there is.
 */
static void test_another_serves_by_then(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_order(&rig, "s2", MSEC(4000));
	rig_pass(&rig, MSEC(2010));
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 300000);
	rig_advertise(&rig, "s1", "c.example", 33);
	assert_int_equal(rig_reply(&rig, &c, rig_take_discovery(&rig, "s1"), REASON_ACCEPTED),
			 DROP_NONE);
	rig_take_done(&rig, "s1", &c);
	rig_take_sealed(&rig, &c, MESSAGE_HANDOVER_ANNOUNCEMENT);
	rig.deaf = true;
	rig_pass(&rig, MSEC(1990) + rig.config.timers.disconnect_wait);
	rig.deaf = false;
	assert_int_equal(rig_reply(&rig, &b, cut_over_with_packet(), REASON_ACCEPTED), DROP_NONE);
	assert_int_equal(rig.packet_count, 1);
}

/* Two thirds of the lifetime end shortly before a move, which has been announced. */
static void announced_before_refresh(void)
{
	struct message m;

	a.lifetime = 30;
	registered_at_a();
	rig_order(&rig, "s2", MSEC(20900));
	rig_pass(&rig, MSEC(18910));
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
}

/* Who registered anew then would say farewell under keys that the core has replaced already. */
static void test_refresh_before_move(void **state)
{
	(void)state;
	announced_before_refresh();
	rig_pass(&rig, MSEC(1990));
	rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_int_equal(rig.session.state, SESSION_DISCONNECTING);
	rig_no_more(&rig);
}

/* ... and here the move comes to nothing. */
static void test_refresh_after_all(void **state)
{
	(void)state;
	announced_before_refresh();
	rig_pass(&rig, MSEC(1960));
	rig_order(&rig, "s2", 10 * USEC_PER_SEC);
	rig_take_discovery(&rig, "s1");
}

static void test_scheduled_core(void **state)
{
	(void)state;
	registered_at_a();
	rig_schedule(&rig, "from,until,satellite,core,station\n"
			   "2026-01-01T00:00:00Z,2026-01-01T00:00:10Z,s2,c.example,g\n"
			   "2026-01-01T00:00:10Z,2026-01-01T01:00:00Z,s2,b.example,g\n");
	rig_pass(&rig, 11 * USEC_PER_SEC);
	rig_carrier(&rig, rig.sat1, false);
	rig_prepare(&rig, &b, 1);
	rig_carrier(&rig, rig.sat2, true);
	assert_int_equal(rig_reply_prepared(&rig, &b, rig_take_discovery(&rig, "s2")), DROP_NONE);
}

/* The schedule tells the next core, and that the satellite will be without one. */
static void test_follows_schedule(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_schedule(&rig, "from,until,satellite,core,station\n"
			   "2026-01-01T00:00:00Z,2026-01-01T00:00:30Z,s1,a.example,g\n"
			   "2026-01-01T00:00:30Z,2026-01-01T00:01:00Z,s1,a.example,h\n"
			   "2026-01-01T00:01:30Z,2026-01-01T00:06:00Z,s1,a.example,g\n"
			   "2026-01-01T00:00:00Z,2026-01-01T00:02:00Z,s2,b.example,g\n");
	rig_pass(&rig, MSEC(57799));
	rig_no_more(&rig);
	rig_pass(&rig, MSEC(1));
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_string_equal(m.next_core, "b.example");
	assert_int_equal(m.expected, 2000);
	rig_prepare(&rig, &b, m.handover_counter);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_pass(&rig, MSEC(2000));
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, MSEC(50));
	rig_arrive_prepared(&rig, &b);
	rig_pass(&rig, 100 * USEC_PER_SEC); /* the end of the file is not the end of the service */
	rig_no_more(&rig);
}

/* A reload: a timetable goes, and the schedule that comes is followed in its place. */
static void test_schedule_for_timetable(void **state)
{
	(void)state;
	rig.config.timetable = "timetable.csv";
	registered_at_a();
	rig_schedule(&rig, "from,until,satellite,core,station\n"
			   "2026-01-01T00:00:00Z,2026-01-01T00:01:00Z,s1,a.example,g\n"
			   "2026-01-01T00:01:30Z,2026-01-01T00:06:00Z,s1,a.example,g\n"
			   "2026-01-01T00:00:00Z,2026-01-01T00:02:00Z,s2,b.example,g\n");
	rig.config.timetable = NULL;
	rig_pass(&rig, MSEC(57800));
	rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
}

/* The command of the last move still runs: the next one waits for its end. */
static void test_command_lingers(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	m = rig_announce(&rig, &a, &b, 0);
	rig_ack_move(&rig, "s1", &a, &m, REASON_ACCEPTED, "b.example", 0);
	rig_cut_over(&rig, MSEC(50));
	rig_schedule(&rig, "from,until,satellite,core,station\n"
			   "2026-01-01T00:00:00Z,2026-01-01T00:00:10Z,s2,b.example,g\n"
			   "2026-01-01T00:05:00Z,2026-01-01T00:06:00Z,s2,b.example,g\n"
			   "2026-01-01T00:00:00Z,2026-01-01T01:00:00Z,s1,a.example,g\n");
	rig_arrive_prepared(&rig, &b);
	while (rig.sent_count == rig.taken)
		rig_pass(&rig, MSEC(10));
	m = rig_take_sealed(&rig, &b, MESSAGE_HANDOVER_ANNOUNCEMENT);
	rig_ack_move(&rig, "s2", &b, &m, REASON_ACCEPTED, "a.example", 0);
	rig_pass(&rig, 5 * USEC_PER_SEC);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
	rig_no_more(&rig);
	session_switched(&rig.session, 0, rig.now);
	rig_turn(&rig);
	rig_take_sealed(&rig, &b, MESSAGE_CORE_DISCONNECT);
}

#define PROACTIVE(name) cmocka_unit_test_setup_teardown(test_##name, setup_proactive, teardown)
#define TEST(name)	cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROACTIVE(proactive),
		PROACTIVE(proactive_twice),
		PROACTIVE(proof_not_known),
		PROACTIVE(not_prepared),
		PROACTIVE(forged_short),
		PROACTIVE(answered_twice),
		TEST(predictive),
		TEST(announcement_unanswered),
		TEST(announcement_refused),
		TEST(announcement_unknown),
		TEST(ahead),
		TEST(replaced),
		TEST(renewed_meanwhile),
		TEST(renewed_in_full),
		TEST(moved_meanwhile),
		TEST(other_core_heard),
		TEST(answers_differ),
		TEST(lost_before_time),
		TEST(returns),
		TEST(target_lost),
		TEST(same_core),
		TEST(identity_mode),
		TEST(core_changes),
		TEST(announced_another),
		TEST(another_is_no_shorter),
		TEST(another_serves_by_then),
		TEST(refresh_before_move),
		TEST(refresh_after_all),
		TEST(scheduled_core),
		TEST(follows_schedule),
		TEST(schedule_for_timetable),
		TEST(command_lingers),
	};

	assert_int_equal(keys_init(), 0);
	log_set_level(LOG_LEVEL_ERROR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
