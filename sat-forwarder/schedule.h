/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which core is to be served now, and who says so.
 *
 * Three may say it. An order of the operator (`snoctl satellite associate`) is in force until the
 * plan's next switching instant, or without one until it is ended. Then the plan: where it has
 * an association it holds, and a gap between two of them is no association at all. Where the plan
 * is silent (before its first association, after its last one, or without a file) the
 * configuration's core is served.
 *
 * All of it is a function of the wall clock, so a clock that is set, even backwards, needs no care.
 */
#ifndef SNO_SAT_SCHEDULE_H
#define SNO_SAT_SCHEDULE_H

#include "sat-forwarder/plan.h"

enum source {
	SOURCE_NONE,	      /* nobody says anything */
	SOURCE_CONFIGURATION, /* association.core */
	SOURCE_PLAN,	      /* the association file, also where it has a gap */
	SOURCE_ORDER,	      /* snoctl satellite associate */
};

/* "none", "configuration", "plan", "command" */
const char *source_text(enum source source);

/* An order of the operator. */
struct order {
	bool given;
	char core[ASSOCIATION_NAME_MAX + 1];
	char station[ASSOCIATION_NAME_MAX + 1]; /* "": any */
	usec_t since, until;			/* wall; until USEC_NEVER without a plan */
};

struct schedule {
	const char *core, *station; /* of the configuration; NULL: none */
	struct plan plan;
	struct order order;
};

/* What holds at an instant. core is NULL for no association; station and via may be NULL or "". */
struct choice {
	const char *core, *station, *via;
	enum source source;
	usec_t since; /* when it began by the plan or the order; 0 where that is unknown */
};

struct choice schedule_at(const struct schedule *schedule, usec_t wall);

/* The next instant at which schedule_at() may say something else; USEC_NEVER if none. */
usec_t schedule_next(const struct schedule *schedule, usec_t wall);

/* Until when an order that is given now would be in force. */
usec_t schedule_order_end(const struct schedule *schedule, usec_t wall);

#endif
