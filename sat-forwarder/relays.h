/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a satellite does for neighbours that see no ground station: it lets their frames pass to one
 * that it sees (sno-associations(5), "Relaying").
 *
 *	terminals == acc [ s1 ] isl-s2 ====== isl-s1 [ s2 ] relay-s1-b == core b.example
 *	terminals == acc ------------------------- [ s2 ] feed-a       == core a.example
 *
 * A relay is a satellite like this one, and executed by the same code: its access side is the link
 * to the neighbour, its plan the neighbour's rows that lead over this satellite, its feeders are
 * its own, so that on the ground it is known whose frames they are. It knows no user either.
 *
 * Frames cannot go in circles: what comes in over the link to a neighbour leaves to the ground
 * only, because a relay's feeders have no `via`; and the association file has no relay over one
 * that is relayed itself.
 */
#ifndef SNO_SAT_RELAYS_H
#define SNO_SAT_RELAYS_H

#include "sat-forwarder/satellite.h"

struct relay {
	struct config config; /* config_relay() of the satellite's */
	struct satellite satellite;
	struct plan fresh; /* of a reload under way */
};

/* Opens all that the satellite's configuration has, whose association file has been read. 0; or
 * -errno, logged, with nothing open. */
int relays_open(struct satellite *s, const struct plan_file *file, struct instant at);
void relays_close(struct satellite *s);

/* As the functions of satellite.h; nothing and USEC_NEVER without relays. */
void relays_update(struct satellite *s, struct instant at);
usec_t relays_next_wall(const struct satellite *s, usec_t wall);
usec_t relays_next(const struct satellite *s);
void relays_event(struct satellite *s, const struct kernel_event *event, struct instant at);

/*
 * A reload in two steps: takes and checks the plans of all relays; 0, then commit or abort; or
 * -errno, and why, and nothing has changed.
 */
int relays_prepare(struct satellite *s, const struct config *config, const struct plan_file *file,
		   usec_t wall, char why[SATELLITE_WHY]);
void relays_abort(struct satellite *s);
void relays_commit(struct satellite *s, const struct config *config, struct instant at);

#endif
