/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A discovery procedure: from its first datagram until an answer is accepted (PROTOCOL section 7,
 * rows `discovering`). It sends on the session's link and sets the session's deadline; it never
 * changes the state.
 */
#ifndef SNO_TERMINAL_ATTEMPT_H
#define SNO_TERMINAL_ATTEMPT_H

#include "clock.h"
#include "cookie.h"
#include "terminal-agent/links.h"

#include <stdbool.h>

struct session;

struct attempt {
	usec_t first;	      /* when its first datagram was sent on this link */
	usec_t begun;	      /* when its newest handshake was begun */
	usec_t sent;	      /* when its last datagram was sent */
	usec_t timeout;	      /* the present time-out, with back-off */
	unsigned int tries;   /* datagrams sent */
	unsigned int repeats; /* of the present octets */
	unsigned int resyncs; /* in a row */
	unsigned int crossed; /* it met a change of the satellite's core */
	bool slowed;	      /* an unauthentic reject has already slowed the present octets */
	bool outdated;	      /* they name a core that is not there any more */
	const char *reason;
	uint8_t cookie[COOKIE_LENGTH]; /* that the core there wants to see, good until: */
	usec_t cookie_until;
	unsigned int cookies; /* taken for the present octets */
};

/* The MTU of a link as the protocol tells it. */
uint16_t attempt_mtu(const struct link *link);

/*
 * Makes a discovery for a link that is about to come up, while there is time: its
 * Diffie-Hellman operations, and those of its answer, then do not delay the handover.
 * attempt_begin() takes it if it still says what is true; made again, it is left as it is if it
 * does.
 */
void attempt_make_ahead(struct session *s, const struct link *link, usec_t now);

/* A new handshake on the session's link, sent at once. */
void attempt_begin(struct session *s, usec_t now);
/* The same octets once more, with one step of back-off. */
void attempt_repeat(struct session *s, usec_t now);
/*
 * The core there has much to do, and wants to see that we receive what is sent to us: the same
 * octets once more, with this cookie, which is not a try of ours. DROP_NONE or why it was dropped.
 */
enum drop attempt_cookie(struct session *s, const uint8_t *datagram, size_t length, usec_t now);
/* One step of back-off, counted from now. */
void attempt_back_off(struct session *s, usec_t now);

#endif
