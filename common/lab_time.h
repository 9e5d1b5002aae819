/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time of plans, which in a laboratory may run faster than the clock on the wall.
 *
 *	time = { start = "2026-07-29T12:00:00Z"; epoch = "2026-11-22T08:00:00Z"; rate = 20; };
 *
 * says that at the real instant `epoch` plans are at `start`, and that they pass 20 seconds in each
 * real one. So half an hour of orbits takes a minute and a half, and daemons that were started at
 * different moments agree, as long as they were given the same three values.
 *
 * Only instants that come from outside (association files, timetables, orbits) are of that time.
 * They are turned into real ones where they come in, and back where they are shown; in between
 * everything is real: state machines, timers, leads, lifetimes. Without the group the two are the
 * same, and that is the only thing an operator should ever want.
 */
#ifndef SNO_LAB_TIME_H
#define SNO_LAB_TIME_H

#include "association.h"
#include "conf.h"

#define LAB_RATE_MAX 1000

/* The group `time` of a configuration. */
struct lab_time_config {
	bool given;
	char *start, *epoch; /* ISO 8601 */
	uint32_t rate;
};

/*
 *	{"time", CONF_GROUP, CONF_MEMBER(struct config, time, lab_time_keys),
 *	 CONF_PRESENT(struct config, time.given),
 *	 .help = "for laboratories only: plans run in a time of their own"}
 */
extern const struct conf_key lab_time_keys[];

/* Zeroed, it is real time. */
struct lab_time {
	usec_t start, epoch;
	uint32_t rate; /* 0: real time */
};

/* Of a configuration whose values have been checked. */
struct lab_time lab_time_of(const struct lab_time_config *config);

/* A real instant (CLOCK_REALTIME) for an instant of plans. USEC_NEVER stays. */
usec_t lab_time_real(const struct lab_time *t, usec_t planned);
/* An instant of plans for a real one, to the millisecond unless it is real time. */
usec_t lab_time_planned(const struct lab_time *t, usec_t real);

/* Turns the times of all rows into real ones. */
void lab_time_associations(const struct lab_time *t, struct associations *a);

/* Warns in the log that this is a laboratory, if it is. For the start of a daemon. */
void lab_time_warn(const struct lab_time *t);

#endif
