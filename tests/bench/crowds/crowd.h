/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crowd: many terminals on one satellite, and what happens to each of them.
 *
 * First all of them register at the core that the satellite serves, a few at a time. Then they are
 * armed: each has its next discovery ready, as a terminal that knows the schedule does and computes
 * by itself, while this one process could only compute for one after the other. The moment the
 * armed-for core advertises itself all discoveries leave, and whatever is lost is repeated as a
 * terminal repeats it (PROTOCOL sections 7 and 12). Times are microseconds since 1970, those of
 * arrivals as the kernel saw them.
 */
#ifndef SNO_CROWD_H
#define SNO_CROWD_H

#include "radio.h"
#include "terminal.h"

#include <stdbool.h>
#include <stdio.h>

/* What has happened to a terminal since the last beginning. */
struct trial {
	bool waiting; /* for registration done */
	bool registered;
	bool told;	 /* handover done was acknowledged */
	usec_t begun;	 /* the first discovery was sent */
	usec_t served;	 /* registration done came in */
	usec_t deadline; /* to repeat the discovery, or else handover done; 0: neither */
	usec_t timeout;
	unsigned int sent;    /* discoveries */
	unsigned int repeats; /* of the same octets; or of handover done */
	unsigned int refused;
	unsigned int released;
};

struct crowd {
	struct radio *radio;
	struct terminal *terminals;
	struct trial *trials; /* by the same number */
	uint32_t count;

	char advertised[SNO_NAME_MAX + 1]; /* the core heard last, "" before */
	char armed[SNO_NAME_MAX + 1];	   /* the core that they wait for, "": none */
	usec_t heard;			   /* when it was heard first, 0: not yet */
	uint32_t window, next;		   /* how many at a time; who is the next; none: count */
	uint32_t waiting, registered, told;
	uint64_t strange; /* frames that no terminal understood */
};

/* Makes the terminals. 0, or -ENOMEM. */
int crowd_open(struct crowd *c, struct radio *radio, uint32_t count,
	       const struct terminal_setup *setup);
void crowd_close(struct crowd *c);

/* Has all of them register, this many at a time, beginning with the next advertisement. */
void crowd_register(struct crowd *c, uint32_t window);
/* Has all of them ready for when this core is heard. 0 or -errno. */
int crowd_arm(struct crowd *c, const char *core);
/* True when all have been served and have had their handover done acknowledged. */
bool crowd_served(const struct crowd *c);

/* What came in; arg is the crowd. */
void crowd_receive(void *arg, const uint8_t *octets, size_t length, usec_t arrived);
/* Repeats what is due; to be called every few milliseconds, and after receiving. */
void crowd_tick(struct crowd *c, usec_t now);

/* A line for each terminal: number, begun, served, discoveries sent, refused, released, serving
 * core, mode. */
void crowd_write(const struct crowd *c, FILE *file);

#endif
