/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The access side's cryptography that terminal and core share: the prologue of a core discovery
 * (PROTOCOL section 5.4), the keys of a registration (section 6), and what is sealed under them
 * (section 5.3).
 *
 * A registration goes like this. Both ends of the handshake, terminal and home core, take k1 and h
 * from noise_split(), make the root with access_root() and from it the access key of the serving
 * core with access_key(). The home core hands that key to the serving core (or is it); terminal
 * and serving core each start an access_session with it. The core's first sealed thing is the
 * `registration` inside registration done, by which the terminal learns the core's index; sealed
 * datagrams follow in both directions.
 *
 * Nothing here allocates. Sessions hold keys: wipe them.
 */
#ifndef SNO_ACCESS_H
#define SNO_ACCESS_H

#include "keys.h"
#include "message.h"
#include "seal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of the longest prologue: text, terminal index, realm. */
#define ACCESS_PROLOGUE_MAX (12 + 4 + SNO_NAME_MAX)
/* Octets that sealing adds to a message: head, counter and tag. */
#define ACCESS_OVERHEAD (SNO_HEAD_LENGTH + 8 + SEAL_TAG)

/*
 * The prologue of the IK handshake: "sno/1 access" || index || realm, where index is the
 * terminal's, as in the head of its discovery. Returns its octets, -EINVAL for a realm that is no
 * name, -EMSGSIZE when cap is too small (ACCESS_PROLOGUE_MAX always suffices).
 */
int access_prologue(uint8_t *out, size_t cap, uint32_t index, const char *realm);

/*
 * The root of a registration. k1 is the first key of Split(), which protects initiator to
 * responder: noise_keys.send at the terminal, noise_keys.receive at the home core. h is
 * noise_keys.hash. root may be the same memory as either. The caller wipes k1, k2 and root.
 */
void access_root(uint8_t root[KEY_LENGTH], const uint8_t k1[KEY_LENGTH],
		 const uint8_t h[HASH_LENGTH]);

/*
 * The access key of terminal and serving core: core is the name of the serving core, counter the
 * COUNTER of the identity. 0, or -EINVAL for a core that is no name, and key is zero.
 */
int access_key(uint8_t key[KEY_LENGTH], const uint8_t root[KEY_LENGTH], const char *core,
	       uint64_t counter);

/* One end of the sealed association of a terminal and its serving core. */
struct access_session {
	struct seal_tx tx;
	struct seal_rx rx;
	uint32_t local_index;  /* what we are addressed by: access_session_index() */
	uint32_t remote_index; /* what the other end is addressed by; see below */
};

/*
 * Starts an end with this access key (copied in derived form) and counters 0. The indices are 0
 * and the owner's to set: a core knows both (its own and the terminal's, from the discovery); a
 * terminal knows its own, and remote_index comes with access_open_registration().
 */
void access_session_init(struct access_session *s, const uint8_t key[KEY_LENGTH], bool core_side);
/* What this end is addressed by; written to the key log, if there is one (keylog.h). */
void access_session_index(struct access_session *s, uint32_t local_index);
/* Forgets keys and indices. */
void access_session_wipe(struct access_session *s);

/*
 * One message as a whole sealed datagram to remote_index. Returns its octets; -ENOTCONN while
 * remote_index is 0, -EINVAL and -EMSGSIZE as message_write() (datagram limit included),
 * -EKEYEXPIRED when the counter is used up. Takes a counter only on success.
 */
int access_seal(struct access_session *s, const struct message *m, uint8_t *out, size_t cap);

/*
 * A sealed datagram to local_index. DROP_NONE and the message, allowed in PLACE_ACCESS; or the
 * reason, and *out zeroed. The window moves when the datagram was authentic, whatever it holds.
 */
enum drop access_open(struct access_session *s, const uint8_t *datagram, size_t length,
		      struct message *out);

/*
 * Core: SEALED of the registration done for terminal remote_index, out of a `registration`
 * message. 0, or errors as access_seal().
 */
int access_seal_registration(struct access_session *s, const struct message *registration,
			     struct message_blob *sealed);

/*
 * Terminal: opens SEALED of the registration done that came to local_index. With DROP_NONE the
 * registration's head becomes remote_index; with any other reason *out is zeroed.
 */
enum drop access_open_registration(struct access_session *s, const struct message_blob *sealed,
				   struct message *out);

/* True when it has the shape of a sealed datagram; *index is the receiver index it carries. */
bool access_receiver_index(const uint8_t *datagram, size_t length, uint32_t *index);

#endif
