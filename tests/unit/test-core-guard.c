/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the core tells its guard: by which ways the packets of a terminal may come, from its
 * preparation to the end of its drain, with refusals at every step and over a restart.
 */
#include "core-agent/accounting.h"
#include "core-agent/binding.h"
#include "core-agent/guard.h"
#include "core-agent/peer.h"
#include "core-agent/session.h"
#include "kernel_fake.h"
#include "tina.h"
#include "world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TINA_MAC "02:00:00:00:01:01"
#define OTTO_MAC "02:00:00:00:01:02"

static struct world *guarded_world(const char *pools)
{
	struct world *w;

	world_guarded = true;
	w = world_new(pools);
	world_guarded = false;
	w->otto.home_epoch = w->core.epoch;
	return w;
}

/* The way of this kind and, where it is one, this port; valid for good or for a drain. NULL: none.
 */
static const struct guard_way *way(const char *prefix, enum guard_kind kind, unsigned int port)
{
	const struct guard_terminal *terminal = kernel_fake_guarded(prefix);

	for (int i = 0; terminal && i < GUARD_WAYS; i++)
		if (terminal->ways[i].until != 0 && terminal->ways[i].kind == (uint32_t)kind &&
		    (port == 0 || terminal->ways[i].who == port))
			return &terminal->ways[i];
	return NULL;
}

static bool open_way(const char *prefix, enum guard_kind kind, unsigned int port)
{
	const struct guard_way *found = way(prefix, kind, port);

	return found && found->until == GUARD_FOREVER;
}

static bool closing_way(const char *prefix, enum guard_kind kind, unsigned int port)
{
	const struct guard_way *found = way(prefix, kind, port);

	return found && found->until != GUARD_FOREVER;
}

/* The peer of a way. */
static const struct guard_peer *peer_of(const struct world *w, const struct guard_way *found)
{
	(void)w;
	return found ? kernel_fake_guard_peer(found->who) : NULL;
}

static void assert_ipv4(const uint8_t mapped[16], const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(&addr, text), 0);
	assert_memory_equal(mapped + 12, addr.bytes, 4);
	assert_int_equal(mapped[10] & mapped[11], 0xff);
}

static void test_devices(void **state)
{
	struct world *w = guarded_world(NULL);

	(void)state;
	assert_int_equal(kernel_fake_count("guard sno-gre tunnel"), 1);
	assert_int_equal(kernel_fake_count("guard feed-s1 access"), 1);
	assert_int_equal(kernel_fake_count("guard feed-s2 access"), 1);
	/* A port that is no satellite's any more is not ours to guard. */
	assert_int_equal(
		world_reload(w,
			     &(struct world_text){
				     .satellites = "{ name = \"s1\"; interface = \"feed-s1\"; }"}),
		0);
	assert_int_equal(kernel_fake_count("guard feed-s2"), 0);
	world_free(w);
}

static void test_visitor(void **state)
{
	struct world *w = guarded_world(NULL);
	const struct message *request = &w->far[FAR_A].last[MESSAGE_TUNNEL_REQUEST];
	const struct guard_way *down;
	struct lladdr mac;
	char coa[ADDR_TEXT];

	(void)state;
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	assert_true(open_way("10.1.0.7/32", GUARD_ACCESS, w->port1));
	assert_int_equal(lladdr_parse(&mac, TINA_MAC), 0);
	assert_memory_equal(way("10.1.0.7/32", GUARD_ACCESS, 0)->addr, mac.bytes, 6);
	/* All of its addresses are one terminal. */
	assert_ptr_equal(kernel_fake_guarded("10.1.0.7/32"),
			 kernel_fake_guarded("2001:db8:a::7/128"));
	down = way("10.1.0.7/32", GUARD_DOWN, 0);
	assert_non_null(down);
	assert_int_equal(down->key, request->tunnel_key);
	assert_ipv4(down->addr, addr_format(&request->coa, coa));
	assert_ipv4(peer_of(w, down)->end4, "192.0.2.1");
	assert_null(way("10.1.0.7/32", GUARD_UP, 0));
	world_free(w);
}

/* Behind a release, what is under way still passes, and after that nothing. */
static void test_drain(void **state)
{
	struct world *w = guarded_world(NULL);
	struct message release;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	message_init(&release, MESSAGE_RELEASE, 0);
	message_set_number(&release, ATTR_REASON, REASON_TERMINAL_MOVED);
	message_set_number(&release, ATTR_BINDING, w->far[FAR_A].binding);
	far_ask(w, FAR_A, &release);
	world_run(w, 100 * MS);
	assert_true(closing_way("10.1.0.7/32", GUARD_ACCESS, w->port1));
	assert_true(closing_way("10.1.0.7/32", GUARD_DOWN, 0));
	world_run(w, 3 * SEC);
	assert_int_equal(kernel_fake_count("guarded"), 0);
	world_free(w);
}

/* To another satellite of the same core: what is sent by the old one may be under way. */
static void test_satellite_change(void **state)
{
	struct world *w = guarded_world(NULL);

	(void)state;
	terminal_register(w, &w->tina, "s1");
	kernel_fake_log_clear();
	terminal_register(w, &w->tina, "s2");
	assert_true(open_way("10.1.0.7/32", GUARD_ACCESS, w->port2));
	assert_true(closing_way("10.1.0.7/32", GUARD_ACCESS, w->port1));
	/* A terminal that is known costs no exchange with the kernel. */
	assert_int_equal(kernel_fake_log_find("guard", 1), 0);
	world_free(w);
}

static void test_own_subscriber(void **state)
{
	struct world *w = guarded_world(NULL);
	struct binding_next next = {.state = BINDING_VISITING};
	struct subscriber *otto;

	(void)state;
	terminal_register(w, &w->otto, "s1");
	assert_true(open_way("10.2.0.9/32", GUARD_ACCESS, w->port1));
	assert_null(way("10.2.0.9/32", GUARD_DOWN, 0));
	otto = subscriber_find(&w->core, "otto");
	next.number = ++w->core.last_binding;
	next.peer = peer_find(&w->core, "c.example");
	next.path = (struct path){.kind = PATH_TUNNEL,
				  .hoa4 = otto->hoa4,
				  .tunnel = TUNNEL_GRE4,
				  .peer = next.peer,
				  .key = 5};
	assert_int_equal(addr_parse(&next.path.outer_dst, "203.0.113.5"), 0);
	assert_int_equal(addr_parse(&next.path.outer_src, "192.0.2.2"), 0);
	assert_int_equal(binding_lead(otto, &next, w->now), REASON_ACCEPTED);
	binding_rebind(otto, &next, w->now);
	assert_true(closing_way("10.2.0.9/32", GUARD_ACCESS, w->port1));
	assert_true(open_way("10.2.0.9/32", GUARD_UP, 0));
	assert_ipv4(peer_of(w, way("10.2.0.9/32", GUARD_UP, 0))->end4, "192.0.2.3");
	assert_int_equal(peer_of(w, way("10.2.0.9/32", GUARD_UP, 0))->key, next.peer->tunnel_key);
	binding_withdraw(otto, REASON_ADMINISTRATIVE, w->now);
	assert_int_equal(kernel_fake_count("guarded"), 0);
	world_free(w);
}

/* Where a terminal is expected it may send right behind its discovery. */
static void prepare(struct world *w, bool hold)
{
	struct lladdr mac;
	struct message m;

	assert_int_equal(lladdr_parse(&mac, TINA_MAC), 0);
	message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 0);
	message_set_number(&m, ATTR_EXPECTED, 1000);
	message_set_link_layer(&m, &mac);
	message_set_addr(&m, ATTR_LINK_LOCAL, &w->tina.link_local);
	message_set_number(&m, ATTR_MTU, 1400);
	message_set_text(&m, ATTR_NEXT_SATELLITE, "s2");
	if (hold)
		message_set_number(&m, ATTR_HOLD, 1);
	far_prepare(w, 1, &m);
	world_run(w, 100 * MS);
	assert_int_equal(w->far[FAR_A].last_answer.reason, REASON_ACCEPTED);
}

static void test_prepared(void **state)
{
	(void)state;
	for (int hold = 0; hold < 2; hold++) {
		struct world *w = guarded_world(NULL);

		prepare(w, hold);
		assert_true(open_way("10.1.0.7/32", GUARD_ACCESS, w->port2));
		assert_true(open_way("10.1.0.7/32", GUARD_DOWN, 0));
		world_run(w, 20 * SEC);
		assert_int_equal(kernel_fake_count("guarded"), 0);
		world_free(w);
	}
}

static void test_refusals(void **state)
{
	unsigned int n;
	bool refused = true;

	(void)state;
	for (n = 1; refused; n++) {
		struct world *w = guarded_world(NULL);
		char *idle = strdup(kernel_fake_dump());

		kernel_fake_fail_at(n, -ENOSPC);
		terminal_register(w, &w->tina, "s1");
		refused = kernel_fake_failed();
		if (refused && !w->tina.done)
			assert_string_equal(kernel_fake_dump(), idle);
		assert_int_equal(kernel_fake_count("guarded") > 0, w->tina.done);
		free(idle);
		world_free(w);
	}
	assert_true(n > 5);
}

/* No room is a reason to refuse, and told as one. */
static void test_full(void **state)
{
	struct world *w = guarded_world(NULL);

	(void)state;
	kernel_fake_fail_on("guard address set", -ENOSPC);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.rejected);
	assert_int_equal(w->tina.reason, REASON_KERNEL_REFUSED);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	kernel_fake_fail_on(NULL, 0);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	world_free(w);
}

static void test_restart(void **state)
{
	struct world *w = guarded_world(NULL);
	const struct guard_peer *home;
	uint32_t key;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	terminal_register(w, &w->otto, "s1");
	home = peer_of(w, way("10.1.0.7/32", GUARD_DOWN, 0));
	key = home->key;
	world_restart(w, NULL);
	/* Nothing is cut: neither the terminals' ways nor the tunnels that peers know. */
	assert_true(open_way("10.1.0.7/32", GUARD_ACCESS, w->port1));
	assert_true(open_way("10.1.0.7/32", GUARD_DOWN, 0));
	assert_true(open_way("10.2.0.9/32", GUARD_ACCESS, w->port1));
	assert_int_equal(home->key_before, key);
	assert_int_not_equal(home->key, key);
	assert_ipv4(home->end4, "192.0.2.1");
	world_run(w, 5 * SEC);
	terminal_register(w, &w->tina, "s2");
	assert_true(open_way("10.1.0.7/32", GUARD_ACCESS, w->port2));
	/* Otto has not come back in time. */
	world_run(w, 70 * SEC);
	assert_non_null(kernel_fake_guarded("10.1.0.7/32"));
	assert_null(kernel_fake_guarded("10.2.0.9/32"));
	world_free(w);
}

/* The way to its home core has this MTU from now on. */
static void underlay(struct world *w, unsigned int mtu)
{
	struct kernel_route route = {.oif = w->port1, .mtu = mtu};

	assert_int_equal(prefix_parse(&route.dst, "192.0.2.1/32"), 0);
	kernel_fake_route(&route);
	world_run(w, 6 * SEC);
}

/* What TCP's segments are to fit: the path, and what the underlay takes from here now. */
static void test_segments(void **state)
{
	struct world *w = guarded_world(NULL);

	(void)state;
	terminal_register(w, &w->tina, "s1");
	assert_int_equal(kernel_fake_guarded("10.1.0.7/32")->mtu, 1400);
	underlay(w, 1350);
	assert_int_equal(kernel_fake_guarded("10.1.0.7/32")->mtu, 1322);
	underlay(w, 1500);
	assert_int_equal(kernel_fake_guarded("10.1.0.7/32")->mtu, 1400);
	terminal_register(w, &w->otto, "s1");
	assert_int_equal(kernel_fake_guarded("10.2.0.9/32")->mtu, 1500);
	world_free(w);
}

/* What a protected peer sends has its mark, and another peer's is another one; who is not protected
 * has none. */
static void test_marks(void **state)
{
	const struct guard_peer *home;
	char text[64];

	(void)state;
	for (int protect = 0; protect < 2; protect++) {
		struct world *w;

		world_protected = protect;
		w = guarded_world(NULL);
		terminal_register(w, &w->tina, "s1");
		home = peer_of(w, way("10.1.0.7/32", GUARD_DOWN, 0));
		assert_non_null(home);
		assert_int_equal(home->mark, protect ? 1U << GUARD_MARK_SHIFT : 0);
		snprintf(text, sizeof(text), " mark 0x%08x/0xff000000", home->mark);
		/* Two sessions' at the start; what we send has none. */
		assert_int_equal(
			kernel_fake_count("src 192.0.2.1 reqid 830000 window 4096 esn limit 0"),
			protect ? 2 : 0);
		assert_int_equal(kernel_fake_count(text), protect ? 2 : 0);
		assert_int_equal(kernel_fake_count(" mark 0x02000000/0xff000000"), protect ? 2 : 0);
		world_protected = false;
		world_free(w);
	}
}

/* Without a guard from now on: what an earlier run has left would let nobody in. */
static void test_switched_off(void **state)
{
	const struct world_text same = {0};
	struct world *w = guarded_world(NULL);

	(void)state;
	world_restart(w, &same);
	assert_null(w->core.guard);
	assert_int_equal(kernel_fake_count("guard "), 0);
	world_run(w, 5 * SEC);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	world_free(w);
}

/* A peer that is none any more has no tunnel end: its packets come by no way. */
static void test_peer_removed(void **state)
{
	static const uint8_t nobody[sizeof(struct guard_peer)];
	struct world *w = guarded_world(NULL);
	const struct guard_peer *home;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	home = peer_of(w, way("10.1.0.7/32", GUARD_DOWN, 0));
	world_guarded = true;
	assert_int_equal(world_reload_cut(w, &(struct world_text){.peers = WORLD_PEER_C}), 0);
	world_guarded = false;
	assert_memory_equal(home, nobody, sizeof(nobody));
	assert_int_equal(kernel_fake_count("guarded"), 0);
	world_free(w);
}

/* Who was here and is expected again before that has drained has no account of both visits. */
static void test_account_of_expected(void **state)
{
	struct guard_terminal *terminal;
	struct guard_traffic traffic;
	struct world *w;

	(void)state;
	world_guarded = true;
	w = tina_world(NULL);
	world_guarded = false;
	terminal_register(w, &w->tina, "s1");
	terminal = kernel_fake_guarded("10.1.0.7/32");
	terminal->up = (struct guard_count){.packets = 5, .octets = 500};
	tina_release(w, w->far[FAR_A].binding, REASON_TERMINAL_MOVED);
	assert_int_equal(tina(w)->state, SESSION_DRAINING);
	tina_prepare(w, 1, HOLD | LINK);
	tina_expected(w);
	tina_comes(w, 1, "s1");
	world_run(w, 20 * MS);
	tina_arrived(w);
	assert_ptr_equal(kernel_fake_guarded("10.1.0.7/32"), terminal);
	terminal->up.packets += 2;
	assert_true(accounting_look(&w->core, &tina(w)->account, tina(w)->path, &traffic));
	assert_int_equal(traffic.up.packets, 2);
	assert_int_equal(traffic.up.octets, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices),	       cmocka_unit_test(test_visitor),
		cmocka_unit_test(test_drain),	       cmocka_unit_test(test_satellite_change),
		cmocka_unit_test(test_own_subscriber), cmocka_unit_test(test_prepared),
		cmocka_unit_test(test_refusals),       cmocka_unit_test(test_full),
		cmocka_unit_test(test_restart),	       cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_peer_removed),   cmocka_unit_test(test_segments),
		cmocka_unit_test(test_marks),	       cmocka_unit_test(test_account_of_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
