/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending: the last room of the one way, where a message becomes a datagram and is counted.
 */
#ifndef SNO_TERMINAL_SEND_H
#define SNO_TERMINAL_SEND_H

#include "terminal-agent/counters.h"
#include "terminal-agent/discovery.h"
#include "terminal-agent/registration.h"

struct sender {
	/* Gives a datagram to the link's port; group: to all cores there, else to the gateway. */
	int (*transmit)(void *context, struct link *link, bool group, const uint8_t *octets,
			size_t length);
	void *context;
	struct counters *counters;
};

/* To all cores on the link, with the proof of a cookie unless that is NULL. 0 or -errno (counted;
 * the repetition will try again). */
int send_discovery(const struct sender *sender, struct link *link, const struct discovery *d,
		   const uint8_t *cookie);

/* Seals an encoded message for the serving core. 0; -ENETDOWN without a link, or -errno. */
int send_sealed(const struct sender *sender, struct registration *r, const uint8_t *message,
		size_t length);

#endif
