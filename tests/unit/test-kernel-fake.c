/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel in memory is itself tested: a fake that forgets or never refuses would make every test
 * that stands on it worthless.
 */
#include "kernel_fake.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct kernel *k;

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static struct prefix network(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, text), 0);
	return p;
}

static int setup(void **state)
{
	(void)state;
	kernel_fake_reset();
	return kernel_open(&k);
}

static int teardown(void **state)
{
	(void)state;
	kernel_close(k);
	assert_int_equal(kernel_fake_open_count(), 0);
	kernel_fake_reset();
	return 0;
}

static int count_route(const struct kernel_route *route, void *arg)
{
	unsigned int *count = arg;

	(void)route;
	++*count;
	return 0;
}

static int delete_route(const struct kernel_route *route, void *arg)
{
	(void)arg;
	return kernel_route_delete(k, route);
}

static void test_routes(void **state)
{
	unsigned int sat = kernel_fake_link("sat1", NULL), gre, count = 0;
	struct kernel_route r = {.dst = network("10.1.0.7/32"),
				 .metric = 77,
				 .oif = sat,
				 .gateway = address("fe80::1")};
	char *before;

	(void)state;
	assert_int_equal(kernel_route_replace(k, &r), -ENETDOWN);
	assert_non_null(strstr(kernel_error(k), "ENETDOWN"));
	assert_int_equal(kernel_link_set_up(k, sat, true), 0);
	before = strdup(kernel_fake_dump());
	assert_int_equal(kernel_route_replace(k, &r), 0);
	assert_non_null(strstr(kernel_fake_dump(), "via fe80::1 dev sat1"));

	/* The same key from another path replaces; another metric is another route. */
	assert_int_equal(kernel_tunnel_ensure(k, KERNEL_TUNNEL_GRE, 1400, &gre), 0);
	r.gateway.family = AF_UNSPEC;
	r.oif = gre;
	r.encap.dst = address("198.51.100.9");
	r.encap.src = address("192.0.2.1");
	assert_int_equal(kernel_route_replace(k, &r), 0);
	assert_int_equal(kernel_fake_count("route 10.1.0.7/32"), 1);
	assert_int_equal(kernel_fake_count("encap dst 198.51.100.9"), 1);
	r.metric = 78;
	assert_int_equal(kernel_route_replace(k, &r), 0);
	assert_int_equal(kernel_fake_count("route 10.1.0.7/32"), 2);
	r.oif = sat;
	assert_int_equal(kernel_route_replace(k, &r), -EINVAL);

	assert_int_equal(kernel_route_each(k, count_route, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(kernel_route_each(k, delete_route, NULL), 0);
	assert_int_equal(kernel_link_delete(k, gre), 0);
	assert_string_equal(before, kernel_fake_dump());
	free(before);
}

static void test_cascade(void **state)
{
	struct kernel_bridge bridge = {.ageing = 300};
	unsigned int port = kernel_fake_link("s1", "veth"), br;
	struct kernel_fdb fdb = {.port = port, .mac = {{2, 0, 0, 0, 0, 9}}};
	struct kernel_neighbour n = {.addr = address("fe80::9"), .mac = fdb.mac};
	struct kernel_address a = {.addr = address("fe80::1"), .length = 64, .nodad = true};
	struct kernel_link link;

	(void)state;
	assert_int_equal(kernel_bridge_ensure(k, "sno-acc", &bridge, &br), 0);
	assert_int_equal(kernel_fdb_replace(k, &fdb), -EOPNOTSUPP);
	assert_int_equal(kernel_link_set_master(k, port, br), 0);
	assert_int_equal(kernel_fdb_replace(k, &fdb), 0);
	n.ifindex = a.ifindex = br;
	assert_int_equal(kernel_neighbour_replace(k, &n), 0);
	assert_int_equal(kernel_address_replace(k, &a), 0);
	assert_int_equal(kernel_fake_count(""), 6);

	assert_int_equal(kernel_link_set_up(k, br, false), 0);
	assert_int_equal(kernel_fake_count("neighbour"), 0);
	assert_int_equal(kernel_fake_count("address fe80::1"), 1);
	assert_int_equal(kernel_link_set_master(k, port, 0), 0);
	assert_int_equal(kernel_fake_count("fdb"), 0);
	assert_int_equal(kernel_link_delete(k, br), 0);
	assert_int_equal(kernel_link_delete(k, br), 0);
	assert_int_equal(kernel_fake_count(""), 2);
	assert_int_equal(kernel_link_find(k, "sno-acc", &link), -ENODEV);
}

static int set_of_changes(void)
{
	struct kernel_rule rule = {.family = AF_INET, .priority = 8300, .iif = "lo", .table = 8301};
	struct kernel_route route = {.dst = network("10.9.0.0/16"), .type = KERNEL_ROUTE_BLACKHOLE};
	int err;

	err = kernel_rule_add(k, &rule);
	if (err)
		return err;
	err = kernel_route_replace(k, &route);
	if (!err)
		return 0;
	kernel_rule_delete(k, &rule);
	return err;
}

static void test_nth_failure(void **state)
{
	char *before = strdup(kernel_fake_dump());
	unsigned int n;
	int err;

	(void)state;
	for (n = 1;; n++) {
		kernel_fake_fail_at(n, -ENOSPC);
		err = set_of_changes();
		if (!kernel_fake_failed())
			break;
		assert_int_equal(err, -ENOSPC);
		assert_string_equal(before, kernel_fake_dump());
	}
	assert_int_equal(n, 3);
	assert_int_equal(err, 0);
	assert_string_not_equal(before, kernel_fake_dump());
	free(before);

	kernel_fake_fail_at(0, 0);
	kernel_fake_fail_on("route", -EPERM);
	assert_int_equal(set_of_changes(), -EPERM);
	assert_int_equal(set_of_changes(), -EPERM);
	kernel_fake_fail_on(NULL, 0);
	assert_int_equal(set_of_changes(), 0);
}

static void test_log_order(void **state)
{
	unsigned int rule, route;

	(void)state;
	kernel_fake_fail_on("route", -EPERM);
	assert_int_equal(set_of_changes(), -EPERM);
	rule = kernel_fake_log_find("rule add", 1);
	route = kernel_fake_log_find("route replace", rule);
	assert_int_equal(rule, 1);
	assert_int_equal(route, 2);
	assert_int_equal(kernel_fake_log_find("rule delete", route), 3);
	assert_int_equal(kernel_fake_log_find("rule add", 2), 0);
	assert_int_equal(kernel_fake_calls(), 3);
	assert_non_null(strstr(kernel_fake_log(), "10.9.0.0/16 table 254 = -EPERM\n"));
	kernel_fake_log_clear();
	assert_string_equal(kernel_fake_log(), "");
}

static void test_batch(void **state)
{
	struct kernel_change c[3];
	char text[32];
	int i;

	(void)state;
	memset(c, 0, sizeof(c));
	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "10.1.0.%d", i);
		c[i].route.dst = network(text);
		c[i].route.oif = i == 1 ? 99 : 1;
	}
	assert_int_equal(kernel_batch(k, c, 3), -ENODEV);
	assert_int_equal(c[0].error, 0);
	assert_int_equal(c[1].error, -ENODEV);
	assert_int_equal(c[2].error, 0);
	assert_non_null(strstr(kernel_error(k), "10.1.0.1/32"));
	for (i = 0; i < 3; i++)
		c[i].remove = true;
	assert_int_equal(kernel_batch(k, c, 3), 0);
	assert_int_equal(kernel_fake_count("route"), 0);
}

static void test_tc(void **state)
{
	unsigned int acc = kernel_fake_link("acc0", NULL), feed = kernel_fake_link("feed", NULL);
	struct kernel_redirect redirect = {.index = 8300, .ifindex = feed};
	struct kernel_filter filter = {.ifindex = acc, .priority = 1, .action = 8300};

	(void)state;
	assert_int_equal(kernel_tc_filter_replace(k, &filter), -EINVAL);
	assert_int_equal(kernel_tc_clsact_ensure(k, acc), 0);
	assert_int_equal(kernel_tc_filter_replace(k, &filter), -EINVAL);
	assert_int_equal(kernel_tc_redirect_replace(k, &redirect), 0);
	assert_int_equal(kernel_tc_filter_replace(k, &filter), 0);
	assert_int_equal(kernel_tc_redirect_delete(k, &redirect), -EPERM);
	assert_int_equal(kernel_tc_clsact_delete(k, acc), 0);
	assert_int_equal(kernel_tc_redirect_delete(k, &redirect), 0);
	assert_int_equal(kernel_fake_count(""), 3);
}

static void test_xfrm(void **state)
{
	struct kernel_sa sa = {
		.src = address("192.0.2.1"), .dst = address("192.0.2.2"), .spi = 4096, .reqid = 7};
	struct kernel_policy block = {.direction = KERNEL_IN,
				      .src = network("0.0.0.0/0"),
				      .dst = network("198.51.100.0/24"),
				      .proto = IPPROTO_GRE,
				      .block = true,
				      .reqid = 7};
	char *before = strdup(kernel_fake_dump());

	(void)state;
	assert_int_equal(kernel_sa_update(k, &sa), -ESRCH);
	assert_int_equal(kernel_sa_add(k, &sa), 0);
	assert_int_equal(kernel_sa_add(k, &sa), -EEXIST);
	assert_int_equal(kernel_policy_add(k, &block), 0);
	assert_int_equal(kernel_policy_add(k, &block), -EEXIST);
	assert_int_equal(kernel_policy_update(k, &block), 0);
	assert_int_equal(kernel_xfrm_flush(k, 8, 9), 0);
	assert_int_equal(kernel_fake_count("reqid 7"), 2);
	assert_int_equal(kernel_xfrm_flush(k, 7, 7), 0);
	assert_string_equal(before, kernel_fake_dump());
	free(before);
}

/* What a monitor has told, in short. */
static char told[512];

static void on_event(const struct kernel_event *event, void *arg)
{
	size_t used = strlen(told);

	(void)arg;
	snprintf(told + used, sizeof(told) - used, "%s%s ", kernel_event_text(event->type),
		 event->replay ? "*" : "");
}

static void test_monitor(void **state)
{
	unsigned int sat = kernel_fake_link("sat1", NULL);
	struct kernel_event gone = {.type = KERNEL_EVENT_ROUTE_GONE};
	struct pollfd readable = {.events = POLLIN};
	struct kernel_monitor *m;

	(void)state;
	told[0] = '\0';
	assert_int_equal(kernel_monitor_open(&m, k, KERNEL_WATCH_LINKS | KERNEL_WATCH_ROUTES, 0,
					     on_event, NULL),
			 0);
	readable.fd = kernel_monitor_fd(m);
	assert_int_equal(poll(&readable, 1, 0), 0);
	assert_int_equal(kernel_link_set_up(k, sat, true), 0);
	kernel_fake_carrier(sat, false);
	kernel_fake_emit(&gone);
	assert_int_equal(poll(&readable, 1, 0), 1);
	assert_int_equal(kernel_monitor_read(m), 0);
	assert_string_equal(told, "link link route-gone ");
	assert_int_equal(poll(&readable, 1, 0), 0);

	told[0] = '\0';
	kernel_fake_emit(&gone);
	kernel_fake_overrun();
	assert_int_equal(kernel_monitor_read(m), 0);
	assert_string_equal(told, "resync-begin* link* link* resync* ");
	kernel_monitor_close(m);
}

static void test_lookup(void **state)
{
	struct kernel_route direct = {.dst = network("0.0.0.0/0"), .oif = 1, .mtu = 1400};
	struct kernel_route found;
	struct addr to = address("192.0.2.9");
	unsigned int count = 0;

	(void)state;
	assert_int_equal(kernel_route_lookup(k, &to, &found), -ENETUNREACH);
	kernel_fake_route(&direct);
	assert_int_equal(kernel_route_lookup(k, &to, &found), 0);
	assert_int_equal(found.mtu, 1400);
	assert_int_equal(kernel_route_each(k, count_route, &count), 0);
	assert_int_equal(count, 0);
}

static void test_text(void **state)
{
	struct addr hoa = address("10.1.0.7"), other = address("10.1.0.8"), six = address("::7");

	(void)state;
	assert_int_not_equal(kernel_route_metric(&hoa), kernel_route_metric(&other));
	assert_int_equal(kernel_route_metric(&six), 1024);
	assert_string_equal(kernel_tunnel_text(KERNEL_TUNNEL_GPE), "gpe");
	assert_string_equal(kernel_tunnel_device(KERNEL_TUNNEL_GRE6), "sno-gre6");
	assert_string_equal(kernel_tunnel_device((enum kernel_tunnel)99), "");
}

static void test_sysctl(void **state)
{
	char value[8];

	(void)state;
	assert_null(kernel_fake_sysctl("net/ipv4/ip_forward"));
	assert_int_equal(kernel_sysctl_set(k, "net/ipv4", NULL, "ip_forward", "1"), 0);
	assert_string_equal(kernel_fake_sysctl("net/ipv4/ip_forward"), "1");
	assert_int_equal(kernel_sysctl_get(k, "net/ipv4", NULL, "ip_forward", value, 8), 0);
	assert_string_equal(value, "1");
	assert_int_equal(kernel_sysctl_get(k, "net/ipv4", NULL, "other", value, 8), -ENOENT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_routes), TEST(test_cascade), TEST(test_nth_failure), TEST(test_log_order),
		TEST(test_batch),  TEST(test_tc),      TEST(test_xfrm),	       TEST(test_monitor),
		TEST(test_lookup), TEST(test_text),    TEST(test_sysctl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
