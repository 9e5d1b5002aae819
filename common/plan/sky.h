/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is seen from where, in slots: windows (orbit/window.h) cut to the decisions of the planner.
 *
 * Slot t is from t to t + 1 slot lengths after the beginning. A site sees a satellite in a slot
 * when it does so in the slot's middle: a user who loses his satellite between two decisions is
 * counted right on average. A station has to see it for all of the slot, because an association
 * lasts for whole slots and may hold only while the station sees the satellite; and for as many
 * slots as the shortest association has.
 *
 * Memory: 16 bytes per window, and as much again while they are put in order; window_scan() is
 * asked for some hours at a time.
 */
#ifndef SNO_PLAN_SKY_H
#define SNO_PLAN_SKY_H

#include "orbit/window.h"
#include "plan/neighbours.h"
#include "plan/parallel.h"
#include "plan/scenario.h"

/* Slots `from` to `until` - 1. */
struct sighting {
	uint32_t satellite;
	uint32_t where; /* a site, or a station; over a neighbour: see relays.h */
	uint32_t from, until;
};

struct sightings {
	struct sighting *rows; /* by satellite, for each by beginning */
	size_t count;
	size_t *of; /* rows of satellite s: of[s] to of[s + 1] - 1 */
};

struct sky {
	const struct scenario *scenario; /* borrowed */
	usec_t start;
	double slot;	/* seconds */
	uint32_t slots; /* of the whole span */
	struct sgp4 *orbits;
	struct site *sites;	   /* as those of the scenario */
	struct sightings users;	   /* from sites */
	struct sightings stations; /* from stations whose core the satellite may be attached to */
	neighbour_row *neighbours; /* per satellite; NULL: there are no links */
};

struct sky_view {
	usec_t start; /* wall */
	double slot;
	uint32_t slots;
	double min_elevation, station_elevation; /* degrees */
	uint32_t shortest;			 /* slots: less than this no station is seen */
	double isl_range;			 /* km, of links between satellites; 0: none */
	usec_t grid;				 /* when neighbours are found */
	struct parallel *parallel;
	window_progress_fn *progress; /* or NULL */
	void *arg;
};

/* Scans. The scenario is closed and borrowed as long as the sky is there. 0, -EINVAL (elements that
 * SGP4 refuses) or -ENOMEM. */
int sky_open(struct sky *sky, const struct scenario *scenario, const struct sky_view *view);
void sky_close(struct sky *sky);

#endif
