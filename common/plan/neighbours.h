/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grid of links between satellites: which ones each of them can point a link at.
 *
 * A satellite keeps links to those that hardly move as it sees them: to the one ahead and the one
 * behind in its plane, and to one in each of the two planes next to it. They are found from where
 * satellites are at one instant, and stay the same for the whole plan; whether two of them are near
 * enough, and the Earth out of the way, is another question (relays.h).
 *
 * Links are between satellites of one owner and one shell: inclinations and heights without a gap
 * that tells them apart. Planes are next to each other if their nodes are less than half a turn
 * apart; across the seam of a star pattern, where satellites meet head-on, there are no links. In
 * the next plane a satellite has the one that is nearest to it on average over an orbit, each with
 * one at most.
 */
#ifndef SNO_PLAN_NEIGHBOURS_H
#define SNO_PLAN_NEIGHBOURS_H

#include "orbit/sgp4.h"
#include "plan/scenario.h"

enum neighbour { NEIGHBOUR_AHEAD, NEIGHBOUR_BEHIND, NEIGHBOUR_EAST, NEIGHBOUR_WEST };
#define NEIGHBOURS 4
/* No such neighbour. */
#define NEIGHBOUR_NONE UINT32_MAX

/* By satellite and enum neighbour. It is mutual: who has one to the east is its west. */
typedef uint32_t neighbour_row[NEIGHBOURS];

/* Finds all; orbits: as the scenario's satellites. A satellite that has decayed by then has none.
 * NULL: out of memory; otherwise to be given to free(3). */
neighbour_row *neighbours_find(const struct scenario *scenario, const struct sgp4 *orbits,
			       usec_t instant);

#endif
