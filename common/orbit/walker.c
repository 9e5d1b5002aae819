/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walker constellations (walker.h), after J. G. Walker, "Satellite constellations", Journal of the
 * British Interplanetary Society 37 (1984).
 */
#include "orbit/walker.h"

#include <math.h>
#include <string.h>

/* WGS-72, as SGP4 has them. */
#define EARTH_RADIUS 6378.135 /* km */
#define EARTH_MU     398600.8 /* km3/s2 */

#define NUMBER_MAX 339999 /* Z9999 */

const char *walker_fault(const struct walker *w)
{
	if (!w->satellites || !w->planes || w->satellites % w->planes)
		return "the planes must divide the satellites";
	if (w->phasing >= w->planes)
		return "the phasing must be less than the number of planes";
	if (!w->first || w->first > NUMBER_MAX || w->satellites - 1 > NUMBER_MAX - w->first)
		return "catalogue numbers go from 1 to 339999";
	if (strlen(w->name) + 7 > TLE_NAME_MAX || !association_name_valid(w->name))
		return "the name must be printable ASCII without comma and quote, and short";
	return NULL;
}

/* By Kepler's third law, which the oblateness of the Earth leaves good to a few kilometres. */
static double motion_at(double altitude)
{
	double axis = EARTH_RADIUS + altitude;

	return 86400 / (2 * M_PI) * sqrt(EARTH_MU / (axis * axis * axis));
}

static double turned(double degrees)
{
	degrees = fmod(degrees, 360);
	return degrees < 0 ? degrees + 360 : degrees;
}

void walker_satellite(const struct walker *w, unsigned int i, struct element_set *set)
{
	unsigned int each = w->satellites / w->planes, plane = i / each, place = i % each;
	double spread = w->pattern == WALKER_STAR ? 180 : 360;

	memset(set, 0, sizeof(*set));
	set->number = w->first + i;
	snprintf(set->name, sizeof(set->name), "%.*s-%04u", TLE_NAME_MAX - 7, w->name,
		 set->number % 1000000);
	set->epoch = w->epoch;
	set->inclination = w->inclination;
	set->node = turned(w->node + spread * plane / w->planes);
	set->anomaly = turned(w->anomaly + 360.0 * place / each +
			      360.0 * w->phasing * plane / w->satellites);
	set->motion = motion_at(w->altitude);
}

int walker_print(FILE *out, const struct walker *w)
{
	struct element_set set;
	int err = 0;

	for (unsigned int i = 0; i < w->satellites && !err; i++) {
		walker_satellite(w, i, &set);
		err = tle_print(out, &set);
	}
	return err;
}
