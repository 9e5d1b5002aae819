/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Noise handshakes (revision 34): the token machine.
 *
 * From the bottom: the symmetric state (section 5.2: MixHash, MixKey, MixKeyAndHash,
 * EncryptAndHash, DecryptAndHash), one function per direction that carries out a message's tokens
 * (section 5.3), and noise_write()/noise_read() around them, which check first, compute in a copy
 * and commit last. The patterns of section 7 and their psk modifiers of section 9 are the table
 * below; nothing else knows them.
 */
#include "noise.h"

#include <errno.h>
#include <string.h>

#include "keylog.h"
#include "noise_ready.h"
#include "seal.h"

_Static_assert(NOISE_TAG == SEAL_TAG, "the cipher is that of seal.h");

#define MESSAGES 2

enum token {
	END, /* of a message: its payload follows */
	E,   /* ephemeral public key */
	S,   /* static public key, encrypted */
	EE,  /* Diffie-Hellman results: initiator's key first */
	ES,
	SE,
	SS,
	PSK, /* the pre-shared key is mixed in */
};

struct pattern {
	const char *name;
	bool initiator_known; /* pre-message "-> s"; "<- s" all these patterns have */
	bool psk;
	uint8_t messages[MESSAGES][6];
};

/* clang-format off */
static const struct pattern patterns[NOISE_PROTOCOLS] = {
	[NOISE_KK]      = {"Noise_KK_25519_ChaChaPoly_SHA256", true, false,
			   {{E, ES, SS},          {E, EE, SE}}},
	[NOISE_KK_PSK0] = {"Noise_KKpsk0_25519_ChaChaPoly_SHA256", true, true,
			   {{PSK, E, ES, SS},     {E, EE, SE}}},
	[NOISE_KK_PSK1] = {"Noise_KKpsk1_25519_ChaChaPoly_SHA256", true, true,
			   {{E, ES, SS, PSK},     {E, EE, SE}}},
	[NOISE_KK_PSK2] = {"Noise_KKpsk2_25519_ChaChaPoly_SHA256", true, true,
			   {{E, ES, SS},          {E, EE, SE, PSK}}},
	[NOISE_IK]      = {"Noise_IK_25519_ChaChaPoly_SHA256", false, false,
			   {{E, ES, S, SS},       {E, EE, SE}}},
	[NOISE_IK_PSK0] = {"Noise_IKpsk0_25519_ChaChaPoly_SHA256", false, true,
			   {{PSK, E, ES, S, SS},  {E, EE, SE}}},
	[NOISE_IK_PSK1] = {"Noise_IKpsk1_25519_ChaChaPoly_SHA256", false, true,
			   {{E, ES, S, SS, PSK},  {E, EE, SE}}},
	[NOISE_IK_PSK2] = {"Noise_IKpsk2_25519_ChaChaPoly_SHA256", false, true,
			   {{E, ES, S, SS},       {E, EE, SE, PSK}}},
};
/* clang-format on */

static const struct pattern *pattern_of(const struct noise *n)
{
	return &patterns[n->protocol];
}

/* The tokens of the next message. */
static const uint8_t *tokens_of(const struct noise *n)
{
	return pattern_of(n)->messages[n->message];
}

static void mix_hash(struct noise *n, const void *data, size_t length)
{
	keys_sha256_two(n->hash, n->hash, sizeof(n->hash), data, length);
}

static void mix_key(struct noise *n, const uint8_t *input)
{
	keys_hkdf(n->chaining, n->key, NULL, n->chaining, input, KEY_LENGTH);
	n->nonce = 0;
	n->has_key = true;
}

static int mix_psk(struct noise *n)
{
	uint8_t hash[HASH_LENGTH];

	if (!n->has_psk)
		return -ENOKEY;
	keys_hkdf(n->chaining, hash, n->key, n->chaining, n->psk, KEY_LENGTH);
	mix_hash(n, hash, sizeof(hash));
	n->nonce = 0;
	n->has_key = true;
	keys_wipe(hash, sizeof(hash));
	return 0;
}

/* The one of a result's keys that is ephemeral, of both ends. */
static bool ephemeral_mine(const struct noise *n, enum token token)
{
	return token == EE || token == (n->initiator ? ES : SE);
}

static bool ephemeral_theirs(const struct noise *n, enum token token)
{
	return token == EE || token == (n->initiator ? SE : ES);
}

/* What is known of this handshake beforehand; NULL: nothing. */
static const struct noise_foreseen *foreseen_of(const struct noise *n)
{
	if (!n->ready)
		return n->foreseen;
	return n->has_remote ? noise_ready_of(n->ready, n->remote)
			     : noise_ready_of_ephemeral(n->ready, n->remote_ephemeral);
}

/* A result that was worked out before the message came. */
static bool foreseen_dh(const struct noise *n, enum token token, uint8_t shared[KEY_LENGTH])
{
	static const enum noise_result results[] = {
		[EE] = NOISE_EE, [ES] = NOISE_ES, [SE] = NOISE_SE, [SS] = NOISE_SS};
	const struct noise_foreseen *f = foreseen_of(n);

	return f && noise_foreseen_result(f, results[token],
					  ephemeral_mine(n, token) ? n->ephemeral.public : NULL,
					  ephemeral_theirs(n, token) ? n->remote_ephemeral : NULL,
					  shared);
}

/* EE, ES, SE, SS: the initiator's key is named first, whichever side computes. */
static int mix_dh(struct noise *n, enum token token)
{
	const struct key_pair *mine = ephemeral_mine(n, token) ? &n->ephemeral : &n->local;
	const uint8_t *theirs = ephemeral_theirs(n, token) ? n->remote_ephemeral : n->remote;
	uint8_t shared[KEY_LENGTH];
	int error = 0;

	if (!foreseen_dh(n, token, shared))
		error = keys_dh(shared, mine->private, theirs);
	if (error == 0)
		mix_key(n, shared);
	keys_wipe(shared, sizeof(shared));
	return error;
}

/* An ephemeral key is also mixed into the key where a psk is in play (section 9.2). */
static void mix_ephemeral(struct noise *n, const uint8_t *public)
{
	mix_hash(n, public, KEY_LENGTH);
	if (pattern_of(n)->psk)
		mix_key(n, public);
}

/* out gets length bytes, and a tag once there is a key. Returns what was written. */
static size_t encrypt_and_hash(struct noise *n, const void *plain, size_t length, uint8_t *out)
{
	size_t written = length;

	if (n->has_key) {
		seal_encrypt(n->key, n->nonce, n->hash, sizeof(n->hash), plain, length, out);
		n->nonce++;
		written += NOISE_TAG;
	} else if (length > 0) {
		memcpy(out, plain, length);
	}
	mix_hash(n, out, written);
	return written;
}

static int decrypt_and_hash(struct noise *n, const uint8_t *sealed, size_t length, void *out)
{
	if (n->has_key) {
		int error = seal_decrypt(n->key, n->nonce, n->hash, sizeof(n->hash), sealed, length,
					 out);

		if (error < 0)
			return error;
		n->nonce++;
	} else if (length > 0) {
		memcpy(out, sealed, length);
	}
	mix_hash(n, sealed, length);
	return 0;
}

/* The key pair of this message; one that was set is used. */
static void make_ephemeral(struct noise *n)
{
	const struct noise_foreseen *f = foreseen_of(n);

	if (n->has_ephemeral)
		return;
	if (f && f->has_ephemeral)
		n->ephemeral = f->ephemeral;
	else
		keys_generate_pair(&n->ephemeral);
	n->has_ephemeral = true;
}

/* Bytes of an encrypted static key as things stand. */
static size_t static_length(const struct noise *n)
{
	return KEY_LENGTH + (n->has_key ? NOISE_TAG : 0);
}

/* The tokens of a message to be written; *out is advanced past what they wrote. */
static int write_tokens(struct noise *n, uint8_t **out)
{
	int error = 0;

	for (const uint8_t *t = tokens_of(n); *t != END && error == 0; t++) {
		enum token token = *t;

		switch (token) {
		case E:
			make_ephemeral(n);
			memcpy(*out, n->ephemeral.public, KEY_LENGTH);
			*out += KEY_LENGTH;
			mix_ephemeral(n, n->ephemeral.public);
			break;
		case S:
			*out += encrypt_and_hash(n, n->local.public, KEY_LENGTH, *out);
			break;
		case PSK:
			error = mix_psk(n);
			break;
		default:
			error = mix_dh(n, token);
		}
	}
	return error;
}

/* The tokens of a message that came; *in is advanced past what they read. Length was checked. */
static int read_tokens(struct noise *n, const uint8_t **in)
{
	int error = 0;

	for (const uint8_t *t = tokens_of(n); *t != END && error == 0; t++) {
		enum token token = *t;
		size_t length;

		switch (token) {
		case E:
			memcpy(n->remote_ephemeral, *in, KEY_LENGTH);
			*in += KEY_LENGTH;
			mix_ephemeral(n, n->remote_ephemeral);
			break;
		case S:
			length = static_length(n);
			error = decrypt_and_hash(n, *in, length, n->remote);
			*in += length;
			n->has_remote = true;
			break;
		case PSK:
			error = mix_psk(n);
			break;
		default:
			error = mix_dh(n, token);
		}
	}
	return error;
}

/* Section 5.3, Initialize(), with the pre-messages of the pattern. */
static void start(struct noise *n, const struct noise_setup *setup)
{
	const struct pattern *p = pattern_of(n);
	size_t name_length = strlen(p->name);
	const uint8_t *initiator = n->initiator ? n->local.public : n->remote;
	const uint8_t *responder = n->initiator ? n->remote : n->local.public;

	if (name_length <= HASH_LENGTH)
		memcpy(n->hash, p->name, name_length);
	else
		keys_sha256(n->hash, p->name, name_length);
	memcpy(n->chaining, n->hash, HASH_LENGTH);
	mix_hash(n, setup->prologue, setup->prologue_length);
	if (p->initiator_known)
		mix_hash(n, initiator, KEY_LENGTH);
	mix_hash(n, responder, KEY_LENGTH);
}

int noise_init(struct noise *n, const struct noise_setup *setup)
{
	const struct pattern *p;

	keys_wipe(n, sizeof(*n));
	if ((unsigned int)setup->protocol >= NOISE_PROTOCOLS)
		return -EINVAL;
	p = &patterns[setup->protocol];
	if (!setup->local || (setup->psk && !p->psk))
		return -EINVAL;
	if ((setup->remote != NULL) != (setup->initiator || p->initiator_known))
		return -EINVAL;
	if (!setup->prologue && setup->prologue_length > 0)
		return -EINVAL;
	if ((setup->ready && setup->initiator) || (setup->foreseen && !setup->initiator) ||
	    ((setup->ready || setup->foreseen) && p->initiator_known))
		return -EINVAL;

	n->protocol = (uint8_t)setup->protocol;
	n->initiator = setup->initiator;
	n->local = *setup->local;
	n->foreseen = setup->foreseen;
	n->ready = setup->ready;
	if (setup->remote) {
		memcpy(n->remote, setup->remote, KEY_LENGTH);
		n->has_remote = true;
	}
	if (setup->psk) {
		memcpy(n->psk, setup->psk, KEY_LENGTH);
		n->has_psk = true;
	}
	start(n, setup);
	return 0;
}

void noise_wipe(struct noise *n)
{
	keys_wipe(n, sizeof(*n));
}

bool noise_finished(const struct noise *n)
{
	return n->message >= MESSAGES;
}

bool noise_writes_next(const struct noise *n)
{
	return !noise_finished(n) && n->initiator == (n->message % 2 == 0);
}

size_t noise_overhead(const struct noise *n)
{
	bool key = n->has_key;
	size_t length = 0;

	if (noise_finished(n))
		return 0;
	for (const uint8_t *token = tokens_of(n); *token != END; token++) {
		if (*token == E)
			length += KEY_LENGTH;
		if (*token == S)
			length += KEY_LENGTH + (key ? NOISE_TAG : 0);
		/* Every other token makes a key, and so does an ephemeral beside a psk. */
		if ((*token != E && *token != S) || pattern_of(n)->psk)
			key = true;
	}
	return length + (key ? NOISE_TAG : 0);
}

int noise_write(struct noise *n, const void *payload, size_t payload_length, uint8_t *out,
		size_t capacity, size_t *out_length)
{
	size_t overhead = noise_overhead(n);
	uint8_t *at = out;
	struct noise next;
	int error;

	if (!noise_writes_next(n))
		return -EPROTO;
	if (payload_length > NOISE_MESSAGE_MAX - overhead)
		return -EMSGSIZE;
	if (capacity < payload_length + overhead)
		return -ENOBUFS;

	next = *n;
	error = write_tokens(&next, &at);
	/* An answer that could not be written has used its key up as well. */
	if (n->ready)
		noise_ready_used(n->ready, n->remote);
	if (error == 0) {
		at += encrypt_and_hash(&next, payload, payload_length, at);
		if (next.has_key)
			keylog_noise(out, next.key);
		next.message++;
		*n = next;
		*out_length = (size_t)(at - out);
	}
	keys_wipe(&next, sizeof(next));
	return error;
}

int noise_read(struct noise *n, const uint8_t *message, size_t length, void *payload,
	       size_t capacity, size_t *payload_length)
{
	size_t overhead = noise_overhead(n);
	const uint8_t *at = message;
	struct noise next;
	int error;

	if (noise_finished(n) || noise_writes_next(n))
		return -EPROTO;
	if (length > NOISE_MESSAGE_MAX)
		return -EMSGSIZE;
	if (length < overhead)
		return -EBADMSG;
	if (capacity < length - overhead)
		return -ENOBUFS;

	next = *n;
	error = read_tokens(&next, &at);
	if (error == 0)
		error = decrypt_and_hash(&next, at, length - (size_t)(at - message), payload);
	if (error == 0) {
		next.message++;
		*n = next;
		*payload_length = length - overhead;
	}
	keys_wipe(&next, sizeof(next));
	return error;
}

const uint8_t *noise_remote_static(const struct noise *n)
{
	return n->has_remote ? n->remote : NULL;
}

/* True when the psk's token lies in a message that has passed. */
static bool psk_used(const struct noise *n)
{
	for (unsigned int m = 0; m < n->message && m < MESSAGES; m++) {
		for (const uint8_t *token = pattern_of(n)->messages[m]; *token != END; token++) {
			if (*token == PSK)
				return true;
		}
	}
	return false;
}

int noise_set_psk(struct noise *n, const uint8_t psk[KEY_LENGTH])
{
	if (!pattern_of(n)->psk)
		return -EINVAL;
	if (psk_used(n))
		return -EALREADY;
	memcpy(n->psk, psk, KEY_LENGTH);
	n->has_psk = true;
	return 0;
}

int noise_split(struct noise *n, struct noise_keys *keys)
{
	uint8_t *first = n->initiator ? keys->send : keys->receive;
	uint8_t *second = n->initiator ? keys->receive : keys->send;

	if (!noise_finished(n))
		return -EPROTO;
	keys_hkdf(first, second, keys->further, n->chaining, NULL, 0);
	memcpy(keys->hash, n->hash, HASH_LENGTH);
	noise_wipe(n);
	return 0;
}

const char *noise_protocol_name(enum noise_protocol protocol)
{
	return patterns[protocol].name;
}

int noise_protocol_find(enum noise_protocol *protocol, const char *name)
{
	for (unsigned int i = 0; i < NOISE_PROTOCOLS; i++) {
		if (strcmp(patterns[i].name, name) == 0) {
			*protocol = (enum noise_protocol)i;
			return 0;
		}
	}
	return -ENOENT;
}

void noise_set_ephemeral(struct noise *n, const uint8_t private[KEY_LENGTH])
{
	memcpy(n->ephemeral.private, private, KEY_LENGTH);
	keys_public(n->ephemeral.public, private);
	n->has_ephemeral = true;
}
