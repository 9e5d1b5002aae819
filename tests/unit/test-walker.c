/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walker constellations: the pattern, and that what is written describes it. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "orbit/sgp4.h"
#include "orbit/walker.h"

static const struct walker good = {
	.pattern = WALKER_DELTA,
	.inclination = 53,
	.altitude = 550,
	.satellites = 60,
	.planes = 5,
	.phasing = 2,
	.node = 10,
	.anomaly = 3,
	.first = 100,
	.name = "SHELL",
	.epoch = INT64_C(1767225600) * USEC_PER_SEC,
};

static void report(void *arg, const char *message)
{
	(void)arg;
	fail_msg("%s", message);
}

static void load(const struct walker *walker, struct constellation *c)
{
	size_t length;
	char *text;
	FILE *out = open_memstream(&text, &length);

	assert_int_equal(walker_print(out, walker), 0);
	fclose(out);
	memset(c, 0, sizeof(*c));
	assert_int_equal(tle_load_text(c, "walker", text, length, 0, report, NULL), 0);
	free(text);
}

static bool same(double a, double b)
{
	return fabs(remainder(a - b, 360)) < 1e-4;
}

static void delta_is_spread_over_the_circle(void **state)
{
	struct constellation c;

	(void)state;
	assert_null(walker_fault(&good));
	load(&good, &c);
	assert_int_equal(c.count, 60);
	assert_string_equal(c.sets[0].name, "SHELL-0100");
	assert_string_equal(c.sets[59].name, "SHELL-0159");
	for (unsigned int i = 0; i < 60; i++) {
		unsigned int plane = i / 12, place = i % 12;

		assert_int_equal(c.sets[i].number, 100 + i);
		assert_int_equal(c.sets[i].epoch, good.epoch);
		assert_true(same(c.sets[i].inclination, 53));
		assert_true(same(c.sets[i].node, 10 + 72.0 * plane));
		assert_true(same(c.sets[i].anomaly, 3 + 30.0 * place + 12.0 * plane));
	}
	tle_free(&c);
}

static void star_is_spread_over_half_of_it(void **state)
{
	struct walker star = good;
	struct constellation c;

	(void)state;
	star.pattern = WALKER_STAR;
	star.inclination = 86.4;
	load(&star, &c);
	for (unsigned int i = 0; i < 60; i++)
		assert_true(same(c.sets[i].node, 10 + 36.0 * (i / 12)));
	tle_free(&c);
}

/* SGP4 finds them at their altitude, round the orbit. */
static void altitude_is_kept(void **state)
{
	static const double altitudes[] = {300, 550, 780, 1200, 5000};

	(void)state;
	for (size_t a = 0; a < sizeof(altitudes) / sizeof(altitudes[0]); a++) {
		struct walker walker = good;
		struct constellation c;
		struct sgp4 orbit;
		double r[3], v[3], height;

		walker.altitude = altitudes[a];
		load(&walker, &c);
		assert_int_equal(sgp4_init(&orbit, &c.sets[17]), SGP4_GOOD);
		for (int m = 0; m < 100; m++) {
			assert_int_equal(sgp4_propagate(&orbit, m, r, v), SGP4_GOOD);
			height = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]) - 6378.135;
			assert_true(fabs(height - altitudes[a]) < 15);
		}
		tle_free(&c);
	}
}

static void impossible_ones_are_refused(void **state)
{
	struct walker walkers[8];

	(void)state;
	for (size_t i = 0; i < 8; i++)
		walkers[i] = good;
	walkers[0].planes = 7;
	walkers[1].planes = 0;
	walkers[2].satellites = 0;
	walkers[3].phasing = 5;
	walkers[4].first = 0;
	walkers[5].first = 339941; /* the last would be 340000 */
	walkers[6].name = "a,b";
	walkers[7].name = "a name that is much too long for what stands in a file of elements";
	for (size_t i = 0; i < 8; i++)
		assert_non_null(walker_fault(&walkers[i]));
	walkers[5].first = 339940;
	assert_null(walker_fault(&walkers[5]));
}

static void unwritable_epochs_are_told(void **state)
{
	struct walker walker = good;
	size_t length;
	char *text;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	walker.epoch = INT64_C(40000) * 86400 * USEC_PER_SEC;
	assert_int_equal(walker_print(out, &walker), -ERANGE);
	fclose(out);
	assert_int_equal(length, 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delta_is_spread_over_the_circle),
		cmocka_unit_test(star_is_spread_over_half_of_it),
		cmocka_unit_test(altitude_is_kept),
		cmocka_unit_test(impossible_ones_are_refused),
		cmocka_unit_test(unwritable_epochs_are_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("walker", tests, NULL, NULL);
}
