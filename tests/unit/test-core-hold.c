/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets in the hold of a core: what is written to its device goes by the table of releases, what
 * is routed to the terminal by the main one; both have to say the same at the right moments.
 */
#include "core-agent/core.h"
#include "core-agent/forwarding.h"
#include "core-agent/restore.h"
#include "core-agent/subscriber.h"
#include "core-agent/sweep.h"
#include "kernel_fake.h"
#include "world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEVICE "sno-buf"
#define MSEC   USEC_PER_MSEC
#define SEC    USEC_PER_SEC
#define HOA4   "10.2.0.9"
#define HOA6   "2001:db8:b::9"
#define PREFIX "2001:db8:b00::/56"
#define INSIDE "2001:db8:b00::1"

/* The path of otto, the core's own subscriber, by whom nothing is swept up. */
static struct world *w;
static struct path *installed;
static struct path hold, access_side, tunnel;
static unsigned int sent, received; /* packets */

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static void begin(const char *groups)
{
	static const char pools[] = "pools = { home4 = [ \"10.2.0.0/24\" ]; home6 = [ "
				    "\"2001:db8:b::/64\" ]; care_of4 = [ \"198.51.100.128/25\" ]; "
				    "delegated = [ \"2001:db8:b00::/40\" ]; };";
	char text[1024];

	sent = received = 0;
	snprintf(text, sizeof(text), "%s %s", pools, groups);
	w = world_new(text);
	installed = &subscriber_find(&w->core, "otto")->path;
	hold = (struct path){
		.kind = PATH_HOLD, .hoa4 = address(HOA4), .hoa6 = address(HOA6), .mtu = 1400};
	assert_int_equal(prefix_parse(&hold.prefix, PREFIX), 0);
	access_side = hold;
	access_side.kind = PATH_ACCESS;
	access_side.port = w->port1;
	access_side.mac = (struct lladdr){{2, 0, 0, 0, 1, 2}};
	tunnel = hold;
	tunnel.kind = PATH_TUNNEL;
	tunnel.tunnel = TUNNEL_GRE4;
	tunnel.outer_src = w->core.underlay.end4;
	tunnel.outer_dst = address("198.51.100.7");
	tunnel.key = 7;
}

static void end(void)
{
	world_free(w);
	w = NULL;
}

/* ---- packets --------------------------------------------------------------------------------- */

/* The next packet to this address comes to the device: it carries its number. */
static void arrive(const char *to)
{
	struct addr addr = address(to);
	uint8_t packet[48] = {addr.family == AF_INET ? 0x45 : 0x60};

	memcpy(packet + (addr.family == AF_INET ? 16 : 24), addr.bytes, addr_length(addr.family));
	sent++;
	memcpy(packet + sizeof(packet) - sizeof(sent), &sent, sizeof(sent));
	assert_int_equal(kernel_fake_tun_send(DEVICE, packet, sizeof(packet)), 0);
}

static void arrive_all(void)
{
	arrive(HOA4);
	arrive(HOA6);
	arrive(INSIDE);
}

/* So many have been written, the next ones in order. */
static void delivered(unsigned int count)
{
	uint8_t packet[64];
	unsigned int number;

	for (; count > 0; count--) {
		ssize_t length = kernel_fake_tun_receive(DEVICE, packet, sizeof(packet));

		assert_int_equal(length, 48);
		memcpy(&number, packet + length - sizeof(number), sizeof(number));
		assert_int_equal(number, ++received);
	}
	assert_int_equal(kernel_fake_tun_receive(DEVICE, packet, sizeof(packet)), -EAGAIN);
}

static const struct hold_counters *all(void)
{
	return hold_counters(w->core.underlay.holding.hold);
}

static int set(const struct path *wanted)
{
	return forwarding_set(&w->core, installed, wanted);
}

static struct hold_counters release(const struct path *wanted)
{
	struct hold_counters held;

	assert_int_equal(forwarding_release(&w->core, installed, wanted, w->now, &held), 0);
	assert_true(path_equal(installed, wanted));
	return held;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_device(void **state)
{
	(void)state;
	begin("");
	assert_int_equal(kernel_fake_count("rule inet priority 8399 iif " DEVICE), 1);
	assert_int_equal(kernel_fake_count("rule inet6 priority 8399 iif " DEVICE), 1);
	assert_int_equal(kernel_fake_count("link " DEVICE " up"), 1);
	assert_string_equal(kernel_fake_sysctl("net/ipv6/conf/" DEVICE "/addr_gen_mode"), "1");
	assert_string_equal(kernel_fake_sysctl("net/ipv4/conf/" DEVICE "/accept_local"), "1");
	/* The kernel's other doings do not disturb. */
	arrive("ff02::16");
	holding_read(&w->core, w->now);
	assert_int_equal(all()->dropped[HOLD_DROP_STRAY], 1);
	end();
}

static void test_held(void **state)
{
	(void)state;
	begin("");
	assert_int_equal(set(&hold), 0);
	assert_int_equal(kernel_fake_count("mtu 1400 lock dev " DEVICE), 3);
	/* What decides when the device has gone. */
	assert_int_equal(kernel_fake_count("unreachable " HOA4 "/32"), 1);
	assert_int_equal(kernel_fake_count("unreachable " HOA6 "/128"), 1);
	assert_int_equal(kernel_fake_count("unreachable " PREFIX), 1);
	arrive_all();
	holding_read(&w->core, w->now);
	assert_int_equal(forwarding_held(&w->core, installed).packets, 3);
	/* The same again changes nothing, and other destinations have to wait for its end. */
	hold.mtu = 1360;
	assert_int_equal(set(&hold), 0);
	assert_int_equal(forwarding_held(&w->core, installed).packets, 3);
	hold.hoa4 = address("10.2.0.10");
	assert_int_equal(set(&hold), -EBUSY);
	assert_int_equal(kernel_fake_count("10.2.0.10"), 0);
	delivered(0);
	forwarding_clear(&w->core, installed);
	assert_int_equal(all()->dropped[HOLD_DROP_CLOSED], 3);
	assert_int_equal(hold_queues(w->core.underlay.holding.hold), 0);
	received += 3;
	assert_int_equal(kernel_fake_count(DEVICE " "), 3); /* the link and two rules */
	end();
}

/* A packet of each destination comes at this moment, once. */
static void meet(void *arg)
{
	(void)arg;
	kernel_fake_meet(NULL, NULL, NULL);
	arrive_all();
}

static const char *const moments[] = {
	"neighbour replace",
	("route replace " HOA6 "/128 table 8400"),
	("route replace " HOA4 "/32 table 254"),
	("route replace " PREFIX " table 254"),
	("route delete " HOA6),
};

/* Three packets were held, in a dense stream three more are in the device, three come at a moment.
 */
static void release_at(size_t moment, bool dense)
{
	const struct path *wanted = moment % 2 ? &tunnel : &access_side;
	unsigned int count = dense ? 9 : 6;
	char *plain;

	begin("");
	assert_int_equal(set(wanted), 0);
	plain = strdup(kernel_fake_dump());
	forwarding_clear(&w->core, installed);
	assert_int_equal(set(&hold), 0);
	arrive_all();
	holding_read(&w->core, w->now);
	if (dense)
		arrive_all();
	kernel_fake_meet(moments[moment], meet, NULL);
	kernel_fake_log_clear();
	release(wanted);
	assert_true(kernel_fake_log_find(moments[moment], 1) > 0);
	if (moment < 4)
		delivered(count);
	/* Late ones pass, for a while. */
	arrive_all();
	holding_read(&w->core, w->now);
	delivered(moment < 4 ? 3 : count + 3);
	world_run(w, HOLD_LINGER - MSEC);
	assert_int_equal(kernel_fake_count("table 8400"), 3 + 2);
	arrive(HOA4);
	world_run(w, MSEC);
	delivered(1);
	assert_string_equal(kernel_fake_dump(), plain);
	assert_int_equal(hold_dropped(all()), 0);
	assert_int_equal(hold_queues(w->core.underlay.holding.hold), 0);
	free(plain);
	end();
}

/* Whenever packets come, they leave in order, and none is lost; at the end all is as if never held.
 */
static void test_release(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(moments) / sizeof(moments[0]); i++)
		release_at(i / 2, i % 2);
}

/* The way out is there before anything is written, and the main routes change after that. */
static void test_order(void **state)
{
	unsigned int station, way, route, removed;

	(void)state;
	begin("");
	assert_int_equal(set(&hold), 0);
	kernel_fake_log_clear();
	release(&access_side);
	station = kernel_fake_log_find("fdb replace", 1);
	way = kernel_fake_log_find("route replace " HOA4 "/32 table 8400", 1);
	route = kernel_fake_log_find("route replace " HOA4 "/32 table 254", 1);
	removed = kernel_fake_log_find("delete", 1);
	assert_true(station && station < way && way < route && route < removed);
	end();
}

/* ---- the guard's gate -------------------------------------------------------------------------
 */

/* A packet comes to the device, and the guard's program counts it. */
static void enter(const char *to)
{
	kernel_fake_guarded(HOA4 "/32")->held++;
	arrive(to);
}

/* Three packets are held. Returns what the guard has of their terminal. */
static struct guard_terminal *begin_guarded(void)
{
	world_guarded = true;
	begin("");
	world_guarded = false;
	assert_int_equal(set(&hold), 0);
	for (int i = 0; i < 3; i++)
		enter(HOA4);
	holding_read(&w->core, w->now);
	return kernel_fake_guarded(HOA4 "/32");
}

/* One more comes in between; from here on the others must wait for it. */
static void enter_behind_gate(void *arg)
{
	const struct guard_terminal *terminal = kernel_fake_guarded(HOA4 "/32");

	(void)arg;
	kernel_fake_meet(NULL, NULL, NULL);
	assert_int_equal(terminal->gate, 1);
	assert_int_equal(terminal->passed, 3);
	enter(HOA6);
}

/* It is shut before the routes change, and opened when all have left that came by the hold. */
static void test_gate(void **state)
{
	const struct guard_terminal *terminal = begin_guarded();

	(void)state;
	assert_int_equal(kernel_fake_count("guard " DEVICE " hold"), 1);
	assert_int_equal(terminal->gate, 0);
	assert_int_equal(terminal->held, 3);
	kernel_fake_meet("route replace " HOA4 "/32 table 254", enter_behind_gate, NULL);
	release(&access_side);
	delivered(4);
	assert_int_equal(terminal->passed, 4);
	enter(INSIDE); /* sent here by the guard */
	assert_int_equal(terminal->passed, 4);
	holding_read(&w->core, w->now);
	delivered(1);
	assert_int_equal(terminal->passed, 5);
	assert_int_equal(terminal->gate, 1);
	world_run(w, HOLD_LINGER);
	assert_int_equal(terminal->gate, 0);
	assert_int_equal(hold_queues(w->core.underlay.holding.hold), 0);
	/* The next hold counts from its own begin. */
	assert_int_equal(set(&hold), 0);
	assert_int_equal(terminal->held, 0);
	assert_int_equal(terminal->passed, 0);
	end();
}

/* What was dropped has left the hold too; what the device has lost keeps nobody waiting for long.
 */
static void test_gate_lost(void **state)
{
	struct guard_terminal *terminal = begin_guarded();

	(void)state;
	world_run(w, HOLD_TIME); /* too old, all of them */
	received += 3;
	terminal->held++; /* and never seen */
	release(&access_side);
	delivered(0);
	assert_int_equal(terminal->passed, 3);
	assert_int_equal(terminal->gate, 1);
	world_run(w, HOLD_LINGER);
	assert_int_equal(terminal->gate, 0);
	assert_int_equal(hold_queues(w->core.underlay.holding.hold), 1);
	arrive(HOA4);
	world_run(w, HOLD_LINGER);
	delivered(1);
	assert_int_equal(hold_queues(w->core.underlay.holding.hold), 0);
	end();
}

/* While more comes than goes it stays shut, but not for ever. */
static void test_gate_dense(void **state)
{
	struct guard_terminal *terminal = begin_guarded();
	usec_t shut = 0;

	(void)state;
	terminal->held += 1000000;
	release(&access_side);
	for (; terminal->gate && shut < 2 * SEC; shut += HOLD_LINGER) {
		enter(HOA4);
		world_run(w, HOLD_LINGER);
	}
	assert_in_range(shut, SEC - HOLD_LINGER, SEC + 2 * HOLD_LINGER);
	world_run(w, 2 * HOLD_LINGER);
	assert_int_equal(hold_queues(w->core.underlay.holding.hold), 0);
	end();
}

/* A refused release leaves it open. */
static void test_gate_refused(void **state)
{
	const struct guard_terminal *terminal = begin_guarded();

	(void)state;
	for (unsigned int n = 1;; n++) {
		struct hold_counters held;
		int result;

		kernel_fake_fail_at(n, -ENOBUFS);
		result = forwarding_release(&w->core, installed, &access_side, w->now, &held);
		kernel_fake_fail_at(0, 0);
		if (result == 0)
			break;
		assert_int_equal(terminal->gate, 0);
	}
	assert_int_equal(terminal->gate, 1);
	end();
}

/* Refused at whatever step: it holds on, and what was not sent is sent by the next attempt. */
static void test_refused(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned int n = 1; failed; n++) {
		struct hold_counters held;
		char *before;
		int result;

		begin("");
		assert_int_equal(set(&hold), 0);
		before = strdup(kernel_fake_dump());
		arrive_all();
		holding_read(&w->core, w->now);
		arrive_all();
		kernel_fake_fail_at(n, -ENOBUFS);
		result = forwarding_release(&w->core, installed, &access_side, w->now, &held);
		failed = kernel_fake_failed();
		kernel_fake_fail_at(0, 0);
		assert_int_equal(held.buffered, held.released + held.packets);
		if (result < 0) {
			assert_int_equal(result, -ENOBUFS);
			assert_string_equal(kernel_fake_dump(), before);
			assert_true(path_equal(installed, &hold));
			arrive_all();
			holding_read(&w->core, w->now);
			assert_int_equal(forwarding_held(&w->core, installed).packets,
					 9 - held.released);
			release(&access_side);
			delivered(9);
		} else {
			delivered(6);
		}
		world_run(w, 75 * SEC);
		assert_int_equal(kernel_fake_count("table 8400"), 2);
		assert_int_equal(kernel_fake_count(HOA4), 1);
		free(before);
		end();
	}
}

/* Neither does a refused path into the hold leave anything, be it one of many. */
static void test_refused_hold(void **state)
{
	struct path others[3] = {0}, wanted[3];
	struct path_change changes[3];

	(void)state;
	begin("");
	for (int i = 0; i < 3; i++) {
		wanted[i] =
			(struct path){.kind = PATH_HOLD, .hoa4 = address("10.2.0.20"), .mtu = 1400};
		wanted[i].hoa4.bytes[3] += (uint8_t)i;
		changes[i] = (struct path_change){.installed = &others[i], .wanted = &wanted[i]};
	}
	kernel_fake_fail_on("route replace 10.2.0.21", -ENOSPC);
	assert_int_equal(forwarding_set_many(&w->core, changes, 3), -ENOSPC);
	kernel_fake_fail_on(NULL, 0);
	assert_int_equal(changes[1].error, -ENOSPC);
	assert_int_equal(changes[0].error | changes[2].error, 0);
	assert_int_equal(hold_queues(w->core.underlay.holding.hold), 2);
	assert_int_equal(kernel_fake_count("10.2.0.21"), 0);
	arrive("10.2.0.20");
	arrive("10.2.0.22");
	holding_read(&w->core, w->now);
	/* Some leave it, one by a release, one for nothing, one is new to it. */
	wanted[0].kind = PATH_TUNNEL;
	wanted[0].tunnel = TUNNEL_GRE4;
	wanted[0].outer_src = w->core.underlay.end4;
	wanted[0].outer_dst = address("198.51.100.7");
	wanted[2] = (struct path){.kind = PATH_NONE};
	assert_int_equal(forwarding_set_many(&w->core, changes, 3), 0);
	delivered(1);
	received++;
	assert_int_equal(all()->dropped[HOLD_DROP_CLOSED], 1);
	world_run(w, 1 * SEC);
	assert_int_equal(hold_queues(w->core.underlay.holding.hold), 1);
	assert_int_equal(kernel_fake_count("unreachable 10.2.0.2"), 1);
	for (int i = 0; i < 3; i++)
		forwarding_clear(&w->core, &others[i]);
	end();
}

/* Held again before the end of its release, or led elsewhere: nothing of the old way is in the way.
 */
static void test_again_at_once(void **state)
{
	struct path other = {.kind = PATH_NONE};

	(void)state;
	begin("");
	assert_int_equal(set(&hold), 0);
	arrive_all();
	release(&access_side);
	delivered(3);
	arrive(HOA4);
	assert_int_equal(set(&hold), 0);
	delivered(1);
	assert_int_equal(kernel_fake_count("table 8400"), 2);
	arrive_all();
	holding_read(&w->core, w->now);
	delivered(0);
	world_run(w, 1 * SEC);
	delivered(0);
	/* Without a word about time it is the same. */
	assert_int_equal(set(&tunnel), 0);
	delivered(3);
	assert_int_equal(set(&access_side), 0);
	assert_int_equal(kernel_fake_count("table 8400"), 2);
	assert_int_equal(set(&hold), 0);
	release(&tunnel);
	forwarding_clear(&w->core, installed);
	assert_int_equal(kernel_fake_count("table 8400"), 2);
	/* Nor when somebody else has the addresses next. */
	assert_int_equal(set(&hold), 0);
	release(&tunnel);
	assert_int_equal(forwarding_set(&w->core, &other, &hold), 0);
	assert_int_equal(kernel_fake_count("table 8400"), 2);
	forwarding_clear(&w->core, &other);
	assert_int_equal(hold_dropped(all()), 0);
	end();
}

/* What the new path does not have goes nowhere: never round in a circle. */
static void test_fewer_destinations(void **state)
{
	struct path narrow;

	(void)state;
	begin("");
	narrow = access_side;
	narrow.hoa6 = (struct addr){0};
	assert_int_equal(set(&hold), 0);
	release(&narrow);
	assert_int_equal(kernel_fake_count("unreachable " HOA6 "/128 table 8400"), 1);
	assert_int_equal(kernel_fake_count(PREFIX " table 8400"), 1);
	assert_int_equal(kernel_fake_count("unreachable " PREFIX), 0);
	world_run(w, 1 * SEC);
	assert_int_equal(kernel_fake_count(HOA6), 0);
	end();
}

static void test_limits(void **state)
{
	static const struct world_text wider = {
		.pools = WORLD_POOLS " handover = { hold_packets = 4; hold_time = 5.0; };"};

	(void)state;
	begin("handover = { hold_packets = 2; hold_time = 1.0; };");
	assert_int_equal(set(&hold), 0);
	arrive_all();
	holding_read(&w->core, w->now);
	assert_int_equal(forwarding_held(&w->core, installed).packets, 2);
	assert_int_equal(forwarding_held(&w->core, installed).dropped[HOLD_DROP_PACKETS], 1);
	world_run(w, SEC - MSEC);
	assert_int_equal(forwarding_held(&w->core, installed).packets, 2);
	world_run(w, 2 * MSEC);
	assert_int_equal(forwarding_held(&w->core, installed).dropped[HOLD_DROP_TIME], 2);
	received += 3;
	arrive_all();
	holding_read(&w->core, w->now);
	world_reload(w, &wider);
	arrive_all();
	holding_read(&w->core, w->now);
	assert_int_equal(all()->packets, 4);
	world_run(w, 4 * SEC);
	assert_int_equal(all()->packets, 4);
	end();
}

/* ---- what others do, and earlier runs -------------------------------------------------------- */

static void events(const struct kernel_event *event, void *arg)
{
	(void)arg;
	restore_event(&w->core, event, w->now);
}

static void test_device_comes_back(void **state)
{
	(void)state;
	for (int remove = 0; remove < 2; remove++) {
		unsigned int ifindex;
		struct kernel_monitor *monitor;
		struct kernel *admin;
		char *before;

		begin("");
		ifindex = w->core.underlay.holding.device.ifindex;
		assert_int_equal(set(&hold), 0);
		arrive_all();
		holding_read(&w->core, w->now);
		before = strdup(kernel_fake_dump());
		assert_int_equal(kernel_open(&admin), 0);
		assert_int_equal(kernel_monitor_open(&monitor, w->kernel, KERNEL_WATCH_LINKS, 0,
						     events, NULL),
				 0);
		if (remove)
			assert_int_equal(kernel_link_delete(admin, ifindex), 0);
		else
			assert_int_equal(kernel_link_set_up(admin, ifindex, false), 0);
		/* Meanwhile they go nowhere else. */
		assert_int_equal(kernel_fake_count(HOA4), 1);
		assert_int_equal(kernel_fake_count("unreachable " HOA4), 1);
		assert_int_equal(kernel_monitor_read(monitor), 0);
		world_run(w, 1 * SEC);
		assert_string_equal(kernel_fake_dump(), before);
		assert_false(w->core.underlay.broken);
		arrive_all();
		release(&access_side);
		delivered(6);
		kernel_monitor_close(monitor);
		kernel_close(admin);
		free(before);
		end();
	}
}

/* A crash in the middle of a hold, and in the middle of a release: what is left goes away in time.
 */
static void test_sweep(void **state)
{
	struct kernel_route stale = {.type = KERNEL_ROUTE_UNREACHABLE,
				     .metric = HOLDING_FALLBACK_METRIC};

	(void)state;
	begin("");
	assert_int_equal(set(&hold), 0);
	/* Of another terminal, and of this one. */
	assert_int_equal(prefix_parse(&stale.dst, "10.1.0.77/32"), 0);
	assert_int_equal(kernel_route_replace(w->kernel, &stale), 0);
	stale.metric = 1;
	stale.table = KERNEL_TABLE_RELEASE;
	assert_int_equal(kernel_route_replace(w->kernel, &stale), 0);
	stale.dst = prefix_of(&hold.hoa4);
	assert_int_equal(kernel_route_replace(w->kernel, &stale), 0);
	assert_int_equal(sweep(&w->core), 0);
	assert_int_equal(kernel_fake_count("10.1.0.77"), 0);
	assert_int_equal(kernel_fake_count("table 8400"), 2);
	assert_int_equal(kernel_fake_count(HOA4), 2);
	assert_int_equal(kernel_fake_count(HOA6), 2);
	/* What a release needs is spared, what the hold needed is not. */
	release(&access_side);
	stale.table = 0;
	stale.metric = HOLDING_FALLBACK_METRIC;
	assert_int_equal(kernel_route_replace(w->kernel, &stale), 0);
	assert_int_equal(sweep(&w->core), 0);
	assert_int_equal(kernel_fake_count("table 8400"), 2 + 3);
	assert_int_equal(kernel_fake_count("unreachable " HOA4), 0);
	end();
}

static void test_restart(void **state)
{
	char *before;

	(void)state;
	begin("");
	before = strdup(kernel_fake_dump());
	assert_int_equal(set(&hold), 0);
	arrive_all();
	world_restart(w, NULL);
	received += 3;
	assert_int_equal(kernel_fake_count("unreachable " HOA4), 1);
	world_run(w, 61 * SEC);
	assert_string_equal(kernel_fake_dump(), before);
	free(before);
	end();
}

/* Without TUN devices a core does what it can without. */
static void test_no_device(void **state)
{
	struct core_io io;

	(void)state;
	begin("");
	io = w->core.io;
	core_close(&w->core);
	kernel_fake_fail_on("tun ", -EOPNOTSUPP);
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), 0);
	installed = &subscriber_find(&w->core, "otto")->path;
	assert_false(holding_ready(&w->core));
	assert_int_equal(set(&hold), -ENODEV);
	assert_int_equal(kernel_fake_count(HOA4), 0);
	assert_int_equal(set(&access_side), 0);
	assert_int_equal(underlay_restore(&w->core), 0);
	kernel_fake_fail_on(NULL, 0);
	assert_int_equal(underlay_restore(&w->core), 0);
	assert_true(holding_ready(&w->core));
	assert_int_equal(set(&hold), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device),	      cmocka_unit_test(test_held),
		cmocka_unit_test(test_release),	      cmocka_unit_test(test_order),
		cmocka_unit_test(test_refused),	      cmocka_unit_test(test_refused_hold),
		cmocka_unit_test(test_again_at_once), cmocka_unit_test(test_fewer_destinations),
		cmocka_unit_test(test_limits),	      cmocka_unit_test(test_device_comes_back),
		cmocka_unit_test(test_sweep),	      cmocka_unit_test(test_restart),
		cmocka_unit_test(test_no_device),     cmocka_unit_test(test_gate),
		cmocka_unit_test(test_gate_lost),     cmocka_unit_test(test_gate_dense),
		cmocka_unit_test(test_gate_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
