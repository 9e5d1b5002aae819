/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows: when a satellite stands high enough over a place.
 *
 * Edges lie within a second of where a scan of SGP4 in steps of one second finds them (they are
 * within milliseconds of the real crossing), and no window of ten seconds or more is missed; in
 * fact none is that the interpolated track has, for the elevation over a place rises and sinks at
 * most once between two nodes.
 *
 * The work: a satellite that is far beyond a place's horizon is looked at again only when, at the
 * greatest angular speed of its orbit, it could have come up. So a pair of a satellite and
 * a place costs about six looks a revolution and ten more per window.
 *
 * Memory: 24 bytes per window, twice that while the results of the threads are put together; and
 * per thread 49 bytes for each minute of the span.
 */
#ifndef SNO_ORBIT_WINDOW_H
#define SNO_ORBIT_WINDOW_H

#include "orbit/geodesy.h"
#include "orbit/sgp4.h"

#include <stddef.h>
#include <stdint.h>

/* Seconds since the scan's start. A window that is open there begins at 0; one that is still
 * open at the end ends there. */
struct window {
	uint32_t satellite; /* index into the scan's orbits */
	uint32_t place;	    /* index into the scan's sites */
	double from, until;
};

/* By satellite, for each by place, for each by time. */
struct windows {
	struct window *rows;
	size_t count;
};

/* Told now and then, from one thread at a time, how many of all satellites are done. */
typedef void window_progress_fn(void *arg, size_t done, size_t all);

/* What is asked. Everything is borrowed for the call only. */
struct window_scan {
	const struct sgp4 *orbits;
	size_t orbit_count;
	const struct site *sites;
	const double *min_elevation; /* per site, degrees, 0 to 90 */
	size_t site_count;
	usec_t start; /* UTC, wall */
	double seconds;
	unsigned int threads;	      /* 0: one per CPU */
	window_progress_fn *progress; /* or NULL */
	void *arg;
};

/*
 * Finds all windows. The result does not depend on the number of threads. 0, and *windows is to
 * be given to window_free(); -EINVAL for a span that is not above 0, -ENOMEM.
 * From when on a satellite has decayed it has no windows.
 */
int window_scan(const struct window_scan *scan, struct windows *windows);
/* Frees and empties it. */
void window_free(struct windows *windows);

/* Sorts by place, for each by beginning, for those by satellite. */
void window_sort_by_place(struct windows *windows);

#endif
