/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floods (PROTOCOL section 17): who sends more than a core can compute for takes that from nobody
 * who is served, expected, or can show that he is there.
 */
#include "cookie.h"
#include "core-agent/peer.h"
#include "core-agent/receive.h"
#include "core-agent/registration.h"
#include "core-agent/session.h"
#include "frame.h"
#include "kernel_fake.h"
#include "tina.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FLOOD 3000 /* datagrams at one moment */

/* Discoveries, each from an address of its own, that are for no key of anybody. */
static void flood_discoveries(struct world *w, const char *realm, const char *satellite)
{
	for (unsigned int i = 0; i < FLOOD; i++) {
		struct terminal stranger = {0};
		struct message m;
		uint8_t handshake[200];
		int length;

		terminal_make(&stranger, "mallory", realm, w->core.keys.public,
			      "02:00:00:00:00:66");
		keys_random(stranger.mac.bytes + 2, 4);
		keys_random(stranger.link_local.bytes + 8, 8);
		keys_random(handshake, sizeof(handshake));
		message_init(&m, MESSAGE_CORE_DISCOVERY, 1 + i);
		message_set_text(&m, ATTR_REALM, realm);
		message_set_blob(&m, ATTR_HANDSHAKE, handshake, sizeof(handshake));
		length = message_write(&m, stranger.discovery, sizeof(stranger.discovery));
		assert_true(length > 0);
		terminal_send(w, &stranger, satellite, stranger.discovery, (size_t)length);
	}
	w->frame_count = 0;
	world_run(w, MS / 10);
	w->frame_count = 0;
}

/* Nothing is left for strangers at this moment, be it a handshake or a cookie. */
static void shut_door(struct world *w, const char *satellite)
{
	static const uint8_t handshake[200];
	struct terminal stranger = {0};
	struct message m;
	uint64_t read;
	int length;

	terminal_make(&stranger, "mallory", "nowhere.example", w->core.keys.public,
		      "02:00:00:00:00:66");
	message_init(&m, MESSAGE_CORE_DISCOVERY, 1);
	message_set_text(&m, ATTR_REALM, "nowhere.example");
	message_set_blob(&m, ATTR_HANDSHAKE, handshake, sizeof(handshake));
	length = message_write(&m, stranger.discovery, sizeof(stranger.discovery));
	assert_true(length > 0);
	while (!door_shut(satellite_find(&w->core, satellite), false, w->now))
		terminal_send(w, &stranger, satellite, stranger.discovery, (size_t)length);
	read = w->core.counters.received[MESSAGE_CORE_DISCOVERY];
	w->frame_count = 0;
	/* Another one is counted, and not even read. */
	w->core.counters.drops[DROP_LIMIT] = 0;
	terminal_send(w, &stranger, satellite, stranger.discovery, (size_t)length);
	assert_int_equal(w->core.counters.drops[DROP_LIMIT], 1);
	assert_int_equal(w->core.counters.received[MESSAGE_CORE_DISCOVERY], read);
	assert_int_equal(w->frame_count, 0);
}

/* The cookie that has come for this terminal; false when none has. */
static bool cookie_for(const struct world *w, const struct terminal *t,
		       uint8_t cookie[COOKIE_LENGTH])
{
	for (size_t i = 0; i < w->frame_count; i++) {
		struct frame f;

		if (frame_parse(&f, w->frames[i].octets, w->frames[i].length) == 0 &&
		    lladdr_equal(&f.dst, &t->mac) && addr_equal(&f.ip_dst, &t->link_local) &&
		    cookie_read(f.payload, f.length, t->discovery, t->discovery_length, cookie))
			return true;
	}
	return false;
}

static void send_proof(struct world *w, struct terminal *t, const char *satellite,
		       const uint8_t cookie[COOKIE_LENGTH])
{
	uint8_t proof[SNO_DATAGRAM_MAX];
	int length =
		cookie_prove(proof, sizeof(proof), NULL, cookie, t->discovery, t->discovery_length);

	assert_true(length > 0);
	terminal_send(w, t, satellite, proof, (size_t)length);
	terminal_read(w, t);
}

static uint64_t cookies(const struct world *w)
{
	return w->core.counters.sent[MESSAGE_COOKIE];
}

/* Without a flood nobody is asked for anything. */
static void test_quiet(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	w->otto.home_epoch = w->core.epoch;
	for (int i = 0; i < 20; i++) {
		terminal_register(w, &w->otto, "s1");
		assert_true(w->otto.done);
	}
	terminal_register(w, &w->tina, "s2");
	assert_int_equal(cookies(w), 0);
	assert_int_equal(w->core.counters.drops[DROP_LIMIT], 0);
	world_free(w);
}

/* In a flood a newcomer needs a cookie, and with it is served; the flood computes no more. */
static void test_newcomer(void **state)
{
	struct world *w = world_new(NULL);
	uint8_t cookie[COOKIE_LENGTH], wrong[COOKIE_LENGTH] = {0};
	uint64_t computed;

	(void)state;
	w->otto.home_epoch = w->core.epoch;
	flood_discoveries(w, "b.example", "s1");
	computed = w->core.counters.refused[REASON_AUTHENTICATION_FAILED];
	assert_int_equal(computed, 1024);
	assert_int_equal(w->core.counters.drops[DROP_LIMIT], FLOOD - computed);
	flood_discoveries(w, "nowhere.example", "s2");
	flood_discoveries(w, "nowhere.example", "s1");
	terminal_discovery(&w->otto, NULL);
	terminal_send(w, &w->otto, "s1", w->otto.discovery, w->otto.discovery_length);
	assert_true(cookie_for(w, &w->otto, cookie));
	/* A wrong one is as none; one of another satellite, or of another address, is wrong. */
	send_proof(w, &w->otto, "s1", wrong);
	send_proof(w, &w->otto, "s2", cookie);
	w->otto.mac.bytes[5] ^= 1;
	send_proof(w, &w->otto, "s1", cookie);
	w->otto.mac.bytes[5] ^= 1;
	assert_false(w->otto.done || w->otto.rejected);
	send_proof(w, &w->otto, "s1", cookie);
	assert_true(w->otto.done);
	assert_int_equal(w->core.counters.refused[REASON_AUTHENTICATION_FAILED], computed);
	/* The same once more is answered as before, in whatever form. */
	w->frame_count = 0;
	terminal_send(w, &w->otto, "s1", w->otto.discovery, w->otto.discovery_length);
	assert_int_equal(w->frame_count, 1);
	world_free(w);
}

/* Whoever is served registers anew without being asked, be it here or at home. */
static void test_served(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	w->otto.home_epoch = w->core.epoch;
	terminal_register(w, &w->otto, "s1");
	terminal_register(w, &w->tina, "s1");
	flood_discoveries(w, "b.example", "s1");
	flood_discoveries(w, "nowhere.example", "s1");
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	shut_door(w, "s1");
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	shut_door(w, "s1");
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	world_free(w);
}

/* One satellite's flood is not another's. */
static void test_satellites(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t before;

	(void)state;
	for (int i = 0; i < 4; i++)
		flood_discoveries(w, "nowhere.example", "s1");
	before = cookies(w);
	assert_true(before > 0);
	w->otto.home_epoch = w->core.epoch;
	terminal_register(w, &w->otto, "s2");
	assert_true(w->otto.done);
	assert_int_equal(cookies(w), before);
	world_free(w);
}

/* Whoever is expected comes by the short proof, flood or not. */
static void test_expected(void **state)
{
	struct world *w = tina_world(NULL);

	(void)state;
	tina_prepare(w, 1, HOLD | LINK);
	tina_expected(w);
	flood_discoveries(w, "b.example", "s1");
	flood_discoveries(w, "a.example", "s1");
	shut_door(w, "s1");
	tina_comes(w, 1, "s1");
	tina_arrived(w);
	assert_int_equal(w->tina.registration.mode, MODE_PREDICTIVE);
	world_free(w);
}

/* Who claims a short proof that is none gets in among those who are read first: but no further, and
 * takes no cookie from those who claim nothing. */
static void test_doubtful(void **state)
{
	struct world *w = world_new(NULL);
	struct satellite *s1 = satellite_find(&w->core, "s1");
	uint8_t octets[100] = {1}, cookie[COOKIE_LENGTH];
	struct terminal stranger = {0};
	struct message m;
	int length;

	(void)state;
	flood_discoveries(w, "nowhere.example", "s1");
	terminal_make(&stranger, "mallory", "nowhere.example", w->core.keys.public,
		      "02:00:00:00:00:66");
	message_init(&m, MESSAGE_CORE_DISCOVERY, 1);
	message_set_text(&m, ATTR_REALM, "nowhere.example");
	message_set_blob(&m, ATTR_HANDSHAKE, octets, sizeof(octets));
	message_set_number(&m, ATTR_COUNTER, 1);
	message_set_octets(&m, ATTR_ARRIVAL, octets);
	message_set_octets(&m, ATTR_HANDOVER_TAG, octets);
	message_set_octets(&m, ATTR_HANDOVER_PROOF, octets);
	length = message_write(&m, stranger.discovery, sizeof(stranger.discovery));
	assert_true(length > 0);
	/* It may be in earnest, when the preparation is missing. */
	stranger.discovery_length = (size_t)length;
	terminal_send(w, &stranger, "s1", stranger.discovery, (size_t)length);
	assert_true(cookie_for(w, &stranger, cookie));
	for (unsigned int i = 0; i < FLOOD; i++) {
		w->frame_count = 0;
		terminal_send(w, &stranger, "s1", stranger.discovery, (size_t)length);
	}
	assert_int_equal(w->frame_count, 0);
	assert_true(door_shut(s1, true, w->now));
	assert_false(door_shut(s1, false, w->now));
	terminal_discovery(&w->otto, NULL);
	terminal_send(w, &w->otto, "s1", w->otto.discovery, w->otto.discovery_length);
	assert_true(cookie_for(w, &w->otto, cookie));
	world_free(w);
}

/* Strangers do not take all attempts that there are with a home core. */
static void test_attempts(void **state)
{
	struct world *w = world_new(NULL);
	struct peer *home = peer_find(&w->core, "a.example");
	uint8_t cookie[COOKIE_LENGTH];

	(void)state;
	w->far[FAR_A].cut = true; /* it answers late */
	flood_discoveries(w, "a.example", "s2");
	assert_int_equal(home->registrations, REGISTRATIONS_OF_STRANGERS);
	terminal_discovery(&w->tina, NULL);
	terminal_send(w, &w->tina, "s2", w->tina.discovery, w->tina.discovery_length);
	assert_true(cookie_for(w, &w->tina, cookie));
	send_proof(w, &w->tina, "s2", cookie);
	assert_int_equal(home->registrations, REGISTRATIONS_OF_STRANGERS + 1);
	world_free(w);
}

/* What a peer relays is rationed too: it hears that this core is busy, and nothing is computed. */
static void test_relayed(void **state)
{
	struct world *w = world_new(NULL);
	uint8_t handshake[200] = {1};
	unsigned int refused[REASON_COUNT] = {0};

	(void)state;
	for (unsigned int i = 0; i < 4200; i++) {
		struct message m;

		message_init(&m, MESSAGE_AUTHENTICATION, 0);
		message_set_text(&m, ATTR_REALM, "b.example");
		message_set_number(&m, ATTR_INDEX, 1 + i);
		message_set_blob(&m, ATTR_HANDSHAKE, handshake, sizeof(handshake));
		far_ask(w, FAR_A, &m);
		world_run(w, 1);
		refused[w->far[FAR_A].last_reason]++;
	}
	assert_true(refused[REASON_BUSY] > 0);
	assert_true(refused[REASON_AUTHENTICATION_FAILED] > 4000);
	world_run(w, SEC);
	assert_true(door_authentication(peer_find(&w->core, "a.example"), w->now));
	world_free(w);
}

/* ---- between cores ------------------------------------------------------------------------- */

static void flood_initiations(struct world *w, int which)
{
	uint8_t datagram[150];

	message_write_head(datagram, MESSAGE_HANDSHAKE_INITIATION, 1);
	for (unsigned int i = 0; i < FLOOD; i++) {
		struct endpoint from = w->far[which].endpoint;

		from.addr.bytes[3] = (uint8_t)(i % 200 + 50);
		keys_random(datagram + 4, sizeof(datagram) - 4);
		datagram[4] |= 1;
		channel_hint(datagram + SNO_HEAD_LENGTH, w->far[which].keys.public);
		peer_receive(&w->core, &from, datagram, sizeof(datagram), w->now);
	}
	world_run(w, MS / 10);
}

/* A peer that restarts in the middle of a flood in its name comes up again, by a cookie. */
static void test_peer(void **state)
{
	struct world *w = world_new(NULL);
	struct peer *peer = peer_find(&w->core, "a.example");
	const struct channel_counters *c = channel_counters(peer->channel);
	uint64_t before = c->received[MESSAGE_HANDSHAKE_INITIATION], dropped;

	(void)state;
	flood_initiations(w, FAR_A);
	dropped = c->drops[DROP_HANDSHAKE];
	assert_true(dropped >= 1 && dropped <= 26);
	flood_initiations(w, FAR_A);
	assert_int_equal(c->drops[DROP_HANDSHAKE], dropped);
	far_restart(w, FAR_A);
	assert_int_equal(c->received[MESSAGE_HANDSHAKE_INITIATION], before + 1);
	assert_int_equal(w->core.counters.received[MESSAGE_COOKIE_PROOF], 1);
	/* The next one has the cookie at once. */
	flood_initiations(w, FAR_A);
	world_run(w, 150 * SEC);
	assert_true(c->rekeys > 0);
	world_free(w);
}

/* A cookie for one address is none at another, and none for another core's key. */
static void test_peer_proof(void **state)
{
	struct world *w = world_new(NULL);
	struct peer *peer = peer_find(&w->core, "a.example");
	struct endpoint from = w->far[FAR_A].endpoint;
	uint8_t datagram[150], proof[SNO_DATAGRAM_MAX], cookie[COOKIE_LENGTH];
	uint8_t source[19] = {AF_INET};
	int length;

	(void)state;
	memcpy(source + 1, from.addr.bytes, 4);
	source[17] = (uint8_t)(from.port >> 8);
	source[18] = (uint8_t)from.port;
	keys_random(datagram, sizeof(datagram));
	message_write_head(datagram, MESSAGE_HANDSHAKE_INITIATION, 5);
	channel_hint(datagram + SNO_HEAD_LENGTH, w->far[FAR_A].keys.public);
	cookie_make(&w->core.door.jar, source, sizeof(source), w->now, cookie);
	length = cookie_prove(proof, sizeof(proof), channel_cookie_key(peer->channel), cookie,
			      datagram, sizeof(datagram));
	assert_true(door_initiation_proven(peer, &from, proof, (size_t)length, w->now));
	assert_false(door_initiation_proven(peer_find(&w->core, "c.example"), &from, proof,
					    (size_t)length, w->now));
	from.port++;
	assert_false(door_initiation_proven(peer, &from, proof, (size_t)length, w->now));
	world_free(w);
}

/* Cookies that nobody has asked for, or wrong ones, or many, make a core send nothing. */
static void test_false_cookies(void **state)
{
	struct world *w = world_new(NULL);
	struct far *a = &w->far[FAR_A];
	uint8_t octets[COOKIE_DATAGRAM] = {0};
	uint64_t sent;

	(void)state;
	sent = channel_counters(a->channel)->sent_datagrams;
	for (unsigned int i = 0; i < 100; i++) {
		bool authentic;
		enum drop drop;

		message_write_head(octets, MESSAGE_COOKIE, 1 + i);
		keys_random(octets + SNO_HEAD_LENGTH, sizeof(octets) - SNO_HEAD_LENGTH);
		drop = channel_receive(a->channel, octets, sizeof(octets), w->now, &authentic);
		assert_int_equal(drop, DROP_INDEX);
		assert_false(authentic);
		peer_receive(&w->core, &a->endpoint, octets, sizeof(octets), w->now);
	}
	assert_int_equal(channel_counters(a->channel)->sent_datagrams, sent);
	assert_int_equal(w->core.counters.drops[DROP_INDEX], 100);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet),	      cmocka_unit_test(test_newcomer),
		cmocka_unit_test(test_served),	      cmocka_unit_test(test_satellites),
		cmocka_unit_test(test_expected),      cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_doubtful),      cmocka_unit_test(test_relayed),
		cmocka_unit_test(test_peer),	      cmocka_unit_test(test_peer_proof),
		cmocka_unit_test(test_false_cookies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
