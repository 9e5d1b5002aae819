/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does what the guide says: has the session move to the satellite of the hour, ahead of the moment
 * at which the one before is lost, and antennas pointed in time for it.
 *
 *	         twice the lead       lead           disconnect_wait
 *	---------------+---------------+---------------------+-----+------> time
 *	  a free antenna      the cores are told       the move begins   the step begins
 *	  is pointed there    (predictive)
 *
 * An antenna that turns late is waited for on the satellite in use, while that can be seen.
 *
 * Each step is done once. When it comes to nothing, or an operator wants something else, the
 * session goes on with what it has until the next one; only a terminal that has no link is brought
 * back to the satellite of the hour, again and again.
 */
#ifndef SNO_TERMINAL_CHOOSING_H
#define SNO_TERMINAL_CHOOSING_H

#include "terminal-agent/guide.h"
#include "terminal-agent/pointing.h"
#include "terminal-agent/session.h"

struct choosing {
	const struct config *config;
	const struct schedule *schedule;
	struct guide guide;
	struct links *links;
	struct session *session;
	struct pointing *pointing;
	char done[ASSOCIATION_FOLDED_MAX + 1]; /* satellite of the last step that was done */
	usec_t again;			       /* when a terminal without a link is helped again */
	bool waits;			       /* the session was busy when last looked at */
};

void choosing_init(struct choosing *c, const struct config *config, const struct schedule *schedule,
		   struct links *links, struct session *session, struct pointing *pointing);
void choosing_free(struct choosing *c);

/* What is due. Returns the next instant, USEC_NEVER if none. */
usec_t choosing_tick(struct choosing *c, usec_t now);
/* Has the session become free since? Then it is due again. */
bool choosing_waited(const struct choosing *c);
/* Configuration, plan or guide are others. */
void choosing_changed(struct choosing *c);

#endif
