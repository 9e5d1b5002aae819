/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the core that serves is told of a move, and through it the home core: the announcement ahead
 * of it, and the farewell (PROTOCOL sections 7 and 15). Either names the next core or satellite as
 * far as it is known and the mode allows, and the answer tells what has been prepared there.
 */
#ifndef SNO_TERMINAL_TELLING_H
#define SNO_TERMINAL_TELLING_H

#include "clock.h"

#include <stdbool.h>

struct session;

/*
 * Announces the move, so that the home core gets time to prepare the next one: the move is then
 * announced until the answer, or ready where there is nothing to announce.
 */
void telling_announce(struct session *s, usec_t now);

/*
 * Says that the terminal goes to the session's target, or that it deregisters (NULL), to a core
 * that can be reached; s->disconnected will tell of the answer. False when that cannot be sent.
 */
bool telling_farewell(struct session *s, usec_t now);

/* What was said of the move is void, and nothing is known of what has been prepared. */
void telling_void(struct session *s);

#endif
