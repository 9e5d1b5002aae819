/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The association file: which satellite serves which core, over which ground station, from when to
 * when (sno-associations(5)).
 *
 * Associations follow orbits and are computed ahead, so one CSV file holds them for all satellites
 * and every program of the shared access layer reads the same one: forwarders to execute it, cores
 * to prepare handovers, terminals to choose a satellite. A file with any fault is refused whole,
 * because half a plan is a different plan.
 *
 *	from,until,satellite,core,station
 *	2026-07-29T12:00:00.000Z,2026-07-29T12:03:20.500Z,s1,a.example,gs-a1
 *
 * Times are CLOCK_REALTIME in microseconds; an association holds at `from` and no more at `until`.
 */
#ifndef SNO_ASSOCIATION_H
#define SNO_ASSOCIATION_H

#include "clock.h"
#include "csv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct association {
	usec_t from, until;
	const char *satellite, *core;
	const char *station; /* "" where the file names none */
	const char *via;     /* neighbour that sees the station; "": the satellite does itself */
	unsigned int line;   /* in the file, for messages */
};

/* The rows by satellite (in the order of strcmp(3)), and for each by time. Zeroed, it is empty. */
struct associations {
	struct association *rows;
	size_t count;
	char *text; /* what the names point into */
};

#define ASSOCIATION_FAULTS_MAX CSV_FAULTS_MAX
#define ASSOCIATION_NAME_MAX   CSV_NAME_MAX

/* Receives every fault as "FILE:LINE: TEXT" (or "FILE: TEXT"): a csv_report_fn, conf_report_fn. */
typedef void association_report_fn(void *arg, const char *message);

/*
 * Reads a regular file. Every row is checked, whosever it is; with `satellite` only its rows are
 * kept. 0, and *a is to be given to association_free(); -EINVAL for any fault, -ENOMEM, or -errno
 * of a file that cannot be read: then *a is empty and everything wrong has been reported.
 */
int association_load(struct associations *a, const char *path, const char *satellite,
		     association_report_fn *report, void *arg);
/* The same for text in memory, which is copied; name stands for the file in messages. */
int association_load_text(struct associations *a, const char *name, const char *text, size_t length,
			  const char *satellite, association_report_fn *report, void *arg);
/* Copies the rows of one satellite, of which there may be none, with their names. 0; -ENOMEM: *a is
 * empty. */
int association_pick(struct associations *a, const struct associations *from,
		     const char *satellite);
/* Frees and empties it. */
void association_free(struct associations *a);

/* The rows of one satellite, `count` of them; NULL when it has none. */
const struct association *association_of(const struct associations *a, const char *satellite,
					 size_t *count);
/* Among the rows of one satellite the one that holds at this instant; NULL in a gap. */
const struct association *association_at(const struct association *rows, size_t count,
					 usec_t instant);
/*
 * The next switching instant, strictly later: where an association of this satellite begins or
 * ends. Where one ends and another to the same core and station begins at once, nothing is
 * switched. USEC_NEVER when all is over.
 */
usec_t association_next(const struct association *rows, size_t count, usec_t instant);

/* True when both lead to the same core over the same station and neighbour. */
bool association_same(const struct association *a, const struct association *b);

/*
 * Names of satellites as the protocol has them (PROTOCOL section 2: a-z 0-9 - . _, 63 at most):
 * what a catalogue calls STARLINK-1007 or "ISS (ZARYA)" is starlink-1007 and iss--zarya- there.
 */
#define ASSOCIATION_FOLDED_MAX 63
const char *association_fold_name(const char *name, char folded[ASSOCIATION_FOLDED_MAX + 1]);
/* Gives all satellites such names, by which they are found from then on. */
void association_fold(struct associations *a);

/* What may stand for a satellite, core or station: csv_name_valid(). */
bool association_name_valid(const char *name);

/*
 * ISO 8601 in UTC, "2026-07-29T12:03:20.5Z" (up to nine digits of fraction, cut to microseconds;
 * "+00:00" is as good as "Z"). -EINVAL for anything else.
 */
int association_time_parse(const char *text, usec_t *instant);

#define ASSOCIATION_TIME_TEXT 32
/* The shortest such text; "never" for USEC_NEVER and for what lies outside years 1970 to 9999. */
const char *association_time_format(usec_t instant, char text[ASSOCIATION_TIME_TEXT]);

/*
 * Writes the heading, and one row; `relays`: with the column via. Return what fputs(3) and
 * fprintf(3) return.
 */
int association_print_heading(FILE *out, bool relays);
int association_print(FILE *out, const struct association *row, bool relays);

#endif
