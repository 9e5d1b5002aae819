/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables in which sessions are found: by the Ethernet address that they use, and once they are
 * registered by the index under which the terminal addresses us and by the home core's binding
 * number. For session.c; others find sessions by session.h.
 */
#ifndef SNO_CORE_SESSION_TABLE_H
#define SNO_CORE_SESSION_TABLE_H

#include "session.h"

/*
 * The Ethernet address that the session's path uses, or is about to: no two paths share one, since
 * each would take the other's neighbour and bridge entry away. NULL: none any more.
 */
void session_claim(struct session *session, const struct lladdr *mac);

/* An index that no session has; for session_list(). */
uint32_t session_fresh_index(const struct core *core);
/* Puts a registered session into the tables by its index and its binding. */
void session_list(struct session *session);
/* Takes it out of these, if it is in them, and wipes its access keys. */
void session_unlist(struct session *session);

#endif
