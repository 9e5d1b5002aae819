/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on a written message: finding, cutting out and inserting attributes, by code that
 * knows nothing but their shape (PROTOCOL section 2.2).
 */
#ifndef SNO_OCTETS_H
#define SNO_OCTETS_H

#include "message.h"

#include <string.h>

/* A message on the wire, with room for what tests insert. */
struct octets {
	uint8_t bytes[2 * SNO_DATAGRAM_MAX];
	size_t length;
};

/* Octets of the attribute at this offset, head included. */
static inline size_t octets_extent(const struct octets *o, size_t at)
{
	return 3 + (size_t)(o->bytes[at + 1] << 8 | o->bytes[at + 2]);
}

/* Where the attribute is, or where it would have to stand. */
static inline size_t octets_find(const struct octets *o, unsigned int code)
{
	size_t at = SNO_HEAD_LENGTH;

	while (at < o->length && o->bytes[at] < code)
		at += octets_extent(o, at);
	return at;
}

/* Takes out the attribute at this offset. */
static inline void octets_cut(struct octets *o, size_t at)
{
	size_t length = octets_extent(o, at);

	memmove(o->bytes + at, o->bytes + at + length, o->length - at - length);
	o->length -= length;
}

/* Puts in an attribute; value is not inside o. */
static inline void octets_insert(struct octets *o, size_t at, unsigned int code, const void *value,
				 size_t length)
{
	memmove(o->bytes + at + 3 + length, o->bytes + at, o->length - at);
	o->bytes[at] = (uint8_t)code;
	o->bytes[at + 1] = (uint8_t)(length >> 8);
	o->bytes[at + 2] = (uint8_t)length;
	if (length > 0)
		memcpy(o->bytes + at + 3, value, length);
	o->length += 3 + length;
}

#endif
