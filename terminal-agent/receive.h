/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receiving: the one way of a datagram from the port to the session.
 */
#ifndef SNO_TERMINAL_RECEIVE_H
#define SNO_TERMINAL_RECEIVE_H

#include "terminal-agent/counters.h"
#include "terminal-agent/port.h"
#include "terminal-agent/session.h"

/*
 * Takes a datagram that came in on a link: where from, head, seal, message, session. What it does
 * not survive is counted by its reason, which is returned; nobody is answered.
 */
enum drop receive_datagram(struct session *session, struct counters *counters, struct link *link,
			   const struct datagram *datagram, usec_t now);

#endif
