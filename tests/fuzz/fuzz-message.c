/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: the codec.
 *
 * The first octet selects a place, the rest is a message in it. What is read must be written again
 * to the same octets, but for unknown attributes that a reader skips: so a message has one
 * encoding, and nothing outside its domain ever comes in. What is dropped leaves nothing behind.
 * And what is set by its setters is what was read, or is refused.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Copies a well-formed message without the attributes that are 0x80 or above. */
static size_t without_skipped(uint8_t *out, const uint8_t *in, size_t size)
{
	size_t at = SNO_HEAD_LENGTH, length = at;

	memcpy(out, in, at);
	while (at < size) {
		size_t extent = 3 + (size_t)(in[at + 1] << 8 | in[at + 2]);

		if (in[at] < 0x80) {
			memcpy(out + length, in + at, extent);
			length += extent;
		}
		at += extent;
	}
	require(at == size);
	return length;
}

/* Too little room, a value out of its domain, an attribute that has no such values. */
static void refuse(const struct message *m, size_t length)
{
	uint8_t written[SNO_DATAGRAM_MAX];
	struct message bad;

	for (size_t room = 0; room < length; room += room < 16 ? 1 : length / 5 + 1)
		require(message_write(m, written, room) == -EMSGSIZE);
	bad = *m;
	message_set_number(&bad, ATTR_MTU, UINT64_C(1) << 40);
	require(message_write(&bad, written, sizeof(written)) == -EINVAL);
	bad = *m;
	message_set_text(&bad, ATTR_MTU, "1400");
	require(message_write(&bad, written, sizeof(written)) == -EINVAL);
	bad = *m;
	bad.type = 0;
	require(message_write(&bad, written, sizeof(written)) == -EINVAL);
	bad = *m;
	if (message_has(m, ATTR_MTU)) {
		bad.mtu = 0;
		require(message_write(&bad, written, sizeof(written)) == -EINVAL);
	}
}

/* The prefix is the one value that is put together of two. */
static void set_again(const struct message *m)
{
	struct message again = *m;

	if (!message_has(m, ATTR_PREFIX))
		return;
	memset(&again.prefix, 0, sizeof(again.prefix));
	message_set_prefix(&again, &again.prefix);
	message_set_prefix(&again, &m->prefix);
	require(memcmp(&again, m, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct message nothing;
	uint8_t expected[SNO_DATAGRAM_MAX], written[SNO_DATAGRAM_MAX];
	enum message_place place;
	struct message m, again;
	size_t length;

	if (size < 1)
		return 0;
	place = (enum message_place)(1u << data[0] % 7);
	data++;
	size--;
	memset(&m, 0xff, sizeof(m));
	if (message_read(&m, place, data, size) != DROP_NONE) {
		require(memcmp(&m, &nothing, sizeof(m)) == 0);
		return 0;
	}
	length = without_skipped(expected, data, size);
	require(message_write(&m, written, sizeof(written)) == (int)length);
	require(memcmp(written, expected, length) == 0);
	require(message_read(&again, place, written, length) == DROP_NONE);
	require(memcmp(&again, &m, sizeof(m)) == 0);
	require(*message_type_name(m.type) && message_type_name(m.type) != message_type_name(0));
	for (unsigned int a = 0; a < 64; a++)
		require(!message_has(&m, a) || attribute_name(a) != attribute_name(0));
	refuse(&m, length);
	set_again(&m);
	return 0;
}
