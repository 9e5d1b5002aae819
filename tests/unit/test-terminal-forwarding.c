/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the terminal puts into the kernel, and that a refusal leaves no trace: in each transition
 * the kernel refuses its first change, its second one and so on, and afterwards has to be as it was
 * before; the attempt after that has to succeed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel_fake.h"
#include "log.h"
#include "terminal-agent/session.h"
#include "terminal_rig.h"

static struct rig rig;
static struct rig_core a, b;

static int setup(void **state)
{
	(void)state;
	rig_open(&rig);
	a = rig_core("a.example", 11);
	b = rig_core("b.example", 22);
	return 0;
}

/* A terminal with hosts behind it. */
static int setup_router(void **state)
{
	setup(state);
	rig_kill(&rig);
	rig.config.delegated.interface = (char *)(uintptr_t) "lan0";
	a.prefix = b.prefix = "2001:db8:a01::/56";
	kernel_fake_log_clear();
	rig_restart(&rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

static struct forwarding_plan plan_on(unsigned int ifindex, const char *hoa4, const char *hoa6,
				      const char *prefix)
{
	struct forwarding_plan plan = {.ifindex = ifindex, .mtu = 1400};

	lladdr_parse(&plan.gateway, RIG_MAC);
	if (hoa4)
		addr_parse(&plan.hoa4, hoa4);
	if (hoa6)
		addr_parse(&plan.hoa6, hoa6);
	if (prefix)
		prefix_parse(&plan.delegated, prefix);
	return plan;
}

/* ---- undo ------------------------------------------------------------------------------- */

/* From one plan to the other with the nth change refused, for every n. */
static void refuse_each(const struct forwarding_plan *from, const struct forwarding_plan *to,
			unsigned int at_least)
{
	unsigned int n = 0;
	char *before;
	int error;

	if (from)
		assert_int_equal(forwarding_apply(rig.forwarding, from), 0);
	before = strdup(kernel_fake_dump());
	do {
		kernel_fake_fail_at(++n, -ENOSPC);
		error = forwarding_apply(rig.forwarding, to);
		if (error < 0) {
			assert_true(kernel_fake_failed());
			assert_int_equal(error, -ENOSPC);
			assert_string_equal(before, kernel_fake_dump());
		}
	} while (error < 0);
	kernel_fake_fail_at(0, 0);
	free(before);
	assert_true(n > at_least);
	/* Where a removal was refused, the next change makes up for it. */
	assert_int_equal(forwarding_apply(rig.forwarding, to), 0);
	before = strdup(kernel_fake_dump());
	assert_int_equal(forwarding_withdraw(rig.forwarding), 0);
	assert_int_equal(kernel_fake_count("route"), 0);
	assert_int_equal(kernel_fake_count("rule"), 0);
	assert_int_equal(kernel_fake_count("neighbour"), 0);
	assert_int_equal(kernel_fake_count("10.1.0."), 0);
	assert_int_equal(kernel_fake_count("2001:db8:"), 0);
	assert_int_equal(forwarding_apply(rig.forwarding, to), 0);
	assert_string_equal(before, kernel_fake_dump());
	free(before);
}

static void test_refused_first(void **state)
{
	struct forwarding_plan to = plan_on(rig.sat1, RIG_HOA4, RIG_HOA6, NULL);

	(void)state;
	refuse_each(NULL, &to, 5);
}

/* Somebody else's default route with our metric is not taken away; one of another metric may stay.
 */
static void test_foreign_route(void **state)
{
	struct forwarding_plan to = plan_on(rig.sat1, RIG_HOA4, NULL, NULL);
	struct kernel_route route = {
		.dst = {.addr = {.family = AF_INET}}, .oif = rig.lan, .metric = 50};
	char *before;

	(void)state;
	kernel_fake_route(&route);
	before = strdup(kernel_fake_dump());
	assert_int_equal(forwarding_apply(rig.forwarding, &to), -EEXIST);
	assert_string_equal(before, kernel_fake_dump());
	free(before);
	rig.config.routes.metric = 51;
	rig_kill(&rig);
	rig_restart(&rig);
	assert_int_equal(forwarding_apply(rig.forwarding, &to), 0);
	assert_int_equal(kernel_fake_count("0.0.0.0/0 table 254 metric 50"), 1);
	assert_int_equal(kernel_fake_count("0.0.0.0/0 table 254 metric 51"), 1);
}

static void test_refused_handover(void **state)
{
	struct forwarding_plan from = plan_on(rig.sat1, RIG_HOA4, RIG_HOA6, NULL);
	struct forwarding_plan to = plan_on(rig.sat2, RIG_HOA4, RIG_HOA6, NULL);

	(void)state;
	refuse_each(&from, &to, 3);
}

static void test_refused_readdressing(void **state)
{
	struct forwarding_plan from = plan_on(rig.sat1, RIG_HOA4, RIG_HOA6, NULL);
	struct forwarding_plan to = plan_on(rig.sat2, "10.1.0.8", "2001:db8:a::8", NULL);

	(void)state;
	refuse_each(&from, &to, 5);
}

static void test_refused_family(void **state)
{
	struct forwarding_plan from = plan_on(rig.sat1, RIG_HOA4, NULL, NULL);
	struct forwarding_plan to = plan_on(rig.sat1, NULL, RIG_HOA6, NULL);

	(void)state;
	refuse_each(&from, &to, 2);
}

static void test_refused_router(void **state)
{
	struct forwarding_plan to = plan_on(rig.sat1, RIG_HOA4, RIG_HOA6, "2001:db8:a01::/56");

	(void)state;
	refuse_each(NULL, &to, 10);
}

static void test_refused_router_moves(void **state)
{
	struct forwarding_plan from = plan_on(rig.sat1, RIG_HOA4, RIG_HOA6, "2001:db8:a01::/56");
	struct forwarding_plan to = plan_on(rig.sat2, RIG_HOA4, RIG_HOA6, "2001:db8:a02::/56");

	(void)state;
	refuse_each(&from, &to, 8);
}

/* The same through the state machine: refused registrations are tried again, with back-off. */
static void test_refused_registration(void **state)
{
	unsigned int refused = 0;
	char *before;

	(void)state;
	rig_start(&rig);
	before = strdup(kernel_fake_dump());
	for (unsigned int n = 1;; n++) {
		kernel_fake_fail_at(n, -ENOBUFS);
		rig_reply(&rig, &a, rig_take_discovery(&rig, "s1"), REASON_ACCEPTED);
		if (rig.session.state == SESSION_REGISTERED)
			break;
		refused++;
		assert_true(kernel_fake_failed());
		assert_string_equal(before, kernel_fake_dump());
		assert_false(rig.session.registration.valid);
		rig_no_more(&rig);
		rig.now = rig.session.deadline;
		rig_turn(&rig);
	}
	kernel_fake_fail_at(0, 0);
	assert_true(refused >= 5);
	free(before);
}

/* Refused at the new link, the terminal still has its old routes and keys. */
static void test_refused_move(void **state)
{
	struct message m;
	char *before;

	(void)state;
	rig_start(&rig);
	rig_register(&rig, "s1", &a);
	rig_carrier(&rig, rig.sat2, true);
	assert_int_equal(session_handover(&rig.session, rig_link(&rig, "s2"), rig.now, rig.now), 0);
	m = rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_ack(&rig, "s1", &a, MESSAGE_DISCONNECTION_ACK, m.id);
	session_switched(&rig.session, 0, rig.now);
	before = strdup(kernel_fake_dump());
	kernel_fake_fail_at(2, -ENOBUFS);
	rig_reply(&rig, &b, rig_take_discovery(&rig, "s2"), REASON_ACCEPTED);
	assert_string_equal(before, kernel_fake_dump());
	assert_int_equal(rig.session.state, SESSION_DISCOVERING);
	message_init(&m, MESSAGE_KEEPALIVE, 0);
	assert_int_equal(rig_tell(&rig, "s1", &a, &m), DROP_NONE);
	rig_pass(&rig, USEC_PER_SEC);
	rig_register(&rig, "s2", &b);
	assert_int_equal(kernel_fake_count("lock dev sat2"), 2);
	free(before);
}

/* ---- hosts behind ------------------------------------------------------------------------- */

static void test_router(void **state)
{
	(void)state;
	rig_register(&rig, "s1", &a);
	assert_string_equal(kernel_fake_sysctl("net/ipv6/conf/all/forwarding"), "1");
	assert_int_equal(kernel_fake_count("address 2001:db8:a01::1/64 dev lan0"), 1);
	assert_int_equal(kernel_fake_count("2001:db8:a01::/56 table 254"), 1);
	assert_int_equal(kernel_fake_count("unreachable"), 1);
	assert_int_equal(kernel_fake_count("route ::/0 table 8300"), 1);
	assert_int_equal(kernel_fake_count("rule"), 1);
	assert_int_equal(kernel_fake_count("iif lan0"), 1);
}

static void test_router_without_inside(void **state)
{
	(void)state;
	kernel_link_delete(rig.kernel, rig.lan);
	rig_turn(&rig);
	rig_register(&rig, "s1", &a);
	assert_int_equal(kernel_fake_count("2001:db8:a01::1"), 0);
	rig_pass(&rig, 2 * USEC_PER_SEC);
	rig.lan = kernel_fake_link("lan0", NULL);
	kernel_link_set_up(rig.kernel, rig.lan, true);
	rig_turn(&rig);
	assert_int_equal(kernel_fake_count("address 2001:db8:a01::1/64 dev lan0"), 1);
}

static void test_router_needs_a_prefix(void **state)
{
	(void)state;
	a.prefix = NULL;
	rig_register(&rig, "s1", &a);
	assert_null(kernel_fake_sysctl("net/ipv6/conf/all/forwarding"));
	assert_int_equal(kernel_fake_count("table 8300"), 0);
	assert_int_equal(kernel_fake_count("rule"), 0);
}

static void test_own_table(void **state)
{
	struct forwarding_settings settings = {.install_default = false, .metric = 70};

	(void)state;
	rig_start(&rig);
	rig_register(&rig, "s1", &a);
	assert_int_equal(forwarding_configure(rig.forwarding, &settings), 0);
	assert_int_equal(kernel_fake_count("table 254"), 0);
	assert_int_equal(kernel_fake_count("/0 table 8300 metric 70"), 2);
	assert_int_equal(kernel_fake_count("rule"), 2);
	settings = (struct forwarding_settings){.install_default = true, .metric = 70};
	assert_int_equal(forwarding_configure(rig.forwarding, &settings), 0);
	assert_int_equal(kernel_fake_count("/0 table 254 metric 70"), 2);
	assert_int_equal(kernel_fake_count("rule"), 0);
}

static void test_refused_settings(void **state)
{
	struct forwarding_settings settings = {.install_default = false, .metric = 70};
	char *before;

	(void)state;
	rig_start(&rig);
	rig_register(&rig, "s1", &a);
	before = strdup(kernel_fake_dump());
	for (unsigned int n = 1; n <= 4; n++) {
		kernel_fake_fail_at(n, -ENOSPC);
		assert_int_equal(forwarding_configure(rig.forwarding, &settings), -ENOSPC);
		assert_string_equal(before, kernel_fake_dump());
	}
	free(before);
}

/* ---- what others do to us ------------------------------------------------------------------ */

/* An event as if somebody else had done it: the kernel in memory has it already. */
static void stranger(const struct kernel_event *event)
{
	kernel_fake_emit(event);
	rig_turn(&rig);
}

static void test_route_removed(void **state)
{
	struct kernel_event event = {.type = KERNEL_EVENT_ROUTE_GONE};
	struct kernel_route route = {
		.dst = {.addr = {.family = AF_INET}}, .table = 254, .metric = 50};
	char *before;

	(void)state;
	rig_start(&rig);
	rig_register(&rig, "s1", &a);
	before = strdup(kernel_fake_dump());
	kernel_route_delete(rig.kernel, &route);
	event.route = route;
	stranger(&event);
	assert_string_equal(before, kernel_fake_dump());
	/* Not more than once a second, whoever insists. */
	kernel_fake_log_clear();
	for (int i = 0; i < 50; i++) {
		kernel_route_delete(rig.kernel, &route);
		stranger(&event);
		rig_pass(&rig, 100 * USEC_PER_MSEC);
	}
	rig_pass(&rig, USEC_PER_SEC);
	assert_string_equal(before, kernel_fake_dump());
	assert_in_range(kernel_fake_calls(), 50, 57);
	free(before);
}

static void test_address_removed(void **state)
{
	struct kernel_event event = {.type = KERNEL_EVENT_ADDRESS_GONE};
	char *before;

	(void)state;
	rig_start(&rig);
	rig_register(&rig, "s1", &a);
	before = strdup(kernel_fake_dump());
	event.address = (struct kernel_address){.ifindex = 1, .length = 32};
	addr_parse(&event.address.addr, RIG_HOA4);
	kernel_address_delete(rig.kernel, &event.address);
	stranger(&event);
	assert_string_equal(before, kernel_fake_dump());
	free(before);
}

/* Administratively down and up again: the kernel has flushed the routes without a word. */
static void test_link_bounces(void **state)
{
	struct kernel_route route = {
		.dst = {.addr = {.family = AF_INET}}, .table = 254, .metric = 50};

	(void)state;
	rig_start(&rig);
	rig_register(&rig, "s1", &a);
	kernel_link_set_up(rig.kernel, rig.sat1, false);
	kernel_route_delete(rig.kernel, &route);
	route.dst.addr.family = AF_INET6;
	kernel_route_delete(rig.kernel, &route);
	rig_turn(&rig);
	assert_int_equal(kernel_fake_count("lock dev sat1"), 0);
	kernel_link_set_up(rig.kernel, rig.sat1, true);
	rig_turn(&rig);
	assert_int_equal(kernel_fake_count("lock dev sat1"), 2);
	rig_register(&rig, "s1", &a);
	assert_int_equal(kernel_fake_count("lock dev sat1"), 2);
}

static void test_overrun(void **state)
{
	struct kernel_route route = {
		.dst = {.addr = {.family = AF_INET}}, .table = 254, .metric = 50};
	char *before;

	(void)state;
	rig_start(&rig);
	rig_register(&rig, "s1", &a);
	before = strdup(kernel_fake_dump());
	kernel_route_delete(rig.kernel, &route);
	kernel_fake_overrun();
	rig_turn(&rig);
	assert_string_equal(before, kernel_fake_dump());
	free(before);
}

/* ---- what an earlier run left -------------------------------------------------------------- */

static void test_adoption(void **state)
{
	struct forwarding_plan old = plan_on(rig.sat2, "10.1.0.9", "2001:db8:a::9", NULL);

	(void)state;
	assert_int_equal(forwarding_apply(rig.forwarding, &old), 0);
	rig_kill(&rig);
	rig_restart(&rig);
	assert_int_equal(kernel_fake_count("dev sat2"), 4); /* nothing is lost before ... */
	rig_register(&rig, "s1", &a);
	assert_int_equal(kernel_fake_count("10.1.0.9"), 0); /* ... and nothing stale stays after */
	assert_int_equal(kernel_fake_count("2001:db8:a::9"), 0);
	assert_int_equal(kernel_fake_count("neighbour"), 1);
	assert_int_equal(kernel_fake_count("route"), 2);
}

static void test_adopted_then_deregistered(void **state)
{
	struct forwarding_plan old = plan_on(rig.sat1, RIG_HOA4, RIG_HOA6, NULL);

	(void)state;
	assert_int_equal(forwarding_apply(rig.forwarding, &old), 0);
	rig_kill(&rig);
	rig_restart(&rig);
	session_deregister(&rig.session, rig.now);
	assert_int_equal(kernel_fake_count("route"), 0);
	assert_int_equal(kernel_fake_count("neighbour"), 0);
	assert_int_equal(kernel_fake_count("dev lo nodad"), 0);
}

/* ---- links ------------------------------------------------------------------------------------
 */

static void test_link_prepared(void **state)
{
	(void)state;
	rig_start(&rig);
	assert_int_equal(kernel_fake_count("address fe80::ff:fe00:2/64 dev sat1 nodad"), 1);
	assert_int_equal(kernel_fake_count("address fe80::ff:fe00:3/64 dev sat2 nodad"), 1);
	assert_string_equal(kernel_fake_sysctl("net/ipv6/conf/sat1/addr_gen_mode"), "1");
	assert_string_equal(kernel_fake_sysctl("net/ipv6/conf/sat1/accept_dad"), "0");
	assert_string_equal(kernel_fake_sysctl("net/ipv6/conf/sat1/accept_ra"), "0");
	assert_string_equal(kernel_fake_sysctl("net/ipv4/conf/sat1/rp_filter"), "0");
	assert_false(rig_link(&rig, "s2")->ready);
}

static void test_link_refused(void **state)
{
	(void)state;
	kernel_fake_fail_on("address replace fe80::ff:fe00:2", -ENOBUFS);
	rig_start(&rig);
	assert_int_equal(rig.session.state, SESSION_DOWN);
	rig_pass(&rig, 3 * USEC_PER_SEC);
	rig_no_more(&rig);
	kernel_fake_fail_on(NULL, 0);
	rig_pass(&rig, USEC_PER_SEC);
	rig_register(&rig, "s1", &a);
}

static void test_link_new_mac(void **state)
{
	static const struct lladdr mac = {{2, 0, 0, 0, 0, 0x77}};
	struct message m;

	(void)state;
	rig_start(&rig);
	rig_register(&rig, "s1", &a);
	kernel_link_set_mac(rig.kernel, rig.sat1, &mac);
	kernel_monitor_resync(rig.monitor);
	rig_turn(&rig);
	m = rig_identity(&rig, rig_take_discovery(&rig, "s1"));
	assert_true(lladdr_equal(&m.link_layer, &mac));
}

#define TEST(name)   cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
#define ROUTER(name) cmocka_unit_test_setup_teardown(test_##name, setup_router, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(foreign_route),
		TEST(refused_first),
		TEST(refused_handover),
		TEST(refused_readdressing),
		TEST(refused_family),
		ROUTER(refused_router),
		ROUTER(refused_router_moves),
		TEST(refused_registration),
		TEST(refused_move),
		ROUTER(router),
		ROUTER(router_without_inside),
		ROUTER(router_needs_a_prefix),
		TEST(own_table),
		TEST(refused_settings),
		TEST(route_removed),
		TEST(address_removed),
		TEST(link_bounces),
		TEST(overrun),
		TEST(adoption),
		TEST(adopted_then_deregistered),
		TEST(link_prepared),
		TEST(link_refused),
		TEST(link_new_mac),
	};

	assert_int_equal(keys_init(), 0);
	log_set_level(0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
