/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two-line element sets: where satellites come from.
 *
 * The format of NORAD's catalogue: two lines of 69 characters, each with a checksum, and before
 * them, in most files, a line with the name. Which of both a file is can differ from one set to
 * the next. Lines may end in CR LF and carry blanks at their end; blank lines and lines that begin
 * with '#' are skipped.
 *
 *	SNO-A-0001
 *	1 00001U 26001A   26001.00000000  .00000000  00000+0  00000+0 0  9997
 *	2 00001  53.0000   0.0000 0000001   0.0000   0.0000 15.05580984    18
 *
 * The name is what association files call the satellite, so it has to be a name there
 * (association_name_valid()), and no two satellites may share it. A set without a name is called
 * by its catalogue number as the file writes it. "0 NAME", as some catalogues write it, is NAME.
 *
 * Like an association file, a file with any fault is refused whole: a planner that silently
 * left out a satellite would associate the others differently from everyone who reads the same
 * file with another program. Only what sgp4.h can propagate is good: a deep-space object is a
 *fault.
 */
#ifndef SNO_ORBIT_TLE_H
#define SNO_ORBIT_TLE_H

#include "association.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TLE_NAME_MAX 63

/* Mean elements at an epoch, in the units of the format (SGP4's, which is what they are for). */
struct element_set {
	char name[TLE_NAME_MAX + 1];
	unsigned int owner;  /* what the caller of tle_load() said */
	unsigned int number; /* in the catalogue; alpha-5 (A0000 to Z9999) as 100000 to 339999 */
	unsigned int line;   /* of its line 1, in the file, for messages */
	usec_t epoch;	     /* UTC, wall, exact: the format's last digit is 864 microseconds */
	double inclination, node, perigee, anomaly; /* degrees; node: right ascension of the
						       ascending node; perigee: its argument */
	double eccentricity;
	double motion; /* mean motion, revolutions per day */
	double bstar;  /* drag, per Earth radius */
};

/* Zeroed, it is empty. */
struct constellation {
	struct element_set *sets; /* in the order of the files */
	size_t count, room;
	bool unchecked; /* set before loading: keep what sgp4_init() refuses, deep space above all;
			   the caller will see to it */
};

/*
 * Appends the satellites of a regular file, each with this `owner` (any number that means
 * something to the caller: the index of an SNO). 0; -EINVAL for any fault, -ENOMEM, or -errno of a
 * file that cannot be read: then everything wrong has been reported, "FILE:LINE: TEXT", and *c is
 * as it was.
 */
int tle_load(struct constellation *c, const char *path, unsigned int owner,
	     association_report_fn *report, void *arg);
/* The same for text in memory; name stands for the file in messages. */
int tle_load_text(struct constellation *c, const char *name, const char *text, size_t length,
		  unsigned int owner, association_report_fn *report, void *arg);
/* Frees and empties it. */
void tle_free(struct constellation *c);

/* The set of this name; NULL when there is none. Looks at one after the other. */
const struct element_set *tle_find(const struct constellation *c, const char *name);

/*
 * Writes a set as three lines. What it cannot say (a catalogue number above 339999, a mean motion
 * of 100 or more, an epoch outside 1957 to 2056) is -ERANGE, and nothing is written; -EIO when
 * writing fails. Values are rounded to the digits of the format.
 */
int tle_print(FILE *out, const struct element_set *set);

#endif
