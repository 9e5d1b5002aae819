/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single values of the codec: their octets, written here by hand from PROTOCOL section 3.2, the
 * ends of their domains, what setters refuse, and the names of everything.
 */
#include "message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "message_table.h"
#include "octets.h"
#include "random_message.h"
#include "tests/message_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define BIT(a)	     (UINT64_C(1) << (a))

/* A type and place that carries each attribute. */
static enum message_type carrier(enum attribute a, enum message_place *place)
{
	static const struct {
		enum message_type type;
		enum message_place place;
	} carriers[] = {
		{MESSAGE_HELLO, PLACE_HELLO},
		{MESSAGE_IDENTITY, PLACE_IDENTITY},
		{MESSAGE_CORE_ADVERTISEMENT, PLACE_CLEAR},
		{MESSAGE_REGISTRATION_DONE, PLACE_CLEAR},
		{MESSAGE_REGISTRATION, PLACE_REGISTRATION},
		{MESSAGE_AUTHENTICATION, PLACE_CORE},
		{MESSAGE_AUTHENTICATION_ACK, PLACE_CORE},
		{MESSAGE_TUNNEL_REQUEST, PLACE_CORE},
		{MESSAGE_CORE_DISCONNECT, PLACE_ACCESS},
		{MESSAGE_HANDOVER_DONE, PLACE_ACCESS},
		{MESSAGE_PROACTIVE_AUTHENTICATION, PLACE_CORE},
		{MESSAGE_CORE_DISCOVERY, PLACE_CLEAR},
	};

	for (size_t i = 0; i < COUNT(carriers); i++) {
		const struct message_row *row = message_row(carriers[i].type);

		*place = carriers[i].place;
		if ((row->required | row->optional) & BIT(a))
			return carriers[i].type;
	}
	fail_msg("nothing carries %s", attribute_name(a));
	return MESSAGE_ERROR;
}

/* A carrier with this attribute and random others. */
static struct octets carried(enum attribute a, struct message *m, enum message_place *place)
{
	struct random seed = {a};
	enum message_type type = carrier(a, place);
	uint64_t present;
	struct octets o;
	int length;

	present = random_present(type, *place, false, &seed) | BIT(a);
	if (present & message_row(type)->together)
		present |= message_row(type)->together;
	random_message(m, type, present, 60, &seed);
	if (message_has(m, ATTR_REASON))
		message_set_number(m, ATTR_REASON, REASON_BUSY);
	length = message_write(m, o.bytes, sizeof(o.bytes));
	assert_true(length > 0);
	o.length = (size_t)length;
	return o;
}

/* The same with these octets in place of the attribute's value. */
static struct octets carried_value(enum attribute a, const char *hex, enum message_place *place)
{
	uint8_t value[SNO_DATAGRAM_MAX];
	ssize_t length = hex_decode(value, sizeof(value), hex);
	struct message m;
	struct octets o = carried(a, &m, place);
	size_t at = octets_find(&o, a);

	assert_true(length >= 0);
	octets_cut(&o, at);
	octets_insert(&o, at, a, value, (size_t)length);
	return o;
}

static const struct {
	enum attribute attribute;
	const char *text;
	const char *octets;
} written[] = {
	{ATTR_CORE, "a", "61"},
	{ATTR_CORE, "a.example", "612e6578616d706c65"},
	{ATTR_REALM, "az09-._", "617a30392d2e5f"},
	{ATTR_USER, "alice", "616c696365"},
	{ATTR_EPOCH, "1", "0000000000000001"},
	{ATTR_EPOCH, "18446744073709551615", "ffffffffffffffff"},
	{ATTR_HOME_EPOCH, "0", "0000000000000000"},
	{ATTR_HOME_EPOCH, "81985529216486895", "0123456789abcdef"},
	{ATTR_COUNTER, "258", "0000000000000102"},
	{ATTR_INDEX, "305419896", "12345678"},
	{ATTR_HANDSHAKE,
	 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	 "202122232425262728292a2b2c2d2e2f",
	 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	 "202122232425262728292a2b2c2d2e2f"},
	{ATTR_SEALED, "00112233445566778899aabbccddeeff0011223344556677",
	 "00112233445566778899aabbccddeeff0011223344556677"},
	{ATTR_LINK_LAYER, "02:53:4e:4f:00:01", "02534e4f0001"},
	{ATTR_LINK_LOCAL, "fe80::5:6ff:fe07:809", "fe80000000000000000506fffe070809"},
	{ATTR_MTU, "1280", "0500"},
	{ATTR_MTU, "65535", "ffff"},
	{ATTR_INTERVAL, "1", "0001"},
	{ATTR_INTERVAL, "1000", "03e8"},
	{ATTR_REASON, "4", "0004"},
	{ATTR_REASON, "65535", "ffff"},
	{ATTR_LIFETIME, "0", "00000000"},
	{ATTR_LIFETIME, "300", "0000012c"},
	{ATTR_HOA4, "10.1.0.7", "0a010007"},
	{ATTR_HOA6, "2001:db8:a::7", "20010db8000a00000000000000000007"},
	{ATTR_PREFIX, "2001:db8:a01::/56", "3820010db80a0100000000000000000000"},
	{ATTR_PREFIX, "2001:db8::1/128", "8020010db8000000000000000000000001"},
	{ATTR_PREFIX, "8000::/1", "0180000000000000000000000000000000"},
	{ATTR_ACCESS_KEY, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
	{ATTR_BINDING, "4294967296", "0000000100000000"},
	{ATTR_COA, "198.51.100.9", "c6336409"},
	{ATTR_COA, "2001:db8:c::9", "20010db8000c00000000000000000009"},
	{ATTR_TUNNEL_KIND, "16", "10"},
	{ATTR_TUNNEL_KINDS, "31", "1f"},
	{ATTR_TUNNEL_KEY, "16777215", "00ffffff"},
	{ATTR_TUNNEL_END4, "192.0.2.1", "c0000201"},
	{ATTR_TUNNEL_END6, "2001:db8::1", "20010db8000000000000000000000001"},
	{ATTR_NEXT_SATELLITE, "s2", "7332"},
	{ATTR_NEXT_CORE, "b.example", "622e6578616d706c65"},
	{ATTR_GAP, "50000", "0000c350"},
	{ATTR_REGISTRATION_TIME, "100123", "0001871b"},
	{ATTR_HANDOVER_COUNTER, "1", "0000000000000001"},
	{ATTR_HANDOVER_COUNTER, "18446744073709551615", "ffffffffffffffff"},
	{ATTR_HANDOVER_KEY, "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100",
	 "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100"},
	{ATTR_ARRIVAL, "000102030405060708090a0b0c0d0e0f", "000102030405060708090a0b0c0d0e0f"},
	{ATTR_EXPECTED, "0", "00000000"},
	{ATTR_EXPECTED, "2000", "000007d0"},
	{ATTR_HOLD, "0", "00"},
	{ATTR_HOLD, "1", "01"},
	{ATTR_UPLINK_DELAY, "12500", "000030d4"},
	{ATTR_MODE, "1", "01"},
	{ATTR_MODE, "5", "05"},
	{ATTR_FIRST_PACKET, "4294967295", "ffffffff"},
	{ATTR_BUFFERED, "1500", "000005dc"},
	{ATTR_DROPPED, "0", "00000000"},
	{ATTR_HANDOVER_TAG, "0001020304050607", "0001020304050607"},
	{ATTR_HANDOVER_PROOF, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	 "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"},
	{ATTR_EPHEMERAL, "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	 "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"},
	{ATTR_SUITES, "3", "03"},
	{ATTR_SUITE, "2", "02"},
	{ATTR_SPI, "256", "00000100"},
	{ATTR_SPI, "4294967295", "ffffffff"},
};

/* Each attribute as text and as octets: both ways between the two. */
static void test_octets(void **state)
{
	uint64_t seen = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(written); i++) {
		enum attribute a = written[i].attribute;
		char text[MESSAGE_VALUE_TEXT], hex[2 * SNO_DATAGRAM_MAX];
		struct message m;
		enum message_place place;
		struct octets o;
		size_t at;
		int length;

		carried(a, &m, &place);
		assert_true(message_set_from_text(&m, a, written[i].text));
		length = message_write(&m, o.bytes, sizeof(o.bytes));
		assert_true(length > 0);
		o.length = (size_t)length;
		at = octets_find(&o, a);
		hex_encode(hex, o.bytes + at + 3, octets_extent(&o, at) - 3);
		assert_string_equal(hex, written[i].octets);

		o = carried_value(a, written[i].octets, &place);
		assert_int_equal(message_read(&m, place, o.bytes, o.length), DROP_NONE);
		assert_string_equal(message_value_text(&m, a, text), written[i].text);
		seen |= BIT(a);
	}
	for (unsigned int a = 1; a < ATTR_COUNT; a++)
		if (!(seen & BIT(a)))
			fail_msg("no case for %s", attribute_name(a));
}

static const struct {
	enum attribute attribute;
	const char *octets;
	bool good;
} domains[] = {
	{ATTR_CORE, "41", false},     /* A */
	{ATTR_CORE, "6120", false},   /* blank */
	{ATTR_CORE, "6100", false},   /* NUL at the end */
	{ATTR_CORE, "610062", false}, /* and inside */
	{ATTR_CORE, "00", false},
	{ATTR_CORE, "c3a4", false},   /* UTF-8 beyond ASCII */
	{ATTR_CORE, "612f62", false}, /* / */
	{ATTR_REALM, "6140", false},  /* @ */
	{ATTR_USER, "7f", false},
	{ATTR_NEXT_SATELLITE, "5b", false},
	{ATTR_NEXT_CORE, "60", false},
	{ATTR_NEXT_CORE, "7b", false},
	{ATTR_EPOCH, "0000000000000000", false},
	{ATTR_BINDING, "0000000000000000", false},
	{ATTR_INDEX, "00000000", false},
	{ATTR_INDEX, "ffffffff", true},
	{ATTR_LINK_LAYER, "000000000000", false},
	{ATTR_LINK_LAYER, "000000000001", true},
	{ATTR_LINK_LAYER, "01005e000001", false},
	{ATTR_LINK_LAYER, "ffffffffffff", false},
	{ATTR_LINK_LOCAL, "febfffffffffffffffffffffffffffff", true},
	{ATTR_LINK_LOCAL, "fec00000000000000000000000000001", false},
	{ATTR_LINK_LOCAL, "20010db8000000000000000000000001", false},
	{ATTR_MTU, "04ff", false},
	{ATTR_MTU, "0000", false},
	{ATTR_INTERVAL, "0000", false},
	{ATTR_HOA4, "00000000", false},
	{ATTR_HOA4, "00ffffff", false},
	{ATTR_HOA4, "01000000", true},
	{ATTR_HOA4, "7f000001", false},
	{ATTR_HOA4, "80000000", true},
	{ATTR_HOA4, "dfffffff", true},
	{ATTR_HOA4, "e0000001", false},
	{ATTR_HOA4, "ffffffff", false},
	{ATTR_HOA6, "00000000000000000000000000000000", false},
	{ATTR_HOA6, "00000000000000000000000000000001", false},
	{ATTR_HOA6, "00000000000000000000ffff0a010007", false},
	{ATTR_HOA6, "fe800000000000000000000000000001", false},
	{ATTR_HOA6, "ff020000000000000000000000000001", false},
	{ATTR_HOA6, "fd000000000000000000000000000001", true},
	{ATTR_COA, "e0000001", false},
	{ATTR_COA, "ff0e0000000000000000000000000001", false},
	{ATTR_TUNNEL_END4, "7f000001", false},
	{ATTR_TUNNEL_END6, "ff020000000000000000000000000001", false},
	{ATTR_PREFIX, "0000000000000000000000000000000000", false},
	{ATTR_PREFIX, "8120010db8000000000000000000000000", false},
	{ATTR_PREFIX, "ff20010db8000000000000000000000000", false},
	{ATTR_PREFIX, "3820010db80a0100010000000000000000", false},
	{ATTR_PREFIX, "3820010db80a0101000000000000000000", true},
	{ATTR_PREFIX, "0100000000000000000000000000000000", true},
	{ATTR_PREFIX, "0140000000000000000000000000000000", false},
	{ATTR_PREFIX, "7f20010db8000000000000000000000001", false},
	{ATTR_TUNNEL_KIND, "00", false},
	{ATTR_TUNNEL_KIND, "03", false},
	{ATTR_TUNNEL_KIND, "18", false},
	{ATTR_TUNNEL_KIND, "20", false},
	{ATTR_TUNNEL_KIND, "80", false},
	{ATTR_TUNNEL_KIND, "08", true},
	{ATTR_TUNNEL_KINDS, "00", false},
	{ATTR_TUNNEL_KINDS, "20", false},
	{ATTR_TUNNEL_KINDS, "21", false},
	{ATTR_TUNNEL_KINDS, "15", true},
	{ATTR_TUNNEL_KEY, "00000000", false},
	{ATTR_TUNNEL_KEY, "00000001", true},
	{ATTR_TUNNEL_KEY, "01000000", false},
	{ATTR_HANDOVER_COUNTER, "0000000000000000", false},
	{ATTR_HOLD, "02", false},
	{ATTR_HOLD, "ff", false},
	{ATTR_MODE, "00", false},
	{ATTR_MODE, "06", false},
	{ATTR_MODE, "80", false},
};

/* Values whose length is right. */
static void test_domains(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(domains); i++) {
		enum message_place place;
		struct octets o = carried_value(domains[i].attribute, domains[i].octets, &place);
		struct message m;
		enum drop drop = message_read(&m, place, o.bytes, o.length);

		if (drop != (domains[i].good ? DROP_NONE : DROP_VALUE))
			fail_msg("%s %s: %s", attribute_name(domains[i].attribute),
				 domains[i].octets, drop_name(drop));
	}
}

/* The same from the sending side: what reading would drop is not written. */
static void test_unwritable(void **state)
{
	static const struct {
		enum attribute attribute;
		const char *text;
	} cases[] = {
		{ATTR_CORE, ""},
		{ATTR_CORE, "A"},
		{ATTR_CORE, "a b"},
		{ATTR_USER, "0123456789012345678901234567890123456789012345678901234567890123"},
		{ATTR_EPOCH, "0"},
		{ATTR_BINDING, "0"},
		{ATTR_INDEX, "0"},
		{ATTR_INDEX, "4294967296"},
		{ATTR_INDEX, "4294967297"},
		{ATTR_LIFETIME, "4294967296"},
		{ATTR_MTU, "1279"},
		{ATTR_MTU, "65536"},
		{ATTR_MTU, "67000"},
		{ATTR_INTERVAL, "0"},
		{ATTR_REASON, "65536"},
		{ATTR_TUNNEL_KIND, "3"},
		{ATTR_TUNNEL_KIND, "257"},
		{ATTR_TUNNEL_KINDS, "0"},
		{ATTR_TUNNEL_KINDS, "287"},
		{ATTR_TUNNEL_KEY, "0"},
		{ATTR_TUNNEL_KEY, "16777216"},
		{ATTR_HANDOVER_COUNTER, "0"},
		{ATTR_EXPECTED, "4294967296"},
		{ATTR_HOLD, "2"},
		{ATTR_MODE, "0"},
		{ATTR_MODE, "6"},
		{ATTR_MODE, "257"},
		{ATTR_HOA4, "2001:db8::1"},
		{ATTR_HOA4, "127.0.0.1"},
		{ATTR_HOA6, "10.1.0.7"},
		{ATTR_HOA6, "fe80::1"},
		{ATTR_TUNNEL_END6, "::ffff:192.0.2.1"},
		{ATTR_COA, "224.0.0.1"},
		{ATTR_LINK_LOCAL, "2001:db8::1"},
		{ATTR_LINK_LOCAL, "192.0.2.1"},
		{ATTR_PREFIX, "10.1.0.0/24"},
		{ATTR_PREFIX, "::/0"},
		{ATTR_HANDSHAKE, "00112233"},
		{ATTR_HANDSHAKE, ""},
		{ATTR_SEALED, "00112233445566778899aabbccddeeff00112233445566"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum attribute a = cases[i].attribute;
		uint8_t out[SNO_DATAGRAM_MAX];
		enum message_place place;
		struct message m;

		carried(a, &m, &place);
		assert_true(message_write(&m, out, sizeof(out)) > 0);
		if (!message_set_from_text(&m, a, cases[i].text))
			fail_msg("%s: no such text: %s", attribute_name(a), cases[i].text);
		if (message_write(&m, out, sizeof(out)) != -EINVAL)
			fail_msg("%s %s was written", attribute_name(a), cases[i].text);
	}
}

/* Fields changed without a setter. */
static void test_unwritable_fields(void **state)
{
	uint8_t out[SNO_DATAGRAM_MAX];
	enum message_place place;
	struct message m;

	(void)state;
	carried(ATTR_LINK_LAYER, &m, &place);
	m.link_layer.bytes[0] |= 1;
	assert_int_equal(message_write(&m, out, sizeof(out)), -EINVAL);

	carried(ATTR_CORE, &m, &place);
	memset(m.core, 'a', sizeof(m.core)); /* and no final NUL */
	assert_int_equal(message_write(&m, out, sizeof(out)), -EINVAL);

	carried(ATTR_HANDSHAKE, &m, &place);
	m.handshake.length = SNO_HANDSHAKE_MAX + 1;
	assert_int_equal(message_write(&m, out, sizeof(out)), -EINVAL);

	carried(ATTR_PREFIX, &m, &place);
	m.prefix.addr.bytes[15] |= 1;
	m.prefix.length = 127;
	assert_int_equal(message_write(&m, out, sizeof(out)), -EINVAL);

	carried(ATTR_HOA4, &m, &place);
	m.hoa4.family = AF_UNSPEC;
	assert_int_equal(message_write(&m, out, sizeof(out)), -EINVAL);
}

/* A setter of another type than the attribute's, or of no attribute. */
static void test_setter_mismatch(void **state)
{
	static const uint8_t key[32];
	static const struct addr none;
	static const struct prefix no_prefix;
	uint8_t out[SNO_DATAGRAM_MAX];
	struct addr address;
	struct message m;

	(void)state;
	assert_int_equal(addr_parse(&address, "192.0.2.1"), 0);
	for (unsigned int i = 0; i < 9; i++) {
		struct random seed = {i};

		random_message(&m, MESSAGE_AUTHENTICATION_ACK,
			       random_present(MESSAGE_AUTHENTICATION_ACK, PLACE_CORE, true, &seed),
			       60, &seed);
		assert_true(message_write(&m, out, sizeof(out)) > 0);
		switch (i) { /* of the right length, every one that has one */
		case 0:
			message_set_text(&m, ATTR_REASON, "ab");
			break;
		case 1:
			message_set_number(&m, ATTR_HOA4, 0x0a010007);
			break;
		case 2:
			message_set_addr(&m, ATTR_LIFETIME, &address);
			break;
		case 3:
			message_set_blob(&m, ATTR_ACCESS_KEY, key, sizeof(key));
			break;
		case 4:
			message_set_blob(&m, ATTR_USER, "alice", 5);
			break;
		case 5:
			message_set_number(&m, (enum attribute)0, 1);
			break;
		case 6:
			message_set_number(&m, ATTR_COUNT, 1);
			break;
		case 7:
			message_set_octets(&m, ATTR_LINK_LAYER, key);
			break;
		case 8:
			message_set_octets(&m, ATTR_COUNT, key);
			break;
		}
		if (message_write(&m, out, sizeof(out)) != -EINVAL)
			fail_msg("case %u was written", i);
	}
	message_init(&m, MESSAGE_REGISTRATION, 1);
	message_set_addr(&m, ATTR_COA, &none);
	message_set_prefix(&m, &no_prefix);
	assert_int_equal(m.present, 0);
	message_set_text(&m, ATTR_CORE, NULL);
	assert_false(message_has(&m, ATTR_CORE));
	assert_false(message_has(&m, (enum attribute)0));
	assert_false(message_has(&m, ATTR_COUNT));
	assert_false(message_has(&m, (enum attribute)200));
}

static void test_wipe(void **state)
{
	static const struct message nothing;
	struct random seed = {1};
	struct message m;

	(void)state;
	random_message(&m, MESSAGE_AUTHENTICATION_ACK,
		       random_present(MESSAGE_AUTHENTICATION_ACK, PLACE_CORE, true, &seed), 700,
		       &seed);
	message_wipe(&m);
	assert_memory_equal(&m, &nothing, sizeof(m));
}

static void test_head_alone(void **state)
{
	static const uint8_t sealed[8] = {0x03, 1, 0, 0, 0x12, 0x34, 0x56, 0x78};
	enum message_type type = MESSAGE_ERROR;
	uint8_t out[SNO_HEAD_LENGTH];
	uint32_t id = 99;

	(void)state;
	assert_int_equal(message_read_head(sealed, 7, &type, &id), DROP_SHORT);
	assert_int_equal(type, MESSAGE_ERROR);
	assert_int_equal(id, 99);
	assert_int_equal(message_read_head(sealed, 8, &type, &id), DROP_NONE);
	assert_int_equal(type, MESSAGE_SEALED);
	assert_int_equal(id, 0x12345678);
	message_write_head(out, MESSAGE_SEALED, 0x12345678);
	assert_memory_equal(out, sealed, sizeof(out));
}

/* Two octet strings may fit their rows and not a datagram. */
static void test_write_limit(void **state)
{
	uint8_t octets[SNO_HANDSHAKE_MAX] = {0};
	uint8_t out[2 * SNO_DATAGRAM_MAX];
	struct message m;

	(void)state;
	message_init(&m, MESSAGE_REGISTRATION_DONE, 1);
	message_set_blob(&m, ATTR_HANDSHAKE, octets, SNO_HANDSHAKE_MAX);
	message_set_blob(&m, ATTR_SEALED, octets, SNO_DATAGRAM_MAX - 8 - 771 - 3);
	assert_int_equal(message_write(&m, out, sizeof(out)), SNO_DATAGRAM_MAX);
	message_set_blob(&m, ATTR_SEALED, octets, SNO_DATAGRAM_MAX - 8 - 771 - 3 + 1);
	assert_int_equal(message_write(&m, out, sizeof(out)), -EMSGSIZE);
}

static void test_write_types(void **state)
{
	uint8_t out[2 * SNO_DATAGRAM_MAX];
	struct message m;

	(void)state;
	for (unsigned int type = 0; type <= UINT8_MAX + 2u; type++) {
		const struct message_row *row = message_row(type);

		if (row && row->places)
			continue;
		message_init(&m, type, 1);
		assert_int_equal(message_write(&m, out, sizeof(out)), -EINVAL);
	}
	message_init(&m, MESSAGE_KEEPALIVE, 1);
	assert_int_equal(message_write(&m, out, sizeof(out)), -EINVAL);
	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	assert_int_equal(message_write(&m, out, sizeof(out)), -EINVAL);
}

static void test_requests(void **state)
{
	(void)state;
	for (unsigned int type = 0; type <= UINT8_MAX; type++) {
		bool request = type >= 0x30 && type <= 0x3d;

		assert_int_equal(message_is_request(type), request);
		assert_int_equal(message_is_answer(type),
				 (type >= 0xb0 && type <= 0xbd) || type == 0xff);
		assert_int_equal(message_answer(type), request ? type + 0x80 : 0xff);
		if (request && message_row(type))
			assert_non_null(message_row(message_answer(type)));
	}
}

static void test_name_valid(void **state)
{
	char text[SNO_NAME_MAX + 2] = {0};

	(void)state;
	assert_false(message_name_valid(""));
	for (unsigned int c = 1; c <= UINT8_MAX; c++) {
		bool good = c && strchr("abcdefghijklmnopqrstuvwxyz0123456789-._", (int)c);

		text[0] = (char)c;
		assert_int_equal(message_name_valid(text), good);
	}
	memset(text, 'a', SNO_NAME_MAX);
	assert_true(message_name_valid(text));
	text[SNO_NAME_MAX] = 'a';
	assert_false(message_name_valid(text));
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(message_type_name(MESSAGE_CORE_DISCOVERY), "core discovery");
	assert_string_equal(message_type_name(0x77), "unknown-code");
	assert_string_equal(message_type_name((enum message_type)0x121), "unknown-code");
	assert_string_equal(attribute_name(ATTR_REGISTRATION_TIME), "REGISTRATION_TIME");
	assert_string_equal(attribute_name((enum attribute)0), "unknown-code");
	assert_string_equal(attribute_name(ATTR_COUNT), "unknown-code");
	assert_string_equal(reason_name(REASON_NO_CARE_OF_ADDRESS), "no-care-of-address");
	assert_string_equal(reason_name(REASON_COUNT), "unknown-code");
	assert_string_equal(drop_name(DROP_REPLAY), "replay");
	assert_string_equal(drop_name(DROP_COUNT), "unknown-code");
	assert_string_equal(tunnel_kind_name(TUNNEL_GRE4), "gre4");
	assert_string_equal(tunnel_kind_name(TUNNEL_GRE6), "gre6");
	assert_string_equal(tunnel_kind_name(TUNNEL_GPE4), "gpe4");
	assert_string_equal(tunnel_kind_name(TUNNEL_GPE6), "gpe6");
	assert_string_equal(tunnel_kind_name(TUNNEL_IPIP4), "ipip4");
	assert_string_equal(tunnel_kind_name((enum tunnel_kind)3), "unknown-code");
	assert_string_equal(suite_name(SUITE_CHACHA20_POLY1305), "chacha20-poly1305");
	assert_string_equal(suite_name(SUITE_AES_256_GCM), "aes-256-gcm");
	assert_string_equal(suite_name((enum suite)3), "unknown-code");
}

static void test_handover_modes(void **state)
{
	enum handover_mode mode = MODE_SOFT;

	(void)state;
	for (enum handover_mode m = MODE_BASELINE; m <= MODE_SOFT; m++) {
		assert_true(handover_mode_parse(handover_mode_name(m), &mode));
		assert_int_equal(mode, m);
	}
	assert_string_equal(handover_mode_name(MODE_BASELINE), "baseline");
	assert_string_equal(handover_mode_name(MODE_SOFT), "soft");
	assert_string_equal(handover_mode_name((enum handover_mode)0), "unknown-code");
	assert_string_equal(handover_mode_name((enum handover_mode)6), "unknown-code");
	mode = MODE_COMBINED;
	assert_false(handover_mode_parse("", &mode));
	assert_false(handover_mode_parse("Soft", &mode));
	assert_false(handover_mode_parse("softer", &mode));
	assert_false(handover_mode_parse("unknown-code", &mode));
	assert_int_equal(mode, MODE_COMBINED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_octets),		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_unwritable),	cmocka_unit_test(test_unwritable_fields),
		cmocka_unit_test(test_setter_mismatch), cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_head_alone),	cmocka_unit_test(test_write_limit),
		cmocka_unit_test(test_write_types),	cmocka_unit_test(test_requests),
		cmocka_unit_test(test_name_valid),	cmocka_unit_test(test_names),
		cmocka_unit_test(test_handover_modes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("message-values", tests, NULL, NULL);
}
