/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comma-separated values with a heading, as all tables that people hand to these programs are:
 * associations, stations, users, agreements.
 *
 *	# who stands where
 *	sno,name,lat,lon
 *	a.example,gs-a1,49.45,7.60
 *
 * The first line that is neither empty nor a comment (#) names the columns, in any order; lines
 * may end with a carriage return. There is no quoting, so no field has a comma in it. Faults are
 * told with file and line, and a table with any fault is refused whole: half a table is another
 * table. The text is cut up where it lies, so fields cost nothing and live as long as the text.
 *
 *	struct csv csv;
 *
 *	csv_open(&csv, &format, path, report, arg);
 *	if (csv_load(&csv, path) == 0)
 *		while (csv_next(&csv)) {
 *			good = csv_name(&csv, NAME);
 *			good &= csv_number(&csv, LAT, -90, 90, &lat);
 *			if (good)
 *				...keep csv.fields[NAME]...
 *		}
 *	err = csv_close(&csv, &text);
 */
#ifndef SNO_CSV_H
#define SNO_CSV_H

#include "clock.h"

#include <stdbool.h>
#include <stddef.h>

#define CSV_COLUMNS_MAX 8
/* The largest file that is read: some six million associations. */
#define CSV_FILE_MAX ((size_t)256 << 20)
/* After so many faults only their number is told. */
#define CSV_FAULTS_MAX 100
#define CSV_NAME_MAX   255

/* Receives every fault as "FILE:LINE: TEXT" (or "FILE: TEXT"); association_report_fn. */
typedef void csv_report_fn(void *arg, const char *message);

/* What a kind of table has: columns by name, those that must be there first. */
struct csv_format {
	const char *columns[CSV_COLUMNS_MAX];
	int count, required;
};

/* One reading. */
struct csv {
	char *fields[CSV_COLUMNS_MAX]; /* of the row, in the order of the format; "" where the
					  table has no such column */
	unsigned int line;	       /* of the row; behind the last row, of the last line */
	size_t faults;
	/* private */
	const struct csv_format *format;
	const char *name;
	csv_report_fn *report;
	void *arg;
	char *text, *at;
	int places[CSV_COLUMNS_MAX]; /* of each column in a row; -1: not there */
	int columns;		     /* in the heading; 0: it has not been seen */
	int error;
};

/* Begins. The format and `name`, which stands for the file in messages, are borrowed. */
void csv_open(struct csv *csv, const struct csv_format *format, const char *name,
	      csv_report_fn *report, void *arg);
/*
 * Takes the text of a regular file, or a copy of text in memory. 0; else what csv_close() will
 * return, and it has been reported.
 */
int csv_load(struct csv *csv, const char *path);
int csv_load_text(struct csv *csv, const char *text, size_t length);
/* The next row that has as many fields as the heading; others are faults. False at the end. */
bool csv_next(struct csv *csv);
/*
 * For files that are lines but no table (orbit/tle.h), opened without a format: the next line that
 * is neither empty nor a comment, cut off in the text; csv.line is its number. NULL at the end.
 */
char *csv_line(struct csv *csv);
/*
 * Ends the reading. 0, and *text is what all fields point into, to be given to free(3); -EINVAL
 * for any fault, -ENOMEM, or -errno of a file that cannot be read: then *text is NULL and
 * everything wrong has been reported. Without `text` it is freed in any case.
 */
int csv_close(struct csv *csv, char **text);

/* A fault in this line (0: of the whole file). */
void csv_fault(struct csv *csv, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The reading fails for want of something else than good input: err is -ENOMEM or the like. */
void csv_fail(struct csv *csv, int err);

/* True when the table has this column. */
bool csv_has(const struct csv *csv, int column);
/* A field as a value. False for what is none: a fault has been told then. */
bool csv_name(struct csv *csv, int column);
bool csv_number(struct csv *csv, int column, double least, double most, double *value);
bool csv_count(struct csv *csv, int column, unsigned int most, unsigned int *value);
bool csv_time(struct csv *csv, int column, usec_t *instant);

/* What may stand for an SNO, satellite, core or station: up to CSV_NAME_MAX printable ASCII
 * characters without comma and quote, no blank at an end, and no # at the beginning. */
bool csv_name_valid(const char *name);

#define CSV_SHOWN 52
/* A field as it may stand in a message: bounded, printable. Returns `text`. */
const char *csv_shown(const char *field, char text[CSV_SHOWN]);

#endif
