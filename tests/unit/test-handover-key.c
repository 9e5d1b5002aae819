/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of a foreseen move: against an independent computation, from the three sides that make
 * them, and what is no proof.
 */
#include "handover_key.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/hex.h"

#define NUMBER	UINT64_C(0x0102030405060708)
#define COUNTER 42

/*
 * Section 6.1, computed by Python's hmac and hashlib from root = 00 01 .. 1f, the target c.example,
 * number and counter above, and a discovery put together by hand: index 0x12345678, realm
 * a.example, HANDSHAKE 00 01 .. 2f, sent from the addresses below.
 */
static const char key_hex[] = "7a3f258f6cdda8e3fffd4537d7c2b24cec97c7fa8686d9cadb74abad80512dbe";
static const char tag_hex[] = "efd64e51ca33d10a";
static const char arrival_hex[] = "aa137b8ee97e69f633889214e6e2eb1a";
static const char proof_hex[] = "51c598a2cb8c5b981e0dc8238e1df017";
static const char access_hex[] = "70bf74e710126de64f030406cd0ace6154145388345a96846b8aa4b319f02646";
static const char discovery_hex[] =
	"2101000012345678020009612e6578616d706c65060008000000000000002a080030000102030405060708090a"
	"0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f210010aa137b8ee9"
	"7e69f633889214e6e2eb1a290008efd64e51ca33d10a2a001051c598a2cb8c5b981e0dc8238e1df017";

static uint8_t root[KEY_LENGTH], key[KEY_LENGTH];
static struct lladdr link_layer;
static struct addr link_local;

static int setup(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(root); i++)
		root[i] = (uint8_t)i;
	assert_int_equal(keys_init(), 0);
	assert_int_equal(handover_key(key, root, "c.example", NUMBER), 0);
	assert_int_equal(lladdr_parse(&link_layer, "02:53:4e:4f:00:01"), 0);
	assert_int_equal(addr_parse(&link_local, "fe80::5:6ff:fe07:809"), 0);
	return 0;
}

static void assert_hex(const uint8_t *bytes, size_t length, const char *hex)
{
	uint8_t expected[SNO_DATAGRAM_MAX];

	assert_int_equal(hex_decode(expected, sizeof(expected), hex), length);
	assert_memory_equal(bytes, expected, length);
}

/* Everything but tag and proof. */
static struct message bare_discovery(void)
{
	uint8_t handshake[SNO_HANDSHAKE_MIN], arrival[HANDOVER_ARRIVAL];
	struct message m;

	for (unsigned int i = 0; i < sizeof(handshake); i++)
		handshake[i] = (uint8_t)i;
	assert_int_equal(handover_arrival(arrival, root, "c.example", NUMBER, COUNTER), 0);
	message_init(&m, MESSAGE_CORE_DISCOVERY, 0x12345678);
	message_set_text(&m, ATTR_REALM, "a.example");
	message_set_number(&m, ATTR_COUNTER, COUNTER);
	message_set_blob(&m, ATTR_HANDSHAKE, handshake, sizeof(handshake));
	message_set_octets(&m, ATTR_ARRIVAL, arrival);
	return m;
}

static size_t discover(struct message *m, uint8_t out[SNO_DATAGRAM_MAX])
{
	int length;

	*m = bare_discovery();
	length = handover_discovery(m, key, &link_layer, &link_local, out, SNO_DATAGRAM_MAX);
	assert_true(length > 0);
	return (size_t)length;
}

static bool proven(const uint8_t *datagram, size_t length)
{
	return handover_proven(key, datagram, length, &link_layer, &link_local);
}

static void test_vectors(void **state)
{
	uint8_t out[SNO_DATAGRAM_MAX], tag[HANDOVER_TAG], access[KEY_LENGTH];
	struct message m, read;
	size_t length = discover(&m, out);

	(void)state;
	assert_hex(key, sizeof(key), key_hex);
	handover_tag(tag, key);
	assert_hex(tag, sizeof(tag), tag_hex);
	assert_hex(m.arrival, sizeof(m.arrival), arrival_hex);
	assert_hex(out, length, discovery_hex);
	handover_access_key(access, key, out, length);
	assert_hex(access, sizeof(access), access_hex);

	/* The message says what the datagram says. */
	assert_int_equal(message_read(&read, PLACE_CLEAR, out, length), DROP_NONE);
	assert_memory_equal(&read, &m, sizeof(m));
	assert_hex(m.handover_tag, sizeof(m.handover_tag), tag_hex);
	assert_hex(m.handover_proof, sizeof(m.handover_proof), proof_hex);
	assert_true(proven(out, length));
}

/* Another root, target, number or counter: nothing comes out the same. */
static void test_bound(void **state)
{
	uint8_t other_root[KEY_LENGTH], other[KEY_LENGTH], tag[HANDOVER_TAG];
	uint8_t arrival[HANDOVER_ARRIVAL], another[HANDOVER_ARRIVAL], mine[HANDOVER_TAG];
	const struct {
		const uint8_t *root;
		const char *target;
		uint64_t number, counter;
	} cases[] = {
		{other_root, "c.example", NUMBER, COUNTER},
		{root, "c.exampl", NUMBER, COUNTER},
		{root, "c.examplee", NUMBER, COUNTER},
		{root, "b.example", NUMBER, COUNTER},
		{root, "c.example", NUMBER + 1, COUNTER},
		{root, "c.example", NUMBER, COUNTER + 1},
		{root, "c.example", COUNTER, NUMBER},
	};

	(void)state;
	memcpy(other_root, root, sizeof(root));
	other_root[31] ^= 1;
	handover_tag(mine, key);
	assert_int_equal(handover_arrival(arrival, root, "c.example", NUMBER, COUNTER), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			handover_key(other, cases[i].root, cases[i].target, cases[i].number), 0);
		handover_tag(tag, other);
		if (i != 5) { /* the counter is no part of the key */
			assert_memory_not_equal(other, key, sizeof(key));
			assert_memory_not_equal(tag, mine, sizeof(tag));
		}
		assert_int_equal(handover_arrival(another, cases[i].root, cases[i].target,
						  cases[i].number, cases[i].counter),
				 0);
		assert_memory_not_equal(another, arrival, sizeof(arrival));
	}
	/* The target cannot make the arrival of what it has. */
	assert_int_equal(handover_arrival(another, key, "c.example", NUMBER, COUNTER), 0);
	assert_memory_not_equal(another, arrival, sizeof(arrival));
}

static void test_no_name(void **state)
{
	static const uint8_t zero[KEY_LENGTH];
	static const char *const names[] = {
		"", "C.example", "a b",
		"0123456789012345678901234567890123456789012345678901234567890123"};
	uint8_t out[KEY_LENGTH];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		memset(out, 0x55, sizeof(out));
		assert_int_equal(handover_key(out, root, names[i], 1), -EINVAL);
		assert_memory_equal(out, zero, KEY_LENGTH);
		memset(out, 0x55, sizeof(out));
		assert_int_equal(handover_arrival(out, root, names[i], 1, 1), -EINVAL);
		assert_memory_equal(out, zero, HANDOVER_ARRIVAL);
	}
}

/* Every change of the datagram, every other sender, and what stands behind the proof. */
static void test_no_proof(void **state)
{
	uint8_t out[SNO_DATAGRAM_MAX + 1] = {0}, access[2][KEY_LENGTH];
	struct message m;
	size_t length = discover(&m, out);

	(void)state;
	handover_access_key(access[0], key, out, length);
	for (size_t bit = 0; bit < 8 * length; bit++) {
		out[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(proven(out, length));
		handover_access_key(access[1], key, out, length);
		assert_memory_not_equal(access[0], access[1], KEY_LENGTH);
		out[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t cut = 0; cut < length; cut++)
		assert_false(proven(out, cut));
	/* An attribute of a later version, which the codec skips: the proof does not cover it. */
	out[length] = 0x80;
	assert_int_equal(message_read(&m, PLACE_CLEAR, out, length + 3), DROP_NONE);
	assert_false(proven(out, length + 3));
	assert_false(proven(out, sizeof(out)));

	link_layer.bytes[5] ^= 1;
	assert_false(proven(out, length));
	link_layer.bytes[5] ^= 1;
	link_local.bytes[8] ^= 1;
	assert_false(proven(out, length));
	link_local.bytes[8] ^= 1;
	key[0] ^= 1;
	assert_false(proven(out, length));
	key[0] ^= 1;
	assert_true(proven(out, length));
}

/* With MODE, and again for the same message: an attempt after the first one went unheard. */
static void test_again(void **state)
{
	uint8_t out[2][SNO_DATAGRAM_MAX];
	struct message m;
	size_t length = discover(&m, out[0]);

	(void)state;
	message_set_number(&m, ATTR_MODE, MODE_SOFT);
	m.id++;
	assert_int_equal(
		handover_discovery(&m, key, &link_layer, &link_local, out[1], sizeof(out[1])),
		length + 4);
	assert_true(proven(out[1], length + 4));
	assert_false(proven(out[1], length));
}

static void test_refused(void **state)
{
	uint8_t out[SNO_DATAGRAM_MAX];
	struct message m = bare_discovery();
	int length;

	(void)state;
	length = handover_discovery(&m, key, &link_layer, &link_local, out, sizeof(out));
	assert_true(length > 0);
	assert_int_equal(
		handover_discovery(&m, key, &link_layer, &link_local, out, (size_t)length - 1),
		-EMSGSIZE);
	m = bare_discovery();
	m.present &= ~(UINT64_C(1) << ATTR_ARRIVAL);
	assert_int_equal(handover_discovery(&m, key, &link_layer, &link_local, out, sizeof(out)),
			 -EINVAL);
	message_init(&m, MESSAGE_KEEPALIVE, 0);
	assert_int_equal(handover_discovery(&m, key, &link_layer, &link_local, out, sizeof(out)),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_vectors, setup),
		cmocka_unit_test_setup(test_bound, setup),
		cmocka_unit_test_setup(test_no_name, setup),
		cmocka_unit_test_setup(test_no_proof, setup),
		cmocka_unit_test_setup(test_again, setup),
		cmocka_unit_test_setup(test_refused, setup),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("handover-key", tests, NULL, NULL);
}
