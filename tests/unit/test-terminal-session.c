/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal's state machine, one test for each row of PROTOCOL section 7 and for what its
 * sections 5 and 6 promise, with the datagrams as octets, the kernel in memory and time as a
 * number.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cookie.h"
#include "kernel_fake.h"
#include "log.h"
#include "terminal-agent/session.h"
#include "terminal_rig.h"

static struct rig rig;
static struct rig_core a, b;

static int setup(void **state)
{
	(void)state;
	rig_open(&rig);
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

/* From s1 to s2 as the lab's modem does it: order, farewell, gap, carrier. */
static void move_to_s2(struct rig_core *from)
{
	struct message m;

	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now), 0);
	m = rig_take_sealed(&rig, from, MESSAGE_CORE_DISCONNECT);
	rig_ack(&rig, "s1", from, MESSAGE_DISCONNECTION_ACK, m.id);
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	rig_carrier(&rig, rig.sat1, false);
	rig_pass(&rig, 50 * USEC_PER_MSEC);
	rig_carrier(&rig, rig.sat2, true);
}

/* ---- registration ------------------------------------------------------------------------ */

static const char registered_state[] = "address 10.1.0.7/32 dev lo nodad\n"
				       "address 2001:db8:a::7/128 dev lo nodad\n";

static void test_first_discovery(void **state)
{
	const struct rig_sent *sent;
	struct message m;

	(void)state;
	rig_start(&rig);
	assert_int_equal(rig.session.state, SESSION_DISCOVERING);
	sent = rig_take_discovery(&rig, "s1");
	assert_int_equal(sent->at, rig.now);
	m = rig_identity(&rig, sent);
	assert_string_equal(m.user, "alice");
	assert_int_equal(m.home_epoch, 0);
	assert_int_equal(m.mtu, 1500);
	assert_memory_equal(&m.link_layer, &rig_link(&rig, "s1")->mac, sizeof(m.link_layer));
	assert_true(addr_equal(&m.link_local, &rig_link(&rig, "s1")->address));
	assert_true(addr_link_local(&m.link_local));
	assert_false(message_has(&m, ATTR_CORE));
	rig_no_more(&rig);
}

/* The core asks for proof that we receive what it sends. */
static size_t cookie_of(const struct rig_sent *sent, uint8_t fill, uint8_t out[COOKIE_DATAGRAM])
{
	uint8_t cookie[COOKIE_LENGTH];
	uint32_t id = rig_discovery(sent).id;

	memset(cookie, fill, sizeof(cookie));
	cookie_write(out, id, sent->octets, sent->length, cookie);
	return COOKIE_DATAGRAM;
}

static void assert_proof(const struct rig_sent *discovery, uint8_t fill)
{
	uint8_t cookie[COOKIE_LENGTH], expected[SNO_DATAGRAM_MAX];
	const struct rig_sent *sent = rig_take(&rig);
	int length;

	memset(cookie, fill, sizeof(cookie));
	length = cookie_prove(expected, sizeof(expected), NULL, cookie, discovery->octets,
			      discovery->length);
	assert_non_null(sent);
	assert_true(sent->group);
	assert_int_equal(sent->length, length);
	assert_memory_equal(sent->octets, expected, sent->length);
}

/* At once, the same octets; and from then on with the cookie, which a new one replaces. */
static void test_cookie(void **state)
{
	struct rig_sent first;
	uint8_t octets[COOKIE_DATAGRAM];
	usec_t deadline;

	(void)state;
	rig_start(&rig);
	first = *rig_take_discovery(&rig, "s1");
	deadline = rig.session.deadline;
	cookie_of(&first, 7, octets);
	octets[10] ^= 1;
	assert_int_equal(rig_deliver(&rig, "s1", octets, sizeof(octets)), DROP_INDEX);
	octets[10] ^= 1;
	assert_int_equal(rig_deliver(&rig, "s1", octets, sizeof(octets) - 1), DROP_INDEX);
	assert_int_equal(rig_deliver(&rig, "s2", octets, sizeof(octets)), DROP_INDEX);
	rig_no_more(&rig);
	assert_int_equal(rig_deliver(&rig, "s1", octets, sizeof(octets)), DROP_NONE);
	assert_proof(&first, 7);
	assert_int_equal(rig.session.deadline, deadline);
	assert_int_equal(rig.session.attempt.tries, 1);
	rig_pass(&rig, rig.session.deadline - rig.now);
	assert_proof(&first, 7);
	cookie_of(&first, 8, octets);
	rig_deliver(&rig, "s1", octets, sizeof(octets));
	assert_proof(&first, 8);
	/* Who overhears discoveries cannot make us send for ever. */
	for (int i = 0; i < 10; i++)
		rig_deliver(&rig, "s1", octets, sizeof(octets));
	assert_proof(&first, 8);
	assert_proof(&first, 8);
	rig_no_more(&rig);
	assert_int_equal(rig_reply(&rig, &a, &first, REASON_ACCEPTED), DROP_NONE);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
	/* When it is registered cookies are nothing to it. */
	assert_int_equal(rig_deliver(&rig, "s1", octets, sizeof(octets)), DROP_INDEX);
}

static void test_registration(void **state)
{
	struct message done;

	(void)state;
	rig_start(&rig);
	rig.now += 40 * USEC_PER_MSEC;
	done = rig_register(&rig, "s1", &a);
	assert_int_equal(done.gap, 0);
	assert_int_equal(done.registration_time, 40000);
	assert_non_null(strstr(kernel_fake_dump(), registered_state));
	assert_int_equal(kernel_fake_count("route 0.0.0.0/0"), 1);
	assert_int_equal(kernel_fake_count("route ::/0"), 1);
	assert_int_equal(kernel_fake_count("lock dev sat1"), 2);
	assert_int_equal(kernel_fake_count("mtu 1400 lock"), 2);
	assert_int_equal(kernel_fake_count("neighbour fe80::1 dev sat1 lladdr " RIG_MAC), 1);
	assert_int_equal(rig.handover_count, 0);
	assert_int_equal(rig.session.registration.place.core[0], 'a');
}

static void test_one_family(void **state)
{
	(void)state;
	a.hoa6 = NULL;
	registered_at_a();
	assert_int_equal(kernel_fake_count("route ::/0"), 0);
	assert_int_equal(kernel_fake_count("route 0.0.0.0/0"), 1);
	a.hoa6 = RIG_HOA6;
	a.hoa4 = NULL;
	rig_pass(&rig, 200 * USEC_PER_SEC);
	rig_register(&rig, "s1", &a);
	assert_int_equal(kernel_fake_count("route ::/0"), 1);
	assert_int_equal(kernel_fake_count("route 0.0.0.0/0"), 0);
	assert_int_equal(kernel_fake_count(RIG_HOA4), 0);
}

static void test_gateway_learnt(void **state)
{
	static const struct lladdr mac = {{2, 0, 0, 0, 0, 9}};
	struct datagram datagram = {.from = {.family = AF_INET6, .bytes = {0xfe, 0x80, [15] = 1}},
				    .from_port = SNO_ACCESS_PORT,
				    .hop_limit = 255,
				    .source = mac};
	uint8_t octets[SNO_DATAGRAM_MAX];

	(void)state;
	rig_start(&rig);
	datagram.octets = octets;
	datagram.length =
		rig_answer(&rig, &a, rig_take_discovery(&rig, "s1"), REASON_ACCEPTED, octets);
	assert_int_equal(receive_datagram(&rig.session, &rig.counters, rig_link(&rig, "s1"),
					  &datagram, rig.now),
			 DROP_NONE);
	assert_int_equal(kernel_fake_count("neighbour fe80::1 dev sat1 lladdr 02:00:00:00:00:09"),
			 1);
}

static void test_named_core(void **state)
{
	struct message m;

	(void)state;
	rig_start(&rig);
	rig_take_discovery(&rig, "s1");
	rig_advertise(&rig, "s1", "a.example", 11);
	rig_pass(&rig, 8 * USEC_PER_SEC);
	for (int i = 0; i < 3; i++)
		rig_take_discovery(&rig, "s1");
	m = rig_identity(&rig, rig_take_discovery(&rig, "s1"));
	assert_true(message_has(&m, ATTR_CORE));
	assert_string_equal(m.core, "a.example");
}

static void test_back_off(void **state)
{
	/* The same octets after 0.5, 1 and 2 s more, then new ones after 4 and 8. */
	static const usec_t at[] = {0, 500, 1500, 3500, 7500, 15500, 23500};
	const struct rig_sent *sent[7];
	usec_t begin;

	(void)state;
	begin = rig.now;
	rig_start(&rig);
	rig_pass(&rig, 24 * USEC_PER_SEC);
	for (int i = 0; i < 7; i++) {
		sent[i] = rig_take_discovery(&rig, "s1");
		assert_int_equal(sent[i]->at - begin, at[i] * USEC_PER_MSEC);
	}
	for (int i = 1; i < 4; i++)
		assert_memory_equal(sent[i]->octets, sent[0]->octets, sent[0]->length);
	assert_memory_not_equal(sent[4]->octets + 4, sent[0]->octets + 4, 4);
	assert_true(rig_identity(&rig, sent[4]).counter > rig_identity(&rig, sent[0]).counter);
	rig_no_more(&rig);
	/* An answer to any of the present octets will do; one to older octets will not. */
	assert_int_equal(rig_reply(&rig, &a, sent[0], REASON_ACCEPTED), DROP_INDEX);
	assert_int_equal(rig_reply(&rig, &a, sent[5], REASON_ACCEPTED), DROP_NONE);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
}

static void test_resync_limit(void **state)
{
	(void)state;
	rig_start(&rig);
	for (int i = 0; i < 4; i++)
		rig_reply(&rig, &a, rig_take_discovery(&rig, "s1"), REASON_RESYNC);
	rig_no_more(&rig);
	rig_pass(&rig, USEC_PER_SEC);
	rig_take_discovery(&rig, "s1");
	rig_no_more(&rig);
}

static void test_authentic_reject(void **state)
{
	const struct rig_sent *sent;

	(void)state;
	rig_start(&rig);
	sent = rig_take_discovery(&rig, "s1");
	rig_reply(&rig, &a, sent, REASON_NOT_PERMITTED);
	rig_pass(&rig, 999 * USEC_PER_MSEC);
	rig_no_more(&rig);
	rig_pass(&rig, 2 * USEC_PER_MSEC);
	assert_memory_not_equal(rig_take_discovery(&rig, "s1")->octets + 4, sent->octets + 4, 4);
	assert_int_equal(rig.session.state, SESSION_DISCOVERING);
}

static void test_unproven_reject(void **state)
{
	const struct rig_sent *sent;

	(void)state;
	rig_start(&rig);
	sent = rig_take_discovery(&rig, "s1");
	for (int i = 0; i < 20; i++)
		assert_int_equal(rig_reject(&rig, sent, REASON_BUSY), DROP_NONE);
	rig_pass(&rig, 999 * USEC_PER_MSEC);
	rig_no_more(&rig);
	rig_pass(&rig, 2 * USEC_PER_MSEC);
	assert_memory_equal(rig_take_discovery(&rig, "s1")->octets, sent->octets, sent->length);
	/* The true answer is still welcome. */
	assert_int_equal(rig_reply(&rig, &a, sent, REASON_ACCEPTED), DROP_NONE);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
}

/* ---- what must not be believed ------------------------------------------------------------ */

static void test_forged_done(void **state)
{
	const struct rig_sent *sent;
	uint8_t good[SNO_DATAGRAM_MAX], bad[SNO_DATAGRAM_MAX];
	const char *before;
	size_t length;

	(void)state;
	rig_start(&rig);
	sent = rig_take_discovery(&rig, "s1");
	before = kernel_fake_dump();
	length = rig_answer(&rig, &a, sent, REASON_ACCEPTED, good);
	for (size_t i = 0; i < length; i++) {
		memcpy(bad, good, length);
		bad[i] ^= 0x40;
		assert_int_not_equal(rig_deliver(&rig, "s1", bad, length), DROP_NONE);
		assert_int_not_equal(rig_deliver(&rig, "s1", good, i), DROP_NONE);
	}
	assert_int_equal(rig_deliver(&rig, "s2", good, length), DROP_INDEX);
	assert_string_equal(before, kernel_fake_dump());
	assert_int_equal(rig.session.state, SESSION_DISCOVERING);
	assert_int_equal(rig_deliver(&rig, "s1", good, length), DROP_NONE);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
	/* Once more is a repetition and changes nothing. */
	before = kernel_fake_dump();
	assert_int_equal(rig_deliver(&rig, "s1", good, length), DROP_REPLAY);
	assert_string_equal(before, kernel_fake_dump());
}

static void test_other_core_claims(void **state)
{
	const struct rig_sent *sent;

	(void)state;
	rig_start(&rig);
	sent = rig_take_discovery(&rig, "s1");
	b.claimed = "a.example";
	assert_int_equal(rig_reply(&rig, &b, sent, REASON_ACCEPTED), DROP_HANDSHAKE);
	assert_int_equal(rig.session.state, SESSION_DISCOVERING);
	assert_int_equal(rig_reply(&rig, &a, sent, REASON_ACCEPTED), DROP_NONE);
}

static void test_not_the_advertised(void **state)
{
	const struct rig_sent *sent;
	struct message m;

	(void)state;
	rig_start(&rig);
	sent = rig_take_discovery(&rig, "s1");
	rig_advertise(&rig, "s1", "a.example", 11);
	assert_int_equal(rig_reply(&rig, &b, sent, REASON_ACCEPTED), DROP_NONE);
	assert_int_equal(rig.session.state, SESSION_DISCOVERING);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	rig_pass(&rig, USEC_PER_SEC);
	m = rig_identity(&rig, rig_take_discovery(&rig, "s1"));
	assert_string_equal(m.core, "a.example");
	rig_no_more(&rig);
}

static void test_where_from(void **state)
{
	uint8_t octets[SNO_DATAGRAM_MAX + 1] = {0};
	struct datagram good = {.from = {.family = AF_INET6, .bytes = {0xfe, 0x80, [15] = 1}},
				.from_port = SNO_ACCESS_PORT,
				.hop_limit = 255,
				.octets = octets};
	struct datagram bad[4];
	struct link *link;

	(void)state;
	rig_start(&rig);
	link = rig_link(&rig, "s1");
	good.length = rig_answer(&rig, &a, rig_take_discovery(&rig, "s1"), REASON_ACCEPTED, octets);
	for (int i = 0; i < 4; i++)
		bad[i] = good;
	bad[0].hop_limit = 254;
	bad[1].from.bytes[15] = 2;
	bad[2].from_port = 1;
	bad[3].length = SNO_DATAGRAM_MAX + 1;
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			receive_datagram(&rig.session, &rig.counters, link, &bad[i], rig.now),
			i == 3 ? DROP_LONG : DROP_VALUE);
	assert_int_equal(rig.counters.drops[DROP_VALUE], 3);
	assert_int_equal(receive_datagram(&rig.session, &rig.counters, link, &good, rig.now),
			 DROP_NONE);
}

/* ---- moving ---------------------------------------------------------------------------------- */

static void test_handover(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_pass(&rig, 5 * USEC_PER_SEC);
	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now), 0);
	assert_int_equal(rig.session.state, SESSION_DISCONNECTING);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_string_equal(m.next_satellite, "s2");
	assert_false(message_has(&m, ATTR_LIFETIME));
	assert_int_equal(rig.switches, 0);
	rig_ack(&rig, "s1", &a, MESSAGE_DISCONNECTION_ACK, m.id);
	assert_int_equal(rig.switches, 1);
	assert_string_equal(rig.from, "s1");
	assert_string_equal(rig.to, "s2");
	rig_carrier(&rig, rig.sat1, false);
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	rig_pass(&rig, 50 * USEC_PER_MSEC);
	rig_no_more(&rig);
	rig_carrier(&rig, rig.sat2, true);
	assert_int_equal(rig.session.state, SESSION_DISCOVERING);
	/* Routes move with the registration, not before. */
	assert_int_equal(kernel_fake_count("lock dev sat1"), 2);
	rig.now += 100 * USEC_PER_MSEC;
	m = rig_register(&rig, "s2", &b);
	assert_int_equal(kernel_fake_count("lock dev sat1"), 0);
	assert_int_equal(kernel_fake_count("lock dev sat2"), 2);
	assert_int_equal(kernel_fake_count("neighbour fe80::1"), 1);
	assert_int_equal(kernel_fake_count("address " RIG_HOA4), 1);
	assert_int_equal(m.gap, 50000);
	assert_int_equal(m.registration_time, 100000);
	assert_int_equal(rig.handover_count, 1);
	assert_string_equal(rig.handovers[0].from.core, "a.example");
	assert_string_equal(rig.handovers[0].to.core, "b.example");
	assert_string_equal(rig.handovers[0].from.satellite, "s1");
	assert_string_equal(rig.handovers[0].to.link, "s2");
	assert_int_equal(rig.handovers[0].mode, MODE_BASELINE);
	assert_string_equal(rig.handovers[0].reason, "switch");
	assert_int_equal(rig.handovers[0].gap, 50000);
	assert_int_equal(rig.handovers[0].registration, 100000);
	assert_int_equal(rig.handovers[0].tries, 1);
	session_switched(&rig.session, 0, rig.now); /* the command ends late */
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
}

/* The kernel tells that the old link is gone after it has told that the new one is there. */
static void test_late_loss(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack(&rig, "s1", &a, MESSAGE_DISCONNECTION_ACK, m.id);
	rig_pass(&rig, 70 * USEC_PER_MSEC);
	kernel_fake_carrier(rig.sat2, true);
	kernel_fake_carrier(rig.sat1, false);
	rig_turn(&rig);
	m = rig_register(&rig, "s2", &b);
	assert_int_equal(m.gap, 70000);
}

/* A discovery is made while the link is being switched; it must say what is true when it leaves. */
static void test_made_ahead(void **state)
{
	struct message m;
	uint64_t counter;

	(void)state;
	registered_at_a();
	move_to_s2(&a);
	counter = rig.session.counter;
	m = rig_identity(&rig, rig_take_discovery(&rig, "s2"));
	assert_int_equal(m.counter, counter);
	assert_int_equal(m.home_epoch, rig.home_epoch);
	assert_memory_equal(&m.link_layer, &rig_link(&rig, "s2")->mac, sizeof(m.link_layer));

	session_switched(&rig.session, 0, rig.now);
	session_handover(&rig.session, rig_link(&rig, "s1"), rig.now, rig.now);
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	kernel_link_set_mtu(rig.kernel, rig.sat1, 1300);
	rig_carrier(&rig, rig.sat2, false);
	rig_carrier(&rig, rig.sat1, true);
	m = rig_identity(&rig, rig_take_discovery(&rig, "s1"));
	assert_int_equal(m.mtu, 1300);
	assert_true(m.counter > counter + 1);
}

static void test_routes_never_missing(void **state)
{
	(void)state;
	registered_at_a();
	move_to_s2(&a);
	kernel_fake_log_clear();
	rig_register(&rig, "s2", &b);
	assert_int_equal(kernel_fake_log_find("route delete", 1), 0);
	assert_int_equal(kernel_fake_log_find("address", 1), 0);
	assert_true(kernel_fake_log_find("neighbour replace", 1) <
		    kernel_fake_log_find("route replace", 1));
	assert_true(kernel_fake_log_find("route replace", 1) <
		    kernel_fake_log_find("neighbour delete", 1));
}

static void test_disconnect_wait(void **state)
{
	(void)state;
	registered_at_a();
	session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now);
	rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_pass(&rig, 199 * USEC_PER_MSEC);
	assert_int_equal(rig.session.state, SESSION_DISCONNECTING);
	rig_pass(&rig, 2 * USEC_PER_MSEC);
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	assert_int_equal(rig.switches, 1);
}

static void test_lost_while_disconnecting(void **state)
{
	(void)state;
	registered_at_a();
	session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now);
	rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_carrier(&rig, rig.sat1, false);
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
}

static void test_unknown_satellite(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	session_handover(&rig.session, rig_link(&rig, "sat3"), rig.now, rig.now);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_false(message_has(&m, ATTR_NEXT_SATELLITE));
}

static void test_refused_orders(void **state)
{
	(void)state;
	registered_at_a();
	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s1"), rig.now, rig.now),
			 -EALREADY);
	rig.config.switching.mode = SWITCHING_SELF;
	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now),
			 -ENETDOWN);
	rig.config.switching.mode = SWITCHING_COMMAND;
	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now), 0);
	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now),
			 -EBUSY);
	assert_int_equal(session_connect(&rig.session, rig.now), -EALREADY);
}

/* The link is there and the terminal registered, but the command goes on: no order gets lost. */
static void test_command_lingers(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack(&rig, "s1", &a, MESSAGE_DISCONNECTION_ACK, m.id);
	rig_carrier(&rig, rig.sat1, false);
	rig_carrier(&rig, rig.sat2, true);
	rig_register(&rig, "s2", &b);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s1"), rig.now, rig.now),
			 -EBUSY);
	rig_no_more(&rig);
	session_switched(&rig.session, 0, rig.now);
	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s1"), rig.now, rig.now), 0);
	rig_take_sealed(&rig, &b, MESSAGE_CORE_DISCONNECT);
}

static void test_self_between_two(void **state)
{
	struct message m;

	(void)state;
	rig.config.switching.mode = SWITCHING_SELF;
	rig.switch_result = 1;
	registered_at_a();
	rig_carrier(&rig, rig.sat2, true);
	rig_no_more(&rig);
	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now), 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack(&rig, "s1", &a, MESSAGE_DISCONNECTION_ACK, m.id);
	m = rig_register(&rig, "s2", &b);
	assert_int_equal(m.gap, 0);
	assert_int_equal(kernel_fake_count("lock dev sat2"), 2);
}

static void test_switch_fails(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig.switch_result = -ENOENT;
	session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack(&rig, "s1", &a, MESSAGE_DISCONNECTION_ACK, m.id);
	/* It stays where it was, and tells the core so. */
	rig_register(&rig, "s1", &a);
	assert_int_equal(rig.handover_count, 0);
}

static void test_switch_ends_without_link(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack(&rig, "s1", &a, MESSAGE_DISCONNECTION_ACK, m.id);
	session_switched(&rig.session, 0, rig.now);
	rig_carrier(&rig, rig.sat1, false);
	rig_pass(&rig, 9 * USEC_PER_SEC);
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	rig_pass(&rig, 2 * USEC_PER_SEC);
	assert_int_equal(rig.session.state, SESSION_DOWN);
	rig_carrier(&rig, rig.sat2, true);
	m = rig_register(&rig, "s2", &b);
	assert_int_equal(m.gap, 11000000);
}

static void test_link_lost(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	rig_carrier(&rig, rig.sat1, false);
	assert_int_equal(rig.session.state, SESSION_DOWN);
	rig_pass(&rig, 100 * USEC_PER_SEC);
	rig_no_more(&rig);
	assert_int_equal(kernel_fake_count("address " RIG_HOA4), 1);
	assert_int_equal(kernel_fake_count("address " RIG_HOA6), 1);
	rig_carrier(&rig, rig.sat2, true);
	m = rig_register(&rig, "s2", &b);
	assert_int_equal(m.gap, 100000000);
	assert_string_equal(rig.handovers[0].reason, "link lost");
}

static void test_link_lost_other_up(void **state)
{
	(void)state;
	registered_at_a();
	rig_carrier(&rig, rig.sat2, true);
	rig_carrier(&rig, rig.sat1, false);
	assert_int_equal(rig_register(&rig, "s2", &b).gap, 0);
}

static void test_silent_link(void **state)
{
	(void)state;
	rig_start(&rig);
	rig_carrier(&rig, rig.sat2, true);
	rig_pass(&rig, 7501 * USEC_PER_MSEC);
	for (int i = 0; i < 4; i++)
		rig_take_discovery(&rig, "s1");
	rig_register(&rig, "s2", &b);
}

static void test_administrative(void **state)
{
	struct message m;

	(void)state;
	rig.config.switching.mode = SWITCHING_SELF;
	rig.config.switching.administrative = true;
	rig.switch_result = 1;
	registered_at_a();
	rig_carrier(&rig, rig.sat1, false);
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	assert_string_equal(rig.from, "s1");
	assert_string_equal(rig.to, "s2");
	rig_pass(&rig, 10 * USEC_PER_SEC);
	assert_string_equal(rig.from, "s2");
	assert_string_equal(rig.to, "sat3");
	rig.switch_result = -EIO;
	rig_pass(&rig, 13 * USEC_PER_SEC);
	assert_int_equal(rig.switches, 6); /* 2, then at 10 s one, and three failures a second */
	rig_carrier(&rig, rig.sat2, true); /* on its own, while s1 has its turn */
	m = rig_register(&rig, "s2", &b);
	assert_int_equal(m.gap, 23000000);
}

/* ---- what cores say ----------------------------------------------------------------------------
 */

static void test_core_changes(void **state)
{
	(void)state;
	registered_at_a();
	rig_advertise(&rig, "s1", "a.example", 11);
	rig_pass(&rig, 2 * USEC_PER_SEC);
	rig_advertise(&rig, "s1", "a.example", 11);
	rig_no_more(&rig);
	rig_advertise(&rig, "s1", "b.example", 22);
	rig_register(&rig, "s1", &b);
	assert_int_equal(rig.handover_count, 1);
	assert_string_equal(rig.handovers[0].reason, "core changed");
	/* The same core, born again. */
	rig_pass(&rig, 2 * USEC_PER_SEC);
	b.epoch = 23;
	rig_advertise(&rig, "s1", "b.example", 23);
	rig_register(&rig, "s1", &b);
}

static void test_advertisements_limited(void **state)
{
	usec_t begin;

	(void)state;
	registered_at_a();
	begin = rig.now;
	/* A stranger claims another core, a thousand times within 10 seconds. */
	for (int i = 0; i < 1000; i++) {
		rig_advertise(&rig, "s1", i & 1 ? "x.example" : "y.example", 1);
		rig_pass(&rig, 10 * USEC_PER_MSEC);
	}
	assert_int_equal(rig.now - begin, 10 * USEC_PER_SEC);
	assert_in_range(rig.sent_count - rig.taken, 1, 11);
	/* The registration and its routes are where they were. */
	assert_true(rig.session.registration.valid);
	assert_int_equal(kernel_fake_count("lock dev sat1"), 2);
}

static void test_hasty_interval(void **state)
{
	uint8_t octets[64];
	struct message m;
	int length;

	(void)state;
	registered_at_a();
	message_init(&m, MESSAGE_CORE_ADVERTISEMENT, 0);
	message_set_text(&m, ATTR_CORE, "a.example");
	message_set_number(&m, ATTR_EPOCH, 11);
	message_set_number(&m, ATTR_INTERVAL, 1);
	length = message_write(&m, octets, sizeof(octets));
	for (int i = 0; i < 100; i++) {
		rig_deliver(&rig, "s1", octets, (size_t)length);
		rig_pass(&rig, 10 * USEC_PER_MSEC);
		if (rig.session.state == SESSION_DISCOVERING)
			rig_register(&rig, "s1", &a);
	}
	assert_true(rig.counters.sent[MESSAGE_CORE_DISCOVERY] <= 4);
}

static void test_silence(void **state)
{
	(void)state;
	registered_at_a();
	rig_pass(&rig, 20 * USEC_PER_SEC);
	rig_no_more(&rig); /* a core that was never heard is not missed */
	rig_advertise(&rig, "s1", "a.example", 11);
	rig_pass(&rig, 2999 * USEC_PER_MSEC);
	rig_no_more(&rig);
	rig_pass(&rig, 2 * USEC_PER_MSEC);
	rig_register(&rig, "s1", &a);
	/* It answers: the next time it is given twice as long. */
	rig_pass(&rig, 5990 * USEC_PER_MSEC);
	rig_no_more(&rig);
	rig_pass(&rig, 20 * USEC_PER_MSEC);
	rig_register(&rig, "s1", &a);
	rig_advertise(&rig, "s1", "a.example", 11);
	rig_pass(&rig, 3001 * USEC_PER_MSEC);
	rig_register(&rig, "s1", &a);
}

static void test_release(void **state)
{
	struct message m, ack;

	(void)state;
	registered_at_a();
	rig_pass(&rig, 2 * USEC_PER_SEC);
	message_init(&m, MESSAGE_RELEASE, 1);
	message_set_number(&m, ATTR_REASON, REASON_CORE_RESTARTED);
	rig_tell(&rig, "s1", &a, &m);
	ack = rig_take_sealed(&rig, &a, MESSAGE_RELEASE_ACK);
	assert_int_equal(ack.id, 1);
	assert_int_equal(ack.reason, REASON_ACCEPTED);
	assert_int_equal(rig.session.state, SESSION_DISCOVERING);
	assert_int_equal(kernel_fake_count("lock dev sat1"), 2);
	rig_take_discovery(&rig, "s1");
	/* The answer was lost: it is given again, nothing is done again. */
	rig_tell(&rig, "s1", &a, &m);
	rig_take_sealed(&rig, &a, MESSAGE_RELEASE_ACK);
	rig_no_more(&rig);
}

static void test_unknown_request(void **state)
{
	struct message m;

	(void)state;
	registered_at_a();
	message_init(&m, MESSAGE_CORE_DISCONNECT, 1);
	rig_tell(&rig, "s1", &a, &m);
	m = rig_take_sealed(&rig, &a, MESSAGE_ERROR);
	assert_int_equal(m.reason, REASON_UNSUPPORTED);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
}

static void test_sealed_replay(void **state)
{
	uint8_t octets[SNO_DATAGRAM_MAX];
	struct message m;
	int length;

	(void)state;
	registered_at_a();
	message_init(&m, MESSAGE_KEEPALIVE, 0);
	length = access_seal(&a.access, &m, octets, sizeof(octets));
	assert_int_equal(rig_deliver(&rig, "s1", octets, (size_t)length), DROP_NONE);
	assert_int_equal(rig_deliver(&rig, "s1", octets, (size_t)length), DROP_REPLAY);
	octets[length - 1] ^= 1;
	octets[15]++;
	assert_int_equal(rig_deliver(&rig, "s1", octets, (size_t)length), DROP_SEAL);
	/* Keys of a registration end with the next one. */
	length = access_seal(&a.access, &m, octets, sizeof(octets));
	move_to_s2(&a);
	rig_register(&rig, "s2", &b);
	rig_carrier(&rig, rig.sat1, true);
	assert_int_equal(rig_deliver(&rig, "s1", octets, (size_t)length), DROP_INDEX);
}

/* ---- time and orders
 * ------------------------------------------------------------------------------ */

static void test_refresh(void **state)
{
	(void)state;
	registered_at_a();
	rig_pass(&rig, 200 * USEC_PER_SEC - 1);
	rig_no_more(&rig);
	rig_pass(&rig, 1);
	rig_register(&rig, "s1", &a);
	assert_int_equal(rig.handover_count, 0);
	/* A core that does not answer is asked on; the routes stay, also beyond the lifetime. */
	rig_pass(&rig, 600 * USEC_PER_SEC);
	assert_int_equal(rig.session.state, SESSION_DISCOVERING);
	assert_int_equal(kernel_fake_count("lock dev sat1"), 2);
	rig.taken = rig.sent_count;
}

static void test_handover_done_repeated(void **state)
{
	const struct rig_sent *sent;

	(void)state;
	rig_start(&rig);
	sent = rig_take_discovery(&rig, "s1");
	rig_reply(&rig, &a, sent, REASON_ACCEPTED);
	rig_pass(&rig, 20 * USEC_PER_SEC);
	for (int i = 0; i < REQUEST_MAX_TRIES; i++)
		rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_DONE);
	rig_no_more(&rig);
}

static void test_deregister(void **state)
{
	const char *before;
	struct message m;

	(void)state;
	rig_start(&rig);
	before = kernel_fake_dump();
	rig_register(&rig, "s1", &a);
	session_deregister(&rig.session, rig.now);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_true(message_has(&m, ATTR_LIFETIME));
	assert_int_equal(m.lifetime, 0);
	rig_ack(&rig, "s1", &a, MESSAGE_DISCONNECTION_ACK, m.id);
	assert_int_equal(rig.session.state, SESSION_DOWN);
	assert_string_equal(before, kernel_fake_dump());
	/* It stays away ... */
	rig_carrier(&rig, rig.sat1, false);
	rig_carrier(&rig, rig.sat1, true);
	rig_advertise(&rig, "s1", "a.example", 11);
	rig_pass(&rig, 1000 * USEC_PER_SEC);
	rig_no_more(&rig);
	/* ... until told otherwise. */
	assert_int_equal(session_connect(&rig.session, rig.now), 0);
	rig_register(&rig, "s1", &a);
}

static void test_deregister_unheard(void **state)
{
	(void)state;
	registered_at_a();
	session_deregister(&rig.session, rig.now);
	rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_pass(&rig, 200 * USEC_PER_MSEC);
	rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	assert_int_equal(rig.session.state, SESSION_DOWN);
	assert_int_equal(kernel_fake_count("route"), 0);
	rig_pass(&rig, 1000 * USEC_PER_SEC);
	rig_no_more(&rig);
}

static void test_deregister_without_link(void **state)
{
	(void)state;
	registered_at_a();
	rig_carrier(&rig, rig.sat1, false);
	session_deregister(&rig.session, rig.now);
	assert_int_equal(rig.session.state, SESSION_DOWN);
	assert_int_equal(kernel_fake_count("address " RIG_HOA4), 0);
}

static void test_unsendable(void **state)
{
	(void)state;
	rig.deaf = true;
	rig_start(&rig);
	rig_pass(&rig, 600 * USEC_PER_MSEC);
	assert_int_equal(rig.counters.unsent, 2);
	rig.deaf = false;
	rig_pass(&rig, USEC_PER_SEC);
	rig_register(&rig, "s1", &a);
}

/* ---- restart and links that go -----------------------------------------------------------------
 */

static void test_restart(void **state)
{
	char *before;

	(void)state;
	registered_at_a();
	before = strdup(kernel_fake_dump());
	rig_kill(&rig);
	assert_string_equal(before, kernel_fake_dump());
	kernel_fake_log_clear();
	rig_restart(&rig);
	rig_register(&rig, "s1", &a);
	assert_string_equal(before, kernel_fake_dump());
	assert_int_equal(kernel_fake_log_find("delete", 1), 0);
	assert_int_equal(rig.handover_count, 0);
	free(before);
}

static void test_restart_elsewhere(void **state)
{
	(void)state;
	registered_at_a();
	move_to_s2(&a);
	rig_register(&rig, "s2", &b);
	rig_carrier(&rig, rig.sat1, true);
	rig_kill(&rig);
	rig_restart(&rig);
	/* On the link whose routes are there, not on the first of the list. */
	b.hoa4 = "10.1.0.8";
	rig_register(&rig, "s2", &b);
	assert_int_equal(kernel_fake_count(RIG_HOA4), 0);
	assert_int_equal(kernel_fake_count("address 10.1.0.8/32 dev lo"), 1);
	assert_int_equal(kernel_fake_count("route"), 2);
}

static void test_interface_vanishes(void **state)
{
	(void)state;
	registered_at_a();
	kernel_link_delete(rig.kernel, rig.sat1);
	rig_turn(&rig);
	assert_int_equal(rig.session.state, SESSION_DOWN);
	assert_null(rig_link(&rig, "s1")->port);
	rig.sat1 = kernel_fake_link("sat1", NULL);
	kernel_link_set_up(rig.kernel, rig.sat1, true);
	rig_turn(&rig);
	rig_register(&rig, "s1", &a);
}

static void test_overrun(void **state)
{
	(void)state;
	registered_at_a();
	kernel_fake_carrier(rig.sat1, false);
	kernel_fake_carrier(rig.sat2, true);
	kernel_fake_overrun();
	rig_turn(&rig);
	rig_register(&rig, "s2", &b);
}

static void test_link_removed(void **state)
{
	(void)state;
	registered_at_a();
	rig.config.links++;
	rig.config.link_count--;
	assert_int_equal(links_configure(&rig.links, &rig.config, rig.now), 0);
	assert_int_equal(rig.session.state, SESSION_DOWN);
	rig_carrier(&rig, rig.sat2, true);
	rig_register(&rig, "s2", &b);
	assert_string_equal(rig.handovers[0].from.link, "s1");
	rig.config.links--;
	rig.config.link_count++;
	assert_int_equal(links_configure(&rig.links, &rig.config, rig.now), 0);
	assert_int_equal(kernel_monitor_resync(rig.monitor), 0);
	assert_true(rig_link(&rig, "s1")->ready);
	rig_turn(&rig);
	rig_no_more(&rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(first_discovery),
		TEST(cookie),
		TEST(registration),
		TEST(one_family),
		TEST(gateway_learnt),
		TEST(named_core),
		TEST(back_off),
		TEST(resync_limit),
		TEST(authentic_reject),
		TEST(unproven_reject),
		TEST(forged_done),
		TEST(other_core_claims),
		TEST(not_the_advertised),
		TEST(where_from),
		TEST(handover),
		TEST(late_loss),
		TEST(made_ahead),
		TEST(routes_never_missing),
		TEST(disconnect_wait),
		TEST(lost_while_disconnecting),
		TEST(unknown_satellite),
		TEST(refused_orders),
		TEST(command_lingers),
		TEST(self_between_two),
		TEST(switch_fails),
		TEST(switch_ends_without_link),
		TEST(link_lost),
		TEST(link_lost_other_up),
		TEST(silent_link),
		TEST(administrative),
		TEST(core_changes),
		TEST(advertisements_limited),
		TEST(hasty_interval),
		TEST(silence),
		TEST(release),
		TEST(unknown_request),
		TEST(sealed_replay),
		TEST(refresh),
		TEST(handover_done_repeated),
		TEST(deregister),
		TEST(deregister_unheard),
		TEST(deregister_without_link),
		TEST(unsendable),
		TEST(restart),
		TEST(restart_elsewhere),
		TEST(interface_vanishes),
		TEST(overrun),
		TEST(link_removed),
	};

	assert_int_equal(keys_init(), 0);
	log_set_level(LOG_LEVEL_ERROR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
