/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The codec as a whole: what is written is read, and every way to damage a message has its reason.
 *
 * Messages are drawn at random from a fixed seed, written, and then operated on as octets, by a few
 * lines that know the shape of an attribute and nothing else. What each type carries is taken from
 * the codec's table, which test-protocol.c compares with PROTOCOL; single values are the business
 * of test-message-values.c.
 */
#include "message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "message_table.h"
#include "octets.h"
#include "random_message.h"

#define ROUNDS 100
#define BIT(a) (UINT64_C(1) << (a))

static struct random seed;

/* How often each reason came out of the codec. */
static unsigned int met[DROP_COUNT];

static int reset(void **state)
{
	(void)state;
	seed.state = 6275;
	return 0;
}

/* Calls test for each type and each of its places. */
static void each_row(void (*test)(enum message_type type, enum message_place place))
{
	for (unsigned int type = 0; type <= UINT8_MAX; type++)
		for (unsigned int place = 1; place <= PLACE_REGISTRATION; place <<= 1)
			if (message_row(type) && message_row(type)->places & place)
				test(type, place);
}

static struct octets written(const struct message *m)
{
	struct octets o;
	int length = message_write(m, o.bytes, sizeof(o.bytes));

	if (length < 0)
		fail_msg("%s was not written: %d", message_type_name(m->type), length);
	o.length = (size_t)length;
	return o;
}

/*
 * Reads from memory of exactly the length, so that the address sanitizer sees a step beyond it;
 * what was dropped leaves nothing behind.
 */
static enum drop read_back(struct message *m, enum message_place place, const uint8_t *bytes,
			   size_t length)
{
	static const struct message nothing;
	uint8_t *exact = malloc(length + !length);
	enum drop drop;

	memcpy(exact, bytes, length);
	memset(m, 0x55, sizeof(*m));
	drop = message_read(m, place, exact, length);
	free(exact);
	met[drop]++;
	if (drop != DROP_NONE)
		assert_memory_equal(m, &nothing, sizeof(nothing));
	return drop;
}

static void assert_drop(enum drop expected, enum message_place place, const struct octets *o,
			const char *what, unsigned int code)
{
	struct message m;
	enum drop drop = read_back(&m, place, o->bytes, o->length);

	if (drop != expected)
		fail_msg("%s, %s 0x%02x: %s instead of %s",
			 message_type_name((enum message_type)o->bytes[0]), what, code,
			 drop_name(drop), drop_name(expected));
}

/* Everything the row allows. */
static struct message full_message(enum message_type type, enum message_place place)
{
	struct message m;

	random_message(&m, type, random_present(type, place, true, &seed), 200, &seed);
	return m;
}

static void round_trip(enum message_type type, enum message_place place)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct message m, back;
		struct octets o, again;

		random_message(&m, type, random_present(type, place, i == 0, &seed),
			       SNO_HANDSHAKE_MAX, &seed);
		o = written(&m);
		assert_drop(DROP_NONE, place, &o, "round", i);
		read_back(&back, place, o.bytes, o.length);
		assert_memory_equal(&back, &m, sizeof(m));
		again = written(&back);
		assert_int_equal(again.length, o.length);
		assert_memory_equal(again.bytes, o.bytes, o.length);
	}
}

static void test_round_trip(void **state)
{
	(void)state;
	each_row(round_trip);
}

/* Whether the row, by PROTOCOL 3.1, can do without an attribute of a message that has all others,
 * and REASON 0 or not. */
static bool needed(enum message_type type, enum message_place place, enum attribute a,
		   bool accepted)
{
	const struct message_row *row = message_row(type);
	uint64_t required = row->required | (place == PLACE_CORE ? row->core : 0) |
			    (accepted ? row->accepted : 0);

	return (required | row->together) & BIT(a);
}

static void remove_each(enum message_type type, enum message_place place)
{
	for (unsigned int accepted = 0; accepted < 2; accepted++) {
		struct message m = full_message(type, place);

		if (message_has(&m, ATTR_REASON))
			message_set_number(&m, ATTR_REASON,
					   accepted ? REASON_ACCEPTED : REASON_BUSY);
		for (unsigned int a = 1; a < ATTR_COUNT; a++) {
			struct octets o = written(&m);
			struct message less = m;
			bool must = needed(type, place, a, accepted);
			size_t at = octets_find(&o, a);

			if (!message_has(&m, a))
				continue;
			octets_cut(&o, at);
			assert_drop(must ? DROP_MISSING : DROP_NONE, place, &o, "without", a);
			less.present &= ~BIT(a);
			if (must && !(message_row(type)->core & BIT(a)))
				assert_int_equal(message_write(&less, o.bytes, sizeof(o.bytes)),
						 -EINVAL);
		}
	}
}

static void test_missing(void **state)
{
	(void)state;
	each_row(remove_each);
}

/* Of the home addresses an accepted message needs one, whichever. */
static void one_address(enum message_type type, enum message_place place)
{
	const uint64_t both = BIT(ATTR_HOA4) | BIT(ATTR_HOA6);
	struct message m, back;
	struct octets o;
	size_t at;

	if (!(message_row(type)->optional & BIT(ATTR_HOA4)))
		return;
	m = full_message(type, place);
	if (message_has(&m, ATTR_REASON))
		message_set_number(&m, ATTR_REASON, REASON_ACCEPTED);
	o = written(&m);
	at = octets_find(&o, ATTR_HOA4);
	octets_cut(&o, at);
	assert_int_equal(read_back(&back, place, o.bytes, o.length), DROP_NONE);
	at = octets_find(&o, ATTR_HOA6);
	octets_cut(&o, at);
	assert_drop(DROP_MISSING, place, &o, "without both", ATTR_HOA4);
	m.present &= ~both;
	assert_int_equal(message_write(&m, o.bytes, sizeof(o.bytes)), -EINVAL);
	if (!message_has(&m, ATTR_REASON))
		return;
	message_set_number(&m, ATTR_REASON, REASON_RESYNC);
	o = written(&m);
	assert_drop(DROP_NONE, place, &o, "refusal without both", ATTR_HOA4);
}

static void test_one_home_address(void **state)
{
	(void)state;
	each_row(one_address);
}

/* A group that stands together may be absent as a whole; remove_each() takes out single ones. */
static void without_group(enum message_type type, enum message_place place)
{
	const uint64_t group = message_row(type)->together;
	struct message m;
	struct octets o;

	if (!group)
		return;
	m = full_message(type, place);
	m.present &= ~group;
	o = written(&m);
	assert_drop(DROP_NONE, place, &o, "without its group", 0);
	for (unsigned int a = 1; a < ATTR_COUNT; a++) {
		struct message more = m;

		if (!(group & BIT(a)))
			continue;
		more.present |= BIT(a);
		assert_int_equal(message_write(&more, o.bytes, sizeof(o.bytes)), -EINVAL);
	}
}

static void test_together(void **state)
{
	(void)state;
	each_row(without_group);
}

static void add_each(enum message_type type, enum message_place place)
{
	const struct message_row *row = message_row(type);
	const struct message m = full_message(type, place);

	for (unsigned int a = 1; a < ATTR_COUNT; a++) {
		struct octets o = written(&m), more;
		struct message spare;
		size_t at;

		if ((row->required | row->optional) & BIT(a))
			continue;
		spare = m;
		random_attribute(&spare, a, 60, &seed);
		assert_int_equal(message_write(&spare, more.bytes, sizeof(more.bytes)), -EINVAL);

		/* Its shortest form is enough: the row is looked at before the value. */
		memset(more.bytes, 'a', sizeof(more.bytes));
		at = octets_find(&o, a);
		octets_insert(&o, at, a, more.bytes, attribute_row(a)->min);
		assert_drop(DROP_UNEXPECTED, place, &o, "with", a);
	}
}

static void test_unexpected(void **state)
{
	(void)state;
	each_row(add_each);
}

static void bounds_of_each(enum message_type type, enum message_place place)
{
	static const uint8_t filler[SNO_DATAGRAM_MAX];
	struct message m = full_message(type, place);

	for (unsigned int a = 1; a < ATTR_COUNT; a++) {
		const struct attribute_row *row = attribute_row(a);

		if (!message_has(&m, a))
			continue;
		for (size_t length = 0; length <= row->max + 2u && length < 70; length++) {
			struct octets o = written(&m);
			size_t at = octets_find(&o, a);
			bool good = length >= row->min && length <= row->max;

			if (a == ATTR_COA)
				good = length == 4 || length == 16;
			if (good)
				continue;
			octets_cut(&o, at);
			octets_insert(&o, at, a, filler, length);
			assert_drop(DROP_LENGTH, place, &o, "length of", a);
		}
	}
}

static void test_length(void **state)
{
	(void)state;
	each_row(bounds_of_each);
}

/* The long attributes, one octet to either side of each end. */
static void test_length_ends(void **state)
{
	static const struct {
		enum message_type type;
		enum message_place place;
		enum attribute attribute;
		size_t min, max;
	} cases[] = {
		{MESSAGE_CORE_DISCOVERY, PLACE_CLEAR, ATTR_REALM, 1, 63},
		{MESSAGE_CORE_DISCOVERY, PLACE_CLEAR, ATTR_HANDSHAKE, 48, 768},
		{MESSAGE_AUTHENTICATION, PLACE_CORE, ATTR_HANDSHAKE, 48, 768},
		{MESSAGE_REGISTRATION_DONE, PLACE_CLEAR, ATTR_SEALED, 24, 768},
		{MESSAGE_CORE_DISCONNECT, PLACE_ACCESS, ATTR_NEXT_SATELLITE, 1, 63},
	};
	char filler[1024];

	(void)state;
	memset(filler, 'x', sizeof(filler));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const size_t lengths[] = {cases[i].min - 1, cases[i].min, cases[i].max,
					  cases[i].max + 1};
		struct message m;

		random_message(&m, cases[i].type,
			       message_row(cases[i].type)->required | BIT(cases[i].attribute), 200,
			       &seed);
		if (message_has(&m, ATTR_HANDSHAKE))
			message_set_blob(&m, ATTR_HANDSHAKE, filler, SNO_HANDSHAKE_MIN);
		for (unsigned int j = 0; j < 4; j++) {
			struct octets o = written(&m);
			size_t at = octets_find(&o, cases[i].attribute);

			octets_cut(&o, at);
			octets_insert(&o, at, cases[i].attribute, filler, lengths[j]);
			assert_drop(j == 1 || j == 2 ? DROP_NONE : DROP_LENGTH, cases[i].place, &o,
				    "length of", cases[i].attribute);
		}
	}
}

static void swap_each(enum message_type type, enum message_place place)
{
	const struct message m = full_message(type, place);
	const struct octets original = written(&m);
	size_t at = SNO_HEAD_LENGTH;

	while (at < original.length) {
		size_t first = octets_extent(&original, at), next = at + first;
		unsigned int code = original.bytes[at];
		struct octets twice = original, swapped = original;

		octets_insert(&twice, next, code, original.bytes + at + 3, first - 3);
		assert_drop(DROP_ORDER, place, &twice, "twice", code);
		if (next < original.length) {
			size_t second = octets_extent(&original, next);

			memcpy(swapped.bytes + at, original.bytes + next, second);
			memcpy(swapped.bytes + at + second, original.bytes + at, first);
			assert_drop(DROP_ORDER, place, &swapped, "after its successor", code);
		}
		at = next;
	}
}

static void test_order(void **state)
{
	(void)state;
	each_row(swap_each);
}

static void unknown_each(enum message_type type, enum message_place place)
{
	const struct message m = full_message(type, place);
	const struct octets original = written(&m);

	for (unsigned int code = 0; code <= UINT8_MAX; code++) {
		struct octets o = original;
		struct message back;

		if (code > 0 && code < ATTR_COUNT)
			continue;
		octets_insert(&o, octets_find(&o, code), code, "?", code % 2);
		assert_drop(code < 0x80 ? DROP_UNKNOWN : DROP_NONE, place, &o, "with", code);
		if (code < 0x80)
			continue;
		read_back(&back, place, o.bytes, o.length);
		assert_memory_equal(&back, &m, sizeof(m));
	}
}

static void test_unknown(void **state)
{
	(void)state;
	each_row(unknown_each);
}

/* Attributes to be skipped must still be well-formed and in order. */
static void test_skipped_shape(void **state)
{
	struct message m;
	struct octets o;

	(void)state;
	message_init(&m, MESSAGE_KEEPALIVE, 0);
	o = written(&m);
	octets_insert(&o, o.length, 0x80, "abc", 3);
	octets_insert(&o, o.length, 0xff, NULL, 0);
	assert_drop(DROP_NONE, PLACE_CORE, &o, "two skipped", 0);
	o.length--;
	assert_drop(DROP_SHORT, PLACE_CORE, &o, "cut", 0);
	o.length++;
	octets_insert(&o, o.length, 0xff, NULL, 0);
	assert_drop(DROP_ORDER, PLACE_CORE, &o, "twice", 0xff);
	o.length -= 3;
	octets_insert(&o, o.length, 0x1c, "b", 1);
	assert_drop(DROP_ORDER, PLACE_CORE, &o, "after a skipped one", 0x1c);
}

static void test_places(void **state)
{
	(void)state;
	for (unsigned int type = 0; type <= UINT8_MAX; type++) {
		const struct message_row *row = message_row(type);

		for (unsigned int place = 1; place <= PLACE_REGISTRATION; place <<= 1) {
			struct octets o = {.bytes = {(uint8_t)type, 1, 0, 0, 0, 0, 0, 7},
					   .length = 8};
			struct message m;

			if (row && row->places) {
				random_message(&m, type,
					       random_present(type, PLACE_CORE, true, &seed), 200,
					       &seed);
				o = written(&m);
			}
			assert_drop(row && row->places & place ? DROP_NONE : DROP_TYPE, place, &o,
				    "place", place);
		}
	}
}

static void truncate_each(enum message_type type, enum message_place place)
{
	const struct message m = full_message(type, place);
	const struct octets original = written(&m);
	const struct message_row *row = message_row(type);
	size_t boundary = SNO_HEAD_LENGTH;
	uint64_t present = 0;

	for (size_t length = 0; length < original.length; length++) {
		struct octets o = original;
		enum drop expected = DROP_SHORT;
		uint64_t required = row->required | (place == PLACE_CORE ? row->core : 0);
		uint64_t any = 0;

		/* Between two attributes nothing is cut; then the row decides. */
		if (length == boundary) {
			if (!(present & BIT(ATTR_REASON)) || m.reason == REASON_ACCEPTED) {
				required |= row->accepted;
				any = row->accepted_any;
			}
			if (present & row->together)
				required |= row->together;
			expected = (present & required) == required && (!any || present & any)
					   ? DROP_NONE
					   : DROP_MISSING;
			present |= BIT(original.bytes[boundary]);
			boundary += octets_extent(&original, boundary);
		}
		o.length = length;
		assert_drop(expected, place, &o, "cut at", (unsigned int)length);
	}
}

static void test_truncated(void **state)
{
	(void)state;
	each_row(truncate_each);
}

/* Each single octet changed in every bit: never more than another message, never two forms of one.
 */
static void mutate_each(enum message_type type, enum message_place place)
{
	const struct message m = full_message(type, place);
	const struct octets original = written(&m);

	for (size_t i = 0; i < original.length; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			struct octets o = original, again;
			struct message back;

			o.bytes[i] ^= (uint8_t)(1u << bit);
			if (read_back(&back, place, o.bytes, o.length) != DROP_NONE)
				continue;
			again = written(&back);
			if (again.length != o.length)
				continue; /* an attribute became one to be skipped */
			assert_memory_equal(again.bytes, o.bytes, o.length);
		}
	}
}

static void test_mutated(void **state)
{
	(void)state;
	each_row(mutate_each);
}

static void test_head(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		enum drop drop;
	} cases[] = {
		{"\x3e\x01\x00\x00\x00\x00\x00\x00", 8, DROP_NONE},
		{"\x3e\x01\x00\x00\x00\x00\x00\x00", 7, DROP_SHORT},
		{"\x3e\x02", 2, DROP_SHORT},
		{"", 0, DROP_SHORT},
		{"\x3e\x00\x00\x00\x00\x00\x00\x00", 8, DROP_VERSION},
		{"\x3e\x02\x00\x00\x00\x00\x00\x00", 8, DROP_VERSION},
		{"\x3e\x01\x00\x01\x00\x00\x00\x00", 8, DROP_VERSION},
		{"\x3e\x01\x80\x00\x00\x00\x00\x00", 8, DROP_VERSION},
		{"\xee\x02\x00\x00\x00\x00\x00\x00", 8, DROP_VERSION},
		{"\xee\x01\x00\x00\x00\x00\x00\x00", 8, DROP_TYPE},
		{"\x3e\x01\x00\x00\x00\x00\x00\x01", 8, DROP_VALUE},
		{"\x32\x01\x00\x00\x00\x00\x00\x01", 8, DROP_NONE},
		{"\x32\x01\x00\x00\x00\x00\x00\x00", 8, DROP_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct octets o = {.length = cases[i].length};

		memcpy(o.bytes, cases[i].bytes, o.length);
		assert_drop(cases[i].drop, PLACE_ACCESS, &o, "head", (unsigned int)i);
	}
}

static void test_long(void **state)
{
	static const uint8_t filler[SNO_DATAGRAM_MAX];
	struct message m;
	struct octets o;

	(void)state;
	message_init(&m, MESSAGE_KEEPALIVE, 0);
	o = written(&m);
	octets_insert(&o, o.length, 0x80, filler, SNO_DATAGRAM_MAX - o.length - 3);
	assert_int_equal(o.length, SNO_DATAGRAM_MAX);
	assert_drop(DROP_NONE, PLACE_CORE, &o, "longest", 0);
	o.bytes[o.length++] = 0;
	assert_drop(DROP_LONG, PLACE_CORE, &o, "too long", 0);
	o.bytes[1] = 2;
	assert_drop(DROP_LONG, PLACE_CORE, &o, "too long before all else", 0);
}

static void test_write_room(void **state)
{
	struct message m = full_message(MESSAGE_AUTHENTICATION_ACK, PLACE_CORE);
	const struct octets o = written(&m);

	(void)state;
	for (size_t cap = 0; cap <= o.length; cap++) {
		uint8_t *room = malloc(cap + !cap);

		assert_int_equal(message_write(&m, room, cap),
				 cap < o.length ? -EMSGSIZE : (int)o.length);
		free(room);
	}
}

/* Last: what was tested above met every reason that is the codec's to give. */
static void test_reasons_met(void **state)
{
	(void)state;
	for (unsigned int drop = DROP_NONE; drop <= DROP_LONG; drop++)
		if (!met[drop])
			fail_msg("no test met %s", drop_name(drop));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_round_trip, reset),
		cmocka_unit_test_setup(test_missing, reset),
		cmocka_unit_test_setup(test_one_home_address, reset),
		cmocka_unit_test_setup(test_together, reset),
		cmocka_unit_test_setup(test_unexpected, reset),
		cmocka_unit_test_setup(test_length, reset),
		cmocka_unit_test_setup(test_length_ends, reset),
		cmocka_unit_test_setup(test_order, reset),
		cmocka_unit_test_setup(test_unknown, reset),
		cmocka_unit_test_setup(test_skipped_shape, reset),
		cmocka_unit_test_setup(test_places, reset),
		cmocka_unit_test_setup(test_truncated, reset),
		cmocka_unit_test_setup(test_mutated, reset),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_long),
		cmocka_unit_test_setup(test_write_room, reset),
		cmocka_unit_test(test_reasons_met),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
