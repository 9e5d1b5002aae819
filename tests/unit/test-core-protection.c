/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Protected tunnels (PROTOCOL section 16): what the core puts into the kernel for its peers and
 * when, that a rekey never leaves an end without what the other one uses, that nothing leads down
 * to clear text, and that whatever the kernel refuses leaves what was there.
 */
#include "core-agent/inbound.h"
#include "core-agent/peer.h"
#include "core-agent/protection.h"
#include "kernel_fake.h"
#include "world.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS  USEC_PER_MSEC
#define SEC USEC_PER_SEC

#define OUT_A  "policy out src 0.0.0.0/0 dst 198.51.100.0/25 proto 47"
#define IN_A   "policy in src 192.0.2.1/32 dst 198.51.100.128/25 proto 47"
#define FROM_A "src 192.0.2.1 reqid 830000"
#define ANY    "policy in src 0.0.0.0/0 dst 198.51.100.128/25 proto 47"

#define CLEAR_A "route 198.51.100.0/25 table 8401"

static struct world *protected_world(void)
{
	world_protected = true;
	return world_new(NULL);
}

static int teardown(void **state)
{
	(void)state;
	world_protected = false;
	return 0;
}

static struct peer *a_of(const struct world *w)
{
	return peer_find(&w->core, "a.example");
}

/* A far core whose hello has these suites is back. */
static void offer(struct world *w, uint8_t suites, uint8_t preferred)
{
	w->far[FAR_A].suites = suites;
	w->far[FAR_A].suite = preferred;
	far_restart(w, FAR_A);
}

/* Both directions for each peer, policies that carry them, and none for anybody else. */
static void test_installed(void **state)
{
	struct world *w = protected_world();

	(void)state;
	/* Two sessions at the start, whose handshakes have crossed. */
	assert_int_equal(kernel_fake_count(FROM_A), 2);
	assert_int_equal(kernel_fake_count("sa 192.0.2.1 spi"), 1);
	assert_int_equal(kernel_fake_count("reqid 830000 window 4096 esn"), 3);
	assert_int_equal(kernel_fake_count(OUT_A " ports 0-0 priority 8300 reqid 830000 tunnel "
						 "192.0.2.2 192.0.2.1"),
			 1);
	assert_int_equal(kernel_fake_count(IN_A " ports 0-0 priority 8300 reqid 830000 tunnel "
						"192.0.2.1 192.0.2.2"),
			 1);
	assert_int_equal(kernel_fake_count(ANY " ports 0-0 priority 8400 reqid 830100 block"), 1);
	/* Without its policy a packet to a care-of address has no way but back. */
	assert_int_equal(kernel_fake_count(CLEAR_A), 1);
	assert_int_equal(kernel_fake_count("iif lo from none to none proto 47 port 0 table 8401"),
			 1);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	world_free(w);
}

/* In before anything is sealed, out when the peer has sealed, the old one out then, in later. */
static void test_rekey(void **state)
{
	struct world *w = protected_world();
	unsigned int added, out, gone;
	uint32_t old = a_of(w)->protection.out;
	char text[64];

	(void)state;
	kernel_fake_log_clear();
	channel_rekey(a_of(w)->channel, w->now);
	timer_set(&w->core.timers, &a_of(w)->timer, w->now);
	world_run(w, 2 * SEC);
	assert_int_not_equal(a_of(w)->protection.out, old);
	assert_int_equal(a_of(w)->protection.out, w->far[FAR_A].spi);
	added = kernel_fake_log_find("sa add 192.0.2.2", 1);
	out = kernel_fake_log_find("sa add 192.0.2.1", 1);
	snprintf(text, sizeof(text), "sa delete 192.0.2.1 spi 0x%08x", old);
	gone = kernel_fake_log_find(text, 1);
	assert_true(added > 0 && added < out && out < gone);
	assert_int_equal(kernel_fake_log_find("sa delete 192.0.2.2", 1), 0);
	/* Two sessions' inbound ones stay; of three the first goes, when its time has come. */
	assert_int_equal(kernel_fake_count(FROM_A), 3);
	channel_rekey(a_of(w)->channel, w->now);
	timer_set(&w->core.timers, &a_of(w)->timer, w->now);
	world_run(w, 2 * SEC);
	assert_int_equal(kernel_fake_count(FROM_A), 4);
	world_run(w, 31 * SEC);
	assert_int_equal(kernel_fake_count(FROM_A), 2);
	assert_int_equal(kernel_fake_count("sa 192.0.2.1 spi"), 1);
	world_free(w);
}

/* Worn keys are renewed; reports about what is out of use are not heeded. */
static void test_worn(void **state)
{
	struct world *w = protected_world();
	struct kernel_sa sa = {.spi = a_of(w)->protection.out, .reqid = protection_reqid(a_of(w))};
	uint64_t before = channel_counters(a_of(w)->channel)->handshakes;

	(void)state;
	protection_worn(&w->core, &sa, w->now);
	world_run(w, 1 * SEC);
	assert_int_equal(channel_counters(a_of(w)->channel)->handshakes, before + 1);
	protection_worn(&w->core, &sa, w->now);
	world_run(w, 1 * SEC);
	assert_int_equal(channel_counters(a_of(w)->channel)->handshakes, before + 1);
	world_free(w);
}

static void test_suite(void **state)
{
	struct world *w = protected_world();

	(void)state;
	assert_int_equal(a_of(w)->protection.suite, SUITE_CHACHA20_POLY1305);
	/* Only one prefers AES. */
	offer(w, SUITES_ALL, SUITE_AES_256_GCM);
	assert_int_equal(a_of(w)->protection.suite, SUITE_CHACHA20_POLY1305);
	offer(w, SUITE_AES_256_GCM, SUITE_AES_256_GCM);
	assert_int_equal(a_of(w)->protection.suite, SUITE_AES_256_GCM);
	world_free(w);
}

/* A peer that is without protection, from the beginning or all at once, gets no tunnel. */
static void test_no_way_down(void **state)
{
	struct world *w = protected_world();

	(void)state;
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	offer(w, 0, 0);
	assert_true(channel_up(a_of(w)->channel));
	assert_int_equal(kernel_fake_count("table 8300 metric 100"), 0);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.rejected);
	assert_int_equal(w->tina.reason, REASON_NO_COMMON_PROTECTION);
	/* What is there stays protected or is dropped. */
	assert_int_equal(kernel_fake_count(OUT_A), 1);
	assert_int_equal(kernel_fake_count(ANY), 1);
	offer(w, SUITES_ALL, SUITE_CHACHA20_POLY1305);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	world_free(w);
}

static void test_no_way_up(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	offer(w, SUITES_ALL, SUITE_CHACHA20_POLY1305);
	terminal_register(w, &w->tina, "s1");
	assert_int_equal(w->tina.reason, REASON_NO_COMMON_PROTECTION);
	assert_int_equal(kernel_fake_count("policy "), 0);
	assert_int_equal(kernel_fake_count("sa "), 0);
	world_free(w);
}

/* As home core: a peer that does not protect cannot have our subscribers' packets. */
static void test_tunnel_request_refused(void **state)
{
	struct world *w = protected_world();
	struct message m;

	(void)state;
	offer(w, 0, 0);
	w->otto.home_epoch = w->core.epoch;
	terminal_discovery(&w->otto, NULL);
	terminal_authentication(&w->otto, &m);
	far_ask(w, FAR_A, &m);
	world_run(w, 200 * MS);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	message_init(&m, MESSAGE_TUNNEL_REQUEST, 0);
	message_set_number(&m, ATTR_BINDING, w->far[FAR_A].last_answer.binding);
	message_set_addr(&m, ATTR_COA, &w->far[FAR_A].coa);
	message_set_number(&m, ATTR_TUNNEL_KIND, TUNNEL_GRE4);
	message_set_number(&m, ATTR_TUNNEL_KEY, 5);
	far_ask(w, FAR_A, &m);
	world_run(w, 200 * MS);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_NO_COMMON_PROTECTION);
	assert_int_equal(kernel_fake_count("encap dst 198.51.100"), 0);
	world_free(w);
}

/* A restart finds what it has left, keeps it while it may be in use, and loses no association. */
static void test_restart(void **state)
{
	struct world *w = protected_world();
	uint32_t out = a_of(w)->protection.out;
	char text[64];

	(void)state;
	snprintf(text, sizeof(text), "sa 192.0.2.1 spi 0x%08x", out);
	kernel_fake_log_clear();
	w->far[FAR_A].cut = true;
	world_restart(w, NULL);
	world_run(w, 1 * SEC);
	assert_int_equal(kernel_fake_count(text), 1);
	assert_int_equal(kernel_fake_count(OUT_A " ports 0-0 priority 8300 reqid 830000 tunnel"),
			 1);
	assert_int_equal(kernel_fake_log_find("policy delete", 1), 0);
	w->far[FAR_A].cut = false;
	world_run(w, 20 * SEC);
	assert_int_equal(kernel_fake_count(text), 0);
	assert_int_equal(kernel_fake_count("sa 192.0.2.1 spi"), 1);
	assert_true(kernel_fake_count("src 192.0.2.1 reqid 830000") >= 2);
	world_run(w, 40 * SEC);
	assert_true(kernel_fake_count("src 192.0.2.1 reqid 830000") <= 2);
	world_free(w);
}

/* Without protection what an earlier life has left goes at once: its blocks would block. */
static void test_given_up(void **state)
{
	struct world *w = protected_world();
	const struct world_text text = {0};

	(void)state;
	world_protected = false;
	world_restart(w, &text);
	assert_int_equal(kernel_fake_count("policy "), 0);
	assert_int_equal(kernel_fake_count("sa "), 0);
	world_free(w);
}

/* One peer by one and one by the other: the unprotected one passes, by its address. */
static void test_mixed(void **state)
{
	const struct world_text text = {
		.peers = "{ name = \"a.example\"; endpoint = \"192.0.2.1\"; public_key = \"$A\";"
			 " home_prefixes = [ \"10.1.0.0/24\", \"2001:db8:a::/64\" ];"
			 " care_of_prefixes = [ \"198.51.100.0/25\" ]; protection = \"none\"; "
			 "}, " WORLD_PEER_C};
	struct world *w = protected_world();

	(void)state;
	w->far[FAR_A].suites = 0;
	assert_int_equal(world_reload(w, &text), 0);
	far_restart(w, FAR_A);
	assert_int_equal(kernel_fake_count("src 192.0.2.1 reqid 830000"), 0);
	assert_int_equal(kernel_fake_count(OUT_A), 0);
	assert_int_equal(kernel_fake_count(IN_A), 1);
	assert_int_equal(kernel_fake_count(ANY), 1);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	/* And back. */
	w->far[FAR_A].suites = SUITES_ALL;
	assert_int_equal(world_reload(w, &(struct world_text){0}), 0);
	far_restart(w, FAR_A);
	assert_true(kernel_fake_count(FROM_A) > 0);
	assert_int_equal(kernel_fake_count(OUT_A " ports 0-0 priority 8300 reqid 830000 tunnel"),
			 1);
	world_free(w);
}

/* A kernel without ESP: protection that was asked for is never left out, the core does not start.
 */
static void test_without_esp(void **state)
{
	struct world *w = world_new(NULL);
	const struct world_text text = {0};
	struct core_io io = w->core.io;

	(void)state;
	core_close(&w->core);
	kernel_fake_without_esp();
	w->config.tunnel.protection = PROTECTION_ESP;
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), -EOPNOTSUPP);
	w->config.tunnel.protection = PROTECTION_NONE;
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), 0);
	world_run(w, 2 * SEC);
	world_protected = true;
	assert_int_equal(world_reload(w, &text), -EOPNOTSUPP);
	world_protected = false;
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	world_free(w);
}

/*
 * Each change that a rekey asks of the kernel is refused once: what is in use stays in use, and the
 * next handshake puts it right.
 */
static void test_refused(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1;; n++) {
		struct world *w = protected_world();
		uint32_t old = a_of(w)->protection.out;
		char text[64];
		bool failed;

		kernel_fake_fail_at(n, -ENOMEM);
		channel_rekey(a_of(w)->channel, w->now);
		timer_set(&w->core.timers, &a_of(w)->timer, w->now);
		world_run(w, 50 * MS);
		failed = kernel_fake_failed();
		snprintf(text, sizeof(text), "sa 192.0.2.1 spi 0x%08x", a_of(w)->protection.out);
		assert_int_equal(kernel_fake_count(text), 1);
		assert_int_equal(
			kernel_fake_count(OUT_A " ports 0-0 priority 8300 reqid 830000 tunnel"), 1);
		world_run(w, 30 * SEC);
		assert_int_not_equal(a_of(w)->protection.out, old);
		assert_int_equal(a_of(w)->protection.out, w->far[FAR_A].spi);
		assert_int_equal(kernel_fake_count("sa 192.0.2.1 spi"), 1);
		assert_true(channel_up(a_of(w)->channel));
		terminal_register(w, &w->tina, "s1");
		assert_true(w->tina.done);
		world_free(w);
		if (!failed)
			break;
	}
	assert_true(n > 6);
}

/* A peer that goes takes everything of it along. */
static void test_removed(void **state)
{
	const struct world_text text = {.peers = WORLD_PEER_C};
	struct world *w = protected_world();

	(void)state;
	assert_int_equal(world_reload(w, &text), 0);
	assert_int_equal(kernel_fake_count("reqid 830000"), 0);
	assert_true(kernel_fake_count("reqid 830001") > 0);
	assert_int_equal(kernel_fake_count(CLEAR_A), 0);
	assert_int_equal(kernel_fake_count("proto 47 port 0 table 8401"), 1);
	world_free(w);
}

/* New care-of addresses are guarded from the first moment, old ones no more. */
static void test_pools(void **state)
{
	const struct world_text text = {
		.pools = "pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ "
			 "\"203.0.113.128/25\" ]; };"};
	struct world *w = protected_world();

	(void)state;
	assert_int_equal(world_reload(w, &text), 0);
	assert_int_equal(kernel_fake_count("dst 198.51.100.128/25 proto"), 0);
	assert_int_equal(kernel_fake_count("policy in src 0.0.0.0/0 dst 203.0.113.128/25 proto 47"),
			 1);
	assert_int_equal(
		kernel_fake_count("policy in src 192.0.2.1/32 dst 203.0.113.128/25 proto 47"), 1);
	world_free(w);
}

/* Somebody removes this, and the kernel tells. */
static void rob(struct world *w, uint32_t low, uint32_t high)
{
	assert_int_equal(kernel_xfrm_flush(w->core.kernel, low, high), 0);
	kernel_fake_log_clear();
	protection_removed(&w->core, w->now);
	world_run(w, 50 * MS);
}

/* Policies are put back as they were, associations never: keys are agreed on anew. */
static void test_robbed(void **state)
{
	struct world *w = protected_world();
	const uint32_t old = a_of(w)->protection.out;
	char text[64];

	(void)state;
	rob(w, KERNEL_REQID_BASE, KERNEL_REQID_CORE);
	assert_int_equal(kernel_fake_count(OUT_A " ports 0-0 priority 8300 reqid 830000 tunnel"),
			 1);
	assert_int_equal(kernel_fake_count(IN_A " ports 0-0 priority 8300 reqid 830000 tunnel"), 1);
	assert_int_equal(kernel_fake_count(ANY " ports 0-0 priority 8400 reqid 830100 block"), 1);
	assert_int_not_equal(a_of(w)->protection.out, old);
	assert_int_equal(a_of(w)->protection.out, w->far[FAR_A].spi);
	assert_int_equal(kernel_fake_count("sa 192.0.2.1 spi"), 1);
	assert_int_equal(kernel_fake_count(FROM_A), 1);
	snprintf(text, sizeof(text), "sa add 192.0.2.1 spi 0x%08x", old);
	assert_int_equal(kernel_fake_log_find(text, 1), 0);
	assert_int_equal(a_of(w)->protection.in.count, 1);
	/* It can happen again; initiations keep their distance. */
	rob(w, KERNEL_REQID_BASE, KERNEL_REQID_CORE);
	world_run(w, 6 * SEC);
	assert_int_equal(kernel_fake_count("sa 192.0.2.1 spi"), 1);
	assert_int_equal(kernel_fake_count(FROM_A), 1);
	assert_int_equal(kernel_fake_count(OUT_A " ports 0-0 priority 8300 reqid 830000 tunnel"),
			 1);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	world_free(w);
}

/* Who has lost nothing does nothing. */
static void test_others_robbed(void **state)
{
	struct world *w = protected_world();
	const uint32_t out = a_of(w)->protection.out;
	const uint32_t c = protection_reqid(peer_find(&w->core, "c.example"));

	(void)state;
	rob(w, 1, KERNEL_REQID_BASE - 1);
	assert_int_equal(kernel_fake_log_find("policy", 1), 0);
	assert_int_equal(kernel_fake_log_find("sa", 1), 0);
	rob(w, c, c);
	world_run(w, 1 * SEC);
	assert_int_equal(a_of(w)->protection.out, out);
	assert_int_equal(kernel_fake_count("sa 192.0.2.3 spi"), 1);
	world_free(w);
}

/* Of each kind alone, and what cannot be mended at once is mended later. */
static void test_robbed_in_part(void **state)
{
	struct world *w = protected_world();
	uint32_t out = a_of(w)->protection.out;
	struct kernel_sa sa = {.spi = out};
	struct kernel_policy policy = {.direction = KERNEL_IN, .proto = IPPROTO_GRE};

	(void)state;
	assert_int_equal(addr_parse(&sa.dst, "192.0.2.1"), 0);
	assert_int_equal(kernel_sa_delete(w->core.kernel, &sa), 0);
	protection_removed(&w->core, w->now);
	world_run(w, 1 * SEC);
	assert_int_not_equal(a_of(w)->protection.out, out);
	out = a_of(w)->protection.out;
	assert_int_equal(prefix_parse(&policy.src, "0.0.0.0/0"), 0);
	assert_int_equal(prefix_parse(&policy.dst, "198.51.100.128/25"), 0);
	assert_int_equal(kernel_policy_delete(w->core.kernel, &policy), 0);
	assert_int_equal(kernel_fake_count(ANY), 0);
	kernel_fake_fail_on("policy", -ENOMEM);
	protection_removed(&w->core, w->now);
	world_run(w, 500 * MS);
	assert_int_equal(kernel_fake_count(ANY), 0);
	kernel_fake_fail_on(NULL, 0);
	world_run(w, 1 * SEC);
	assert_int_equal(kernel_fake_count(ANY), 1);
	assert_int_equal(a_of(w)->protection.out, out);
	world_free(w);
}

static void test_ledger(void **state)
{
	struct inbounds in = {0};

	(void)state;
	assert_int_equal(inbounds_next(&in), USEC_NEVER);
	inbounds_agreed(&in, 1, 100, 10, 0);
	assert_int_equal(inbounds_next(&in), USEC_NEVER);
	inbounds_agreed(&in, 2, 100, 10, 50);
	assert_int_equal(inbounds_next(&in), 150);
	inbounds_agreed(&in, 3, 100, 10, 60);
	assert_int_equal(inbounds_next(&in), 70);
	inbounds_expire(&in, 69);
	assert_true(inbounds_have(&in, 1));
	inbounds_expire(&in, 70);
	assert_false(inbounds_have(&in, 1));
	assert_true(inbounds_have(&in, 2));
	inbounds_expire(&in, 1000);
	assert_true(inbounds_have(&in, 3));
	assert_int_equal(in.count, 1);
	inbounds_found(&in, 9, 1010);
	inbounds_withdraw(&in, 9);
	assert_true(inbounds_have(&in, 9));
	inbounds_withdraw(&in, 3);
	assert_false(inbounds_have(&in, 3));
	assert_int_equal(inbounds_next(&in), USEC_NEVER);
	for (uint32_t spi = 100; spi < 100 + 2 * INBOUND_MAX; spi++)
		inbounds_agreed(&in, spi, 100, 10, 2000);
	assert_int_equal(in.count, INBOUND_MAX);
	assert_true(inbounds_have(&in, 99 + 2 * INBOUND_MAX));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_installed),
		TEST(test_rekey),
		TEST(test_worn),
		TEST(test_suite),
		TEST(test_no_way_down),
		TEST(test_no_way_up),
		TEST(test_tunnel_request_refused),
		TEST(test_restart),
		TEST(test_given_up),
		TEST(test_mixed),
		TEST(test_without_esp),
		TEST(test_refused),
		TEST(test_removed),
		TEST(test_pools),
		TEST(test_robbed),
		TEST(test_others_robbed),
		TEST(test_robbed_in_part),
		TEST(test_ledger),
	};

	return cmocka_run_group_tests_name("core-protection", tests, NULL, NULL);
}
