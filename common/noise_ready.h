/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a responder of IK can work out before a message comes.
 *
 * Half of its Diffie-Hellman results do not depend on the initiator's ephemeral key: that of both
 * static keys (ss), which is always the same, and that of its own ephemeral key and the initiator's
 * static key (se). A home core knows the static keys of its subscribers, so it computes these in
 * idle time, together with the ephemeral key pair, and an authentication takes half as long. A
 * handshake that finds nothing ready computes everything itself; the messages are the same.
 *
 * An ephemeral key pair is used once, by the first answer that takes it, and then forgotten. It
 * lies in memory before its handshake begins: who reads the memory of a responder learns, with the
 * static key, what the next handshake of each initiator will yield. That key alone would have let
 * it answer in the responder's place, but not listen.
 *
 * Only who has been authenticated may be added: strangers must not be able to fill the table.
 */
#ifndef SNO_NOISE_READY_H
#define SNO_NOISE_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "keys.h"

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

/*
 * Works for one initiator, the one that has waited longest: three results of Diffie-Hellman at the
 * most. True when others wait.
 */
bool noise_ready_work(struct noise_ready *ready);
/* Does anybody wait? */
bool noise_ready_waits(const struct noise_ready *ready);

/* For noise.c: */

/* The result of both static keys. True and shared filled, or false. */
bool noise_ready_static(const struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH],
			uint8_t shared[KEY_LENGTH]);
/*
 * An ephemeral key pair, with its result for the initiator's static key. True and both filled, then
 * it is forgotten here and the next one is waited for; or false. The caller wipes them.
 */
bool noise_ready_ephemeral(struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH],
			   struct key_pair *ephemeral, uint8_t shared[KEY_LENGTH]);

#endif
