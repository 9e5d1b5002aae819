/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The satellite in use is about to be given another core, as the schedule says, and the terminal to
 * go to another satellite.
 *
 *	          15 ms                      registration done
 *	------------+-----------+--------+--------------+------> time
 *	  what is sent waits    |   the terminal goes   what has waited leaves
 *	                  the satellite's core is another
 *
 * Often two satellites change their cores with each other, and who goes from one to the other then
 * stays with its core, but has none until it has arrived.
 */
#ifndef SNO_TERMINAL_PARTING_H
#define SNO_TERMINAL_PARTING_H

#include "clock.h"

#include <stdbool.h>

struct session;

/*
 * Is the satellite of the registration with another core by now? A schedule against which the core
 * of the registration is heard there is wrong (belief.h).
 */
bool parting_over(const struct session *s, usec_t now);
/* Holds user data when it is time. Returns the next instant, USEC_NEVER if none. */
usec_t parting_tick(struct session *s, usec_t now);
/* The terminal does not go: what waits leaves by the link in use. */
void parting_undo(struct session *s, usec_t now);

#endif
