/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sky of a lab: satellites, places on the ground, and the lines between them.
 *
 * It is read from a file of tab-separated lines (scripts/lab.d/sky.py writes it), of which each
 * refers only to those before it:
 *
 *	time          START EPOCH RATE          microseconds since 1970, and seconds per second
 *	period        US                        between two looks at the sky
 *	late          US                        what netem adds to every delay by itself
 *	elements      FILE
 *	associations  FILE
 *	satellite     NAME BRIDGE               a bridge of this network namespace
 *	ground        NAME LAT LON MASK         a terminal or a station
 *	antenna       GROUND NAME GAP PORT END  PORT here, END = NETNS/INTERFACE at the terminal;
 *GAP in microseconds: to turn and to lock on feeder        SATELLITE CORE PORT END   PORT here, END
 *= NETNS/INTERFACE at the core
 */
#ifndef SNO_SKY_H
#define SNO_SKY_H

#include "air.h"
#include "line.h"

#include <sys/un.h>

struct antenna {
	const struct ground *ground;
	char *name;
	usec_t gap;
	struct end port, end;	    /* in the sky, at the terminal */
	const struct satellite *on; /* it points there, or turns there; NULL: it rests */
	bool turning, up;
	usec_t locked;		  /* when it will have turned */
	usec_t looked;		  /* when it was last known whether the satellite is there */
	usec_t edge;		  /* when the satellite rises or sets, soon; USEC_NEVER: not soon */
	usec_t answered;	  /* when it is to be told, or USEC_NEVER */
	struct sockaddr_un asker; /* who waits for it to have turned; sun_family 0: nobody */
	socklen_t asker_length;
};

struct feeder {
	const struct satellite *satellite;
	char *core;
	const struct ground *station; /* for which the delay is set; NULL: none yet */
	struct end port, end;
};

/* What has been done, for the summary. Times in microseconds. */
struct figures {
	unsigned long looks, settings, edges, turns, refused;
	usec_t edge_late, edge_late_most; /* sum and most */
	usec_t look_late_most;
	usec_t delay_error_most; /* a line's delay when it was set anew */
	unsigned long blind;	 /* looks at which a satellite's station did not see it */
};

struct sky {
	struct sky_time time;
	usec_t period, late;
	bool netem;
	struct constellation elements;
	struct associations associations;
	struct satellite *satellites;
	struct ground *grounds;
	struct antenna *antennas;
	struct feeder *feeders;
	size_t satellite_count, ground_count, antenna_count, feeder_count;
	FILE *record;
	struct figures figures;
};

/* Reads the file. Ends the program with a message for any fault in it. */
void sky_read(struct sky *sky, const char *path);

/* Sets the delays of all lines as they are now, and finds what rises or sets until the next look.
 */
void sky_look(struct sky *sky, usec_t now);
/* Carries out what is due: rising, setting, antennas that have turned. Returns when the next of it
 * is due, USEC_NEVER: nothing before the next look. */
usec_t sky_turn(struct sky *sky, int orders, usec_t now);
/* Takes an order "TERMINAL ANTENNA SATELLITE" (SATELLITE "-": none); it is answered when it has
 * been carried out. */
void sky_order(struct sky *sky, int orders, char *order, const struct sockaddr_un *asker,
	       socklen_t length, usec_t now);

#endif
