/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sno-plan visible: when satellites stand above a place. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orbit/track.h"
#include "orbit/window.h"
#include "plan/command.h"
#include "plan/elements.h"

static const struct option_usage usage = {
	"visible",
	"Prints when satellites stand high enough above a place, as CSV:\n"
	"from,until,satellite,max_elevation,culmination,rise_azimuth,set_azimuth,range.\n"
	"Elevations and azimuths are in degrees, the range at culmination in kilometres.",
	NULL,
};

struct wishes {
	struct option_list files;
	const char *satellite;
	struct place place;
	usec_t start;
	double hours, min_elevation;
	unsigned int threads;
};

/* The highest moment of a window, by golden section: there the elevation has one maximum. */
static double culmination(struct track *track, const struct site *site, const struct window *w)
{
	const double ratio = (sqrt(5) - 1) / 2;
	double low = w->from, high = w->until, r[3], one, other;

	while (high - low > 1e-3) {
		double a = high - ratio * (high - low), b = low + ratio * (high - low);

		one = track_position(track, a, r) ? geodesy_elevation(site, r) : 0;
		other = track_position(track, b, r) ? geodesy_elevation(site, r) : 0;
		if (one < other)
			low = a;
		else
			high = b;
	}
	return (low + high) / 2;
}

static void print_window(const struct wishes *wishes, const struct element_set *set,
			 struct track *track, const struct site *site, const struct window *w)
{
	char from[ASSOCIATION_TIME_TEXT], until[ASSOCIATION_TIME_TEXT], top[ASSOCIATION_TIME_TEXT];
	double highest = culmination(track, site, w), rise[3], set_at[3], r[3];

	if (!track_position(track, w->from, rise) || !track_position(track, w->until, set_at) ||
	    !track_position(track, highest, r))
		return; /* a window lies between nodes that are there */
	printf("%s,%s,%s,%.2f,%s,%.1f,%.1f,%.1f\n", options_instant(wishes->start, w->from, from),
	       options_instant(wishes->start, w->until, until), set->name,
	       geodesy_elevation(site, r), options_instant(wishes->start, highest, top),
	       geodesy_azimuth(site, rise), geodesy_azimuth(site, set_at), geodesy_range(site, r));
}

/* Windows in the order of their beginning need the tracks of satellites in turn. */
static int print_windows(const struct wishes *wishes, const struct elements *elements,
			 const struct site *site, const struct windows *windows)
{
	struct track track;
	int err = track_open(&track, NULL, wishes->start, wishes->hours * 3600);

	if (err)
		return err;
	puts("from,until,satellite,max_elevation,culmination,rise_azimuth,set_azimuth,range");
	for (size_t i = 0; i < windows->count; i++) {
		const struct window *w = &windows->rows[i];

		track_reuse(&track, &elements->orbits[w->satellite]);
		print_window(wishes, &elements->constellation.sets[w->satellite], &track, site, w);
	}
	track_close(&track);
	return 0;
}

static int visible(const struct wishes *wishes)
{
	struct window_scan scan = {.start = wishes->start,
				   .seconds = wishes->hours * 3600,
				   .threads = wishes->threads,
				   .min_elevation = &wishes->min_elevation,
				   .site_count = 1};
	struct elements elements;
	struct windows windows;
	struct site site;
	int err, status;

	if (elements_load(&elements, usage.command, &wishes->files, wishes->satellite) < 0)
		return PLAN_FAILED;
	geodesy_site(&wishes->place, &site);
	scan.sites = &site;
	scan.orbits = elements.orbits;
	scan.orbit_count = elements.constellation.count;
	err = window_scan(&scan, &windows);
	if (!err) {
		window_sort_by_place(&windows);
		err = print_windows(wishes, &elements, &site, &windows);
		window_free(&windows);
	}
	if (err)
		options_complain(usage.command, "%s", strerror(-err));
	status = err || elements.refused ? PLAN_FAILED : PLAN_GOOD;
	elements_free(&elements);
	return status;
}

int command_visible(int argc, char **argv)
{
	struct wishes wishes = {.hours = 24, .min_elevation = 25};
	const struct option_spec specs[] = {
		{"tle", 't', OPTION_LIST, &wishes.files, .required = true, .argument = "[SNO=]FILE",
		 .help = "two-line elements; may be given several times"},
		{"satellite", 0, OPTION_TEXT, &wishes.satellite, .argument = "NAME",
		 .help = "this one only (all)"},
		OPTION_PLACE(wishes.place),
		{"min-elevation", 0, OPTION_NUMBER, &wishes.min_elevation, .least = 0, .most = 90,
		 .argument = "DEGREES", .help = "above the horizon (25)"},
		{"start", 0, OPTION_TIME, &wishes.start, .required = true, .argument = "TIME",
		 .help = "beginning, like 2026-01-01T00:00:00Z"},
		{"hours", 0, OPTION_NUMBER, &wishes.hours, .least = 0.001, .most = 8784,
		 .argument = "H", .help = "how long (24)"},
		OPTION_THREADS(wishes.threads),
	};
	int status = options_parse(&usage, specs, OPTION_SPECS(specs), argc, argv, NULL);

	if (status == OPTIONS_GO)
		status = visible(&wishes);
	free(wishes.files.texts);
	return status;
}
