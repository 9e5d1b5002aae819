/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sealing: what protects a datagram once a handshake has made keys.
 *
 * ChaCha20-Poly1305 (RFC 8439) under one key per direction. The nonce is that of Noise (revision
 * 34, section 12.3): four zero bytes, then the 64-bit counter, little endian. The counter travels
 * in the clear header, and the header is the associated data, so the sender asks for it first:
 *
 *	header.counter = seal_counter(&tx);
 *	seal_close(&tx, &header, sizeof(header), plain, length, out);
 *
 * The receiver accepts every counter once, in any order within a sliding window (RFC 6479: a ring
 * of bits of which one word is always kept clear). Its order is fixed: check, decrypt, commit; a
 * forged datagram never moves the window. The window is 4032 datagrams wide: signalling needs a
 * few hundred, and half a kilobyte per session keeps a million sessions affordable.
 */
#ifndef SNO_SEAL_H
#define SNO_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "keys.h"

#define SEAL_TAG	 16 /* bytes that seal_close() adds */
#define SEAL_RING_BITS	 4096
#define SEAL_WORD_BITS	 64
#define SEAL_WINDOW_BITS (SEAL_RING_BITS - SEAL_WORD_BITS)
/* Counters from here on are refused, on both sides: 2^64 - 2^13. */
#define SEAL_COUNTER_LIMIT (UINT64_MAX - ((UINT64_C(1) << 13) - 1))

/* Which counters have been seen. All zero: none. */
struct seal_window {
	uint64_t next; /* one above the highest counter accepted */
	uint64_t ring[SEAL_RING_BITS / SEAL_WORD_BITS];
};

/* The sending end of one direction. */
struct seal_tx {
	uint8_t key[KEY_LENGTH];
	uint64_t counter; /* of the next datagram */
};

/* The receiving end of one direction. */
struct seal_rx {
	uint8_t key[KEY_LENGTH];
	struct seal_window window;
};

/* Start with this key and counter 0. A key serves one tx and one rx, ever. */
void seal_tx_init(struct seal_tx *tx, const uint8_t key[KEY_LENGTH]);
void seal_rx_init(struct seal_rx *rx, const uint8_t key[KEY_LENGTH]);

/* The counter that the next seal_close() uses: to be written into the header. */
static inline uint64_t seal_counter(const struct seal_tx *tx)
{
	return tx->counter;
}

/*
 * One AEAD operation with an explicit counter, below everything else here; the handshake uses it
 * (noise.c), all others seal_close() and seal_open(). seal_decrypt() takes the length with the
 * tag, at least SEAL_TAG: 0, or -EBADMSG and out holds zeros.
 */
void seal_encrypt(const uint8_t key[KEY_LENGTH], uint64_t counter, const void *ad, size_t ad_length,
		  const void *plain, size_t length, uint8_t *out);
int seal_decrypt(const uint8_t key[KEY_LENGTH], uint64_t counter, const void *ad, size_t ad_length,
		 const uint8_t *sealed, size_t length, void *out);

/*
 * Encrypts length bytes of plain into length + SEAL_TAG bytes of out and takes one counter. ad is
 * authenticated, not encrypted. out may be plain itself; no other overlap. 0, or -EKEYEXPIRED when
 * the key has used up its counters (rekey long before).
 */
int seal_close(struct seal_tx *tx, const void *ad, size_t ad_length, const void *plain,
	       size_t length, uint8_t *out);

/*
 * Checks and decrypts length bytes of sealed (its tag included) into length - SEAL_TAG bytes of
 * out. out may be sealed itself; no other overlap. 0, or the window as before and
 *   -EMSGSIZE     shorter than a tag;
 *   -EKEYEXPIRED  counter beyond SEAL_COUNTER_LIMIT;
 *   -ESTALE       counter accepted before, or older than the window;
 *   -EBADMSG      not authentic; out holds zeros then.
 */
int seal_open(struct seal_rx *rx, uint64_t counter, const void *ad, size_t ad_length,
	      const uint8_t *sealed, size_t length, void *out);

/* Whether a counter may be accepted: 0, -ESTALE or -EKEYEXPIRED. Changes nothing. */
int seal_window_check(const struct seal_window *w, uint64_t counter);

/*
 * A window that is known no further than by the counter above all accepted ones: everything below
 * it counts as accepted.
 */
void seal_window_resume(struct seal_window *w, uint64_t next);

/* Marks a counter that seal_window_check() let pass, moving the window up where it is new. */
void seal_window_commit(struct seal_window *w, uint64_t counter);

#endif
