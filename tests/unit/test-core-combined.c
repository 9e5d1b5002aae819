/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A visited core that offers care-of address and tunnel with the authentication (PROTOCOL section
 * 15.1): one exchange instead of two, the old way where the home core does not take the offer, and
 * both cores of one mind when something goes wrong after the home core has bound the terminal.
 */
#include "core-agent/peer.h"
#include "core-agent/pool.h"
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

static struct session *tina(const struct world *w)
{
	return session_find(&w->core, "tina@a.example");
}

/* A home core that takes what it is offered. */
static struct world *world_combined(const char *pools)
{
	struct world *w = world_new(pools);

	w->far[FAR_A].combined = true;
	return w;
}

static void discover(struct world *w, const char *satellite)
{
	terminal_discovery(&w->tina, NULL);
	terminal_send(w, &w->tina, satellite, w->tina.discovery, w->tina.discovery_length);
	world_run(w, 50 * MS);
}

static void assert_served(const struct world *w)
{
	assert_non_null(tina(w));
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	assert_int_equal(kernel_fake_count("10.1.0.7/32"), 1);
	assert_int_equal(kernel_fake_count("02:00:00:00:01:01"), 2);
	assert_int_equal(pool_used(w->core.care_of4), 1);
}

static void assert_nothing_left(struct world *w, const char *idle)
{
	assert_string_equal(kernel_fake_dump(), idle);
	assert_int_equal(pool_used(w->core.care_of4), 0);
	assert_int_equal(HASH_COUNT(w->core.sessions), 0);
	assert_int_equal(HASH_COUNT(w->core.registrations), 0);
}

static void assert_released(const struct world *w, unsigned int times, uint64_t binding)
{
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], times);
	if (times)
		assert_true(w->far[FAR_A].last[MESSAGE_RELEASE].binding == binding);
}

/* ---- as it should be ----------------------------------------------------------------------- */

static void test_one_exchange(void **state)
{
	struct world *w = world_combined(NULL);
	const struct message *asked = &w->far[FAR_A].last[MESSAGE_AUTHENTICATION];

	(void)state;
	w->far[FAR_A].uplink_delay = 700;
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_TUNNEL_REQUEST], 0);
	assert_int_equal(w->carried, 2);
	assert_true(addr_equal(&asked->coa, &w->tina.registration.coa));
	assert_int_equal(asked->tunnel_kind, TUNNEL_GRE4);
	assert_int_not_equal(asked->tunnel_key, 0);
	assert_string_equal(asked->next_satellite, "s1");
	/* The home core's tunnel is narrower than this one's. */
	assert_int_equal(w->tina.registration.mtu, 1390);
	assert_int_equal(w->tina.registration.uplink_delay, 700);
	assert_int_equal(w->tina.registration.mode, MODE_COMBINED);
	assert_served(w);
	world_free(w);
}

/* The home core only authenticates: the same attempt goes on with a tunnel request. */
static void test_offer_not_taken(void **state)
{
	struct world *w = world_new(NULL);
	const struct far *a = &w->far[FAR_A];

	(void)state;
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	assert_int_equal(a->asked[MESSAGE_AUTHENTICATION], 1);
	assert_int_equal(a->asked[MESSAGE_TUNNEL_REQUEST], 1);
	assert_true(addr_equal(&a->last[MESSAGE_AUTHENTICATION].coa,
			       &a->last[MESSAGE_TUNNEL_REQUEST].coa));
	assert_int_equal(a->last[MESSAGE_AUTHENTICATION].tunnel_key,
			 a->last[MESSAGE_TUNNEL_REQUEST].tunnel_key);
	assert_int_equal(w->tina.registration.mode, MODE_BASELINE);
	assert_served(w);
	world_free(w);
}

/* `baseline` says nothing that figure 4 does not have. */
static void test_baseline(void **state)
{
	struct world *w = world_combined(WORLD_BASELINE);
	const struct message *asked = &w->far[FAR_A].last[MESSAGE_AUTHENTICATION];

	(void)state;
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	assert_false(message_has(asked, ATTR_COA));
	assert_false(message_has(asked, ATTR_NEXT_SATELLITE));
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_TUNNEL_REQUEST], 1);
	assert_false(message_has(&w->tina.registration, ATTR_MODE));
	assert_served(w);
	world_free(w);
}

/* Registering again: care-of address and key stay, and the kernel has nothing to do. */
static void test_refresh(void **state)
{
	struct world *w = world_combined(NULL);
	const struct message *asked = &w->far[FAR_A].last[MESSAGE_AUTHENTICATION];
	struct addr coa;
	uint32_t key;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	coa = w->tina.registration.coa;
	key = asked->tunnel_key;
	for (int i = 0; i < 3; i++) {
		world_run(w, 200 * SEC);
		kernel_fake_log_clear();
		terminal_register(w, &w->tina, "s1");
		assert_true(w->tina.done);
		assert_true(addr_equal(&coa, &w->tina.registration.coa));
		assert_int_equal(asked->tunnel_key, key);
		assert_int_equal(kernel_fake_calls(), 0);
	}
	assert_released(w, 0, 0);
	assert_served(w);
	world_free(w);
}

/* Forged discoveries take half of the pool at most, and only until the home core has answered. */
static void test_half_of_the_pool(void **state)
{
	struct world *w = world_combined(
		"pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ \"198.51.100.128/29\" ]; };");
	struct far *a = &w->far[FAR_A];
	uint64_t size = pool_size(w->core.care_of4);

	(void)state;
	a->mute = true;
	for (int i = 0; i < 10; i++)
		discover(w, "s1");
	assert_int_equal(pool_used(w->core.care_of4), size / 2 + 1);
	assert_false(message_has(&a->last[MESSAGE_AUTHENTICATION], ATTR_COA));
	a->mute = false;
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	world_run(w, 60 * SEC);
	assert_served(w);
	world_free(w);
}

/* Each datagram between the cores is lost once: she registers all the same, and only once. */
static void test_each_loss(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= 2; n++) {
		struct world *w = world_combined(NULL);

		w->lose_nth = n;
		discover(w, "s1");
		world_run(w, 4 * SEC);
		terminal_read(w, &w->tina);
		assert_true(w->tina.done);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 1);
		assert_served(w);
		world_free(w);
	}
}

/* ---- it goes wrong after the home core has bound her --------------------------------------- */

static void test_kernel_refuses_each_call(void **state)
{
	struct world *w = world_combined(NULL);
	char *idle = strdup(kernel_fake_dump());
	unsigned int n;

	(void)state;
	for (n = 1; n < 50; n++) {
		kernel_fake_fail_at(n, -ENOSPC);
		terminal_register(w, &w->tina, "s1");
		if (!kernel_fake_failed())
			break;
		assert_true(w->tina.rejected);
		assert_int_equal(w->tina.reason, REASON_KERNEL_REFUSED);
		/* The home core sends here: it is told that nobody is. */
		assert_released(w, n, w->far[FAR_A].binding);
		assert_nothing_left(w, idle);
	}
	assert_int_equal(n, 5);
	assert_true(w->tina.done);
	free(idle);
	world_free(w);
}

/* Nor is she served by what she had here before, which her home core knows no more. */
static void test_kernel_refuses_satellite_change(void **state)
{
	struct world *w = world_combined(NULL);
	char *idle = strdup(kernel_fake_dump());
	struct terminal before;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	before = w->tina;
	kernel_fake_fail_at(1, -ENOMEM);
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.rejected);
	assert_int_equal(w->tina.reason, REASON_KERNEL_REFUSED);
	assert_int_equal(tina(w)->state, SESSION_RELEASED);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	assert_int_equal(pool_used(w->core.care_of4), 0);
	/* She may believe in it: under its key she hears that it is over. */
	w->tina = before;
	world_run(w, 1 * SEC);
	terminal_read(w, &w->tina);
	assert_true(w->tina.received[MESSAGE_RELEASE] > 0);
	world_run(w, 30 * SEC);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* An Ethernet address that is in use elsewhere: refused, and the home core is told. */
static void test_address_of_another(void **state)
{
	struct world *w = world_combined(NULL);

	(void)state;
	w->otto.home_epoch = w->core.epoch;
	w->otto.mac = w->tina.mac;
	w->otto.link_local = w->tina.link_local;
	terminal_register(w, &w->otto, "s2");
	assert_true(w->otto.done);
	discover(w, "s1");
	assert_int_equal(w->core.counters.refused[REASON_NOT_PERMITTED], 1);
	assert_released(w, 1, w->far[FAR_A].binding);
	assert_int_equal(pool_used(w->core.care_of4), 0);
	world_free(w);
}

/* ... and what served her here before is over: her home core leads nothing to it any more. */
static void test_address_of_another_later(void **state)
{
	struct world *w = world_combined(NULL);
	struct terminal before;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	before = w->tina;
	w->otto.home_epoch = w->core.epoch;
	terminal_register(w, &w->otto, "s2");
	assert_true(w->otto.done);
	w->tina.mac = w->otto.mac;
	w->tina.link_local = w->otto.link_local;
	discover(w, "s1");
	assert_int_equal(w->core.counters.refused[REASON_NOT_PERMITTED], 1);
	assert_released(w, 2, w->far[FAR_A].binding);
	assert_int_equal(tina(w)->state, SESSION_RELEASED);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	terminal_read(w, &before);
	assert_int_equal(before.received[MESSAGE_RELEASE], 1);
	world_free(w);
}

/* The home core binds her to another address than it was offered. */
static void test_bound_elsewhere(void **state)
{
	struct world *w = world_combined(NULL);
	char *idle = strdup(kernel_fake_dump());
	struct far *a = &w->far[FAR_A];

	(void)state;
	assert_int_equal(addr_parse(&a->misled, "198.51.100.250"), 0);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.rejected);
	assert_int_equal(w->tina.reason, REASON_NOT_PERMITTED);
	assert_released(w, 1, a->binding);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* The satellite goes while the home core is being asked: what it has done is taken back. */
static void test_satellite_goes(void **state)
{
	const struct world_text less = {.satellites =
						"{ name = \"s2\"; interface = \"feed-s2\"; }"};
	struct world *w = world_combined(NULL);

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_AUTHENTICATION;
	discover(w, "s1");
	assert_int_equal(world_reload(w, &less), 0);
	assert_int_equal(HASH_COUNT(w->core.registrations), 1);
	far_answer(w, FAR_A, 0);
	world_run(w, 50 * MS);
	assert_released(w, 1, w->far[FAR_A].binding);
	assert_nothing_left(w, kernel_fake_dump());
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	world_free(w);
}

/* ... and is not answered, or with a refusal: there is nothing to take back. */
static void test_satellite_goes_for_nothing(void **state)
{
	const struct world_text less = {.satellites =
						"{ name = \"s2\"; interface = \"feed-s2\"; }"};

	(void)state;
	for (int answered = 0; answered < 2; answered++) {
		struct world *w = world_combined(NULL);

		w->far[FAR_A].hold_type = MESSAGE_AUTHENTICATION;
		w->far[FAR_A].authentication_reason = REASON_RESYNC;
		discover(w, "s1");
		assert_int_equal(world_reload(w, &less), 0);
		if (answered)
			far_answer(w, FAR_A, 0);
		world_run(w, 60 * SEC);
		assert_released(w, 0, 0);
		assert_nothing_left(w, kernel_fake_dump());
		world_free(w);
	}
}

/* The pool is another one by the time of the answer: the offer is void. */
static void test_pool_changes(void **state)
{
	const struct world_text other = {.pools = "pools = { home4 = [ \"10.2.0.0/24\" ];"
						  " care_of4 = [ \"203.0.113.128/25\" ]; };"};
	struct world *w = world_combined(NULL);

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_AUTHENTICATION;
	discover(w, "s1");
	assert_int_equal(world_reload(w, &other), 0);
	far_answer(w, FAR_A, 0);
	world_run(w, 50 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.rejected);
	assert_released(w, 1, w->far[FAR_A].binding);
	assert_nothing_left(w, kernel_fake_dump());
	world_free(w);
}

/* ---- two attempts -------------------------------------------------------------------------- */

/* Both are carried out at home; the one that was authenticated last stays, in any order. */
static void test_two_attempts(void **state)
{
	(void)state;
	for (unsigned int first = 0; first < 2; first++) {
		struct world *w = world_combined(NULL);
		struct far *a = &w->far[FAR_A];

		a->hold_type = MESSAGE_AUTHENTICATION;
		discover(w, "s1");
		discover(w, "s2");
		assert_int_equal(a->held_count, 2);
		/* The second discovery gets the higher number. */
		a->binding = first ? 20 : 10;
		far_answer(w, FAR_A, first);
		world_run(w, 20 * MS);
		a->binding = first ? 10 : 20;
		far_answer(w, FAR_A, 1 - first);
		world_run(w, 20 * MS);
		terminal_read(w, &w->tina);
		assert_true(w->tina.done);
		assert_served(w);
		assert_true(tina(w)->binding == 21);
		assert_string_equal(tina(w)->satellite->name, "s2");
		/* What came too late is given back. */
		assert_released(w, first, 11);
		world_free(w);
	}
}

/* The session whose care-of address was offered again ends before the home core has answered. */
static void test_lender_goes(void **state)
{
	struct world *w = world_combined(NULL);
	struct message m;
	struct addr coa;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	coa = tina(w)->coa;
	w->far[FAR_A].hold_type = MESSAGE_AUTHENTICATION;
	discover(w, "s1");
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_TERMINAL_LEFT);
	message_set_number(&m, ATTR_BINDING, w->far[FAR_A].binding);
	far_ask(w, FAR_A, &m);
	world_run(w, 50 * MS);
	assert_int_equal(pool_used(w->core.care_of4), 0);
	far_answer(w, FAR_A, 0);
	world_run(w, 50 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	assert_true(addr_equal(&tina(w)->coa, &coa));
	assert_served(w);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_exchange),
		cmocka_unit_test(test_offer_not_taken),
		cmocka_unit_test(test_baseline),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_half_of_the_pool),
		cmocka_unit_test(test_each_loss),
		cmocka_unit_test(test_kernel_refuses_each_call),
		cmocka_unit_test(test_kernel_refuses_satellite_change),
		cmocka_unit_test(test_address_of_another),
		cmocka_unit_test(test_address_of_another_later),
		cmocka_unit_test(test_bound_elsewhere),
		cmocka_unit_test(test_satellite_goes),
		cmocka_unit_test(test_satellite_goes_for_nothing),
		cmocka_unit_test(test_pool_changes),
		cmocka_unit_test(test_two_attempts),
		cmocka_unit_test(test_lender_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
