/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tunnel kinds: what two cores agree on (PROTOCOL section 10), which care-of address goes with it,
 * and where the uplink of visitors leads.
 */
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/session.h"
#include "core-agent/subscriber.h"
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

#define BOTH_FAMILIES                                                                              \
	"pools = { home4 = [ \"10.2.0.0/24\" ]; home6 = [ \"2001:db8:b::/64\" ]; "                 \
	"care_of4 = [ \"198.51.100.128/25\" ]; care_of6 = [ \"2001:db8:cb::/64\" ]; };"            \
	"tunnel = { local = [ \"192.0.2.2\", \"2001:db8::2\" ]; };"

#define UPLINK "table 8300 metric 100"

static const struct session *tina(const struct world *w)
{
	return session_find(&w->core, "tina@a.example");
}

/* a.example is back with these kinds; end6 may be NULL. */
static void offer(struct world *w, uint8_t kinds, const char *end4, const char *end6)
{
	struct far *a = &w->far[FAR_A];

	a->kinds = kinds;
	a->end4.family = a->end6.family = AF_UNSPEC;
	if (end4)
		assert_int_equal(addr_parse(&a->end4, end4), 0);
	if (end6)
		assert_int_equal(addr_parse(&a->end6, end6), 0);
	far_restart(w, FAR_A);
}

static void test_choice(void **state)
{
	static const struct {
		uint8_t offered;
		enum tunnel_kind chosen;
		sa_family_t family;
	} table[] = {
		{TUNNEL_KINDS_ALL, TUNNEL_GRE4, AF_INET},
		{TUNNEL_GRE6 | TUNNEL_GPE4 | TUNNEL_IPIP4, TUNNEL_GRE6, AF_INET6},
		{TUNNEL_GPE4 | TUNNEL_GPE6 | TUNNEL_IPIP4, TUNNEL_GPE4, AF_INET},
		{TUNNEL_GPE6 | TUNNEL_IPIP4, TUNNEL_GPE6, AF_INET6},
		{TUNNEL_IPIP4, TUNNEL_IPIP4, AF_INET},
	};
	struct world *w = world_new(BOTH_FAMILIES);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		bool v6 = table[i].family == AF_INET6;

		offer(w, table[i].offered, "192.0.2.1", "2001:db8::1");
		terminal_register(w, &w->tina, "s1");
		assert_true(w->tina.done);
		assert_int_equal(w->far[FAR_A].last[MESSAGE_TUNNEL_REQUEST].tunnel_kind,
				 table[i].chosen);
		assert_int_equal(w->far[FAR_A].last[MESSAGE_TUNNEL_REQUEST].coa.family,
				 table[i].family);
		/* An address of the other family is given back, once the new one is in use. */
		assert_int_equal(pool_used(w->core.care_of4), !v6);
		assert_int_equal(pool_used(w->core.care_of6), v6);
		assert_int_equal(tina(w)->coa.family, table[i].family);
		assert_int_equal(w->tina.registration.mtu, v6 ? 1360 : 1390);
		assert_int_equal(kernel_fake_count(UPLINK),
				 table[i].chosen == TUNNEL_IPIP4 ? 1 : 2);
		assert_int_equal(kernel_fake_count(v6 ? UPLINK " encap dst 2001:db8::1 src "
							       "2001:db8::2"
						      : UPLINK " encap dst 192.0.2.1 src "
							       "192.0.2.2"),
				 table[i].chosen == TUNNEL_IPIP4 ? 1 : 2);
	}
	world_free(w);
}

/* Refused after a change of the family: the old address stays, the new one goes back. */
static void test_change_of_family_refused(void **state)
{
	struct world *w = world_new(BOTH_FAMILIES);
	struct addr coa;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	coa = tina(w)->coa;
	offer(w, TUNNEL_GRE6, NULL, "2001:db8::1");
	w->far[FAR_A].tunnel_reason = REASON_BUSY;
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.rejected);
	assert_true(addr_equal(&tina(w)->coa, &coa));
	assert_int_equal(pool_used(w->core.care_of4), 1);
	assert_int_equal(pool_used(w->core.care_of6), 0);
	world_free(w);
}

/* Only kinds for which there are care-of addresses count. */
static void test_only_with_addresses(void **state)
{
	struct world *w = world_new("pools = { home4 = [ \"10.2.0.0/24\" ]; care_of6 = [ "
				    "\"2001:db8:cb::/64\" ]; }; tunnel = { local = [ "
				    "\"192.0.2.2\", \"2001:db8::2\" ]; };");

	(void)state;
	offer(w, TUNNEL_KINDS_ALL, "192.0.2.1", "2001:db8::1");
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_TUNNEL_REQUEST].tunnel_kind, TUNNEL_GRE6);
	world_free(w);
}

/* A kind is worth nothing without the end that goes with it. */
static void test_end_missing(void **state)
{
	struct world *w = world_new(BOTH_FAMILIES);

	(void)state;
	offer(w, TUNNEL_GRE4 | TUNNEL_GPE6, NULL, "2001:db8::1");
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_TUNNEL_REQUEST].tunnel_kind, TUNNEL_GPE6);
	offer(w, TUNNEL_GRE6, "192.0.2.1", NULL);
	assert_int_equal(kernel_fake_count(UPLINK), 0);
	assert_int_equal(kernel_fake_count("table 8300 metric 200"), 2);
	terminal_register(w, &w->tina, "s1");
	assert_int_equal(w->tina.reason, REASON_NO_COMMON_TUNNEL);
	world_free(w);
}

static void test_nothing_in_common(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	assert_int_equal(kernel_fake_count(UPLINK), 2);
	offer(w, TUNNEL_GRE6 | TUNNEL_GPE6, "192.0.2.1", "2001:db8::1");
	assert_int_equal(kernel_fake_count(UPLINK), 0);
	terminal_register(w, &w->tina, "s1");
	assert_int_equal(w->tina.reason, REASON_NO_COMMON_TUNNEL);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_TUNNEL_REQUEST], 0);
	offer(w, TUNNEL_GRE4, "192.0.2.1", NULL);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	world_free(w);
}

/* ipip has no room for IPv6: a terminal that has nothing else is not served by it. */
static void test_ipip(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	offer(w, TUNNEL_IPIP4, "192.0.2.1", NULL);
	assert_int_equal(kernel_fake_count("::/0 " UPLINK), 0);
	assert_int_equal(kernel_fake_count("::/0 table 8300 metric 200"), 1);
	w->far[FAR_A].hoa4.family = AF_UNSPEC;
	terminal_register(w, &w->tina, "s1");
	assert_int_equal(w->tina.reason, REASON_NO_COMMON_TUNNEL);
	assert_int_equal(HASH_COUNT(w->core.sessions), 0);
	world_free(w);
}

/* Without an uplink nobody is told that he is registered; the next one tries again. */
static void test_uplink_refused(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	kernel_fake_fail_on("route replace 0.0.0.0/0 table 8300 metric 100", -ENOBUFS);
	offer(w, TUNNEL_GRE4, "192.0.2.11", NULL);
	terminal_register(w, &w->tina, "s1");
	assert_int_equal(w->tina.reason, REASON_KERNEL_REFUSED);
	kernel_fake_fail_on(NULL, 0);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	assert_int_equal(kernel_fake_count(UPLINK " encap dst 192.0.2.11"), 2);
	/* With one, it is not touched again. */
	kernel_fake_log_clear();
	terminal_register(w, &w->tina, "s2");
	assert_int_equal(kernel_fake_log_find("table 8300", 1), 0);
	world_free(w);
}

/* What the configuration lets us offer, on a kernel that has not everything. */
static void test_offered(void **state)
{
	static const struct {
		const char *kind;
		enum kernel_tunnel without;
		uint8_t offered;
	} table[] = {
		{"auto", KERNEL_TUNNEL_NONE, TUNNEL_KINDS_ALL},
		{"auto", KERNEL_TUNNEL_GRE, TUNNEL_KINDS_ALL & ~TUNNEL_GRE4},
		{"gre", KERNEL_TUNNEL_NONE, TUNNEL_GRE4 | TUNNEL_GRE6},
		{"gre", KERNEL_TUNNEL_GRE6, TUNNEL_GRE4},
		{"gpe", KERNEL_TUNNEL_GRE, TUNNEL_GPE4 | TUNNEL_GPE6},
		{"ipip", KERNEL_TUNNEL_GPE, TUNNEL_IPIP4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct world *w = world_new(NULL);
		char pools[512];
		const struct world_text text = {.pools = pools};

		snprintf(pools, sizeof(pools),
			 "pools = { home4 = [ \"10.2.0.0/24\" ]; }; "
			 "tunnel = { kind = \"%s\"; local = [ \"192.0.2.2\", \"2001:db8::2\" ]; };",
			 table[i].kind);
		kernel_fake_reset();
		if (table[i].without)
			kernel_fake_without_tunnel(table[i].without);
		world_restart(w, &text);
		assert_int_equal(w->core.underlay.kinds, table[i].offered);
		world_free(w);
	}
}

/* With nothing to offer it does not start, and says why. */
static void test_nothing_to_offer(void **state)
{
	struct world *w = world_new(NULL);
	struct core_io io = w->core.io;

	(void)state;
	core_close(&w->core);
	kernel_fake_reset();
	for (enum kernel_tunnel k = KERNEL_TUNNEL_GRE; k < KERNEL_TUNNELS; k++)
		kernel_fake_without_tunnel(k);
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), -EOPNOTSUPP);
	kernel_fake_reset();
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), 0);
	world_free(w);
}

/* The smallest of both cores' MTU and the link's. */
static void test_mtu(void **state)
{
	struct world *w = world_new("pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ "
				    "\"198.51.100.128/25\" ]; }; tunnel = { mtu = 1300; };");

	(void)state;
	terminal_register(w, &w->tina, "s1");
	assert_int_equal(w->tina.registration.mtu, 1300);
	assert_int_equal(kernel_fake_count("10.1.0.7/32 table 254 metric 66567 via "
					   "fe80::ff:fe00:101 mtu 1300 lock"),
			 1);
	assert_int_equal(kernel_fake_count(UPLINK), 2);
	assert_int_equal(kernel_fake_count("mtu 1300 lock dev sno-gre"), 4);
	world_free(w);
}

/* Another hello of the same life: the uplink follows. */
static void test_release_and_uplink(void **state)
{
	struct world *w = world_new(NULL);
	struct message m;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	/* No tunnel home any more: there is nowhere to drain to. */
	offer(w, TUNNEL_GRE6, NULL, "2001:db8::1");
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_TERMINAL_MOVED);
	message_set_number(&m, ATTR_BINDING, w->far[FAR_A].binding);
	far_ask(w, FAR_A, &m);
	world_run(w, 50 * MS);
	assert_null(tina(w));
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_change_of_family_refused),
		cmocka_unit_test(test_only_with_addresses),
		cmocka_unit_test(test_end_missing),
		cmocka_unit_test(test_nothing_in_common),
		cmocka_unit_test(test_ipip),
		cmocka_unit_test(test_uplink_refused),
		cmocka_unit_test(test_offered),
		cmocka_unit_test(test_nothing_to_offer),
		cmocka_unit_test(test_mtu),
		cmocka_unit_test(test_release_and_uplink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
