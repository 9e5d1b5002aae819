/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths: from each kind to each other, with every kernel call refused once. After a refusal the
 * kernel is as before; after success it is as if the new path were the only one there ever was.
 */
#include "core-agent/core.h"
#include "core-agent/forwarding.h"
#include "kernel_fake.h"
#include "log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATHS 11

struct fixture {
	struct kernel *kernel;
	struct core core;
	struct path paths[PATHS];
	char *alone[PATHS]; /* the kernel with this path and no other */
};

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static struct path to_access(unsigned int port, uint8_t mac)
{
	struct path path = {.kind = PATH_ACCESS,
			    .hoa4 = address("10.1.0.7"),
			    .hoa6 = address("2001:db8:a::7"),
			    .mtu = 1400,
			    .port = port,
			    .mac = {{2, 0, 0, 0, 1, mac}}};

	assert_int_equal(prefix_parse(&path.prefix, "2001:db8:a01::/56"), 0);
	return path;
}

static struct path to_tunnel(enum tunnel_kind kind, const char *coa)
{
	struct path path = to_access(0, 1);

	path.kind = PATH_TUNNEL;
	path.tunnel = kind;
	path.outer_dst = address(coa);
	path.outer_src = address(path.outer_dst.family == AF_INET ? "192.0.2.1" : "2001:db8::1");
	path.key = 77;
	return path;
}

static int setup(void **state)
{
	static const struct kernel_bridge options = {.ageing = 300};
	struct fixture *f = calloc(1, sizeof(*f));
	unsigned int ports[2], device;

	assert_non_null(f);
	log_set_level(LOG_LEVEL_ERROR);
	kernel_fake_reset();
	assert_int_equal(kernel_open(&f->kernel), 0);
	f->core.kernel = f->kernel;
	assert_int_equal(
		kernel_bridge_ensure(f->kernel, "sno-acc", &options, &f->core.underlay.bridge), 0);
	for (int i = 0; i < 2; i++) {
		ports[i] = kernel_fake_link(i ? "feed-s2" : "feed-s1", NULL);
		assert_int_equal(
			kernel_link_set_master(f->kernel, ports[i], f->core.underlay.bridge), 0);
	}
	for (enum kernel_tunnel k = 1; k < KERNEL_TUNNELS; k++) {
		assert_int_equal(kernel_tunnel_ensure(f->kernel, k, 0, &device), 0);
		f->core.underlay.device[k] = device;
	}
	f->paths[0] = (struct path){.kind = PATH_NONE};
	f->paths[1] = to_access(ports[0], 1);
	f->paths[2] = to_access(ports[1], 1);
	f->paths[3] = to_access(ports[1], 2);
	f->paths[4] = to_tunnel(TUNNEL_GRE4, "198.51.100.7");
	f->paths[5] = to_tunnel(TUNNEL_GRE6, "2001:db8:c::7");
	f->paths[6] = to_tunnel(TUNNEL_IPIP4, "198.51.100.7");
	f->paths[7] = to_tunnel(TUNNEL_GPE4, "198.51.100.8");
	/* Other addresses: what is not wanted any more goes, also one family alone. */
	f->paths[8] = f->paths[4];
	f->paths[8].hoa4 = address("10.1.0.8");
	f->paths[8].hoa6.family = AF_UNSPEC;
	f->paths[9] = f->paths[1];
	f->paths[9].hoa4.family = AF_UNSPEC;
	f->paths[9].prefix = (struct prefix){0};
	f->paths[10] = to_access(0, 0);
	f->paths[10].kind = PATH_HOLD;
	f->core.current.handover.hold = (struct hold_limits){HOLD_PACKETS, HOLD_OCTETS, HOLD_TIME,
							     HOLD_TOTAL_PACKETS, HOLD_TOTAL_OCTETS};
	f->core.config = &f->core.current;
	assert_int_equal(holding_open(&f->core, 0), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < PATHS; i++)
		free(f->alone[i]);
	assert_int_equal(hold_queues(f->core.underlay.holding.hold), 0);
	holding_close(&f->core);
	timers_free(&f->core.timers);
	kernel_close(f->kernel);
	free(f);
	return 0;
}

/* Releases of these addresses are over. */
static void settle(struct fixture *f)
{
	for (int i = 1; i < PATHS; i++) {
		const struct prefix hoa4 = prefix_of(&f->paths[i].hoa4);

		holding_settle(&f->core, &hoa4);
	}
}

static void measure_alone(struct fixture *f)
{
	for (int i = 0; i < PATHS; i++) {
		struct path installed = {.kind = PATH_NONE};

		assert_int_equal(forwarding_set(&f->core, &installed, &f->paths[i]), 0);
		assert_true(path_equal(&installed, &f->paths[i]));
		f->alone[i] = strdup(kernel_fake_dump());
		forwarding_clear(&f->core, &installed);
		assert_int_equal(installed.kind, PATH_NONE);
		if (i)
			assert_string_equal(kernel_fake_dump(), f->alone[0]);
	}
}

/* One step refused at its nth call; true while there was such a call. */
static bool refused(struct fixture *f, int from, int to, unsigned int n)
{
	struct path installed = {.kind = PATH_NONE};
	int result;

	assert_int_equal(forwarding_set(&f->core, &installed, &f->paths[from]), 0);
	kernel_fake_log_clear();
	kernel_fake_fail_at(n, -ENOBUFS);
	result = forwarding_set(&f->core, &installed, &f->paths[to]);
	settle(f);
	if (!kernel_fake_failed()) {
		kernel_fake_fail_at(0, 0);
		assert_int_equal(result, 0);
		assert_string_equal(kernel_fake_dump(), f->alone[to]);
		forwarding_clear(&f->core, &installed);
		return false;
	}
	if (result < 0) {
		assert_int_equal(result, -ENOBUFS);
		assert_string_equal(kernel_fake_dump(), f->alone[from]);
		assert_true(path_equal(&installed, &f->paths[from]));
		assert_false(timer_pending(&f->core.underlay.sweep));
	} else {
		/* Only tidying up can fail without a refusal, and is not forgotten. */
		assert_true(path_equal(&installed, &f->paths[to]));
		assert_true(timer_pending(&f->core.underlay.sweep));
		timer_cancel(&f->core.timers, &f->core.underlay.sweep);
	}
	forwarding_clear(&f->core, &installed);
	return true;
}

static int scrub_route(const struct kernel_route *route, void *arg)
{
	struct fixture *f = arg;

	return route->table == KERNEL_TABLE_RELEASE ? kernel_route_delete(f->kernel, route) : 0;
}

/* Takes away what a refused tidying up has left. */
static void scrub(struct fixture *f)
{
	assert_int_equal(kernel_route_each(f->kernel, scrub_route, f), 0);
	for (int i = 1; i < PATHS; i++) {
		struct path installed = f->paths[i];

		forwarding_clear(&f->core, &installed);
	}
	assert_string_equal(kernel_fake_dump(), f->alone[0]);
}

static void test_each_to_each(void **state)
{
	struct fixture *f = *state;

	measure_alone(f);
	for (int from = 0; from < PATHS; from++)
		for (int to = 0; to < PATHS; to++)
			for (unsigned int n = 1; refused(f, from, to, n); n++)
				scrub(f);
}

static void test_nothing_to_do(void **state)
{
	struct fixture *f = *state;
	struct path installed = {.kind = PATH_NONE};

	for (int i = 0; i < PATHS; i++) {
		struct path same = f->paths[i];

		assert_int_equal(forwarding_set(&f->core, &installed, &f->paths[i]), 0);
		kernel_fake_log_clear();
		assert_int_equal(forwarding_set(&f->core, &installed, &same), 0);
		assert_int_equal(kernel_fake_calls(), 0);
	}
	forwarding_clear(&f->core, &installed);
}

/* Nothing is removed before the new path is whole: neighbour, bridge entry, routes, then the rest.
 */
static void test_order(void **state)
{
	struct fixture *f = *state;
	struct path installed = {.kind = PATH_NONE};
	unsigned int neighbour, fdb, route, removed;

	assert_int_equal(forwarding_set(&f->core, &installed, &f->paths[1]), 0);
	kernel_fake_log_clear();
	assert_int_equal(forwarding_set(&f->core, &installed, &f->paths[3]), 0);
	neighbour = kernel_fake_log_find("neighbour replace", 1);
	fdb = kernel_fake_log_find("fdb replace", 1);
	route = kernel_fake_log_find("route replace", 1);
	/* The next hop is on no prefix of the bridge; the path MTU is what we say. */
	assert_int_equal(kernel_fake_count("mtu 1400 lock onlink dev sno-acc"), 3);
	removed = kernel_fake_log_find("delete", 1);
	assert_true(neighbour && neighbour < fdb && fdb < route && route < removed);
	assert_int_equal(kernel_fake_log_find("route delete", 1), 0);
	forwarding_clear(&f->core, &installed);
}

static void test_restore(void **state)
{
	struct fixture *f = *state;

	measure_alone(f);
	for (int i = 0; i < PATHS; i++) {
		struct path installed = {.kind = PATH_NONE}, lost;

		assert_int_equal(forwarding_set(&f->core, &installed, &f->paths[i]), 0);
		lost = installed;
		forwarding_clear(&f->core, &lost);
		assert_int_equal(forwarding_restore(&f->core, &installed), 0);
		assert_string_equal(kernel_fake_dump(), f->alone[i]);
		forwarding_clear(&f->core, &installed);
	}
	kernel_fake_fail_at(1, -ENOBUFS);
	assert_int_equal(forwarding_restore(&f->core, &f->paths[1]), -ENOBUFS);
	kernel_fake_fail_at(3, -ENOBUFS);
	assert_int_equal(forwarding_restore(&f->core, &f->paths[1]), -ENOBUFS);
}

#define CROWD 100

static struct path crowd_path(const struct fixture *f, int pattern, int i)
{
	struct path path = f->paths[pattern];

	path.hoa4 = address("10.1.1.0");
	path.hoa4.bytes[3] = (uint8_t)i;
	path.hoa6.bytes[15] = (uint8_t)i;
	path.prefix = (struct prefix){0};
	path.mac.bytes[5] = (uint8_t)i;
	return path;
}

/*
 * A crowd moves with two exchanges, whatever its size, and one terminal's refusal is its own.
 */
static void test_many(void **state)
{
	struct fixture *f = *state;
	struct path installed[CROWD], wanted[CROWD];
	struct path_change changes[CROWD];
	char *before;

	for (int i = 0; i < CROWD; i++) {
		installed[i] = (struct path){.kind = PATH_NONE};
		wanted[i] = crowd_path(f, 1, i);
		assert_int_equal(forwarding_set(&f->core, &installed[i], &wanted[i]), 0);
	}
	before = strdup(kernel_fake_dump());
	for (int i = 0; i < CROWD; i++) {
		wanted[i] = crowd_path(f, 4, i);
		changes[i] = (struct path_change){.installed = &installed[i], .wanted = &wanted[i]};
	}
	kernel_fake_log_clear();
	assert_int_equal(forwarding_set_many(&f->core, changes, CROWD), 0);
	assert_int_equal(kernel_fake_batches(), 2);
	assert_int_equal(kernel_fake_count("encap"), 2 * CROWD);
	assert_int_equal(kernel_fake_count("neighbour"), 0);
	for (int i = 0; i < CROWD; i++) {
		assert_true(path_equal(&installed[i], &wanted[i]));
		wanted[i] = crowd_path(f, 1, i);
	}
	assert_int_equal(forwarding_set_many(&f->core, changes, CROWD), 0);
	assert_string_equal(kernel_fake_dump(), before);

	for (int i = 0; i < CROWD; i++)
		wanted[i] = crowd_path(f, 3, i);
	kernel_fake_fail_on("route replace 2001:db8:a::11/128", -ENOSPC);
	assert_int_equal(forwarding_set_many(&f->core, changes, CROWD), -ENOSPC);
	kernel_fake_fail_on(NULL, 0);
	for (int i = 0; i < CROWD; i++) {
		bool stays = i == 0x11;

		assert_int_equal(changes[i].error, stays ? -ENOSPC : 0);
		assert_true(path_equal(&installed[i], &wanted[i]) == !stays);
	}
	free(before);
	for (int i = 0; i < CROWD; i++)
		wanted[i] = (struct path){.kind = PATH_NONE};
	assert_int_equal(forwarding_set_many(&f->core, changes, CROWD), 0);
	measure_alone(f);
	assert_string_equal(kernel_fake_dump(), f->alone[0]);
}

/* ipip carries IPv4 only: the rest is unreachable, and says so. */
static void test_ipip(void **state)
{
	struct fixture *f = *state;
	struct path installed = {.kind = PATH_NONE};

	assert_int_equal(forwarding_set(&f->core, &installed, &f->paths[6]), 0);
	assert_int_equal(kernel_fake_count("unreachable 2001:db8:a::7/128"), 1);
	assert_int_equal(kernel_fake_count("unreachable 2001:db8:a01::/56"), 1);
	assert_int_equal(kernel_fake_count("unreachable 10."), 0);
	assert_int_equal(kernel_fake_count("10.1.0.7/32 table 254 metric 66567 encap"), 1);
	forwarding_clear(&f->core, &installed);
}

static void test_equal(void **state)
{
	struct fixture *f = *state;
	char text[PATH_TEXT];

	for (int i = 0; i < PATHS; i++)
		for (int j = 0; j < PATHS; j++)
			assert_int_equal(path_equal(&f->paths[i], &f->paths[j]), i == j);
	for (int i = 0; i < 6; i++) {
		struct path other = f->paths[5];

		if (i == 0)
			other.key++;
		else if (i == 1)
			other.mtu++;
		else if (i == 2)
			other.outer_src.bytes[15]++;
		else if (i == 3)
			other.prefix.length++;
		else if (i == 4)
			other.hoa6.bytes[15]++;
		else
			other.tunnel = TUNNEL_GPE6;
		assert_false(path_equal(&other, &f->paths[5]));
	}
	assert_string_equal(path_text(&f->paths[0], text), "none");
	assert_string_equal(path_text(&f->paths[10], text), "hold");
	assert_string_equal(path_text(&f->paths[4], text), "gre4 192.0.2.1 -> 198.51.100.7 key 77");
	assert_non_null(strstr(path_text(&f->paths[1], text), "access 02:00:00:00:01:01 port "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_to_each, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_to_do, setup, teardown),
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restore, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ipip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_equal, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
