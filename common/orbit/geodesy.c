/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places and directions: see geodesy.h. */
#define _GNU_SOURCE /* sincos */
#include "orbit/geodesy.h"

#include <math.h>

/* WGS-84. */
#define AXIS	     6378.137 /* km */
#define FLATTENING   (1 / 298.257223563)
#define ECCENTRICITY (FLATTENING * (2 - FLATTENING)) /* squared */
#define EARTH_SPIN   7.29211514670698e-5	     /* rad/s, as AIAA 2006-6753 has it */

#define RADIANS	    (M_PI / 180)
#define J2000	    INT64_C(946728000) /* 2000-01-01T12:00:00Z, in seconds since 1970 */
#define DAY_SECONDS 86400.0

static double dot(const double a[3], const double b[3])
{
	return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

void geodesy_site(const struct place *place, struct site *site)
{
	double sin_lat, cos_lat, sin_lon, cos_lon, across, h = place->height / 1000;

	sincos(place->lat * RADIANS, &sin_lat, &cos_lat);
	sincos(place->lon * RADIANS, &sin_lon, &cos_lon);
	across = AXIS / sqrt(1 - ECCENTRICITY * sin_lat * sin_lat);
	site->up[0] = cos_lat * cos_lon;
	site->up[1] = cos_lat * sin_lon;
	site->up[2] = sin_lat;
	site->position[0] = (across + h) * site->up[0];
	site->position[1] = (across + h) * site->up[1];
	site->position[2] = (across * (1 - ECCENTRICITY) + h) * sin_lat;
}

/*
 * Bowring's formula, from the parametric latitude, repeated until it stands. The height is taken
 * along the normal, which is good at the poles too.
 */
void geodesy_place(const double r[3], struct place *place)
{
	double from_axis = hypot(r[0], r[1]), minor = AXIS * (1 - FLATTENING);
	double second = ECCENTRICITY / (1 - ECCENTRICITY), lat = 0, sine, cosine;
	double beta = atan2(r[2], (1 - FLATTENING) * from_axis);

	for (int i = 0; i < 4; i++) {
		sincos(beta, &sine, &cosine);
		lat = atan2(r[2] + second * minor * sine * sine * sine,
			    from_axis - ECCENTRICITY * AXIS * cosine * cosine * cosine);
		beta = atan2((1 - FLATTENING) * sin(lat), cos(lat));
	}
	sincos(lat, &sine, &cosine);
	place->lat = lat / RADIANS;
	place->lon = atan2(r[1], r[0]) / RADIANS;
	place->height = 1000 * (from_axis * cosine + r[2] * sine -
				AXIS * sqrt(1 - ECCENTRICITY * sine * sine));
}

/*
 * IAU 1982: the seconds of sidereal time at this instant of UT1. The whole days of
 * 876600 hours a century are taken out before they can cost digits.
 */
double geodesy_gmst(usec_t instant)
{
	usec_t whole = instant / USEC_PER_SEC - J2000;
	double seconds = (double)whole + (double)(instant % USEC_PER_SEC) / (double)USEC_PER_SEC;
	double centuries = seconds / (36525 * DAY_SECONDS);
	double sidereal =
		67310.54841 + fmod(seconds, DAY_SECONDS) +
		centuries * (8640184.812866 + centuries * (0.093104 - centuries * 6.2e-6));
	double angle = fmod(sidereal, DAY_SECONDS) / DAY_SECONDS * 2 * M_PI;

	return angle < 0 ? angle + 2 * M_PI : angle;
}

void geodesy_earth_fixed(usec_t instant, double r[3], double v[3])
{
	double sine, cosine, x = r[0], y = r[1];

	sincos(geodesy_gmst(instant), &sine, &cosine);
	r[0] = cosine * x + sine * y;
	r[1] = cosine * y - sine * x;
	if (!v)
		return;
	x = v[0];
	y = v[1];
	v[0] = cosine * x + sine * y + EARTH_SPIN * r[1];
	v[1] = cosine * y - sine * x - EARTH_SPIN * r[0];
}

static double look(const struct site *site, const double r[3], double way[3])
{
	for (int k = 0; k < 3; k++)
		way[k] = r[k] - site->position[k];
	return sqrt(dot(way, way));
}

double geodesy_range(const struct site *site, const double r[3])
{
	double way[3];

	return look(site, r, way);
}

double geodesy_elevation(const struct site *site, const double r[3])
{
	double way[3], range = look(site, r, way),
		       sine = range > 0 ? dot(way, site->up) / range : 1;

	return asin(fmax(-1, fmin(1, sine))) / RADIANS;
}

/* East is z x up, north is up x east; at a pole, where neither is, east is that of 0 E. */
double geodesy_azimuth(const struct site *site, const double r[3])
{
	const double *up = site->up;
	double way[3], across = hypot(up[0], up[1]), east[3] = {0, 1, 0}, north[3], azimuth;

	look(site, r, way);
	if (across > 1e-12) {
		east[0] = -up[1] / across;
		east[1] = up[0] / across;
	}
	north[0] = up[1] * east[2] - up[2] * east[1];
	north[1] = up[2] * east[0] - up[0] * east[2];
	north[2] = up[0] * east[1] - up[1] * east[0];
	azimuth = atan2(dot(way, east), dot(way, north)) / RADIANS;
	return azimuth < 0 ? azimuth + 360 : azimuth;
}
