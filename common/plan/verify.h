/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An independent look at a plan, before anybody executes it.
 *
 * It takes the association rows as the daemons will, and the scenario, and nothing of what the
 * planner made of it: no windows, no tracks, no slots. Satellites are propagated with SGP4 at both
 * ends of an association and in small steps between; users are looked at satellite by satellite
 * and slot by slot. So an error of the planner, or of what it is built on, is not repeated here.
 *
 * A plan is good when each association
 *   - is of a satellite that the elements have, and lies within the plan's span;
 *   - leads to a known core, over a station that exists and belongs to that core;
 *   - holds only while that station sees the satellite, or the neighbour that it is relayed
 *     over, which the satellite has in view and within the range of links;
 *   - does not overlap another one of its satellite;
 *   - is allowed: agreements let the satellite's owner serve that core's users, and a reserved
 *     satellite is with its owner's core; and so for one that relays;
 *   - lasts the minimum dwell, unless the plan's beginning or end cuts it off (rows that go on
 *     with the same core and station are one association);
 * and no station ever has more satellites than its capacity.
 */
#ifndef SNO_PLAN_VERIFY_H
#define SNO_PLAN_VERIFY_H

#include "association.h"
#include "plan/measures.h"
#include "plan/parallel.h"
#include "plan/progress.h"
#include "plan/scenario.h"

/* What may lack of a station's least elevation at an association's edge, degrees: less than a
 * second of a satellite's rise at 500 km, and more than times cut to milliseconds make. */
#define VERIFY_TOLERANCE 0.02
/* What a link may be longer than its range, km: what satellites can do between two looks. */
#define VERIFY_SLACK 1.0
/* Seconds between looks at a satellite. */
#define VERIFY_STEP 10.0
/* A link between satellites passes this high above the equator's radius, km: over the air. */
#define VERIFY_CLEARANCE 80.0

struct verify {
	const struct scenario *scenario; /* closed */
	usec_t start, until;		 /* the plan's span, wall */
	double station_elevation;	 /* degrees */
	double dwell;			 /* seconds */
	double isl_range; /* km; 0: links reach as far as satellites see each other */
	double step;	  /* seconds, above 0: VERIFY_STEP */
	double tolerance; /* degrees: VERIFY_TOLERANCE */
	struct parallel *parallel;
	struct progress *progress; /* or NULL */
};

/*
 * Checks. 0: good; -EINVAL: it is not, and every fault has been reported as "NAME:LINE: TEXT" with
 * `name` for the file (after CSV_FAULTS_MAX only how many more there are); -ENOMEM.
 * Takes (span / step) SGP4 evaluations per satellite, and 90 bytes per association.
 */
int verify_plan(const struct verify *verify, const struct associations *plan, const char *name,
		association_report_fn *report, void *arg);

/* How users would fare, in slots of `slot` seconds. */
struct verify_users {
	double slot, min_elevation; /* seconds; degrees */
	double tau, outage, gamma;  /* prices in the objective */
};

/*
 * Recomputes all of a good plan's measures, each user on the sequence of cores that costs him least
 * and on as few satellites as that allows. 0, -EINVAL when verify_plan() would find a satellite or
 * core that it does not know, or -ENOMEM. Takes two SGP4 evaluations per satellite and slot, and a
 * byte per place and slot, one per group and slot, and four per group and satellite.
 */
int verify_measures(const struct verify *verify, const struct associations *plan,
		    const struct verify_users *users, struct measures *measures);

#endif
