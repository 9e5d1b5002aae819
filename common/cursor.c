/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cursors: the one place that compares a length with what is left (cursor.h).
 *
 * All reads go through cursor_take() and all writes through cursor_reserve(); both compare with
 * the distance to the end, never by adding to a pointer that might wrap.
 */
#include "cursor.h"

#include <string.h>

struct cursor_in cursor_in(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	return (struct cursor_in){.at = at, .end = length > 0 ? at + length : at};
}

struct cursor_out cursor_out(void *bytes, size_t capacity)
{
	uint8_t *at = bytes;

	return (struct cursor_out){.start = at, .at = at, .end = capacity > 0 ? at + capacity : at};
}

size_t cursor_left(const struct cursor_in *c)
{
	return c->failed ? 0 : (size_t)(c->end - c->at);
}

const uint8_t *cursor_take(struct cursor_in *c, size_t length)
{
	const uint8_t *taken = c->at;

	if (c->failed || (size_t)(c->end - c->at) < length) {
		c->failed = true;
		return NULL;
	}
	if (length > 0)
		c->at += length;
	return taken;
}

struct cursor_in cursor_sub(struct cursor_in *c, size_t length)
{
	struct cursor_in sub = {.at = c->at, .end = c->at};

	if (!cursor_take(c, length))
		sub.failed = c->failed;
	sub.end = c->at;
	return sub;
}

/* A big-endian integer of this many octets. */
static uint64_t get_number(struct cursor_in *c, size_t octets)
{
	const uint8_t *in = cursor_take(c, octets);
	uint64_t value = 0;

	if (!in)
		return 0;
	for (size_t i = 0; i < octets; i++)
		value = value << 8 | in[i];
	return value;
}

uint8_t cursor_get_u8(struct cursor_in *c)
{
	return (uint8_t)get_number(c, 1);
}

uint16_t cursor_get_u16(struct cursor_in *c)
{
	return (uint16_t)get_number(c, 2);
}

uint32_t cursor_get_u32(struct cursor_in *c)
{
	return (uint32_t)get_number(c, 4);
}

uint64_t cursor_get_u64(struct cursor_in *c)
{
	return get_number(c, 8);
}

void cursor_get(struct cursor_in *c, void *out, size_t length)
{
	const uint8_t *in = cursor_take(c, length);

	if (length == 0)
		return;
	if (in)
		memcpy(out, in, length);
	else
		memset(out, 0, length);
}

size_t cursor_written(const struct cursor_out *c)
{
	return (size_t)(c->at - c->start);
}

uint8_t *cursor_reserve(struct cursor_out *c, size_t length)
{
	uint8_t *room = c->at;

	if (c->failed || (size_t)(c->end - c->at) < length) {
		c->failed = true;
		return NULL;
	}
	if (length > 0)
		c->at += length;
	return room;
}

static void put_number(struct cursor_out *c, uint64_t value, size_t octets)
{
	uint8_t *out = cursor_reserve(c, octets);

	if (!out)
		return;
	for (size_t i = octets; i-- > 0; value >>= 8)
		out[i] = (uint8_t)value;
}

void cursor_put_u8(struct cursor_out *c, uint8_t value)
{
	put_number(c, value, 1);
}

void cursor_put_u16(struct cursor_out *c, uint16_t value)
{
	put_number(c, value, 2);
}

void cursor_put_u32(struct cursor_out *c, uint32_t value)
{
	put_number(c, value, 4);
}

void cursor_put_u64(struct cursor_out *c, uint64_t value)
{
	put_number(c, value, 8);
}

void cursor_put(struct cursor_out *c, const void *bytes, size_t length)
{
	uint8_t *out = cursor_reserve(c, length);

	if (out && length > 0)
		memcpy(out, bytes, length);
}
