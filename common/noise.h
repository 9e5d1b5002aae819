/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Noise handshakes (The Noise Protocol Framework, revision 34): two messages, then two keys.
 *
 * Cores greet each other with KKpsk2, a terminal greets its home core with IKpsk2; both over
 * 25519_ChaChaPoly_SHA256. A pattern is a table of tokens, so its neighbours (no psk, psk0, psk1)
 * come for nothing and let the public test vectors exercise every token.
 *
 * One object per handshake, on the stack or inside a session; it allocates nothing, and points to
 * nothing but what the caller has foreseen (noise_foreseen.h). Reading and writing compute in a
 *copy and commit at the end: after an error the handshake is as it was before, so a forged message
 *cannot spoil the exchange with the true peer. noise_wipe() ends every life of it.
 *
 * An IK responder learns the initiator's static key from the first message and needs the psk only
 * for the second (psk2), so it looks the subscriber up in between:
 *
 *	noise_init(&n, &(struct noise_setup){.protocol = NOISE_IK_PSK2, .local = &pair, ...});
 *	noise_read(&n, message, length, payload, sizeof(payload), &payload_length);
 *	subscriber = find(noise_remote_static(&n), payload);
 *	noise_set_psk(&n, subscriber->psk);
 *	noise_write(&n, answer, answer_length, out, sizeof(out), &out_length);
 *	noise_split(&n, &keys);
 */
#ifndef SNO_NOISE_H
#define SNO_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keys.h"

#define NOISE_TAG	  16	/* bytes an encryption adds */
#define NOISE_MESSAGE_MAX 65535 /* bytes of the longest message (section 3) */
/* Bytes that a message adds to its payload: ephemeral key and tag; IK's first also the static. */
#define NOISE_OVERHEAD	  (KEY_LENGTH + NOISE_TAG)
#define NOISE_OVERHEAD_IK (KEY_LENGTH + KEY_LENGTH + NOISE_TAG + NOISE_TAG)

/* Noise_<pattern>_25519_ChaChaPoly_SHA256 */
enum noise_protocol {
	NOISE_KK,
	NOISE_KK_PSK0,
	NOISE_KK_PSK1,
	NOISE_KK_PSK2, /* between cores */
	NOISE_IK,
	NOISE_IK_PSK0,
	NOISE_IK_PSK1,
	NOISE_IK_PSK2, /* terminal to home core */
	NOISE_PROTOCOLS
};

struct noise_foreseen;
struct noise_ready;

/*
 * What a handshake starts from. All but foreseen and ready, which outlive it, is copied or hashed,
 * not kept by reference.
 */
struct noise_setup {
	enum noise_protocol protocol;
	bool initiator;
	const void *prologue;	/* what both ends must agree on beforehand; NULL when empty */
	size_t prologue_length; /* bytes */
	const struct key_pair *local;
	const uint8_t *remote; /* peer's static public key; NULL for an IK responder only */
	const uint8_t *psk;    /* KEY_LENGTH bytes, may be all zero; NULL: none, or set later */
	const struct noise_foreseen *foreseen; /* IK initiator: of local and remote; or NULL */
	struct noise_ready *ready;	       /* IK responder: of local; or NULL */
};

/* A handshake in progress. The fields are noise.c's. */
struct noise {
	uint8_t chaining[HASH_LENGTH];
	uint8_t hash[HASH_LENGTH];
	uint8_t key[KEY_LENGTH];
	uint64_t nonce;
	struct key_pair local;
	struct key_pair ephemeral;
	uint8_t remote[KEY_LENGTH];
	uint8_t remote_ephemeral[KEY_LENGTH];
	uint8_t psk[KEY_LENGTH];
	const struct noise_foreseen *foreseen;
	struct noise_ready *ready;
	uint8_t protocol;
	uint8_t message; /* index of the next message */
	bool initiator;
	bool has_key;
	bool has_ephemeral;
	bool has_remote;
	bool has_psk;
};

/* What a finished handshake yields: directional keys as seen from this end. */
struct noise_keys {
	uint8_t send[KEY_LENGTH];
	uint8_t receive[KEY_LENGTH];
	uint8_t further[KEY_LENGTH]; /* equal at both ends: the third output, for other keys */
	uint8_t hash[HASH_LENGTH];   /* handshake hash: equal at both ends, unique (section 11.2) */
};

/*
 * Starts a handshake. 0, or -EINVAL for a setup that contradicts the pattern (no local key, no
 * remote key where the pattern knows it beforehand, one where it is sent, a psk without psk
 * token, anything foreseen for another pattern or the other role). n holds secrets from here on:
 * noise_wipe() it in the end.
 */
int noise_init(struct noise *n, const struct noise_setup *setup);

/* Forgets everything. Also fit for an object of zero bytes. */
void noise_wipe(struct noise *n);

/*
 * Writes the next message with this payload. out must not overlap payload; *out_length is
 * payload_length + noise_overhead(). 0, or the handshake as before and
 *   -EPROTO   it is the peer's turn, or the handshake is finished;
 *   -ENOBUFS  capacity too small;
 *   -EMSGSIZE the message would be longer than NOISE_MESSAGE_MAX;
 *   -ENOKEY   the psk is needed now and has not been set;
 *   -EKEYREJECTED  a public key of the peer is of low order.
 */
int noise_write(struct noise *n, const void *payload, size_t payload_length, uint8_t *out,
		size_t capacity, size_t *out_length);

/*
 * Reads the peer's next message; its payload goes to payload (must not overlap the message),
 * *payload_length is length - noise_overhead(). 0, or the handshake as before, the content of
 * payload undefined, and
 *   -EBADMSG  too short or not authentic: not from the peer, or keys, psk or prologue differ;
 *   -EPROTO -ENOBUFS -EMSGSIZE -ENOKEY -EKEYREJECTED as for noise_write().
 * An authentic first message may still be a replay of an old one; whoever acts on its payload
 * must bind it to something fresh.
 */
int noise_read(struct noise *n, const uint8_t *message, size_t length, void *payload,
	       size_t capacity, size_t *payload_length);

/* Bytes the next message adds to its payload; 0 when the handshake is finished. */
size_t noise_overhead(const struct noise *n);

/* True when the next message is ours to write. */
bool noise_writes_next(const struct noise *n);

/* True when all messages have passed, so that noise_split() may follow. */
bool noise_finished(const struct noise *n);

/* The peer's static public key, NULL as long as it is unknown. Valid until noise_wipe(). */
const uint8_t *noise_remote_static(const struct noise *n);

/*
 * Sets the psk (KEY_LENGTH bytes) of a handshake that was started without, or replaces it. 0;
 * -EINVAL when the pattern has none, -EALREADY when it has been used already.
 */
int noise_set_psk(struct noise *n, const uint8_t psk[KEY_LENGTH]);

/*
 * The result of a finished handshake; n is wiped. Both keys start at counter 0 (seal.h). The
 * caller wipes keys. 0, or -EPROTO before the end.
 */
int noise_split(struct noise *n, struct noise_keys *keys);

/* "Noise_KKpsk2_25519_ChaChaPoly_SHA256". */
const char *noise_protocol_name(enum noise_protocol protocol);

/* The protocol of such a name. 0, or -ENOENT when it is none of ours. */
int noise_protocol_find(enum noise_protocol *protocol, const char *name);

/*
 * For tests with published vectors only: the next message is written with this ephemeral private
 * key instead of a random one.
 */
void noise_set_ephemeral(struct noise *n, const uint8_t private[KEY_LENGTH]);

#endif
