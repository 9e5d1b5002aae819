/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The schedule as a core uses it (sno-associations(5), PROTOCOL sections 15.2 and 15.6): which core
 * is behind a satellite, and what is to be done ahead when a satellite changes its core.
 *
 *	at - lead               its terminals are prepared at the next core
 *	until - way to the core that serves       their home addresses lead to the next one
 *	at                      the next core advertises itself on it
 *
 * Everything here is an aid. Without a schedule, or with one that is wrong, terminals register as
 * if nobody had foreseen anything.
 */
#ifndef SNO_CORE_SCHEDULE_H
#define SNO_CORE_SCHEDULE_H

#include "association.h"
#include "clock.h"
#include "lab_time.h"
#include "schedule_reading.h"
#include "timer.h"

struct core;

struct schedule {
	char *path; /* of the file that was read, NULL: none */
	struct lab_time time;
	struct file_state seen, read;
	bool refused;			 /* what was read last; with other peers it may be good */
	struct reading *reading;	 /* of `read`, NULL: none is under way */
	struct schedule_content content; /* what is in force */
	size_t first;			 /* all before it are over */
	size_t prepared;		 /* all before it are prepared */
	usec_t wall_ahead;		 /* core->wall_ahead as it was last */
	struct timer timer;
};

/*
 * Takes the file of the configuration in force, also when that has changed. A file with faults is
 * reported, and what was read before stays in force, as it does while a large one is being read.
 */
void schedule_configure(struct core *core, usec_t now);
void schedule_close(struct core *core);

/*
 * The core behind a satellite at an instant of the monotonic clock, NULL where the schedule does
 * not say.
 */
const char *schedule_core(const struct core *core, const char *satellite, usec_t at);

/* Changes that are not over. */
size_t schedule_ahead(const struct core *core);

#endif
