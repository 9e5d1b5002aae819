/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * make-datagrams: writes the golden datagrams, tests/vectors/datagrams.json, to standard output.
 *
 * They are every message in every place, datagrams to be dropped, and whole exchanges (core
 * handshakes, registrations, what is sealed afterwards) with all keys, ephemeral ones included.
 * Everything is derived from names, nothing from chance, so the output is the same on every run.
 *
 * Exit status: 0 written, 1 a vector contradicts the codec or could not be written, 2 usage.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "access.h"
#include "cookie.h"
#include "cursor.h"
#include "esp_key.h"
#include "handover_key.h"
#include "keys.h"
#include "message.h"
#include "message_table.h"
#include "noise.h"
#include "seal.h"
#include "tests/golden.h"
#include "tests/message_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const about[] = {
	"Golden datagrams of the SNO mobility protocol, version 1 (common/PROTOCOL).",
	"Made by tests/make-datagrams; octets, keys and hashes are lower-case hexadecimal.",
	"messages: one message each, as it stands in its place: core and access mean the text "
	"inside a "
	"sealed datagram. attributes: names as in section 3.2; values as text, numbers in decimal, "
	"ACCESS_KEY, HANDSHAKE and SEALED in hexadecimal. skipped: octets of unknown attributes "
	"behind "
	"the known ones, which a reader skips.",
	"dropped: what a reader drops in that place, and the reason of section 2.3 that it counts.",
	"channels: core handshakes (section 4.1) and what is sealed under their keys (section "
	"4.2). "
	"hello and message are the payloads; a bundle (section 4.5) is a list of messages. "
	"initiator_to_responder and responder_to_initiator are "
	"Split()'s keys, the first and the second.",
	"associations: suite, outer family, SPI and key with salt of the ESP that both hellos "
	"agree on "
	"(section 16.2).",
	"registrations: a terminal registers (sections 5.3, 5.4, 6): discovery, registration done "
	"or "
	"reject, the keys, and what is sealed afterwards (direction up: terminal to core).",
	"handovers: a terminal registers with the short proof (section 6.1), under the root of the "
	"first "
	"of the registrations. link_layer and link_local are where the discovery is sent from.",
	"cookie, cookie_answer, cookie_proof (section 17): what answers the initiation or "
	"discovery "
	"under "
	"load, and that once more with its proof.",
};

/* The vectors are written only when all of them are what they say. */
static int failures;

static void require(bool condition, const char *what)
{
	if (!condition) {
		fprintf(stderr, "make-datagrams: %s: contradicts the code\n", what);
		failures++;
	}
}

/* --- small parts ---------------------------------------------------------------------------- */

static json_t *hex_json(const void *bytes, size_t length)
{
	char text[2 * (SNO_DATAGRAM_MAX + 1) + 1];

	return json_string(hex_encode(text, bytes, length));
}

static void set_hex(json_t *object, const char *member, const void *bytes, size_t length)
{
	json_object_set_new(object, member, hex_json(bytes, length));
}

/* 32 octets that depend on nothing but a name. */
static void named_key(uint8_t key[KEY_LENGTH], const char *name)
{
	keys_sha256_two(key, "sno golden ", 11, name, strlen(name));
}

static void named_pair(struct key_pair *pair, const char *name)
{
	named_key(pair->private, name);
	keys_public(pair->public, pair->private);
}

static const char *place_name(enum message_place place)
{
	switch (place) {
	case PLACE_CORE:
		return "core";
	case PLACE_ACCESS:
		return "access";
	case PLACE_CLEAR:
		return "clear";
	case PLACE_HELLO:
		return "hello";
	case PLACE_IDENTITY:
		return "identity";
	case PLACE_ASSIGNMENT:
		return "assignment";
	case PLACE_REGISTRATION:
		return "registration";
	}
	return "none";
}

static json_t *message_json(const struct message *m)
{
	json_t *object = json_object(), *attributes = json_object();
	char text[MESSAGE_VALUE_TEXT];

	json_object_set_new(object, "type", json_integer(m->type));
	json_object_set_new(object, "type_name", json_string(message_type_name(m->type)));
	json_object_set_new(object, "id", json_integer(m->id));
	for (unsigned int a = 1; a < ATTR_COUNT; a++)
		if (message_has(m, a))
			json_object_set_new(attributes, attribute_name(a),
					    json_string(message_value_text(m, a, text)));
	json_object_set_new(object, "attributes", attributes);
	return object;
}

static void set_value(struct message *m, enum attribute a, const char *value)
{
	char expanded[MESSAGE_VALUE_TEXT];
	uint8_t octets[SNO_HANDSHAKE_MAX];

	if (value[0] == '*') {
		size_t length = strtoul(value + 1, NULL, 10);

		for (size_t i = 0; i < length; i++)
			octets[i] = (uint8_t)i;
		value = hex_encode(expanded, octets, length);
	}
	require(message_set_from_text(m, a, value), value);
}

/* A message of the table by its name. */
static void golden(struct message *m, const char *name)
{
	for (size_t i = 0; i < COUNT(golden_messages); i++) {
		const struct golden_message *g = &golden_messages[i];

		if (strcmp(g->name, name) != 0)
			continue;
		message_init(m, g->type, g->id);
		for (size_t j = 0; j < COUNT(g->attributes) && g->attributes[j].value; j++)
			set_value(m, g->attributes[j].attribute, g->attributes[j].value);
		return;
	}
	require(false, name);
}

/* --- messages and drops --------------------------------------------------------------------- */

/* The octets of line i, checked by reading them back. */
static size_t golden_octets(size_t i, uint8_t out[SNO_DATAGRAM_MAX])
{
	const struct golden_message *g = &golden_messages[i];
	struct message m, back;
	ssize_t more = 0;
	int length;

	golden(&m, g->name);
	length = message_write(&m, out, SNO_DATAGRAM_MAX);
	require(length > 0, g->name);
	if (length <= 0)
		return 0;
	if (g->skipped)
		more = hex_decode(out + length, SNO_DATAGRAM_MAX - (size_t)length, g->skipped);
	require(more >= 0, g->name);
	require(message_read(&back, g->place, out, (size_t)(length + more)) == DROP_NONE, g->name);
	require(memcmp(&back, &m, sizeof(m)) == 0, g->name);
	return (size_t)(length + more);
}

static json_t *messages_json(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < COUNT(golden_messages); i++) {
		const struct golden_message *g = &golden_messages[i];
		uint8_t octets[SNO_DATAGRAM_MAX];
		size_t length = golden_octets(i, octets);
		json_t *object = json_object(), *message;
		struct message m;

		golden(&m, g->name);
		message = message_json(&m);
		json_object_set_new(object, "name", json_string(g->name));
		json_object_set_new(object, "place", json_string(place_name(g->place)));
		json_object_update(object, message);
		json_decref(message);
		if (g->skipped)
			json_object_set_new(object, "skipped", json_string(g->skipped));
		set_hex(object, "octets", octets, length);
		json_array_append_new(list, object);
	}
	return list;
}

static void append_drop(json_t *list, const char *name, enum message_place place, enum drop reason,
			const uint8_t *octets, size_t length)
{
	json_t *object = json_object();
	struct message m;

	require(message_read(&m, place, octets, length) == reason, name);
	json_object_set_new(object, "name", json_string(name));
	json_object_set_new(object, "place", json_string(place_name(place)));
	json_object_set_new(object, "reason", json_string(drop_name(reason)));
	json_object_set_new(object, "octets", NULL);
	if (length <= SNO_DATAGRAM_MAX) {
		set_hex(object, "octets", octets, length);
	} else {
		char *text = malloc(2 * length + 1);

		json_object_set_new(object, "octets",
				    json_string(hex_encode(text, octets, length)));
		free(text);
	}
	json_array_append_new(list, object);
}

static json_t *drops_json(void)
{
	static const uint8_t long_head[] = {0x3e, 1, 0, 0, 0, 0, 0, 0, 0x80, 4, 0xf6};
	uint8_t octets[SNO_DATAGRAM_MAX + 1] = {0};
	json_t *list = json_array();

	for (size_t i = 0; i < COUNT(golden_drops); i++) {
		ssize_t length = hex_decode(octets, sizeof(octets), golden_drops[i].octets);

		require(length >= 0, golden_drops[i].name);
		append_drop(list, golden_drops[i].name, golden_drops[i].place,
			    golden_drops[i].reason, octets, length < 0 ? 0 : (size_t)length);
	}
	memset(octets, 0, sizeof(octets));
	memcpy(octets, long_head, sizeof(long_head));
	append_drop(list, "1,281 octets", PLACE_CORE, DROP_LONG, octets, sizeof(octets));
	return list;
}

/* --- whole exchanges ------------------------------------------------------------------------ */

static json_t *pair_json(const struct key_pair *pair, const struct key_pair *ephemeral)
{
	json_t *object = json_object();

	set_hex(object, "static_private", pair->private, KEY_LENGTH);
	set_hex(object, "static_public", pair->public, KEY_LENGTH);
	set_hex(object, "ephemeral_private", ephemeral->private, KEY_LENGTH);
	set_hex(object, "ephemeral_public", ephemeral->public, KEY_LENGTH);
	return object;
}

/* Writes a Noise message with a message as payload, and checks that the other end reads it. */
static size_t handshake_message(struct noise *writer, struct noise *reader,
				const struct message *payload, uint8_t *out, size_t cap)
{
	uint8_t plain[SNO_DATAGRAM_MAX], back[SNO_DATAGRAM_MAX];
	int length = message_write(payload, plain, sizeof(plain));
	size_t written = 0, read = 0;

	require(length > 0 && noise_write(writer, plain, (size_t)length, out, cap, &written) == 0 &&
			noise_read(reader, out, written, back, sizeof(back), &read) == 0 &&
			read == (size_t)length && memcmp(plain, back, read) == 0,
		message_type_name(payload->type));
	return written;
}

/* A sealed datagram of section 4.2, with the counter given: a message, or a bundle of several. */
static json_t *sealed_json(const char *direction, const uint8_t key[KEY_LENGTH], uint32_t index,
			   uint64_t counter, const char *const *messages, size_t count)
{
	json_t *object = json_object(), *bundle = json_array();
	uint8_t out[SNO_DATAGRAM_MAX], plain[SNO_DATAGRAM_MAX];
	struct cursor_out c = cursor_out(out, sizeof(out));
	struct seal_tx tx;
	struct message m;
	size_t length = 0, ad_length;
	uint8_t *sealed;
	char text[24];

	if (count > 1) {
		message_write_head(plain, MESSAGE_BUNDLE, 0);
		length = SNO_HEAD_LENGTH;
	}
	for (size_t i = 0; i < count; i++) {
		uint8_t *at = plain + length + (count > 1 ? 2 : 0);
		int written;

		golden(&m, messages[i]);
		written = message_write(&m, at, (size_t)(plain + sizeof(plain) - at));
		require(written > 0, messages[i]);
		if (count > 1) {
			plain[length] = (uint8_t)(written >> 8);
			plain[length + 1] = (uint8_t)written;
		}
		length = (size_t)(at + written - plain);
		json_array_append_new(bundle, message_json(&m));
	}
	message_write_head(cursor_reserve(&c, SNO_HEAD_LENGTH), MESSAGE_SEALED, index);
	cursor_put_u64(&c, counter);
	seal_tx_init(&tx, key);
	tx.counter = counter;
	ad_length = cursor_written(&c);
	sealed = cursor_reserve(&c, length + SEAL_TAG);
	require(sealed && seal_close(&tx, out, ad_length, plain, length, sealed) == 0, messages[0]);
	snprintf(text, sizeof(text), "%" PRIu64, counter);
	json_object_set_new(object, "direction", json_string(direction));
	json_object_set_new(object, "counter", json_string(text));
	if (count > 1)
		json_object_set(object, "bundle", bundle);
	else
		json_object_set(object, "message", json_array_get(bundle, 0));
	json_decref(bundle);
	set_hex(object, "octets", out, cursor_written(&c));
	return object;
}

/* Keys, handshakes and indices of two parties that meet. */
struct meeting {
	struct key_pair initiator, responder, initiator_ephemeral, responder_ephemeral;
	uint8_t psk[KEY_LENGTH];
	struct noise first, second;
};

static void meet(struct meeting *meeting, const char *name, const char *initiator,
		 const char *responder, bool with_psk, enum noise_protocol protocol,
		 const void *prologue, size_t prologue_length)
{
	struct noise_setup setup = {.protocol = protocol,
				    .initiator = true,
				    .prologue = prologue,
				    .prologue_length = prologue_length,
				    .local = &meeting->initiator,
				    .remote = meeting->responder.public,
				    .psk = meeting->psk};
	char label[128];

	memset(meeting, 0, sizeof(*meeting));
	named_pair(&meeting->initiator, initiator);
	named_pair(&meeting->responder, responder);
	snprintf(label, sizeof(label), "%s, ephemeral 1", name);
	named_pair(&meeting->initiator_ephemeral, label);
	snprintf(label, sizeof(label), "%s, ephemeral 2", name);
	named_pair(&meeting->responder_ephemeral, label);
	snprintf(label, sizeof(label), "psk of %s and %s", initiator, responder);
	if (with_psk)
		named_key(meeting->psk, label);
	require(noise_init(&meeting->first, &setup) == 0, name);
	setup.initiator = false;
	setup.local = &meeting->responder;
	setup.remote = protocol == NOISE_IK_PSK2 ? NULL : meeting->initiator.public;
	require(noise_init(&meeting->second, &setup) == 0, name);
	noise_set_ephemeral(&meeting->first, meeting->initiator_ephemeral.private);
	noise_set_ephemeral(&meeting->second, meeting->responder_ephemeral.private);
}

/* Section 16.2: one association, to the party with this hello. */
static json_t *association_json(const struct message *sender, const struct message *receiver,
				sa_family_t family, bool from_initiator,
				const uint8_t root[KEY_LENGTH])
{
	const struct esp_association association = {.suite = esp_suite(sender, receiver),
						    .family = family,
						    .from_initiator = from_initiator,
						    .spi = receiver->spi};
	json_t *object = json_object();
	uint8_t key[ESP_KEY];

	esp_key(key, root, &association);
	json_object_set_new(
		object, "direction",
		json_string(from_initiator ? "initiator to responder" : "responder to initiator"));
	json_object_set_new(object, "suite", json_integer(association.suite));
	json_object_set_new(object, "version", json_integer(family == AF_INET6 ? 6 : 4));
	json_object_set_new(object, "spi", json_integer(association.spi));
	set_hex(object, "key", key, sizeof(key));
	return object;
}

static json_t *associations_json(const char *initiator, const char *responder,
				 const struct noise_keys *keys)
{
	static const sa_family_t families[] = {AF_INET, AF_INET6};
	uint8_t root[KEY_LENGTH];
	json_t *list = json_array();
	struct message first, second;

	golden(&first, initiator);
	golden(&second, responder);
	esp_root(root, keys->further, keys->hash);
	for (size_t i = 0; i < COUNT(families) && esp_suite(&first, &second); i++) {
		json_array_append_new(list,
				      association_json(&first, &second, families[i], true, root));
		json_array_append_new(list,
				      association_json(&second, &first, families[i], false, root));
	}
	return list;
}

/* Section 17: what is sent is answered with a cookie, and sent again with it. */
static void set_cookie(json_t *object, const uint8_t *key, uint32_t id, const uint8_t *sent,
		       size_t sent_length)
{
	uint8_t cookie[COOKIE_LENGTH], answer[COOKIE_DATAGRAM], proof[SNO_DATAGRAM_MAX];
	int length;

	for (size_t i = 0; i < sizeof(cookie); i++)
		cookie[i] = (uint8_t)(0xc0 + i);
	cookie_write(answer, id, sent, sent_length, cookie);
	length = cookie_prove(proof, sizeof(proof), key, cookie, sent, sent_length);
	require(length > 0, "cookie proof");
	set_hex(object, "cookie", cookie, sizeof(cookie));
	set_hex(object, "cookie_answer", answer, sizeof(answer));
	set_hex(object, "cookie_proof", proof, (size_t)length);
}

/* Section 4.1: initiation and response, then sealed datagrams both ways. */
static json_t *channel_json(const char *name, bool with_psk, const char *first_hello,
			    const char *second_hello, uint32_t initiator_index,
			    uint32_t responder_index)
{
	json_t *object = json_object(), *sealed = json_array(), *party;
	uint8_t out[SNO_DATAGRAM_MAX], hint[HASH_LENGTH], cookie[KEY_LENGTH];
	struct meeting meeting;
	struct noise_keys keys;
	struct message m;
	size_t length;

	meet(&meeting, name, "core a.example", "core b.example", with_psk, NOISE_KK_PSK2,
	     "sno/1 core", 10);
	json_object_set_new(object, "name", json_string(name));
	json_object_set_new(object, "prologue", json_string("sno/1 core"));
	set_hex(object, "psk", meeting.psk, KEY_LENGTH);

	party = pair_json(&meeting.initiator, &meeting.initiator_ephemeral);
	golden(&m, first_hello);
	message_write_head(out, MESSAGE_HANDSHAKE_INITIATION, initiator_index);
	keys_sha256_two(hint, "sno core", 8, meeting.initiator.public, KEY_LENGTH);
	memcpy(out + 8, hint, 8);
	length = 16 +
		 handshake_message(&meeting.first, &meeting.second, &m, out + 16, sizeof(out) - 16);
	json_object_set_new(party, "index", json_integer(initiator_index));
	json_object_set_new(party, "hello", message_json(&m));
	json_object_set_new(object, "initiator", party);
	set_hex(object, "hint", hint, 8);
	set_hex(object, "initiation", out, length);
	cookie_key(cookie, meeting.initiator.private, meeting.responder.public, meeting.psk);
	set_cookie(object, cookie, initiator_index, out, length);

	party = pair_json(&meeting.responder, &meeting.responder_ephemeral);
	golden(&m, second_hello);
	message_write_head(out, MESSAGE_HANDSHAKE_RESPONSE, responder_index);
	for (unsigned int i = 0; i < 4; i++)
		out[8 + i] = (uint8_t)(initiator_index >> 8 * (3 - i));
	length = 12 +
		 handshake_message(&meeting.second, &meeting.first, &m, out + 12, sizeof(out) - 12);
	json_object_set_new(party, "index", json_integer(responder_index));
	json_object_set_new(party, "hello", message_json(&m));
	json_object_set_new(object, "responder", party);
	set_hex(object, "response", out, length);

	require(noise_split(&meeting.first, &keys) == 0, name);
	set_hex(object, "handshake_hash", keys.hash, HASH_LENGTH);
	set_hex(object, "initiator_to_responder", keys.send, KEY_LENGTH);
	set_hex(object, "responder_to_initiator", keys.receive, KEY_LENGTH);
	json_object_set_new(object, "associations",
			    associations_json(first_hello, second_hello, &keys));
	for (size_t i = 0; i < COUNT(golden_channel); i++) {
		bool first = golden_channel[i].by_initiator;
		size_t count = 0;

		while (count < COUNT(golden_channel[i].messages) &&
		       golden_channel[i].messages[count])
			count++;
		json_array_append_new(
			sealed,
			sealed_json(first ? "initiator to responder" : "responder to initiator",
				    first ? keys.send : keys.receive,
				    first ? responder_index : initiator_index,
				    golden_channel[i].counter, golden_channel[i].messages, count));
	}
	json_object_set_new(object, "sealed", sealed);
	return object;
}

/* An access key, and what is sealed under it; sets SEALED of the registration done. */
static void session_json(json_t *object, const uint8_t key[KEY_LENGTH],
			 const struct message *registration, uint32_t terminal_index,
			 struct message *done)
{
	json_t *sealed = json_array();
	struct access_session at_core;
	struct message_blob blob;

	access_session_init(&at_core, key, true);
	at_core.remote_index = terminal_index;
	require(access_seal_registration(&at_core, registration, &blob) == 0, "registration");
	message_set_blob(done, ATTR_SEALED, blob.bytes, blob.length);
	set_hex(object, "access_key", key, KEY_LENGTH);
	set_hex(object, "up_key", at_core.rx.key, KEY_LENGTH);
	set_hex(object, "down_key", at_core.tx.key, KEY_LENGTH);
	json_object_set_new(object, "registration", message_json(registration));
	for (size_t i = 0; i < COUNT(golden_session); i++) {
		bool up = golden_session[i].up;

		json_array_append_new(sealed, sealed_json(up ? "up" : "down",
							  up ? at_core.rx.key : at_core.tx.key,
							  up ? registration->id : terminal_index,
							  golden_session[i].counter,
							  &golden_session[i].message, 1));
	}
	json_object_set_new(object, "sealed", sealed);
}

/* The keys of section 6 and what is sealed under them; sets SEALED of the registration done. */
static void registration_keys(json_t *object, const struct noise_keys *keys, const char *core,
			      uint64_t counter, uint32_t terminal_index, uint32_t core_index,
			      struct message *done)
{
	uint8_t root[KEY_LENGTH], key[KEY_LENGTH];
	struct message registration;

	access_root(root, keys->send, keys->hash);
	require(access_key(key, root, core, counter) == 0, core);
	golden(&registration, "registration of a visitor, IPv4");
	registration.id = core_index;
	set_hex(object, "handshake_hash", keys->hash, HASH_LENGTH);
	set_hex(object, "k1", keys->send, KEY_LENGTH);
	set_hex(object, "root", root, KEY_LENGTH);
	session_json(object, key, &registration, terminal_index, done);
}

/* Sections 5.4 and 5.5: discovery, and registration done or the home core's reject. */
static json_t *registration_json(const char *name, const char *identity, const char *assignment,
				 uint32_t terminal_index, uint32_t core_index)
{
	json_t *object = json_object(), *party;
	uint8_t prologue[ACCESS_PROLOGUE_MAX], out[SNO_DATAGRAM_MAX];
	int prologue_length =
		access_prologue(prologue, sizeof(prologue), terminal_index, "a.example");
	struct message m, payload, answer;
	struct meeting meeting;
	struct noise_keys keys;
	bool accepted;
	int length;

	meet(&meeting, name, "terminal alice@a.example", "core a.example", true, NOISE_IK_PSK2,
	     prologue, (size_t)prologue_length);
	json_object_set_new(object, "name", json_string(name));
	json_object_set_new(object, "realm", json_string("a.example"));
	set_hex(object, "prologue", prologue, (size_t)prologue_length);
	set_hex(object, "psk", meeting.psk, KEY_LENGTH);

	party = pair_json(&meeting.initiator, &meeting.initiator_ephemeral);
	golden(&payload, identity);
	message_init(&m, MESSAGE_CORE_DISCOVERY, terminal_index);
	message_set_text(&m, ATTR_REALM, "a.example");
	message_set_blob(
		&m, ATTR_HANDSHAKE, out,
		handshake_message(&meeting.first, &meeting.second, &payload, out, sizeof(out)));
	length = message_write(&m, out, sizeof(out));
	require(length > 0, name);
	json_object_set_new(party, "index", json_integer(terminal_index));
	json_object_set_new(party, "identity", message_json(&payload));
	json_object_set_new(object, "terminal", party);
	set_hex(object, "discovery", out, (size_t)length);
	set_cookie(object, NULL, terminal_index, out, (size_t)length);

	party = pair_json(&meeting.responder, &meeting.responder_ephemeral);
	golden(&answer, assignment);
	accepted = answer.reason == REASON_ACCEPTED;
	message_init(&m, accepted ? MESSAGE_REGISTRATION_DONE : MESSAGE_REGISTRATION_REJECT,
		     terminal_index);
	message_set_blob(
		&m, ATTR_HANDSHAKE, out,
		handshake_message(&meeting.second, &meeting.first, &answer, out, sizeof(out)));
	json_object_set_new(party, "assignment", message_json(&answer));
	json_object_set_new(object, "home_core", party);
	require(noise_split(&meeting.first, &keys) == 0, name);
	if (accepted)
		registration_keys(object, &keys, answer.core, payload.counter, terminal_index,
				  core_index, &m);
	else
		message_set_number(&m, ATTR_REASON, answer.reason);
	length = message_write(&m, out, sizeof(out));
	require(length > 0, name);
	set_hex(object, accepted ? "done" : "reject", out, length > 0 ? (size_t)length : 0);
	return object;
}

/* The discovery of a move with its identity, and what proves it; returns its octets. */
static size_t handover_discovery_json(json_t *object, struct meeting *meeting,
				      const uint8_t root[KEY_LENGTH], const uint8_t key[KEY_LENGTH],
				      const char *target, uint64_t number,
				      const struct message *identity, uint32_t index,
				      uint8_t out[SNO_DATAGRAM_MAX])
{
	char text[LLADDR_TEXT > ADDR_TEXT ? LLADDR_TEXT : ADDR_TEXT];
	uint8_t arrival[HANDOVER_ARRIVAL];
	struct message m;
	int length;

	message_init(&m, MESSAGE_CORE_DISCOVERY, index);
	message_set_text(&m, ATTR_REALM, "a.example");
	message_set_blob(&m, ATTR_HANDSHAKE, out,
			 handshake_message(&meeting->first, &meeting->second, identity, out,
					   SNO_DATAGRAM_MAX));
	require(handover_arrival(arrival, root, target, number, identity->counter) == 0, target);
	message_set_number(&m, ATTR_COUNTER, identity->counter);
	message_set_octets(&m, ATTR_ARRIVAL, arrival);
	if (message_has(identity, ATTR_MODE))
		message_set_number(&m, ATTR_MODE, identity->mode);
	length = handover_discovery(&m, key, &identity->link_layer, &identity->link_local, out,
				    SNO_DATAGRAM_MAX);
	require(length > 0 && handover_proven(key, out, (size_t)length, &identity->link_layer,
					      &identity->link_local),
		target);
	json_object_set_new(object, "link_layer",
			    json_string(lladdr_format(&identity->link_layer, text)));
	json_object_set_new(object, "link_local",
			    json_string(addr_format(&identity->link_local, text)));
	set_hex(object, "handover_key", key, KEY_LENGTH);
	set_hex(object, "tag", m.handover_tag, HANDOVER_TAG);
	set_hex(object, "arrival", arrival, sizeof(arrival));
	set_hex(object, "discovery", out, (size_t)length);
	return (size_t)length;
}

/* Section 6.1: a discovery with the short proof beside the full handshake, registration done. */
static json_t *handover_json(const char *name, const char *root_text, const char *target,
			     uint64_t number, const char *identity, uint32_t terminal_index,
			     uint32_t core_index)
{
	json_t *object = json_object(), *party;
	uint8_t prologue[ACCESS_PROLOGUE_MAX], out[SNO_DATAGRAM_MAX];
	uint8_t root[KEY_LENGTH], key[KEY_LENGTH], access[KEY_LENGTH];
	int length = access_prologue(prologue, sizeof(prologue), terminal_index, "a.example");
	struct message payload, registration, done;
	struct meeting meeting;
	size_t discovery;

	meet(&meeting, name, "terminal alice@a.example", "core a.example", true, NOISE_IK_PSK2,
	     prologue, (size_t)length);
	require(hex_decode(root, sizeof(root), root_text) == KEY_LENGTH, name);
	require(handover_key(key, root, target, number) == 0, name);
	golden(&payload, identity);
	json_object_set_new(object, "name", json_string(name));
	json_object_set_new(object, "realm", json_string("a.example"));
	set_hex(object, "psk", meeting.psk, KEY_LENGTH);
	party = pair_json(&meeting.initiator, &meeting.initiator_ephemeral);
	json_object_set_new(party, "index", json_integer(terminal_index));
	json_object_set_new(party, "identity", message_json(&payload));
	json_object_set_new(object, "terminal", party);
	json_object_set_new(object, "home_core",
			    pair_json(&meeting.responder, &meeting.responder_ephemeral));
	set_hex(object, "root", root, KEY_LENGTH);
	json_object_set_new(object, "target", json_string(target));
	json_object_set_new(object, "handover_counter", json_integer((json_int_t)number));
	discovery = handover_discovery_json(object, &meeting, root, key, target, number, &payload,
					    terminal_index, out);
	handover_access_key(access, key, out, discovery);
	golden(&registration, "registration of a prepared visitor");
	message_set_text(&registration, ATTR_CORE, target);
	registration.id = core_index;
	message_init(&done, MESSAGE_REGISTRATION_DONE, terminal_index);
	session_json(object, access, &registration, terminal_index, &done);
	length = message_write(&done, out, sizeof(out));
	require(length > 0, name);
	set_hex(object, "done", out, length > 0 ? (size_t)length : 0);
	return object;
}

static json_t *vectors_json(void)
{
	json_t *all = json_object(), *lines = json_array(), *channels = json_array(),
	       *registrations = json_array(), *handovers = json_array();
	const char *root;

	for (size_t i = 0; i < COUNT(about); i++)
		json_array_append_new(lines, json_string(about[i]));
	json_array_append_new(channels, channel_json("cores without psk", false, "hello, IPv4 only",
						     "hello, every tunnel kind", 1, 0xffffffff));
	json_array_append_new(channels,
			      channel_json("cores with psk", true, "hello, IPv4 only",
					   "hello, every tunnel kind", 0x89abcdef, 0x01234567));
	json_array_append_new(channels, channel_json("cores that protect their tunnels", true,
						     "hello of a core that protects its tunnels",
						     "hello of another one, both families", 2, 3));
	json_array_append_new(channels,
			      channel_json("cores that both prefer AES", false,
					   "hello of a core that protects its tunnels",
					   "hello of a core that protects its tunnels", 4, 5));
	json_array_append_new(
		registrations,
		registration_json("visiting b.example", "identity that names the core it heard",
				  "assignment of everything", 0x12345678, 0x9abcdef0));
	json_array_append_new(
		registrations,
		registration_json("out of date", "identity of a terminal that knows nothing yet",
				  "assignment that asks to resynchronise", 0x12345679, 0));
	root = json_string_value(json_object_get(json_array_get(registrations, 0), "root"));
	json_array_append_new(handovers,
			      handover_json("foreseen, to c.example", root, "c.example", 1,
					    "identity of a terminal between two links", 0x1234567a,
					    0x9abcdef1));
	json_array_append_new(handovers, handover_json("foreseen, to b.example", root, "b.example",
						       UINT64_C(0x0102030405060708),
						       "identity that names the core it heard",
						       0x1234567b, 0x9abcdef2));
	json_object_set_new(all, "about", lines);
	json_object_set_new(all, "messages", messages_json());
	json_object_set_new(all, "dropped", drops_json());
	json_object_set_new(all, "channels", channels);
	json_object_set_new(all, "registrations", registrations);
	json_object_set_new(all, "handovers", handovers);
	return all;
}

int main(int argc, char **argv)
{
	json_t *vectors;

	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: make-datagrams >tests/vectors/datagrams.json\n");
		return 2;
	}
	if (keys_init() < 0)
		return 1;
	vectors = vectors_json();
	if (!failures && (json_dumpf(vectors, stdout, JSON_INDENT(1)) < 0 || puts("") < 0 ||
			  fflush(stdout) != 0))
		failures++;
	json_decref(vectors);
	return failures ? 1 : 0;
}
