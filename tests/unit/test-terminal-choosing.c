/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a terminal with antennas does about the satellites that are chosen for it: when it points
 * where, when it leaves, and what it waits for.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel_fake.h"
#include "log.h"
#include "plan_rows.h"
#include "terminal-agent/files.h"
#include "terminal-agent/session.h"
#include "terminal_rig.h"

#define MSEC(n) ((n)*USEC_PER_MSEC)
#define SEC(n)	((n)*USEC_PER_SEC)

static struct rig rig;
static struct rig_core a, b;

static int setup(void **state)
{
	(void)state;
	rig_open(&rig);
	rig.config.handover.mode = MODE_SOFT;
	rig.config.element_count = 1;
	rig_use_antennas(&rig);
	a = rig_core("a.example", 11);
	b = rig_core("b.example", 22);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

/* In seconds from the beginning. */
struct pass {
	const char *satellite;
	double from, until, visible, offered, lost;
};

static usec_t instant(double seconds)
{
	return SEC(1000) + (usec_t)(seconds * USEC_PER_SEC);
}

/* Orbits, as guide.h gives them: all satellites are a's. */
static void guide(const struct pass *passes, size_t count)
{
	struct guide *g = &rig.choosing.guide;

	g->orbits = calloc(1, sizeof(void *));
	g->steps = calloc(count, sizeof(*g->steps));
	assert_non_null(g->orbits);
	assert_non_null(g->steps);
	g->known = true;
	g->fresh = USEC_NEVER;
	for (size_t i = 0; i < count; i++) {
		const struct pass *p = &passes[i];
		struct guide_step *step = &g->steps[g->step_count++];

		*step = (struct guide_step){.from = instant(p->from),
					    .until = instant(p->until),
					    .visible = instant(p->visible),
					    .offered = instant(p->offered),
					    .lost = instant(p->lost),
					    .core = "a.example"};
		snprintf(step->satellite, sizeof(step->satellite), "%s", p->satellite);
	}
}

static void until(double seconds)
{
	rig_pass(&rig, instant(seconds) - rig.now);
}

/* Registered over the first satellite, at which dish1 points. */
static void on_the_first(void)
{
	rig_start(&rig);
	rig_take_discovery(&rig, "dish0");
	assert_string_equal(rig.pointed, "dish1 s1");
	kernel_fake_carrier(rig.sat2, true);
	rig_turned(&rig);
	rig_register(&rig, "s1", &a);
	assert_string_equal(rig.session.link->antenna, "dish1");
	rig_pass(&rig, SEC(2));
	rig_no_more(&rig);
}

/* What has been ordered since the last look. */
static const char *pointed(void)
{
	static char last[64];

	snprintf(last, sizeof(last), "%s", rig.pointed);
	rig.pointed[0] = '\0';
	return last;
}

static void goes_softly(const char *link)
{
	const struct rig_sent *sent = rig_take_discovery(&rig, link);

	assert_int_equal(rig_identity(&rig, sent).mode, MODE_SOFT);
	assert_int_equal(rig_reply(&rig, &a, sent, REASON_ACCEPTED), DROP_NONE);
	rig_receive_packet(&rig, link);
	rig_take_done(&rig, link, &a);
}

/* ---- two antennas -------------------------------------------------------------------------- */

/* The next one has risen long ago: the other antenna is pointed there ahead. */
static void test_ahead(void **state)
{
	static const struct pass passes[] = {{"s1", 0, 100, -200, -200, 150},
					     {"s2", 100, 300, 50, 50, 300}};

	(void)state;
	guide(passes, 2);
	on_the_first();
	pointed();
	until(95.79);
	assert_string_equal(pointed(), "");
	until(95.81);
	assert_string_equal(pointed(), "dish0 s2");
	rig_turned(&rig);
	until(99.79);
	rig_no_more(&rig);
	until(99.81);
	goes_softly("s2");
}

/* It is better from the moment on at which it rises: at that the antenna points before. */
static void test_rises(void **state)
{
	static const struct pass passes[] = {{"s1", 0, 100, -200, -200, 150},
					     {"s2", 100, 300, 100, 100, 300}};

	(void)state;
	guide(passes, 2);
	on_the_first();
	pointed();
	until(98.99);
	assert_string_equal(pointed(), "");
	until(99.01);
	assert_string_equal(pointed(), "dish0 s2");
	rig_turned(&rig);
	rig_no_more(&rig);
	until(100.01);
	goes_softly("s2");
}

/* The antenna is late. The satellite in use will do until then. */
static void test_antenna_is_late(void **state)
{
	static const struct pass passes[] = {{"s1", 0, 100, -200, -200, 150},
					     {"s2", 100, 300, 100, 100, 300}};

	(void)state;
	guide(passes, 2);
	on_the_first();
	until(100.5);
	assert_int_equal(rig.session.state, SESSION_REGISTERED);
	rig_no_more(&rig);
	rig_turned(&rig);
	goes_softly("s2");
}

/* But not for longer than it can be seen, and not for longer than an antenna takes. */
static void test_antenna_is_too_late(void **state)
{
	static const struct pass passes[] = {{"s1", 0, 100, -200, -200, 105},
					     {"s2", 100, 300, 100, 100, 300}};

	(void)state;
	guide(passes, 2);
	on_the_first();
	until(104.79);
	rig_no_more(&rig);
	until(104.81);
	rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
}

static void test_antenna_never_comes(void **state)
{
	static const struct pass passes[] = {{"s1", 0, 100, -200, -200, 200},
					     {"s2", 100, 300, 100, 100, 300}};

	(void)state;
	guide(passes, 2);
	on_the_first();
	until(109.99);
	rig_no_more(&rig);
	until(110.01);
	rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
}

/* Packets are still on their way over an antenna that was left just now. */
static void test_left_antenna_stays(void **state)
{
	static const struct pass passes[] = {{"s1", 0, 100, -200, -200, 150},
					     {"s2", 100, 103, 50, 50, 150},
					     {"s3", 103, 300, 60, 60, 300}};

	(void)state;
	guide(passes, 3);
	on_the_first();
	until(96);
	rig_turned(&rig);
	until(99.81);
	goes_softly("s2");
	pointed();
	until(100.29);
	assert_string_equal(pointed(), "");
	assert_true(rig_link(&rig, "s1")->ready);
	until(100.32);
	assert_string_equal(pointed(), "dish1 s3");
	rig_turned(&rig);
	until(102.81);
	goes_softly("s3");
}

/* ---- what goes wrong ----------------------------------------------------------------------- */

/* The link is lost; the next satellite is planned, but is below the horizon. */
static void test_lost_before_the_next_rises(void **state)
{
	static const struct pass passes[] = {{"s1", 0, 100, -200, -200, 150},
					     {"s2", 100, 300, 99, 99, 300}};

	(void)state;
	guide(passes, 2);
	on_the_first();
	kernel_fake_carrier(rig.sat1, false);
	until(95);
	assert_int_equal(rig.session.move.phase, MOVE_PLANNED);
	pointed();
	rig_carrier(&rig, rig.sat2, false);
	assert_string_equal(pointed(), "dish1 s1"); /* again: it is the satellite of the hour */
	rig_turned(&rig);
	rig_carrier(&rig, rig.sat2, true);
	rig_register(&rig, "s1", &a);
}

/* ... and here it is not. */
static void test_lost_after_the_next_has_risen(void **state)
{
	static const struct pass passes[] = {{"s1", 0, 100, -200, -200, 150},
					     {"s2", 100, 300, 50, 50, 300}};

	(void)state;
	guide(passes, 2);
	on_the_first();
	until(95);
	pointed();
	rig_carrier(&rig, rig.sat2, false);
	assert_string_equal(pointed(), "dish0 s2");
	rig_turned(&rig);
	rig_register(&rig, "s2", &a);
}

/* Another guide knows the satellite in use too, but for later. */
static void test_another_guide(void **state)
{
	static const struct pass before[] = {{"s1", 0, 100, -200, -200, 150}};
	static const struct pass after[] = {{"s2", 0, 60, -200, -200, 150},
					    {"s1", 60, 100, -200, -200, 150}};

	(void)state;
	guide(before, 1);
	on_the_first();
	pointed();
	guide_free(&rig.choosing.guide);
	guide(after, 2);
	choosing_changed(&rig.choosing);
	rig.choosing.guide.known = true;
	rig_turn(&rig);
	assert_string_equal(pointed(), "dish0 s2");
}

/* The plan gives the next satellite to another core than before: that is announced. */
static void test_another_plan(void **state)
{
	static const struct pass passes[] = {{"s1", 0, 100, -200, -200, 150},
					     {"s2", 100, 300, 50, 50, 300}};
	struct message m;

	(void)state;
	rig.config.handover.mode = MODE_PREDICTIVE;
	guide(passes, 2);
	on_the_first();
	until(95);
	assert_int_equal(rig.session.move.phase, MOVE_PLANNED);
	snprintf(rig.choosing.guide.steps[1].core, sizeof(rig.choosing.guide.steps[1].core),
		 "b.example");
	until(97.81);
	m = rig_take_sealed(&rig, &a, MESSAGE_HANDOVER_ANNOUNCEMENT);
	assert_string_equal(m.next_core, "b.example");
}

/* What the antennas were pointed at is of no use for long: others are looked for all the same. */
static void test_nothing_is_heard(void **state)
{
	static const struct pass passes[] = {{"s1", 0, 10000, -200, -200, 10000}};

	(void)state;
	guide(passes, 1);
	on_the_first();
	rig.choosing.guide.fresh = instant(50);
	rig_carrier(&rig, rig.sat1, false);
	until(48.9);
	rig_carrier(&rig, rig.sat2, false);
	until(49.9);
	assert_int_equal(rig.session.move.phase, MOVE_LEAVING);
	/* Not in the middle of a move. */
	until(50.8);
	assert_int_equal(rig.choosing.guide.fresh, instant(50));
	until(60);
	assert_true(rig.choosing.guide.fresh > instant(60));
}

/* From the first satellite it was ordered to the other antenna, and has lost both. */
static void waits_for_the_other(void)
{
	on_the_first();
	rig_carrier(&rig, rig.sat1, false);
	rig_order(&rig, "dish0", 0);
	rig_take_sealed(&rig, &a, MESSAGE_CORE_DISCONNECT);
	rig_carrier(&rig, rig.sat2, false);
}

/* What is due waits for the end of what is under way, and for nothing else. */
static void test_busy(void **state)
{
	static const struct pass passes[] = {{"s1", 0, 100, -200, -200, 200},
					     {"s2", 100, 300, 50, 50, 300}};

	(void)state;
	guide(passes, 2);
	waits_for_the_other();
	rig_turned(&rig);
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	pointed();
	rig_pass(&rig, rig.session.deadline - rig.now - 1);
	assert_string_equal(pointed(), "");
	rig_pass(&rig, 1);
	assert_string_equal(pointed(), "dish1 s1");
}

/* Nothing is to be chosen any more when what is under way ends: then nothing is due. */
static void test_guide_goes(void **state)
{
	static const struct pass passes[] = {{"s1", 0, 100, -200, -200, 200}};

	(void)state;
	guide(passes, 1);
	waits_for_the_other();
	assert_int_equal(rig.session.state, SESSION_SWITCHING);
	guide_free(&rig.choosing.guide);
	choosing_changed(&rig.choosing);
	pointing_ended(&rig.pointing, -EIO, rig.now);
	assert_int_equal(rig.session.state, SESSION_DOWN);
	assert_false(choosing_waited(&rig.choosing));
}

/* ---- files of a reload ----------------------------------------------------------------------- */

static void told(void *arg, const char *message)
{
	snprintf(arg, 256, "%s", message);
}

/* What a turn of the loop does beside all else; keeps the longest time that one has used. */
static void turn(struct reloading *r, char said[256], usec_t *longest)
{
	usec_t before = plan_rows_used(), used;

	rig_pass(&rig, MSEC(5));
	reloading_look(r, rig.now, told, said);
	used = plan_rows_used() - before;
	*longest = used > *longest ? used : *longest;
}

/* Asks for the files of the configuration. */
static int find(struct reloading *r, char said[256], usec_t *longest)
{
	usec_t before = plan_rows_used(), used, planned = NOON * USEC_PER_SEC;
	int error = reloading_find(r, &files_kind, files_new(&rig.config, planned), rig.now, told,
				   said);

	used = plan_rows_used() - before;
	*longest = used > *longest ? used : *longest;
	return error;
}

static bool read_to_the_end(struct reloading *r, char said[256], usec_t *longest)
{
	while (r->reading) {
		usleep(1000);
		turn(r, said, longest);
	}
	return reloading_goes_on(r);
}

/* Takes what has been read, as a reload does. */
static void take(struct reloading *r, usec_t *longest)
{
	usec_t before = plan_rows_used(), used;

	files_take(r->object, &rig.schedule, &rig.choosing.guide);
	reloading_forget(r);
	used = plan_rows_used() - before;
	*longest = used > *longest ? used : *longest;
}

/* Large files are read beside the loop, and a move that is due meanwhile is made in time. */
static void test_reads(void **state)
{
	static const struct pass passes[] = {{"s1", 0, 100, -200, -200, 150},
					     {"s2", 100, 300, -150, -150, 300}};
	char schedule[] = "/tmp/sno-test-schedule-XXXXXX", said[256] = "";
	int fd = mkstemp(schedule);
	struct reloading r = {0};
	usec_t longest = 0;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	plan_rows_write_day(schedule, 0, "0,3000,S-One,a.example,ga");
	guide(passes, 2);
	on_the_first();
	until(99.7);
	rig.config.element_count = 0;
	rig.config.handover.schedule = schedule;
	kernel_fake_carrier(rig.sat1, true);
	rig_turned(&rig);
	assert_int_equal(find(&r, said, &longest), -EINPROGRESS);
	/* Who asks again meanwhile does not begin it anew. */
	assert_int_equal(find(&r, said, &longest), -EINPROGRESS);
	rig_no_more(&rig);
	while (rig.now < instant(99.81))
		turn(&r, said, &longest);
	goes_softly("s2");
	assert_null(schedule_core(&rig.schedule, "s-one", rig.now));
	assert_true(read_to_the_end(&r, said, &longest));
	assert_int_equal(find(&r, said, &longest), 0);
	take(&r, &longest);
	assert_int_equal(rig.schedule.table.count, PLAN_ROWS_DAY + 1);
	/* Another takes its place, and there is more to put away. */
	plan_rows_write_day(schedule, 0, "0,3000,S-Two,b.example,gb");
	assert_int_equal(find(&r, said, &longest), -EINPROGRESS);
	assert_true(read_to_the_end(&r, said, &longest));
	assert_int_equal(find(&r, said, &longest), 0);
	take(&r, &longest);
	/* No move has waited for longer. */
	assert_in_range(longest, 0, plan_rows_cost(schedule) / PLAN_ROWS_SHARE);
	/* Over by now, or faulty: refused when it has been read. */
	plan_rows_write_day(schedule, -90000, "-90000,-80000,s1,a.example,ga");
	assert_int_equal(find(&r, said, &longest), -EINPROGRESS);
	assert_false(read_to_the_end(&r, said, &longest));
	assert_non_null(strstr(said, "all associations are over"));
	assert_null(r.object);
	/* A small one in its place is read at once. */
	plan_rows_write_day(schedule, 0, "");
	assert_int_equal(find(&r, said, &longest), -EINPROGRESS);
	plan_rows_write(schedule, "0,3000,s1,b.example,gb", false);
	assert_int_equal(find(&r, said, &longest), 0);
	assert_null(r.reading);
	take(&r, &longest);
	assert_int_equal(rig.schedule.table.count, 1);
	/* A timetable likewise; and who goes waits for no reading. */
	rig.config.handover.schedule = NULL;
	rig.config.timetable = schedule;
	plan_rows_write_day(schedule, 0, "");
	assert_int_equal(find(&r, said, &longest), -EINPROGRESS);
	reloading_close(&r);
	rig.config.timetable = NULL;
	unlink(schedule);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ahead),
		TEST(rises),
		TEST(antenna_is_late),
		TEST(antenna_is_too_late),
		TEST(antenna_never_comes),
		TEST(left_antenna_stays),
		TEST(lost_before_the_next_rises),
		TEST(lost_after_the_next_has_risen),
		TEST(another_guide),
		TEST(another_plan),
		TEST(nothing_is_heard),
		TEST(busy),
		TEST(guide_goes),
		TEST(reads),
	};

	assert_int_equal(keys_init(), 0);
	log_set_level(LOG_LEVEL_ERROR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
