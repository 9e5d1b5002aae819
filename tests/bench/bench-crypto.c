/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-crypto: what our cryptographic layer costs on top of the library's primitives.
 *
 * Each row times one operation and, in the same run, the bare libsodium calls that it cannot do
 * without: the scalar multiplications of a handshake, one AEAD call for a datagram, one HMAC for a
 * proof. Both are measured in turns and the fastest of the turns counts, so that a busy machine
 * disturbs the ratio little. The last column is our time divided by theirs.
 */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "clock.h"
#include "keys.h"
#include "noise.h"
#include "seal.h"

#define TURNS	    15
#define LARGEST	    1400
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* One operation in both forms. argument: protocol or length, as each row says. */
struct row {
	const char *name;
	unsigned int repeats;
	unsigned int argument;
	void (*ours)(unsigned int argument);
	void (*bare)(unsigned int argument);
};

static struct key_pair alice, bob;
static uint8_t key[KEY_LENGTH], plain[LARGEST], sealed[LARGEST + SEAL_TAG], opened[LARGEST];
static uint8_t header[16], nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
static struct seal_tx tx;
static struct seal_rx rx;
static volatile uint8_t sink;

/* A whole handshake, both ends, with a payload of a NAI. */
static void handshake(unsigned int protocol)
{
	struct noise_setup setup = {.protocol = protocol, .psk = key};
	struct noise initiator, responder;
	uint8_t message[256], payload[256];
	struct noise_keys keys;
	size_t length, got;

	setup.initiator = true;
	setup.local = &alice;
	setup.remote = bob.public;
	noise_init(&initiator, &setup);
	setup.initiator = false;
	setup.local = &bob;
	setup.remote = protocol == NOISE_KK_PSK2 ? alice.public : NULL;
	noise_init(&responder, &setup);
	noise_write(&initiator, plain, 24, message, sizeof(message), &length);
	noise_read(&responder, message, length, payload, sizeof(payload), &got);
	noise_write(&responder, plain, 24, message, sizeof(message), &length);
	noise_read(&initiator, message, length, payload, sizeof(payload), &got);
	noise_split(&initiator, &keys);
	noise_split(&responder, &keys);
	sink = keys.hash[0];
}

/* Its scalar multiplications: two ephemeral keys, four shared secrets at each end. */
static void handshake_bare(unsigned int protocol)
{
	uint8_t point[KEY_LENGTH];

	(void)protocol;
	for (unsigned int i = 0; i < 2; i++)
		crypto_scalarmult_base(point, alice.private);
	for (unsigned int i = 0; i < 8; i++)
		sink = (uint8_t)crypto_scalarmult(point, alice.private, bob.public);
}

static void close_one(unsigned int length)
{
	seal_close(&tx, header, sizeof(header), plain, length, sealed);
}

static void close_bare(unsigned int length)
{
	sodium_increment(nonce + 4, 8);
	crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, plain, length, header,
						  sizeof(header), NULL, nonce, key);
}

/* What is opened is made first: the datagram itself is always the one of counter 7. */
static void open_prepare(unsigned int length)
{
	seal_encrypt(key, 7, header, sizeof(header), plain, length, sealed);
	memset(nonce, 0, sizeof(nonce));
	nonce[4] = 7;
	seal_rx_init(&rx, key);
}

static void open_one(unsigned int length)
{
	/* The window is set back by one bit, so that the same datagram passes again. */
	rx.window.ring[0] = 0;
	sink = (uint8_t)seal_open(&rx, 7, header, sizeof(header), sealed, length + SEAL_TAG,
				  opened);
}

static void open_bare(unsigned int length)
{
	sink = (uint8_t)crypto_aead_chacha20poly1305_ietf_decrypt(
		opened, NULL, NULL, sealed, length + SEAL_TAG, header, sizeof(header), nonce, key);
}

static void mac_one(unsigned int length)
{
	uint8_t mac[HASH_LENGTH];

	keys_hmac(mac, key, KEY_LENGTH, plain, length);
	sink = mac[0];
}

static void mac_bare(unsigned int length)
{
	uint8_t mac[crypto_auth_hmacsha256_BYTES];

	crypto_auth_hmacsha256(mac, plain, length, key);
	sink = mac[0];
}

static const struct row rows[] = {
	{"handshake KKpsk2", 20, NOISE_KK_PSK2, handshake, handshake_bare},
	{"handshake IKpsk2", 20, NOISE_IK_PSK2, handshake, handshake_bare},
	{"seal 64 bytes", 5000, 64, close_one, close_bare},
	{"seal 256 bytes", 5000, 256, close_one, close_bare},
	{"seal 1400 bytes", 2000, LARGEST, close_one, close_bare},
	{"open 64 bytes", 5000, 64, open_one, open_bare},
	{"open 256 bytes", 5000, 256, open_one, open_bare},
	{"open 1400 bytes", 2000, LARGEST, open_one, open_bare},
	{"proof 128 bytes", 5000, 128, mac_one, mac_bare},
};

/* Microseconds of the repeats. */
static usec_t timed(const struct row *row, void (*operation)(unsigned int))
{
	usec_t begin = clock_now();

	for (unsigned int i = 0; i < row->repeats; i++)
		operation(row->argument);
	return clock_now() - begin;
}

static void measure(const struct row *row)
{
	usec_t ours = USEC_NEVER, bare = USEC_NEVER;

	open_prepare(row->argument);
	for (unsigned int turn = 0; turn < TURNS; turn++) {
		ours = usec_min(ours, timed(row, row->ours));
		bare = usec_min(bare, timed(row, row->bare));
	}
	printf("%-18s %12.0f %12.0f %8.2f\n", row->name,
	       row->repeats * 1e6 / (double)(ours + !ours),
	       row->repeats * 1e6 / (double)(bare + !bare), (double)ours / (double)(bare + !bare));
}

int main(void)
{
	if (keys_init() < 0) {
		fprintf(stderr, "bench-crypto: no random numbers from this system\n");
		return 1;
	}
	keys_generate_pair(&alice);
	keys_generate_pair(&bob);
	keys_generate_psk(key);
	keys_random(plain, sizeof(plain));
	seal_tx_init(&tx, key);
	printf("%-18s %12s %12s %8s\n", "operation", "per second", "libsodium", "time");
	for (size_t i = 0; i < COUNT(rows); i++)
		measure(&rows[i]);
	return 0;
}
