/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The schedule: where a satellite leads, files that change, and clocks that are set. */
#include "core-agent/anticipation.h"
#include "core-agent/crowd.h"
#include "core-agent/peer.h"
#include "core-agent/preparation.h"
#include "core-agent/schedule.h"
#include "kernel_fake.h"
#include "plan_rows.h"
#include "planned.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PREPARE MESSAGE_PROACTIVE_AUTHENTICATION

static void test_lookup(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 60, "sat-c", "c.example"}, {60, 120, "sat-c", "b.example"}));
	struct message m;

	(void)state;
	assert_string_equal(schedule_core(&w->core, "sat-c", w->now), "c.example");
	assert_string_equal(schedule_core(&w->core, "sat-c", w->now + 60 * SEC), "b.example");
	assert_null(schedule_core(&w->core, "sat-c", w->now + 120 * SEC));
	assert_null(schedule_core(&w->core, "s1", w->now));
	/* He names the satellite that he goes to, and no core. */
	terminal_register(w, &w->otto, "s1");
	otto_move(&m, MESSAGE_CORE_DISCONNECT, 1, "x");
	m.present &= ~(UINT64_C(1) << ATTR_NEXT_CORE);
	message_set_text(&m, ATTR_NEXT_SATELLITE, "sat-c");
	otto_says(w, &m);
	world_run(w, 50 * MS);
	assert_string_equal(otto_told(w, MESSAGE_DISCONNECTION_ACK)->next_core, "c.example");
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	planned_free(w);
}

/* Who has come to the satellite, or registered anew, since the others were prepared. */
static void test_late_comer(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));

	(void)state;
	planned_run(w, 19);
	otto_visit(w, FAR_A);
	planned_run(w, 19.9);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 0);
	planned_run(w, 20);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 1);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	otto_clean(w);
	planned_free(w);
}

/* Who has left the satellite for another one is not taken along with it. */
static void test_has_left(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"},
				   {0, 60, "s1", "b.example"}));
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	planned_run(w, 19.5);
	otto_move(&m, MESSAGE_CORE_DISCONNECT, 2, "b.example");
	otto_says(w, &m);
	planned_run(w, 19.7);
	assert_int_equal(otto_told(w, MESSAGE_DISCONNECTION_ACK)->reason, REASON_ACCEPTED);
	assert_true(kernel_fake_count(OTTO_HELD) > 0);
	planned_run(w, 20.5);
	assert_true(kernel_fake_count(OTTO_HELD) > 0);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
	planned_free(w);
}

/* Another file takes its place; one with faults does not. */
static void test_file_changes(void **state)
{
	static const struct row later[] = {{0, 30, "sat-a", "a.example"},
					   {30, 60, "sat-a", "c.example"}};
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	FILE *file;

	(void)state;
	otto_visit(w, FAR_A);
	planned_run(w, 5);
	planned_write(w, later, 2);
	planned_run(w, 25);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	file = fopen(planned_path(w), "w");
	assert_non_null(file);
	fputs("nonsense\n", file);
	fclose(file);
	planned_run(w, 31);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	/* Nor one that is gone. */
	unlink(planned_path(w));
	planned_run(w, 33);
	assert_string_equal(schedule_core(&w->core, "sat-a", w->now), "c.example");
	planned_free(w);
}

/* A plan of a day for ten thousand satellites takes the place of the file, at once. */
static void write_day(const struct world *w)
{
	double now = (double)(w->now + w->core.wall_ahead) / SEC;

	plan_rows_write_day(planned_path(w), now - NOON, "");
}

/* Goes on for a moment. Keeps the longest time that the loop was busy with one. */
static void go_on(struct world *w, usec_t *longest)
{
	usec_t before = plan_rows_used(), busy;

	world_run(w, 5 * MS);
	busy = plan_rows_used() - before;
	*longest = busy > *longest ? busy : *longest;
}

/* Another such plan comes, and begins to be read. */
static void begin_day(struct world *w, usec_t *longest)
{
	write_day(w);
	for (unsigned int i = 0; i < 1000 && !w->core.schedule.reading; i++)
		go_on(w, longest);
	assert_non_null(w->core.schedule.reading);
}

static void end_day(struct world *w, usec_t *longest)
{
	while (w->core.schedule.reading) {
		usleep(1000);
		go_on(w, longest);
	}
}

/* A large file is read beside the loop, which goes by the old one until then. */
static void test_large_file(void **state)
{
	static const struct row before = {0, 60, "sat-a", "a.example"};
	struct world *w = planned_world(&before, 1);
	usec_t longest = 0;

	(void)state;
	begin_day(w, &longest);
	assert_string_equal(schedule_core(&w->core, "sat-a", w->now), "a.example");
	assert_null(schedule_core(&w->core, "sat-00001", w->now));
	end_day(w, &longest);
	assert_null(schedule_core(&w->core, "sat-a", w->now));
	assert_string_equal(schedule_core(&w->core, "sat-00001", w->now), "b.example");
	assert_int_equal(schedule_ahead(&w->core), PLAN_ROWS_DAY / 24 * 23);
	/* One that takes the place of another such has more to put away. */
	begin_day(w, &longest);
	assert_int_equal(schedule_ahead(&w->core), PLAN_ROWS_DAY / 24 * 23);
	end_day(w, &longest);
	/* No handover has waited for longer. */
	assert_in_range(longest, 0, plan_rows_cost(planned_path(w)) / PLAN_ROWS_SHARE);
	/* Nor does who goes wait for a reading. */
	begin_day(w, &longest);
	planned_free(w);
}

/* Written in place, it counts when it has come to rest. */
static void test_file_written(void **state)
{
	static const struct row before = {0, 60, "sat-a", "a.example"};
	struct world *w = planned_world(&before, 1);
	FILE *file = fopen(planned_path(w), "w");

	(void)state;
	assert_non_null(file);
	association_print_heading(file, false);
	fflush(file);
	planned_run(w, 0.2);
	assert_string_equal(schedule_core(&w->core, "sat-a", w->now), "a.example");
	fprintf(file, "2026-07-29T12:00:00Z,2026-07-29T12:01:00Z,sat-a,c.example,\n");
	fclose(file);
	planned_run(w, 0.3);
	assert_string_equal(schedule_core(&w->core, "sat-a", w->now), "a.example");
	planned_run(w, 0.6);
	assert_string_equal(schedule_core(&w->core, "sat-a", w->now), "c.example");
	planned_free(w);
}

/* The clock is set back over a change: it happens again, with all that belongs to it. */
static void test_clock_set_back(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "s1", "a.example"}, {20, 60, "s1", "b.example"}));

	(void)state;
	for (int i = 0; i < 2; i++) {
		planned_run(w, 20.002);
		w->frame_count = 0;
		planned_run(w, 20.25);
		assert_int_equal(w->frame_count, 3);
		w->core.wall_ahead -= 10 * SEC;
	}
	planned_free(w);
}

/* Another file by the configuration takes the place of the one before, whatever is in it. */
static void test_other_file(void **state)
{
	static const struct world_text other = {.pools = WORLD_POOLS
						" handover = { schedule = \"$DIR/other\"; };"};
	static const struct row row = {0, 60, "sat-a", "a.example"};
	struct world *w = planned_world(&row, 1);

	(void)state;
	assert_int_equal(world_reload(w, &other), 0);
	assert_null(schedule_core(&w->core, "sat-a", w->now));
	planned_run(w, 1);
	assert_null(schedule_core(&w->core, "sat-a", w->now));
	planned_free(w);
}

/* Runs until then; what is logged meanwhile. */
static void run_told(struct world *w, double seconds, char *text, size_t size)
{
	FILE *told = tmpfile();
	int before = dup(STDERR_FILENO);

	assert_non_null(told);
	dup2(fileno(told), STDERR_FILENO);
	log_set_level(LOG_LEVEL_INFO);
	planned_run(w, seconds);
	log_set_level(LOG_LEVEL_ERROR);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(told);
	text[fread(text, 1, size - 1, told)] = '\0';
	fclose(told);
}

/* Without a file there is no schedule; it may come later, and go with the configuration. */
static void test_file_comes(void **state)
{
	static const struct world_text with = {.pools = PLANNED_WITH("")}, without = {0};
	static const struct row row = {0, 60, "sat-a", "a.example"};
	struct world *w = otto_world(NULL);
	char text[4096];

	(void)state;
	planned_noon(w);
	assert_int_equal(world_reload(w, &with), 0);
	run_told(w, 3, text, sizeof(text));
	assert_null(strstr(text, "the clock was set"));
	assert_null(schedule_core(&w->core, "sat-a", w->now));
	planned_write(w, &row, 1);
	run_told(w, 6, text, sizeof(text));
	assert_non_null(strstr(text, "1 associations"));
	assert_null(strstr(text, "the clock was set"));
	assert_string_equal(schedule_core(&w->core, "sat-a", w->now), "a.example");
	assert_int_equal(world_reload(w, &without), 0);
	assert_null(schedule_core(&w->core, "sat-a", w->now));
	planned_run(w, 9);
	planned_free(w);
}

/* The clock is set: what is ahead is ahead of the new time. */
static void test_clock_set(void **state)
{
	struct world *w = planned_world(PLAN({0, 2000, "sat-a", "a.example"},
					     {2000, 2030, "sat-a", "c.example"},
					     {2030, 2060, "sat-a", "a.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	planned_run(w, 10);
	assert_int_equal(schedule_ahead(&w->core), 2);
	w->core.wall_ahead += 1985 * SEC;
	planned_run(w, 1999);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 1);
	planned_run(w, 2000);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	assert_int_equal(schedule_ahead(&w->core), 2);
	planned_run(w, 2001);
	assert_int_equal(schedule_ahead(&w->core), 1);
	/* Back again, and there is nobody to be taken along from a. */
	w->core.wall_ahead -= 1000 * SEC;
	planned_run(w, 1005);
	assert_int_equal(schedule_ahead(&w->core), 2);
	/* And ahead: what was missed is over. */
	w->core.wall_ahead += 1010 * SEC;
	planned_run(w, 2016);
	assert_int_equal(schedule_ahead(&w->core), 1);
	planned_free(w);
}

/* A plan for cores that are not known here, and one of yesterday, are refused whole. */
static void test_plan_of_others(void **state)
{
	struct world *w = planned_world(PLAN({0, 60, "sat-a", "a.example"}));

	(void)state;
	planned_run(w, 1);
	planned_write(w, PLAN({0, 60, "sat-a", "c.example"}, {0, 60, "sat-b", "nobody.example"}));
	planned_run(w, 2);
	assert_string_equal(schedule_core(&w->core, "sat-a", w->now), "a.example");
	assert_null(schedule_core(&w->core, "sat-b", w->now));
	planned_write(w, PLAN({-60, 1, "sat-a", "c.example"}));
	planned_run(w, 3);
	assert_string_equal(schedule_core(&w->core, "sat-a", w->now), "a.example");
	planned_free(w);
}

/* Terminals name satellites as the protocol has it, catalogues as they like. */
static void test_names_of_catalogues(void **state)
{
	struct world *w = planned_world(
		PLAN({0, 60, "SAT_2", "a.example"}, {0, 60, "SAT A (DEB)", "c.example"}));

	(void)state;
	assert_string_equal(schedule_core(&w->core, "sat-a--deb-", w->now), "c.example");
	assert_string_equal(schedule_core(&w->core, "sat_2", w->now), "a.example");
	planned_free(w);
}

/* In a laboratory the plan runs faster; what is to be done ahead of it does not. */
static void test_lab_time(void **state)
{
	struct world *w =
		otto_world(PLANNED_WITH("") " time = { start = \"2026-07-29T12:00:00Z\"; "
					    "epoch = \"2026-07-29T12:00:00Z\"; rate = 10; };");

	(void)state;
	planned_write(w, PLAN({0, 200, "sat-a", "a.example"}, {200, 900, "sat-a", "c.example"}));
	planned_noon(w);
	otto_visit(w, FAR_A);
	planned_run(w, 17.9);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 0);
	planned_run(w, 18.5);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 1);
	assert_string_equal(schedule_core(&w->core, "sat-a", w->now), "a.example");
	planned_run(w, 20.5);
	assert_string_equal(schedule_core(&w->core, "sat-a", w->now), "c.example");
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	planned_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),	       cmocka_unit_test(test_late_comer),
		cmocka_unit_test(test_has_left),       cmocka_unit_test(test_file_changes),
		cmocka_unit_test(test_large_file),     cmocka_unit_test(test_file_written),
		cmocka_unit_test(test_clock_set_back), cmocka_unit_test(test_other_file),
		cmocka_unit_test(test_file_comes),     cmocka_unit_test(test_clock_set),
		cmocka_unit_test(test_plan_of_others), cmocka_unit_test(test_names_of_catalogues),
		cmocka_unit_test(test_lab_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
