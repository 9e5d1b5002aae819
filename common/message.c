/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The codec of PROTOCOL sections 2 and 3: the loops that walk the two tables of message_table.c.
 *
 * Reading checks in the order that section 2.3 lays down, so that two implementations count the
 * same datagram under the same reason. Writing refuses what reading would drop.
 */
#include "message.h"

#include "keys.h"
#include "message_table.h"

#include <errno.h>
#include <string.h>

/* Bit 0 of `present`, which is no attribute: a setter was given what cannot be sent. */
#define REFUSED UINT64_C(1)

/* What its row, the reason it carries and (when known, else 0) its place require is there. */
static bool complete(const struct message *m, const struct message_row *row, unsigned int place)
{
	uint64_t required = row->required;
	bool refused = message_has(m, ATTR_REASON) && m->reason != REASON_ACCEPTED;

	if (place == PLACE_CORE)
		required |= row->core;
	if (!refused)
		required |= row->accepted;
	if (m->present & row->together)
		required |= row->together;
	if ((m->present & required) != required)
		return false;
	return refused || !row->accepted_any || (m->present & row->accepted_any);
}

/* --- reading -------------------------------------------------------------------------------- */

enum drop message_read_head(const uint8_t *in, size_t length, enum message_type *type, uint32_t *id)
{
	struct cursor_in c = cursor_in(in, length);
	uint8_t code = cursor_get_u8(&c);
	uint8_t version = cursor_get_u8(&c);
	uint16_t reserved = cursor_get_u16(&c);
	uint32_t head_id = cursor_get_u32(&c);

	if (length > SNO_DATAGRAM_MAX)
		return DROP_LONG;
	if (c.failed)
		return DROP_SHORT;
	if (version != SNO_WIRE_VERSION || reserved != 0)
		return DROP_VERSION;
	*type = code;
	*id = head_id;
	return DROP_NONE;
}

/* The next attribute; *last is the code before it, -1 before the first. */
static enum drop read_attribute(struct message *m, uint64_t allowed, struct cursor_in *c, int *last)
{
	unsigned int code = cursor_get_u8(c);
	size_t length = cursor_get_u16(c);
	struct cursor_in value = cursor_sub(c, length);
	const struct attribute_row *row;
	void *field;

	if (c->failed)
		return DROP_SHORT;
	if ((int)code <= *last)
		return DROP_ORDER;
	*last = (int)code;
	row = attribute_row(code);
	if (!row)
		return code < 0x80 ? DROP_UNKNOWN : DROP_NONE;
	if (!(allowed & UINT64_C(1) << code))
		return DROP_UNEXPECTED;
	if (!attribute_length_allowed(row, length))
		return DROP_LENGTH;
	field = (uint8_t *)m + row->offset;
	if (!row->kind->get(row, field, &value) || !row->kind->valid(row, field))
		return DROP_VALUE;
	m->present |= UINT64_C(1) << code;
	return DROP_NONE;
}

static enum drop read_message(struct message *m, enum message_place place, const uint8_t *in,
			      size_t length)
{
	enum message_type type;
	uint32_t id;
	enum drop drop = message_read_head(in, length, &type, &id);
	const struct message_row *row;
	struct cursor_in c;
	int last = -1;

	if (drop != DROP_NONE)
		return drop;
	row = message_row(type);
	if (!row || !(row->places & place))
		return DROP_TYPE;
	if (row->id != (id != 0))
		return DROP_VALUE;
	message_init(m, type, id);
	c = cursor_in(in + SNO_HEAD_LENGTH, length - SNO_HEAD_LENGTH);
	while (cursor_left(&c) > 0) {
		drop = read_attribute(m, row->required | row->optional, &c, &last);
		if (drop != DROP_NONE)
			return drop;
	}
	return complete(m, row, place) ? DROP_NONE : DROP_MISSING;
}

enum drop message_read(struct message *m, enum message_place place, const uint8_t *in,
		       size_t length)
{
	enum drop drop = read_message(m, place, in, length);

	if (drop != DROP_NONE)
		message_wipe(m);
	return drop;
}

/* --- writing -------------------------------------------------------------------------------- */

void message_write_head(uint8_t out[SNO_HEAD_LENGTH], enum message_type type, uint32_t id)
{
	struct cursor_out c = cursor_out(out, SNO_HEAD_LENGTH);

	cursor_put_u8(&c, (uint8_t)type);
	cursor_put_u8(&c, SNO_WIRE_VERSION);
	cursor_put_u16(&c, 0);
	cursor_put_u32(&c, id);
}

/* The message keeps to its row, so that the other end will take it. */
static bool writable(const struct message *m)
{
	const struct message_row *row = message_row(m->type);

	if (!row || !row->places || row->id != (m->id != 0))
		return false;
	if (m->present & ~(row->required | row->optional))
		return false;
	return complete(m, row, 0);
}

int message_write(const struct message *m, uint8_t *out, size_t cap)
{
	struct cursor_out c = cursor_out(out, cap < SNO_DATAGRAM_MAX ? cap : SNO_DATAGRAM_MAX);
	uint8_t *head = cursor_reserve(&c, SNO_HEAD_LENGTH);

	if (!writable(m))
		return -EINVAL;
	if (head)
		message_write_head(head, m->type, m->id);
	for (uint64_t left = m->present; left != 0; left &= left - 1) {
		unsigned int code = (unsigned int)__builtin_ctzll(left);
		const struct attribute_row *row = attribute_row(code);
		const void *field = (const uint8_t *)m + row->offset;

		if (!row->kind->valid(row, field))
			return -EINVAL;
		cursor_put_u8(&c, (uint8_t)code);
		cursor_put_u16(&c, (uint16_t)row->kind->length(row, field));
		row->kind->put(row, field, &c);
	}
	return c.failed ? -EMSGSIZE : (int)cursor_written(&c);
}

/* --- values --------------------------------------------------------------------------------- */

void message_init(struct message *m, enum message_type type, uint32_t id)
{
	memset(m, 0, sizeof(*m));
	m->type = type;
	m->id = id;
}

bool message_has(const struct message *m, enum attribute a)
{
	return attribute_row(a) && m->present & UINT64_C(1) << a;
}

void message_wipe(struct message *m)
{
	keys_wipe(m, sizeof(*m));
}

/* Every setter is the reading of a value as it would stand on the wire. */
static void set(struct message *m, enum attribute a, enum field_type type, const void *bytes,
		size_t length)
{
	const struct attribute_row *row = attribute_row(a);
	struct cursor_in value = cursor_in(bytes, length);

	if (row && row->kind->field == type && attribute_length_allowed(row, length) &&
	    row->kind->get(row, (uint8_t *)m + row->offset, &value))
		m->present |= UINT64_C(1) << a;
	else
		m->present |= REFUSED;
}

void message_set_text(struct message *m, enum attribute a, const char *text)
{
	set(m, a, FIELD_TEXT, text, text ? strlen(text) : 0);
}

void message_set_number(struct message *m, enum attribute a, uint64_t value)
{
	const struct attribute_row *row = attribute_row(a);
	size_t length = row && row->max <= sizeof(value) ? row->max : sizeof(value);
	uint8_t wire[sizeof(value)];
	struct cursor_out c = cursor_out(wire, sizeof(wire));

	cursor_put_u64(&c, value);
	if (length < sizeof(value) && value >> 8 * length != 0)
		m->present |= REFUSED;
	else
		set(m, a, FIELD_NUMBER, wire + sizeof(wire) - length, length);
}

void message_set_addr(struct message *m, enum attribute a, const struct addr *value)
{
	if (!addr_none(value))
		set(m, a, FIELD_ADDR, value->bytes, addr_length(value->family));
}

void message_set_prefix(struct message *m, const struct prefix *value)
{
	uint8_t wire[1 + sizeof(value->addr.bytes)];
	struct cursor_out c = cursor_out(wire, sizeof(wire));

	if (prefix_none(value))
		return;
	cursor_put_u8(&c, value->length);
	cursor_put(&c, value->addr.bytes, addr_length(value->addr.family));
	set(m, ATTR_PREFIX, FIELD_PREFIX, wire, cursor_written(&c));
}

void message_set_link_layer(struct message *m, const struct lladdr *value)
{
	set(m, ATTR_LINK_LAYER, FIELD_LINK_LAYER, value->bytes, sizeof(value->bytes));
}

void message_set_octets(struct message *m, enum attribute a, const uint8_t *octets)
{
	const struct attribute_row *row = attribute_row(a);

	set(m, a, FIELD_OCTETS, octets, row ? row->max : 0);
}

void message_set_blob(struct message *m, enum attribute a, const void *bytes, size_t length)
{
	set(m, a, FIELD_BLOB, bytes, length);
}

/* --- types and names ------------------------------------------------------------------------ */

bool message_is_request(enum message_type type)
{
	return type >= 0x30 && type <= 0x3d;
}

bool message_is_answer(enum message_type type)
{
	return (type >= 0xb0 && type <= 0xbd) || type == MESSAGE_ERROR;
}

enum message_type message_answer(enum message_type request)
{
	return message_is_request(request) ? request | 0x80 : MESSAGE_ERROR;
}

bool message_name_valid(const char *text)
{
	size_t length;

	for (length = 0; text[length] != '\0'; length++) {
		char c = text[length];

		if (length == SNO_NAME_MAX)
			return false;
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' &&
		    c != '_')
			return false;
	}
	return length > 0;
}

const char *message_type_name(enum message_type type)
{
	const struct message_row *row = message_row(type);

	return row ? row->name : "unknown-code";
}

const char *attribute_name(enum attribute a)
{
	const struct attribute_row *row = attribute_row(a);

	return row ? row->name : "unknown-code";
}
