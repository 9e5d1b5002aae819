/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A core that serves a visitor: PROTOCOL section 8, with refusals and losses at every step. */
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

/* Everything a served visitor occupies in the kernel. */
static void assert_served(unsigned int port_lines)
{
	assert_int_equal(kernel_fake_count("10.1.0.7/32"), 1);
	assert_int_equal(kernel_fake_count("2001:db8:a::7/128"), 1);
	assert_int_equal(kernel_fake_count("02:00:00:00:01:01"), port_lines);
}

static void assert_pools_empty(const struct world *w)
{
	assert_int_equal(pool_used(w->core.care_of4), 0);
	assert_int_equal(HASH_COUNT(w->core.sessions), 0);
	assert_int_equal(HASH_COUNT(w->core.registrations), 0);
}

static void test_figure_4(void **state)
{
	struct world *w = world_new(NULL);
	struct far *home = &w->far[FAR_A];

	(void)state;
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	assert_string_equal(w->tina.registration.core, "b.example");
	/* The smaller of both cores' MTU. */
	assert_int_equal(w->tina.registration.mtu, 1390);
	assert_true(addr_equal(&w->tina.assignment.hoa4, &home->hoa4));
	assert_int_equal(home->asked[MESSAGE_AUTHENTICATION], 1);
	assert_int_equal(home->asked[MESSAGE_TUNNEL_REQUEST], 1);
	assert_true(addr_equal(&home->last[MESSAGE_TUNNEL_REQUEST].coa, &w->tina.registration.coa));
	assert_int_equal(home->last[MESSAGE_TUNNEL_REQUEST].tunnel_kind, TUNNEL_GRE4);
	assert_served(2);
	assert_int_equal(pool_used(w->core.care_of4), 1);
	/* Four datagrams between the cores, and not one more. */
	assert_int_equal(w->carried, 4);
	/* The third, the tunnel request, did not wait for the route; its answer found it. */
	assert_int_equal(w->routed[3], 0);
	assert_int_equal(w->routed[4], 1);
	world_free(w);
}

/* What was installed for the request is gone when the home core refuses it. */
static void test_tunnel_refused(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	w->far[FAR_A].tunnel_reason = REASON_KERNEL_REFUSED;
	kernel_fake_log_clear();
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.rejected);
	assert_int_equal(w->tina.reason, REASON_KERNEL_REFUSED);
	/* It had been there, and is gone. */
	assert_true(kernel_fake_log_find("route replace 10.1.0.7/32", 1) > 0);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	assert_int_equal(kernel_fake_count("02:00:00:00:01:01"), 0);
	assert_pools_empty(w);
	world_free(w);
}

/* A far core releases this binding; then so much time passes. */
static void ask_release(struct world *w, int which, uint64_t binding, usec_t duration)
{
	struct message release;

	message_init(&release, MESSAGE_RELEASE, 0);
	message_set_number(&release, ATTR_REASON, REASON_TERMINAL_MOVED);
	message_set_number(&release, ATTR_BINDING, binding);
	far_ask(w, which, &release);
	world_run(w, duration);
}

static void test_release_drains(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	terminal_register(w, &w->tina, "s1");
	ask_release(w, FAR_A, w->far[FAR_A].binding, 100 * MS);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	/* What still comes goes back to the home core; the care-of address is not given out again.
	 */
	assert_int_equal(kernel_fake_count("10.1.0.7/32 table 254 metric 66567 encap dst 192.0.2.1 "
					   "src 192.0.2.2 key 77"),
			 1);
	assert_int_equal(kernel_fake_count("02:00:00:00:01:01"), 0);
	assert_int_equal(pool_used(w->core.care_of4), 1);
	world_run(w, 3 * SEC);
	assert_string_equal(kernel_fake_dump(), idle);
	assert_pools_empty(w);
	free(idle);
	world_free(w);
}

static void test_release_with_old_binding(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	terminal_register(w, &w->tina, "s1");
	ask_release(w, FAR_A, w->far[FAR_A].binding + 1000, 5 * SEC);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	assert_served(2);
	world_free(w);
}

/* A peer may not release what another peer's terminal is. */
static void test_release_by_stranger(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	terminal_register(w, &w->tina, "s1");
	ask_release(w, FAR_C, w->far[FAR_A].binding, 5 * SEC);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_STALE_BINDING);
	assert_served(2);
	world_free(w);
}

static void test_kernel_refuses_each_call(void **state)
{
	struct world *w = world_new(NULL);
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
		assert_string_equal(kernel_fake_dump(), idle);
		assert_pools_empty(w);
	}
	/* Bridge entry, neighbour, two routes: each was refused once. */
	assert_int_equal(n, 5);
	assert_true(w->tina.done);
	free(idle);
	world_free(w);
}

/* A refusal while it moves to another satellite leaves it served where it was. */
static void test_kernel_refuses_satellite_change(void **state)
{
	struct world *w = world_new(NULL);
	char *served;
	unsigned int n;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	served = strdup(kernel_fake_dump());
	for (n = 1; n < 50; n++) {
		kernel_fake_fail_at(n, -ENOMEM);
		terminal_register(w, &w->tina, "s2");
		if (!kernel_fake_failed())
			break;
		assert_true(w->tina.rejected);
		assert_string_equal(kernel_fake_dump(), served);
		assert_int_equal(pool_used(w->core.care_of4), 1);
	}
	assert_true(n > 1);
	assert_true(w->tina.done);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s2"), 1);
	assert_served(2);
	assert_int_equal(HASH_COUNT(w->core.sessions), 1);
	free(served);
	world_free(w);
}

/* Each datagram between the cores is lost once: it registers all the same, and only once. */
static void test_each_loss(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= 4; n++) {
		struct world *w = world_new(NULL);

		w->lose_nth = n;
		terminal_discovery(&w->tina, NULL);
		terminal_send(w, &w->tina, "s1", w->tina.discovery, w->tina.discovery_length);
		world_run(w, 4 * SEC);
		terminal_read(w, &w->tina);
		assert_true(w->tina.done);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 1);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_TUNNEL_REQUEST], 1);
		assert_int_equal(pool_used(w->core.care_of4), 1);
		world_free(w);
	}
}

/* The terminal did not hear the answer and repeats itself. */
static void test_repeated_discovery(void **state)
{
	struct world *w = world_new(NULL);
	struct terminal *t = &w->tina;

	(void)state;
	terminal_discovery(t, NULL);
	for (int i = 0; i < 3; i++)
		terminal_send(w, t, "s1", t->discovery, t->discovery_length);
	world_run(w, 500 * MS);
	w->frame_count = 0;
	terminal_send(w, t, "s1", t->discovery, t->discovery_length);
	world_run(w, 500 * MS);
	terminal_read(w, t);
	assert_true(t->done);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 1);
	world_free(w);
}

static void test_home_refuses(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	w->far[FAR_A].authentication_reason = REASON_RESYNC;
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.rejected);
	assert_int_equal(w->tina.reason, REASON_RESYNC);
	/* The home core's own word reaches the terminal. */
	assert_int_equal(w->tina.assignment.reason, REASON_RESYNC);
	assert_true(w->tina.assignment.home_epoch == w->far[FAR_A].epoch);
	assert_string_equal(kernel_fake_dump(), idle);
	assert_pools_empty(w);
	free(idle);
	world_free(w);
}

static void test_home_silent(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	w->far[FAR_A].mute = true;
	terminal_discovery(&w->tina, NULL);
	terminal_send(w, &w->tina, "s1", w->tina.discovery, w->tina.discovery_length);
	world_run(w, 60 * SEC);
	terminal_read(w, &w->tina);
	assert_string_equal(kernel_fake_dump(), idle);
	assert_pools_empty(w);
	assert_true(w->core.counters.refused[REASON_TIMEOUT] == 1);
	free(idle);
	world_free(w);
}

static void test_discovery_from_another_address(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	/* What the identity says is not where the frame came from. */
	assert_int_equal(lladdr_parse(&w->far[FAR_A].claimed_mac, "02:00:00:00:0e:0e"), 0);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.rejected);
	assert_int_equal(w->tina.reason, REASON_NOT_PERMITTED);
	assert_pools_empty(w);
	world_free(w);
}

static void test_home_address_of_somebody_else(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	/* a.example gives out an address of c.example. */
	assert_int_equal(addr_parse(&w->far[FAR_A].hoa4, "10.3.0.1"), 0);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.rejected);
	assert_int_equal(w->tina.reason, REASON_NOT_PERMITTED);
	assert_string_equal(kernel_fake_dump(), idle);
	assert_pools_empty(w);
	free(idle);
	world_free(w);
}

static void test_no_care_of_address(void **state)
{
	struct world *w = world_new("pools = { home4 = [ \"10.2.0.0/24\" ]; "
				    "care_of4 = [ \"198.51.100.128/32\" ]; };");
	struct addr taken;

	(void)state;
	assert_int_equal(pool_take(w->core.care_of4, &taken), 0);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.rejected);
	assert_int_equal(w->tina.reason, REASON_NO_CARE_OF_ADDRESS);
	assert_int_equal(HASH_COUNT(w->core.sessions), 0);
	world_free(w);
}

static void test_unknown_realm(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	snprintf(w->tina.realm, sizeof(w->tina.realm), "nowhere.example");
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.rejected);
	assert_int_equal(w->tina.reason, REASON_UNKNOWN_REALM);
	assert_int_equal(w->carried, 0);
	world_free(w);
}

static void test_lifetime(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	terminal_register(w, &w->tina, "s1");
	world_run(w, 301 * SEC);
	assert_string_equal(kernel_fake_dump(), idle);
	assert_pools_empty(w);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].reason, REASON_LIFETIME_EXPIRED);
	assert_true(w->far[FAR_A].last[MESSAGE_RELEASE].binding == w->far[FAR_A].binding);
	free(idle);
	world_free(w);
}

/* Registering again in time: same care-of address and key, nothing changes in the kernel, no end.
 */
static void test_refresh(void **state)
{
	struct world *w = world_new(NULL);
	const struct message *asked = &w->far[FAR_A].last[MESSAGE_TUNNEL_REQUEST];
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
	assert_served(2);
	world_free(w);
}

static void disconnect(struct world *w, struct terminal *t, const char *satellite, bool final)
{
	struct message m;

	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	if (final)
		message_set_number(&m, ATTR_LIFETIME, 0);
	message_set_text(&m, ATTR_NEXT_SATELLITE, "s9");
	terminal_tell(w, t, satellite, &m);
	world_run(w, 100 * MS);
	terminal_read(w, t);
}

static void test_disconnect(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	terminal_register(w, &w->tina, "s1");
	disconnect(w, &w->tina, "s1", false);
	assert_int_equal(w->tina.received[MESSAGE_DISCONNECTION_ACK], 1);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_CORE_DISCONNECT], 1);
	assert_string_equal(w->far[FAR_A].last[MESSAGE_CORE_DISCONNECT].next_satellite, "s9");
	/* Still served, until the home core knows where it is, or it does not come back at all. */
	assert_served(2);
	world_run(w, 11 * SEC);
	assert_string_equal(kernel_fake_dump(), idle);
	assert_pools_empty(w);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].reason, REASON_TERMINAL_LEFT);
	free(idle);
	world_free(w);
}

static void test_disconnect_and_back(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	terminal_register(w, &w->tina, "s1");
	disconnect(w, &w->tina, "s1", false);
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.done);
	world_run(w, 20 * SEC);
	assert_served(2);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
	world_free(w);
}

static void test_deregistration(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	terminal_register(w, &w->tina, "s1");
	disconnect(w, &w->tina, "s1", true);
	assert_int_equal(w->tina.received[MESSAGE_DISCONNECTION_ACK], 1);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].reason, REASON_TERMINAL_LEFT);
	assert_true(w->far[FAR_A].last[MESSAGE_RELEASE].binding == w->far[FAR_A].binding);
	assert_string_equal(kernel_fake_dump(), idle);
	assert_pools_empty(w);
	free(idle);
	world_free(w);
}

static void test_handover_done_is_relayed(void **state)
{
	struct world *w = world_new(NULL);
	struct message m;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	message_init(&m, MESSAGE_HANDOVER_DONE, 0);
	message_set_number(&m, ATTR_GAP, 50123);
	message_set_number(&m, ATTR_REGISTRATION_TIME, 100456);
	terminal_tell(w, &w->tina, "s1", &m);
	world_run(w, 100 * MS);
	terminal_read(w, &w->tina);
	assert_int_equal(w->tina.received[MESSAGE_HANDOVER_DONE_ACK], 1);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_HANDOVER_DONE].gap, 50123);
	assert_true(w->far[FAR_A].last[MESSAGE_HANDOVER_DONE].binding == w->far[FAR_A].binding);
	world_free(w);
}

static void test_replayed_sealed(void **state)
{
	struct world *w = world_new(NULL);
	uint8_t datagram[SNO_DATAGRAM_MAX];
	struct message m;
	int length;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	message_init(&m, MESSAGE_CORE_DISCONNECT, 1);
	message_set_number(&m, ATTR_LIFETIME, 0);
	length = access_seal(&w->tina.access, &m, datagram, sizeof(datagram));
	/* From another satellite it counts for nothing, and a second time neither. */
	terminal_send(w, &w->tina, "s2", datagram, (size_t)length);
	world_run(w, 100 * MS);
	terminal_send(w, &w->tina, "s1", datagram, (size_t)length);
	world_run(w, 100 * MS);
	assert_served(2);
	assert_true(w->core.counters.drops[DROP_REPLAY] == 1);
	world_free(w);
}

static void test_home_restarts(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	terminal_register(w, &w->tina, "s1");
	far_restart(w, FAR_A);
	world_run(w, 500 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.received[MESSAGE_RELEASE] >= 1);
	assert_int_equal(w->tina.last[MESSAGE_RELEASE].reason, REASON_CORE_RESTARTED);
	/* Forwarding has not stopped. */
	assert_served(2);
	world_free(w);
}

static void test_another_terminals_address(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	terminal_register(w, &w->tina, "s1");
	/* otto registers with tina's Ethernet address on another satellite. */
	w->otto.mac = w->tina.mac;
	w->otto.link_local = w->tina.link_local;
	terminal_register(w, &w->otto, "s2");
	w->otto.home_epoch = w->otto.assignment.home_epoch;
	w->otto.counter = w->otto.assignment.counter;
	terminal_register(w, &w->otto, "s2");
	assert_true(w->otto.rejected);
	assert_int_equal(w->otto.reason, REASON_NOT_PERMITTED);
	assert_served(2);
	world_free(w);
}

/* A forged discovery in the name of a terminal that is registering does not disturb it. */
static void test_forged_discovery_beside(void **state)
{
	struct world *w = world_new(NULL);
	struct terminal forger;

	(void)state;
	terminal_discovery(&w->tina, NULL);
	terminal_send(w, &w->tina, "s1", w->tina.discovery, w->tina.discovery_length);
	forger = w->tina;
	forger.discovery[forger.discovery_length - 1] ^= 1;
	snprintf(forger.realm, sizeof(forger.realm), "c.example");
	terminal_discovery(&forger, NULL);
	w->far[FAR_C].mute = true;
	terminal_send(w, &forger, "s1", forger.discovery, forger.discovery_length);
	world_run(w, 500 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	world_run(w, 60 * SEC);
	assert_served(2);
	world_free(w);
}

/* A peer that comes back from another address is answered there, and followed. */
static void test_peer_moves(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	assert_int_equal(addr_parse(&w->far[FAR_A].endpoint.addr, "192.0.2.77"), 0);
	far_restart(w, FAR_A);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	assert_true(addr_equal(&peer_find(&w->core, "a.example")->endpoint.addr,
			       &w->far[FAR_A].endpoint.addr));
	world_free(w);
}

static void test_uplink_after_restart(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	terminal_register(w, &w->tina, "s1");
	far_restart(w, FAR_A);
	assert_int_equal(kernel_fake_count("from 10.1.0.0/24"), 1);
	assert_int_equal(kernel_fake_count("0.0.0.0/0 table 8300 metric 100 encap dst 192.0.2.1"),
			 1);
	assert_served(2);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_figure_4),
		cmocka_unit_test(test_tunnel_refused),
		cmocka_unit_test(test_release_drains),
		cmocka_unit_test(test_release_with_old_binding),
		cmocka_unit_test(test_release_by_stranger),
		cmocka_unit_test(test_kernel_refuses_each_call),
		cmocka_unit_test(test_kernel_refuses_satellite_change),
		cmocka_unit_test(test_each_loss),
		cmocka_unit_test(test_repeated_discovery),
		cmocka_unit_test(test_home_refuses),
		cmocka_unit_test(test_home_silent),
		cmocka_unit_test(test_discovery_from_another_address),
		cmocka_unit_test(test_home_address_of_somebody_else),
		cmocka_unit_test(test_no_care_of_address),
		cmocka_unit_test(test_unknown_realm),
		cmocka_unit_test(test_lifetime),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_disconnect),
		cmocka_unit_test(test_disconnect_and_back),
		cmocka_unit_test(test_deregistration),
		cmocka_unit_test(test_handover_done_is_relayed),
		cmocka_unit_test(test_replayed_sealed),
		cmocka_unit_test(test_home_restarts),
		cmocka_unit_test(test_another_terminals_address),
		cmocka_unit_test(test_forged_discovery_beside),
		cmocka_unit_test(test_peer_moves),
		cmocka_unit_test(test_uplink_after_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
