/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which satellite a terminal is on, and which ones come next (draft section 4.3).
 *
 * A satellite that stands over a place and is associated with a core makes the place an offer: from
 * then until then, this satellite leads to this core. Out of all offers of a place the policy
 * makes a sequence, in which there is one satellite at a time. It is a pure function of what it
 * is given, so the terminal agent, which follows it, and `sno-plan terminal`, which prints it, say
 * the same.
 *
 *	plan        the sequence of cores is the one of least cost, in the planner's own terms:
 *	            changes of core + time away from home / tau + time without any / outage. It
 *	            looks ahead as far as the offers go, and may wait a moment for a core rather
 *	            than change twice; that time counts as away, too. On that way, as few
 *	            satellites as can be.
 *	home-first  a satellite of the home core whenever there is one, else one of the core it is
 *	            on, else any (the draft's figure 2); among equals the one that stays longest
 *	longest     the one that stays longest, whatever its core, until it sinks
 *	elevation   the highest, left when another is higher by the margin
 *	load        the one with the least load, left when another has less by the margin; among
 *	            equals the one that stays longest
 *
 * No policy but plan looks beyond what stands over the place. A satellite is left only when it
 * sinks, when its association ends, or for one that the policy likes better.
 *
 * Times are seconds since a start that the caller fixes (the window scan's).
 */
#ifndef SNO_ORBIT_CHOICE_H
#define SNO_ORBIT_CHOICE_H

#include "association.h"
#include "orbit/window.h"

enum choice_policy {
	CHOICE_PLAN,
	CHOICE_HOME_FIRST,
	CHOICE_LONGEST,
	CHOICE_ELEVATION,
	CHOICE_LOAD,
};

/* "plan" and so on, ended by NULL, in the order of the enum: for options and configurations. */
extern const char *const choice_policy_names[];

/* A core that nobody told. It counts as another core than home. */
#define CHOICE_CORE_UNKNOWN UINT32_MAX

struct choice_offer {
	double from, until;
	uint32_t satellite; /* the caller's numbers, as in windows */
	uint32_t core;	    /* the caller's numbers, or CHOICE_CORE_UNKNOWN */
	double load;	    /* of the satellite, any unit; for policy load */
};

/* One step of the sequence. Between two of them there may be a gap: nothing is to be seen then. */
struct choice {
	double from, until;
	uint32_t satellite, core;
};

/* How high a satellite stands over the place at time t, degrees; for policy elevation. Must be
 * good for any time at which the satellite makes an offer. */
typedef double choice_elevation_fn(void *arg, uint32_t satellite, double t);

struct choice_rules {
	enum choice_policy policy;
	uint32_t home; /* own core */
	double tau;    /* seconds away from home that are worth one change of core */
	double outage; /* seconds without any core that are worth one change of core */
	double margin; /* elevation: degrees; load: units of load */
	double step;   /* elevation: how often it is compared, seconds */
	choice_elevation_fn *elevation;
	void *arg;
};

#define CHOICE_TAU    300.0
#define CHOICE_OUTAGE 10.0
#define CHOICE_MARGIN 5.0
#define CHOICE_STEP   10.0

/* Everything as above: policy plan, no home. */
extern const struct choice_rules choice_rules_default;

/* To be given to free(3): rows. */
struct choices {
	struct choice *rows;
	size_t count;
};

/*
 * The sequence from `from` to `until`, in order of time. `on` is what the terminal is on at
 * `from`, as satellite and core (from and until are not looked at), or NULL: it is stayed with
 * where policy and offers allow, and for policy plan leaving its core is a change. Offers may
 * be in any order and of any span; one satellite makes one at a time. 0; -EINVAL for rules that
 * are not in range (tau, outage and step above 0, margin 0 or more, elevation without a function),
 * or offers to more than CHOICE_CORES_MAX cores; -ENOMEM; then *choices is empty.
 *
 * Memory: 72 bytes per offer, for policy plan also 6 per offer and core.
 */
#define CHOICE_CORES_MAX 255

int choice_sequence(const struct choice_rules *rules, const struct choice_offer *offers,
		    size_t count, const struct choice *on, double from, double until,
		    struct choices *choices);
/* What a terminal on this satellite is on at 0, with the core that is offered then, if one is. */
struct choice choice_on(const struct choice_offer *offers, size_t count, uint32_t satellite);
/* What a satellite is to be taken for: where its windows meet its associations are its offers. */
struct choice_satellite {
	const struct association *rows; /* of this satellite, from association_of() */
	size_t count;
	double load;
};

/* The caller's number of a core, for a name; CHOICE_CORE_UNKNOWN when it has none. */
typedef uint32_t choice_core_fn(void *arg, const char *core);

/*
 * The offers of one place: its windows (any order; `place` is not looked at) cut with the
 * associations of their satellites (indexed as windows do). Without `satellites` every window is
 * one offer, of an unknown core. `start` is the wall time at which the windows' seconds begin.
 * An offer whose core and satellite go on in the next row (over another station) is one. 0, and
 * *offers is to be given to free(3), or -ENOMEM.
 */
int choice_offers(const struct window *windows, size_t window_count,
		  const struct choice_satellite *satellites, usec_t start, choice_core_fn *core,
		  void *arg, struct choice_offer **offers, size_t *count);

#endif
