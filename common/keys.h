/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys: making, reading, comparing, deriving and forgetting them.
 *
 * Every key of the protocol is 32 bytes: X25519 keys (RFC 7748), pre-shared keys and everything
 * derived from them. Their text form is that of wg(8): the canonical base64 of 32 bytes, 44
 * characters. Hash functions live here too, because whoever handles keys needs them: SHA-256,
 * HMAC-SHA256 (RFC 2104), the HKDF of Noise (revision 34, section 4.3; RFC 5869 without info).
 *
 * Only keys.c, noise.c and seal.c know which library computes. Secrets are wiped with keys_wipe()
 * and compared with keys_equal(), nowhere with memset() or memcmp().
 */
#ifndef SNO_KEYS_H
#define SNO_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_LENGTH	32 /* bytes of a private, public, pre-shared or derived key */
#define KEY_TEXT	45 /* characters of its base64 text, with the final NUL */
#define HASH_LENGTH	32 /* bytes of SHA-256 and HMAC-SHA256 */
#define KEYS_SIP_LENGTH 16 /* bytes of a keys_siphash() key */

/* A static or ephemeral X25519 key with its public half. */
struct key_pair {
	uint8_t private[KEY_LENGTH];
	uint8_t public[KEY_LENGTH];
};

/*
 * Prepares the cryptographic library; once, first thing in main(). 0, or -EIO when the machine
 * offers no random numbers. May be called again.
 */
int keys_init(void);

/* Fills buf with length random bytes of the kernel's generator. Cannot fail. */
void keys_random(void *buf, size_t length);
/* Adds one to a number of length bytes, the lowest first; the highest number is followed by 0. */
void keys_next(void *number, size_t length);

/* Overwrites a secret in a way the compiler must keep. */
void keys_wipe(void *buf, size_t length);

/* True when both hold the same length bytes; takes the same time wherever they differ. */
bool keys_equal(const void *a, const void *b, size_t length);

/* True when all length bytes are zero, in constant time. */
bool keys_zero(const void *buf, size_t length);

/*
 * Keeps memory that holds long-lived secrets out of swap and core dumps, as far as RLIMIT_MEMLOCK
 * allows; a refusal is no error. Works on whole pages: for objects that live as long as the
 * daemon. keys_unlock() wipes the memory as well.
 */
void keys_lock(void *buf, size_t length);
void keys_unlock(void *buf, size_t length);

/* The base64 text of a key, as wg(8) prints it; returns text. Constant time in the key. */
const char *keys_encode(char text[KEY_TEXT], const uint8_t key[KEY_LENGTH]);

/*
 * Text to key. Exactly 44 characters of canonical base64 (one '=' at the end, unused bits zero),
 * as wg(8) demands. 0, or -EINVAL and key untouched. Constant time in the characters.
 */
int keys_decode(uint8_t key[KEY_LENGTH], const char *text);

/* A new X25519 private key, clamped (RFC 7748 section 5) like that of `wg genkey`. */
void keys_generate(uint8_t private[KEY_LENGTH]);

/* A new pre-shared key: 32 random bytes. */
void keys_generate_psk(uint8_t psk[KEY_LENGTH]);

/* The public key of a private key (clamped or not). */
void keys_public(uint8_t public[KEY_LENGTH], const uint8_t private[KEY_LENGTH]);

/* A new key pair. The caller wipes it. */
void keys_generate_pair(struct key_pair *pair);

/*
 * X25519. 0, or -EKEYREJECTED when the result is all zero, which only a public key of low order
 * brings about (RFC 7748 section 6.1); shared is zero then.
 */
int keys_dh(uint8_t shared[KEY_LENGTH], const uint8_t private[KEY_LENGTH],
	    const uint8_t public[KEY_LENGTH]);

/* SHA-256 of one piece (FIPS 180-4), and of two pieces one after the other. */
void keys_sha256(uint8_t hash[HASH_LENGTH], const void *data, size_t length);
void keys_sha256_two(uint8_t hash[HASH_LENGTH], const void *first, size_t first_length,
		     const void *second, size_t second_length);

/* HMAC-SHA256 (RFC 2104); the key may have any length. mac may be the same memory as data. */
void keys_hmac(uint8_t mac[HASH_LENGTH], const void *key, size_t key_length, const void *data,
	       size_t length);

/*
 * HKDF(chaining, input) of Noise revision 34 section 4.3. second and third may be NULL when fewer
 * outputs are wanted (third only with second). Outputs may be the same memory as chaining.
 */
void keys_hkdf(uint8_t first[KEY_LENGTH], uint8_t *second, uint8_t *third,
	       const uint8_t chaining[KEY_LENGTH], const void *input, size_t length);

/*
 * A key for one purpose out of another key: HMAC-SHA256(key, label || 0x00 || data). Access keys
 * and handover keys are made so (PROTOCOL). label is a constant string of this program, data
 * (length bytes, NULL when 0) what the key shall be bound to. out may be the same memory as key.
 */
void keys_derive(uint8_t out[KEY_LENGTH], const uint8_t key[KEY_LENGTH], const char *label,
		 const void *data, size_t length);

/*
 * SipHash-2-4 of data: the short keyed hash for hash tables and token buckets that strangers fill.
 * Not an authenticator; that is keys_hmac().
 */
uint64_t keys_siphash(const uint8_t key[KEYS_SIP_LENGTH], const void *data, size_t length);

/*
 * Reads a secret key from a file of one base64 line, the format of `wg genkey`; white space may
 * follow. 0 and the key in key, or key untouched and
 *   -EPERM   someone beside its owner may read or write the file, or its owner is neither root
 *            nor the user this process runs as;
 *   -EINVAL  it is not a regular file of exactly one key;
 *   other    what open(2), fstat(2) or read(2) said (-ENOENT, -EACCES, ...).
 */
int keys_read_file(const char *path, uint8_t key[KEY_LENGTH]);

/* What to tell the admin about a result of keys_read_file(): what is wrong and what to do. */
const char *keys_file_advice(int error);

#endif
