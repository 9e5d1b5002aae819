/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A core that is made ready for a terminal before it comes (PROTOCOL sections 6.1, 8 and 15): it
 * registers by the short proof, in every order of what may happen around that; whatever is missing
 * or wrong costs it nothing but the full way; and what does not come leaves nothing behind.
 */
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "kernel_fake.h"
#include "tina.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- as it should be ----------------------------------------------------------------------- */

/* The draft's figure 5: everything is in place before she comes, and one datagram tells home. */
static void test_proactive(void **state)
{
	struct world *w = tina_world(NULL);
	const struct message *offer = &w->far[FAR_A].last_answer, *request;
	char *before;

	(void)state;
	w->far[FAR_A].uplink_delay = 0;
	tina_prepare(w, 1, LINK);
	tina_expected(w);
	assert_int_equal(offer->tunnel_kind, TUNNEL_GRE4);
	assert_int_equal(offer->mtu, 1400);
	assert_int_equal(kernel_fake_count(SERVED), 1);
	assert_int_equal(kernel_fake_count(STATION), 2);
	before = strdup(kernel_fake_dump());
	w->carried = 0;
	kernel_fake_log_clear();
	tina_comes(w, 1, "s1");
	/* At once, with nothing left to be done in the kernel. */
	tina_arrived(w);
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
	struct world *w = tina_world(NULL);

	(void)state;
	tina_prepare(w, 1, HOLD | LINK);
	tina_expected(w);
	assert_int_equal(kernel_fake_count(HELD), 2);
	assert_int_equal(kernel_fake_count(STATION), 0);
	tina_send('1');
	tina_send('2');
	tina_delivered("");
	kernel_fake_meet("", look_for_done, w);
	tina_comes(w, 1, "s1");
	tina_delivered("12");
	tina_arrived(w);
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
	struct world *w = tina_world(NULL);

	(void)state;
	tina_prepare(w, 1, 0);
	tina_expected(w);
	assert_int_equal(kernel_fake_count("10.1.0.7/32"), 1);
	assert_int_equal(kernel_fake_count(NOWHERE), 1);
	tina_comes(w, 1, "s2");
	tina_arrived(w);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s2"), 1);
	world_run(w, 100 * MS);
	assert_int_equal(w->far[FAR_A].arrivals, 1);
	world_free(w);
}

/* She comes to another satellite than was foreseen. */
static void test_another_satellite(void **state)
{
	struct world *w = tina_world(NULL);

	(void)state;
	tina_prepare(w, 1, LINK);
	tina_comes(w, 1, "s2");
	tina_arrived(w);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s2"), 1);
	world_free(w);
}

/* The registration stands on its own: messages pass, and lifetime and release end it. */
static void test_served_as_any_other(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());
	struct message m;

	(void)state;
	tina_prepare(w, 1, HOLD);
	tina_send('1');
	tina_comes(w, 1, "s1");
	world_run(w, 100 * MS);
	tina_arrived(w);
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
	/* That belongs to this registration, and to no later one. */
	*w->tina.target = '\0';
	terminal_register(w, &w->tina, "s1");
	assert_int_equal(tina(w)->buffered, 0);
	tina_release(w, w->far[FAR_A].binding, REASON_TERMINAL_MOVED);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_count(BACK), 1);
	world_run(w, 5 * SEC);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* The home core tells the delay of the uplink by way of the visited core; the mode goes back. */
static void test_passes_on(void **state)
{
	struct world *w = tina_world(NULL);
	struct message m;

	(void)state;
	message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 0);
	message_set_number(&m, ATTR_EXPECTED, 0);
	message_set_number(&m, ATTR_UPLINK_DELAY, 1500);
	far_prepare(w, 3, &m);
	world_run(w, 20 * MS);
	w->tina.mode = MODE_SOFT;
	tina_comes(w, 3, "s1");
	tina_arrived(w);
	assert_int_equal(w->tina.registration.uplink_delay, 1500);
	world_run(w, 20 * MS);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_TUNNEL_REQUEST].mode, MODE_SOFT);
	world_free(w);
}

/* ---- the same again, and others ------------------------------------------------------------ */

static void test_same_discovery_again(void **state)
{
	struct world *w = tina_world(NULL);
	uint32_t index;

	(void)state;
	tina_prepare(w, 1, HOLD);
	tina_comes(w, 1, "s1");
	tina_arrived(w);
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
	struct world *w = tina_world(NULL);

	(void)state;
	tina_prepare(w, 1, LINK);
	tina_comes(w, 1, "s1");
	tina_arrived(w);
	tina_comes(w, 1, "s1");
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
	struct world *w = tina_world(NULL);
	struct terminal stranger = {.mac = {{2, 0, 0, 0, 6, 6}}};

	(void)state;
	tina_prepare(w, 1, HOLD);
	snprintf(w->tina.target, sizeof(w->tina.target), "b.example");
	w->tina.number = 1;
	terminal_discovery(&w->tina, NULL);
	stranger.link_local = lladdr_link_local(&stranger.mac);
	terminal_send(w, &stranger, "s1", w->tina.discovery, w->tina.discovery_length);
	world_run(w, 50 * MS);
	/* It has gone the full way, and there her home core has named another address. */
	assert_null(tina(w));
	assert_int_equal(w->core.counters.refused[REASON_NOT_PERMITTED], 1);
	tina_expected(w);
	/* The last octet of the proof: it comes from her address, but not from her. */
	w->far[FAR_A].mute = true;
	w->tina.discovery[w->tina.discovery_length - 1] ^= 1;
	terminal_send(w, &w->tina, "s1", w->tina.discovery, w->tina.discovery_length);
	tina_expected(w);
	w->tina.discovery[w->tina.discovery_length - 1] ^= 1;
	terminal_send(w, &w->tina, "s1", w->tina.discovery, w->tina.discovery_length);
	assert_null(tina_prepared(w));
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
		struct world *w = tina_world(NULL);

		tina_prepare(w, 1, HOLD);
		tina_send('1');
		snprintf(w->tina.target, sizeof(w->tina.target), "%s", wrong[i].target);
		w->tina.number = wrong[i].number;
		terminal_discovery(&w->tina, NULL);
		terminal_send(w, &w->tina, "s1", w->tina.discovery, w->tina.discovery_length);
		tina_expected(w);
		world_run(w, 100 * MS);
		/* It is her: what was held for her is hers, and so is the care-of address. */
		tina_arrived(w);
		tina_delivered("1");
		assert_int_equal(tina(w)->buffered, 1);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 1);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
		world_free(w);
	}
}

/* What her home core said of her before it had this core prepared comes late. */
static void test_full_way_overtaken(void **state)
{
	struct world *w = tina_world(NULL);

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_AUTHENTICATION;
	tina_comes(w, 2, "s1");
	world_run(w, 20 * MS);
	w->far[FAR_A].binding = 50;
	tina_prepare(w, 1, HOLD);
	w->far[FAR_A].binding = 20;
	far_answer(w, FAR_A, 0);
	world_run(w, 20 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.rejected);
	assert_int_equal(w->tina.reason, REASON_STALE_BINDING);
	tina_expected(w);
	tina_comes(w, 1, "s1");
	tina_arrived(w);
	world_free(w);
}

/* The last care-of addresses are taken: that of the preparation serves the full way too. */
static void test_full_way_with_its_address(void **state)
{
	struct world *w = tina_world(
		"pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ \"198.51.100.128/30\" ]; };");
	struct addr taken;

	(void)state;
	tina_prepare(w, 1, HOLD);
	while (pool_take(w->core.care_of4, &taken) == 0)
		;
	tina_comes(w, 2, "s1");
	world_run(w, 20 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	assert_true(addr_equal(&tina(w)->coa, &w->far[FAR_A].last_answer.coa));
	world_free(w);
}

/* Her full registration is refused after all: her home core hears that nobody is prepared. */
static void test_full_way_fails(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	tina_prepare(w, 1, HOLD);
	w->far[FAR_A].tunnel_reason = REASON_KERNEL_REFUSED;
	tina_comes(w, 2, "s1");
	world_run(w, 100 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.rejected);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	assert_true(w->far[FAR_A].last[MESSAGE_RELEASE].binding == w->far[FAR_A].prepared_binding);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* ---- it does not come ---------------------------------------------------------------------- */

/* Expected and prepared_for are over: the home core confirms, and what is held goes back to it. */
static void test_does_not_come(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	tina_prepare(w, 1, HOLD);
	w->far[FAR_A].hold_type = MESSAGE_RELEASE;
	world_run(w, 5900 * MS);
	tina_send('1');
	world_run(w, 200 * MS);
	assert_int_equal(w->far[FAR_A].held_count, 1);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].reason, REASON_NOT_ARRIVED);
	assert_int_equal(tina_prepared(w)->state, PREPARATION_RETURNING);
	/* Still held: nobody knows yet where her packets go. */
	tina_delivered("");
	assert_int_equal(kernel_fake_count(HELD), 2);
	far_answer(w, FAR_A, 0);
	world_run(w, 20 * MS);
	assert_int_equal(tina_prepared(w)->state, PREPARATION_DRAINING);
	tina_delivered("1");
	assert_int_equal(kernel_fake_count(BACK), 1);
	assert_int_equal(pool_used(w->core.care_of4), 1);
	world_run(w, 3 * SEC);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* The home core does not answer: nothing is sent where it might come back from. */
static void test_home_silent(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	tina_prepare(w, 1, HOLD);
	w->far[FAR_A].hold_type = MESSAGE_RELEASE;
	world_run(w, 5900 * MS);
	tina_send('1');
	world_run(w, 60 * SEC);
	tina_delivered("");
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* ... or cannot be reached at all. */
static void test_home_unreachable(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	tina_prepare(w, 1, HOLD);
	w->far[FAR_A].cut = true;
	world_run(w, 60 * SEC);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* She comes when it is too late: the full way. */
static void test_comes_too_late(void **state)
{
	struct world *w = tina_world(NULL);

	(void)state;
	tina_prepare(w, 1, HOLD);
	w->far[FAR_A].hold_type = MESSAGE_RELEASE;
	world_run(w, 6100 * MS);
	assert_int_equal(tina_prepared(w)->state, PREPARATION_RETURNING);
	tina_send('1');
	tina_comes(w, 1, "s1");
	world_run(w, 100 * MS);
	tina_arrived(w);
	tina_delivered("1");
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 1);
	/* The answer to the release finds nobody, and changes nothing. */
	far_answer(w, FAR_A, 0);
	world_run(w, 3 * SEC);
	tina_arrived(w);
	world_free(w);
}

/* ... or while what came too late is being sent back. */
static void test_comes_while_draining(void **state)
{
	struct world *w = tina_world(NULL);

	(void)state;
	tina_prepare(w, 1, HOLD);
	tina_release(w, w->far[FAR_A].prepared_binding, REASON_NOT_ARRIVED);
	assert_int_equal(tina_prepared(w)->state, PREPARATION_DRAINING);
	tina_comes(w, 1, "s1");
	world_run(w, 100 * MS);
	tina_arrived(w);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 1);
	world_run(w, 5 * SEC);
	tina_arrived(w);
	world_free(w);
}

/* No longer than the binding that would be made with it. */
static void test_lifetime_is_shorter(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	w->far[FAR_A].lifetime = 2;
	tina_prepare(w, 1, HOLD);
	world_run(w, 5 * SEC);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* ---- the home core decides otherwise ------------------------------------------------------- */

static void test_released(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	for (unsigned int wishes = 0; wishes < 4; wishes++) {
		tina_prepare(w, 1, wishes);
		tina_expected(w);
		if (wishes & HOLD)
			tina_send('1');
		tina_release(w, w->far[FAR_A].prepared_binding, REASON_TERMINAL_MOVED);
		assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
		tina_delivered(wishes & HOLD ? "1" : "");
		assert_int_equal(kernel_fake_count(BACK), 1);
		assert_int_equal(HASH_CNT(hh_mac, w->core.preparation_macs), 0);
		/* Repeated under another request id: that changes nothing. */
		world_run(w, 1500 * MS);
		tina_release(w, w->far[FAR_A].prepared_binding, REASON_TERMINAL_MOVED);
		world_run(w, 600 * MS);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
		tina_gone(w, idle);
	}
	free(idle);
	world_free(w);
}

/* The release of the home core and its own cross each other. */
static void test_releases_cross(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	tina_prepare(w, 1, HOLD);
	w->far[FAR_A].hold_type = MESSAGE_RELEASE;
	world_run(w, 6100 * MS);
	assert_int_equal(tina_prepared(w)->state, PREPARATION_RETURNING);
	tina_release(w, w->far[FAR_A].prepared_binding, REASON_NOT_ARRIVED);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(tina_prepared(w)->state, PREPARATION_DRAINING);
	world_run(w, 2100 * MS);
	tina_gone(w, idle);
	/* Its own comes to nothing. */
	far_answer(w, FAR_A, 0);
	world_run(w, 3 * SEC);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* A release for the move crosses her arrival: it is for the session that has become of it. */
static void test_release_crosses_arrival(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	tina_prepare(w, 1, HOLD);
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	tina_comes(w, 1, "s1");
	world_run(w, 20 * MS);
	tina_release(w, w->far[FAR_A].prepared_binding, REASON_TERMINAL_MOVED);
	assert_int_equal(tina(w)->state, SESSION_DRAINING);
	w->far[FAR_A].prepared_binding = 0;
	far_answer(w, FAR_A, 0);
	world_run(w, 30 * SEC);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* The home core does not believe the arrival: she is told to register anew. */
static void test_arrival_refused(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	tina_prepare(w, 1, HOLD);
	w->far[FAR_A].tunnel_reason = REASON_STALE_BINDING;
	tina_comes(w, 1, "s1");
	tina_arrived(w);
	world_run(w, 50 * MS);
	terminal_read(w, &w->tina);
	assert_int_equal(w->tina.received[MESSAGE_RELEASE], 1);
	assert_int_equal(w->tina.last[MESSAGE_RELEASE].reason, REASON_STALE_BINDING);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	/* It knows that by itself. */
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
	w->far[FAR_A].tunnel_reason = REASON_ACCEPTED;
	tina_comes(w, 1, "s1");
	world_run(w, 50 * MS);
	tina_arrived(w);
	tina_release(w, w->far[FAR_A].binding, REASON_TERMINAL_MOVED);
	world_run(w, 5 * SEC);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* No answer: it may have been carried out, so it is taken back, and she registers anew. */
static void test_arrival_unanswered(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	tina_prepare(w, 1, LINK);
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	tina_comes(w, 1, "s1");
	tina_arrived(w);
	world_run(w, 20 * SEC);
	terminal_read(w, &w->tina);
	assert_true(w->tina.received[MESSAGE_RELEASE] > 0);
	world_run(w, 60 * SEC);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	assert_true(w->far[FAR_A].last[MESSAGE_RELEASE].binding == w->far[FAR_A].prepared_binding);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* ... and she is being told already that this core serves her no more. */
static void test_arrival_refused_too_late(void **state)
{
	const struct world_text other = {.pools = "pools = { home4 = [ \"10.2.0.0/24\" ];"
						  " care_of4 = [ \"203.0.113.128/25\" ]; };"};
	struct world *w = tina_world(NULL);

	(void)state;
	tina_prepare(w, 1, LINK);
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	w->far[FAR_A].tunnel_reason = REASON_STALE_BINDING;
	tina_comes(w, 1, "s1");
	tina_arrived(w);
	world_run(w, 20 * MS);
	assert_int_equal(world_reload_cut(w, &other), 0);
	assert_int_equal(tina(w)->state, SESSION_RELEASED);
	far_answer(w, FAR_A, 0);
	world_run(w, 20 * MS);
	assert_non_null(tina(w));
	assert_int_equal(tina(w)->state, SESSION_RELEASED);
	world_free(w);
}

/* She has registered in full before that answer comes: it is of no interest any more. */
static void test_arrival_answered_late(void **state)
{
	struct world *w = tina_world(NULL);

	(void)state;
	tina_prepare(w, 1, LINK);
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	tina_comes(w, 1, "s1");
	world_run(w, 20 * MS);
	w->far[FAR_A].combined = true;
	tina_comes(w, 2, "s1");
	world_run(w, 20 * MS);
	tina_arrived(w);
	w->far[FAR_A].tunnel_reason = REASON_STALE_BINDING;
	far_answer(w, FAR_A, 0);
	world_run(w, 1 * SEC);
	tina_arrived(w);
	world_free(w);
}

/* ---- each message lost --------------------------------------------------------------------- */

/* She is registered at once in any case, and both cores come to know. */
static void test_each_loss(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= 4; n++) {
		struct world *w = tina_world(NULL);

		w->lose_nth = n;
		tina_prepare(w, 1, HOLD);
		world_run(w, 700 * MS);
		tina_expected(w);
		tina_send('1');
		tina_comes(w, 1, "s1");
		tina_arrived(w);
		tina_delivered("1");
		world_run(w, 2 * SEC);
		assert_int_equal(w->far[FAR_A].arrivals, 1);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_TUNNEL_REQUEST], 1);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 0);
		tina_arrived(w);
		world_free(w);
	}
}

/* ... of those when she does not come. */
static void test_each_loss_of_the_end(void **state)
{
	(void)state;
	for (unsigned int n = 3; n <= 4; n++) {
		struct world *w = tina_world(NULL);
		char *idle = strdup(kernel_fake_dump());

		w->lose_nth = n;
		tina_prepare(w, 1, HOLD);
		w->carried = 2;
		world_run(w, 15 * SEC);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
		tina_gone(w, idle);
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
		struct world *w = tina_world(NULL);
		char *idle = strdup(kernel_fake_dump());
		unsigned int n;

		for (n = 1; n < 50; n++) {
			kernel_fake_fail_at(n, -ENOSPC);
			tina_prepare(w, n, wishes);
			if (!kernel_fake_failed())
				break;
			assert_int_equal(w->far[FAR_A].last_reason, REASON_KERNEL_REFUSED);
			tina_gone(w, idle);
		}
		assert_true(n > 2);
		tina_expected(w);
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
			struct world *w = tina_world(NULL);
			char *idle = strdup(kernel_fake_dump());
			bool failed;

			tina_prepare(w, 1, wishes);
			kernel_fake_fail_at(n, -ENOSPC);
			tina_comes(w, 1, "s1");
			world_run(w, 500 * MS);
			terminal_read(w, &w->tina);
			failed = kernel_fake_failed();
			kernel_fake_fail_at(0, 0);
			if (w->tina.received[MESSAGE_RELEASE] > 0) {
				assert_int_equal(w->tina.last[MESSAGE_RELEASE].reason,
						 REASON_KERNEL_REFUSED);
				tina_comes(w, 1, "s1");
				world_run(w, 500 * MS);
			}
			tina_arrived(w);
			tina_release(w, tina(w)->binding, REASON_TERMINAL_MOVED);
			/* What it did not let go of has been swept up by then. */
			world_run(w, 400 * SEC);
			tina_gone(w, idle);
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
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	tina_prepare(w, 1, HOLD);
	tina_send('1');
	kernel_fake_fail_on("route replace 10.1.0.7/32", -ENOBUFS);
	tina_release(w, w->far[FAR_A].prepared_binding, REASON_NOT_ARRIVED);
	kernel_fake_fail_on(NULL, 0);
	assert_null(tina_prepared(w));
	world_run(w, 15 * SEC);
	tina_gone(w, idle);
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
		cmocka_unit_test(test_full_way_overtaken),
		cmocka_unit_test(test_full_way_with_its_address),
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
		cmocka_unit_test(test_arrival_refused_too_late),
		cmocka_unit_test(test_arrival_answered_late),
		cmocka_unit_test(test_each_loss),
		cmocka_unit_test(test_each_loss_of_the_end),
		cmocka_unit_test(test_kernel_refuses_preparation),
		cmocka_unit_test(test_kernel_refuses_arrival),
		cmocka_unit_test(test_kernel_refuses_return),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
