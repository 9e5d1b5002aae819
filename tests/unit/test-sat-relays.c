/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A satellite that sees no station, and its neighbour that does, in one kernel in memory: which way
 * frames take, by the plan that both read.
 *
 *	acc1 [ s1 ] fa == core a        acc2 [ s2 ] fb == core b
 *	          isl1 =============== isl2         fc == core c, for frames of s1
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel_fake.h"
#include "log.h"
#include "plan_rows.h"
#include "sat-forwarder/relays.h"
#include "sat-forwarder/show.h"

#define SEC USEC_PER_SEC

static struct {
	struct kernel *kernel;
	struct instant at;
	struct config one_config, two_config;
	struct satellite one, two;
	char plan[64], faults[4096];
} w;

struct instant show_instant(void)
{
	return w.at;
}

static void collect(void *arg, const char *message)
{
	size_t n = strlen(w.faults);

	(void)arg;
	snprintf(w.faults + n, sizeof(w.faults) - n, "%s\n", message);
}

static int configure(struct config *config, const char *text)
{
	char with_plan[2048];

	snprintf(with_plan, sizeof(with_plan), "%s association = { file = \"%s\"; };", text,
		 w.plan);
	w.faults[0] = '\0';
	return conf_load_text(&config_schema, "c", with_plan, strlen(with_plan), config, collect,
			      NULL);
}

static const char one_text[] = "satellite = { name = \"s1\"; access = \"acc1\"; };"
			       "feeders = ( { core = \"a\"; interface = \"fa\"; }, { via = \"s2\"; "
			       "interface = \"isl1\"; } );";
static const char two_text[] =
	"satellite = { name = \"s2\"; access = \"acc2\"; index = 2; };"
	"feeders = ( { core = \"b\"; interface = \"fb\"; } );"
	"relays = ( { satellite = \"s1\"; interface = \"isl2\"; index = 3;"
	"             feeders = ( { core = \"c\"; station = \"gc\"; interface = \"fc\"; } ); } );";

static void plan(const char *rows)
{
	plan_rows_write(w.plan, rows, true);
}

#define PLAN                                                                                       \
	"0,10,s1,a,, 10,20,s1,c,gc,s2 20,30,s1,a,, "                                               \
	"0,30,s2,b,,"

static int setup(void **state)
{
	static const char *const links[] = {"acc1", "acc2", "fa", "fb", "fc", "isl1", "isl2"};
	int fd;

	(void)state;
	memset(&w, 0, sizeof(w));
	log_set_level(LOG_LEVEL_ERROR);
	kernel_fake_reset();
	assert_int_equal(kernel_open(&w.kernel), 0);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		kernel_fake_link(links[i], NULL);
	w.at = (struct instant){1000 * SEC, NOON * SEC};
	strcpy(w.plan, "/tmp/sno-relays-XXXXXX");
	fd = mkstemp(w.plan);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kernel_close(w.kernel);
	assert_int_equal(kernel_fake_open_count(), 0);
	kernel_fake_reset();
	return unlink(w.plan);
}

static void start(void)
{
	plan(PLAN);
	if (configure(&w.one_config, one_text) || configure(&w.two_config, two_text))
		fail_msg("%s", w.faults);
	assert_int_equal(satellite_open(&w.one, &w.one_config, w.kernel, NULL, w.at), 0);
	assert_int_equal(satellite_open(&w.two, &w.two_config, w.kernel, NULL, w.at), 0);
}

static void stop(void)
{
	satellite_close(&w.one);
	satellite_close(&w.two);
	conf_free(&config_schema, &w.one_config);
	conf_free(&config_schema, &w.two_config);
}

static usec_t due(const struct satellite *s)
{
	usec_t wall = satellite_next_wall(s, w.at.wall), next = satellite_next(s);

	return usec_min(next, wall == USEC_NEVER ? wall : w.at.now + wall - w.at.wall);
}

static void pass(usec_t duration)
{
	usec_t end = w.at.now + duration, next;

	while (w.at.now < end) {
		next = usec_min(end, usec_min(due(&w.one), due(&w.two)));
		w.at.wall += next - w.at.now;
		w.at.now = next;
		satellite_update(&w.one, w.at);
		satellite_update(&w.two, w.at);
	}
}

/* Frames that come in on this interface leave on that one; NULL: nowhere. */
static void assert_way(const char *from, const char *to)
{
	char text[64];
	bool found = false;

	for (unsigned int action = 83002; action <= 83007; action++) {
		snprintf(text, sizeof(text), "redirect %u dev %s", action, to ? to : "");
		if (to && !kernel_fake_count(text))
			continue;
		for (unsigned int priority = 8301; priority <= 8303; priority++) {
			snprintf(text, sizeof(text), "filter %s priority %u action %u", from,
				 priority, action);
			found |= kernel_fake_count(text) > 0;
		}
	}
	if (found != (to != NULL))
		fail_msg("frames of %s do not go to %s", from, to ? to : "nowhere");
}

static void a_neighbour_lets_frames_pass(void **state)
{
	(void)state;
	start();
	assert_way("acc1", "fa");
	assert_way("acc2", "fb");
	assert_way("isl2", NULL);
	assert_way("fc", NULL);
	/* The relay is there when the first frame comes, by whatever clock. */
	pass(10 * SEC - SEC / 10);
	assert_way("isl2", "fc");
	assert_way("isl1", NULL);
	assert_way("acc1", "fa");
	pass(SEC / 10);
	/* All the way there and back, and that of the neighbour's own users beside it. */
	assert_way("acc1", "isl1");
	assert_way("isl2", "fc");
	assert_way("fc", "isl2");
	assert_way("isl1", "acc1");
	assert_way("acc2", "fb");
	assert_way("fb", "acc2");
	assert_string_equal(w.one.served.core, "c");
	assert_string_equal(w.one.served.station, "gc");
	assert_string_equal(w.one.served.via, "s2");
	assert_int_equal(w.two.counters.by_plan, 0);
	assert_int_equal(w.two.relays[0].satellite.counters.by_plan, 1);
	pass(10 * SEC);
	pass(SEC);
	assert_way("acc1", "fa");
	assert_way("isl2", NULL);
	assert_way("isl1", NULL);
	assert_way("fc", NULL);
	stop();
}

/* The neighbour does not switch, the satellite beyond it says what has changed. */
static void another_core_over_the_same_neighbour_is_another_association(void **state)
{
	const char *text =
		"satellite = { name = \"s2\"; access = \"acc2\"; index = 2; };"
		"feeders = ( { core = \"b\"; interface = \"fb\"; } );"
		"relays = ( { satellite = \"s1\"; interface = \"isl2\"; index = 3; feeders = ("
		"  { core = \"c\"; interface = \"fc\"; }, { core = \"d\"; interface = \"fa\"; } ); "
		"} );";

	(void)state;
	plan("0,10,s1,c,gc,s2 10,20,s1,d,gd,s2 0,30,s2,b,,");
	assert_int_equal(configure(&w.one_config, one_text), 0);
	assert_int_equal(configure(&w.two_config, text), 0);
	assert_int_equal(satellite_open(&w.one, &w.one_config, w.kernel, NULL, w.at), 0);
	assert_int_equal(satellite_open(&w.two, &w.two_config, w.kernel, NULL, w.at), 0);
	assert_way("isl2", "fc");
	pass(10 * SEC);
	assert_way("acc1", "isl1");
	assert_way("isl2", "fa");
	assert_string_equal(w.one.served.core, "d");
	assert_int_equal(w.one.counters.by_plan, 1);
	stop();
}

/* Over the sea a satellite may have no users of its own to serve, and be of use all the same. */
static void a_neighbour_may_do_nothing_else(void **state)
{
	char why[SATELLITE_WHY];

	(void)state;
	plan("0,10,s1,c,gc,s2");
	assert_int_equal(configure(&w.one_config, one_text), 0);
	assert_int_equal(configure(&w.two_config, two_text), 0);
	assert_int_equal(satellite_open(&w.one, &w.one_config, w.kernel, NULL, w.at), 0);
	assert_int_equal(satellite_open(&w.two, &w.two_config, w.kernel, NULL, w.at), 0);
	assert_way("acc1", "isl1");
	assert_way("isl2", "fc");
	assert_way("acc2", NULL);
	/* A file that has nothing for it at all is one for somebody else. */
	plan("0,20,s1,a,,");
	assert_int_equal(satellite_reread(&w.two, w.at, why), -EINVAL);
	assert_non_null(strstr(why, "no association of satellite s2"));
	assert_way("isl2", "fc");
	plan("0,20,s1,c,gc,s2");
	assert_int_equal(satellite_reread(&w.two, w.at, why), 0);
	pass(12 * SEC);
	assert_way("isl2", "fc");
	stop();
}

static void a_reload_takes_relays_along(void **state)
{
	char why[SATELLITE_WHY];

	(void)state;
	start();
	pass(10 * SEC);
	/* Both plans, or none: here the one of the relay names a core to which it has no feeder. */
	plan("0,30,s2,b,, 0,20,s1,c,gc,s2 20,30,s1,z,gz,s2");
	assert_int_equal(satellite_reread(&w.two, w.at, why), -EINVAL);
	assert_non_null(strstr(why, ":4: relay of s1: no feeder leads to core z"));
	assert_way("isl2", "fc");
	/* One that agrees with the present changes nothing. */
	plan("0,40,s2,b,, 0,25,s1,c,gc,s2");
	kernel_fake_log_clear();
	assert_int_equal(satellite_reread(&w.two, w.at, why), 0);
	assert_int_equal(kernel_fake_log_find("filter", 0), 0);
	assert_int_equal(kernel_fake_log_find("redirect", 0), 0);
	pass(14 * SEC);
	assert_way("isl2", "fc");
	pass(2 * SEC);
	assert_way("isl2", NULL);
	stop();
}

static void assert_refused(const char *text, const char *what)
{
	struct config config;

	plan(PLAN);
	assert_int_equal(configure(&config, text), -EINVAL);
	if (!strstr(w.faults, what))
		fail_msg("%s", w.faults);
}

static void what_cannot_work_is_refused(void **state)
{
	(void)state;
	assert_refused("satellite = { name = \"s1\"; access = \"acc1\"; };"
		       "feeders = ( { core = \"a\"; interface = \"fa\"; } );",
		       ":3: no feeder leads to satellite s2");
	assert_refused("satellite = { name = \"s2\"; access = \"acc2\"; };"
		       "feeders = ( { core = \"b\"; via = \"s1\"; interface = \"fb\"; } );",
		       "needs a core, over a station or over any, or else via a neighbour");
	assert_refused("satellite = { name = \"s2\"; access = \"acc2\"; };"
		       "feeders = ( { via = \"s2\"; interface = \"fb\"; } );",
		       "via s2, which is this satellite itself");
	/* A relay leads to the ground. */
	assert_refused("satellite = { name = \"s2\"; access = \"acc2\"; };"
		       "feeders = ( { core = \"b\"; interface = \"fb\"; } );"
		       "relays = ( { satellite = \"s1\"; interface = \"isl2\"; index = 3;"
		       "  feeders = ( { via = \"s3\"; interface = \"fc\"; } ); } );",
		       "unknown key relays[0].feeders[0].via");
	assert_refused("satellite = { name = \"s2\"; access = \"acc2\"; index = 3; };"
		       "feeders = ( { core = \"b\"; interface = \"fb\"; } );"
		       "relays = ( { satellite = \"s1\"; interface = \"isl2\"; index = 3;"
		       "  feeders = ( { core = \"c\"; interface = \"fc\"; } ); } );",
		       "index 3 is that of s2 too");
	assert_refused("satellite = { name = \"s2\"; access = \"acc2\"; };"
		       "feeders = ( { core = \"b\"; interface = \"fb\"; } );"
		       "relays = ( { satellite = \"s1\"; interface = \"isl2\"; index = 3;"
		       "  feeders = ( { core = \"b\"; interface = \"fb\"; } ); } );",
		       "fb is in use for s2: a relay needs interfaces of its own");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_neighbour_lets_frames_pass),
		TEST(another_core_over_the_same_neighbour_is_another_association),
		TEST(a_neighbour_may_do_nothing_else),
		TEST(a_reload_takes_relays_along),
		TEST(what_cannot_work_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
