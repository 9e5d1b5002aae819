/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The golden datagrams, byte for byte (tests/vectors/datagrams.json).
 *
 * Everything is played from what the file says: messages are written from their attributes and
 * read from their octets; handshakes are computed from the keys, ephemeral ones included, by both
 * ends; what is sealed is sealed again and opened. So the file, the code and (by the decoder in
 * Python) the specification agree, and a change of the wire cannot go unnoticed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "access.h"
#include "cookie.h"
#include "cursor.h"
#include "handover_key.h"
#include "message_table.h"
#include "noise.h"
#include "tests/message_text.h"

struct octets {
	uint8_t bytes[SNO_DATAGRAM_MAX + 1];
	size_t length;
};

static json_t *vectors;

static int load(void **state)
{
	const char *top = getenv("SRCDIR");
	char path[512];
	json_error_t error;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/vectors/datagrams.json", top ? top : ".");
	vectors = json_load_file(path, 0, &error);
	if (!vectors)
		print_error("%s:%d: %s; SRCDIR is the top of the source tree\n", path, error.line,
			    error.text);
	return vectors && keys_init() == 0 ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	json_decref(vectors);
	return 0;
}

/* --- members -------------------------------------------------------------------------------- */

static json_t *get(const json_t *object, const char *member)
{
	json_t *value = json_object_get(object, member);

	if (!value)
		fail_msg("no \"%s\" in %s", member,
			 json_string_value(json_object_get(object, "name")));
	return value;
}

static const char *text_of(const json_t *object, const char *member)
{
	return json_string_value(get(object, member));
}

static struct octets octets_of(const json_t *object, const char *member)
{
	struct octets o;
	ssize_t length = hex_decode(o.bytes, sizeof(o.bytes), text_of(object, member));

	assert_true(length >= 0);
	o.length = (size_t)length;
	return o;
}

static void key_of(uint8_t key[KEY_LENGTH], const json_t *object, const char *member)
{
	struct octets o = octets_of(object, member);

	assert_int_equal(o.length, KEY_LENGTH);
	memcpy(key, o.bytes, KEY_LENGTH);
}

static uint32_t index_of(const json_t *object, const char *member)
{
	return (uint32_t)json_integer_value(get(object, member));
}

static void pair_of(struct key_pair *pair, const json_t *object, const char *kind)
{
	char member[64];
	uint8_t public[KEY_LENGTH];

	snprintf(member, sizeof(member), "%s_private", kind);
	key_of(pair->private, object, member);
	snprintf(member, sizeof(member), "%s_public", kind);
	key_of(pair->public, object, member);
	keys_public(public, pair->private);
	assert_memory_equal(public, pair->public, KEY_LENGTH);
}

static void assert_octets(const struct octets *expected, const void *bytes, size_t length)
{
	assert_int_equal(length, expected->length);
	assert_memory_equal(bytes, expected->bytes, length);
}

static enum message_place place_of(const json_t *object)
{
	static const char *const names[] = {"core",	"access",     "clear",	     "hello",
					    "identity", "assignment", "registration"};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], text_of(object, "place")) == 0)
			return (enum message_place)(1u << i);
	fail_msg("place %s", text_of(object, "place"));
	return PLACE_CORE;
}

/* The message that an object describes. */
static struct message message_of(const json_t *object)
{
	const json_t *attributes = get(object, "attributes");
	struct message m;
	size_t count = 0;

	message_init(&m, (enum message_type)json_integer_value(get(object, "type")),
		     index_of(object, "id"));
	assert_string_equal(message_type_name(m.type), text_of(object, "type_name"));
	for (unsigned int a = 1; a < ATTR_COUNT; a++) {
		const json_t *value = json_object_get(attributes, attribute_name(a));

		if (!value)
			continue;
		assert_true(message_set_from_text(&m, a, json_string_value(value)));
		count++;
	}
	assert_int_equal(count, json_object_size(attributes));
	return m;
}

static void assert_message(const struct message *expected, const struct message *m)
{
	char text[MESSAGE_VALUE_TEXT], wanted[MESSAGE_VALUE_TEXT];

	assert_int_equal(m->type, expected->type);
	assert_int_equal(m->id, expected->id);
	for (unsigned int a = 1; a < ATTR_COUNT; a++) {
		if (message_has(m, a) != message_has(expected, a))
			fail_msg("%s: %s", message_type_name(m->type), attribute_name(a));
		if (message_has(m, a))
			assert_string_equal(message_value_text(m, a, text),
					    message_value_text(expected, a, wanted));
	}
}

static struct octets written(const struct message *m)
{
	struct octets o;
	int length = message_write(m, o.bytes, sizeof(o.bytes));

	assert_true(length > 0);
	o.length = (size_t)length;
	return o;
}

static struct message read_as(enum message_place place, const uint8_t *bytes, size_t length)
{
	struct message m;

	assert_int_equal(message_read(&m, place, bytes, length), DROP_NONE);
	return m;
}

/* --- messages ------------------------------------------------------------------------------- */

static void test_messages(void **state)
{
	unsigned int places[UINT8_MAX + 1] = {0};
	const json_t *list = get(vectors, "messages"), *vector;
	size_t i;

	(void)state;
	json_array_foreach(list, i, vector)
	{
		struct octets o = octets_of(vector, "octets"), mine;
		struct message m = message_of(vector);
		struct message back = read_as(place_of(vector), o.bytes, o.length);

		assert_message(&m, &back);
		mine = written(&m);
		if (json_object_get(vector, "skipped")) {
			struct octets skipped = octets_of(vector, "skipped");

			memcpy(mine.bytes + mine.length, skipped.bytes, skipped.length);
			mine.length += skipped.length;
		}
		assert_octets(&o, mine.bytes, mine.length);
		places[m.type] |= place_of(vector);
	}
	for (unsigned int type = 0; type <= UINT8_MAX; type++)
		if (message_row(type) && places[type] != message_row(type)->places)
			fail_msg("not every place of %s has a vector", message_type_name(type));
}

static void test_dropped(void **state)
{
	const json_t *list = get(vectors, "dropped"), *vector;
	unsigned int met[DROP_COUNT] = {0};
	size_t i;

	(void)state;
	json_array_foreach(list, i, vector)
	{
		struct octets o = octets_of(vector, "octets");
		struct message m;
		enum drop drop = message_read(&m, place_of(vector), o.bytes, o.length);

		if (strcmp(drop_name(drop), text_of(vector, "reason")) != 0)
			fail_msg("%s: %s", text_of(vector, "name"), drop_name(drop));
		met[drop]++;
	}
	for (unsigned int drop = DROP_SHORT; drop <= DROP_LONG; drop++)
		if (!met[drop])
			fail_msg("no vector for %s", drop_name(drop));
}

/* --- handshakes ----------------------------------------------------------------------------- */

/* One end of a handshake out of the file: first and second are its parties. */
static struct noise party(const json_t *vector, enum noise_protocol protocol, const char *first,
			  const char *second, bool initiator, const void *prologue,
			  size_t prologue_length)
{
	const json_t *me = get(vector, initiator ? first : second);
	struct key_pair mine, theirs, ephemeral;
	uint8_t psk[KEY_LENGTH];
	struct noise_setup setup = {
		.protocol = protocol,
		.initiator = initiator,
		.prologue = prologue,
		.prologue_length = prologue_length,
		.local = &mine,
		.remote = theirs.public,
		.psk = psk,
	};
	struct noise n;

	pair_of(&mine, me, "static");
	pair_of(&ephemeral, me, "ephemeral");
	pair_of(&theirs, get(vector, initiator ? second : first), "static");
	key_of(psk, vector, "psk");
	if (protocol == NOISE_IK_PSK2 && !initiator)
		setup.remote = NULL;
	assert_int_equal(noise_init(&n, &setup), 0);
	noise_set_ephemeral(&n, ephemeral.private);
	return n;
}

/* The writer makes these octets out of the message, the reader the message out of the octets. */
static void assert_handshake(struct noise *writer, struct noise *reader, const uint8_t *bytes,
			     size_t length, const struct message *payload, enum message_place place)
{
	struct octets plain = written(payload), mine, back;
	struct message m;

	assert_int_equal(noise_write(writer, plain.bytes, plain.length, mine.bytes,
				     sizeof(mine.bytes), &mine.length),
			 0);
	assert_octets(&mine, bytes, length);
	assert_int_equal(
		noise_read(reader, bytes, length, back.bytes, sizeof(back.bytes), &back.length), 0);
	m = read_as(place, back.bytes, back.length);
	assert_message(payload, &m);
}

static void assert_head(const struct octets *o, enum message_type type, uint32_t id)
{
	uint8_t head[SNO_HEAD_LENGTH];

	message_write_head(head, type, id);
	assert_true(o->length >= sizeof(head));
	assert_memory_equal(o->bytes, head, sizeof(head));
}

/* The text of a sealed datagram: a message, or the bundle of several. */
static struct octets sealed_text(const json_t *vector)
{
	const json_t *bundle = json_object_get(vector, "bundle"), *item;
	struct octets text;
	struct message m;
	size_t i;

	if (!bundle) {
		m = message_of(get(vector, "message"));
		return written(&m);
	}
	message_write_head(text.bytes, MESSAGE_BUNDLE, 0);
	text.length = SNO_HEAD_LENGTH;
	json_array_foreach(bundle, i, item)
	{
		struct octets one;

		m = message_of(item);
		one = written(&m);
		text.bytes[text.length++] = (uint8_t)(one.length >> 8);
		text.bytes[text.length++] = (uint8_t)one.length;
		memcpy(text.bytes + text.length, one.bytes, one.length);
		text.length += one.length;
	}
	assert_true(i > 1);
	return text;
}

/* A sealed datagram under this key, both ways. */
static void assert_sealed(const json_t *vector, const uint8_t key[KEY_LENGTH], uint32_t index,
			  enum message_place place)
{
	struct octets o = octets_of(vector, "octets"), mine, plain;
	struct cursor_out c = cursor_out(mine.bytes, sizeof(mine.bytes));
	uint64_t counter = strtoull(text_of(vector, "counter"), NULL, 10);
	struct octets text = sealed_text(vector);
	struct seal_rx rx;

	assert_head(&o, MESSAGE_SEALED, index);
	seal_rx_init(&rx, key);
	assert_int_equal(
		seal_open(&rx, counter, o.bytes, 16, o.bytes + 16, o.length - 16, plain.bytes), 0);
	assert_octets(&text, plain.bytes, o.length - 16 - SEAL_TAG);
	if (!json_object_get(vector, "bundle")) {
		struct message m = message_of(get(vector, "message"));
		struct message back = read_as(place, plain.bytes, text.length);

		assert_message(&m, &back);
	}
	message_write_head(cursor_reserve(&c, SNO_HEAD_LENGTH), MESSAGE_SEALED, index);
	cursor_put_u64(&c, counter);
	seal_encrypt(key, counter, mine.bytes, 16, text.bytes, text.length,
		     cursor_reserve(&c, text.length + SEAL_TAG));
	assert_octets(&o, mine.bytes, cursor_written(&c));
}

static void assert_channel(const json_t *vector)
{
	const char *prologue = text_of(vector, "prologue");
	const json_t *initiator = get(vector, "initiator"), *responder = get(vector, "responder");
	struct noise a = party(vector, NOISE_KK_PSK2, "initiator", "responder", true, prologue,
			       strlen(prologue));
	struct noise b = party(vector, NOISE_KK_PSK2, "initiator", "responder", false, prologue,
			       strlen(prologue));
	struct octets initiation = octets_of(vector, "initiation");
	struct octets response = octets_of(vector, "response"), hint = octets_of(vector, "hint");
	uint8_t digest[HASH_LENGTH], hashed[8 + KEY_LENGTH] = "sno core", up[KEY_LENGTH],
						down[KEY_LENGTH];
	struct message hello = message_of(get(initiator, "hello"));
	struct noise_keys at_a, at_b;
	struct octets hash = octets_of(vector, "handshake_hash");
	const json_t *sealed;
	size_t i;

	key_of(hashed + 8, initiator, "static_public");
	keys_sha256(digest, hashed, sizeof(hashed));
	assert_octets(&hint, digest, 8);
	assert_head(&initiation, MESSAGE_HANDSHAKE_INITIATION, index_of(initiator, "index"));
	assert_memory_equal(initiation.bytes + 8, hint.bytes, 8);
	assert_handshake(&a, &b, initiation.bytes + 16, initiation.length - 16, &hello,
			 PLACE_HELLO);
	assert_head(&response, MESSAGE_HANDSHAKE_RESPONSE, index_of(responder, "index"));
	assert_memory_equal(response.bytes + 8, initiation.bytes + 4, 4);
	hello = message_of(get(responder, "hello"));
	assert_handshake(&b, &a, response.bytes + 12, response.length - 12, &hello, PLACE_HELLO);

	assert_int_equal(noise_split(&a, &at_a), 0);
	assert_int_equal(noise_split(&b, &at_b), 0);
	key_of(up, vector, "initiator_to_responder");
	key_of(down, vector, "responder_to_initiator");
	assert_octets(&hash, at_a.hash, HASH_LENGTH);
	assert_octets(&hash, at_b.hash, HASH_LENGTH);
	assert_memory_equal(at_a.send, up, KEY_LENGTH);
	assert_memory_equal(at_b.receive, up, KEY_LENGTH);
	assert_memory_equal(at_a.receive, down, KEY_LENGTH);
	assert_memory_equal(at_b.send, down, KEY_LENGTH);
	json_array_foreach(get(vector, "sealed"), i, sealed)
	{
		bool to_responder =
			strcmp(text_of(sealed, "direction"), "initiator to responder") == 0;

		assert_sealed(sealed, to_responder ? up : down,
			      index_of(to_responder ? responder : initiator, "index"), PLACE_CORE);
	}
	assert_true(i > 0);
}

static void test_channels(void **state)
{
	const json_t *list = get(vectors, "channels"), *vector;
	size_t i;

	(void)state;
	json_array_foreach(list, i, vector) assert_channel(vector);
	assert_true(i > 0);
}

/* --- cookies -------------------------------------------------------------------------------- */

static void assert_cookie(const json_t *vector, const uint8_t *key, const char *sent_name)
{
	struct octets sent = octets_of(vector, sent_name), cookie = octets_of(vector, "cookie");
	struct octets answer = octets_of(vector, "cookie_answer");
	struct octets proof = octets_of(vector, "cookie_proof");
	uint8_t octets[SNO_DATAGRAM_MAX], taken[COOKIE_LENGTH];
	struct cursor_in id = cursor_in(sent.bytes + 4, 4);
	int length;

	assert_int_equal(cookie.length, COOKIE_LENGTH);
	cookie_write(octets, cursor_get_u32(&id), sent.bytes, sent.length, cookie.bytes);
	assert_octets(&answer, octets, COOKIE_DATAGRAM);
	assert_true(cookie_read(answer.bytes, answer.length, sent.bytes, sent.length, taken));
	assert_octets(&cookie, taken, sizeof(taken));
	length = cookie_prove(octets, sizeof(octets), key, taken, sent.bytes, sent.length);
	assert_true(length > 0);
	assert_octets(&proof, octets, (size_t)length);
}

static void test_cookies(void **state)
{
	uint8_t private[KEY_LENGTH], public[KEY_LENGTH], psk[KEY_LENGTH], key[KEY_LENGTH];
	const json_t *vector;
	size_t i;

	(void)state;
	json_array_foreach(get(vectors, "channels"), i, vector)
	{
		key_of(private, get(vector, "initiator"), "static_private");
		key_of(public, get(vector, "responder"), "static_public");
		key_of(psk, vector, "psk");
		cookie_key(key, private, public, psk);
		assert_cookie(vector, key, "initiation");
	}
	assert_true(i > 0);
	json_array_foreach(get(vectors, "registrations"), i, vector)
		assert_cookie(vector, NULL, "discovery");
	assert_true(i > 0);
}

/* --- registrations -------------------------------------------------------------------------- */

/* What is sealed under an access key, in registration done and afterwards. */
static void assert_session(const json_t *vector, const uint8_t key[KEY_LENGTH],
			   const struct message *done)
{
	uint8_t expected[KEY_LENGTH];
	struct message registration = message_of(get(vector, "registration")), back;
	uint32_t index = index_of(get(vector, "terminal"), "index");
	struct access_session core, terminal;
	struct message_blob blob;
	const json_t *sealed;
	size_t i;

	key_of(expected, vector, "access_key");
	assert_memory_equal(key, expected, KEY_LENGTH);
	access_session_init(&core, key, true);
	access_session_init(&terminal, key, false);
	core.remote_index = index;
	terminal.local_index = index;
	key_of(expected, vector, "up_key");
	assert_memory_equal(terminal.tx.key, expected, KEY_LENGTH);
	key_of(expected, vector, "down_key");
	assert_memory_equal(core.tx.key, expected, KEY_LENGTH);

	assert_int_equal(access_seal_registration(&core, &registration, &blob), 0);
	assert_int_equal(blob.length, done->sealed.length);
	assert_memory_equal(blob.bytes, done->sealed.bytes, blob.length);
	assert_int_equal(access_open_registration(&terminal, &done->sealed, &back), DROP_NONE);
	assert_message(&registration, &back);
	core.local_index = terminal.remote_index;
	json_array_foreach(get(vector, "sealed"), i, sealed)
	{
		bool up = strcmp(text_of(sealed, "direction"), "up") == 0;
		struct octets o = octets_of(sealed, "octets");
		struct message m = message_of(get(sealed, "message"));

		assert_sealed(sealed, up ? terminal.tx.key : core.tx.key,
			      up ? terminal.remote_index : core.remote_index, PLACE_ACCESS);
		assert_int_equal(access_open(up ? &core : &terminal, o.bytes, o.length, &back),
				 DROP_NONE);
		assert_message(&m, &back);
	}
	assert_true(i > 0);
}

/* The keys of section 6, from those of a finished handshake. */
static void assert_registered(const json_t *vector, const struct noise_keys *keys,
			      const struct message *assignment, uint64_t counter,
			      const struct message *done)
{
	uint8_t root[KEY_LENGTH], key[KEY_LENGTH], expected[KEY_LENGTH];

	access_root(root, keys->send, keys->hash);
	key_of(expected, vector, "root");
	assert_memory_equal(root, expected, KEY_LENGTH);
	assert_int_equal(access_key(key, root, assignment->core, counter), 0);
	assert_session(vector, key, done);
}

static void assert_registration(const json_t *vector)
{
	const json_t *terminal = get(vector, "terminal"), *home = get(vector, "home_core");
	bool accepted = json_object_get(vector, "done") != NULL;
	struct octets prologue = octets_of(vector, "prologue"), mine;
	struct octets discovery = octets_of(vector, "discovery");
	struct octets answer = octets_of(vector, accepted ? "done" : "reject");
	struct message identity = message_of(get(terminal, "identity"));
	struct message assignment = message_of(get(home, "assignment"));
	uint32_t index = index_of(terminal, "index");
	struct noise a = party(vector, NOISE_IK_PSK2, "terminal", "home_core", true, prologue.bytes,
			       prologue.length);
	struct noise b = party(vector, NOISE_IK_PSK2, "terminal", "home_core", false,
			       prologue.bytes, prologue.length);
	struct noise_keys keys;
	struct message m;
	int length;

	length = access_prologue(mine.bytes, sizeof(mine.bytes), index, text_of(vector, "realm"));
	assert_octets(&prologue, mine.bytes, (size_t)length);

	m = read_as(PLACE_CLEAR, discovery.bytes, discovery.length);
	assert_int_equal(m.type, MESSAGE_CORE_DISCOVERY);
	assert_int_equal(m.id, index);
	assert_string_equal(m.realm, text_of(vector, "realm"));
	mine = written(&m);
	assert_octets(&discovery, mine.bytes, mine.length);
	assert_handshake(&a, &b, m.handshake.bytes, m.handshake.length, &identity, PLACE_IDENTITY);

	m = read_as(PLACE_CLEAR, answer.bytes, answer.length);
	assert_int_equal(m.type,
			 accepted ? MESSAGE_REGISTRATION_DONE : MESSAGE_REGISTRATION_REJECT);
	assert_int_equal(m.id, index);
	mine = written(&m);
	assert_octets(&answer, mine.bytes, mine.length);
	assert_handshake(&b, &a, m.handshake.bytes, m.handshake.length, &assignment,
			 PLACE_ASSIGNMENT);
	assert_int_equal(noise_split(&a, &keys), 0);
	if (accepted)
		assert_registered(vector, &keys, &assignment, identity.counter, &m);
	else
		assert_int_equal(m.reason, assignment.reason);
}

static void test_registrations(void **state)
{
	const json_t *list = get(vectors, "registrations"), *vector;
	unsigned int accepted = 0, refused = 0;
	size_t i;

	(void)state;
	json_array_foreach(list, i, vector)
	{
		assert_registration(vector);
		*(json_object_get(vector, "done") ? &accepted : &refused) += 1;
	}
	assert_true(accepted > 0 && refused > 0);
}

/* --- handovers ------------------------------------------------------------------------------ */

/* The discovery as the terminal makes it, and as the home core reads its other half. */
static void assert_handover_discovery(const json_t *vector, const struct message *m,
				      const uint8_t key[KEY_LENGTH])
{
	struct octets discovery = octets_of(vector, "discovery"), prologue, again;
	uint32_t index = index_of(get(vector, "terminal"), "index");
	struct message identity = message_of(get(get(vector, "terminal"), "identity")), mine = *m;
	struct noise a, b;
	int length;

	length = access_prologue(prologue.bytes, sizeof(prologue.bytes), index,
				 text_of(vector, "realm"));
	a = party(vector, NOISE_IK_PSK2, "terminal", "home_core", true, prologue.bytes,
		  (size_t)length);
	b = party(vector, NOISE_IK_PSK2, "terminal", "home_core", false, prologue.bytes,
		  (size_t)length);
	assert_handshake(&a, &b, m->handshake.bytes, m->handshake.length, &identity,
			 PLACE_IDENTITY);
	assert_int_equal(m->counter, identity.counter);
	assert_true(handover_proven(key, discovery.bytes, discovery.length, &identity.link_layer,
				    &identity.link_local));
	mine.present &= ~(UINT64_C(1) << ATTR_HANDOVER_TAG | UINT64_C(1) << ATTR_HANDOVER_PROOF);
	length = handover_discovery(&mine, key, &identity.link_layer, &identity.link_local,
				    again.bytes, sizeof(again.bytes));
	assert_octets(&discovery, again.bytes, (size_t)length);
}

static void assert_handover(const json_t *vector)
{
	struct octets discovery = octets_of(vector, "discovery"), done = octets_of(vector, "done");
	struct octets tag = octets_of(vector, "tag"), arrival = octets_of(vector, "arrival");
	uint64_t number = (uint64_t)json_integer_value(get(vector, "handover_counter"));
	uint8_t root[KEY_LENGTH], key[KEY_LENGTH], expected[KEY_LENGTH], short_one[16];
	struct message m = read_as(PLACE_CLEAR, discovery.bytes, discovery.length);

	key_of(root, vector, "root");
	assert_int_equal(handover_key(key, root, text_of(vector, "target"), number), 0);
	key_of(expected, vector, "handover_key");
	assert_memory_equal(key, expected, KEY_LENGTH);
	handover_tag(short_one, key);
	assert_octets(&tag, short_one, HANDOVER_TAG);
	assert_octets(&tag, m.handover_tag, sizeof(m.handover_tag));
	assert_int_equal(
		handover_arrival(short_one, root, text_of(vector, "target"), number, m.counter), 0);
	assert_octets(&arrival, short_one, HANDOVER_ARRIVAL);
	assert_octets(&arrival, m.arrival, sizeof(m.arrival));
	assert_handover_discovery(vector, &m, key);

	handover_access_key(key, key, discovery.bytes, discovery.length);
	m = read_as(PLACE_CLEAR, done.bytes, done.length);
	assert_int_equal(m.type, MESSAGE_REGISTRATION_DONE);
	assert_false(message_has(&m, ATTR_HANDSHAKE));
	assert_session(vector, key, &m);
}

static void test_handovers(void **state)
{
	const json_t *list = get(vectors, "handovers"), *vector;
	size_t i;

	(void)state;
	json_array_foreach(list, i, vector) assert_handover(vector);
	assert_true(i > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),      cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_channels),      cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_registrations), cmocka_unit_test(test_handovers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("golden", tests, load, unload);
}
