/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report is written whole, reads again to the same, and says null where nothing is known; and
 * what the page and the progress of a run say of it. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "plan/page.h"
#include "plan/progress.h"
#include "plan/report.h"

static char faults[4096];

static void collect(void *arg, const char *message)
{
	size_t n = strlen(faults);

	(void)arg;
	snprintf(faults + n, sizeof(faults) - n, "%s\n", message);
}

static struct report sample(const struct scenario *scenario, const struct comparison *comparison)
{
	static const char *const files[] = {"tle a=x.tle", "users u.csv"};
	struct report report = {.scenario = scenario,
				.files = files,
				.file_count = 2,
				.start = 1767225600 * USEC_PER_SEC,
				.hours = 2,
				.step = 15,
				.min_elevation = 25,
				.station_elevation = 10,
				.tau = 300,
				.outage = 30,
				.gamma = 0.001,
				.dwell = 60,
				.isl_range = 4500,
				.seed = 7,
				.threads = 4,
				.comparison = comparison,
				.windows = 12,
				.associations = 34,
				.seconds = 1.5,
				.peak_memory = report_peak_memory()};

	for (int i = 0; i < REPORT_PHASES_MAX + 2; i++) {
		static char names[REPORT_PHASES_MAX + 2][16];

		snprintf(names[i], sizeof(names[i]), "phase %d", i);
		report_phase(&report, names[i], 0.5);
	}
	return report;
}

static void reports_read_again(void **state)
{
	const struct comparison comparison = {
		.figure2 = {4, 12, 0.5, 0.8, 2, 50},
		.figure2_planned_terminals = {3, 11, 0.5, 0.8, 2, 45},
		.naive = {5, 20, 0.4, 0.9, 1, 60},
		.plan = {0.25, 9, 0.7, 0.95, 3, 10},
		.bound = 9.5,
		.unavoidable = 1.25,
		.has_baselines = true,
		.has_bound = true,
	};
	char path[] = "/tmp/test-plan-report.XXXXXX";
	int fd = mkstemp(path);
	struct scenario scenario;
	struct report_settings settings;
	struct comparison again;
	struct report report;
	json_t *json;

	(void)state;
	scenario_init(&scenario);
	scenario_sno(&scenario, "a");
	report = sample(&scenario, &comparison);
	assert_int_equal(report.phase_count, REPORT_PHASES_MAX);
	assert_true(report.phases[REPORT_PHASES_MAX - 1].seconds == 1.5);
	report_phase(&report, "phase 0", 0.5);
	assert_true(report.phases[0].seconds == 1);
	assert_int_equal(report_write(&report, path), 0);
	assert_int_equal(report_read(path, &settings, &again, collect, NULL), 0);
	assert_memory_equal(&again, &comparison, offsetof(struct comparison, has_baselines));
	assert_true(again.has_baselines && again.has_bound);
	assert_true(settings.start == report.start && settings.tau == 300 &&
		    settings.gamma == 0.001 && settings.isl_range == 4500);
	json = json_load_file(path, 0, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "version")), SNO_VERSION);
	assert_true(json_is_null(json_object_get(json_object_get(json, "bound"), "home_share")));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(json, "inputs"), "start")),
		"2026-01-01T00:00:00Z");
	assert_true(json_integer_value(json_object_get(json_object_get(json, "work"),
						       "peak_memory")) > 1000000);
	json_decref(json);
	scenario_free(&scenario);
	close(fd);
	unlink(path);
}

static void what_was_not_computed_is_null(void **state)
{
	const struct comparison comparison = {.plan = {NAN, 9, 0.7, 0.95, 3, 10}};
	char path[] = "/tmp/test-plan-report.XXXXXX";
	int fd = mkstemp(path);
	struct scenario scenario;
	struct report_settings settings;
	struct comparison again;
	struct report report;

	(void)state;
	scenario_init(&scenario);
	report = sample(&scenario, &comparison);
	report.isl_range = 0;
	assert_int_equal(report_write(&report, path), 0);
	assert_int_equal(report_read(path, &settings, &again, collect, NULL), 0);
	assert_true(settings.isl_range == 0);
	assert_true(!again.has_baselines && !again.has_bound && isnan(again.bound) &&
		    isnan(again.plan.inter_sno_per_user_hour) && again.plan.objective == 10);
	scenario_free(&scenario);
	close(fd);
	unlink(path);
}

static void reports_that_cannot_be(void **state)
{
	const struct comparison comparison = {.plan = {0}};
	struct report_settings settings;
	struct comparison again;
	struct scenario scenario;
	struct report report;

	(void)state;
	scenario_init(&scenario);
	report = sample(&scenario, &comparison);
	assert_int_equal(report_write(&report, "/nonexistent/report.json"), -ENOENT);
	faults[0] = '\0';
	assert_int_equal(report_read("/nonexistent", &settings, &again, collect, NULL), -EINVAL);
	assert_int_equal(report_read("/dev/null", &settings, &again, collect, NULL), -EINVAL);
	assert_non_null(strstr(faults, "/nonexistent"));
	assert_non_null(strstr(faults, "/dev/null"));
	scenario_free(&scenario);
}

/* ---- orbits as the page draws them ----------------------------------------------------------- */

static const char elements[] =
	"LOW\n"
	"1 90001U 26001A   26001.00000000  .00000000  00000+0  10000-3 0  9991\n"
	"2 90001  53.0000  10.0000 0001400  80.0000 280.1234 15.06000000    17\n"
	"ECCENTRIC\n"
	"1 90005U 26001A   26001.00000000  .00000000  00000+0  00000+0 0  9990\n"
	"2 90005  87.9000 348.7242 0200000 270.0000  19.3264 13.20000000    13\n";

/* As page.js does it: Earth-centred, in the frame of the nodes. */
static void draw(const struct page_orbit *o, double t, double r[3])
{
	double m = o->anomaly + o->anomaly_rate * t, big = m, u, node, distance;

	for (int n = 0; n < 10; n++)
		big -= (big - o->eccentricity * sin(big) - m) / (1 - o->eccentricity * cos(big));
	u = o->perigee + o->perigee_rate * t +
	    atan2(sqrt(1 - o->eccentricity * o->eccentricity) * sin(big),
		  cos(big) - o->eccentricity);
	node = o->node + o->node_rate * t;
	distance = o->axis * (1 - o->eccentricity * cos(big));
	r[0] = distance * (cos(u) * cos(node) - sin(u) * cos(o->inclination) * sin(node));
	r[1] = distance * (cos(u) * sin(node) + sin(u) * cos(o->inclination) * cos(node));
	r[2] = distance * sin(u) * sin(o->inclination);
}

static void pages_draw_satellites_where_they_are(void **state)
{
	struct constellation all = {.count = 0};
	double r[3], drawn[3], v[3], error, worst = 0;
	struct page_orbit drawing;
	struct sgp4 orbit;
	/* A week after the epoch, for a day. */
	const double start = 7 * 1440;

	(void)state;
	faults[0] = '\0';
	tle_load_text(&all, "elements", elements, sizeof(elements) - 1, 0, collect, NULL);
	assert_string_equal(faults, "");
	for (size_t i = 0; i < all.count; i++) {
		assert_int_equal(sgp4_init(&orbit, &all.sets[i]), SGP4_GOOD);
		page_orbit(&orbit, orbit.epoch + (usec_t)start * 60 * USEC_PER_SEC, 86400,
			   &drawing);
		for (double t = 0; t <= 86400; t += 60) {
			assert_int_equal(sgp4_propagate(&orbit, start + t / 60, r, v), SGP4_GOOD);
			draw(&drawing, t, drawn);
			error = 0;
			for (int k = 0; k < 3; k++)
				error += (r[k] - drawn[k]) * (r[k] - drawn[k]);
			worst = fmax(worst, sqrt(error));
		}
	}
	tle_free(&all);
	if (worst > 30)
		fail_msg("%g km away", worst);
}

/* ---- progress -------------------------------------------------------------------------------- */

static void progress_speaks_in_lines(void **state)
{
	struct progress progress;
	char *text;
	size_t size;
	FILE *out = tmpfile();
	FILE *memory = open_memstream(&text, &size);

	(void)state;
	progress_open(&progress, out, false);
	assert_false(progress.bar); /* no terminal */
	progress.out = memory;
	progress_begin(&progress, "windows", 10);
	progress_add(&progress, 4); /* too early for a line */
	progress.drawn -= 60 * USEC_PER_SEC;
	progress.begun -= 60 * USEC_PER_SEC;
	progress_add(&progress, 1);
	progress_at(&progress, 6, 10);
	progress_end(&progress);
	fclose(memory);
	assert_string_equal(text, "windows: 50%, 1:00 to go\nwindows: 60.0 s\n");
	free(text);
	progress_open(&progress, out, true);
	progress_begin(&progress, "windows", 0);
	progress_add(&progress, 1);
	progress_end(&progress);
	assert_int_equal(ftell(out), 0); /* quiet */
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_read_again),
		cmocka_unit_test(what_was_not_computed_is_null),
		cmocka_unit_test(reports_that_cannot_be),
		cmocka_unit_test(pages_draw_satellites_where_they_are),
		cmocka_unit_test(progress_speaks_in_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
