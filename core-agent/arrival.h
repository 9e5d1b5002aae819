/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrivals: terminals that this core was prepared for (preparation.h) and that prove with their
 * discovery that they have come. They are registered without a word to anybody; only then is their
 * home core told, with the proof that it can check (PROTOCOL section 6.1).
 *
 * A terminal without a link is waiting for this: what could be done before has been done, and what
 * can be done later is.
 */
#ifndef SNO_CORE_ARRIVAL_H
#define SNO_CORE_ARRIVAL_H

#include "discovery.h"

/*
 * Registers the terminal if this core was prepared for it. False when it was not, or when that does
 * not lead to a registration: then nothing has changed, and the discovery goes the full way.
 */
bool arrival(const struct discovery *discovery, usec_t now);

#endif
