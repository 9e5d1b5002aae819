/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plan as a page of HTML that needs nothing else: no network, no library.
 *
 * The page is made of the files in page/ (page.html, its style, its script and the outlines of
 * land) and of data in JSON. Satellites are told as Kepler's ellipses with the drifts that SGP4
 * gives them, fitted to where SGP4 has them at both ends, so that ten thousand satellites take a
 * megabyte whatever the span; within 30 km over a day they are where they should be.
 *
 *	{"start": ms since 1970, "seconds", "cut": the plan goes on, "gmst": radians at start,
 *	 "min_elevation", "cores": ["NAME"], "stations": [["NAME", core, lat, lon]],
 *	 "satellites": [["NAME", owner, axis in km, eccentricity, inclination, anomaly and its rate,
 *	                 perigee and its rate, node and its rate]],		radians, seconds
 *	 "associations": [[gap, length, station, neighbour that relays or -1, ...]],	by
 *satellite, in tenths of a second "sites": [[lat, lon, weight]], "places": [{"site", "home",
 *"steps": [gap, length, satellite, core, ...]}], "figures": {"figure2": {...}, ...} or null}
 */
#ifndef SNO_PLAN_PAGE_H
#define SNO_PLAN_PAGE_H

#include "orbit/choice.h"
#include "orbit/sgp4.h"
#include "plan/measures.h"
#include "plan/scenario.h"

#include <stdio.h>

/* The sequence of one group's terminals. */
struct page_place {
	uint32_t site;
	uint8_t home;
	struct choices choices;
};

/* Everything is borrowed. */
struct page {
	const struct scenario *scenario;
	const struct sgp4 *orbits; /* as the satellites */
	const struct associations *plan;
	usec_t start;
	double seconds;
	bool cut; /* the plan is longer than this */
	double min_elevation;
	const struct page_place *places;
	size_t place_count;
	const struct comparison *comparison; /* or NULL */
};

/* Writes it. 0, -EINVAL (a row of the plan names what the scenario has not), or -EIO. */
int page_write(const struct page *page, FILE *out);

/* How the page moves a satellite: radians, at the start and per second. */
struct page_orbit {
	double axis, eccentricity, inclination;
	double anomaly, anomaly_rate, perigee, perigee_rate, node, node_rate;
};
void page_orbit(const struct sgp4 *orbit, usec_t start, double seconds, struct page_orbit *out);

#endif
