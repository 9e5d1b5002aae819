/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "air.h"

#include <math.h>
#include <time.h>

#define EDGE_US 50

usec_t sky_time_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

struct sight air_sight(const struct sky_time *time, const struct satellite *satellite,
		       const struct ground *ground, usec_t real)
{
	const usec_t instant = time->start + (real - time->epoch) * time->rate;
	double r[3], v[3];

	if (sgp4_at(&satellite->orbit, instant, r, v) != SGP4_GOOD)
		return (struct sight){.elevation = -90};
	geodesy_earth_fixed(instant, r, v);
	return (struct sight){.elevation = geodesy_elevation(&ground->site, r),
			      .delay = llround(geodesy_range(&ground->site, r) / LIGHT * 1e6)};
}

usec_t air_edge(const struct sky_time *time, const struct satellite *satellite,
		const struct ground *ground, usec_t from, usec_t until)
{
	const bool up = air_sight(time, satellite, ground, from).elevation >= ground->mask;

	while (until - from > EDGE_US) {
		usec_t middle = from + (until - from) / 2;

		if ((air_sight(time, satellite, ground, middle).elevation >= ground->mask) == up)
			from = middle;
		else
			until = middle;
	}
	return until;
}
