/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heavens.h"

#include <stdlib.h>

#include "orbit/walker.h"

static const struct element_set sets[HEAVENS_ORBITS] = {
	[HEAVENS_LOW] = {.name = "low",
			 .inclination = 53,
			 .motion = 15.06,
			 .bstar = 1e-4,
			 .eccentricity = 1.4e-4,
			 .node = 77,
			 .perigee = 80,
			 .anomaly = 280},
	[HEAVENS_POLAR] = {.name = "polar", .inclination = 87.9, .motion = 13.15, .node = 12},
	[HEAVENS_EQUATOR] = {.name = "equator", .motion = 14.27, .anomaly = 300},
	[HEAVENS_RETROGRADE] = {.name = "retrograde",
				.inclination = 97.6,
				.motion = 14.95,
				.bstar = 4e-5,
				.eccentricity = 1e-3,
				.node = 200,
				.perigee = 90},
	[HEAVENS_VERY_LOW] = {.name = "very low",
			      .inclination = 51.6,
			      .motion = 15.9,
			      .bstar = 1e-4,
			      .eccentricity = 5e-4,
			      .node = 300,
			      .anomaly = 100},
	[HEAVENS_ECCENTRIC] = {.name = "eccentric",
			       .inclination = 63.4,
			       .motion = 10.82,
			       .eccentricity = 0.186,
			       .node = 150,
			       .perigee = 270},
	[HEAVENS_FALLING] = {.name = "falling",
			     .inclination = 50,
			     .motion = 16.2,
			     .bstar = 0.01,
			     .eccentricity = 1e-3},
};

const char *heavens_name(enum heavens_orbit which)
{
	return sets[which].name;
}

void heavens_orbit(enum heavens_orbit which, struct sgp4 *orbit)
{
	struct element_set set = sets[which];

	set.epoch = HEAVENS_EPOCH;
	if (sgp4_init(orbit, &set) != SGP4_GOOD)
		abort();
}

struct sgp4 *heavens_shell(double altitude, double inclination, unsigned int satellites,
			   unsigned int planes)
{
	struct walker walker = {.altitude = altitude,
				.inclination = inclination,
				.first = 1,
				.satellites = satellites,
				.planes = planes,
				.phasing = 1,
				.name = "W",
				.epoch = HEAVENS_EPOCH};
	struct sgp4 *orbits = calloc(satellites, sizeof(*orbits));
	struct element_set set;

	for (unsigned int i = 0; orbits && i < satellites; i++) {
		walker_satellite(&walker, i, &set);
		if (sgp4_init(&orbits[i], &set) != SGP4_GOOD)
			abort();
	}
	return orbits;
}

bool heavens_position(const struct sgp4 *orbit, usec_t instant, double r[3])
{
	double v[3];

	if (sgp4_at(orbit, instant, r, v) != SGP4_GOOD)
		return false;
	geodesy_earth_fixed(instant, r, v);
	return true;
}
