/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stretch of time that is planned in one go: the slots first to first + slots - 1 of the sky,
 * cut out and indexed every way the planner looks at it, and what was before.
 *
 * Long spans are planned in stretches that overlap. What the end of a stretch decides is only there
 * to look ahead; it is decided anew by the next.
 */
#ifndef SNO_PLAN_STRETCH_H
#define SNO_PLAN_STRETCH_H

#include "plan/objective.h"
#include "plan/sky.h"

/* Slots in a stretch: from and until of what follows are 16 bits. */
#define STRETCH_SLOTS_MAX 65000

/*
 * An association: 0 for none, 1 to the number of stations for these, and beyond over neighbours: 1
 * + station + stations x (1 + enum neighbour).
 */
typedef uint16_t attachment;
#define ATTACHMENTS_MAX UINT16_MAX

/* A satellite is seen at a place. */
struct view {
	uint32_t place;
	uint16_t from, until;
};

/* A station sees a satellite that may be attached to its core, or a neighbour of it that relays. */
struct pass {
	attachment attached; /* what it is attached to then */
	uint8_t core;
	uint16_t from, until;
};

/* The same as a view, as the place has it. */
struct viewed {
	uint32_t satellite;
	uint16_t from, until;
};

/* The same, as time has it: index into the views, and whose it is. */
struct begun {
	uint32_t view, satellite;
};

/* Station and core of an attachment, which is not 0. */
static inline size_t attachment_station(const struct scenario *scenario, attachment attached)
{
	size_t station = attached - 1u;

	/* Hardly any are relayed. */
	return station < scenario->station_count ? station : station % scenario->station_count;
}

static inline uint8_t attachment_core(const struct scenario *scenario, attachment attached)
{
	return scenario->stations[attachment_station(scenario, attached)].sno;
}

/* The satellite that the station has then: itself, or the neighbour over which it is relayed. */
static inline size_t attachment_carrier(const struct scenario *scenario,
					const neighbour_row *neighbours, size_t satellite,
					attachment attached)
{
	size_t over = (attached - 1u) / scenario->station_count;

	return over == 0 ? satellite : neighbours[satellite][over - 1];
}

/* What was just before a stretch. */
struct past {
	bool beginning;	  /* of the plan: nothing was before, and the first associations are free */
	attachment *held; /* per satellite */
	uint16_t *age;	  /* ... since how many slots, at most the dwell */
	uint8_t *last;	  /* per group: the core that served it last, NO_CORE */
};

struct stretch {
	const struct scenario *scenario;
	const neighbour_row *neighbours; /* the sky's, or NULL */
	const struct prices *prices;
	const struct past *past;
	uint32_t first;
	unsigned int slots, lanes;
	struct cost_table costs;
	struct view *views; /* by satellite: view_of[s] to view_of[s + 1] - 1, by beginning */
	size_t *view_of;
	struct pass *passes; /* by satellite: by beginning */
	size_t *pass_of;
	struct begun *begun; /* all views by slot of their beginning, for each by satellite */
	size_t *begun_of;
	struct viewed *viewed; /* by place: by beginning */
	size_t *viewed_of;
	unsigned int longest; /* view */
	/* The cores to which a satellite may be attached: [satellite x slots + slot]. */
	sno_set *attachable;
	/* The cores that may be available at all: [place x slots + slot]. */
	sno_set *possible;
	/* The most passes that a satellite has. */
	size_t most_passes;
};

/* Sky, prices and past are borrowed. 0 or -ENOMEM. */
int stretch_open(struct stretch *stretch, const struct sky *sky, const struct prices *prices,
		 const struct past *past, uint32_t first, unsigned int slots);
void stretch_close(struct stretch *stretch);

/* A plan's beginning. 0 or -ENOMEM. */
int past_open(struct past *past, const struct scenario *scenario);
void past_close(struct past *past);

/* Those among the views of a place that may hold slot t: begun no later, and as long ago as a view
 * lasts at most. *count may be 0. */
const struct viewed *stretch_viewed(const struct stretch *stretch, size_t place, unsigned int t,
				    size_t *count);

/* What of the objective nobody can avoid in this stretch: slots in which nothing is possible. */
double stretch_unavoidable(const struct stretch *stretch);

#endif
