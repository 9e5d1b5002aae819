/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The associations of all satellites in a stretch, and what they make available at places.
 */
#ifndef SNO_PLAN_SCHEDULE_H
#define SNO_PLAN_SCHEDULE_H

#include "plan/parallel.h"
#include "plan/stretch.h"

struct schedule {
	const struct stretch *stretch;
	attachment *attachments; /* [satellite x slots + slot] */
	/* Of the satellites seen at a place, how many serve a core: [(place x slots + slot) x lanes
	 * + core], and the cores of which some do. */
	uint16_t *serving;
	sno_set *available;
	/* How many more satellites a station may take, [station x slots + slot]; NULL where all
	 * stations take any number. One over which neighbours are relayed counts once. */
	uint16_t *room;
};

/* All satellites are off. 0 or -ENOMEM. */
int schedule_open(struct schedule *schedule, const struct stretch *stretch);
void schedule_close(struct schedule *schedule);

/* The places where something else has become available, and when: gathered over several calls. */
struct touched {
	struct touched_span {
		uint16_t from, until; /* equal: not touched */
	} * spans;		      /* per place */
	uint32_t *places;	      /* those that are */
	size_t count;
};

/* True when the satellite may be attached so in a slot: there is room at the station, or that
 * takes none. */
bool schedule_takes(const struct schedule *schedule, size_t satellite, attachment attached,
		    unsigned int slot);

/* Gives a satellite other attachments in slots `from` to until - 1, so many of them, and changes
 * what follows from it. touched may be NULL. */
void schedule_set(struct schedule *schedule, size_t satellite, unsigned int from,
		  unsigned int until, const attachment *attachments, struct touched *touched);

/* How many association changes a satellite has in slots from (what was before it counts) to until
 * - 1. */
unsigned int schedule_changes(const struct schedule *schedule, size_t satellite, unsigned int from,
			      unsigned int until);

/* J of this stretch, terminals at their best. Deterministic. */
double schedule_objective(const struct schedule *schedule, struct parallel *parallel);

#endif
