/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stations that a satellite reaches over a neighbour (sno-associations(5), Relaying).
 *
 * A satellite is relayed only while it sees no station by itself that it could be attached to, and
 * only over a neighbour that does see one. So who relays is never relayed at that time, which the
 * association file forbids, and each satellite can be planned as if it were alone: to be relayed is
 * one more thing that it sees, and asks nothing of what its neighbour is associated with.
 *
 * A link holds while the two are within range and the straight way between them passes clear of the
 * Earth and its air.
 */
#ifndef SNO_PLAN_RELAYS_H
#define SNO_PLAN_RELAYS_H

#include "plan/sky.h"

/* How far links reach unless said otherwise, km. */
#define RELAYS_RANGE 5000.0

/*
 * Appends to the sky's sightings of stations, which are there and in order, those over neighbours:
 * of the neighbour n (enum neighbour) of a satellite and a station, `where` is
 * (1 + n) x stations + station. 0 or -ENOMEM.
 */
int relays_find(struct sky *sky, const struct sky_view *view);

#endif
