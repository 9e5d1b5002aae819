/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys out of libsodium's primitives (keys.h says what each is for).
 *
 * Every intermediate value that could give a key away is wiped before a function returns, on
 * each way out.
 */
#include "keys.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(KEY_LENGTH == crypto_scalarmult_BYTES, "X25519 point");
_Static_assert(KEY_LENGTH == crypto_scalarmult_SCALARBYTES, "X25519 scalar");
_Static_assert(HASH_LENGTH == crypto_hash_sha256_BYTES, "SHA-256");
_Static_assert(HASH_LENGTH == crypto_auth_hmacsha256_BYTES, "HMAC-SHA256");
_Static_assert(KEYS_SIP_LENGTH == crypto_shorthash_KEYBYTES, "SipHash key");
_Static_assert(sizeof(uint64_t) == crypto_shorthash_BYTES, "SipHash output");
_Static_assert(KEY_TEXT == sodium_base64_ENCODED_LEN(KEY_LENGTH, sodium_base64_VARIANT_ORIGINAL),
	       "base64 text");

/* The longest key file: a key and some white space after it. */
#define FILE_MAX 128

int keys_init(void)
{
	return sodium_init() < 0 ? -EIO : 0;
}

void keys_random(void *buf, size_t length)
{
	randombytes_buf(buf, length);
}

void keys_next(void *number, size_t length)
{
	sodium_increment(number, length);
}

void keys_wipe(void *buf, size_t length)
{
	sodium_memzero(buf, length);
}

bool keys_equal(const void *a, const void *b, size_t length)
{
	return sodium_memcmp(a, b, length) == 0;
}

bool keys_zero(const void *buf, size_t length)
{
	return sodium_is_zero(buf, length) == 1;
}

void keys_lock(void *buf, size_t length)
{
	int saved = errno;

	/* Refused without RLIMIT_MEMLOCK; the secret then merely enjoys less protection. */
	(void)sodium_mlock(buf, length);
	errno = saved;
}

void keys_unlock(void *buf, size_t length)
{
	int saved = errno;

	(void)sodium_munlock(buf, length);
	errno = saved;
}

const char *keys_encode(char text[KEY_TEXT], const uint8_t key[KEY_LENGTH])
{
	return sodium_bin2base64(text, KEY_TEXT, key, KEY_LENGTH, sodium_base64_VARIANT_ORIGINAL);
}

int keys_decode(uint8_t key[KEY_LENGTH], const char *text)
{
	uint8_t decoded[KEY_LENGTH];
	char canonical[KEY_TEXT];
	size_t length = 0;
	int error = -EINVAL;

	if (strnlen(text, KEY_TEXT) != KEY_TEXT - 1)
		return -EINVAL;
	/*
	 * The decoder of libsodium 1.0.18 takes some bytes above 0x7f for '+' or '/', so only the
	 * text that the key itself would be written as counts.
	 */
	if (sodium_base642bin(decoded, sizeof(decoded), text, KEY_TEXT - 1, NULL, &length, NULL,
			      sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    length == KEY_LENGTH &&
	    keys_equal(keys_encode(canonical, decoded), text, KEY_TEXT - 1)) {
		memcpy(key, decoded, KEY_LENGTH);
		error = 0;
	}
	keys_wipe(decoded, sizeof(decoded));
	keys_wipe(canonical, sizeof(canonical));
	return error;
}

void keys_generate(uint8_t private[KEY_LENGTH])
{
	randombytes_buf(private, KEY_LENGTH);
	private[0] &= 248;
	private[31] = (private[31] & 127) | 64;
}

void keys_generate_psk(uint8_t psk[KEY_LENGTH])
{
	randombytes_buf(psk, KEY_LENGTH);
}

void keys_public(uint8_t public[KEY_LENGTH], const uint8_t private[KEY_LENGTH])
{
	crypto_scalarmult_base(public, private);
}

void keys_generate_pair(struct key_pair *pair)
{
	keys_generate(pair->private);
	keys_public(pair->public, pair->private);
}

int keys_dh(uint8_t shared[KEY_LENGTH], const uint8_t private[KEY_LENGTH],
	    const uint8_t public[KEY_LENGTH])
{
	if (crypto_scalarmult(shared, private, public) != 0) {
		keys_wipe(shared, KEY_LENGTH);
		return -EKEYREJECTED;
	}
	return 0;
}

void keys_sha256(uint8_t hash[HASH_LENGTH], const void *data, size_t length)
{
	keys_sha256_two(hash, data, length, NULL, 0);
}

void keys_sha256_two(uint8_t hash[HASH_LENGTH], const void *first, size_t first_length,
		     const void *second, size_t second_length)
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, first, first_length);
	crypto_hash_sha256_update(&state, second, second_length);
	crypto_hash_sha256_final(&state, hash);
	keys_wipe(&state, sizeof(state));
}

void keys_hmac(uint8_t mac[HASH_LENGTH], const void *key, size_t key_length, const void *data,
	       size_t length)
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, key, key_length);
	crypto_auth_hmacsha256_update(&state, data, length);
	crypto_auth_hmacsha256_final(&state, mac);
	keys_wipe(&state, sizeof(state));
}

void keys_hkdf(uint8_t first[KEY_LENGTH], uint8_t *second, uint8_t *third,
	       const uint8_t chaining[KEY_LENGTH], const void *input, size_t length)
{
	uint8_t temporary[HASH_LENGTH];
	uint8_t block[HASH_LENGTH + 1];

	keys_hmac(temporary, chaining, KEY_LENGTH, input, length);
	block[0] = 1;
	keys_hmac(block, temporary, sizeof(temporary), block, 1);
	memcpy(first, block, HASH_LENGTH);
	if (second) {
		block[HASH_LENGTH] = 2;
		keys_hmac(block, temporary, sizeof(temporary), block, sizeof(block));
		memcpy(second, block, HASH_LENGTH);
	}
	if (second && third) {
		block[HASH_LENGTH] = 3;
		keys_hmac(block, temporary, sizeof(temporary), block, sizeof(block));
		memcpy(third, block, HASH_LENGTH);
	}
	keys_wipe(temporary, sizeof(temporary));
	keys_wipe(block, sizeof(block));
}

void keys_derive(uint8_t out[KEY_LENGTH], const uint8_t key[KEY_LENGTH], const char *label,
		 const void *data, size_t length)
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, key, KEY_LENGTH);
	/* The label goes in with its NUL, which is the 0x00 that separates it from the data. */
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)label, strlen(label) + 1);
	crypto_auth_hmacsha256_update(&state, data, length);
	crypto_auth_hmacsha256_final(&state, out);
	keys_wipe(&state, sizeof(state));
}

uint64_t keys_siphash(const uint8_t key[KEYS_SIP_LENGTH], const void *data, size_t length)
{
	uint8_t hash[sizeof(uint64_t)];
	uint64_t value = 0;

	crypto_shorthash(hash, data, length, key);
	for (size_t i = 0; i < sizeof(hash); i++)
		value |= (uint64_t)hash[i] << (8 * i);
	return value;
}

/* Whether the open file may hold a secret: see keys_read_file(). */
static int key_file_check(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_mode & (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH))
		return -EPERM;
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return -EPERM;
	return 0;
}

/* Reads until the end of the file; the number of bytes, or -EINVAL when capacity is not enough. */
static ssize_t key_file_fill(int fd, char *text, size_t capacity)
{
	size_t filled = 0;

	while (filled < capacity) {
		ssize_t got = read(fd, text + filled, capacity - filled);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return (ssize_t)filled;
		filled += (size_t)got;
	}
	return -EINVAL;
}

int keys_read_file(const char *path, uint8_t key[KEY_LENGTH])
{
	char text[FILE_MAX] = {0};
	ssize_t length;
	int fd, error;

	/* Not blocking, so that a FIFO in its place is refused rather than waited for. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	error = key_file_check(fd);
	if (error < 0)
		goto out;
	length = key_file_fill(fd, text, sizeof(text));
	if (length < 0) {
		error = (int)length;
		goto out;
	}
	/* A file too short leaves NULs in text, which keys_decode() refuses. */
	error = -EINVAL;
	for (ssize_t i = KEY_TEXT - 1; i < length; i++) {
		if (!isspace((unsigned char)text[i]))
			goto out;
	}
	text[KEY_TEXT - 1] = '\0';
	error = keys_decode(key, text);
out:
	keys_wipe(text, sizeof(text));
	close(fd);
	return error;
}

const char *keys_file_advice(int error)
{
	switch (error) {
	case 0:
		return "holds a key";
	case -EPERM:
		return "is open to others: give it to root or the daemon's user and `chmod 600` it";
	case -EINVAL:
		return "holds no key: one line of 44 base64 characters is wanted, as `snoctl "
		       "genkey` and `snoctl genpsk` print it";
	case -ENOENT:
	case -ENOTDIR:
		return "does not exist: make a key with `snoctl genkey` or `snoctl genpsk`";
	case -EACCES:
		return "cannot be read by this user: make it the daemon's own (of the systemd "
		       "units: `chown sno` it)";
	default:
		return strerror(-error);
	}
}
