/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables that make a scenario, beside the satellites' elements (sno-plan(1), INPUT FILES):
 *
 *	stations	sno,name,lat,lon[,capacity]
 *	users		sno,lat,lon,weight
 *	agreements	server,served
 *	reserved	satellite
 *
 * An SNO is called what its core is called. Degrees north and east; longitudes from -180 to 360.
 * Each function reads a regular file, adds its rows to the scenario, and returns 0; -EINVAL for
 * any fault, -ENOMEM, or -errno of a file that cannot be read: then everything wrong has been
 * reported with file and line, and the scenario is good for scenario_free() only.
 *
 * Stations and satellites make SNOs; users, agreements and the list of reserved satellites only
 * speak of those that are there, so they come after them. scenario_close() is left to the caller.
 */
#ifndef SNO_PLAN_INPUTS_H
#define SNO_PLAN_INPUTS_H

#include "csv.h"
#include "plan/options.h"
#include "plan/scenario.h"

/* A capacity that a row does not give is `capacity` (0: any number of satellites). */
int inputs_stations(struct scenario *scenario, const char *path, unsigned int capacity,
		    csv_report_fn *report, void *arg);
int inputs_users(struct scenario *scenario, const char *path, csv_report_fn *report, void *arg);
/* The table says all: who is not named as serving somebody serves its own users only. */
int inputs_agreements(struct scenario *scenario, const char *path, csv_report_fn *report,
		      void *arg);
int inputs_reserved(struct scenario *scenario, const char *path, csv_report_fn *report, void *arg);

/*
 * Elements as options give them, "SNO=FILE": makes the SNO and adds the file's satellites. Also
 * -EINVAL for a text without SNO.
 */
int inputs_elements(struct scenario *scenario, const char *owned_file, csv_report_fn *report,
		    void *arg);

/* All files that make a scenario, as options name them. */
struct input_files {
	struct option_list elements; /* "SNO=FILE" */
	const char *stations;
	const char *users, *agreements, *reserved; /* or NULL */
	unsigned int capacity;			   /* of stations that do not say */
};

/*
 * Reads them all, in an order that lets each speak of what it may, and closes the scenario, which
 * is to be given to scenario_free() in any case. Without users it is one for looking at
 * associations only. 0, or -errno as above.
 */
int inputs_load(struct scenario *scenario, const struct input_files *files, csv_report_fn *report,
		void *arg);

#endif
