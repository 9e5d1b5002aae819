/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys: published vectors for every primitive, the text form of wg(8) with all that it refuses,
 * and which key files are taken.
 */
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/hex.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The 32 bytes 00 01 02 ... 1f and their text. */
#define COUNTING_TEXT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static void counting(uint8_t key[KEY_LENGTH])
{
	for (unsigned int i = 0; i < KEY_LENGTH; i++)
		key[i] = (uint8_t)i;
}

static void assert_hex(const void *bytes, size_t length, const char *hex)
{
	uint8_t expected[256];

	assert_int_equal(hex_decode(expected, sizeof(expected), hex), length);
	assert_memory_equal(bytes, expected, length);
}

static void unhex(uint8_t key[KEY_LENGTH], const char *hex)
{
	assert_int_equal(hex_decode(key, KEY_LENGTH, hex), KEY_LENGTH);
}

static void test_text(void **state)
{
	uint8_t key[KEY_LENGTH], back[KEY_LENGTH];
	char text[KEY_TEXT];

	(void)state;
	counting(key);
	assert_string_equal(keys_encode(text, key), COUNTING_TEXT);
	assert_int_equal(keys_decode(back, text), 0);
	assert_memory_equal(back, key, KEY_LENGTH);
	for (unsigned int i = 0; i < 200; i++) {
		keys_random(key, sizeof(key));
		assert_int_equal(keys_decode(back, keys_encode(text, key)), 0);
		assert_memory_equal(back, key, KEY_LENGTH);
	}
}

static void test_text_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"=",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8==",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
		" AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A", /* 33 bytes */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", /* 31 bytes */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", /* unused bits set */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-=", /* URL alphabet */
		"AAECAwQFBgcICQoLDA0O xAREhMUFRYXGBkaGxwdHh8=",
		"AAECAwQFBgcICQoLDA0O=xAREhMUFRYXGBkaGxwdHh8=",
		"AAECAwQFBgcICQoLDA0O\xc3\xa4REhMUFRYXGBkaGxwdHh8=",
	};
	uint8_t key[KEY_LENGTH], before[KEY_LENGTH];

	(void)state;
	keys_random(key, sizeof(key));
	memcpy(before, key, sizeof(before));
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (keys_decode(key, bad[i]) != -EINVAL)
			fail_msg("taken as a key: '%s'", bad[i]);
		assert_memory_equal(key, before, KEY_LENGTH);
	}
}

/* Every byte at every place: only what is written back the same is taken. */
static void test_text_canonical(void **state)
{
	char text[KEY_TEXT], back[KEY_TEXT];
	uint8_t key[KEY_LENGTH];
	unsigned int taken = 0;

	(void)state;
	for (unsigned int place = 0; place < KEY_TEXT - 1; place++) {
		for (int byte = 1; byte < 256; byte++) {
			memcpy(text, COUNTING_TEXT, sizeof(text));
			text[place] = (char)byte;
			if (keys_decode(key, text) < 0)
				continue;
			assert_string_equal(keys_encode(back, key), text);
			taken++;
		}
	}
	/* 64 digits at 42 places, 16 of them at the last, and one '='. */
	assert_int_equal(taken, 42 * 64 + 16 + 1);
}

/* RFC 7748 sections 5.2 and 6.1. */
static void test_x25519(void **state)
{
	static const struct {
		const char *private, *point, *result; /* point NULL: the base point */
	} cases[] = {
		{"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
		 "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
		 "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
		{"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
		 "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
		 "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
		{"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", NULL,
		 "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"},
		{"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", NULL,
		 "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"},
		{"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
		 "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
		 "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
	};
	uint8_t private[KEY_LENGTH], point[KEY_LENGTH], out[KEY_LENGTH];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		unhex(private, cases[i].private);
		if (cases[i].point) {
			unhex(point, cases[i].point);
			assert_int_equal(keys_dh(out, private, point), 0);
		} else {
			keys_public(out, private);
		}
		assert_hex(out, sizeof(out), cases[i].result);
	}
}

/* Every point of order 1, 2, 4 and 8 below 2^255, and those above the prime that equal one. */
static void test_x25519_low_order(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	uint8_t private[KEY_LENGTH], point[KEY_LENGTH], out[KEY_LENGTH];

	(void)state;
	for (size_t i = 0; i < COUNT(points); i++) {
		keys_generate(private);
		unhex(point, points[i]);
		memset(out, 0xff, sizeof(out));
		if (keys_dh(out, private, point) != -EKEYREJECTED)
			fail_msg("low order point taken: %s", points[i]);
		assert_true(keys_zero(out, sizeof(out)));
	}
}

static void test_generate(void **state)
{
	struct key_pair pair;
	uint8_t a[KEY_LENGTH], b[KEY_LENGTH], public[KEY_LENGTH];

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		keys_generate_pair(&pair);
		assert_int_equal(pair.private[0] & 7, 0);
		assert_int_equal(pair.private[31] & 0xc0, 0x40);
		keys_public(public, pair.private);
		assert_memory_equal(public, pair.public, KEY_LENGTH);
	}
	keys_generate_psk(a);
	keys_generate_psk(b);
	assert_false(keys_equal(a, b, KEY_LENGTH));
}

/* FIPS 180-2 appendix B. */
static void test_sha256(void **state)
{
	static const char one[] = "abc";
	static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	uint8_t hash[HASH_LENGTH], parts[HASH_LENGTH];

	(void)state;
	keys_sha256(hash, NULL, 0);
	assert_hex(hash, sizeof(hash),
		   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	keys_sha256(hash, one, strlen(one));
	assert_hex(hash, sizeof(hash),
		   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	keys_sha256(hash, two, strlen(two));
	assert_hex(hash, sizeof(hash),
		   "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	for (size_t cut = 0; cut <= strlen(two); cut++) {
		keys_sha256_two(parts, two, cut, two + cut, strlen(two) - cut);
		assert_memory_equal(parts, hash, sizeof(hash));
	}
}

/* RFC 4231 cases 1, 2, 3 and 6 (a key longer than a block). */
static void test_hmac(void **state)
{
	static const struct {
		uint8_t key_byte;
		size_t key_length;
		const char *key; /* instead of repeated key_byte */
		const char *data;
		const char *mac;
	} cases[] = {
		{0x0b, 20, NULL, "Hi There",
		 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{0, 4, "Jefe", "what do ya want for nothing?",
		 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{0xaa, 20, NULL,
		 "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
		 "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
		 "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd",
		 "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
		{0xaa, 131, NULL, "Test Using Larger Than Block-Size Key - Hash Key First",
		 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	};
	uint8_t key[131], mac[HASH_LENGTH];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		memset(key, cases[i].key_byte, sizeof(key));
		if (cases[i].key)
			memcpy(key, cases[i].key, cases[i].key_length);
		keys_hmac(mac, key, cases[i].key_length, cases[i].data, strlen(cases[i].data));
		assert_hex(mac, sizeof(mac), cases[i].mac);
	}
}

/*
 * RFC 5869 appendix A.3: with empty info its first output block is ours, and so is the second.
 * The third extends the chain by the definition in Noise section 4.3.
 */
static void test_hkdf(void **state)
{
	uint8_t chaining[KEY_LENGTH] = {0}, input[22], block[KEY_LENGTH + 1], prk[HASH_LENGTH];
	uint8_t one[KEY_LENGTH], two[KEY_LENGTH], three[KEY_LENGTH], expected[KEY_LENGTH];

	(void)state;
	memset(input, 0x0b, sizeof(input));
	keys_hkdf(one, two, three, chaining, input, sizeof(input));
	assert_hex(one, sizeof(one),
		   "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
	assert_hex(two, 10, "9d201395faa4b61a96c8");

	keys_hmac(prk, chaining, sizeof(chaining), input, sizeof(input));
	memcpy(block, two, sizeof(two));
	block[KEY_LENGTH] = 3;
	keys_hmac(expected, prk, sizeof(prk), block, sizeof(block));
	assert_memory_equal(three, expected, sizeof(three));

	/* Fewer outputs are the same ones, and the first may replace the chaining key. */
	keys_hkdf(chaining, expected, NULL, chaining, input, sizeof(input));
	assert_memory_equal(chaining, one, sizeof(one));
	assert_memory_equal(expected, two, sizeof(two));
	memset(chaining, 0, sizeof(chaining));
	keys_hkdf(chaining, NULL, NULL, chaining, input, sizeof(input));
	assert_memory_equal(chaining, one, sizeof(one));
}

/* Expected values from Python's hmac module. */
static void test_derive(void **state)
{
	static const uint8_t target[] = {'c', 'o', 'r', 'e', '-', 'b', 0, 0, 0, 7};
	uint8_t key[KEY_LENGTH], out[KEY_LENGTH], other[KEY_LENGTH];

	(void)state;
	counting(key);
	keys_derive(out, key, "sno handover", target, sizeof(target));
	assert_hex(out, sizeof(out),
		   "cfa0ed395fabf552d1bfca2fd9a6b8351b3cd78985b797a612c433c96c558d5f");
	keys_derive(out, key, "x", NULL, 0);
	assert_hex(out, sizeof(out),
		   "f276766ea3a9c3820e32d95bccf4f6ff061e6f91c731735706ab078696e980be");
	/* The separator keeps label and data apart. */
	keys_derive(out, key, "ab", "c", 1);
	keys_derive(other, key, "a", "bc", 2);
	assert_memory_not_equal(out, other, sizeof(out));
	keys_derive(key, key, "ab", "c", 1);
	assert_memory_equal(key, out, sizeof(out));
}

/* The vector of appendix A in "SipHash: a fast short-input PRF". */
static void test_siphash(void **state)
{
	uint8_t bytes[KEY_LENGTH];

	(void)state;
	counting(bytes);
	assert_true(keys_siphash(bytes, bytes, 15) == UINT64_C(0xa129ca6149be45e5));
}

static void test_next(void **state)
{
	uint8_t number[4] = {0xfe, 0xff, 0x00, 0xff};
	static const uint8_t second[4] = {0xff, 0xff, 0x00, 0xff}, third[4] = {0, 0, 0x01, 0xff};

	(void)state;
	keys_next(number, sizeof(number));
	assert_memory_equal(number, second, sizeof(number));
	keys_next(number, sizeof(number));
	assert_memory_equal(number, third, sizeof(number));
	memset(number, 0xff, sizeof(number));
	keys_next(number, sizeof(number));
	assert_true(keys_zero(number, sizeof(number)));
}

static void test_compare_and_wipe(void **state)
{
	uint8_t a[KEY_LENGTH], b[KEY_LENGTH];

	(void)state;
	keys_random(a, sizeof(a));
	memcpy(b, a, sizeof(b));
	assert_true(keys_equal(a, b, sizeof(a)));
	for (unsigned int bit = 0; bit < 8 * KEY_LENGTH; bit++) {
		b[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		assert_false(keys_equal(a, b, sizeof(a)));
		b[bit / 8] ^= (uint8_t)(1U << (bit % 8));
	}
	assert_false(keys_zero(a, sizeof(a)));
	keys_wipe(a, sizeof(a));
	assert_true(keys_zero(a, sizeof(a)));
	a[KEY_LENGTH - 1] = 1;
	assert_false(keys_zero(a, sizeof(a)));
}

/* Locking may be refused by the system; the content must stay, and unlocking must wipe. */
static void test_lock(void **state)
{
	static struct key_pair pair;
	uint8_t public[KEY_LENGTH];

	(void)state;
	keys_lock(&pair, sizeof(pair));
	keys_generate_pair(&pair);
	keys_public(public, pair.private);
	assert_memory_equal(public, pair.public, KEY_LENGTH);
	keys_unlock(&pair, sizeof(pair));
	assert_true(keys_zero(&pair, sizeof(pair)));
}

/* --- key files --- */

static char folder[] = "/tmp/sno-test-keys-XXXXXX";
static char path[sizeof(folder) + 16];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/key", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

/* Leaves a file of this mode and content, alone in the folder. */
static void put_file(mode_t mode, const void *content, size_t length)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, length), length);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void test_file_modes(void **state)
{
	static const struct {
		mode_t mode;
		int result;
	} cases[] = {
		{0600, 0},	{0400, 0},	{0700, 0},	{0640, -EPERM}, {0604, -EPERM},
		{0620, -EPERM}, {0602, -EPERM}, {0660, -EPERM}, {0644, -EPERM}, {0666, -EPERM},
	};
	uint8_t expected[KEY_LENGTH], key[KEY_LENGTH];

	(void)state;
	counting(expected);
	for (size_t i = 0; i < COUNT(cases); i++) {
		put_file(cases[i].mode, COUNTING_TEXT "\n", KEY_TEXT);
		memset(key, 0xee, sizeof(key));
		if (keys_read_file(path, key) != cases[i].result)
			fail_msg("mode %o", cases[i].mode);
		assert_int_equal(memcmp(key, expected, sizeof(key)) == 0, cases[i].result == 0);
	}
}

static void test_file_contents(void **state)
{
	static const struct {
		const char *content;
		int result;
	} cases[] = {
		{COUNTING_TEXT, 0},
		{COUNTING_TEXT "\n", 0},
		{COUNTING_TEXT "\r\n", 0},
		{COUNTING_TEXT " \t\n\n", 0},
		{"", -EINVAL},
		{"\n", -EINVAL},
		{"\n" COUNTING_TEXT "\n", -EINVAL},
		{"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n", -EINVAL},
		{COUNTING_TEXT COUNTING_TEXT, -EINVAL},
		{COUNTING_TEXT "\n" COUNTING_TEXT "\n", -EINVAL},
		{COUNTING_TEXT "\n# of alice\n", -EINVAL},
		{"-----BEGIN PRIVATE KEY-----\n", -EINVAL},
	};
	uint8_t key[KEY_LENGTH];
	char spaces[200];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		put_file(0600, cases[i].content, strlen(cases[i].content));
		if (keys_read_file(path, key) != cases[i].result)
			fail_msg("content '%s'", cases[i].content);
	}
	put_file(0600, COUNTING_TEXT "\0", KEY_TEXT);
	assert_int_equal(keys_read_file(path, key), -EINVAL);
	memset(spaces, ' ', sizeof(spaces));
	memcpy(spaces, COUNTING_TEXT, KEY_TEXT - 1);
	put_file(0600, spaces, sizeof(spaces));
	assert_int_equal(keys_read_file(path, key), -EINVAL);
}

static void test_file_kinds(void **state)
{
	uint8_t key[KEY_LENGTH];

	(void)state;
	unlink(path);
	assert_int_equal(keys_read_file(path, key), -ENOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(keys_read_file(path, key), -EINVAL);
	unlink(path);
	assert_int_equal(keys_read_file(folder, key), -EINVAL);
	assert_int_equal(keys_read_file("/dev/null", key), -EINVAL);
}

static void test_file_owner(void **state)
{
	uint8_t key[KEY_LENGTH];

	(void)state;
	if (geteuid() != 0) {
		/* cmocka 1.1.5 prints its own skip() as "not ok", which prove counts as failed. */
		print_message("# file owners are not tested: giving files away needs root\n");
		return;
	}
	put_file(0600, COUNTING_TEXT "\n", KEY_TEXT);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(keys_read_file(path, key), -EPERM);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(chmod(folder, 0755), -1);
	assert_int_equal(keys_read_file(path, key), -EACCES);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(keys_read_file(path, key), 0);
	assert_int_equal(seteuid(0), 0);
}

static void test_file_advice(void **state)
{
	(void)state;
	assert_non_null(strstr(keys_file_advice(-EPERM), "chmod 600"));
	assert_non_null(strstr(keys_file_advice(-EINVAL), "snoctl genkey"));
	assert_non_null(strstr(keys_file_advice(-ENOENT), "snoctl genkey"));
	assert_string_equal(keys_file_advice(-EIO), strerror(EIO));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_refused),
		cmocka_unit_test(test_text_canonical),
		cmocka_unit_test(test_x25519),
		cmocka_unit_test(test_x25519_low_order),
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_hkdf),
		cmocka_unit_test(test_derive),
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_compare_and_wipe),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_file_modes),
		cmocka_unit_test(test_file_contents),
		cmocka_unit_test(test_file_kinds),
		cmocka_unit_test(test_file_owner),
		cmocka_unit_test(test_file_advice),
	};

	if (keys_init() < 0)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("keys", tests, make_folder, remove_folder);
}
