/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orbits and places for tests of what is seen from where. */
#ifndef SNO_TESTS_HEAVENS_H
#define SNO_TESTS_HEAVENS_H

#include "orbit/geodesy.h"
#include "orbit/sgp4.h"

#include <stdbool.h>
#include <stddef.h>

/* 2026-01-01T00:00:00Z, the epoch of these orbits. */
#define HEAVENS_EPOCH (INT64_C(1767225600) * USEC_PER_SEC)

enum heavens_orbit {
	HEAVENS_LOW,	    /* 550 km, 53 degrees */
	HEAVENS_POLAR,	    /* 1,200 km, 87.9 degrees */
	HEAVENS_EQUATOR,    /* 800 km, no inclination */
	HEAVENS_RETROGRADE, /* sun-synchronous */
	HEAVENS_VERY_LOW,   /* 300 km, with drag */
	HEAVENS_ECCENTRIC,  /* 650 to 3,900 km */
	HEAVENS_FALLING,    /* decays within the day */
	HEAVENS_ORBITS
};

const char *heavens_name(enum heavens_orbit which);
void heavens_orbit(enum heavens_orbit which, struct sgp4 *orbit);

/* All satellites of a Walker constellation, to be given to free(3). */
struct sgp4 *heavens_shell(double altitude, double inclination, unsigned int satellites,
			   unsigned int planes);

/* Earth-fixed position of SGP4 itself; false where there is none. */
bool heavens_position(const struct sgp4 *orbit, usec_t instant, double r[3]);

#endif
