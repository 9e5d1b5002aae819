/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of random content that keep to their row, from a fixed seed: the same on every run and
 * machine. Numbers, addresses, texts and octet strings are drawn from their whole domain, its ends
 * more often than chance would.
 */
#ifndef SNO_RANDOM_MESSAGE_H
#define SNO_RANDOM_MESSAGE_H

#include "message.h"

/* splitmix64; any seed is good. */
struct random {
	uint64_t state;
};

uint64_t random_next(struct random *r);
/* 0 .. limit - 1 */
uint32_t random_below(struct random *r, uint32_t limit);
void random_bytes(struct random *r, void *out, size_t length);

/* Sets one attribute. Octet strings are up to longest octets (at least the attribute's minimum). */
void random_attribute(struct message *m, enum attribute a, size_t longest, struct random *r);

/* Which attributes: what the row requires (its conditions for this place included) and some or,
 * with all, all of what it allows. REASON of a message that lacks what acceptance requires is
 * set by random_message() to something else than 0. */
uint64_t random_present(enum message_type type, enum message_place place, bool all,
			struct random *r);

/*
 * A whole message with these attributes, its octet strings up to longest (SNO_HANDSHAKE_MAX: as
 * long as a datagram and their rows have room for).
 */
void random_message(struct message *m, enum message_type type, uint64_t present, size_t longest,
		    struct random *r);

#endif
