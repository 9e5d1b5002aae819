/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walker constellations: T satellites on P planes of equal inclination and altitude, circular,
 * with the phase between neighbouring planes given by F, as J. G. Walker wrote it, i:T/P/F.
 *
 * In a delta pattern the ascending nodes are spread over 360 degrees, in a star pattern over 180.
 * They make constellations of elements for planning and for tests where none are at hand.
 */
#ifndef SNO_ORBIT_WALKER_H
#define SNO_ORBIT_WALKER_H

#include "orbit/tle.h"

enum walker_pattern { WALKER_DELTA, WALKER_STAR };

struct walker {
	enum walker_pattern pattern;
	double inclination;	 /* degrees */
	double altitude;	 /* km above the equator of WGS-72 */
	unsigned int satellites; /* T */
	unsigned int planes;	 /* P, which divides T */
	unsigned int phasing;	 /* F, 0 to P - 1 */
	double node, anomaly;	 /* of the first satellite, degrees */
	unsigned int first;	 /* catalogue number of the first satellite; its name ends in it */
	const char *name;	 /* satellites are called NAME-0001 and so on */
	usec_t epoch;
};

/* NULL when it can be made, else what is wrong with it, for a message. */
const char *walker_fault(const struct walker *walker);

/* Satellite i, 0 to T - 1, plane by plane. Walker is good by walker_fault(). */
void walker_satellite(const struct walker *walker, unsigned int i, struct element_set *set);

/* Writes all as element sets of three lines. 0, or what tle_print() returned. */
int walker_print(FILE *out, const struct walker *walker);

#endif
