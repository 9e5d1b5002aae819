/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attribute values as text, in the form that the golden datagrams use: names as they are, numbers
 * in decimal, addresses as usual, keys and octet strings in hexadecimal.
 */
#ifndef SNO_TESTS_MESSAGE_TEXT_H
#define SNO_TESTS_MESSAGE_TEXT_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "message.h"
#include "message_table.h"
#include "tests/hex.h"

/* Characters of the longest value, with the final NUL. */
#define MESSAGE_VALUE_TEXT (2 * SNO_HANDSHAKE_MAX + 1)

/* Octets to lower-case hexadecimal; text has room for 2 * length + 1. */
static inline const char *hex_encode(char *text, const void *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = bytes;

	for (size_t i = 0; i < length; i++) {
		text[2 * i] = digits[in[i] >> 4];
		text[2 * i + 1] = digits[in[i] & 15];
	}
	text[2 * length] = '\0';
	return text;
}

/* Sets an attribute from its text. False when the text is no value of that type at all. */
static inline bool message_set_from_text(struct message *m, enum attribute a, const char *text)
{
	const struct attribute_row *row = attribute_row(a);
	uint8_t bytes[SNO_HANDSHAKE_MAX];
	ssize_t length = hex_decode(bytes, sizeof(bytes), text);
	struct addr addr;
	struct prefix prefix;
	struct lladdr lladdr;
	char *end;

	switch (row->kind->field) {
	case FIELD_TEXT:
		message_set_text(m, a, text);
		return true;
	case FIELD_NUMBER:
		errno = 0;
		message_set_number(m, a, strtoull(text, &end, 10));
		return errno == 0 && end != text && *end == '\0';
	case FIELD_ADDR:
		if (addr_parse(&addr, text) < 0)
			return false;
		message_set_addr(m, a, &addr);
		return true;
	case FIELD_PREFIX:
		if (prefix_parse(&prefix, text) < 0)
			return false;
		message_set_prefix(m, &prefix);
		return true;
	case FIELD_LINK_LAYER:
		if (lladdr_parse(&lladdr, text) < 0)
			return false;
		message_set_link_layer(m, &lladdr);
		return true;
	case FIELD_OCTETS:
		if (length != row->max)
			return false;
		message_set_octets(m, a, bytes);
		return true;
	case FIELD_BLOB:
		if (length < 0)
			return false;
		message_set_blob(m, a, bytes, (size_t)length);
		return true;
	}
	return false;
}

/* The text of an attribute that is present; returns text. */
static inline const char *message_value_text(const struct message *m, enum attribute a,
					     char text[MESSAGE_VALUE_TEXT])
{
	const struct attribute_row *row = attribute_row(a);
	const void *field = (const uint8_t *)m + row->offset;
	uint64_t number = 0;
	uint8_t wire[8];
	struct cursor_out c = cursor_out(wire, sizeof(wire));

	switch (row->kind->field) {
	case FIELD_TEXT:
		snprintf(text, MESSAGE_VALUE_TEXT, "%s", (const char *)field);
		break;
	case FIELD_NUMBER:
		row->kind->put(row, field, &c);
		for (size_t i = 0; i < cursor_written(&c); i++)
			number = number << 8 | wire[i];
		snprintf(text, MESSAGE_VALUE_TEXT, "%" PRIu64, number);
		break;
	case FIELD_ADDR:
		addr_format(field, text);
		break;
	case FIELD_PREFIX:
		prefix_format(field, text);
		break;
	case FIELD_LINK_LAYER:
		lladdr_format(field, text);
		break;
	case FIELD_OCTETS:
		hex_encode(text, field, row->max);
		break;
	case FIELD_BLOB:
		hex_encode(text, ((const struct message_blob *)field)->bytes,
			   ((const struct message_blob *)field)->length);
		break;
	}
	return text;
}

#endif
