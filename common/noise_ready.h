/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a responder of IK has ready for those who will come to it: for each known initiator what is
 * foreseen of its next handshake (noise_foreseen.h), worked out in idle time.
 *
 * A home core knows the static keys of its subscribers, and those who have been there have said
 * which ephemeral key they will use next. An authentication then needs no Diffie-Hellman at all.
 *
 * Only who has been authenticated may be added: strangers must not be able to fill the table.
 */
#ifndef SNO_NOISE_READY_H
#define SNO_NOISE_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "noise_foreseen.h"

struct noise_ready;

/* For a responder with this static key pair. NULL when memory is out. Holds secrets. */
struct noise_ready *noise_ready_new(const struct key_pair *local);
/* Wipes everything. NULL is allowed. */
void noise_ready_free(struct noise_ready *ready);

/*
 * An initiator is authentic and will come back: it is to be made ready for. Computes nothing. 0,
 * also when it is known already; or -ENOMEM.
 */
int noise_ready_add(struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH]);
/* It will not come back; what was ready is wiped. */
void noise_ready_remove(struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH]);

/* A known initiator says which ephemeral key it will use next. Computes nothing. */
void noise_ready_announced(struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH],
			   const uint8_t ephemeral[KEY_LENGTH]);
/*
 * The public key that the handshake after the next one of an initiator will be answered with, which
 * the answer to the next one announces. NULL when it is not there yet. Valid until the next call.
 */
const uint8_t *noise_ready_following(const struct noise_ready *ready,
				     const uint8_t initiator[KEY_LENGTH]);

/*
 * Works for one initiator, the one that has waited longest: two key pairs and four results at the
 * most. True when others wait.
 */
bool noise_ready_work(struct noise_ready *ready);
/* Does anybody wait? */
bool noise_ready_waits(const struct noise_ready *ready);

/* For noise.c: */

/* What is foreseen with an initiator; NULL: nothing. Valid until the next call. */
const struct noise_foreseen *noise_ready_of(const struct noise_ready *ready,
					    const uint8_t initiator[KEY_LENGTH]);
/* The same by the ephemeral key that it has announced. */
const struct noise_foreseen *noise_ready_of_ephemeral(const struct noise_ready *ready,
						      const uint8_t ephemeral[KEY_LENGTH]);
/* The ephemeral key pair of this initiator has been taken: the next one is waited for. */
void noise_ready_used(struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH]);

#endif
