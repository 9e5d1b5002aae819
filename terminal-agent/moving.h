/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From one link to another: the orders that begin a move, the farewell to the serving core, and the
 * switch of the link (PROTOCOL section 7, rows `disconnecting` and `switching`). A part of the
 * session's state machine with a file of its own; what orders call is in session.h.
 */
#ifndef SNO_TERMINAL_MOVING_H
#define SNO_TERMINAL_MOVING_H

#include "terminal-agent/session.h"

/* Whatever link can be had, after this one in the ring (NULL: the first). */
void moving_take_any(struct session *s, struct link *after, const char *reason, usec_t now);

/* The core has been told that the terminal leaves, as far as it can be. */
void moving_after_disconnect(struct session *s, usec_t now);
/* The link that is switched to has not come up in time. */
void moving_timeout(struct session *s, usec_t now);

/* True when an operator wants this very link: no other will do. */
bool moving_ordered(const struct session *s);

#endif
