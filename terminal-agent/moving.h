/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From one link to another: the orders that begin a move, when cores are told of it (telling.h says
 * what), and the switch of the link (PROTOCOL sections 7 and 15). A part of the session's state
 * machine with a file of its own; what orders call is in session.h.
 *
 *	planned --- lead before ---> raising ---------------> ready --- its time ---> leaving
 *	                |   (soft, links that we set up)        ^
 *	                +----------> announced -----------------+
 *	                    (predictive)    answer, or wait
 *
 * Which way a move goes is decided at each step by what is possible then: with both links up it is
 * soft; else the next core is announced and named in the farewell, as far as it is known and the
 * mode allows.
 */
#ifndef SNO_TERMINAL_MOVING_H
#define SNO_TERMINAL_MOVING_H

#include "clock.h"
#include "message.h"

#include <stdbool.h>

struct link;
struct session;

enum move_phase {
	MOVE_NONE,
	MOVE_PLANNED,
	MOVE_RAISING,
	MOVE_ANNOUNCED,
	MOVE_READY,
	MOVE_LEAVING, /* until it is registered over the new link, or over any */
};

/* A move that was ordered. All zero: none. */
struct move {
	enum move_phase phase;
	struct link *target;
	const char *reason; /* constant */
	usec_t risen;	    /* the target's link cannot come up before */
	usec_t at;	    /* when to leave */
	usec_t latest;	    /* so long an antenna that turns there is waited for */
	usec_t deadline;    /* of raising, and of the answer to the announcement */
	uint64_t number;    /* HANDOVER_COUNTER; 0: it has not been named to the home core */
	char core[SNO_NAME_MAX + 1]; /* that is expected there; "": not known */
	bool announced;		     /* the core was prepared before the farewell */
	bool prepared;		     /* ... by now */
	bool unplaced;		     /* ... but not told from which addresses we will speak */
	bool soft;		     /* the old link is in use until registration done */
	bool parted;		     /* ... but its satellite is not with the core any more */
	usec_t uplink_delay;	     /* by which the new way is shorter */
};

/* What is due. Returns the next instant, USEC_NEVER if none. */
usec_t moving_tick(struct session *s, usec_t now);

/* Whatever link can be had, after this one in the ring (NULL: the first). */
void moving_take_any(struct session *s, struct link *after, const char *reason, usec_t now);
/* The link in use is lost: to where it was to go anyway, or to any. */
void moving_link_lost(struct session *s, struct link *link, const char *reason, usec_t now);

/* The core has been told that the terminal leaves, as far as it can be. */
void moving_after_disconnect(struct session *s, usec_t now);
/* The link that is switched to has not come up in time. */
void moving_timeout(struct session *s, usec_t now);
/*
 * Is the terminal to leave its link within this time, so that something else is not worth while to
 * be begun there? Returns until when that holds, whatever becomes of the move; 0: it is not.
 */
usec_t moving_soon(const struct session *s, usec_t within, usec_t now);
/* The session discovers on this link. */
void moving_discovers(struct session *s, const struct link *link, usec_t now);
/* The terminal is registered over its link; what was said of a later move is void. */
void moving_arrived(struct session *s, struct link *from, usec_t now);
/* Plans to leave the satellite in use before it will be without a core, as the schedule says. */
void moving_follow_schedule(struct session *s, usec_t now);
/* The link is about to be freed. */
void moving_forget(struct session *s, const struct link *link, usec_t now);

/* True when an operator wants this very link: no other will do. */
bool moving_ordered(const struct session *s);
/* HANDOVER_COUNTER of a registration by this core over this link. */
uint64_t moving_number(const struct session *s, const struct link *link, const char *core);
/*
 * UPLINK_DELAY of a message (section 15.4), but not longer than packets are held: a core that is
 * being left must not have the next one's uplink wait for what nothing would be left of.
 */
usec_t moving_uplink_delay(const struct session *s, const struct message *m);
/* The move that leads to this link and core and was announced or named; NULL: none. */
const struct move *moving_to(const struct session *s, const struct link *link, const char *core);

#endif
