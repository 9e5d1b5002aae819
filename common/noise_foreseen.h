/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one end of an IK handshake can work out before it takes place.
 *
 * Each end tells the other, inside a handshake, which ephemeral key it will use in the next one
 * (PROTOCOL section 5.4). All four results of Diffie-Hellman are known then before the first
 * message is sent, and a handover waits for none of them. A handshake that finds something else
 * than was foreseen computes it itself; the messages are the same.
 *
 * An ephemeral key pair is used in one handshake and then forgotten. It lies in memory before that:
 * PROTOCOL section 13 says what this exposes.
 */
#ifndef SNO_NOISE_FORESEEN_H
#define SNO_NOISE_FORESEEN_H

#include "keys.h"

#include <stdbool.h>
#include <stdint.h>

/* Results of Diffie-Hellman; the initiator's key is named first. */
enum noise_result { NOISE_EE, NOISE_ES, NOISE_SE, NOISE_SS, NOISE_RESULTS };

/* Between one end and one peer. Zeroed, nothing is foreseen. Holds secrets. */
struct noise_foreseen {
	struct key_pair ephemeral;	      /* ours in the next handshake */
	struct key_pair following;	      /* ours in the one after it */
	uint8_t remote_ephemeral[KEY_LENGTH]; /* the peer's in the next one, as it said */
	uint8_t results[NOISE_RESULTS][KEY_LENGTH];
	bool has_ephemeral, has_following, has_remote_ephemeral;
	bool has[NOISE_RESULTS];
};

/* Makes the key pairs that are missing: two scalar multiplications at the most. */
void noise_foreseen_pairs(struct noise_foreseen *f);
/*
 * Works out everything that is missing: key pairs and results. -EKEYREJECTED when the static key of
 * the peer is of low order; an ephemeral key that is is forgotten.
 */
int noise_foreseen_work(struct noise_foreseen *f, bool initiator, const struct key_pair *local,
			const uint8_t remote[KEY_LENGTH]);
/* The peer says which ephemeral key it will use in the next handshake. */
void noise_foreseen_announced(struct noise_foreseen *f, const uint8_t ephemeral[KEY_LENGTH]);
/* The next handshake has taken place: what was for it is wiped. */
void noise_foreseen_used(struct noise_foreseen *f);

/*
 * The result for these public ephemeral keys, each NULL where the result is not of it. True and
 * shared filled, or false when it was not foreseen.
 */
bool noise_foreseen_result(const struct noise_foreseen *f, enum noise_result result,
			   const uint8_t *ephemeral, const uint8_t *remote_ephemeral,
			   uint8_t shared[KEY_LENGTH]);

#endif
