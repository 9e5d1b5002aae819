/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tracks against SGP4 at every second. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "heavens.h"
#include "orbit/track.h"

#define HOURS 4

static double distance(const double a[3], const double b[3])
{
	return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
		    (a[2] - b[2]) * (a[2] - b[2]));
}

/* The greatest distance from SGP4 in km, and of speeds in km/s. */
static void compare(struct track *track, double *worst, double *worst_speed)
{
	double r[3], v[3], at[3], later[3], earlier[3], speed[3];

	*worst = *worst_speed = 0;
	for (int s = 1; s < HOURS * 3600; s++) {
		usec_t instant = track->start + s * USEC_PER_SEC;

		assert_true(track_state(track, s, r, v));
		assert_true(heavens_position(track->orbit, instant, at));
		*worst = fmax(*worst, distance(r, at));
		assert_true(heavens_position(track->orbit, instant + USEC_PER_SEC / 2, later));
		assert_true(heavens_position(track->orbit, instant - USEC_PER_SEC / 2, earlier));
		for (int k = 0; k < 3; k++)
			speed[k] = later[k] - earlier[k];
		*worst_speed = fmax(*worst_speed, distance(v, speed));
	}
}

static void tracks_are_good_to_a_metre(void **state)
{
	/* Where an orbit is far from round, its perigee is quick. */
	double worst, speed;
	struct track track;
	struct sgp4 orbit;

	(void)state;
	for (enum heavens_orbit o = 0; o < HEAVENS_FALLING; o++) {
		heavens_orbit(o, &orbit);
		assert_int_equal(track_open(&track, &orbit, HEAVENS_EPOCH, HOURS * 3600), 0);
		compare(&track, &worst, &speed);
		print_message("# %s: %.2f m, %.1f mm/s\n", heavens_name(o), worst * 1e3,
			      speed * 1e6);
		assert_true(worst < (o == HEAVENS_ECCENTRIC ? 6e-3 : 0.5e-3));
		assert_true(speed < (o == HEAVENS_ECCENTRIC ? 1e-3 : 1e-4));
		track_close(&track);
	}
}

/* Whatever is asked first, the answers are the same; so are they after another satellite. */
static void nodes_do_not_depend_on_the_order(void **state)
{
	struct track filled, asked;
	struct sgp4 orbit, other;
	double a[3], b[3], v[3], w[3];

	(void)state;
	heavens_orbit(HEAVENS_LOW, &orbit);
	heavens_orbit(HEAVENS_POLAR, &other);
	assert_int_equal(track_open(&filled, &orbit, HEAVENS_EPOCH, 3600), 0);
	assert_int_equal(track_open(&asked, &other, HEAVENS_EPOCH, 3600), 0);
	track_fill(&asked);
	track_reuse(&asked, &orbit);
	track_fill(&filled);
	for (double t = 3600; t >= 0; t -= 12.5) {
		assert_true(track_state(&filled, t, a, v));
		assert_true(track_state(&asked, t, b, w));
		assert_memory_equal(a, b, sizeof(a));
		assert_memory_equal(v, w, sizeof(v));
	}
	track_close(&filled);
	track_close(&asked);
}

/* A span that is no whole number of nodes reaches its end all the same. */
static void spans_have_any_length(void **state)
{
	static const double lengths[] = {0.5, 59.999, 60, 60.001, 3599, 7200};
	double r[3], at[3];
	struct track track;
	struct sgp4 orbit;

	(void)state;
	heavens_orbit(HEAVENS_RETROGRADE, &orbit);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		usec_t start = HEAVENS_EPOCH + 12345678;

		assert_int_equal(track_open(&track, &orbit, start, lengths[i]), 0);
		assert_true(track_position(&track, 0, r));
		assert_true(heavens_position(&orbit, start, at));
		assert_true(distance(r, at) < 1e-9);
		assert_true(track_position(&track, lengths[i], r));
		assert_true(heavens_position(&orbit, start + clock_from_seconds(lengths[i]), at));
		assert_true(distance(r, at) < 1e-3);
		track_close(&track);
	}
}

static void tracks_end_with_the_satellite(void **state)
{
	struct track track;
	struct sgp4 orbit;
	double r[3], at[3], t;

	(void)state;
	heavens_orbit(HEAVENS_FALLING, &orbit);
	assert_int_equal(track_open(&track, &orbit, HEAVENS_EPOCH, 86400), 0);
	assert_true(track_position(&track, 0, r));
	for (t = 0; t < 86400 && track_position(&track, t, r); t += 10)
		;
	assert_true(t < 86400);
	/* It ends at the last node that is there: at most a step early. */
	assert_true(heavens_position(&orbit, HEAVENS_EPOCH + clock_from_seconds(t - 10), at));
	assert_false(
		heavens_position(&orbit, HEAVENS_EPOCH + clock_from_seconds(t + TRACK_STEP), at));
	track_close(&track);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tracks_are_good_to_a_metre),
		cmocka_unit_test(nodes_do_not_depend_on_the_order),
		cmocka_unit_test(spans_have_any_length),
		cmocka_unit_test(tracks_end_with_the_satellite),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("track", tests, NULL, NULL);
}
