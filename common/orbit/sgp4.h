/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SGP4: where a satellite is, from its mean elements.
 *
 * The near-Earth part of the theory as published in Vallado, Crawford, Hujsak and Kelso,
 * "Revisiting Spacetrack Report #3" (AIAA 2006-6753), with the constants of WGS-72, which is
 * what two-line elements are fitted with. States are in TEME (true equator, mean equinox of
 * date), kilometres and kilometres per second. Objects with a period of 225 minutes or more need
 * the deep-space part and are refused: none of them is a low-Earth-orbit access satellite.
 */
#ifndef SNO_ORBIT_SGP4_H
#define SNO_ORBIT_SGP4_H

#include "orbit/tle.h"

enum sgp4_result {
	SGP4_GOOD = 0,
	SGP4_DEEP_SPACE,   /* a period of 225 minutes or more */
	SGP4_NO_ORBIT,	   /* elements that describe none: no mean motion, below the surface */
	SGP4_ECCENTRICITY, /* drag has brought the mean eccentricity out of range */
	SGP4_MOTION,	   /* ... the mean motion */
	SGP4_PARAMETER,	   /* ... the semi-latus rectum */
	SGP4_DECAYED,	   /* the satellite would be below the surface */
};

/* An orbit made ready; all that does not change with time. Angles in radians, times in minutes,
 * lengths in Earth radii. */
struct sgp4 {
	usec_t epoch; /* UTC, wall */
	bool low;     /* perigee below 220 km: the drag terms are cut short */
	/* mean elements at the epoch; motion and axis after removing Kozai's convention */
	double inclination, node, perigee, anomaly, eccentricity, motion, axis, bstar;
	double sin_i, cos_i;
	/* secular rates */
	double anomaly_rate, perigee_rate, node_rate, node_drag;
	/* atmospheric drag */
	double eta, c1, c4, c5, d2, d3, d4, t2, t3, t4, t5;
	double perigee_drag, anomaly_drag, delta_m0, sin_m0;
	/* long period */
	double lp_aycof, lp_xlcof;
	/* 3 cos^2 i - 1, 1 - cos^2 i, 7 cos^2 i - 1 */
	double con41, x1mth2, x7thm1;
};

/* 0, or SGP4_DEEP_SPACE or SGP4_NO_ORBIT. */
enum sgp4_result sgp4_init(struct sgp4 *orbit, const struct element_set *set);

/*
 * The state so many minutes after the epoch (negative: before): r in km, v in km/s, TEME. On any
 * other result than SGP4_GOOD r and v are not to be used.
 */
enum sgp4_result sgp4_propagate(const struct sgp4 *orbit, double minutes, double r[3], double v[3]);

/* The same at an instant, UTC, wall. */
enum sgp4_result sgp4_at(const struct sgp4 *orbit, usec_t instant, double r[3], double v[3]);

/* What the result means, for messages: "deep space: a period of 225 minutes or more". */
const char *sgp4_text(enum sgp4_result result);

/* The period in minutes. */
double sgp4_period(const struct sgp4 *orbit);

/*
 * Bounds of the orbit between two instants: the greatest distance from the Earth's centre (km), and
 * the greatest angular speed about it, seen from the turning Earth (radians per second). They hold
 * with some room, and are good for culling only.
 */
struct sgp4_bounds {
	double farthest, speed;
};
void sgp4_bound(const struct sgp4 *orbit, usec_t from, usec_t until, struct sgp4_bounds *bounds);

#endif
