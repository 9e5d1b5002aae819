/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An orbit as the page draws it: an ellipse that drifts. */
#include "plan/page.h"

#include <math.h>

#define RADIUS 6378.135 /* km, WGS-72 */
#define FULL   (2 * M_PI)
#define MINUTE 60.0

/* Argument of latitude of a state in the plane of an orbit at time t. */
static double latitude_of(const struct page_orbit *o, double t, const double r[3])
{
	double node = o->node + o->node_rate * t;
	double along = cos(node) * r[0] + sin(node) * r[1];
	double across = cos(node) * r[1] - sin(node) * r[0];

	return atan2(across * cos(o->inclination) + r[2] * sin(o->inclination), along);
}

/* The same as the page has it. */
static double latitude_drawn(const struct page_orbit *o, double t)
{
	double m = o->anomaly + o->anomaly_rate * t, big = m + o->eccentricity * sin(m);

	for (int n = 0; n < 5; n++)
		big -= (big - o->eccentricity * sin(big) - m) / (1 - o->eccentricity * cos(big));
	return o->perigee + o->perigee_rate * t +
	       atan2(sqrt(1 - o->eccentricity * o->eccentricity) * sin(big),
		     cos(big) - o->eccentricity);
}

static double wrap(double angle)
{
	return remainder(angle, FULL);
}

void page_orbit(const struct sgp4 *orbit, usec_t start, double seconds, struct page_orbit *out)
{
	double minutes = (double)(start - orbit->epoch) / USEC_PER_SEC / MINUTE, r[3], v[3];
	double begin, end;

	*out = (struct page_orbit){
		.axis = orbit->axis * RADIUS,
		.eccentricity = orbit->eccentricity,
		.inclination = orbit->inclination,
		.anomaly_rate = orbit->anomaly_rate / MINUTE,
		.perigee_rate = orbit->perigee_rate / MINUTE,
		.node_rate = (orbit->node_rate + 2 * orbit->node_drag * minutes) / MINUTE,
		.anomaly = fmod(orbit->anomaly + orbit->anomaly_rate * minutes, FULL),
		.perigee = fmod(orbit->perigee + orbit->perigee_rate * minutes, FULL),
		.node = fmod(orbit->node + orbit->node_rate * minutes +
				     orbit->node_drag * minutes * minutes,
			     FULL)};
	/* Drag has gone into the anomaly since the epoch, and goes on. */
	if (sgp4_propagate(orbit, minutes, r, v) != SGP4_GOOD)
		return;
	begin = wrap(latitude_of(out, 0, r) - latitude_drawn(out, 0));
	out->anomaly += begin;
	if (sgp4_propagate(orbit, minutes + seconds / MINUTE, r, v) != SGP4_GOOD)
		return;
	end = wrap(latitude_of(out, seconds, r) - latitude_drawn(out, seconds));
	out->anomaly_rate += end / seconds;
}
