/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * noise-vectors FILE: checks our Noise handshakes against published vectors.
 *
 * FILE is JSON in the format of cacophony, which other implementations publish too: an object with
 * a list `vectors` (or the list alone). Each vector has `protocol_name` (older: `name`), for each
 * role `init_`/`resp_` followed by `prologue`, `static`, `ephemeral`, `remote_static`, `psks`
 * (a list; older: `psk`), all hexadecimal, an optional `handshake_hash`, and `messages` of
 * `payload` and `ciphertext`. Messages alternate, initiator first, on into the transport phase.
 *
 * For each vector of a protocol that noise.h knows, both ends are played: what the writer produces
 * must be the ciphertext, and the reader must get the payload out of it, after it has refused a
 * damaged copy. TAP on standard output: one line per vector, other protocols skipped.
 * Exit status: 0 all well, 1 a vector failed or none was supported, 2 usage or unreadable FILE.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "keys.h"
#include "noise.h"
#include "seal.h"
#include "tests/hex.h"

/* A byte string of the vector; absent: bytes NULL, length 0. */
struct blob {
	uint8_t bytes[NOISE_MESSAGE_MAX];
	size_t length;
	bool present;
};

/* One end of the conversation. */
struct party {
	const char *role;
	bool transport; /* the handshake is done, tx and rx have taken over */
	struct noise handshake;
	struct seal_tx tx;
	struct seal_rx rx;
};

/* What is wrong with the vector under test: the diagnostic of its TAP line. */
static char reason[256];

__attribute__((format(printf, 1, 2))) static bool wrong(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	return false;
}

/* A hexadecimal member of an object; absent is fine unless wanted. */
static bool get_blob(const json_t *object, const char *prefix, const char *name, bool wanted,
		     struct blob *blob)
{
	char member[64];
	const json_t *value;
	ssize_t length;

	snprintf(member, sizeof(member), "%s%s", prefix, name);
	value = json_object_get(object, member);
	blob->present = value != NULL && !json_is_null(value);
	blob->length = 0;
	if (!blob->present)
		return wanted ? wrong("\"%s\" is missing", member) : true;
	if (!json_is_string(value))
		return wrong("\"%s\" is not a string", member);
	length = hex_decode(blob->bytes, sizeof(blob->bytes), json_string_value(value));
	if (length == -ENOBUFS)
		return wrong("\"%s\" is longer than a Noise message", member);
	if (length < 0 || strlen(json_string_value(value)) != json_string_length(value))
		return wrong("\"%s\" is not hexadecimal", member);
	blob->length = (size_t)length;
	return true;
}

/* The same for a key. */
static bool get_key(const json_t *object, const char *prefix, const char *name, bool wanted,
		    uint8_t key[KEY_LENGTH], bool *present)
{
	static struct blob blob;

	*present = false;
	if (!get_blob(object, prefix, name, wanted, &blob))
		return false;
	if (blob.present && blob.length != KEY_LENGTH)
		return wrong("\"%s%s\" has %zu bytes instead of %d", prefix, name, blob.length,
			     KEY_LENGTH);
	*present = blob.present;
	if (blob.present)
		memcpy(key, blob.bytes, KEY_LENGTH);
	return true;
}

/* The one psk of a role: the first of PREFIXpsks, or PREFIXpsk of older files. */
static bool get_psk(const json_t *vector, const char *prefix, uint8_t psk[KEY_LENGTH],
		    bool *present)
{
	char member[32];
	const json_t *list;

	*present = false;
	snprintf(member, sizeof(member), "%spsks", prefix);
	list = json_object_get(vector, member);
	if (!list || json_is_null(list))
		return get_key(vector, prefix, "psk", false, psk, present);
	if (!json_is_array(list))
		return wrong("\"%s\" is not a list", member);
	*present = json_array_size(list) > 0;
	if (!*present)
		return true;
	if (json_array_size(list) > 1)
		return wrong("\"%s\" has %zu keys, the protocol takes one", member,
			     json_array_size(list));
	if (!json_is_string(json_array_get(list, 0)) ||
	    hex_decode(psk, KEY_LENGTH, json_string_value(json_array_get(list, 0))) != KEY_LENGTH)
		return wrong("\"%s\" does not hold a key of %d bytes", member, KEY_LENGTH);
	return true;
}

/* The peer's static key: as the vector says, or computed from the peer's private key. */
static bool get_remote(const json_t *vector, const char *prefix, const char *peer,
		       uint8_t remote[KEY_LENGTH])
{
	uint8_t private[KEY_LENGTH];
	bool present;

	if (!get_key(vector, prefix, "remote_static", false, remote, &present))
		return false;
	if (present)
		return true;
	if (!get_key(vector, peer, "static", true, private, &present))
		return false;
	keys_public(remote, private);
	return true;
}

/* One end, ready for the first message. */
static bool start_party(struct party *party, const json_t *vector, enum noise_protocol protocol,
			bool initiator)
{
	static struct blob prologue;
	const char *prefix = initiator ? "init_" : "resp_";
	const char *peer = initiator ? "resp_" : "init_";
	bool told = initiator || protocol < NOISE_IK;
	uint8_t remote[KEY_LENGTH], psk[KEY_LENGTH], ephemeral[KEY_LENGTH];
	struct key_pair local;
	bool present, has_psk;
	int error;

	party->transport = false;
	party->role = initiator ? "initiator" : "responder";
	if (!get_blob(vector, prefix, "prologue", false, &prologue) ||
	    !get_key(vector, prefix, "static", true, local.private, &present) ||
	    !get_key(vector, prefix, "ephemeral", true, ephemeral, &present) ||
	    !get_psk(vector, prefix, psk, &has_psk) ||
	    (told && !get_remote(vector, prefix, peer, remote)))
		return false;
	keys_public(local.public, local.private);
	error = noise_init(&party->handshake,
			   &(struct noise_setup){.protocol = protocol,
						 .initiator = initiator,
						 .prologue = prologue.bytes,
						 .prologue_length = prologue.length,
						 .local = &local,
						 .remote = told ? remote : NULL,
						 .psk = has_psk ? psk : NULL});
	if (error < 0)
		return wrong("%s: %s", party->role,
			     has_psk ? "psk given for a protocol without" : strerror(-error));
	noise_set_ephemeral(&party->handshake, ephemeral);
	return true;
}

/* The writer's half of a message, handshake or transport. */
static int party_write(struct party *from, const struct blob *payload, struct blob *out)
{
	if (!from->transport)
		return noise_write(&from->handshake, payload->bytes, payload->length, out->bytes,
				   sizeof(out->bytes), &out->length);
	if (payload->length > sizeof(out->bytes) - SEAL_TAG)
		return -EMSGSIZE;
	out->length = payload->length + SEAL_TAG;
	return seal_close(&from->tx, NULL, 0, payload->bytes, payload->length, out->bytes);
}

/* The reader's half of what party_write() made. counter: that of the transport message. */
static int party_read(struct party *to, uint64_t counter, const struct blob *in, struct blob *out)
{
	if (!to->transport)
		return noise_read(&to->handshake, in->bytes, in->length, out->bytes,
				  sizeof(out->bytes), &out->length);
	out->length = in->length - SEAL_TAG;
	return seal_open(&to->rx, counter, NULL, 0, in->bytes, in->length, out->bytes);
}

static bool blob_equal(const struct blob *a, const struct blob *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* One message from one end to the other, compared with the vector on both sides. */
static bool check_message(struct party *from, struct party *to, size_t index, const json_t *message)
{
	static struct blob payload, ciphertext, out;
	uint64_t counter = seal_counter(&from->tx);
	int error;

	if (!get_blob(message, "", "payload", true, &payload) ||
	    !get_blob(message, "", "ciphertext", true, &ciphertext))
		return false;
	error = party_write(from, &payload, &out);
	if (error < 0)
		return wrong("message %zu: %s cannot write: %s", index, from->role,
			     strerror(-error));
	if (!blob_equal(&out, &ciphertext))
		return wrong("message %zu: %s wrote another ciphertext", index, from->role);

	ciphertext.bytes[ciphertext.length - 1] ^= 0x80;
	error = party_read(to, counter, &ciphertext, &out);
	if (error != -EBADMSG)
		return wrong("message %zu: %s took a damaged ciphertext", index, to->role);
	ciphertext.bytes[ciphertext.length - 1] ^= 0x80;
	error = party_read(to, counter, &ciphertext, &out);
	if (error < 0)
		return wrong("message %zu: %s cannot read: %s", index, to->role, strerror(-error));
	if (!blob_equal(&out, &payload))
		return wrong("message %zu: %s read another payload", index, to->role);
	return true;
}

/* After the last handshake message: keys for the transport, and the handshake hash. */
static bool check_split(struct party *party, const json_t *vector)
{
	uint8_t hash[HASH_LENGTH];
	struct noise_keys keys;
	bool present;

	if (!get_key(vector, "", "handshake_hash", false, hash, &present))
		return false;
	if (noise_split(&party->handshake, &keys) < 0)
		return wrong("%s: the handshake does not end", party->role);
	if (present && !keys_equal(hash, keys.hash, HASH_LENGTH))
		return wrong("%s has another handshake hash", party->role);
	seal_tx_init(&party->tx, keys.send);
	seal_rx_init(&party->rx, keys.receive);
	party->transport = true;
	return true;
}

/* What the responder has learnt must be what the initiator is. */
static bool check_identity(const struct party *responder, const json_t *vector)
{
	const uint8_t *learnt = noise_remote_static(&responder->handshake);
	uint8_t remote[KEY_LENGTH];

	if (!get_remote(vector, "resp_", "init_", remote))
		return false;
	if (!learnt || !keys_equal(learnt, remote, KEY_LENGTH))
		return wrong("responder sees another initiator");
	return true;
}

static bool check_vector(const json_t *vector, enum noise_protocol protocol)
{
	static struct party initiator, responder;
	const json_t *messages = json_object_get(vector, "messages");
	size_t count = json_array_size(messages);

	if (!json_is_array(messages) || count == 0)
		return wrong("\"messages\" is no list, or empty");
	if (!start_party(&initiator, vector, protocol, true) ||
	    !start_party(&responder, vector, protocol, false))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct party *from = i % 2 ? &responder : &initiator;
		struct party *to = i % 2 ? &initiator : &responder;

		if (!check_message(from, to, i, json_array_get(messages, i)))
			return false;
		if (i == 0 && !check_identity(&responder, vector))
			return false;
		if (noise_finished(&from->handshake) &&
		    (!check_split(&initiator, vector) || !check_split(&responder, vector)))
			return false;
	}
	if (!initiator.transport)
		return wrong("\"messages\" ends within the handshake");
	return true;
}

/* Prints the TAP of all vectors; the exit status. */
static int check_all(const json_t *vectors)
{
	unsigned int supported = 0, failed = 0;
	size_t index;
	const json_t *vector;

	json_array_foreach(vectors, index, vector)
	{
		const char *name = json_string_value(json_object_get(vector, "protocol_name"));
		enum noise_protocol protocol;

		if (!name)
			name = json_string_value(json_object_get(vector, "name"));
		if (!name) {
			printf("not ok %zu - vector without \"protocol_name\"\n", index + 1);
			failed++;
		} else if (noise_protocol_find(&protocol, name) < 0 ||
			   json_is_true(json_object_get(vector, "fallback"))) {
			printf("ok %zu # skip %s is not supported\n", index + 1, name);
		} else if (check_vector(vector, protocol)) {
			printf("ok %zu - %s\n", index + 1, name);
			supported++;
		} else {
			printf("not ok %zu - %s\n# %s\n", index + 1, name, reason);
			supported++;
			failed++;
		}
	}
	index = json_array_size(vectors);
	if (!supported)
		printf("not ok %zu - no vector of a supported protocol\n", ++index);
	printf("1..%zu\n", index);
	return failed || !supported ? 1 : 0;
}

int main(int argc, char **argv)
{
	const json_t *vectors;
	json_error_t error;
	json_t *root;
	int status;

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: noise-vectors FILE\n"
				"FILE: Noise test vectors, JSON as cacophony publishes them\n");
		return 2;
	}
	if (keys_init() < 0) {
		fprintf(stderr, "noise-vectors: no random numbers from this system\n");
		return 2;
	}
	root = json_load_file(argv[1], 0, &error);
	if (!root) {
		if (error.line > 0)
			fprintf(stderr, "%s:%d: %s\n", argv[1], error.line, error.text);
		else
			fprintf(stderr, "noise-vectors: %s\n", error.text);
		return 2;
	}
	vectors = json_is_array(root) ? root : json_object_get(root, "vectors");
	if (json_is_array(vectors)) {
		status = check_all(vectors);
	} else {
		fprintf(stderr, "%s: no list \"vectors\" in it\n", argv[1]);
		status = 2;
	}
	json_decref(root);
	return status;
}
