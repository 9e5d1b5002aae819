/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places on the Earth, and how a satellite is seen from them.
 *
 * Places are geodetic, on the ellipsoid of WGS-84. The Earth turns by Greenwich mean sidereal time
 * of 1982 (IAU), which takes TEME to the pseudo-Earth-fixed frame (AIAA 2006-6753, appendix C).
 * UT1 is taken to be UTC and polar motion is ignored: together less than half a kilometre on the
 * ground, a fifteenth of a second of a satellite's way.
 *
 * Earth-fixed vectors are in km and km/s, x towards 0 N 0 E, z towards the north pole.
 */
#ifndef SNO_ORBIT_GEODESY_H
#define SNO_ORBIT_GEODESY_H

#include "clock.h"

/* Degrees north, degrees east, metres above the ellipsoid. */
struct place {
	double lat, lon, height;
};

/* A place made ready for looking at the sky from it. */
struct site {
	double position[3]; /* Earth-fixed, km */
	double up[3];	    /* unit vector along the ellipsoid's normal */
};

void geodesy_site(const struct place *place, struct site *site);

/* The place below (or above) an Earth-fixed vector; lon from -180 to 180. Good to a millimetre
 * from 10 km below the ground to far outside of any orbit. */
void geodesy_place(const double r[3], struct place *place);

/* Greenwich mean sidereal time, radians, 0 to 2 pi. */
double geodesy_gmst(usec_t instant);

/* Turns a TEME state at an instant into an Earth-fixed one, in place. v may be NULL. */
void geodesy_earth_fixed(usec_t instant, double r[3], double v[3]);

/* Elevation of an Earth-fixed vector above the site's horizon, degrees. No refraction. */
double geodesy_elevation(const struct site *site, const double r[3]);
/* Azimuth, degrees from north over east, 0 to 360. */
double geodesy_azimuth(const struct site *site, const double r[3]);
/* Slant range, km. */
double geodesy_range(const struct site *site, const double r[3]);

#endif
