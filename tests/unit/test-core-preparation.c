/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A core that is made ready for a terminal before it comes (PROTOCOL sections 6.1, 8 and 15): it
 * registers by the short proof, in every order of what may happen around that; whatever is missing
 * or wrong costs it nothing but the full way; and what does not come leaves nothing behind.
 */
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/preparation.h"
#include "core-agent/registration.h"
#include "core-agent/session.h"
#include "kernel_fake.h"
#include "world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS  USEC_PER_MSEC
#define SEC USEC_PER_SEC

/* How her home addresses may lead, as the kernel has it. */
#define HELD	"dev sno-buf" /* one for each family */
#define SERVED	"10.1.0.7/32 table 254 metric 66567 via"
#define BACK	"10.1.0.7/32 table 254 metric 66567 encap dst 192.0.2.1"
#define NOWHERE "unreachable 10.1.0.7/32 table 254 metric 66567"
#define STATION "02:00:00:00:01:01"

static struct session *tina(const struct world *w)
{
	return session_find(&w->core, "tina@a.example");
}

static struct preparation *prepared(const struct world *w)
{
	return preparation_find(&w->core, "tina@a.example");
}

static void assert_nothing_left(struct world *w, const char *idle)
{
	assert_string_equal(kernel_fake_dump(), idle);
	assert_int_equal(pool_used(w->core.care_of4), 0);
	assert_int_equal(HASH_COUNT(w->core.sessions), 0);
	assert_int_equal(HASH_COUNT(w->core.session_macs), 0);
	assert_int_equal(HASH_COUNT(w->core.session_indices), 0);
	assert_int_equal(HASH_COUNT(w->core.registrations), 0);
	assert_int_equal(HASH_COUNT(w->core.preparations), 0);
	assert_int_equal(HASH_CNT(hh_tag, w->core.preparation_tags), 0);
	assert_int_equal(HASH_CNT(hh_mac, w->core.preparation_macs), 0);
	assert_int_equal(HASH_COUNT(w->core.preparations_waiting), 0);
}

/* What she has registered for somewhere else: home core and terminal share a root. */
static struct world *world_with_root(const char *pools)
{
	struct world *w = world_new(pools);

	keys_random(w->tina.root, sizeof(w->tina.root));
	memcpy(w->far[FAR_A].root, w->tina.root, sizeof(w->tina.root));
	w->tina.counter = 7;
	return w;
}

enum wish { HOLD = 1, LINK = 2 };

/* Her home core has this core prepared for her move of this number. */
static void prepare(struct world *w, uint64_t number, unsigned int wishes)
{
	struct message m;

	message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 0);
	message_set_number(&m, ATTR_EXPECTED, 1000);
	if (wishes & HOLD)
		message_set_number(&m, ATTR_HOLD, 1);
	if (wishes & LINK) {
		message_set_link_layer(&m, &w->tina.mac);
		message_set_addr(&m, ATTR_LINK_LOCAL, &w->tina.link_local);
		message_set_number(&m, ATTR_MTU, 1300);
		message_set_text(&m, ATTR_NEXT_SATELLITE, "s1");
	}
	far_prepare(w, number, &m);
	world_run(w, 20 * MS);
}

static void assert_prepared(struct world *w)
{
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_non_null(prepared(w));
	assert_int_equal(prepared(w)->state, PREPARATION_PREPARED);
}

/* She believes to be expected for the move of this number, and sends a discovery. */
static void come(struct world *w, uint64_t number, const char *satellite)
{
	snprintf(w->tina.target, sizeof(w->tina.target), "b.example");
	w->tina.number = number;
	terminal_discovery(&w->tina, NULL);
	terminal_send(w, &w->tina, satellite, w->tina.discovery, w->tina.discovery_length);
}

/* ... and has been registered, without a word to her home core before. */
static void assert_arrived(struct world *w)
{
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	assert_non_null(tina(w));
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	assert_null(prepared(w));
	assert_int_equal(kernel_fake_count(SERVED), 1);
	assert_int_equal(kernel_fake_count(STATION), 2);
	assert_int_equal(pool_used(w->core.care_of4), 1);
}

static void release(struct world *w, uint64_t binding, enum reason reason)
{
	struct message m;

	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, reason);
	message_set_number(&m, ATTR_BINDING, binding);
	far_ask(w, FAR_A, &m);
	world_run(w, 20 * MS);
}

/* An IPv4 packet (RFC 791) for her, with a number in it, comes to this core. */
static void send_packet(uint8_t number)
{
	uint8_t packet[28] = {0x45,	[3] = 28, [8] = 64, [9] = 17, [12] = 192, [14] = 2,
			      [15] = 9, 10,	  1,	    0,	      7,	  [27] = number};

	assert_int_equal(kernel_fake_tun_send("sno-buf", packet, sizeof(packet)), 0);
}

/* The numbers of the packets that have left the hold, in their order. */
static void assert_delivered(const char *numbers)
{
	uint8_t packet[128];
	char got[16] = "";
	size_t count = 0;

	while (count < sizeof(got) - 1 &&
	       kernel_fake_tun_receive("sno-buf", packet, sizeof(packet)) == 28)
		got[count++] = (char)packet[27];
	assert_string_equal(got, numbers);
}

/* ---- as it should be ----------------------------------------------------------------------- */

/* The draft's figure 5: everything is in place before she comes, and one datagram tells home. */
static void test_proactive(void **state)
{
	struct world *w = world_with_root(NULL);
	const struct message *offer = &w->far[FAR_A].last_answer, *request;
	char *before;

	(void)state;
	w->far[FAR_A].uplink_delay = 0;
	prepare(w, 1, LINK);
	assert_prepared(w);
	assert_int_equal(offer->tunnel_kind, TUNNEL_GRE4);
	assert_int_equal(offer->mtu, 1400);
	assert_int_equal(kernel_fake_count(SERVED), 1);
	assert_int_equal(kernel_fake_count(STATION), 2);
	before = strdup(kernel_fake_dump());
	w->carried = 0;
	kernel_fake_log_clear();
	come(w, 1, "s1");
	/* At once, with nothing left to be done in the kernel. */
	assert_arrived(w);
	assert_int_equal(kernel_fake_calls(), 0);
	assert_string_equal(kernel_fake_dump(), before);
	assert_int_equal(w->tina.registration.mode, MODE_PROACTIVE);
	assert_int_equal(w->tina.registration.mtu, 1300);
	assert_true(addr_equal(&w->tina.registration.coa, &offer->coa));
	world_run(w, 100 * MS);
	/* The tunnel request with ARRIVAL, and its answer. */
	assert_int_equal(w->carried, 2);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 0);
	assert_int_equal(w->far[FAR_A].arrivals, 1);
	request = &w->far[FAR_A].last[MESSAGE_TUNNEL_REQUEST];
	assert_true(addr_equal(&request->coa, &offer->coa));
	assert_int_equal(request->tunnel_kind, offer->tunnel_kind);
	assert_int_equal(request->tunnel_key, offer->tunnel_key);
	assert_string_equal(request->next_satellite, "s1");
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	free(before);
	world_free(w);
}

/* At the first thing that the kernel is asked when she has come: has registration done left? */
static void look_for_done(void *arg)
{
	struct world *w = arg;

	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	kernel_fake_meet(NULL, NULL, NULL);
}

/* Held packets are delivered in order, behind registration done and before the home core knows. */
static void test_predictive(void **state)
{
	struct world *w = world_with_root(NULL);

	(void)state;
	prepare(w, 1, HOLD | LINK);
	assert_prepared(w);
	assert_int_equal(kernel_fake_count(HELD), 2);
	assert_int_equal(kernel_fake_count(STATION), 0);
	send_packet('1');
	send_packet('2');
	assert_delivered("");
	kernel_fake_meet("", look_for_done, w);
	come(w, 1, "s1");
	assert_delivered("12");
	assert_arrived(w);
	assert_int_equal(w->tina.registration.mode, MODE_PREDICTIVE);
	assert_int_equal(tina(w)->buffered, 2);
	assert_int_equal(w->far[FAR_A].arrivals, 0);
	world_run(w, 100 * MS);
	assert_int_equal(w->far[FAR_A].arrivals, 1);
	assert_int_equal(kernel_fake_count(HELD), 0);
	world_free(w);
}

/* Where she comes to was not told: that is found out when she comes. Until then packets that her
 * home core leads here do not go back to it by any default route. */
static void test_link_unknown(void **state)
{
	struct world *w = world_with_root(NULL);

	(void)state;
	prepare(w, 1, 0);
	assert_prepared(w);
	assert_int_equal(kernel_fake_count("10.1.0.7/32"), 1);
	assert_int_equal(kernel_fake_count(NOWHERE), 1);
	come(w, 1, "s2");
	assert_arrived(w);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s2"), 1);
	world_run(w, 100 * MS);
	assert_int_equal(w->far[FAR_A].arrivals, 1);
	world_free(w);
}

/* She comes to another satellite than was foreseen. */
static void test_another_satellite(void **state)
{
	struct world *w = world_with_root(NULL);

	(void)state;
	prepare(w, 1, LINK);
	come(w, 1, "s2");
	assert_arrived(w);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s2"), 1);
	world_free(w);
}

/* The registration stands on its own: messages pass, and lifetime and release end it. */
static void test_served_as_any_other(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());
	struct message m;

	(void)state;
	prepare(w, 1, HOLD);
	send_packet('1');
	come(w, 1, "s1");
	world_run(w, 100 * MS);
	assert_arrived(w);
	message_init(&m, MESSAGE_HANDOVER_DONE, 0);
	message_set_number(&m, ATTR_GAP, 12345);
	message_set_number(&m, ATTR_REGISTRATION_TIME, 10);
	message_set_number(&m, ATTR_MODE, MODE_PREDICTIVE);
	message_set_number(&m, ATTR_FIRST_PACKET, 99);
	message_set_number(&m, ATTR_BUFFERED, 2);
	message_set_number(&m, ATTR_DROPPED, 0);
	terminal_tell(w, &w->tina, "s1", &m);
	world_run(w, 100 * MS);
	terminal_read(w, &w->tina);
	assert_int_equal(w->tina.received[MESSAGE_HANDOVER_DONE_ACK], 1);
	/* What she has measured, and what was held here beside what she has held. */
	assert_int_equal(w->far[FAR_A].last[MESSAGE_HANDOVER_DONE].first_packet, 99);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_HANDOVER_DONE].mode, MODE_PREDICTIVE);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_HANDOVER_DONE].buffered, 3);
	release(w, w->far[FAR_A].prepared_binding, REASON_TERMINAL_MOVED);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_count(BACK), 1);
	world_run(w, 5 * SEC);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* The home core tells the delay of the uplink by way of the visited core; the mode goes back. */
static void test_passes_on(void **state)
{
	struct world *w = world_with_root(NULL);
	struct message m;

	(void)state;
	message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 0);
	message_set_number(&m, ATTR_EXPECTED, 0);
	message_set_number(&m, ATTR_UPLINK_DELAY, 1500);
	far_prepare(w, 3, &m);
	world_run(w, 20 * MS);
	w->tina.mode = MODE_SOFT;
	come(w, 3, "s1");
	assert_arrived(w);
	assert_int_equal(w->tina.registration.uplink_delay, 1500);
	world_run(w, 20 * MS);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_TUNNEL_REQUEST].mode, MODE_SOFT);
	world_free(w);
}

/* ---- the same again, and others ------------------------------------------------------------ */

static void test_same_discovery_again(void **state)
{
	struct world *w = world_with_root(NULL);
	uint32_t index;

	(void)state;
	prepare(w, 1, HOLD);
	come(w, 1, "s1");
	assert_arrived(w);
	index = tina(w)->access.local_index;
	world_run(w, 50 * MS);
	/* The answer was lost: the same again, and nothing else. */
	w->tina.done = false;
	terminal_send(w, &w->tina, "s1", w->tina.discovery, w->tina.discovery_length);
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	world_run(w, 50 * MS);
	assert_int_equal(tina(w)->access.local_index, index);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_TUNNEL_REQUEST], 1);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 0);
	world_free(w);
}

/* A preparation is good for one discovery: the next with the same proof goes the full way. */
static void test_used_up(void **state)
{
	struct world *w = world_with_root(NULL);

	(void)state;
	prepare(w, 1, LINK);
	come(w, 1, "s1");
	assert_arrived(w);
	come(w, 1, "s1");
	world_run(w, 100 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 1);
	assert_int_equal(w->tina.assignment.reason, REASON_ACCEPTED);
	world_free(w);
}

/* A copy from another address is no proof; what it costs her is nothing. */
static void test_copied_by_a_stranger(void **state)
{
	struct world *w = world_with_root(NULL);
	struct terminal stranger = {.mac = {{2, 0, 0, 0, 6, 6}}};

	(void)state;
	prepare(w, 1, HOLD);
	snprintf(w->tina.target, sizeof(w->tina.target), "b.example");
	w->tina.number = 1;
	terminal_discovery(&w->tina, NULL);
	stranger.link_local = lladdr_link_local(&stranger.mac);
	terminal_send(w, &stranger, "s1", w->tina.discovery, w->tina.discovery_length);
	world_run(w, 50 * MS);
	/* It has gone the full way, and there her home core has named another address. */
	assert_null(tina(w));
	assert_int_equal(w->core.counters.refused[REASON_NOT_PERMITTED], 1);
	assert_prepared(w);
	/* The last octet of the proof: it comes from her address, but not from her. */
	w->far[FAR_A].mute = true;
	w->tina.discovery[w->tina.discovery_length - 1] ^= 1;
	terminal_send(w, &w->tina, "s1", w->tina.discovery, w->tina.discovery_length);
	assert_prepared(w);
	w->tina.discovery[w->tina.discovery_length - 1] ^= 1;
	terminal_send(w, &w->tina, "s1", w->tina.discovery, w->tina.discovery_length);
	assert_null(prepared(w));
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	world_free(w);
}

/* Wrong number, other core, no proof at all: the full way, with the same datagram. */
static void test_full_way(void **state)
{
	static const struct {
		const char *target;
		uint64_t number;
	} wrong[] = {{"b.example", 2}, {"c.example", 1}, {"", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct world *w = world_with_root(NULL);

		prepare(w, 1, HOLD);
		send_packet('1');
		snprintf(w->tina.target, sizeof(w->tina.target), "%s", wrong[i].target);
		w->tina.number = wrong[i].number;
		terminal_discovery(&w->tina, NULL);
		terminal_send(w, &w->tina, "s1", w->tina.discovery, w->tina.discovery_length);
		assert_prepared(w);
		world_run(w, 100 * MS);
		/* It is her: what was held for her is hers, and so is the care-of address. */
		assert_arrived(w);
		assert_delivered("1");
		assert_int_equal(tina(w)->buffered, 1);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 1);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
		world_free(w);
	}
}

/* Her full registration is refused after all: her home core hears that nobody is prepared. */
static void test_full_way_fails(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	prepare(w, 1, HOLD);
	w->far[FAR_A].tunnel_reason = REASON_KERNEL_REFUSED;
	come(w, 2, "s1");
	world_run(w, 100 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.rejected);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	assert_true(w->far[FAR_A].last[MESSAGE_RELEASE].binding == w->far[FAR_A].prepared_binding);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* ---- it does not come ---------------------------------------------------------------------- */

/* Expected and prepared_for are over: the home core confirms, and what is held goes back to it. */
static void test_does_not_come(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	prepare(w, 1, HOLD);
	w->far[FAR_A].hold_type = MESSAGE_RELEASE;
	world_run(w, 5900 * MS);
	send_packet('1');
	world_run(w, 200 * MS);
	assert_int_equal(w->far[FAR_A].held_count, 1);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].reason, REASON_NOT_ARRIVED);
	assert_int_equal(prepared(w)->state, PREPARATION_RETURNING);
	/* Still held: nobody knows yet where her packets go. */
	assert_delivered("");
	assert_int_equal(kernel_fake_count(HELD), 2);
	far_answer(w, FAR_A, 0);
	world_run(w, 20 * MS);
	assert_int_equal(prepared(w)->state, PREPARATION_DRAINING);
	assert_delivered("1");
	assert_int_equal(kernel_fake_count(BACK), 1);
	assert_int_equal(pool_used(w->core.care_of4), 1);
	world_run(w, 3 * SEC);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* The home core does not answer: nothing is sent where it might come back from. */
static void test_home_silent(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	prepare(w, 1, HOLD);
	w->far[FAR_A].hold_type = MESSAGE_RELEASE;
	world_run(w, 5900 * MS);
	send_packet('1');
	world_run(w, 60 * SEC);
	assert_delivered("");
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* ... or cannot be reached at all. */
static void test_home_unreachable(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	prepare(w, 1, HOLD);
	w->far[FAR_A].cut = true;
	world_run(w, 60 * SEC);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* She comes when it is too late: the full way. */
static void test_comes_too_late(void **state)
{
	struct world *w = world_with_root(NULL);

	(void)state;
	prepare(w, 1, HOLD);
	w->far[FAR_A].hold_type = MESSAGE_RELEASE;
	world_run(w, 6100 * MS);
	assert_int_equal(prepared(w)->state, PREPARATION_RETURNING);
	send_packet('1');
	come(w, 1, "s1");
	world_run(w, 100 * MS);
	assert_arrived(w);
	assert_delivered("1");
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 1);
	/* The answer to the release finds nobody, and changes nothing. */
	far_answer(w, FAR_A, 0);
	world_run(w, 3 * SEC);
	assert_arrived(w);
	world_free(w);
}

/* ... or while what came too late is being sent back. */
static void test_comes_while_draining(void **state)
{
	struct world *w = world_with_root(NULL);

	(void)state;
	prepare(w, 1, HOLD);
	release(w, w->far[FAR_A].prepared_binding, REASON_NOT_ARRIVED);
	assert_int_equal(prepared(w)->state, PREPARATION_DRAINING);
	come(w, 1, "s1");
	world_run(w, 100 * MS);
	assert_arrived(w);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 1);
	world_run(w, 5 * SEC);
	assert_arrived(w);
	world_free(w);
}

/* No longer than the binding that would be made with it. */
static void test_lifetime_is_shorter(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	w->far[FAR_A].lifetime = 2;
	prepare(w, 1, HOLD);
	world_run(w, 5 * SEC);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* ---- the home core decides otherwise ------------------------------------------------------- */

static void test_released(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	for (unsigned int wishes = 0; wishes < 4; wishes++) {
		prepare(w, 1, wishes);
		assert_prepared(w);
		if (wishes & HOLD)
			send_packet('1');
		release(w, w->far[FAR_A].prepared_binding, REASON_TERMINAL_MOVED);
		assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
		assert_delivered(wishes & HOLD ? "1" : "");
		assert_int_equal(kernel_fake_count(BACK), 1);
		/* Repeated under another request id. */
		release(w, w->far[FAR_A].prepared_binding, REASON_TERMINAL_MOVED);
		world_run(w, 3 * SEC);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
		assert_nothing_left(w, idle);
	}
	free(idle);
	world_free(w);
}

/* The release of the home core and its own cross each other. */
static void test_releases_cross(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	prepare(w, 1, HOLD);
	w->far[FAR_A].hold_type = MESSAGE_RELEASE;
	world_run(w, 6100 * MS);
	assert_int_equal(prepared(w)->state, PREPARATION_RETURNING);
	release(w, w->far[FAR_A].prepared_binding, REASON_NOT_ARRIVED);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(prepared(w)->state, PREPARATION_DRAINING);
	far_answer(w, FAR_A, 0);
	world_run(w, 3 * SEC);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* A release for the move crosses her arrival: it is for the session that has become of it. */
static void test_release_crosses_arrival(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	prepare(w, 1, HOLD);
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	come(w, 1, "s1");
	world_run(w, 20 * MS);
	release(w, w->far[FAR_A].prepared_binding, REASON_TERMINAL_MOVED);
	assert_int_equal(tina(w)->state, SESSION_DRAINING);
	w->far[FAR_A].prepared_binding = 0;
	far_answer(w, FAR_A, 0);
	world_run(w, 30 * SEC);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* The home core does not believe the arrival: she is told to register anew. */
static void test_arrival_refused(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	prepare(w, 1, HOLD);
	w->far[FAR_A].tunnel_reason = REASON_STALE_BINDING;
	come(w, 1, "s1");
	assert_arrived(w);
	world_run(w, 50 * MS);
	terminal_read(w, &w->tina);
	assert_int_equal(w->tina.received[MESSAGE_RELEASE], 1);
	assert_int_equal(w->tina.last[MESSAGE_RELEASE].reason, REASON_STALE_BINDING);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	/* It knows that by itself. */
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
	w->far[FAR_A].tunnel_reason = REASON_ACCEPTED;
	come(w, 1, "s1");
	world_run(w, 50 * MS);
	assert_arrived(w);
	release(w, w->far[FAR_A].binding, REASON_TERMINAL_MOVED);
	world_run(w, 5 * SEC);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* No answer: it may have been carried out, so it is taken back, and she registers anew. */
static void test_arrival_unanswered(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	prepare(w, 1, LINK);
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	come(w, 1, "s1");
	assert_arrived(w);
	world_run(w, 20 * SEC);
	terminal_read(w, &w->tina);
	assert_true(w->tina.received[MESSAGE_RELEASE] > 0);
	world_run(w, 60 * SEC);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	assert_true(w->far[FAR_A].last[MESSAGE_RELEASE].binding == w->far[FAR_A].prepared_binding);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* She has registered in full before that answer comes: it is of no interest any more. */
static void test_arrival_answered_late(void **state)
{
	struct world *w = world_with_root(NULL);

	(void)state;
	prepare(w, 1, LINK);
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	come(w, 1, "s1");
	world_run(w, 20 * MS);
	w->far[FAR_A].combined = true;
	come(w, 2, "s1");
	world_run(w, 20 * MS);
	assert_arrived(w);
	w->far[FAR_A].tunnel_reason = REASON_STALE_BINDING;
	far_answer(w, FAR_A, 0);
	world_run(w, 1 * SEC);
	assert_arrived(w);
	world_free(w);
}

/* ---- each message lost --------------------------------------------------------------------- */

/* She is registered at once in any case, and both cores come to know. */
static void test_each_loss(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= 4; n++) {
		struct world *w = world_with_root(NULL);

		w->lose_nth = n;
		prepare(w, 1, HOLD);
		world_run(w, 700 * MS);
		assert_prepared(w);
		send_packet('1');
		come(w, 1, "s1");
		assert_arrived(w);
		assert_delivered("1");
		world_run(w, 2 * SEC);
		assert_int_equal(w->far[FAR_A].arrivals, 1);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_TUNNEL_REQUEST], 1);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 0);
		assert_arrived(w);
		world_free(w);
	}
}

/* ... of those when she does not come. */
static void test_each_loss_of_the_end(void **state)
{
	(void)state;
	for (unsigned int n = 3; n <= 4; n++) {
		struct world *w = world_with_root(NULL);
		char *idle = strdup(kernel_fake_dump());

		w->lose_nth = n;
		prepare(w, 1, HOLD);
		w->carried = 2;
		world_run(w, 15 * SEC);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
		assert_nothing_left(w, idle);
		free(idle);
		world_free(w);
	}
}

/* ---- the kernel refuses -------------------------------------------------------------------- */

/* A preparation that the kernel refuses is refused, with nothing left; then she comes in full. */
static void test_kernel_refuses_preparation(void **state)
{
	(void)state;
	for (unsigned int wishes = HOLD; wishes <= LINK; wishes++) {
		struct world *w = world_with_root(NULL);
		char *idle = strdup(kernel_fake_dump());
		unsigned int n;

		for (n = 1; n < 50; n++) {
			kernel_fake_fail_at(n, -ENOSPC);
			prepare(w, n, wishes);
			if (!kernel_fake_failed())
				break;
			assert_int_equal(w->far[FAR_A].last_reason, REASON_KERNEL_REFUSED);
			assert_nothing_left(w, idle);
		}
		assert_true(n > 2);
		assert_prepared(w);
		free(idle);
		world_free(w);
	}
}

/* What the kernel refuses when she comes: she registers in full, or is told to. */
static void test_kernel_refuses_arrival(void **state)
{
	(void)state;
	for (unsigned int wishes = 0; wishes <= HOLD; wishes++) {
		unsigned int n;

		for (n = 1; n < 50; n++) {
			struct world *w = world_with_root(NULL);
			char *idle = strdup(kernel_fake_dump());
			bool failed;

			prepare(w, 1, wishes);
			kernel_fake_fail_at(n, -ENOSPC);
			come(w, 1, "s1");
			world_run(w, 500 * MS);
			terminal_read(w, &w->tina);
			failed = kernel_fake_failed();
			kernel_fake_fail_at(0, 0);
			if (w->tina.received[MESSAGE_RELEASE] > 0) {
				assert_int_equal(w->tina.last[MESSAGE_RELEASE].reason,
						 REASON_KERNEL_REFUSED);
				come(w, 1, "s1");
				world_run(w, 500 * MS);
			}
			assert_arrived(w);
			release(w, tina(w)->binding, REASON_TERMINAL_MOVED);
			/* What it did not let go of has been swept up by then. */
			world_run(w, 400 * SEC);
			assert_nothing_left(w, idle);
			free(idle);
			world_free(w);
			if (!failed)
				break;
		}
		assert_true(n > 3);
	}
}

/* What cannot go back is given up. */
static void test_kernel_refuses_return(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	prepare(w, 1, HOLD);
	send_packet('1');
	kernel_fake_fail_on("route replace 10.1.0.7/32", -ENOBUFS);
	release(w, w->far[FAR_A].prepared_binding, REASON_NOT_ARRIVED);
	kernel_fake_fail_on(NULL, 0);
	assert_null(prepared(w));
	world_run(w, 15 * SEC);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* ---- one after the other ------------------------------------------------------------------- */

/* A newer order takes the older one's place, with what was held; the older one's end is no matter.
 */
static void test_prepared_twice(void **state)
{
	struct world *w = world_with_root(NULL);
	uint64_t older;

	(void)state;
	prepare(w, 1, HOLD);
	older = w->far[FAR_A].prepared_binding;
	send_packet('1');
	prepare(w, 2, HOLD);
	assert_prepared(w);
	assert_int_equal(pool_used(w->core.care_of4), 1);
	release(w, older, REASON_TERMINAL_MOVED);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	/* What she knew before is good no more ... */
	send_packet('2');
	w->far[FAR_A].mute = true;
	come(w, 1, "s1");
	world_run(w, 10 * MS);
	assert_null(tina(w));
	/* ... but this is. */
	come(w, 2, "s1");
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	assert_delivered("12");
	world_free(w);
}

/* Two for one terminal in one moment: the last one counts. */
static void test_prepared_twice_at_once(void **state)
{
	struct world *w = world_with_root(NULL);
	struct message m;

	(void)state;
	for (uint64_t number = 1; number <= 2; number++) {
		message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 0);
		message_set_number(&m, ATTR_EXPECTED, 100);
		message_set_number(&m, ATTR_HOLD, 1);
		far_prepare(w, number, &m);
	}
	world_run(w, 20 * MS);
	assert_int_equal(w->far[FAR_A].answers, 2);
	assert_prepared(w);
	assert_int_equal(pool_used(w->core.care_of4), 1);
	come(w, 2, "s1");
	assert_arrived(w);
	world_free(w);
}

/* An older order that comes late is refused, and so is one older than what she has here. */
static void test_order_comes_late(void **state)
{
	struct world *w = world_with_root(NULL);

	(void)state;
	w->far[FAR_A].binding = 50;
	prepare(w, 1, HOLD);
	w->far[FAR_A].binding = 20;
	prepare(w, 2, HOLD);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	assert_true(prepared(w)->binding == 51);
	w->far[FAR_A].prepared_number = 1;
	w->far[FAR_A].prepared_binding = 51;
	come(w, 1, "s1");
	world_run(w, 20 * MS);
	prepare(w, 3, HOLD);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	assert_arrived(w);
	world_free(w);
}

/* She has been here before, and what was still under way to her then waits for her now. */
static void test_back_while_draining(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());
	struct addr coa;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	coa = tina(w)->coa;
	release(w, w->far[FAR_A].binding, REASON_TERMINAL_MOVED);
	assert_int_equal(tina(w)->state, SESSION_DRAINING);
	prepare(w, 1, HOLD | LINK);
	assert_prepared(w);
	assert_null(tina(w));
	assert_true(addr_equal(&prepared(w)->coa, &coa));
	assert_int_equal(kernel_fake_count(HELD), 2);
	world_run(w, 3 * SEC);
	assert_prepared(w);
	come(w, 1, "s1");
	assert_arrived(w);
	world_run(w, 20 * MS);
	release(w, w->far[FAR_A].prepared_binding, REASON_TERMINAL_MOVED);
	world_run(w, 5 * SEC);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* ... even when the home core's release of that time is still on its way. */
static void test_back_before_the_release(void **state)
{
	struct world *w = world_with_root(NULL);
	uint64_t former;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	former = w->far[FAR_A].binding;
	prepare(w, 1, HOLD);
	assert_prepared(w);
	assert_int_equal(kernel_fake_count(HELD), 2);
	release(w, former, REASON_TERMINAL_MOVED);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	come(w, 1, "s1");
	assert_arrived(w);
	world_free(w);
}

/* A refused preparation leaves what she still has here as it was. */
static void test_refused_while_draining(void **state)
{
	struct world *w = world_with_root(NULL);
	char *draining, *idle = strdup(kernel_fake_dump());

	(void)state;
	terminal_register(w, &w->tina, "s1");
	release(w, w->far[FAR_A].binding, REASON_TERMINAL_MOVED);
	draining = strdup(kernel_fake_dump());
	kernel_fake_fail_at(1, -ENOSPC);
	prepare(w, 1, HOLD | LINK);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_KERNEL_REFUSED);
	assert_string_equal(kernel_fake_dump(), draining);
	assert_int_equal(tina(w)->state, SESSION_DRAINING);
	assert_int_equal(pool_used(w->core.care_of4), 1);
	world_run(w, 3 * SEC);
	assert_nothing_left(w, idle);
	free(draining);
	free(idle);
	world_free(w);
}

/* She is on her way in already. */
static void test_prepared_while_registering(void **state)
{
	struct world *w = world_with_root(NULL);

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	come(w, 1, "s1");
	world_run(w, 20 * MS);
	prepare(w, 1, HOLD);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_BUSY);
	far_answer(w, FAR_A, 0);
	world_run(w, 20 * MS);
	assert_arrived(w);
	world_free(w);
}

/* ---- what is around changes ---------------------------------------------------------------- */

static const struct world_text without_s1 = {.satellites =
						     "{ name = \"s2\"; interface = \"feed-s2\"; }"};

static void test_satellite_removed(void **state)
{
	(void)state;
	for (unsigned int wishes = LINK; wishes <= (LINK | HOLD); wishes++) {
		struct world *w = world_with_root(NULL);

		prepare(w, 1, wishes);
		assert_int_equal(world_reload(w, &without_s1), 0);
		assert_int_equal(kernel_fake_count(STATION), 0);
		assert_prepared(w);
		come(w, 1, "s2");
		assert_arrived(w);
		world_free(w);
	}
}

/* The interface of the satellite is made again: what leads there leads to the new one. */
static void test_port_replaced(void **state)
{
	struct world *w = world_with_root(NULL);
	struct kernel_link link;

	(void)state;
	prepare(w, 1, LINK);
	kernel_fake_carrier(w->port1, true);
	assert_int_equal(kernel_link_get(w->kernel, w->port1, &link), 0);
	satellite_link(&w->core, &link, true, w->now);
	assert_int_equal(kernel_link_delete(w->kernel, w->port1), 0);
	w->port1 = kernel_fake_link("feed-s1", NULL);
	assert_int_equal(kernel_link_get(w->kernel, w->port1, &link), 0);
	satellite_link(&w->core, &link, false, w->now);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s1"), 1);
	come(w, 1, "s1");
	assert_arrived(w);
	world_free(w);
}

static void test_pools_changed(void **state)
{
	const struct world_text other = {.pools = "pools = { home4 = [ \"10.2.0.0/24\" ];"
						  " care_of4 = [ \"203.0.113.128/25\" ]; };"};
	struct world *w = world_with_root(NULL);

	(void)state;
	prepare(w, 1, HOLD);
	assert_int_equal(world_reload(w, &other), 0);
	world_run(w, 20 * MS);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	assert_int_equal(prepared(w)->state, PREPARATION_DRAINING);
	world_run(w, 3 * SEC);
	assert_nothing_left(w, kernel_fake_dump());
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	world_free(w);
}

static void test_home_core_restarts(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	prepare(w, 1, HOLD);
	far_restart(w, FAR_C);
	assert_prepared(w);
	far_restart(w, FAR_A);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
	assert_nothing_left(w, idle);
	come(w, 1, "s1");
	world_run(w, 100 * MS);
	assert_arrived(w);
	free(idle);
	world_free(w);
}

static void test_home_core_removed(void **state)
{
	const struct world_text less = {.peers = WORLD_PEER_C};
	struct world *w = world_with_root(NULL);

	(void)state;
	prepare(w, 1, HOLD);
	assert_int_equal(world_reload(w, &less), 0);
	assert_nothing_left(w, kernel_fake_dump());
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	world_run(w, 10 * SEC);
	world_free(w);
}

/* The bridge is taken away and put back: what was prepared is there again. */
static void test_restored(void **state)
{
	struct world *w = world_with_root(NULL);
	char *before;

	(void)state;
	prepare(w, 1, LINK);
	before = strdup(kernel_fake_dump());
	assert_int_equal(forwarding_restore(&w->core, &prepared(w)->path), 0);
	assert_string_equal(kernel_fake_dump(), before);
	free(before);
	world_free(w);
}

/* ---- who may, and how many ----------------------------------------------------------------- */

static void test_not_permitted(void **state)
{
	static const char *const modes[] = {"baseline", "combined"};
	struct world *w;
	struct addr strange;
	char pools[256];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		snprintf(pools, sizeof(pools), WORLD_POOLS " handover = { mode = \"%s\"; };",
			 modes[i]);
		w = world_with_root(pools);
		prepare(w, 1, HOLD);
		assert_int_equal(w->far[FAR_A].last_reason, REASON_NOT_PERMITTED);
		assert_null(prepared(w));
		world_free(w);
	}
	w = world_with_root(NULL);
	assert_int_equal(addr_parse(&strange, "10.9.0.1"), 0);
	w->far[FAR_A].hoa4 = strange;
	prepare(w, 1, HOLD);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_NOT_PERMITTED);
	assert_null(prepared(w));
	world_free(w);
}

/* No better than proactive: it is prepared, but nothing is held. */
static void test_nothing_held(void **state)
{
	struct world *w = world_with_root(WORLD_POOLS " handover = { mode = \"proactive\"; };");

	(void)state;
	prepare(w, 1, HOLD | LINK);
	assert_prepared(w);
	assert_int_equal(kernel_fake_count(HELD), 0);
	come(w, 1, "s1");
	assert_arrived(w);
	assert_int_equal(w->tina.registration.mode, MODE_PROACTIVE);
	world_free(w);
}

static void test_no_care_of_address(void **state)
{
	struct world *w = world_with_root(
		"pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ \"198.51.100.128/32\" ]; };");
	char *idle = strdup(kernel_fake_dump());
	struct addr taken;

	(void)state;
	assert_int_equal(pool_take(w->core.care_of4, &taken), 0);
	prepare(w, 1, HOLD);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_NO_CARE_OF_ADDRESS);
	pool_give(w->core.care_of4, &taken);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* Another one's Ethernet address is not led anywhere, and its owner comes first at any time. */
static void test_address_of_another(void **state)
{
	struct world *w = world_with_root(NULL);

	(void)state;
	/* Otto has it before she is expected ... */
	w->otto.home_epoch = w->core.epoch;
	w->otto.mac = w->tina.mac;
	w->otto.link_local = w->tina.link_local;
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	prepare(w, 1, LINK);
	assert_prepared(w);
	assert_int_equal(kernel_fake_count(SERVED), 0);
	assert_int_equal(kernel_fake_count(NOWHERE), 1);
	assert_int_equal(kernel_fake_count("10.2.0.9/32 table 254"), 1);
	world_free(w);
	/* ... or comes with it while she is. */
	w = world_with_root(NULL);
	prepare(w, 1, LINK);
	assert_int_equal(kernel_fake_count(SERVED), 1);
	w->otto.home_epoch = w->core.epoch;
	w->otto.mac = w->tina.mac;
	w->otto.link_local = w->tina.link_local;
	terminal_register(w, &w->otto, "s2");
	assert_true(w->otto.done);
	assert_prepared(w);
	assert_int_equal(kernel_fake_count(SERVED), 0);
	assert_int_equal(kernel_fake_count(NOWHERE), 1);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s2"), 1);
	/* She has another one now, and comes all the same. */
	assert_int_equal(lladdr_parse(&w->tina.mac, "02:00:00:00:01:09"), 0);
	w->tina.link_local = lladdr_link_local(&w->tina.mac);
	come(w, 1, "s1");
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	assert_int_equal(kernel_fake_count(SERVED), 1);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s2"), 1);
	world_free(w);
}

/* Nobody's packets are led to the gateway's own address: those of all terminals would go there. */
static void test_address_of_the_gateway(void **state)
{
	struct world *w = world_with_root(NULL);

	(void)state;
	w->tina.mac = w->core.config->access.gateway_mac;
	prepare(w, 1, LINK);
	assert_prepared(w);
	assert_int_equal(kernel_fake_count(SERVED), 0);
	assert_int_equal(kernel_fake_count("fdb"), 0);
	world_free(w);
}

/* A crowd: one exchange with the kernel for all, and one datagram of answers for many. */
static void test_crowd(void **state)
{
	struct world *w = world_with_root(NULL);
	char *idle = strdup(kernel_fake_dump());
	struct far *a = &w->far[FAR_A];

	(void)state;
	kernel_fake_log_clear();
	w->carried = 0;
	channel_gather(a->channel);
	for (unsigned int i = 0; i < 40; i++) {
		struct message m;

		snprintf(w->tina.user, sizeof(w->tina.user), "user%u", i);
		a->hoa4.bytes[3] = (uint8_t)(100 + i);
		a->hoa6.bytes[15] = (uint8_t)(100 + i);
		message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 0);
		message_set_number(&m, ATTR_EXPECTED, 100);
		message_set_number(&m, ATTR_HOLD, 1);
		far_prepare(w, 1 + i, &m);
	}
	channel_flush(a->channel, w->now);
	world_run(w, 20 * MS);
	assert_int_equal(a->answers, 40);
	assert_int_equal(a->last_reason, REASON_ACCEPTED);
	assert_int_equal(HASH_COUNT(w->core.preparations), 40);
	assert_int_equal(kernel_fake_count(HELD), 80);
	assert_true(kernel_fake_batches() <= 2);
	assert_true(w->carried < 20);
	world_run(w, 20 * SEC);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* A peer has so many prepared here and no more; others are not concerned, nor is one that ends. */
static void test_limit(void **state)
{
	struct world *w = world_with_root(
		"pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ \"100.64.0.0/17\" ]; };");
	struct far *a = &w->far[FAR_A];
	char *idle = strdup(kernel_fake_dump());
	unsigned int asked = 0;

	(void)state;
	while (asked < PREPARATIONS_PER_PEER + 1) {
		channel_gather(a->channel);
		for (unsigned int i = 0; i < 500 && asked < PREPARATIONS_PER_PEER + 1; i++) {
			struct message m;

			snprintf(w->tina.user, sizeof(w->tina.user), "user%u", asked++);
			message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 0);
			message_set_number(&m, ATTR_EXPECTED, 60000);
			far_prepare(w, asked, &m);
		}
		channel_flush(a->channel, w->now);
		world_run(w, 10 * MS);
	}
	assert_int_equal(a->answers, asked);
	assert_int_equal(a->last_reason, REASON_BUSY);
	assert_int_equal(HASH_COUNT(w->core.preparations), PREPARATIONS_PER_PEER);
	release(w, a->binding - 1, REASON_TERMINAL_MOVED);
	world_run(w, 3 * SEC);
	prepare(w, 1, 0);
	assert_int_equal(a->last_reason, REASON_ACCEPTED);
	far_restart(w, FAR_A);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proactive),
		cmocka_unit_test(test_predictive),
		cmocka_unit_test(test_link_unknown),
		cmocka_unit_test(test_another_satellite),
		cmocka_unit_test(test_served_as_any_other),
		cmocka_unit_test(test_passes_on),
		cmocka_unit_test(test_same_discovery_again),
		cmocka_unit_test(test_used_up),
		cmocka_unit_test(test_copied_by_a_stranger),
		cmocka_unit_test(test_full_way),
		cmocka_unit_test(test_full_way_fails),
		cmocka_unit_test(test_does_not_come),
		cmocka_unit_test(test_home_silent),
		cmocka_unit_test(test_home_unreachable),
		cmocka_unit_test(test_comes_too_late),
		cmocka_unit_test(test_comes_while_draining),
		cmocka_unit_test(test_lifetime_is_shorter),
		cmocka_unit_test(test_released),
		cmocka_unit_test(test_releases_cross),
		cmocka_unit_test(test_release_crosses_arrival),
		cmocka_unit_test(test_arrival_refused),
		cmocka_unit_test(test_arrival_unanswered),
		cmocka_unit_test(test_arrival_answered_late),
		cmocka_unit_test(test_each_loss),
		cmocka_unit_test(test_each_loss_of_the_end),
		cmocka_unit_test(test_kernel_refuses_preparation),
		cmocka_unit_test(test_kernel_refuses_arrival),
		cmocka_unit_test(test_kernel_refuses_return),
		cmocka_unit_test(test_prepared_twice),
		cmocka_unit_test(test_prepared_twice_at_once),
		cmocka_unit_test(test_order_comes_late),
		cmocka_unit_test(test_back_while_draining),
		cmocka_unit_test(test_back_before_the_release),
		cmocka_unit_test(test_refused_while_draining),
		cmocka_unit_test(test_prepared_while_registering),
		cmocka_unit_test(test_satellite_removed),
		cmocka_unit_test(test_port_replaced),
		cmocka_unit_test(test_pools_changed),
		cmocka_unit_test(test_home_core_restarts),
		cmocka_unit_test(test_home_core_removed),
		cmocka_unit_test(test_restored),
		cmocka_unit_test(test_not_permitted),
		cmocka_unit_test(test_nothing_held),
		cmocka_unit_test(test_no_care_of_address),
		cmocka_unit_test(test_address_of_another),
		cmocka_unit_test(test_address_of_the_gateway),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
