/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A core that starts: on an empty kernel, on what an earlier run has left, on a kernel that refuses
 * each call in turn; and one whose devices somebody takes away.
 */
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/restore.h"
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

/* tina visits on s1, otto is at home on s2. */
static struct world *world_served(void)
{
	struct world *w = world_new(NULL);

	w->otto.home_epoch = w->core.epoch;
	terminal_register(w, &w->tina, "s1");
	terminal_register(w, &w->otto, "s2");
	assert_true(w->tina.done && w->otto.done);
	return w;
}

/* Nothing of the earlier run is lost, and the start after the failed one finds all. */
static void start_refused(struct world *w, unsigned int n, bool *failed)
{
	struct core_io io = w->core.io;
	unsigned int before;

	core_close(&w->core);
	before = kernel_fake_count("");
	kernel_fake_fail_at(n, -ENOBUFS);
	if (core_open(&w->core, &w->config, w->kernel, &io, w->now) == 0) {
		*failed = kernel_fake_failed();
		kernel_fake_fail_at(0, 0);
		return;
	}
	*failed = true;
	assert_true(kernel_fake_failed());
	assert_true(kernel_fake_count("") >= before);
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), 0);
}

/* A peer that is configured with the core's own key: nothing starts that could never come up. */
static void test_own_key(void **state)
{
	struct world *w = world_new(NULL);
	struct core_io io = w->core.io;
	struct peer_config *peer = &w->config.peers[1];
	uint8_t right[CONF_KEY_BYTES];

	(void)state;
	memcpy(right, peer->public_key, sizeof(right));
	memcpy(peer->public_key, w->core.keys.public, sizeof(right));
	core_close(&w->core);
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), -EINVAL);
	memcpy(peer->public_key, right, sizeof(right));
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), 0);
	world_free(w);
}

static void test_refused_when_empty(void **state)
{
	char *wanted = NULL;
	bool failed = true;

	(void)state;
	for (unsigned int n = 0; failed; n++) {
		struct world *w = world_new(NULL);

		/* Nothing there but the feeders, as before the first start. */
		kernel_fake_reset();
		kernel_fake_link("feed-s1", NULL);
		kernel_fake_link("feed-s2", NULL);
		start_refused(w, n, &failed);
		failed |= n == 0;
		if (!wanted)
			wanted = strdup(kernel_fake_dump());
		assert_string_equal(kernel_fake_dump(), wanted);
		assert_int_equal(kernel_fake_count("master sno-acc"), 2);
		world_free(w);
	}
	free(wanted);
}

static void test_refused_after_an_earlier_run(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned int n = 1; failed; n++) {
		struct world *w = world_served();
		char *before = strdup(kernel_fake_dump());

		start_refused(w, n, &failed);
		assert_string_equal(kernel_fake_dump(), before);
		free(before);
		world_free(w);
	}
}

/* Packets of an earlier run's terminals go on, uplink too, until they had time to come back. */
static void test_adoption(void **state)
{
	struct world *w = world_served();
	char *before = strdup(kernel_fake_dump());

	(void)state;
	kernel_fake_log_clear();
	world_restart(w, NULL);
	assert_string_equal(kernel_fake_dump(), before);
	assert_int_equal(kernel_fake_log_find("delete", 1), 0);
	w->otto.home_epoch = w->core.epoch;
	world_run(w, 30 * SEC);
	terminal_register(w, &w->otto, "s2");
	assert_true(w->otto.done);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 1);
	world_run(w, 31 * SEC);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	assert_int_equal(kernel_fake_count("02:00:00:00:01:01"), 0);
	assert_int_equal(kernel_fake_count("10.2.0.9"), 1);
	assert_int_equal(kernel_fake_count("02:00:00:00:01:02"), 2);
	free(before);
	world_free(w);
}

/* Peers find their tables again in whatever order they stand in the configuration. */
static void test_peers_in_another_order(void **state)
{
	const struct world_text turned = {.peers = WORLD_PEER_C ", " WORLD_PEER_A};
	struct world *w = world_served();

	(void)state;
	world_restart(w, &turned);
	assert_int_equal(peer_find(&w->core, "a.example")->slot, 0);
	assert_int_equal(peer_find(&w->core, "c.example")->slot, 1);
	assert_int_equal(kernel_fake_count("table 8300 metric 100 encap dst 192.0.2.1"), 2);
	assert_int_equal(kernel_fake_count("iif sno-acc"), 3);
	world_free(w);
}

/* A prefix has another owner than in the earlier run: none of its packets takes the old way. */
static void test_prefix_with_another_owner(void **state)
{
	const struct world_text turned = {
		.peers = "{ name = \"c.example\"; endpoint = \"192.0.2.3\"; public_key = \"$C\"; "
			 "home_prefixes = [ \"10.1.0.0/24\" ]; }, "
			 "{ name = \"a.example\"; endpoint = \"192.0.2.1\"; public_key = \"$A\"; "
			 "home_prefixes = [ \"10.3.0.0/24\", \"2001:db8:a::/64\" ]; }"};
	struct world *w = world_served();
	struct peer *a, *c;

	(void)state;
	world_restart(w, &turned);
	a = peer_find(&w->core, "a.example");
	c = peer_find(&w->core, "c.example");
	assert_int_not_equal(c->slot, 0);
	assert_int_equal(kernel_fake_count("iif sno-acc"), 3);
	assert_int_equal(kernel_fake_count("from 10.1.0.0/24"), 1);
	world_run(w, 3 * SEC);
	for (int i = 0; i < 2; i++) {
		const struct peer *peer = i ? a : c;
		char text[128];

		snprintf(text, sizeof(text), "from %s to none table %u",
			 i ? "10.3.0.0/24" : "10.1.0.0/24", underlay_table(peer));
		assert_int_equal(kernel_fake_count(text), 1);
		snprintf(text, sizeof(text), "0.0.0.0/0 table %u metric 100 encap dst %s ",
			 underlay_table(peer), i ? "192.0.2.1" : "192.0.2.3");
		assert_int_equal(kernel_fake_count(text), 1);
	}
	world_free(w);
}

/* Nor what the configuration has: every pool, and every peer's table. */
static void test_sweep_spares_the_configuration(void **state)
{
	struct world *w = world_new(
		"pools = { home4 = [ \"10.2.0.0/24\" ]; home6 = [ \"2001:db8:b::/64\" ]; "
		"care_of4 = [ \"198.51.100.128/25\" ]; care_of6 = [ \"2001:db8:cb::/64\" ]; "
		"delegated = [ \"2001:db8:b00::/40\" ]; };");
	char *before = strdup(kernel_fake_dump());

	(void)state;
	assert_int_equal(kernel_fake_count("unreachable"), 3 + 4);
	assert_int_equal(kernel_fake_count("local "), 2);
	world_run(w, 70 * SEC);
	assert_string_equal(kernel_fake_dump(), before);
	free(before);
	world_free(w);
}

/* The broom takes nothing that it has not put there. */
static void test_sweep_spares_others(void **state)
{
	struct world *w = world_served();
	struct kernel_fdb fdb = {.mac = {{2, 0, 0, 0, 9, 9}}};
	struct kernel_route route = {.oif = w->port2, .metric = 50};
	struct kernel_route prefix = {.type = KERNEL_ROUTE_UNREACHABLE};

	(void)state;
	/* An administrator's port of the bridge with an entry, and routes as a terminal agent on
	 * this host has them. */
	fdb.port = kernel_fake_link("admin0", NULL);
	assert_int_equal(kernel_link_set_master(w->kernel, fdb.port, w->core.underlay.bridge), 0);
	assert_int_equal(kernel_fdb_replace(w->kernel, &fdb), 0);
	route.dst.addr.family = AF_INET;
	assert_int_equal(kernel_route_replace(w->kernel, &route), 0);
	assert_int_equal(prefix_parse(&prefix.dst, "2001:db8:7700::/56"), 0);
	assert_int_equal(kernel_route_replace(w->kernel, &prefix), 0);
	world_restart(w, NULL);
	world_run(w, 70 * SEC);
	assert_int_equal(kernel_fake_count("02:00:00:00:09:09"), 1);
	assert_int_equal(kernel_fake_count("table 254 metric 50"), 1);
	assert_int_equal(kernel_fake_count("2001:db8:7700::/56"), 1);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	assert_int_equal(kernel_fake_count("10.2.0.9"), 0);
	world_free(w);
}

/* What the kernel does not let go of is tried again. */
static void test_sweep_again(void **state)
{
	struct world *w = world_served();

	(void)state;
	world_restart(w, NULL);
	kernel_fake_fail_on("fdb delete", -EPERM);
	world_run(w, 61 * SEC);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	assert_int_equal(kernel_fake_count("fdb"), 2);
	kernel_fake_fail_on(NULL, 0);
	world_run(w, 11 * SEC);
	assert_int_equal(kernel_fake_count("fdb"), 0);
	assert_int_equal(kernel_fake_count("neighbour"), 0);
	world_free(w);
}

/* ---- devices that go away ------------------------------------------------------------------ */

static void events(const struct kernel_event *event, void *arg)
{
	struct world *w = arg;

	restore_event(&w->core, event, w->now);
}

/* Does something to the kernel while the core listens, and lets it react. */
static void disturb(struct world *w, unsigned int ifindex, bool remove)
{
	struct kernel_monitor *monitor;
	struct kernel *admin;

	assert_int_equal(kernel_open(&admin), 0);
	assert_int_equal(kernel_monitor_open(&monitor, w->kernel, KERNEL_WATCH_LINKS, 0, events, w),
			 0);
	if (remove)
		assert_int_equal(kernel_link_delete(admin, ifindex), 0);
	else
		assert_int_equal(kernel_link_set_up(admin, ifindex, false), 0);
	assert_int_equal(kernel_monitor_read(monitor), 0);
	world_run(w, 1 * SEC);
	/* Its own doings come back as events. */
	assert_int_equal(kernel_monitor_read(monitor), 0);
	world_run(w, 1 * SEC);
	kernel_monitor_close(monitor);
	kernel_close(admin);
}

static void test_devices_come_back(void **state)
{
	struct world *w = world_served();
	char *before = strdup(kernel_fake_dump());

	(void)state;
	for (int remove = 0; remove < 2; remove++) {
		disturb(w, w->core.underlay.bridge, remove);
		assert_string_equal(kernel_fake_dump(), before);
		for (int k = 1; k < KERNEL_TUNNELS; k++) {
			if (w->core.underlay.device[k])
				disturb(w, w->core.underlay.device[k], remove);
			assert_string_equal(kernel_fake_dump(), before);
		}
	}
	assert_false(w->core.underlay.broken);
	/* And in earnest: a session goes on, another satellite works. */
	assert_int_equal(session_find(&w->core, "tina@a.example")->state, SESSION_REGISTERED);
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.done);
	free(before);
	world_free(w);
}

/* Only a part of it is refused, whichever: all is tried again. */
static void test_each_part_is_retried(void **state)
{
	static const char *const parts[] = {"bridge",
					    "tunnel sno-gpe",
					    "route replace unreachable 10.2.0.0/24",
					    "rule add",
					    "route replace ::/0 table 8301 metric 100",
					    "route replace 10.2.0.9"};

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct world *w = world_served();
		char *before = strdup(kernel_fake_dump());

		kernel_fake_fail_on(parts[i], -ENOBUFS);
		disturb(w, w->core.underlay.device[KERNEL_TUNNEL_GPE], true);
		assert_true(w->core.underlay.broken);
		kernel_fake_fail_on(NULL, 0);
		world_run(w, 11 * SEC);
		assert_false(w->core.underlay.broken);
		assert_string_equal(kernel_fake_dump(), before);
		free(before);
		world_free(w);
	}
}

static void test_restoring_is_retried(void **state)
{
	struct world *w = world_served();
	char *before = strdup(kernel_fake_dump());

	(void)state;
	kernel_fake_fail_on("route replace 10.1.0.7/32", -ENOBUFS);
	disturb(w, w->core.underlay.bridge, true);
	assert_int_equal(kernel_fake_count("10.2.0.9"), 1);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	kernel_fake_fail_on(NULL, 0);
	world_run(w, 11 * SEC);
	/* Served or not: what there is, is whole. */
	if (session_find(&w->core, "tina@a.example")->state == SESSION_REGISTERED)
		assert_string_equal(kernel_fake_dump(), before);
	else
		assert_int_equal(kernel_fake_count("02:00:00:00:01:01"), 0);
	free(before);
	world_free(w);
}

/* ---- ports --------------------------------------------------------------------------------- */

/* Reports a link as the monitor would. */
static void link_event(struct world *w, const char *name, bool gone)
{
	struct kernel_event event = {.type = gone ? KERNEL_EVENT_LINK_GONE : KERNEL_EVENT_LINK};

	assert_int_equal(kernel_link_find(w->kernel, name, &event.link), 0);
	restore_event(&w->core, &event, w->now);
	world_run(w, 10 * MS);
}

static void test_port_leaves_the_bridge(void **state)
{
	struct world *w = world_served();
	char *before = strdup(kernel_fake_dump());

	(void)state;
	assert_int_equal(kernel_link_set_master(w->kernel, w->port1, 0), 0);
	assert_int_equal(kernel_fake_count("fdb"), 1);
	link_event(w, "feed-s1", false);
	assert_string_equal(kernel_fake_dump(), before);
	free(before);
	world_free(w);
}

/* The feeder is made anew: terminals on it are reached through the new one at once. */
static void test_port_made_anew(void **state)
{
	struct world *w = world_served();

	(void)state;
	link_event(w, "feed-s1", true);
	assert_int_equal(satellite_find(&w->core, "s1")->port, 0);
	assert_false(satellite_find(&w->core, "s1")->connected);
	kernel_link_delete(w->kernel, w->port1);
	w->port1 = kernel_fake_link("feed-s1", NULL);
	link_event(w, "feed-s1", false);
	assert_int_equal(satellite_find(&w->core, "s1")->port, w->port1);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s1"), 1);
	assert_int_equal(session_find(&w->core, "tina@a.example")->path->port, w->port1);
	world_free(w);
}

static void test_port_of_another_bridge(void **state)
{
	struct world *w = world_served();
	struct kernel_bridge options = {0};
	unsigned int other;

	(void)state;
	assert_int_equal(kernel_bridge_ensure(w->kernel, "br0", &options, &other), 0);
	assert_int_equal(kernel_link_set_master(w->kernel, w->port1, other), 0);
	link_event(w, "feed-s1", false);
	assert_int_equal(satellite_find(&w->core, "s1")->port, 0);
	assert_int_equal(kernel_fake_count("master br0"), 1);
	/* Given back: it is a port again. */
	assert_int_equal(kernel_link_set_master(w->kernel, w->port1, 0), 0);
	link_event(w, "feed-s1", false);
	assert_int_equal(satellite_find(&w->core, "s1")->port, w->port1);
	world_free(w);
}

/* Isolated, learning and flooding nothing; the port alone has no IPv6 of its own. */
static void test_port_flags(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	assert_int_equal(kernel_fake_count("master sno-acc isolated 1 learning 0 flood 0 mcast 0 "
					   "bcast 0 nd 0"),
			 2);
	assert_int_equal(kernel_fake_count("address fe80::1/64 dev sno-acc nodad"), 1);
	assert_string_equal(kernel_fake_sysctl("net/ipv6/conf/feed-s1/disable_ipv6"), "1");
	assert_string_equal(kernel_fake_sysctl("net/ipv6/conf/sno-acc/addr_gen_mode"), "1");
	assert_string_equal(kernel_fake_sysctl("net/ipv6/conf/sno-acc/accept_ra"), "0");
	assert_string_equal(kernel_fake_sysctl("net/ipv6/conf/sno-acc/accept_dad"), "0");
	assert_string_equal(kernel_fake_sysctl("net/ipv4/conf/sno-acc/send_redirects"), "0");
	assert_string_equal(kernel_fake_sysctl("net/ipv4/conf/sno-acc/rp_filter"), "0");
	assert_string_equal(kernel_fake_sysctl("net/ipv4/ip_forward"), "1");
	assert_string_equal(kernel_fake_sysctl("net/ipv6/conf/all/forwarding"), "1");
	assert_string_equal(kernel_fake_sysctl("net/ipv4/conf/sno-gre/rp_filter"), "0");
	world_free(w);
}

/* A core advertises at once when a satellite is connected, then every interval; else not. */
static void test_advertisements(void **state)
{
	struct world *w = world_new(NULL);
	size_t count;

	(void)state;
	/* Both feeders have a carrier from the beginning. */
	assert_true(satellite_find(&w->core, "s1")->connected);
	w->frame_count = 0;
	world_run(w, 10 * SEC);
	assert_int_equal(w->frame_count, 20);
	kernel_fake_carrier(w->port1, false);
	link_event(w, "feed-s1", false);
	w->frame_count = 0;
	world_run(w, 10 * SEC);
	assert_int_equal(w->frame_count, 10);
	kernel_fake_carrier(w->port1, true);
	w->frame_count = 0;
	link_event(w, "feed-s1", false);
	for (count = 0; count < w->frame_count; count++)
		if (!strcmp(w->frames[count].satellite->name, "s1"))
			break;
	assert_true(count < w->frame_count);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_key),
		cmocka_unit_test(test_refused_when_empty),
		cmocka_unit_test(test_refused_after_an_earlier_run),
		cmocka_unit_test(test_adoption),
		cmocka_unit_test(test_peers_in_another_order),
		cmocka_unit_test(test_prefix_with_another_owner),
		cmocka_unit_test(test_sweep_spares_the_configuration),
		cmocka_unit_test(test_sweep_spares_others),
		cmocka_unit_test(test_sweep_again),
		cmocka_unit_test(test_devices_come_back),
		cmocka_unit_test(test_each_part_is_retried),
		cmocka_unit_test(test_restoring_is_retried),
		cmocka_unit_test(test_port_leaves_the_bridge),
		cmocka_unit_test(test_port_made_anew),
		cmocka_unit_test(test_port_of_another_bridge),
		cmocka_unit_test(test_port_flags),
		cmocka_unit_test(test_advertisements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
