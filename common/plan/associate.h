/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planning a whole span: stretch by stretch, each beginning where the one before has been settled.
 *
 * A stretch is planned by prices, rounding and the search; what it decides is kept except for its
 * end, which the next one decides again with more to look ahead to. The next one begins with what
 * is then: associations and how long they have lasted, and the cores that users are on.
 *
 * The bound of one stretch that is the whole span is that of its prices. Of several, prices are
 * put together: each settled part is bounded by the prices of its stretch, for itself (users and
 * satellites begin anew, no dwell), and parts add up, for any plan cut into parts is a plan for
 * each of them. The same is done where a plan in force goes before, which J knows nothing of.
 */
#ifndef SNO_PLAN_ASSOCIATE_H
#define SNO_PLAN_ASSOCIATE_H

#include "plan/measures.h"
#include "plan/parallel.h"
#include "plan/progress.h"
#include "plan/report.h"
#include "plan/scenario.h"
#include "plan/stretch.h"

/* How much of it all. */
struct associate_effort {
	unsigned int iterations; /* of prices, per stretch */
	double most_seen;	 /* ... but no more than this by slots in which a satellite is in
				    view of a place */
	unsigned int descents;	 /* at most, before and after a search; where there is none: 1 */
	unsigned int rounds;	 /* of the search, per stretch */
	double proposals;	 /* of the search, per satellite in view of a place, and round */
	double most_proposals;	 /* ... and no search where that is more per stretch */
};
extern const struct associate_effort associate_effort;

/* As much time at home as in figure 2. */
#define ASSOCIATE_HOME_FIGURE2 2

/* With links between satellites an attachment tells neighbours apart as well. */
#define ASSOCIATE_RELAY_STATIONS_MAX (ATTACHMENTS_MAX / (1 + NEIGHBOURS))

struct associate {
	const struct scenario *scenario;	 /* closed, with users */
	usec_t start;				 /* wall */
	double hours, slot;			 /* the span; seconds */
	double min_elevation, station_elevation; /* degrees */
	double tau, outage;			 /* seconds */
	double gamma;				 /* weight; negative: associate_gamma() */
	double dwell;				 /* seconds */
	double isl_range;			 /* km, of links between satellites; 0: none */
	double stretch, overlap;		 /* seconds */
	double home_share; /* tau is found such that users are at home for that part of their time
			      at least, or as in figure 2; 0: tau is as given */
	uint64_t seed;
	const double *sweep; /* other taus to plan with, for their measures only */
	size_t sweep_count;
	bool baselines;			    /* to be measured */
	bool optimise;			    /* else the associations are those of figure 2 */
	const struct associations *present; /* NULL, or a plan in force at the start */
	struct associate_effort effort;
	struct parallel *parallel;
	struct progress *progress;
	struct report *report; /* gets phases, counts and the comparison's settings */
};

/* What was planned. */
struct associated {
	struct association *rows; /* by satellite, for each by time; names are the scenario's */
	size_t count;
	struct comparison comparison;
	double tau, gamma;	   /* that were used */
	double home_share;	   /* that was asked for; 0: none */
	size_t relayed;		   /* of the rows, those over a neighbour */
	struct sweep_point *sweep; /* as the taus were given */
};

/* The gamma at which a change of every satellite costs as much as three quarters of a handover of
 * every user. */
double associate_gamma(const struct scenario *scenario);

/* 0, -EINVAL for elements that SGP4 refuses, -ERANGE for more slots than there may be, -ENOSPC for
 * more stations than there may be with links between satellites, -ENOMEM. */
int associate_run(struct associate *associate, struct associated *associated);
void associated_free(struct associated *associated);

#endif
