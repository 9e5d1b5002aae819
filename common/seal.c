/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sealing of datagrams and the window against replay (seal.h).
 *
 * The window is the ring of RFC 6479: the bit of a counter lies in word counter / 64 modulo the
 * ring. Moving up clears the words that are entered; the window is one word narrower than the
 * ring, so the word that is being filled never doubles as the oldest one.
 */
#include "seal.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#define RING_WORDS (SEAL_RING_BITS / SEAL_WORD_BITS)

_Static_assert((RING_WORDS & (RING_WORDS - 1)) == 0, "the ring is a power of two");
_Static_assert(SEAL_TAG == crypto_aead_chacha20poly1305_ietf_ABYTES, "Poly1305 tag");
_Static_assert(KEY_LENGTH == crypto_aead_chacha20poly1305_ietf_KEYBYTES, "ChaCha20 key");

/* Noise revision 34, section 12.3: 32 zero bits, then the counter in little endian. */
static void nonce_of(uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES], uint64_t counter)
{
	memset(nonce, 0, 4);
	for (unsigned int i = 0; i < 8; i++)
		nonce[4 + i] = (uint8_t)(counter >> (8 * i));
}

void seal_encrypt(const uint8_t key[KEY_LENGTH], uint64_t counter, const void *ad, size_t ad_length,
		  const void *plain, size_t length, uint8_t *out)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

	nonce_of(nonce, counter);
	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain, length, ad, ad_length, NULL,
						  nonce, key);
}

int seal_decrypt(const uint8_t key[KEY_LENGTH], uint64_t counter, const void *ad, size_t ad_length,
		 const uint8_t *sealed, size_t length, void *out)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

	nonce_of(nonce, counter);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, length, ad,
						      ad_length, nonce, key) != 0)
		return -EBADMSG;
	return 0;
}

void seal_tx_init(struct seal_tx *tx, const uint8_t key[KEY_LENGTH])
{
	memcpy(tx->key, key, KEY_LENGTH);
	tx->counter = 0;
}

void seal_rx_init(struct seal_rx *rx, const uint8_t key[KEY_LENGTH])
{
	memcpy(rx->key, key, KEY_LENGTH);
	memset(&rx->window, 0, sizeof(rx->window));
}

int seal_close(struct seal_tx *tx, const void *ad, size_t ad_length, const void *plain,
	       size_t length, uint8_t *out)
{
	if (tx->counter >= SEAL_COUNTER_LIMIT)
		return -EKEYEXPIRED;
	seal_encrypt(tx->key, tx->counter, ad, ad_length, plain, length, out);
	tx->counter++;
	return 0;
}

int seal_open(struct seal_rx *rx, uint64_t counter, const void *ad, size_t ad_length,
	      const uint8_t *sealed, size_t length, void *out)
{
	int error;

	if (length < SEAL_TAG)
		return -EMSGSIZE;
	error = seal_window_check(&rx->window, counter);
	if (error < 0)
		return error;
	error = seal_decrypt(rx->key, counter, ad, ad_length, sealed, length, out);
	if (error < 0)
		return error;
	seal_window_commit(&rx->window, counter);
	return 0;
}

/* The word and the bit of a counter. */
static uint64_t ring_word(uint64_t counter)
{
	return (counter / SEAL_WORD_BITS) % RING_WORDS;
}

static uint64_t ring_bit(uint64_t counter)
{
	return UINT64_C(1) << (counter % SEAL_WORD_BITS);
}

int seal_window_check(const struct seal_window *w, uint64_t counter)
{
	if (counter >= SEAL_COUNTER_LIMIT)
		return -EKEYEXPIRED;
	if (counter >= w->next)
		return 0;
	if (counter + SEAL_WINDOW_BITS < w->next)
		return -ESTALE;
	return w->ring[ring_word(counter)] & ring_bit(counter) ? -ESTALE : 0;
}

void seal_window_resume(struct seal_window *w, uint64_t next)
{
	memset(w, 0, sizeof(*w));
	w->next = next;
	if (next == 0)
		return;
	memset(w->ring, 0xff, sizeof(w->ring));
	/* The word that is being filled; what comes after it is cleared when it is entered. */
	w->ring[ring_word(next - 1)] = ring_bit(next - 1) | (ring_bit(next - 1) - 1);
}

void seal_window_commit(struct seal_window *w, uint64_t counter)
{
	if (counter >= w->next) {
		uint64_t top = w->next ? (w->next - 1) / SEAL_WORD_BITS : 0;
		uint64_t enter = counter / SEAL_WORD_BITS - top;

		if (enter > RING_WORDS)
			enter = RING_WORDS;
		for (uint64_t i = 1; i <= enter; i++)
			w->ring[(top + i) % RING_WORDS] = 0;
		w->next = counter + 1;
	}
	w->ring[ring_word(counter)] |= ring_bit(counter);
}
