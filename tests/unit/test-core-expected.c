/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a core is prepared for, and what else goes on there: one preparation after the other or
 * after a visit, what changes around them, who may have what prepared, and how many.
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

/* ---- one after the other ------------------------------------------------------------------- */

/* A newer order takes the older one's place, with what was held; the older one's end is no matter.
 */
static void test_prepared_twice(void **state)
{
	struct world *w = tina_world(NULL);
	uint64_t older;

	(void)state;
	tina_prepare(w, 1, HOLD);
	older = w->far[FAR_A].prepared_binding;
	tina_send('1');
	tina_prepare(w, 2, HOLD);
	tina_expected(w);
	assert_int_equal(pool_used(w->core.care_of4), 1);
	tina_release(w, older, REASON_TERMINAL_MOVED);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	/* What she knew before is good no more ... */
	tina_send('2');
	w->far[FAR_A].mute = true;
	tina_comes(w, 1, "s1");
	world_run(w, 10 * MS);
	assert_null(tina(w));
	/* ... but this is. */
	tina_comes(w, 2, "s1");
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	tina_delivered("12");
	world_free(w);
}

/* Two for one terminal in one moment: the last one counts. */
static void test_prepared_twice_at_once(void **state)
{
	struct world *w = tina_world(NULL);
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
	tina_expected(w);
	assert_int_equal(pool_used(w->core.care_of4), 1);
	tina_comes(w, 2, "s1");
	tina_arrived(w);
	world_free(w);
}

/* An older order that comes late is refused, and so is one older than what she has here. */
static void test_order_comes_late(void **state)
{
	struct world *w = tina_world(NULL);

	(void)state;
	w->far[FAR_A].binding = 50;
	tina_prepare(w, 1, HOLD);
	w->far[FAR_A].binding = 20;
	tina_prepare(w, 2, HOLD);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	assert_true(tina_prepared(w)->binding == 51);
	w->far[FAR_A].prepared_number = 1;
	w->far[FAR_A].prepared_binding = 51;
	tina_comes(w, 1, "s1");
	world_run(w, 20 * MS);
	tina_prepare(w, 3, HOLD);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	tina_arrived(w);
	world_free(w);
}

/* She has been here before, and what was still under way to her then waits for her now. */
static void test_back_while_draining(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());
	struct addr coa;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	coa = tina(w)->coa;
	tina_release(w, w->far[FAR_A].binding, REASON_TERMINAL_MOVED);
	assert_int_equal(tina(w)->state, SESSION_DRAINING);
	tina_prepare(w, 1, HOLD | LINK);
	tina_expected(w);
	assert_null(tina(w));
	assert_true(addr_equal(&tina_prepared(w)->coa, &coa));
	assert_int_equal(kernel_fake_count(HELD), 2);
	world_run(w, 3 * SEC);
	tina_expected(w);
	tina_comes(w, 1, "s1");
	tina_arrived(w);
	world_run(w, 20 * MS);
	tina_release(w, w->far[FAR_A].prepared_binding, REASON_TERMINAL_MOVED);
	world_run(w, 5 * SEC);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* ... even when the home core's release of that time is still on its way. */
static void test_back_before_the_release(void **state)
{
	struct world *w = tina_world(NULL);
	uint64_t former;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	former = w->far[FAR_A].binding;
	tina_prepare(w, 1, HOLD);
	tina_expected(w);
	assert_int_equal(kernel_fake_count(HELD), 2);
	/* Should she be here after all, she hears of it. */
	terminal_read(w, &w->tina);
	assert_int_equal(w->tina.received[MESSAGE_RELEASE], 1);
	tina_release(w, former, REASON_TERMINAL_MOVED);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	tina_comes(w, 1, "s1");
	tina_arrived(w);
	world_free(w);
}

/* A refused preparation leaves what she still has here as it was. */
static void test_refused_while_draining(void **state)
{
	struct world *w = tina_world(NULL);
	char *draining, *idle = strdup(kernel_fake_dump());

	(void)state;
	terminal_register(w, &w->tina, "s1");
	tina_release(w, w->far[FAR_A].binding, REASON_TERMINAL_MOVED);
	draining = strdup(kernel_fake_dump());
	kernel_fake_fail_at(1, -ENOSPC);
	tina_prepare(w, 1, HOLD | LINK);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_KERNEL_REFUSED);
	assert_string_equal(kernel_fake_dump(), draining);
	assert_int_equal(tina(w)->state, SESSION_DRAINING);
	assert_int_equal(pool_used(w->core.care_of4), 1);
	world_run(w, 3 * SEC);
	tina_gone(w, idle);
	free(draining);
	free(idle);
	world_free(w);
}

/* She is on her way in already. */
static void test_prepared_while_registering(void **state)
{
	struct world *w = tina_world(NULL);

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	tina_comes(w, 1, "s1");
	world_run(w, 20 * MS);
	tina_prepare(w, 1, HOLD);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_BUSY);
	far_answer(w, FAR_A, 0);
	world_run(w, 20 * MS);
	tina_arrived(w);
	world_free(w);
}

/* ---- what is around changes ---------------------------------------------------------------- */

static const struct world_text without_s1 = {.satellites =
						     "{ name = \"s2\"; interface = \"feed-s2\"; }"};

static void test_satellite_removed(void **state)
{
	(void)state;
	for (unsigned int wishes = LINK; wishes <= (LINK | HOLD); wishes++) {
		struct world *w = tina_world(NULL);

		tina_prepare(w, 1, wishes);
		assert_int_equal(world_reload(w, &without_s1), 0);
		assert_int_equal(kernel_fake_count(STATION), 0);
		tina_expected(w);
		tina_comes(w, 1, "s2");
		tina_arrived(w);
		world_free(w);
	}
}

/* The interface of the satellite is made again: what leads there leads to the new one. */
static void test_port_replaced(void **state)
{
	struct world *w = tina_world(NULL);
	struct kernel_link link;

	(void)state;
	tina_prepare(w, 1, LINK);
	kernel_fake_carrier(w->port1, true);
	assert_int_equal(kernel_link_get(w->kernel, w->port1, &link), 0);
	satellite_link(&w->core, &link, true, w->now);
	assert_int_equal(kernel_link_delete(w->kernel, w->port1), 0);
	w->port1 = kernel_fake_link("feed-s1", NULL);
	assert_int_equal(kernel_link_get(w->kernel, w->port1, &link), 0);
	satellite_link(&w->core, &link, false, w->now);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s1"), 1);
	tina_comes(w, 1, "s1");
	tina_arrived(w);
	world_free(w);
}

/* ... unless the kernel does not let it: then nowhere, until she comes. */
static void test_port_refused(void **state)
{
	struct world *w = tina_world(NULL);
	struct kernel_link link;

	(void)state;
	tina_prepare(w, 1, LINK);
	assert_int_equal(kernel_link_get(w->kernel, w->port1, &link), 0);
	satellite_link(&w->core, &link, true, w->now);
	assert_int_equal(kernel_link_delete(w->kernel, w->port1), 0);
	w->port1 = kernel_fake_link("feed-s1", NULL);
	assert_int_equal(kernel_link_get(w->kernel, w->port1, &link), 0);
	kernel_fake_fail_on("fdb replace", -ENOSPC);
	satellite_link(&w->core, &link, false, w->now);
	kernel_fake_fail_on(NULL, 0);
	tina_expected(w);
	assert_int_equal(kernel_fake_count(STATION), 0);
	assert_int_equal(kernel_fake_count(NOWHERE), 1);
	tina_comes(w, 1, "s1");
	tina_arrived(w);
	world_free(w);
}

static void test_pools_changed(void **state)
{
	const struct world_text other = {.pools = "pools = { home4 = [ \"10.2.0.0/24\" ];"
						  " care_of4 = [ \"203.0.113.128/25\" ]; };"};
	struct world *w = tina_world(NULL);

	(void)state;
	tina_prepare(w, 1, HOLD);
	assert_int_equal(world_reload(w, &other), 0);
	world_run(w, 20 * MS);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	assert_int_equal(tina_prepared(w)->state, PREPARATION_DRAINING);
	world_run(w, 3 * SEC);
	tina_gone(w, kernel_fake_dump());
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	world_free(w);
}

/* What has been given up already is not given up again. */
static void test_pools_changed_too_late(void **state)
{
	const struct world_text other = {.pools = "pools = { home4 = [ \"10.2.0.0/24\" ];"
						  " care_of4 = [ \"203.0.113.128/25\" ]; };"};
	struct world *w = tina_world(NULL);

	(void)state;
	tina_prepare(w, 1, HOLD);
	w->far[FAR_A].hold_type = MESSAGE_RELEASE;
	world_run(w, 6100 * MS);
	assert_int_equal(world_reload(w, &other), 0);
	world_run(w, 20 * MS);
	assert_int_equal(w->far[FAR_A].held_count, 1);
	far_answer(w, FAR_A, 0);
	world_run(w, 3 * SEC);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	tina_gone(w, kernel_fake_dump());
	world_free(w);
}

/* Orders of its life before are nothing to a home core that has restarted. */
static void test_home_core_restarts_at_once(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());
	struct peer *a = peer_find(&w->core, "a.example");
	uint8_t key[KEY_LENGTH] = {1};
	struct message m;

	(void)state;
	message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 1000);
	message_set_text(&m, ATTR_USER, "tina");
	message_set_number(&m, ATTR_LIFETIME, 300);
	message_set_number(&m, ATTR_BINDING, 1);
	message_set_octets(&m, ATTR_HANDOVER_KEY, key);
	message_set_number(&m, ATTR_EXPECTED, 1000);
	message_set_addr(&m, ATTR_HOA4, &w->far[FAR_A].hoa4);
	preparation_requested(a, &m, w->now);
	preparation_peer_gone(a, "restarted");
	preparations_settle(&w->core, w->now);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

static void test_home_core_restarts(void **state)
{
	struct world *w = tina_world(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	tina_prepare(w, 1, HOLD);
	far_restart(w, FAR_C);
	tina_expected(w);
	far_restart(w, FAR_A);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
	tina_gone(w, idle);
	tina_comes(w, 1, "s1");
	world_run(w, 100 * MS);
	tina_arrived(w);
	free(idle);
	world_free(w);
}

static void test_home_core_removed(void **state)
{
	const struct world_text less = {.peers = WORLD_PEER_C};
	struct world *w = tina_world(NULL);

	(void)state;
	tina_prepare(w, 1, HOLD);
	assert_int_equal(world_reload(w, &less), 0);
	tina_gone(w, kernel_fake_dump());
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	world_run(w, 10 * SEC);
	world_free(w);
}

/* The bridge is taken away and put back: what was prepared is there again. */
static void test_restored(void **state)
{
	struct world *w = tina_world(NULL);
	char *before;

	(void)state;
	tina_prepare(w, 1, LINK);
	before = strdup(kernel_fake_dump());
	assert_int_equal(forwarding_restore(&w->core, &tina_prepared(w)->path), 0);
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
		w = tina_world(pools);
		tina_prepare(w, 1, HOLD);
		assert_int_equal(w->far[FAR_A].last_reason, REASON_NOT_PERMITTED);
		assert_null(tina_prepared(w));
		world_free(w);
	}
	w = tina_world(NULL);
	assert_int_equal(addr_parse(&strange, "10.9.0.1"), 0);
	w->far[FAR_A].hoa4 = strange;
	tina_prepare(w, 1, HOLD);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_NOT_PERMITTED);
	assert_null(tina_prepared(w));
	world_free(w);
}

/* No better than proactive: it is prepared, but nothing is held. */
static void test_nothing_held(void **state)
{
	struct world *w = tina_world(WORLD_POOLS " handover = { mode = \"proactive\"; };");

	(void)state;
	tina_prepare(w, 1, HOLD | LINK);
	tina_expected(w);
	assert_int_equal(kernel_fake_count(HELD), 0);
	tina_comes(w, 1, "s1");
	tina_arrived(w);
	assert_int_equal(w->tina.registration.mode, MODE_PROACTIVE);
	world_free(w);
}

/* Nothing is taken up here for who comes in an hour, if ever. */
static void test_too_far_ahead(void **state)
{
	struct world *w = tina_world(NULL);
	struct message m;

	(void)state;
	message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 0);
	message_set_number(&m, ATTR_EXPECTED, 3600000);
	far_prepare(w, 1, &m);
	world_run(w, 20 * MS);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_BUSY);
	assert_int_equal(HASH_COUNT(w->core.preparations), 0);
	assert_int_equal(pool_used(w->core.care_of4), 0);
	world_free(w);
}

static void test_no_care_of_address(void **state)
{
	struct world *w = tina_world(
		"pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ \"198.51.100.128/32\" ]; };");
	char *idle = strdup(kernel_fake_dump());
	struct addr taken;

	(void)state;
	assert_int_equal(pool_take(w->core.care_of4, &taken), 0);
	tina_prepare(w, 1, HOLD);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_NO_CARE_OF_ADDRESS);
	pool_give(w->core.care_of4, &taken);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* ipip carries no IPv6: a terminal that has nothing else cannot be prepared for. */
static void test_no_common_tunnel(void **state)
{
	struct world *w = tina_world(NULL);
	struct far *a = &w->far[FAR_A];

	(void)state;
	a->kinds = TUNNEL_IPIP4;
	far_restart(w, FAR_A);
	tina_prepare(w, 1, HOLD);
	tina_expected(w);
	tina_release(w, a->prepared_binding, REASON_TERMINAL_MOVED);
	a->hoa4.family = AF_UNSPEC;
	tina_prepare(w, 2, HOLD);
	assert_int_equal(a->last_reason, REASON_NO_COMMON_TUNNEL);
	world_free(w);
}

/* A kernel that cannot hold packets: she is expected all the same. */
static void test_no_hold(void **state)
{
	struct world *w = tina_world(NULL);
	struct core_io io = w->core.io;

	(void)state;
	core_close(&w->core);
	kernel_fake_fail_on("tun ", -EOPNOTSUPP);
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), 0);
	world_run(w, 20 * SEC);
	tina_prepare(w, 1, HOLD | LINK);
	tina_expected(w);
	assert_false(w->far[FAR_A].last_answer.hold);
	assert_int_equal(kernel_fake_count(SERVED), 1);
	tina_comes(w, 1, "s1");
	tina_arrived(w);
	assert_int_equal(w->tina.registration.mode, MODE_PROACTIVE);
	kernel_fake_fail_on(NULL, 0);
	world_free(w);
}

/* The satellite's interface is not there yet: nothing can be led to it. */
static void test_no_port(void **state)
{
	const struct world_text more = {.satellites =
						"{ name = \"s1\"; interface = \"feed-s3\"; }, "
						"{ name = \"s2\"; interface = \"feed-s2\"; }"};
	struct world *w = tina_world(NULL);

	(void)state;
	assert_int_equal(world_reload(w, &more), 0);
	tina_prepare(w, 1, LINK);
	tina_expected(w);
	assert_int_equal(kernel_fake_count(STATION), 0);
	assert_int_equal(kernel_fake_count(NOWHERE), 1);
	tina_comes(w, 1, "s2");
	tina_arrived(w);
	world_free(w);
}

/* The home core offers other tunnels than at her last visit: the address of that is given back. */
static void test_other_family(void **state)
{
	struct world *w = tina_world(
		"pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ \"198.51.100.128/25\" "
		"]; care_of6 = [ \"2001:db8:cb::/64\" ]; };"
		"tunnel = { local = [ \"192.0.2.2\", \"2001:db8::2\" ]; };");
	struct far *a = &w->far[FAR_A];

	(void)state;
	terminal_register(w, &w->tina, "s1");
	assert_int_equal(pool_used(w->core.care_of4), 1);
	a->kinds = TUNNEL_GRE6;
	assert_int_equal(addr_parse(&a->end6, "2001:db8::1"), 0);
	far_restart(w, FAR_A);
	a->binding = UINT64_C(5) << 32;
	tina_prepare(w, 1, HOLD);
	tina_expected(w);
	assert_int_equal(pool_used(w->core.care_of4), 0);
	assert_int_equal(pool_used(w->core.care_of6), 1);
	tina_comes(w, 1, "s1");
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	assert_int_equal(pool_used(w->core.care_of6), 1);
	world_free(w);
}

/* She comes with an Ethernet address that is in use on another satellite: as without preparation.
 */
static void test_comes_with_address_of_another(void **state)
{
	struct world *w = tina_world(NULL);

	(void)state;
	tina_prepare(w, 1, HOLD);
	w->otto.home_epoch = w->core.epoch;
	w->otto.mac = w->tina.mac;
	w->otto.link_local = w->tina.link_local;
	terminal_register(w, &w->otto, "s2");
	assert_true(w->otto.done);
	tina_comes(w, 1, "s1");
	world_run(w, 50 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.rejected);
	assert_int_equal(w->tina.reason, REASON_NOT_PERMITTED);
	tina_expected(w);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s2"), 1);
	world_free(w);
}

/* Another one's Ethernet address is not led anywhere, and its owner comes first at any time. */
static void test_address_of_another(void **state)
{
	struct world *w = tina_world(NULL);

	(void)state;
	/* Otto has it before she is expected ... */
	w->otto.home_epoch = w->core.epoch;
	w->otto.mac = w->tina.mac;
	w->otto.link_local = w->tina.link_local;
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	tina_prepare(w, 1, LINK);
	tina_expected(w);
	assert_int_equal(kernel_fake_count(SERVED), 0);
	assert_int_equal(kernel_fake_count(NOWHERE), 1);
	assert_int_equal(kernel_fake_count("10.2.0.9/32 table 254"), 1);
	world_free(w);
	/* ... or another one that is expected has ... */
	w = tina_world(NULL);
	tina_prepare(w, 1, LINK);
	snprintf(w->tina.user, sizeof(w->tina.user), "toni");
	assert_int_equal(addr_parse(&w->far[FAR_A].hoa4, "10.1.0.8"), 0);
	assert_int_equal(addr_parse(&w->far[FAR_A].hoa6, "2001:db8:a::8"), 0);
	tina_prepare(w, 2, LINK);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_count(SERVED), 1);
	assert_int_equal(kernel_fake_count("10.1.0.8/32 table 254 metric 66568 via"), 0);
	world_free(w);
	/* ... or comes with it while she is. */
	w = tina_world(NULL);
	tina_prepare(w, 1, LINK);
	assert_int_equal(kernel_fake_count(SERVED), 1);
	w->otto.home_epoch = w->core.epoch;
	w->otto.mac = w->tina.mac;
	w->otto.link_local = w->tina.link_local;
	terminal_register(w, &w->otto, "s2");
	assert_true(w->otto.done);
	tina_expected(w);
	assert_int_equal(kernel_fake_count(SERVED), 0);
	assert_int_equal(kernel_fake_count(NOWHERE), 1);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s2"), 1);
	/* She has another one now, and comes all the same. */
	assert_int_equal(lladdr_parse(&w->tina.mac, "02:00:00:00:01:09"), 0);
	w->tina.link_local = lladdr_link_local(&w->tina.mac);
	tina_comes(w, 1, "s1");
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	assert_int_equal(kernel_fake_count(SERVED), 1);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s2"), 1);
	world_free(w);
}

/* Nobody's packets are led to the gateway's own address: those of all terminals would go there. */
static void test_address_of_the_gateway(void **state)
{
	struct world *w = tina_world(NULL);

	(void)state;
	w->tina.mac = w->core.config->access.gateway_mac;
	tina_prepare(w, 1, LINK);
	tina_expected(w);
	assert_int_equal(kernel_fake_count(SERVED), 0);
	assert_int_equal(kernel_fake_count("fdb"), 0);
	world_free(w);
}

/* A crowd: one exchange with the kernel for all, and one datagram of answers for many. */
static void test_crowd(void **state)
{
	struct world *w = tina_world(NULL);
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
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* A peer has so many prepared here and no more; others are not concerned, nor is one that ends. */
static void test_limit(void **state)
{
	struct world *w = tina_world(
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
	tina_release(w, a->binding - 1, REASON_TERMINAL_MOVED);
	world_run(w, 3 * SEC);
	tina_prepare(w, 1, 0);
	assert_int_equal(a->last_reason, REASON_ACCEPTED);
	far_restart(w, FAR_A);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

/* All that a peer has held here takes up no more than its share of the hold. */
static void test_share_of_hold(void **state)
{
	struct world *w = tina_world(WORLD_POOLS
				     " handover = { hold_packets = 6; hold_total_packets = 20; };");
	const struct hold *hold = w->core.underlay.holding.hold;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct message m;

		snprintf(w->tina.user, sizeof(w->tina.user), "user%u", i);
		w->far[FAR_A].hoa4.bytes[3] = w->far[FAR_A].hoa6.bytes[15] = (uint8_t)(8 - i);
		message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 0);
		message_set_number(&m, ATTR_EXPECTED, 100);
		message_set_number(&m, ATTR_HOLD, 1);
		far_prepare(w, 1 + i, &m);
		world_run(w, 20 * MS);
	}
	assert_int_equal(kernel_fake_count(HELD), 4);
	assert_true(w->far[FAR_A].last_answer.hold);
	for (uint8_t i = 0; i < 12; i++) {
		const uint8_t last = i < 6 ? 8 : 7;
		uint8_t packet[28] = {0x45, [3] = 28, [8] = 64, [9] = 17, [16] = 10, 1, 0, last};

		assert_int_equal(kernel_fake_tun_send("sno-buf", packet, sizeof(packet)), 0);
	}
	holding_read(&w->core, w->now);
	assert_int_equal(hold_counters(hold)->packets, 10);
	assert_int_equal(hold_counters(hold)->dropped[HOLD_DROP_SHARE], 2);
	world_free(w);
}

/* Users that a peer invents take no more than their share of the care-of addresses. */
static void test_share_of_addresses(void **state)
{
	struct world *w = tina_world(
		"pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ \"198.51.100.128/28\" ]; };");
	uint64_t size = pool_size(w->core.care_of4), half = size / 2 + 1;
	struct far *a = &w->far[FAR_A];
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	for (unsigned int i = 0; i < size; i++) {
		struct message m;

		/* Some at once, others one after the other. */
		if (i % 4 == 0)
			channel_gather(a->channel);
		snprintf(w->tina.user, sizeof(w->tina.user), "user%u", i);
		message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 0);
		message_set_number(&m, ATTR_EXPECTED, 1000);
		far_prepare(w, i + 1, &m);
		if (i % 4 == 3 || i == size - 1)
			channel_flush(a->channel, w->now);
		world_run(w, 10 * MS);
	}
	assert_int_equal(a->answers, size);
	assert_int_equal(a->last_reason, REASON_NO_CARE_OF_ADDRESS);
	assert_int_equal(HASH_COUNT(w->core.preparations), half);
	assert_int_equal(pool_used(w->core.care_of4), half);
	/* What has ended makes room again, however it ends. */
	world_run(w, 20 * SEC);
	tina_prepare(w, size + 1, 0);
	assert_int_equal(a->last_reason, REASON_ACCEPTED);
	far_restart(w, FAR_A);
	tina_gone(w, idle);
	free(idle);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prepared_twice),
		cmocka_unit_test(test_prepared_twice_at_once),
		cmocka_unit_test(test_order_comes_late),
		cmocka_unit_test(test_back_while_draining),
		cmocka_unit_test(test_back_before_the_release),
		cmocka_unit_test(test_refused_while_draining),
		cmocka_unit_test(test_prepared_while_registering),
		cmocka_unit_test(test_satellite_removed),
		cmocka_unit_test(test_port_replaced),
		cmocka_unit_test(test_port_refused),
		cmocka_unit_test(test_pools_changed),
		cmocka_unit_test(test_pools_changed_too_late),
		cmocka_unit_test(test_home_core_restarts),
		cmocka_unit_test(test_home_core_restarts_at_once),
		cmocka_unit_test(test_home_core_removed),
		cmocka_unit_test(test_restored),
		cmocka_unit_test(test_not_permitted),
		cmocka_unit_test(test_nothing_held),
		cmocka_unit_test(test_too_far_ahead),
		cmocka_unit_test(test_no_care_of_address),
		cmocka_unit_test(test_no_common_tunnel),
		cmocka_unit_test(test_no_hold),
		cmocka_unit_test(test_no_port),
		cmocka_unit_test(test_other_family),
		cmocka_unit_test(test_comes_with_address_of_another),
		cmocka_unit_test(test_address_of_another),
		cmocka_unit_test(test_address_of_the_gateway),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_share_of_hold),
		cmocka_unit_test(test_share_of_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
