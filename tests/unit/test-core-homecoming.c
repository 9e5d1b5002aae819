/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A core that is prepared for its own subscriber, who comes home (preparation.h, arrival.h): as
 * serving core and as home core at once.
 */
#include "core-agent/preparation.h"
#include "core-agent/session.h"
#include "kernel_fake.h"
#include "otto.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NARROWED WORLD_POOLS " handover = { mode = \"proactive\"; };"

static struct session *session(const struct world *w)
{
	return session_find(&w->core, "otto@b.example");
}

/* He leaves A for his home, by satellite s1; LINK_LAYER as he tells it. */
static void leave(struct world *w, uint64_t number, const struct lladdr *mac)
{
	struct addr link_local = lladdr_link_local(mac);
	struct message m;

	otto_move(&m, MESSAGE_CORE_DISCONNECT, number, "b.example");
	message_set_text(&m, ATTR_NEXT_SATELLITE, "s1");
	message_set_link_layer(&m, mac);
	message_set_addr(&m, ATTR_LINK_LOCAL, &link_local);
	message_set_number(&m, ATTR_MTU, 1400);
	otto_says(w, &m);
	world_run(w, 50 * MS);
	assert_int_equal(otto_told(w, MESSAGE_DISCONNECTION_ACK)->reason, REASON_ACCEPTED);
}

static void come(struct world *w, uint64_t number, const char *satellite)
{
	memcpy(w->otto.root, otto(w)->root.key, KEY_LENGTH);
	snprintf(w->otto.target, sizeof(w->otto.target), "b.example");
	w->otto.number = number;
	terminal_register(w, &w->otto, satellite);
}

static void assert_home(struct world *w)
{
	assert_true(w->otto.done);
	assert_int_equal(otto_binding(w)->state, BINDING_HOME);
	assert_int_equal(session(w)->state, SESSION_REGISTERED);
	assert_int_equal(kernel_fake_count(OTTO_HOME), 1);
	otto_clean(w);
}

/* Nothing is held, but all is led to his next link: when he comes the kernel has nothing to do. */
static void test_proactive(void **state)
{
	struct world *w = otto_world(NARROWED);

	(void)state;
	otto_visit(w, FAR_A);
	leave(w, 1, &w->otto.mac);
	assert_int_equal(kernel_fake_count(OTTO_HOME), 1);
	assert_int_equal(otto_binding(w)->state, BINDING_VISITING);
	kernel_fake_log_clear();
	come(w, 1, "s1");
	assert_home(w);
	assert_int_equal(kernel_fake_calls(), 0);
	assert_int_equal(w->otto.registration.mode, MODE_PROACTIVE);
	assert_int_equal(w->otto.registration.mtu, 1400);
	world_free(w);
}

/* His next link is another terminal's: nothing is led there before he comes, with another one. */
static void test_link_of_another(void **state)
{
	for (int before = 0; before < 2; before++) {
		struct world *w = otto_world(NARROWED);

		(void)state;
		otto_visit(w, FAR_A);
		if (before)
			terminal_register(w, &w->tina, "s2");
		leave(w, 1, &w->tina.mac);
		if (!before) {
			assert_int_equal(kernel_fake_count("10.2.0.9/32 table 254 metric 132105 "
							   "via fe80::ff:fe00:101"),
					 1);
			terminal_register(w, &w->tina, "s2");
		}
		assert_true(w->tina.done);
		assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s2"),
				 1);
		assert_int_equal(kernel_fake_count("10.2.0.9/32 table 254 metric 132105 via"), 0);
		come(w, 1, "s1");
		assert_home(w);
		assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s2"),
				 1);
		world_free(w);
	}
}

/* The satellite goes: he comes by another one. */
static void test_satellite_removed(void **state)
{
	const struct world_text less = {.satellites = "{ name = \"s2\"; interface = \"feed-s2\"; }",
					.pools = NARROWED};
	struct world *w = otto_world(NARROWED);

	(void)state;
	otto_visit(w, FAR_A);
	leave(w, 1, &w->otto.mac);
	assert_int_equal(kernel_fake_count(OTTO_HOME), 1);
	assert_int_equal(world_reload(w, &less), 0);
	assert_int_equal(kernel_fake_count(OTTO_HOME), 0);
	come(w, 1, "s2");
	assert_home(w);
	world_free(w);
}

static void replace_port(struct world *w)
{
	struct kernel_link link;

	assert_int_equal(kernel_link_get(w->kernel, w->port1, &link), 0);
	satellite_link(&w->core, &link, true, w->now);
	assert_int_equal(kernel_link_delete(w->kernel, w->port1), 0);
	w->port1 = kernel_fake_link("feed-s1", NULL);
	assert_int_equal(kernel_link_get(w->kernel, w->port1, &link), 0);
	satellite_link(&w->core, &link, false, w->now);
}

/* The satellite's interface is made again: what leads there ahead leads to the new one. */
static void test_port_replaced(void **state)
{
	struct world *w = otto_world(NARROWED);

	(void)state;
	otto_visit(w, FAR_A);
	leave(w, 1, &w->otto.mac);
	replace_port(w);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:02 sno-acc port feed-s1"), 1);
	come(w, 1, "s1");
	assert_home(w);
	world_free(w);
}

/* ... unless the kernel does not let it: then nowhere, until he comes. */
static void test_port_refused(void **state)
{
	struct world *w = otto_world(NARROWED);

	(void)state;
	otto_visit(w, FAR_A);
	leave(w, 1, &w->otto.mac);
	kernel_fake_fail_on("fdb replace", -ENOSPC);
	replace_port(w);
	kernel_fake_fail_on(NULL, 0);
	assert_int_equal(kernel_fake_count(OTTO_HOME), 0);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:02"), 0);
	come(w, 1, "s1");
	assert_home(w);
	world_free(w);
}

/*
 * He proves himself, but with a counter that was accepted before: he is registered, his home core
 * does not believe it, and he hears that he is to register anew.
 */
static void test_counter_spent(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	otto_visit(w, FAR_A);
	leave(w, 1, &w->otto.mac);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	w->otto.counter--;
	come(w, 1, "s1");
	assert_true(w->otto.done);
	assert_int_equal(session(w)->state, SESSION_RELEASED);
	assert_true(w->otto.received[MESSAGE_RELEASE] > 0);
	assert_int_equal(w->otto.last[MESSAGE_RELEASE].reason, REASON_STALE_BINDING);
	assert_int_equal(otto_binding(w)->state, BINDING_VISITING);
	/* What was held is where he is, and nobody waits for him any more. */
	assert_int_equal(kernel_fake_count(OTTO_HELD), 0);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	assert_null(otto(w)->anticipations);
	assert_int_equal(HASH_COUNT(w->core.preparations), 0);
	/* In full it works. */
	*w->otto.target = '\0';
	terminal_register(w, &w->otto, "s1");
	assert_home(w);
	world_free(w);
}

/* The kernel refuses what comes with him: he registers in full, or is told to. */
static void test_kernel_refuses(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1; n < 20; n++) {
		struct world *w = otto_world(NULL);
		bool failed;

		otto_visit(w, FAR_A);
		leave(w, 1, &w->otto.mac);
		kernel_fake_fail_at(n, -ENOBUFS);
		come(w, 1, "s1");
		failed = kernel_fake_failed();
		kernel_fake_fail_at(0, 0);
		if (w->otto.received[MESSAGE_RELEASE] > 0 || !w->otto.done) {
			*w->otto.target = '\0';
			terminal_register(w, &w->otto, "s1");
		}
		assert_home(w);
		world_free(w);
		if (!failed)
			break;
	}
	assert_true(n > 3);
}

/* A kernel that cannot hold packets: they are led to his next link ahead. */
static void test_no_hold(void **state)
{
	struct world *w = otto_world(NULL);
	struct core_io io = w->core.io;

	(void)state;
	core_close(&w->core);
	kernel_fake_fail_on("tun ", -EOPNOTSUPP);
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), 0);
	w->otto.home_epoch = w->core.epoch;
	world_run(w, 20 * SEC);
	otto_visit(w, FAR_A);
	otto_agree(w, MESSAGE_HANDOVER_ANNOUNCEMENT, 1, "b.example", MODE_PROACTIVE);
	leave(w, 2, &w->otto.mac);
	assert_int_equal(kernel_fake_count(OTTO_HOME), 1);
	come(w, 2, "s1");
	assert_home(w);
	kernel_fake_fail_on(NULL, 0);
	world_free(w);
}

/* One preparation takes the place of another, which is ended by its number when it is told so. */
static void test_number(void **state)
{
	struct world *w = otto_world(NULL);
	uint8_t key[KEY_LENGTH] = {1}, other[KEY_LENGTH] = {2}, tag[HANDOVER_TAG];
	struct preparation_order order = {.binding = 1, .handover_key = key, .satellite = ""};
	struct path until;

	(void)state;
	assert_int_equal(preparation_begin(otto(w), &order, &until), REASON_ACCEPTED);
	assert_int_equal(until.kind, PATH_NONE);
	order.binding = 2;
	order.handover_key = other;
	order.hold = true;
	assert_int_equal(preparation_begin(otto(w), &order, &until), REASON_ACCEPTED);
	assert_int_equal(until.kind, PATH_HOLD);
	assert_int_equal(HASH_COUNT(w->core.preparations), 1);
	handover_tag(tag, key);
	assert_null(preparation_by_tag(&w->core, tag));
	preparation_end(otto(w), 1);
	handover_tag(tag, other);
	assert_non_null(preparation_by_tag(&w->core, tag));
	preparation_end(otto(w), 2);
	assert_null(preparation_by_tag(&w->core, tag));
	assert_int_equal(HASH_COUNT(w->core.preparations), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proactive),
		cmocka_unit_test(test_link_of_another),
		cmocka_unit_test(test_satellite_removed),
		cmocka_unit_test(test_port_replaced),
		cmocka_unit_test(test_port_refused),
		cmocka_unit_test(test_counter_spent),
		cmocka_unit_test(test_kernel_refuses),
		cmocka_unit_test(test_no_hold),
		cmocka_unit_test(test_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
