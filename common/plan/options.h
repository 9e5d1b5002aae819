/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of a command, declared in a table: from it they are parsed (getopt_long(3)), checked,
 * complained about and listed by --help, the same way in every command.
 *
 *	struct wishes v = {.step = 15};
 *	const struct option_spec specs[] = {
 *		{"start", 0, OPTION_TIME, &v.start, .required = true, .argument = "TIME",
 *		 .help = "first instant"},
 *		{"step", 's', OPTION_NUMBER, &v.step, .least = 1, .most = 60,
 *		 .argument = "SECONDS", .help = "length of a slot (15)"},
 *	};
 *	int status = options_parse(&usage, specs, OPTION_SPECS(specs), argc, argv, NULL);
 *
 *	if (status != OPTIONS_GO)
 *		return status;
 *
 * --help (-h) and --version (-V) are there without being declared.
 */
#ifndef SNO_PLAN_OPTIONS_H
#define SNO_PLAN_OPTIONS_H

#include "association.h"
#include "clock.h"

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
	OPTION_FLAG,   /* bool: set to true; takes no argument */
	OPTION_NUMBER, /* double, least to most */
	OPTION_COUNT,  /* unsigned int, least to most */
	OPTION_TIME,   /* usec_t: ISO 8601 in UTC */
	OPTION_TEXT,   /* const char *: the argument itself, not empty */
	OPTION_CHOICE, /* unsigned int: index into .choices */
	OPTION_LIST,   /* struct option_list: may be given many times */
	OPTION_NUMBERS /* struct option_numbers: with commas between, each least to most */
};

/* The arguments of an option that may be repeated, in their order. */
struct option_list {
	const char **texts; /* to be given to free(3) */
	size_t count;
};

/* Of one argument: "60,300"; given again it takes the place of the first one. */
struct option_numbers {
	double *values; /* to be given to free(3) */
	size_t count;
};

struct option_spec {
	const char *name; /* the long one */
	char letter;	  /* the short one, or 0 */
	enum option_kind kind;
	void *value;		    /* of the type that the kind says; keeps its default */
	double least, most;	    /* of NUMBER, COUNT and NUMBERS, both inclusive */
	const char *const *choices; /* of CHOICE, ended by NULL */
	bool required;
	const char *argument; /* what --help calls it: "SECONDS" */
	const char *help;     /* one line; by custom with the default in parentheses */
};

/* What --help says around the table. */
struct option_usage {
	const char *command; /* its name */
	const char *summary; /* what it does, a sentence or a few lines */
	const char *words;   /* what follows the options: "FILE ..."; NULL: nothing may */
};

#define OPTIONS_GO (-1)

/*
 * OPTIONS_GO: all is well, and *first (unless NULL) is the index in argv of the first word that is
 * no option. Otherwise the command's exit status: PLAN_GOOD after --help and --version,
 * PLAN_USAGE when something is wrong, which has been said.
 */
int options_parse(const struct option_usage *usage, const struct option_spec *specs, size_t count,
		  int argc, char **argv, int *first);

/* Says "sno-plan COMMAND: ..." on standard error. */
void options_complain(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* An association_report_fn (arg is not used): the message to standard error. */
void options_report(void *arg, const char *message);

#define OPTION_SPECS(specs) (sizeof(specs) / sizeof((specs)[0]))

/* Elements of a table that several commands have alike: a struct place, and an unsigned int. */
/* clang-format off */
#define OPTION_PLACE(place) \
	{"lat", 0, OPTION_NUMBER, &(place).lat, .least = -90, .most = 90, .required = true, \
	 .argument = "DEGREES", .help = "north"}, \
	{"lon", 0, OPTION_NUMBER, &(place).lon, .least = -180, .most = 360, .required = true, \
	 .argument = "DEGREES", .help = "east"}, \
	{"height", 0, OPTION_NUMBER, &(place).height, .least = -1000, .most = 20000, \
	 .argument = "METRES", .help = "above the ellipsoid of WGS-84 (0)"}
#define OPTION_THREADS(count) \
	{"threads", 0, OPTION_COUNT, &(count), .least = 1, .most = 256, .argument = "N", \
	 .help = "threads that compute (one per CPU)"}
/* clang-format on */

/* So many seconds after an instant as text, to the millisecond. */
const char *options_instant(usec_t start, double seconds, char text[ASSOCIATION_TIME_TEXT]);

#endif
