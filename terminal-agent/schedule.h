/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the association file (association.h) tells a terminal: which core is behind a satellite, and
 * when there will be none. It is a belief, never a proof: when it is wrong, a registration takes as
 * long as without it.
 *
 * A timetable is such a file too, of the satellites that this terminal is to use; it stands here
 * where there is no other. Satellites are asked for by their names in the protocol.
 */
#ifndef SNO_TERMINAL_SCHEDULE_H
#define SNO_TERMINAL_SCHEDULE_H

#include "association.h"
#include "lab_time.h"

/* Zeroed, it is empty and knows nothing. */
struct schedule {
	struct associations table; /* in the time of plans */
	struct lab_time time;
	usec_t offset; /* the wall clock less the monotonic one, as last told */
};

/*
 * Reads a file (NULL: none) into a table, on any thread. 0, or -errno with every fault reported and
 * the table empty: also where all of it was over at `planned`.
 */
int schedule_read(struct associations *table, const char *path, usec_t planned,
		  association_report_fn *report, void *arg);
/* Takes this table, which is then the schedule's, in place of the one before. */
void schedule_take(struct schedule *s, struct associations *table);
void schedule_free(struct schedule *s);

/* Both clocks at one instant: the file's times are the wall clock's. */
void schedule_clock(struct schedule *s, usec_t now, usec_t wall);

/* The time of plans at an instant (monotonic), and back. */
usec_t schedule_planned(const struct schedule *s, usec_t at);
usec_t schedule_instant(const struct schedule *s, usec_t planned);

/* The core behind this satellite at an instant (monotonic); NULL when none is or it is unknown. */
const char *schedule_core(const struct schedule *s, const char *satellite, usec_t at);
/*
 * Since when the satellite has had the core that it has at an instant (both monotonic); USEC_NEVER
 * when it has none then, or it is unknown.
 */
usec_t schedule_since(const struct schedule *s, const char *satellite, usec_t at);

/*
 * Until when it has that core; USEC_NEVER also where the schedule ends with it.
 */
usec_t schedule_until(const struct schedule *s, const char *satellite, usec_t at);

/*
 * When the satellite will be without a core, now being with one; USEC_NEVER when it is without one
 * now, when it is not in the file, and when the file ends before that.
 */
usec_t schedule_end(const struct schedule *s, const char *satellite, usec_t now);

#endif
