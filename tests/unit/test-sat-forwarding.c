/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The satellite against the kernel in memory, in virtual time: every transition, with every single
 * kernel call of it refused in turn.
 *
 * What a frame would meet is read off the kernel's tables: the way up exists when the access side's
 * filter refers to the up action and that leads to a feeder; a core can reach terminals when its
 * feeder has a filter to the down action.
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
#include "sat-forwarder/satellite.h"
#include "sat-forwarder/show.h"

#define SEC USEC_PER_SEC
#define A   "{ core = \"a\"; station = \"ga\"; interface = \"fa\"; }"
#define A2  "{ core = \"a\"; station = \"ga2\"; interface = \"fa2\"; }"
#define B   "{ core = \"b\"; station = \"gb\"; interface = \"fb\"; }"
#define TUNNEL                                                                                     \
	"{ core = \"c\"; station = \"gc\"; gretap = { local = \"192.0.2.1\"; remote = "            \
	"\"192.0.2.9\"; key = 7; }; }"
#define FEEDERS(list) "feeders = ( " list " );"
#define SATELLITE     "satellite = { name = \"s1\"; access = \"acc0\"; };"
#define ON_A	      SATELLITE FEEDERS(A ", " B) "association = { core = \"a\"; };"
#define ON_B	      SATELLITE FEEDERS(A ", " B) "association = { core = \"b\"; };"
#define ON_NONE	      SATELLITE FEEDERS(A ", " B)

/* ---- a satellite in its world ------------------------------------------------------------------
 */

static struct {
	struct kernel *kernel;
	struct kernel_monitor *monitor;
	struct config config;
	struct satellite satellite;
	struct control *control;
	struct instant at;
	char dir[64], plan[80], order[80];
	char faults[4096];
	bool running;
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
	w.faults[0] = '\0';
	return conf_load_text(&config_schema, "c", text, strlen(text), config, collect, NULL);
}

static void on_event(const struct kernel_event *event, void *arg)
{
	(void)arg;
	if (w.running)
		satellite_event(&w.satellite, event, w.at);
}

/* Starts the daemon, as after a start of the machine or after a crash. */
static void start(const char *text)
{
	if (configure(&w.config, text))
		fail_msg("%s", w.faults);
	assert_int_equal(satellite_open(&w.satellite, &w.config, w.kernel, w.order, w.at), 0);
	w.satellite.control = w.control;
	w.running = true;
	kernel_monitor_read(w.monitor);
}

/* SIGKILL: nothing is taken down. */
static void crash(void)
{
	satellite_close(&w.satellite);
	conf_free(&config_schema, &w.config);
	w.running = false;
}

/* What the event loop does when it wakes up. */
static void wake(void)
{
	kernel_monitor_read(w.monitor);
	satellite_update(&w.satellite, w.at);
	kernel_monitor_read(w.monitor);
}

/* Lets time pass, waking up whenever something is due. */
static void pass(usec_t duration)
{
	usec_t end = w.at.now + duration, due, step;
	unsigned int wakes = 0;

	wake();
	while (w.at.now < end) {
		due = usec_min(satellite_next(&w.satellite), end);
		step = satellite_next_wall(&w.satellite, w.at.wall);
		if (step != USEC_NEVER)
			due = usec_min(due, w.at.now + step - w.at.wall);
		assert_true(due > w.at.now || ++wakes < 100);
		w.at.wall += due - w.at.now;
		w.at.now = due;
		wake();
	}
}

static void reload(const char *text, int expected)
{
	struct config fresh;
	char why[SATELLITE_WHY];

	assert_int_equal(configure(&fresh, text), 0);
	assert_int_equal(satellite_reconfigure(&w.satellite, &fresh, w.at, why), expected);
	/* As daemon_reload() does. */
	w.satellite.config = &w.config;
	if (expected) {
		conf_free(&config_schema, &fresh);
	} else {
		conf_free(&config_schema, &w.config);
		w.config = fresh;
	}
}

static int order(const char *core, const char *station)
{
	char why[SATELLITE_WHY];

	return satellite_order(&w.satellite, core, station, w.at, why);
}

static void plan(const char *rows)
{
	plan_rows_write(w.plan, rows, false);
}

/* A configuration with that plan. */
static const char *planned(const char *feeders, const char *association)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 SATELLITE "feeders = ( %s ); association = { %s file = \"%s\"; };", feeders,
		 association, w.plan);
	return text;
}

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	log_set_level(LOG_LEVEL_ERROR);
	kernel_fake_reset();
	assert_int_equal(kernel_open(&w.kernel), 0);
	assert_int_equal(
		kernel_monitor_open(&w.monitor, w.kernel, KERNEL_WATCH_LINKS, 0, on_event, NULL),
		0);
	w.at = (struct instant){1000 * SEC, NOON * SEC};
	w.control = control_detached(show_commands, &w.satellite);
	strcpy(w.dir, "/tmp/sno-sat-XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	snprintf(w.plan, sizeof(w.plan), "%s/plan", w.dir);
	snprintf(w.order, sizeof(w.order), "%s/order", w.dir);
	kernel_fake_link("acc0", "bridge");
	kernel_fake_link("fa", NULL);
	kernel_fake_link("fb", NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (w.running)
		crash();
	control_close(w.control);
	kernel_monitor_close(w.monitor);
	kernel_close(w.kernel);
	assert_int_equal(kernel_fake_open_count(), 0);
	kernel_fake_reset();
	unlink(w.plan);
	unlink(w.order);
	return rmdir(w.dir);
}

/* ---- what a frame would meet -------------------------------------------------------------------
 */

/* Frames of terminals leave on this feeder; NULL: they are dropped. */
static void assert_up(const char *feeder)
{
	char line[64];

	assert_int_equal(kernel_fake_count("filter acc0 priority 8301"), feeder ? 1 : 0);
	if (!feeder)
		return;
	assert_int_equal(kernel_fake_count("filter acc0 priority 8301 action 83002"), 1);
	snprintf(line, sizeof(line), "redirect 83002 dev %s", feeder);
	assert_int_equal(kernel_fake_count(line), 1);
}

/* Frames from this feeder reach terminals. */
static void assert_down(const char *feeder, bool reaches)
{
	char line[64];

	snprintf(line, sizeof(line), "filter %s priority 8301 action 83003", feeder);
	assert_int_equal(kernel_fake_count(line), reaches);
	if (reaches)
		assert_int_equal(kernel_fake_count("redirect 83003 dev acc0"), 1);
}

static void assert_serves(const char *feeder)
{
	static const char *const all[] = {"fa", "fb", "fa2"};

	assert_up(feeder);
	for (size_t i = 0; i < 3; i++)
		assert_down(all[i], feeder && strcmp(all[i], feeder) == 0);
}

/* The position of a change in the log; it must be there. */
static unsigned int when(const char *text)
{
	unsigned int position = kernel_fake_log_find(text, 0);

	if (!position)
		fail_msg("no \"%s\" in:\n%s", text, kernel_fake_log());
	return position;
}

static bool nothing_touched(void)
{
	return !kernel_fake_log_find("redirect", 0) && !kernel_fake_log_find("filter", 0) &&
	       !kernel_fake_log_find("link", 0);
}

/* ---- association -------------------------------------------------------------------------------
 */

static void start_sets_up_and_serves(void **state)
{
	(void)state;
	start(ON_A);
	assert_serves("fa");
	assert_true(forwarding_passes(&w.satellite.forwarding));
	/* Make before break: nothing enters before its way out is there. */
	assert_true(when("redirect replace 83003 dev acc0") < when("filter replace fa"));
	assert_true(when("filter replace fa") < when("redirect replace 83002 dev fa"));
	assert_true(when("redirect replace 83002 dev fa") < when("filter replace acc0"));
	assert_int_equal(kernel_fake_count("promisc"), 3);
	assert_int_equal(kernel_fake_count("clsact"), 3);
}

static void order_switches_and_drains(void **state)
{
	(void)state;
	start(ON_A);
	kernel_fake_log_clear();
	assert_int_equal(order("b", NULL), 0);
	assert_true(when("filter replace fb") < when("redirect replace 83002 dev fb"));
	assert_int_equal(kernel_fake_calls(), 2);
	assert_up("fb");
	assert_down("fb", true);
	assert_down("fa", true); /* in flight */
	pass(199 * USEC_PER_MSEC);
	assert_down("fa", true);
	pass(2 * USEC_PER_MSEC);
	assert_serves("fb");
	assert_int_equal(kernel_fake_calls(), 3);
	/* Back within the drain: the filter stays. */
	assert_int_equal(order("a", NULL), 0);
	assert_int_equal(order("b", NULL), 0);
	pass(SEC);
	assert_serves("fb");
	pass(3600 * SEC);
	assert_serves("fb");
}

static void without_drain_the_old_core_is_cut_at_once(void **state)
{
	(void)state;
	start(ON_A "timers = { drain = 0.0; };");
	assert_int_equal(order("b", NULL), 0);
	assert_serves("fb");
}

static void no_association_drops(void **state)
{
	(void)state;
	start(ON_NONE);
	pass(SEC);
	assert_serves(NULL);
	assert_int_equal(kernel_fake_count("redirect"), 0);
	assert_int_equal(order("a", NULL), 0);
	assert_serves("fa");
	assert_true(satellite_resume(&w.satellite, w.at));
	assert_up(NULL);
	pass(SEC);
	assert_serves(NULL);
	assert_int_equal(kernel_fake_count("redirect"), 0);
	assert_false(satellite_resume(&w.satellite, w.at));
}

static void wrong_orders_change_nothing(void **state)
{
	char before[8192];

	(void)state;
	start(ON_A);
	snprintf(before, sizeof(before), "%s", kernel_fake_dump());
	assert_int_equal(order("z", NULL), -ENOENT);
	assert_int_equal(order("b", "ga"), -ENOENT);
	assert_int_equal(kernel_link_delete(w.kernel, 4), 0); /* fb */
	wake();
	assert_int_equal(order("b", NULL), -ENODEV);
	assert_serves("fa");
	assert_int_equal(access(w.order, F_OK), -1);
}

static void order_without_station_takes_a_feeder_that_passes(void **state)
{
	unsigned int fa2 = kernel_fake_link("fa2", NULL);

	(void)state;
	start(SATELLITE FEEDERS(A ", " A2 ", " B) "association = { core = \"b\"; };");
	pass(SEC);
	assert_int_equal(order("a", NULL), 0);
	pass(SEC);
	assert_serves("fa");
	assert_int_equal(order("a", "ga2"), 0);
	pass(SEC);
	assert_serves("fa2");
	kernel_fake_carrier(fa2, false);
	wake();
	assert_int_equal(order("a", NULL), 0);
	pass(SEC);
	assert_serves("fa");
}

/* ---- refusals ----------------------------------------------------------------------------------
 */

static int order_b(void)
{
	return order("b", NULL);
}

static int reload_with_new_feeder(void)
{
	struct config fresh;
	char why[SATELLITE_WHY];
	int err;

	assert_int_equal(
		configure(&fresh,
			  SATELLITE FEEDERS(A ", " A2
					      ", " TUNNEL) "association = { core = \"c\"; };"),
		0);
	err = satellite_reconfigure(&w.satellite, &fresh, w.at, why);
	w.satellite.config = &w.config;
	if (err) {
		conf_free(&config_schema, &fresh);
	} else {
		conf_free(&config_schema, &w.config);
		w.config = fresh;
	}
	return err;
}

/*
 * The state, but for clsacts (who made one is not known, so an empty one stays), and for the
 * address of a tunnel, which was made anew.
 */
static const char *state_now(void)
{
	static char states[2][8192];
	static unsigned int turn;
	char *to = states[turn = !turn];
	const char *from = kernel_fake_dump(), *end;

	for (; *from; from = end) {
		end = strchr(from, '\n') + 1;
		if (strncmp(from, "clsact", 6) == 0)
			continue;
		memcpy(to, from, (size_t)(end - from));
		to += end - from;
	}
	*to = '\0';
	to = strstr(states[turn], "link snof");
	to = to ? strstr(to, " mac ") : NULL;
	if (to)
		memset(to, '-', strlen(" mac 02:00:00:00:00:00"));
	return states[turn];
}

/*
 * Runs a transition again and again, refusing the nth kernel call. When it says that it failed, the
 * kernel is as it was; when it does not (what failed could wait), it comes to the same end.
 */
static void refuse_each(const char *text, int (*transition)(void), const char *end_text)
{
	char before[8192], after[8192] = "";
	unsigned int n, refused = 0;
	const struct feeder *serving;
	int err;

	for (n = 0;; n++) {
		kernel_fake_link("fa2", NULL);
		start(text);
		pass(SEC);
		snprintf(before, sizeof(before), "%s", state_now());
		serving = w.satellite.forwarding.serving;
		kernel_fake_fail_at(n, n % 2 ? -ENOMEM : -EPERM);
		err = transition();
		if (n && !kernel_fake_failed())
			break;
		kernel_fake_fail_at(0, 0);
		if (err) {
			refused++;
			assert_string_equal(state_now(), before);
			assert_ptr_equal(w.satellite.forwarding.serving, serving);
			assert_int_equal(transition(), 0);
		}
		pass(60 * SEC);
		if (n == 0)
			snprintf(after, sizeof(after), "%s", state_now());
		assert_string_equal(state_now(), after);
		assert_non_null(strstr(after, end_text));
		teardown(NULL);
		setup(NULL);
	}
	assert_true(refused >= 2);
}

static void a_refused_order_is_undone(void **state)
{
	(void)state;
	refuse_each(ON_A, order_b, "redirect 83002 dev fb");
}

static void a_refused_first_order_is_undone(void **state)
{
	(void)state;
	refuse_each(ON_NONE, order_b, "redirect 83002 dev fb");
}

static void a_refused_reload_is_undone(void **state)
{
	(void)state;
	refuse_each(ON_A, reload_with_new_feeder, "redirect 83002 dev snof1-");
}

static int end_order(void)
{
	satellite_resume(&w.satellite, w.at);
	return 0;
}

/* Nobody waits for the answer: the former association stays until it works. */
static void a_refused_switch_is_repeated(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1;; n++) {
		start(n % 2 ? ON_A : ON_NONE);
		assert_int_equal(order("b", NULL), 0);
		pass(SEC);
		kernel_fake_fail_at(n, -ENOBUFS);
		end_order();
		if (!kernel_fake_failed() && n > 4)
			break;
		if (kernel_fake_failed() && w.satellite.counters.failures)
			assert_up("fb");
		kernel_fake_fail_at(0, 0);
		pass(60 * SEC);
		assert_serves(n % 2 ? "fa" : NULL);
		teardown(NULL);
		setup(NULL);
	}
	kernel_fake_fail_at(0, 0);
}

static void a_refused_drain_is_repeated(void **state)
{
	(void)state;
	start(ON_A);
	assert_int_equal(order("b", NULL), 0);
	kernel_fake_fail_on("filter delete fa", -ENOMEM);
	pass(5 * SEC);
	assert_true(kernel_fake_failed());
	assert_up("fb");
	assert_down("fa", true);
	kernel_fake_fail_on(NULL, 0);
	pass(SEC);
	assert_serves("fb");
}

/* The start: refused once at each step it comes to the same end, refused for good it stays calm. */
static void a_refused_start_is_repeated(void **state)
{
	char want[8192];
	unsigned int n, calls;

	(void)state;
	start(ON_A);
	pass(SEC);
	snprintf(want, sizeof(want), "%s", kernel_fake_dump());
	for (n = 1;; n++) {
		teardown(NULL);
		setup(NULL);
		kernel_fake_fail_at(n, -ENOMEM);
		start(ON_A);
		if (!kernel_fake_failed())
			break;
		pass(60 * SEC);
		assert_string_equal(kernel_fake_dump(), want);
	}
	assert_true(n > 8);
	kernel_fake_fail_at(0, 0);
	teardown(NULL);
	setup(NULL);
	kernel_fake_fail_on("clsact fa", -EINVAL);
	start(ON_A);
	calls = kernel_fake_calls();
	pass(600 * SEC);
	assert_up(NULL);
	assert_int_equal(kernel_fake_count("link fa up"), 0);
	assert_true(kernel_fake_calls() - calls < 200); /* with back-off, not at each event */
	kernel_fake_fail_on(NULL, 0);
	pass(60 * SEC);
	assert_serves("fa");
}

/* ---- restart -----------------------------------------------------------------------------------
 */

static void a_restart_touches_nothing(void **state)
{
	(void)state;
	start(ON_A);
	pass(SEC);
	crash();
	kernel_fake_log_clear();
	start(ON_A);
	pass(10 * SEC);
	assert_true(nothing_touched());
	assert_serves("fa");
}

static void a_restart_finishes_what_was_begun(void **state)
{
	(void)state;
	start(ON_A);
	assert_int_equal(order("b", NULL), 0);
	crash(); /* within the drain */
	unlink(w.order);
	start(ON_B);
	assert_up("fb");
	assert_down("fa", true);
	pass(SEC);
	assert_serves("fb");
	/* Another association in the configuration: made before the old one is broken. */
	crash();
	kernel_fake_log_clear();
	start(ON_A);
	assert_true(when("filter replace fa") < when("redirect replace 83002 dev fa"));
	assert_int_equal(kernel_fake_log_find("filter delete acc0", 0), 0);
	pass(SEC);
	assert_serves("fa");
}

static void an_order_outlives_a_crash(void **state)
{
	(void)state;
	start(ON_A);
	assert_int_equal(order("b", NULL), 0);
	pass(SEC);
	crash();
	kernel_fake_log_clear();
	start(ON_A);
	pass(SEC);
	assert_true(nothing_touched());
	assert_serves("fb");
	assert_true(satellite_resume(&w.satellite, w.at));
	pass(SEC);
	assert_serves("fa");
	crash();
	start(ON_A);
	assert_serves("fa");
	/* One that no feeder can carry out is forgotten. */
	assert_int_equal(order("b", NULL), 0);
	crash();
	start(SATELLITE FEEDERS(A) "association = { core = \"a\"; };");
	pass(SEC);
	assert_serves("fa");
	assert_int_equal(access(w.order, F_OK), -1);
}

static void leftovers_are_swept(void **state)
{
	(void)state;
	start(SATELLITE FEEDERS(A ", " B ", " TUNNEL) "association = { core = \"b\"; };");
	pass(SEC);
	assert_int_equal(kernel_fake_count("gretap"), 1);
	crash();
	start(SATELLITE FEEDERS(A) "association = { core = \"a\"; };");
	pass(SEC);
	assert_serves("fa");
	assert_int_equal(kernel_fake_count("gretap"), 0);
}

static void satellites_of_one_namespace_do_not_meet(void **state)
{
	struct satellite other;
	struct config config;
	char before[8192];

	(void)state;
	kernel_fake_link("acc1", "bridge");
	kernel_fake_link("fx", NULL);
	start(ON_A);
	pass(SEC);
	snprintf(before, sizeof(before), "%s", kernel_fake_dump());
	assert_int_equal(configure(&config,
				   "satellite = { name = \"s2\"; access = \"acc1\"; index = 2; };"
				   "feeders = ( { core = \"a\"; interface = \"fx\"; }, "
				   "{ core = \"b\"; interface = \"fb\"; } );"
				   "association = { core = \"a\"; };"),
			 0);
	assert_int_equal(satellite_open(&other, &config, w.kernel, NULL, w.at), 0);
	assert_int_equal(kernel_fake_count("filter acc1 priority 8302 action 83004"), 1);
	assert_int_equal(kernel_fake_count("redirect 83004 dev fx"), 1);
	assert_serves("fa");
	/* fb serves s1 soon: then s2 cannot have it. */
	assert_int_equal(order("b", NULL), 0);
	pass(SEC);
	satellite_close(&other);
	assert_int_equal(satellite_open(&other, &config, w.kernel, NULL, w.at), 0);
	assert_int_equal(other.forwarding.feeders[1]->port.error, -EBUSY);
	assert_non_null(strstr(other.forwarding.feeders[1]->port.trouble, "index 1"));
	assert_serves("fb");
	satellite_close(&other);
	conf_free(&config_schema, &config);
}

/* ---- plans -------------------------------------------------------------------------------------
 */

static void the_plan_is_followed_to_the_instant(void **state)
{
	(void)state;
	plan("-100,10,s1,a,ga 10,20.5,s1,b,gb 30,40,s1,a,ga 40,50,s1,a,ga 0,50,s2,z,gz");
	start(planned(A ", " B, "core = \"b\";"));
	assert_serves("fa");
	pass(10 * SEC - 1);
	assert_serves("fa");
	pass(1);
	assert_up("fb");
	pass(SEC);
	assert_serves("fb");
	pass(95 * SEC / 10); /* 20.5 s: the gap */
	assert_up(NULL);
	pass(SEC);
	assert_serves(NULL);
	pass(85 * SEC / 10); /* 30 s */
	assert_serves("fa");
	kernel_fake_log_clear();
	pass(19 * SEC); /* over 40 s, where nothing is switched */
	assert_int_equal(kernel_fake_calls(), 0);
	pass(2 * SEC); /* the plan is over: the configuration's core */
	assert_serves("fb");
	assert_int_equal(w.satellite.counters.by_plan, 3);
	assert_int_equal(w.satellite.counters.by_configuration, 1);
	assert_int_equal(w.satellite.counters.latest, 0);
}

static void an_order_lasts_to_the_next_instant(void **state)
{
	(void)state;
	plan("0,10,s1,a,ga 10,20,s1,a,ga 20,30,s1,b,gb 30,40,s1,a,ga");
	start(planned(A ", " B, ""));
	pass(5 * SEC);
	assert_int_equal(order("b", NULL), 0);
	assert_int_equal(w.satellite.schedule.order.until, (NOON + 20) * SEC);
	pass(10 * SEC);
	assert_serves("fb");
	pass(6 * SEC); /* b by the plan */
	assert_false(w.satellite.schedule.order.given);
	assert_int_equal(access(w.order, F_OK), -1);
	assert_serves("fb");
	assert_int_equal(order("a", NULL), 0);
	pass(SEC);
	crash();
	start(planned(A ", " B, ""));
	assert_serves("fa");
	assert_true(w.satellite.schedule.order.given);
	crash();
	w.at.wall += 20 * SEC; /* it was over while we were away */
	w.at.now += 20 * SEC;
	start(planned(A ", " B, ""));
	assert_false(w.satellite.schedule.order.given);
}

static void a_clock_that_is_set_is_followed(void **state)
{
	(void)state;
	plan("0,10,s1,a,ga 10,20,s1,b,gb");
	start(planned(A ", " B, ""));
	w.at.wall += 15 * SEC;
	wake();
	assert_up("fb");
	w.at.wall -= 12 * SEC;
	wake();
	assert_up("fa");
	pass(7 * SEC);
	assert_up("fb");
}

static void a_plan_over_a_missing_feeder_waits(void **state)
{
	(void)state;
	kernel_link_delete(w.kernel, 4); /* fb */
	plan("0,10,s1,a,ga 10,20,s1,b,gb 20,30,s1,a,ga");
	start(planned(A ", " B, ""));
	pass(11 * SEC);
	assert_serves(NULL); /* not over a, which is not associated */
	assert_string_equal(w.satellite.forwarding.serving->core, "b");
	assert_false(forwarding_passes(&w.satellite.forwarding));
	kernel_fake_link("fb", NULL);
	kernel_fake_emit(&(struct kernel_event){.type = KERNEL_EVENT_LINK,
						.link = {.ifindex = 5, .name = "fb"}});
	wake();
	assert_serves("fb");
	pass(10 * SEC);
	assert_serves("fa");
}

static void a_plan_is_checked_against_the_feeders(void **state)
{
	struct config config;
	char want[512];

	(void)state;
	plan("0,10,s1,a,ga 10,20,s1,z,gz 20,30,s1,b,ga");
	assert_int_equal(configure(&config, planned(A ", " B, "")), -EINVAL);
	snprintf(want, sizeof(want),
		 "c:1: association.file: %s:3: no feeder leads to core z\n"
		 "c:1: association.file: %s:4: no feeder leads to core b over station ga\n",
		 w.plan, w.plan);
	assert_string_equal(w.faults, want);
	plan("0,10,s2,a,ga");
	assert_int_equal(configure(&config, planned(A ", " B, "")), -EINVAL);
	snprintf(want, sizeof(want), "c:1: association.file: %s: no association of satellite s1\n",
		 w.plan);
	assert_string_equal(w.faults, want);
	unlink(w.plan);
	assert_int_equal(configure(&config, planned(A ", " B, "")), -EINVAL);
	snprintf(want, sizeof(want),
		 "c:1: association.file: %s: cannot be read: No such file or directory\n", w.plan);
	assert_string_equal(w.faults, want);
}

static void a_new_plan_replaces_the_old_one_without_a_gap(void **state)
{
	char why[SATELLITE_WHY];

	(void)state;
	plan("0,10,s1,a,ga 10,20,s1,b,gb");
	start(planned(A ", " B, ""));
	pass(5 * SEC);
	kernel_fake_log_clear();
	plan("-5,15,s1,a,ga 15,25,s1,b,gb");
	assert_int_equal(satellite_reread(&w.satellite, w.at, why), 0);
	pass(9 * SEC);
	assert_int_equal(kernel_fake_calls(), 0);
	assert_serves("fa");
	/* Faulty, over, or gone: the one in force stays. */
	plan("0,100,s1,a,ga 50,60,s1,b,gb");
	assert_int_equal(satellite_reread(&w.satellite, w.at, why), -EINVAL);
	assert_non_null(strstr(why, ":3: overlaps line 2"));
	plan("0,1,s1,a,ga");
	assert_int_equal(satellite_reread(&w.satellite, w.at, why), -EINVAL);
	assert_non_null(strstr(why, "was over at 2026-07-29T12:00:01Z"));
	unlink(w.plan);
	assert_int_equal(satellite_reread(&w.satellite, w.at, why), -ENOENT);
	assert_int_equal(w.satellite.counters.refused_reloads, 3);
	assert_int_equal(kernel_fake_calls(), 0);
	pass(2 * SEC);
	assert_up("fb");
	assert_int_equal(w.satellite.counters.latest, 0);
	/* One that disagrees takes effect at once, and nobody is late by it. */
	plan("0,100,s1,a,ga");
	assert_int_equal(satellite_reread(&w.satellite, w.at, why), 0);
	assert_up("fa");
	assert_int_equal(w.satellite.counters.latest, 0);
}

/* A turn of the loop; keeps the longest time that one has used of a CPU. */
static void turn(usec_t *longest)
{
	usec_t before = plan_rows_used(), used;

	pass(5 * USEC_PER_MSEC);
	used = plan_rows_used() - before;
	*longest = used > *longest ? used : *longest;
}

/* Asks for a reload, as main.c does. */
static int reread(usec_t *longest)
{
	char why[SATELLITE_WHY];
	usec_t before = plan_rows_used(), used;
	int err = satellite_reread(&w.satellite, w.at, why);

	used = plan_rows_used() - before;
	*longest = used > *longest ? used : *longest;
	return err;
}

/* Until the reading has ended; whether the reload can go on. */
static bool read_to_the_end(usec_t *longest)
{
	while (w.satellite.reloading.reading) {
		usleep(1000);
		turn(longest);
	}
	return satellite_goes_on(&w.satellite);
}

static void a_large_plan_is_read_beside_the_loop(void **state)
{
	usec_t longest = 0;

	(void)state;
	plan("0,10,s1,a,ga 10,2000,s1,b,gb");
	start(planned(A ", " B, ""));
	plan_rows_write_day(w.plan, 0, "0,12,s1,a,ga 12,3000,s1,b,gb 3000,4000,s1,a,ga");
	pass(10 * SEC - 20 * USEC_PER_MSEC);
	assert_int_equal(reread(&longest), -EINPROGRESS);
	/* Who asks again meanwhile does not begin it anew. */
	assert_int_equal(reread(&longest), -EINPROGRESS);
	/* The plan of before is in force, and its instant is met. */
	for (unsigned int i = 0; i < 5; i++)
		turn(&longest);
	assert_up("fb");
	assert_int_equal(w.satellite.counters.by_plan, 1);
	assert_int_equal(w.satellite.counters.latest, 0);
	assert_true(read_to_the_end(&longest));
	assert_int_equal(w.satellite.schedule.plan.count, 2);
	assert_int_equal(reread(&longest), 0);
	assert_int_equal(w.satellite.schedule.plan.count, 3);
	assert_null(w.satellite.reloading.object);
	/* No switch has waited for longer. */
	assert_in_range(longest, 0, plan_rows_cost(w.plan) / PLAN_ROWS_SHARE);
	/* One with a fault is refused when it has been read. */
	plan_rows_write_day(w.plan, 0, "0,12,s1,a,ga 11,3000,s1,b,gb");
	assert_int_equal(reread(&longest), -EINPROGRESS);
	assert_false(read_to_the_end(&longest));
	assert_int_equal(w.satellite.schedule.plan.count, 3);
	assert_int_equal(w.satellite.counters.refused_reloads, 1);
	/* So is one that does not fit the feeders. */
	plan_rows_write_day(w.plan, 0, "0,3000,s1,z,gz");
	assert_int_equal(reread(&longest), -EINPROGRESS);
	assert_true(read_to_the_end(&longest));
	assert_int_equal(reread(&longest), -EINVAL);
	assert_int_equal(w.satellite.schedule.plan.count, 3);
	assert_int_equal(w.satellite.counters.refused_reloads, 2);
	/* A file that takes its place meanwhile is read instead. */
	plan_rows_write_day(w.plan, 0, "0,3000,s1,a,ga");
	assert_int_equal(reread(&longest), -EINPROGRESS);
	plan("0,5000,s1,b,gb");
	assert_int_equal(reread(&longest), 0);
	assert_int_equal(w.satellite.schedule.plan.count, 1);
	assert_null(w.satellite.reloading.reading);
	/* Who goes waits for no reading. */
	plan_rows_write_day(w.plan, 0, "0,3000,s1,a,ga");
	assert_int_equal(reread(&longest), -EINPROGRESS);
}

/* ---- interfaces that come and go ---------------------------------------------------------------
 */

static void a_feeder_that_returns_serves_again(void **state)
{
	(void)state;
	start(ON_A);
	pass(SEC);
	assert_int_equal(kernel_link_delete(w.kernel, 3), 0); /* fa */
	wake();
	assert_serves(NULL);
	pass(SEC);
	assert_int_equal(kernel_fake_count("redirect"), 0);
	kernel_fake_link("fa", NULL);
	kernel_fake_emit(&(struct kernel_event){.type = KERNEL_EVENT_LINK,
						.link = {.ifindex = 5, .name = "fa"}});
	wake();
	assert_serves("fa");
	assert_true(forwarding_passes(&w.satellite.forwarding));
}

static void an_access_side_that_returns_serves_again(void **state)
{
	(void)state;
	start(ON_A);
	assert_int_equal(order("b", NULL), 0);
	assert_int_equal(kernel_link_delete(w.kernel, 2), 0); /* acc0, within the drain */
	wake();
	assert_int_equal(kernel_fake_count("filter"), 0);
	pass(SEC);
	assert_int_equal(kernel_fake_count("redirect"), 0);
	kernel_fake_link("acc0", "bridge");
	kernel_fake_emit(&(struct kernel_event){
		.type = KERNEL_EVENT_LINK,
		.link = {.ifindex = 5, .name = "acc0"},
	});
	wake();
	assert_serves("fb");
}

static void a_feeder_that_is_renamed_is_given_up(void **state)
{
	(void)state;
	start(ON_A);
	kernel_fake_emit(&(struct kernel_event){
		.type = KERNEL_EVENT_LINK,
		.link = {.ifindex = 3, .name = "other"},
	});
	kernel_monitor_read(w.monitor);
	assert_int_equal(when("filter delete fa") > 0, 1);
	assert_up(NULL);
}

static void lost_events_are_made_up_for(void **state)
{
	const struct kernel_filter filter = {.ifindex = 2, .priority = 8301};

	(void)state;
	start(ON_A);
	pass(SEC);
	assert_int_equal(kernel_tc_filter_delete(w.kernel, &filter), 0); /* somebody else */
	assert_int_equal(kernel_link_delete(w.kernel, 4), 0);
	kernel_fake_overrun();
	wake();
	assert_serves("fa");
	assert_int_equal(w.satellite.forwarding.resyncs, 1);
	assert_int_equal(order("b", NULL), -ENODEV);
}

static void the_carrier_is_told(void **state)
{
	(void)state;
	start(ON_A);
	kernel_fake_carrier(3, false);
	wake();
	assert_false(forwarding_passes(&w.satellite.forwarding));
	kernel_fake_carrier(3, true);
	wake();
	assert_true(forwarding_passes(&w.satellite.forwarding));
}

/* ---- tunnels -----------------------------------------------------------------------------------
 */

static void a_tunnel_is_made_kept_and_removed(void **state)
{
	const char *text = SATELLITE FEEDERS(A ", " TUNNEL) "association = { core = \"c\"; };";

	(void)state;
	start(text);
	pass(SEC);
	assert_up("snof1-");
	assert_int_equal(kernel_fake_count("kind gretap"), 1);
	crash();
	kernel_fake_log_clear();
	start(text);
	pass(SEC);
	assert_true(nothing_touched());
	assert_int_equal(kernel_fake_log_find("gretap", 0), 0);
	/* Somebody removes it: it is made again. */
	for (unsigned int i = 2; i < 9; i++) {
		struct kernel_link link;

		if (kernel_link_get(w.kernel, i, &link) == 0 && strcmp(link.kind, "gretap") == 0)
			assert_int_equal(kernel_link_delete(w.kernel, i), 0);
	}
	wake();
	assert_int_equal(kernel_fake_count("kind gretap"), 1);
	assert_up("snof1-");
	/* Configured no more: it goes after the drain. */
	reload(ON_A, 0);
	assert_up("fa");
	assert_int_equal(kernel_fake_count("kind gretap"), 1);
	pass(SEC);
	assert_serves("fa");
	assert_int_equal(kernel_fake_count("kind gretap"), 0);
}

static void a_kernel_without_tunnels_is_told(void **state)
{
	(void)state;
	kernel_fake_fail_on("gretap", -EOPNOTSUPP);
	start(SATELLITE FEEDERS(A ", " TUNNEL) "association = { core = \"a\"; };");
	pass(10 * SEC);
	assert_serves("fa");
	assert_int_equal(w.satellite.forwarding.feeders[1]->port.error, -EOPNOTSUPP);
	assert_int_equal(order("c", NULL), -ENODEV);
	assert_serves("fa");
	kernel_fake_fail_on(NULL, 0);
}

/* ---- reload ------------------------------------------------------------------------------------
 */

static void a_reload_without_changes_touches_nothing(void **state)
{
	(void)state;
	start(ON_A);
	pass(SEC);
	kernel_fake_log_clear();
	reload(ON_A, 0);
	pass(10 * SEC);
	assert_int_equal(kernel_fake_calls(), 0);
	/* Other names for the same interfaces, either. */
	reload(SATELLITE FEEDERS("{ core = \"x\"; interface = \"fa\"; }") "association = { core = "
									  "\"x\"; };",
	       0);
	pass(SEC);
	assert_serves("fa");
	assert_int_equal(kernel_fake_log_find("redirect", 0), 0);
	assert_string_equal(w.satellite.forwarding.serving->core, "x");
	assert_int_equal(w.satellite.forwarding.count, 1);
	assert_int_equal(kernel_fake_count("link fb"), 1);
	assert_int_equal(kernel_fake_count("promisc"), 2);
}

static void a_reload_changes_feeders_without_a_gap(void **state)
{
	(void)state;
	start(ON_A);
	pass(SEC);
	kernel_fake_log_clear();
	reload(SATELLITE FEEDERS(B) "association = { core = \"b\"; };", 0);
	assert_true(when("filter replace fb") < when("redirect replace 83002 dev fb"));
	assert_down("fa", true);
	pass(SEC);
	assert_serves("fb");
	assert_int_equal(w.satellite.forwarding.count, 1);
	/* Back before the drain is over: the retired feeder is taken again. */
	reload(ON_A, 0);
	reload(SATELLITE FEEDERS(B) "association = { core = \"b\"; };", 0);
	reload(ON_A, 0);
	pass(SEC);
	assert_serves("fa");
	assert_int_equal(w.satellite.forwarding.count, 2);
}

static void a_reload_that_takes_the_orders_feeder_ends_it(void **state)
{
	(void)state;
	start(ON_A);
	assert_int_equal(order("b", NULL), 0);
	reload(ON_A "timers = { drain = 0.1; };", 0);
	pass(SEC);
	assert_serves("fb");
	reload(SATELLITE FEEDERS(A) "association = { core = \"a\"; };", 0);
	pass(SEC);
	assert_serves("fa");
	assert_false(w.satellite.schedule.order.given);
}

/* ---- what is shown -----------------------------------------------------------------------------
 */

static json_t *ask(const char *request)
{
	json_t *answer = control_serve(w.control, request, strlen(request));

	assert_non_null(answer);
	return answer;
}

static void assert_answer(const char *request, bool good, const char *contains)
{
	json_t *answer = ask(request);
	char *text = json_dumps(answer, 0);

	assert_non_null(text);
	if (json_is_true(json_object_get(answer, "ok")) != good || !strstr(text, contains))
		fail_msg("%s: %s", request, text);
	free(text);
	json_decref(answer);
}

static void commands_answer(void **state)
{
	(void)state;
	plan("0,10,s1,a,ga 10,20,s1,b,gb");
	start(planned(A ", " B ", " TUNNEL, ""));
	assert_answer("{\"command\":\"status\"}", true, "\"core\": \"a\"");
	assert_answer("{\"command\":\"status\"}", true, "\"next core\": \"b\"");
	assert_answer("{\"command\":\"associations\"}", true,
		      "[1785326410.0, 1785326420.0, \"b\", \"gb\", \"fb\", \"plan\", false, "
		      "null]");
	assert_answer("{\"command\":\"links\"}", true,
		      "[\"fa\", \"feeder\", \"a\", \"ga\", \"up\", \"serving\", 1500, "
		      "\"interface\", null]");
	assert_answer("{\"command\":\"associate\"}", false, "which core");
	assert_answer("{\"command\":\"associate\",\"core\":\"z\"}", false,
		      "no feeder of satellite s1 leads to core z");
	assert_answer("{\"command\":\"associate\",\"core\":\"b\",\"station\":\"gx\"}", false,
		      "over gx");
	assert_answer("{\"command\":\"associate\",\"core\":\"b\",\"station\":\"gb\"}", true,
		      "core b over fb, until the plan's next association at "
		      "2026-07-29T12:00:10Z");
	assert_up("fb");
	assert_answer("{\"command\":\"status\"}", true, "\"source\": \"command\"");
	assert_answer("{\"command\":\"counters\"}", true, "\"associations_by_command\": 1");
	assert_answer("{\"command\":\"resume\"}", true, "resumed; core a is associated");
	kernel_fake_fail_on("redirect", -ENOMEM);
	assert_answer("{\"command\":\"associate\",\"core\":\"b\"}", false, "the kernel refuses: ");
	kernel_fake_fail_on(NULL, 0);
	pass(SEC);
	assert_serves("fa");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(start_sets_up_and_serves),
		TEST(order_switches_and_drains),
		TEST(without_drain_the_old_core_is_cut_at_once),
		TEST(no_association_drops),
		TEST(wrong_orders_change_nothing),
		TEST(order_without_station_takes_a_feeder_that_passes),
		TEST(a_refused_order_is_undone),
		TEST(a_refused_first_order_is_undone),
		TEST(a_refused_reload_is_undone),
		TEST(a_refused_switch_is_repeated),
		TEST(a_refused_drain_is_repeated),
		TEST(a_refused_start_is_repeated),
		TEST(a_restart_touches_nothing),
		TEST(a_restart_finishes_what_was_begun),
		TEST(an_order_outlives_a_crash),
		TEST(leftovers_are_swept),
		TEST(satellites_of_one_namespace_do_not_meet),
		TEST(the_plan_is_followed_to_the_instant),
		TEST(an_order_lasts_to_the_next_instant),
		TEST(a_clock_that_is_set_is_followed),
		TEST(a_plan_over_a_missing_feeder_waits),
		TEST(a_plan_is_checked_against_the_feeders),
		TEST(a_new_plan_replaces_the_old_one_without_a_gap),
		TEST(a_large_plan_is_read_beside_the_loop),
		TEST(a_feeder_that_returns_serves_again),
		TEST(an_access_side_that_returns_serves_again),
		TEST(a_feeder_that_is_renamed_is_given_up),
		TEST(lost_events_are_made_up_for),
		TEST(the_carrier_is_told),
		TEST(a_tunnel_is_made_kept_and_removed),
		TEST(a_kernel_without_tunnels_is_told),
		TEST(a_reload_without_changes_touches_nothing),
		TEST(a_reload_changes_feeders_without_a_gap),
		TEST(a_reload_that_takes_the_orders_feeder_ends_it),
		TEST(commands_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
