/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the session's state machine have of each other: session.c, which holds states,
 * events and time, and those that hold its longer transitions.
 */
#ifndef SNO_TERMINAL_SESSION_INTERNAL_H
#define SNO_TERMINAL_SESSION_INTERNAL_H

#include "terminal-agent/session.h"

#define SESSION_RATE_LIMIT USEC_PER_SEC /* between discoveries that strangers could cause */

/* The one place where the state changes. reason is constant. */
void session_enter(struct session *s, enum session_state state, const char *reason, usec_t now);

/* Enters or re-enters the state discovering on this link. */
void session_discover(struct session *s, struct link *link, const char *reason, usec_t now);

/* Seals a message for the serving core: what requests leave by. As request_ops. */
int session_transmit(void *context, const uint8_t *octets, size_t length);

#endif
