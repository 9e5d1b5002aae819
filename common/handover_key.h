/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of one foreseen move (PROTOCOL section 6.1): by them a terminal is registered at a core
 * that its home core has prepared, without a word to the home core.
 *
 * Home core and terminal both keep the root of the last full registration (access_root()) and make
 * the handover key of a move from it. The home core gives that key to the target, which finds the
 * terminal's discovery by its tag, believes its proof, and seals under the access key that follows
 * from the key and that discovery. What the target can not make is the arrival, which takes the
 * root: with it the home core believes the target that the terminal has come.
 *
 *	terminal                        target                        home core
 *	handover_key()                                                handover_key()
 *	handover_arrival()                                            ... to the target
 *	handover_discovery() -------->  handover_tag() finds the key
 *	                                handover_proven()
 *	handover_access_key()           handover_access_key()
 *	                                ... arrival ----------------> handover_arrival(), compared
 *
 * Nothing here allocates or remembers. Keys are the caller's to wipe.
 */
#ifndef SNO_HANDOVER_KEY_H
#define SNO_HANDOVER_KEY_H

#include "addr.h"
#include "keys.h"
#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HANDOVER_TAG	 8  /* octets of HANDOVER_TAG */
#define HANDOVER_PROOF	 16 /* octets of HANDOVER_PROOF */
#define HANDOVER_ARRIVAL 16 /* octets of ARRIVAL */

/*
 * The key of the move that has this number (HANDOVER_COUNTER) under this root, to the core named
 * target. 0, or -EINVAL for a target that is no name, and key is zero.
 */
int handover_key(uint8_t key[KEY_LENGTH], const uint8_t root[KEY_LENGTH], const char *target,
		 uint64_t number);

/*
 * What proves the arrival at target, on the move of this number, with a discovery of this COUNTER.
 * 0, or -EINVAL for a target that is no name, and arrival is zero. Who receives one compares it
 * with keys_equal().
 */
int handover_arrival(uint8_t arrival[HANDOVER_ARRIVAL], const uint8_t root[KEY_LENGTH],
		     const char *target, uint64_t number, uint64_t counter);

/* By which target and terminal mean the same preparation. It is no secret. */
void handover_tag(uint8_t tag[HANDOVER_TAG], const uint8_t key[KEY_LENGTH]);

/*
 * Terminal: the whole datagram of a core discovery with the short proof, as it is sent from these
 * addresses. discovery has everything but HANDOVER_TAG and HANDOVER_PROOF, which are set here.
 * Returns the datagram's octets, or errors as message_write() (-EINVAL too for a message of another
 * type).
 */
int handover_discovery(struct message *discovery, const uint8_t key[KEY_LENGTH],
		       const struct lladdr *link_layer, const struct addr *link_local, uint8_t *out,
		       size_t cap);

/* Where a discovery that nobody has read yet has its HANDOVER_TAG: before the proof that ends it.
 * NULL when it does not end with one. */
const uint8_t *handover_tag_of(const uint8_t *datagram, size_t length);

/*
 * Target: this datagram, which has been read as a core discovery and came from these addresses, was
 * made by someone who knows the key. The tag is the caller's to compare: it has found the key by
 * it. Takes the same time for every proof.
 */
bool handover_proven(const uint8_t key[KEY_LENGTH], const uint8_t *datagram, size_t length,
		     const struct lladdr *link_layer, const struct addr *link_local);

/* The access key of terminal and target, for access_session_init(), out of that discovery. */
void handover_access_key(uint8_t access[KEY_LENGTH], const uint8_t key[KEY_LENGTH],
			 const uint8_t *datagram, size_t length);

#endif
