/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long it takes to find windows, and how much longer a scan second by second would take.
 *
 *	bench-windows [SATELLITES [PLACES [HOURS [THREADS]]]]      (1000 100 6, one thread)
 *
 * SATELLITES of a Walker delta at 550 km and 53 degrees are looked at from PLACES spread evenly
 * over the land's latitudes, nine of ten above 25 degrees and one, a ground station, above 10. The
 * brute force, SGP4 and all elevations at every second, is run for a few satellites and
 * reckoned up; a fifth argument says for how many, and 0 leaves it out.
 * Prints windows, seconds, and the largest memory of the process.
 */
#include "clock.h"
#include "orbit/walker.h"
#include "orbit/window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define START	     (INT64_C(1767225600) * USEC_PER_SEC) /* 2026-01-01 */
#define GOLDEN_ANGLE 137.50776405

static double seconds_since(usec_t start)
{
	return (double)(clock_now() - start) / (double)USEC_PER_SEC;
}

/* The most planes up to 80 that divide them. */
static struct sgp4 *shell(unsigned int satellites)
{
	struct walker walker = {.inclination = 53,
				.altitude = 550,
				.satellites = satellites,
				.planes = 80,
				.phasing = 0,
				.first = 1,
				.name = "W",
				.epoch = START};
	struct sgp4 *orbits = calloc(satellites, sizeof(*orbits));
	struct element_set set;

	while (satellites % walker.planes)
		walker.planes--;
	walker.phasing = walker.planes / 2;
	for (unsigned int i = 0; orbits && i < satellites; i++) {
		walker_satellite(&walker, i, &set);
		sgp4_init(&orbits[i], &set);
	}
	return orbits;
}

/* A spiral from 60 south to 70 north: the same area for each. */
static void spread(struct site *sites, double *least, unsigned int count)
{
	double south = sin(-60 * M_PI / 180), north = sin(70 * M_PI / 180);

	for (unsigned int p = 0; p < count; p++) {
		struct place place = {.height = 100};

		place.lat = asin(south + (north - south) * (p + 0.5) / count) * 180 / M_PI;
		place.lon = remainder(GOLDEN_ANGLE * p, 360);
		geodesy_site(&place, &sites[p]);
		least[p] = p % 10 == 9 ? 10 : 25;
	}
}

/* Seconds of the brute force for one satellite. */
static double brute_force(const struct window_scan *scan, unsigned int satellites)
{
	usec_t start = clock_now();
	unsigned long up = 0;
	double r[3], v[3];

	for (unsigned int s = 0; s < satellites; s++) {
		for (double t = 0; t <= scan->seconds; t++) {
			usec_t instant = scan->start + clock_from_seconds(t);

			if (sgp4_at(&scan->orbits[s], instant, r, v) != SGP4_GOOD)
				continue;
			geodesy_earth_fixed(instant, r, v);
			for (size_t p = 0; p < scan->site_count; p++)
				up += geodesy_elevation(&scan->sites[p], r) >=
				      scan->min_elevation[p];
		}
	}
	/* What nobody looks at would not be computed. */
	return up == (unsigned long)-1 ? 0 : seconds_since(start) / satellites;
}

int main(int argc, char **argv)
{
	unsigned int satellites = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 1000;
	unsigned int places = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 100;
	double hours = argc > 3 ? strtod(argv[3], NULL) : 6, took;
	unsigned int threads = argc > 4 ? (unsigned int)strtoul(argv[4], NULL, 10) : 1;
	unsigned int sample = argc > 5 ? (unsigned int)strtoul(argv[5], NULL, 10) : 8;
	struct window_scan scan = {.start = START,
				   .seconds = hours * 3600,
				   .threads = threads,
				   .orbit_count = satellites,
				   .site_count = places};
	struct windows windows;
	struct site *sites;
	struct rusage usage;
	double *least;
	usec_t start;

	if (!satellites || satellites > 339999 || !places || !(hours > 0)) {
		fprintf(stderr, "usage: bench-windows [SATELLITES [PLACES [HOURS [THREADS]]]]\n");
		return 2;
	}
	sites = calloc(places, sizeof(*sites));
	least = calloc(places, sizeof(*least));
	scan.orbits = shell(satellites);
	scan.sites = sites;
	scan.min_elevation = least;
	if (!sites || !least || !scan.orbits)
		return 1;
	spread(sites, least, places);
	start = clock_now();
	if (window_scan(&scan, &windows) < 0)
		return 1;
	took = seconds_since(start);
	getrusage(RUSAGE_SELF, &usage);
	printf("%6u satellites %4u places %5.1f h: %9zu windows %8.2f s %6ld MiB", satellites,
	       places, hours, windows.count, took, usage.ru_maxrss / 1024);
	if (sample > satellites)
		sample = satellites;
	if (sample) {
		double brute = brute_force(&scan, sample) * satellites;

		printf("   second by second %.0f s, %.0f times as long", brute, brute / took);
	}
	putchar('\n');
	window_free(&windows);
	free((void *)scan.orbits);
	free(least);
	free(sites);
	return 0;
}
