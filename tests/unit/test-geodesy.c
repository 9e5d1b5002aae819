/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places, sidereal time and directions, against published examples and plain geometry. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "association.h"
#include "orbit/geodesy.h"

#define RADIANS (M_PI / 180)

static void near(double value, double wanted, double limit)
{
	if (!(fabs(value - wanted) <= limit))
		fail_msg("%.12g instead of %.12g", value, wanted);
}

/* Vallado, "Fundamentals of Astrodynamics and Applications", example 3-3; Bowring's is iterated. */
static void a_published_vector_is_at_its_place(void **state)
{
	static const double r[3] = {6524.834, 6862.875, 6448.296};
	struct place place;
	struct site site;

	(void)state;
	geodesy_place(r, &place);
	near(place.lat, 34.352496, 1e-6);
	near(place.lon, 46.4464, 1e-4);
	near(place.height, 5085220, 10);
	geodesy_site(&place, &site);
	for (int k = 0; k < 3; k++)
		near(site.position[k], r[k], 1e-6);
}

/* The ellipsoid's axes are where equator and poles are. */
static void axes_are_those_of_wgs84(void **state)
{
	static const struct {
		struct place place;
		double position[3], up[3];
	} cases[] = {
		{{0, 0, 0}, {6378.137, 0, 0}, {1, 0, 0}},
		{{0, 90, 1000}, {0, 6379.137, 0}, {0, 1, 0}},
		{{0, -180, 0}, {-6378.137, 0, 0}, {-1, 0, 0}},
		{{90, 0, 0}, {0, 0, 6356.752314245}, {0, 0, 1}},
		{{-90, 0, 500}, {0, 0, -6357.252314245}, {0, 0, -1}},
	};
	struct site site;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		geodesy_site(&cases[i].place, &site);
		for (int k = 0; k < 3; k++) {
			near(site.position[k], cases[i].position[k], 1e-9);
			near(site.up[k], cases[i].up[k], 1e-12);
		}
	}
}

static void places_are_found_again(void **state)
{
	struct place place, again;
	struct site site;

	(void)state;
	for (double lat = -90; lat <= 90; lat += 2.5) {
		for (double height = -10000; height < 4e7; height = height * 3 + 31000) {
			place = (struct place){lat, lat * 1.9, height};
			geodesy_site(&place, &site);
			geodesy_place(site.position, &again);
			near(again.lat, lat, 1e-8);
			near(again.height, height, 1e-3);
			if (fabs(lat) < 90)
				near(again.lon, place.lon, 1e-10);
		}
	}
}

/* Vallado, example 3-5. */
static void sidereal_time_is_the_published_one(void **state)
{
	usec_t instant;

	(void)state;
	association_time_parse("1992-08-20T12:14:00Z", &instant);
	near(geodesy_gmst(instant) / RADIANS, 152.578787810, 1e-7);
	/* A sidereal day later the Earth has turned once. */
	near(geodesy_gmst(instant + INT64_C(86164090524)) / RADIANS, 152.578787810, 1e-7);
	for (int64_t day = -5000; day < 30000; day += 7) {
		double angle = geodesy_gmst(day * 86400 * USEC_PER_SEC + 1);

		assert_true(angle >= 0 && angle < 2 * M_PI);
	}
}

/* The example of AIAA 2006-6753, appendix C, from TEME to the pseudo-Earth-fixed frame. Its UT1 is
 * given here, as ours is UTC. */
static void a_published_state_is_turned(void **state)
{
	static const double wanted_r[3] = {-1033.47503130, 7901.30558560, 6380.34453270};
	static const double wanted_v[3] = {-3.225632747, -2.872442511, 5.531931288};
	double r[3] = {5094.18016210, 6127.64465950, 6380.34453270};
	double v[3] = {-4.746131487, 0.785818041, 5.531931288};
	usec_t instant;

	(void)state;
	association_time_parse("2004-04-06T07:51:27.946047Z", &instant);
	geodesy_earth_fixed(instant, r, v);
	for (int k = 0; k < 3; k++) {
		near(r[k], wanted_r[k], 1e-5); /* a microsecond of time is 0.6 mm */
		near(v[k], wanted_v[k], 2e-8); /* that day was 1.6 ms long */
	}
}

/* Velocity is what position changes by. */
static void turned_velocity_fits_turned_position(void **state)
{
	double r[3], v[3] = {-4.7, 0.8, 5.5}, ahead[3], behind[3];
	usec_t instant = 1767225600 * USEC_PER_SEC;

	(void)state;
	for (int k = 0; k < 3; k++) {
		r[k] = 5000 + 1000 * k;
		ahead[k] = r[k] + v[k];
		behind[k] = r[k] - v[k];
	}
	geodesy_earth_fixed(instant, r, v);
	geodesy_earth_fixed(instant + USEC_PER_SEC, ahead, NULL);
	geodesy_earth_fixed(instant - USEC_PER_SEC, behind, NULL);
	for (int k = 0; k < 3; k++)
		near((ahead[k] - behind[k]) / 2, v[k], 1e-6);
}

static void directions_are_those_of_a_compass(void **state)
{
	static const struct {
		double lat, lon, north, east, up, elevation, azimuth;
	} cases[] = {
		{0, 0, 0, 0, 100, 90, -1},
		{0, 0, 100, 0, 0, 0, 0},
		{0, 0, 0, 100, 0, 0, 90},
		{0, 0, -100, 0, 0, 0, 180},
		{0, 0, 0, -100, 0, 0, 270},
		{48, 11, 100, 100, 0, 0, 45},
		{48, 11, 100, 0, 100, 45, 0},
		{-60, -120, 0, 50, 86.602540378, 60, 90},
		{-33, 151, 0, -3, -4, -53.130102354, 270},
		{89.99, 7, -5, -5, 0, 0, 225},
	};
	double sin_lat, cos_lat, sin_lon, cos_lon, r[3];
	struct site site;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct place place = {cases[i].lat, cases[i].lon, 300};

		sin_lat = sin(place.lat * RADIANS);
		cos_lat = cos(place.lat * RADIANS);
		sin_lon = sin(place.lon * RADIANS);
		cos_lon = cos(place.lon * RADIANS);
		geodesy_site(&place, &site);
		r[0] = site.position[0] - sin_lat * cos_lon * cases[i].north -
		       sin_lon * cases[i].east + cos_lat * cos_lon * cases[i].up;
		r[1] = site.position[1] - sin_lat * sin_lon * cases[i].north +
		       cos_lon * cases[i].east + cos_lat * sin_lon * cases[i].up;
		r[2] = site.position[2] + cos_lat * cases[i].north + sin_lat * cases[i].up;
		near(geodesy_elevation(&site, r), cases[i].elevation, 1e-6);
		near(geodesy_range(&site, r),
		     sqrt(cases[i].north * cases[i].north + cases[i].east * cases[i].east +
			  cases[i].up * cases[i].up),
		     1e-9);
		if (cases[i].azimuth >= 0)
			near(remainder(geodesy_azimuth(&site, r) - cases[i].azimuth, 360), 0, 1e-6);
	}
}

/* At the poles there is no north; what is said must be a number all the same. */
static void poles_have_directions(void **state)
{
	static const double r[3] = {1000, 2000, 7000};
	struct place pole = {90, 0, 0};
	struct site site;
	double azimuth;

	(void)state;
	geodesy_site(&pole, &site);
	azimuth = geodesy_azimuth(&site, r);
	assert_true(azimuth >= 0 && azimuth < 360);
	near(geodesy_elevation(&site, site.position), 90, 0);
	near(geodesy_range(&site, site.position), 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_published_vector_is_at_its_place),
		cmocka_unit_test(axes_are_those_of_wgs84),
		cmocka_unit_test(places_are_found_again),
		cmocka_unit_test(sidereal_time_is_the_published_one),
		cmocka_unit_test(a_published_state_is_turned),
		cmocka_unit_test(turned_velocity_fits_turned_position),
		cmocka_unit_test(directions_are_those_of_a_compass),
		cmocka_unit_test(poles_have_directions),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("geodesy", tests, NULL, NULL);
}
