/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cursors: bounded reading and writing of octets, big-endian as on the wire (PROTOCOL section 2).
 *
 * Every octet that comes from or goes to a datagram passes through one of these. A cursor that is
 * asked for more than is left fails, and stays failed: reads give zeros and writes do nothing from
 * then on, so a caller may do a whole row of steps and ask once at the end. Cursors point into
 * the caller's memory and own nothing.
 */
#ifndef SNO_CURSOR_H
#define SNO_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reading. */
struct cursor_in {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

/* Writing. */
struct cursor_out {
	uint8_t *start;
	uint8_t *at;
	uint8_t *end;
	bool failed;
};

/* A cursor over length octets; bytes may be NULL when length is 0. */
struct cursor_in cursor_in(const void *bytes, size_t length);
struct cursor_out cursor_out(void *bytes, size_t capacity);

/* Octets not yet read; 0 once failed. */
size_t cursor_left(const struct cursor_in *c);
/* The next integer of 8, 16, 32 or 64 bits; 0 when it is not there. */
uint8_t cursor_get_u8(struct cursor_in *c);
uint16_t cursor_get_u16(struct cursor_in *c);
uint32_t cursor_get_u32(struct cursor_in *c);
uint64_t cursor_get_u64(struct cursor_in *c);
/* Copies the next length octets to out; zeros when they are not there. */
void cursor_get(struct cursor_in *c, void *out, size_t length);
/* Steps over length octets and returns where they are, NULL when they are not there. */
const uint8_t *cursor_take(struct cursor_in *c, size_t length);
/* A cursor over the next length octets, which this one steps over; failed when not there. */
struct cursor_in cursor_sub(struct cursor_in *c, size_t length);

/* Octets written so far. */
size_t cursor_written(const struct cursor_out *c);
void cursor_put_u8(struct cursor_out *c, uint8_t value);
void cursor_put_u16(struct cursor_out *c, uint16_t value);
void cursor_put_u32(struct cursor_out *c, uint32_t value);
void cursor_put_u64(struct cursor_out *c, uint64_t value);
/* Appends length octets; bytes may be NULL when length is 0. */
void cursor_put(struct cursor_out *c, const void *bytes, size_t length);
/* Leaves length octets for the caller to fill and returns where they are, NULL without room. */
uint8_t *cursor_reserve(struct cursor_out *c, size_t length);

#endif
