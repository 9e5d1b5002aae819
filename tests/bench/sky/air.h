/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies between the ground and the satellites: who stands above whose horizon, and how long a
 * signal is under way.
 *
 * Everything is computed from the elements at the instant at which it is wanted. A terminal's link
 * and a satellite's feeder are up while the satellite stands above the mask of that place.
 */
#ifndef SNO_SKY_AIR_H
#define SNO_SKY_AIR_H

#include "association.h"
#include "lab_time.h"
#include "orbit/geodesy.h"
#include "orbit/sgp4.h"

#define LIGHT 299792.458 /* km/s */

struct satellite {
	char *name;
	unsigned int bridge; /* of its access side */
	struct sgp4 orbit;
	const struct association *rows; /* its associations, in real time */
	size_t count;
};

/* A terminal or a ground station. */
struct ground {
	char *name;
	struct site site;
	double mask; /* degrees: the radio carries above */
};

/* Real instants (CLOCK_REALTIME, microseconds) and those of the orbits. */
struct sky_time {
	usec_t start, epoch;
	unsigned int rate;
};

usec_t sky_time_now(void);

/* How the satellite stands over a place at a real instant: elevation (degrees) and the time that
 * light takes (microseconds). A decayed satellite stands at -90 degrees. */
struct sight {
	double elevation;
	usec_t delay;
};
struct sight air_sight(const struct sky_time *time, const struct satellite *satellite,
		       const struct ground *ground, usec_t real);

/* When between two real instants the satellite passes the mask, to 50 us; it stands on different
 * sides of it at both. */
usec_t air_edge(const struct sky_time *time, const struct satellite *satellite,
		const struct ground *ground, usec_t from, usec_t until);

#endif
