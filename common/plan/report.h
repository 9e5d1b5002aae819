/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report of a plan, as JSON: what was planned with which settings, what came out beside the
 * draft's figure 2 and naive sharing, how near it is to the bound, and what it took. Its keys are
 * in sno-plan(1), REPORT.
 */
#ifndef SNO_PLAN_REPORT_H
#define SNO_PLAN_REPORT_H

#include "csv.h"
#include "plan/measures.h"
#include "plan/scenario.h"

/* One step of the work and how long it took: "windows". */
struct report_phase {
	const char *name;
	double seconds;
};
#define REPORT_PHASES_MAX 16

/* Everything is borrowed. */
struct report {
	const struct scenario *scenario; /* counted, and its SNOs named */
	const char *const *files;	 /* as given: "tle sno-a=FILE", "stations FILE" */
	size_t file_count;
	usec_t start; /* wall */
	double hours;
	double step;				 /* of a slot, seconds */
	double min_elevation, station_elevation; /* degrees */
	double tau, outage, gamma, dwell;
	double home_share; /* at least; 0: none was asked for */
	double isl_range;  /* km; 0: no links between satellites */
	const char *policy;
	unsigned int seed, threads;
	const struct comparison *comparison;
	const struct sweep_point *sweep;
	size_t sweep_count; /* 0: none was asked for */
	size_t windows, associations, relayed;
	/* What planning took. */
	struct report_phase phases[REPORT_PHASES_MAX];
	size_t phase_count;
	double seconds;	    /* of all */
	size_t peak_memory; /* bytes; 0: not known */
};

/* Adds a phase, to one of this name if there is one; those beyond REPORT_PHASES_MAX are added to
 * the last. `name` is borrowed. */
void report_phase(struct report *report, const char *name, double seconds);

/* The largest resident memory of this process so far, in bytes. */
size_t report_peak_memory(void);

/*
 * Writes it to a file ("-": standard output), which is replaced only when all of it is written.
 * 0, -ENOMEM, or -errno.
 */
int report_write(const struct report *report, const char *path);

/* What a report says was planned with. */
struct report_settings {
	usec_t start;
	double hours, step, min_elevation, station_elevation, tau, outage, gamma, dwell;
	double isl_range; /* 0: it says none */
};

/*
 * Reads a report's settings and figures again; in *comparison, a figure that is not there is NAN.
 * 0; -EINVAL for what is no report; then it has been reported.
 */
int report_read(const char *path, struct report_settings *settings, struct comparison *comparison,
		csv_report_fn *report, void *arg);

#endif
