/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which satellites a terminal is told to use: by a timetable, and by orbits, where what is said is
 * held against the orbits themselves.
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

#include "log.h"
#include "orbit/choice.h"
#include "orbit/geodesy.h"
#include "orbit/sgp4.h"
#include "orbit/tle.h"
#include "orbit/walker.h"
#include "terminal-agent/config.h"
#include "terminal-agent/guide.h"

#define START "2026-07-29T12:00:00Z"

static struct {
	char folder[32], file[64], loads[64];
	char nai[32], *elements[1];
	struct config config;
	struct link_config links[2];
	struct guide guide;
	struct associations plan;
	struct constellation sky;
} w;

static usec_t at(const char *text)
{
	usec_t instant;

	assert_int_equal(association_time_parse(text, &instant), 0);
	return instant;
}

static void ignore(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	log_set_level(LOG_LEVEL_ERROR - 1);
	strcpy(w.folder, "/tmp/sno-guide-XXXXXX");
	assert_non_null(mkdtemp(w.folder));
	snprintf(w.file, sizeof(w.file), "%s/file", w.folder);
	snprintf(w.loads, sizeof(w.loads), "%s/loads", w.folder);
	strcpy(w.nai, "alice@a.example");
	w.config.terminal.nai = w.nai;
	w.links[0] = (struct link_config){NULL, (char *)"sat0", (char *)"dish0"};
	w.config.links = w.links;
	w.config.link_count = 1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guide_free(&w.guide);
	association_free(&w.plan);
	tle_free(&w.sky);
	unlink(w.file);
	unlink(w.loads);
	return rmdir(w.folder);
}

/* ---- a timetable ----------------------------------------------------------------------------- */

static int timetable(const char *rows, const char *now)
{
	char text[1024];

	snprintf(text, sizeof(text), "from,until,satellite,core\n%s", rows);
	write_file(w.file, text);
	w.config.timetable = w.file;
	return guide_load(&w.guide, &w.config, at(now), ignore, NULL);
}

static void a_timetable_is_followed(void **state)
{
	const struct guide_step *step;

	(void)state;
	assert_false(guide_active(&w.guide));
	assert_int_equal(
		timetable("2026-07-29T12:05:00Z,2026-07-29T12:10:00Z,S 2,b.example\n"
			  "2026-07-29T12:00:00Z,2026-07-29T12:05:00Z,STARLINK-1,a.example\n"
			  "2026-07-29T12:11:00Z,2026-07-29T12:12:00Z,s3,a.example\n",
			  START),
		0);
	assert_true(guide_active(&w.guide));
	assert_false(guide_stale(&w.guide, at(START)));
	assert_null(guide_at(&w.guide, at("2026-07-29T11:59:59Z")));
	step = guide_after(&w.guide, at("2026-07-29T11:59:59Z"));
	assert_non_null(step);
	assert_string_equal(step->satellite, "starlink-1");
	step = guide_at(&w.guide, at("2026-07-29T12:05:00Z"));
	assert_non_null(step);
	assert_string_equal(step->satellite, "s-2");
	assert_string_equal(step->core, "b.example");
	assert_null(guide_at(&w.guide, at("2026-07-29T12:10:00Z")));
	step = guide_after(&w.guide, at("2026-07-29T12:10:00Z"));
	assert_non_null(step);
	assert_string_equal(step->satellite, "s3");
	assert_null(guide_after(&w.guide, at("2026-07-29T12:11:00Z")));
}

static void a_wrong_timetable_changes_nothing(void **state)
{
	static const char good[] = "2026-07-29T12:00:00Z,2026-07-29T12:05:00Z,s1,a.example\n";

	(void)state;
	assert_int_equal(timetable(good, START), 0);
	/* Two at a time, over, empty, and no timetable at all. */
	assert_int_equal(timetable("2026-07-29T12:00:00Z,2026-07-29T12:05:00Z,s1,a.example\n"
				   "2026-07-29T12:04:59Z,2026-07-29T12:06:00Z,s2,a.example\n",
				   START),
			 -EINVAL);
	assert_int_equal(timetable(good, "2026-07-29T12:05:00Z"), -EINVAL);
	assert_int_equal(timetable("", START), -EINVAL);
	assert_int_equal(timetable("nonsense\n", START), -EINVAL);
	unlink(w.file);
	assert_int_equal(guide_load(&w.guide, &w.config, at(START), ignore, NULL), -ENOENT);
	assert_int_equal(w.guide.step_count, 1);
	assert_string_equal(guide_at(&w.guide, at(START))->satellite, "s1");
}

/* ---- orbits ---------------------------------------------------------------------------------- */

/* A shell of 240 satellites, seen from Munich; every third one leads to b.example. */
static void orbits(int policy)
{
	const struct walker shell = {.satellites = 240,
				     .planes = 12,
				     .phasing = 1,
				     .inclination = 53,
				     .altitude = 1200,
				     .first = 1,
				     .name = "WALKER",
				     .epoch = at(START)};
	char *text;
	size_t length;
	FILE *file = fopen(w.file, "w"), *plan = open_memstream(&text, &length);

	assert_non_null(file);
	assert_int_equal(walker_print(file, &shell), 0);
	fclose(file);
	tle_free(&w.sky);
	assert_int_equal(tle_load(&w.sky, w.file, 0, ignore, NULL), 0);
	fputs("from,until,satellite,core\n", plan);
	for (size_t i = 0; i < w.sky.count; i++)
		fprintf(plan, "2026-07-29T11:00:00Z,2026-07-30T11:00:00Z,%s,%s.example\n",
			w.sky.sets[i].name, i % 3 ? "a" : "b");
	fclose(plan);
	association_free(&w.plan);
	assert_int_equal(association_load_text(&w.plan, "plan", text, length, NULL, ignore, NULL),
			 0);
	association_fold(&w.plan);
	free(text);
	w.config.timetable = NULL;
	w.elements[0] = w.file;
	w.config.elements = w.elements;
	w.config.element_count = 1;
	w.config.position.given = true;
	w.config.position.latitude = 48.1;
	w.config.position.longitude = 11.6;
	w.config.position.min_elevation = 25;
	w.config.policy = policy;
	assert_int_equal(guide_load(&w.guide, &w.config, at(START), ignore, NULL), 0);
}

static double elevation(const char *satellite, usec_t instant)
{
	const struct place place = {48.1, 11.6, 0};
	char folded[ASSOCIATION_FOLDED_MAX + 1];
	double r[3], v[3];
	struct site site;
	struct sgp4 orbit;

	geodesy_site(&place, &site);
	for (size_t i = 0; i < w.sky.count; i++) {
		if (strcmp(association_fold_name(w.sky.sets[i].name, folded), satellite) != 0)
			continue;
		sgp4_init(&orbit, &w.sky.sets[i]);
		assert_int_equal(sgp4_at(&orbit, instant, r, v), SGP4_GOOD);
		geodesy_earth_fixed(instant, r, NULL);
		return geodesy_elevation(&site, r);
	}
	fail_msg("there is no satellite %s", satellite);
	return 0;
}

static void satellites_stand_high_enough(void **state)
{
	static const int policies[] = {CHOICE_PLAN, CHOICE_HOME_FIRST, CHOICE_LONGEST,
				       CHOICE_ELEVATION};

	(void)state;
	for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
		orbits(policies[p]);
		assert_true(guide_stale(&w.guide, at(START)));
		assert_int_equal(guide_compute(&w.guide, &w.plan, NULL, at(START)), 0);
		assert_false(guide_stale(&w.guide, at(START)));
		assert_true(guide_stale(&w.guide, at("2026-07-29T12:30:00Z")));
		assert_true(w.guide.step_count > 3);
		for (size_t i = 0; i < w.guide.step_count; i++) {
			const struct guide_step *step = &w.guide.steps[i];

			assert_true(step->visible <= step->from && step->from < step->until);
			assert_true(i == 0 || step[-1].until <= step->from);
			assert_true(elevation(step->satellite, step->from) > 24.9);
			assert_true(elevation(step->satellite, step->visible) > 24.9);
			assert_true(elevation(step->satellite, step->until) > 24.9);
			assert_true(*step->core);
		}
	}
}

/* What is in use is stayed with, where nothing speaks against it. */
static void who_is_on_a_satellite_stays(void **state)
{
	usec_t later = at("2026-07-29T12:01:00Z");
	char on[ASSOCIATION_FOLDED_MAX + 1];

	(void)state;
	orbits(CHOICE_LONGEST);
	assert_int_equal(guide_compute(&w.guide, &w.plan, NULL, at(START)), 0);
	snprintf(on, sizeof(on), "%s", guide_at(&w.guide, later)->satellite);
	assert_int_equal(guide_compute(&w.guide, &w.plan, on, later), 0);
	assert_string_equal(guide_at(&w.guide, later)->satellite, on);
}

/* Links that have names are to these satellites, and no others can be had. */
static void named_links_are_all_there_is(void **state)
{
	(void)state;
	w.links[0] = (struct link_config){(char *)"walker-0001", (char *)"sat0", NULL};
	w.links[1] = (struct link_config){(char *)"nobody", (char *)"sat1", NULL};
	w.config.link_count = 2;
	orbits(CHOICE_PLAN);
	assert_int_equal(w.guide.count, 1);
	assert_int_equal(guide_compute(&w.guide, &w.plan, NULL, at(START)), 0);
}

static void the_least_load_is_preferred(void **state)
{
	char text[16384] = "satellite,load\n", *end = text + strlen(text);

	(void)state;
	orbits(CHOICE_PLAN);
	for (size_t i = 0; i < w.sky.count; i++)
		end += sprintf(end, "%s,%d\n", w.sky.sets[i].name, i % 7 ? 1000 : 0);
	write_file(w.loads, text);
	w.config.loads = w.loads;
	orbits(CHOICE_LOAD);
	assert_int_equal(guide_compute(&w.guide, &w.plan, NULL, at(START)), 0);
	for (size_t i = 0; i < w.guide.count; i++)
		assert_true(w.guide.satellites[i].load == (i % 7 ? 1000 : 0));
	write_file(w.loads, "satellite,load\nx,many\n");
	assert_int_equal(guide_load(&w.guide, &w.config, at(START), ignore, NULL), -EINVAL);
	assert_true(w.guide.step_count > 0);
}

/* Without an association file nobody knows where satellites lead, and one is chosen all the same.
 */
static void without_a_plan_satellites_are_chosen_too(void **state)
{
	const struct associations none = {0};

	(void)state;
	orbits(CHOICE_PLAN);
	assert_int_equal(guide_compute(&w.guide, &none, NULL, at(START)), 0);
	assert_true(w.guide.step_count > 0);
	assert_string_equal(w.guide.steps[0].core, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_timetable_is_followed),
		TEST(a_wrong_timetable_changes_nothing),
		TEST(satellites_stand_high_enough),
		TEST(who_is_on_a_satellite_stays),
		TEST(named_links_are_all_there_is),
		TEST(the_least_load_is_preferred),
		TEST(without_a_plan_satellites_are_chosen_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
