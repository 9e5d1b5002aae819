/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time as the daemons use it: microseconds in a signed 64-bit count.
 *
 * State machines never read a clock; they are handed `now` from the event loop, so that a test
 * can let hours pass in a table (DESIGN: tests cut the one path at `now`).
 */
#ifndef SNO_CLOCK_H
#define SNO_CLOCK_H

#include <stdint.h>

/* Microseconds of CLOCK_MONOTONIC (durations, deadlines) unless a name says "wall". */
typedef int64_t usec_t;

#define USEC_PER_SEC  ((usec_t)1000000)
#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_NEVER    INT64_MAX

/* CLOCK_MONOTONIC in microseconds. For main loops; never for a state machine. */
usec_t clock_now(void);

/* CLOCK_REALTIME in microseconds since 1970-01-01T00:00:00Z: for schedules and logs only. */
usec_t clock_wall(void);

/* Seconds as configured (a double) to microseconds, rounded to nearest. */
usec_t clock_from_seconds(double seconds);

/* The earlier of two instants. */
static inline usec_t usec_min(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

#endif
