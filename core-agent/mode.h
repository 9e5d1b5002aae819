/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The highest handover mode that those concerned allow (PROTOCOL section 15.1): this core, and what
 * it narrows for a subscriber and for a peer. The terminal's own mode shows in what it asks for.
 */
#ifndef SNO_CORE_MODE_H
#define SNO_CORE_MODE_H

#include "message.h"

struct core;
struct peer;
struct subscriber;

/* Takes the modes of all peers and subscribers from the configuration in force. */
void modes_configure(struct core *core);

/* For what is done together with this peer. */
enum handover_mode mode_of_peer(const struct peer *peer);
/* For a move of a subscriber between these two cores; NULL is this core itself. */
enum handover_mode mode_of_move(const struct subscriber *subscriber, const struct peer *from,
				const struct peer *to);

#endif
