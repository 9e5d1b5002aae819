/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of a satellite share: what it does (satellite.c), and what it is told to do by
 * configuration and plan (satellite_config.c).
 */
#ifndef SNO_SAT_SATELLITE_INTERNAL_H
#define SNO_SAT_SATELLITE_INTERNAL_H

#include "sat-forwarder/satellite.h"

/* How long after a refusal by the kernel the first retry is; later ones wait twice as long. */
#define RETRY_FIRST (100 * USEC_PER_MSEC)

/* Returns err, with the reason written. */
int satellite_refuse(char why[SATELLITE_WHY], int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* satellite_update() of this one alone, without its relays. */
void satellite_settle(struct satellite *s, struct instant at);
/* Takes up the order of an earlier run that is in force yet. */
void satellite_adopt_order(struct satellite *s, usec_t wall);
/* An order that no feeder can carry out any more ends; of another one the operator is told. */
void satellite_check_order(struct satellite *s);

/* Has the file that a reload waits for been read? */
void satellite_look_at_reading(struct satellite *s, struct instant at);

#endif
