/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going on with a registration that keep.h has kept: what is in the kernel already stays as it is,
 * so that no packet is lost, and what is missing there is put in place.
 *
 * The core may have forgotten the session meanwhile. So it is asked, by a keepalive that it answers
 * (PROTOCOL section 7.2); when it does not, the terminal registers anew, and until then all goes
 * on.
 */
#ifndef SNO_TERMINAL_RESUME_H
#define SNO_TERMINAL_RESUME_H

#include "terminal-agent/moving.h"

struct link;
struct session;

/* A member of struct session. */
struct resuming {
	/* What was read: the link that the terminal was going to, and that move. */
	char target[SNO_NAME_MAX + 1];
	struct move move;

	bool doubted;	    /* the core has not shown yet that it knows the session */
	unsigned int asked; /* how often */
	usec_t again;
};

/*
 * All links are known now. Returns the one that the registration goes on over; NULL: over none, and
 * the session has to begin as ever, on what *going says if that is not NULL: the link that it was
 * going to, with s->move.
 */
struct link *resume(struct session *s, struct link **going, usec_t now);

/* The core has said something under the session. */
void resume_known(struct session *s);
/* Asks. Returns the next instant, USEC_NEVER if none. */
usec_t resume_tick(struct session *s, usec_t now);

#endif
