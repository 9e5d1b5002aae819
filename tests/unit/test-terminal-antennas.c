/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Antennas over the kernel in memory: which of an antenna's two links has the interface, when it is
 * ready, and in which order antennas are pointed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel_fake.h"
#include "log.h"
#include "terminal-agent/config.h"
#include "terminal-agent/links.h"
#include "terminal-agent/pointing.h"

static struct {
	struct kernel *kernel;
	struct kernel_monitor *monitor;
	struct links links;
	struct pointing pointing;
	struct config config;
	struct link_config configs[2];
	unsigned int interfaces[2];
	char told[1024]; /* what has happened, in words */
	char ordered[64];
	int start_result;
	usec_t now;
} w;

static void tell(const char *what, const char *name)
{
	size_t n = strlen(w.told);

	snprintf(w.told + n, sizeof(w.told) - n, "%s%s %s", n ? ", " : "", what, name);
}

static void assert_told(const char *what)
{
	assert_string_equal(w.told, what);
	w.told[0] = '\0';
}

static int opened(void *context, struct link *link)
{
	(void)context;
	link->port = (struct port *)&w; /* any pointer: it is never followed here */
	return 0;
}

static void closed(void *context, struct link *link)
{
	(void)context;
	assert_non_null(link->port);
	tell("closed", link->interface);
}

static void ready(void *context, struct link *link, usec_t now)
{
	(void)context;
	(void)now;
	assert_non_null(link->port);
	assert_true(link->ifindex != 0 && link->prepared);
	tell("ready", link->name);
}

static void lost(void *context, struct link *link, usec_t now)
{
	(void)context;
	(void)now;
	tell("lost", link->name);
}

static void removed(void *context, struct link *link, usec_t now)
{
	(void)context;
	(void)now;
	pointing_forget(&w.pointing, link);
}

static void on_event(const struct kernel_event *event, void *arg)
{
	(void)arg;
	links_event(&w.links, event, w.now);
}

static int start(void *context, const char *antenna, const char *satellite)
{
	(void)context;
	snprintf(w.ordered, sizeof(w.ordered), "%s %s", antenna, satellite);
	tell("order", w.ordered);
	return w.start_result;
}

static void ended(void *context, struct link *link, int error)
{
	(void)context;
	tell(error ? "failed" : "pointed", link->name);
}

/* The kernel's events are read. */
static void turn(void)
{
	kernel_monitor_read(w.monitor);
}

static struct link *aimed(const char *interface)
{
	for (size_t i = 0; i < w.links.count; i++)
		if (strcmp(w.links.list[i]->interface, interface) == 0 && w.links.list[i]->aimed)
			return w.links.list[i];
	fail_msg("%s is aimed nowhere", interface);
	return NULL;
}

/* The other link of an antenna, called after a satellite. */
static struct link *called(const char *interface, const char *satellite)
{
	struct link *link = aimed(interface)->twin;

	links_rename(link, satellite);
	return link;
}

static int setup(void **state)
{
	const struct links_ops links = {opened, closed, ready, lost, removed, NULL};
	const struct pointing_ops pointing = {start, ended, NULL};

	(void)state;
	memset(&w, 0, sizeof(w));
	log_set_level(LOG_LEVEL_ERROR);
	kernel_fake_reset();
	w.now = 1000 * USEC_PER_SEC;
	w.configs[0] = (struct link_config){NULL, "sat0", "dish0"};
	w.configs[1] = (struct link_config){NULL, "sat1", "dish1"};
	w.config.links = w.configs;
	w.config.link_count = 2;
	assert_int_equal(kernel_open(&w.kernel), 0);
	assert_int_equal(kernel_monitor_open(&w.monitor, w.kernel,
					     KERNEL_WATCH_LINKS | KERNEL_WATCH_ADDRESSES, 0,
					     on_event, NULL),
			 0);
	w.interfaces[0] = kernel_fake_link("sat0", NULL);
	w.interfaces[1] = kernel_fake_link("sat1", NULL);
	for (int i = 0; i < 2; i++) {
		kernel_link_set_up(w.kernel, w.interfaces[i], true);
		kernel_fake_carrier(w.interfaces[i], true);
	}
	links_init(&w.links, w.kernel, &links);
	pointing_init(&w.pointing, &w.links, &pointing);
	assert_int_equal(links_configure(&w.links, &w.config, w.now), 0);
	assert_int_equal(w.links.count, 4);
	assert_int_equal(kernel_monitor_resync(w.monitor), 0);
	turn();
	assert_told("ready dish0, ready dish1");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	links_free(&w.links);
	kernel_monitor_close(w.monitor);
	kernel_close(w.kernel);
	assert_int_equal(kernel_fake_open_count(), 0);
	kernel_fake_reset();
	return 0;
}

/* What is known of it before it is pointed there, so that it can be announced. */
static void the_next_link_is_known_ahead(void **state)
{
	struct link *is = aimed("sat0"), *next = called("sat0", "s2");

	(void)state;
	assert_true(next->prepared);
	assert_true(lladdr_equal(&next->mac, &is->mac));
	assert_true(addr_equal(&next->address, &is->address));
	assert_int_equal(next->mtu, is->mtu);
	assert_false(next->ready);
	assert_int_equal(next->ifindex, 0);
	assert_ptr_equal(links_find(&w.links, "s2"), next);
	assert_ptr_equal(links_by_index(&w.links, w.interfaces[0]), is);
}

/* The carrier goes and comes back: that is the new satellite, whatever the program says. */
static void a_carrier_that_returns_is_the_next_one(void **state)
{
	struct link *next = called("sat0", "s2");

	(void)state;
	assert_int_equal(pointing_order(&w.pointing, next, w.now), 0);
	assert_told("lost dish0, order dish0 s2");
	assert_ptr_equal(links_by_index(&w.links, w.interfaces[0]), next);
	turn();
	assert_told("");
	kernel_fake_carrier(w.interfaces[0], false);
	turn();
	assert_told("");
	kernel_fake_carrier(w.interfaces[0], true);
	turn();
	assert_told("ready s2");
	pointing_ended(&w.pointing, 0, w.now);
	assert_told("pointed s2");
}

/* The kernel may be late with the news of a loss; then the program's word counts. */
static void the_program_tells_where_no_carrier_does(void **state)
{
	struct link *next = called("sat0", "s2");

	(void)state;
	pointing_order(&w.pointing, next, w.now);
	assert_told("lost dish0, order dish0 s2");
	pointing_ended(&w.pointing, 0, w.now);
	assert_told("ready s2, pointed s2");
	/* But no carrier is no carrier. */
	next = called("sat0", "s3");
	pointing_order(&w.pointing, next, w.now);
	kernel_fake_carrier(w.interfaces[0], false);
	pointing_ended(&w.pointing, 0, w.now);
	assert_told("lost s2, order dish0 s3, pointed s3");
	turn();
	kernel_fake_carrier(w.interfaces[0], true);
	turn();
	assert_told("ready s3");
}

static void a_failure_is_told(void **state)
{
	struct link *next = called("sat0", "s2");

	(void)state;
	pointing_order(&w.pointing, next, w.now);
	pointing_ended(&w.pointing, -EIO, w.now);
	assert_told("lost dish0, order dish0 s2, failed s2");
	assert_false(next->ready);
	w.start_result = -ENOENT;
	assert_int_equal(pointing_order(&w.pointing, next, w.now), -ENOENT);
	assert_told("order dish0 s2");
	assert_false(w.pointing.busy);
}

/* The program does one thing at a time; until its turn comes an antenna stays where it is. */
static void orders_wait_for_each_other(void **state)
{
	struct link *one = called("sat0", "s2"), *two = called("sat1", "s3");

	(void)state;
	assert_int_equal(pointing_order(&w.pointing, one, w.now), 0);
	assert_int_equal(pointing_order(&w.pointing, one, w.now), 0);
	assert_int_equal(pointing_order(&w.pointing, two, w.now), 0);
	assert_told("lost dish0, order dish0 s2");
	assert_true(aimed("sat1")->ready);
	pointing_ended(&w.pointing, 0, w.now);
	assert_told("ready s2, pointed s2, lost dish1, order dish1 s3");
	pointing_ended(&w.pointing, 0, w.now);
	assert_told("ready s3, pointed s3");
	assert_false(w.pointing.busy);
}

/* An interface that goes and comes back is still that of the satellite. */
static void the_interface_stays_with_the_satellite(void **state)
{
	struct link *next = called("sat0", "s2");

	(void)state;
	pointing_order(&w.pointing, next, w.now);
	pointing_ended(&w.pointing, 0, w.now);
	assert_told("lost dish0, order dish0 s2, ready s2, pointed s2");
	kernel_link_delete(w.kernel, w.interfaces[0]);
	turn();
	assert_told("lost s2, closed sat0");
	w.interfaces[0] = kernel_fake_link("sat0", NULL);
	kernel_link_set_up(w.kernel, w.interfaces[0], true);
	kernel_fake_carrier(w.interfaces[0], true);
	turn();
	assert_told("ready s2");
}

static void a_reload_keeps_what_stays(void **state)
{
	struct link *next = called("sat0", "s2");

	(void)state;
	pointing_order(&w.pointing, next, w.now);
	pointing_ended(&w.pointing, 0, w.now);
	assert_told("lost dish0, order dish0 s2, ready s2, pointed s2");
	w.config.link_count = 1;
	assert_int_equal(links_configure(&w.links, &w.config, w.now), 0);
	assert_told("lost dish1, closed sat1");
	assert_int_equal(w.links.count, 2);
	assert_ptr_equal(aimed("sat0"), next);
	assert_string_equal(next->name, "s2");
	/* A link to one satellite in place of the antenna. */
	w.configs[0] = (struct link_config){"s7", "sat0", NULL};
	assert_int_equal(links_configure(&w.links, &w.config, w.now), 0);
	assert_told("lost s2, closed sat0");
	assert_int_equal(w.links.count, 1);
	assert_int_equal(kernel_monitor_resync(w.monitor), 0);
	turn();
	assert_told("ready s7");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_next_link_is_known_ahead),
		TEST(a_carrier_that_returns_is_the_next_one),
		TEST(the_program_tells_where_no_carrier_does),
		TEST(a_failure_is_told),
		TEST(orders_wait_for_each_other),
		TEST(the_interface_stays_with_the_satellite),
		TEST(a_reload_keeps_what_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
