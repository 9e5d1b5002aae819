/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of one satellite over a span of time: SGP4 at nodes 60 s apart, in the Earth-fixed
 * frame, and between them cubic Hermite interpolation from position and velocity.
 *
 * An interpolation costs a fiftieth of an SGP4 evaluation and the turning of the frame, and is
 * good to a metre for the nearly circular orbits of access satellites (its error is
 * step^4/384 |d4r/dt4|); a metre is less than a millisecond of a window's edge. Nodes are
 * made when they are first asked for, so who looks at a few places in passing pays for few.
 *
 * Times are seconds since the track's start.
 */
#ifndef SNO_ORBIT_TRACK_H
#define SNO_ORBIT_TRACK_H

#include "orbit/geodesy.h"
#include "orbit/sgp4.h"

#include <stdbool.h>
#include <stddef.h>

#define TRACK_STEP 60.0 /* seconds */

/* Earth-fixed, km and km/s. */
struct track_node {
	double r[3], v[3];
};

struct track {
	const struct sgp4 *orbit; /* borrowed */
	usec_t start;
	double seconds;
	size_t count;		  /* of nodes: the last is at `seconds` or after it */
	struct track_node *nodes; /* 48 bytes for each minute */
	unsigned char *made;	  /* per node: see track.c */
};

/* Room for a span of `seconds` (above 0) from `start`; no node is made yet. The orbit is borrowed.
 * 0 or -ENOMEM; then it is closed. */
int track_open(struct track *track, const struct sgp4 *orbit, usec_t start, double seconds);
/* The same span for another satellite, in the same memory. */
void track_reuse(struct track *track, const struct sgp4 *orbit);
void track_close(struct track *track);

/* Makes every node. After it nothing changes the track any more, and threads may share it. */
void track_fill(struct track *track);

/* Node i, made when needed; NULL when SGP4 has no state there (decayed). i < count. */
const struct track_node *track_node(struct track *track, size_t i);

/*
 * Earth-fixed position (km) and, where v is not NULL, velocity (km/s) at time t, 0 <= t <= seconds.
 * False, and nothing is stored, where one of the two nodes about t is not there (decayed).
 */
bool track_state(struct track *track, double t, double r[3], double v[3]);
static inline bool track_position(struct track *track, double t, double r[3])
{
	return track_state(track, t, r, NULL);
}

/* The cubic from node a to the next one b, s seconds after a. v may be NULL. */
void track_between(const struct track_node *a, const struct track_node *b, double s, double r[3],
		   double v[3]);

#endif
