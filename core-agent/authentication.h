/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The home core's judgement of a core discovery (PROTOCOL sections 5.4, 6 and 9): who it is,
 * whether it is fresh, and the answer that only the home core can give. Nothing is forwarded
 * differently yet.
 */
#ifndef SNO_AUTHENTICATION_H
#define SNO_AUTHENTICATION_H

#include "core.h"

/* Once the core has its keys. 0 or -ENOMEM. */
int authentication_open(struct core *core);
void authentication_close(struct core *core);

struct authentication {
	enum reason reason;
	struct subscriber *subscriber; /* NULL when not authentic */
	uint64_t counter;
	uint64_t binding; /* the number set aside, 0 unless accepted */
	struct lladdr link_layer;
	struct addr link_local;
	uint16_t mtu;	       /* of the terminal's link */
	uint32_t lifetime;     /* seconds */
	uint32_t uplink_delay; /* microseconds (PROTOCOL section 15.4), 0: none */
	uint8_t access_key[KEY_LENGTH];
	struct message_blob answer; /* Noise message 2; length 0 when not authentic */
};

/*
 * Judges Noise message 1 of a discovery with this terminal index, that the serving core asks about
 * (NULL: this core serves it), on this satellite ("": not told). Fills *out, which holds a key:
 * wipe it. Accepted means reason REASON_ACCEPTED: the counter is used up, home addresses are taken,
 * and the subscriber's offer has a new binding number and what goes with it.
 */
void authenticate(struct core *core, struct peer *serving, const char *satellite, uint32_t index,
		  const struct message_blob *handshake, usec_t now, struct authentication *out);

/* This subscriber is none any more: what was ready for its next authentication is wiped. */
void authentication_forget(struct core *core, const struct subscriber *subscriber);

#endif
