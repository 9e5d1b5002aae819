/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path MTU inside tunnels (PROTOCOL section 16.6): what encapsulation and protection leave, for
 * each kind and size, and that routes follow the underlay.
 */
#include "core-agent/path_mtu.h"
#include "core-agent/peer.h"
#include "kernel_fake.h"
#include "otto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Octets on the wire of an inner packet, counted the other way round than the code does. */
static unsigned int on_the_wire(unsigned int inner, enum tunnel_kind kind, bool protected)
{
	const bool v6 = kind == TUNNEL_GRE6 || kind == TUNNEL_GPE6;
	const unsigned int ip = v6 ? 40 : 20;
	unsigned int octets = inner;

	if (kind == TUNNEL_GRE4 || kind == TUNNEL_GRE6)
		octets += 4 + 4; /* flags and protocol; key */
	if (kind == TUNNEL_GPE4 || kind == TUNNEL_GPE6)
		octets += 8 + 8; /* VXLAN and UDP */
	octets += ip;
	if (protected) {
		octets += 2; /* pad length, next header */
		while (octets % 4)
			octets++;
		octets += 8 + 8 + 16 + ip;
	}
	return octets;
}

/* As much as fits, and no octet less. */
static void test_inside(void **state)
{
	(void)state;
	for (unsigned int kind = 1; kind <= TUNNEL_KINDS_ALL; kind <<= 1)
		for (int protected = 0; protected < 2; protected ++)
			for (unsigned int outer = 576; outer < 9001; outer++) {
				unsigned int inside = path_mtu_inside(outer, kind, protected);

				assert_true(on_the_wire(inside, kind, protected) <= outer);
				assert_true(on_the_wire(inside + 1, kind, protected) > outer);
			}
	assert_int_equal(path_mtu_inside(1500, TUNNEL_GRE4, true), 1418);
	assert_int_equal(path_mtu_inside(1500, TUNNEL_GRE6, true), 1378);
	assert_int_equal(path_mtu_inside(40, TUNNEL_GRE4, true), 0);
	assert_int_equal(path_mtu_inside(0, TUNNEL_GRE6, false), 0);
}

/* The way to a.example has this MTU from now on. */
static void underlay(struct world *w, unsigned int mtu)
{
	struct kernel_route route = {.oif = w->port1, .mtu = mtu};

	assert_int_equal(prefix_parse(&route.dst, "192.0.2.1/32"), 0);
	kernel_fake_route(&route);
	world_run(w, 6 * SEC);
}

static void test_follows(void **state)
{
	struct world *w = world_new(NULL);
	struct peer *a = peer_find(&w->core, "a.example");

	(void)state;
	/* By default one MTU for all kinds, whatever more there is room for. */
	assert_int_equal(path_mtu(a, TUNNEL_GRE4), 1400);
	assert_int_equal(path_mtu(a, TUNNEL_GRE6), 1360);
	assert_int_equal(kernel_fake_count("table 8300 metric 100"), 2);
	underlay(w, 1420);
	assert_int_equal(path_mtu(a, TUNNEL_GRE4), 1392);
	assert_int_equal(kernel_fake_count("mtu 1392 lock"), 2);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	assert_int_equal(w->tina.registration.mtu, 1390); /* what the home core says */
	underlay(w, 1380);
	assert_int_equal(kernel_fake_count("mtu 1352 lock"), 2);
	terminal_register(w, &w->tina, "s1");
	assert_int_equal(w->tina.registration.mtu, 1352);
	/* Never less than IPv6 needs. */
	underlay(w, 1200);
	assert_int_equal(path_mtu(a, TUNNEL_GRE4), 1280);
	underlay(w, 1500);
	assert_int_equal(path_mtu(a, TUNNEL_GRE4), 1400);
	assert_int_equal(path_mtu(peer_find(&w->core, "c.example"), TUNNEL_GRE4), 1400);
	world_free(w);
}

/* What leads elsewhere just now follows too: it may lead back. */
static void test_follows_elsewhere(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	otto_visit(w, FAR_A);
	assert_int_equal(kernel_fake_count(OTTO_A " "), 1);
	otto_agree(w, MESSAGE_CORE_DISCONNECT, 1, "c.example", MODE_PROACTIVE);
	assert_int_equal(kernel_fake_count(OTTO_A " "), 0);
	underlay(w, 1380);
	assert_int_equal(otto_binding(w)->path.mtu, 1352);
	world_run(w, 60 * SEC);
	assert_int_equal(otto_binding(w)->state, BINDING_VISITING);
	assert_true(path_equal(&otto(w)->path, &otto_binding(w)->path));
	assert_int_equal(kernel_fake_count("10.2.0.9/32 table 254"), 1);
	assert_int_equal(otto(w)->path.mtu, 1352);
	world_free(w);
}

/* Routers are to tell of what they do not take, and to fragment what has to be sent in any case. */
static void test_df(void **state)
{
	struct world *w = world_new(NULL);
	struct peer *a = peer_find(&w->core, "a.example");

	(void)state;
	assert_false(path_mtu_df(a, TUNNEL_GRE4));
	a->protection.wanted = true;
	assert_true(path_mtu_df(a, TUNNEL_GRE4));
	assert_true(path_mtu_df(a, TUNNEL_GPE4));
	assert_false(path_mtu_df(a, TUNNEL_GRE6));
	a->path_mtu.outer4 = 1280 + 82; /* as much as 1280 octets need */
	assert_false(path_mtu_df(a, TUNNEL_GRE4));
	a->path_mtu.outer4 += 4;
	assert_true(path_mtu_df(a, TUNNEL_GRE4));
	a->protection.wanted = false;
	world_free(w);
}

static void test_configured(void **state)
{
	struct world *w = world_new(WORLD_POOLS " tunnel = { mtu = 1450; };");

	(void)state;
	assert_int_equal(path_mtu(peer_find(&w->core, "a.example"), TUNNEL_GRE4), 1450);
	assert_int_equal(path_mtu(peer_find(&w->core, "a.example"), TUNNEL_GRE6), 1450);
	peer_find(&w->core, "a.example")->protection.wanted = true;
	assert_int_equal(path_mtu(peer_find(&w->core, "a.example"), TUNNEL_GRE4), 1418);
	peer_find(&w->core, "a.example")->protection.wanted = false;
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_follows),
		cmocka_unit_test(test_follows_elsewhere),
		cmocka_unit_test(test_df),
		cmocka_unit_test(test_configured),
	};

	return cmocka_run_group_tests_name("core-mtu", tests, NULL, NULL);
}
