/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two tables behind the codec: attributes and messages (PROTOCOL sections 3.1 and 3.2).
 *
 * Internal to message*.c; everybody else uses message.h. `attributes` says of each code how it is
 * called, how long it may be, where its field lies in struct message and which kind of value it
 * is; a kind knows how to read, check and write. `messages` says of each type where it may stand
 * and what it must and may carry. A new attribute or message is a new line there and in PROTOCOL,
 * and nothing else.
 */
#ifndef SNO_MESSAGE_TABLE_H
#define SNO_MESSAGE_TABLE_H

#include "cursor.h"
#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a field is in C: the setters of message.h, one each. */
enum field_type {
	FIELD_TEXT,   /* char[SNO_NAME_MAX + 1] */
	FIELD_NUMBER, /* integer exactly as wide as on the wire */
	FIELD_ADDR,
	FIELD_PREFIX,
	FIELD_LINK_LAYER,
	FIELD_OCTETS, /* uint8_t[], as many as on the wire */
	FIELD_BLOB,
};

struct attribute_row;

/* A kind of value. */
struct attribute_kind {
	enum field_type field;
	/* Octets that the field takes on the wire. */
	size_t (*length)(const struct attribute_row *row, const void *field);
	/* The field lies in its domain. */
	bool (*valid)(const struct attribute_row *row, const void *field);
	/* Reads a value whose length the row allows; false when no field can hold it. */
	bool (*get)(const struct attribute_row *row, void *field, struct cursor_in *value);
	void (*put)(const struct attribute_row *row, const void *field, struct cursor_out *out);
};

struct attribute_row {
	const char *name;
	const struct attribute_kind *kind;
	uint16_t min, max;  /* octets of the value */
	uint16_t offset;    /* of the field in struct message */
	uint64_t low, high; /* domain of a number */
};

/* Attributes as a set: bit (1 << ATTR_...), as in message.present. */
struct message_row {
	const char *name;
	unsigned int places; /* set of enum message_place */
	bool id;	     /* the head's id is an index or request id, never 0; else it is 0 */
	uint64_t required;
	uint64_t optional;
	uint64_t accepted;     /* required as well, unless REASON is there and not 0 */
	uint64_t accepted_any; /* and of these at least one */
	uint64_t core;	       /* required as well between cores */
	uint64_t together;     /* all of these or none */
};

extern const struct attribute_row message_attributes[ATTR_COUNT];
extern const struct message_row message_rows[UINT8_MAX + 1];

/* The row of a code or type, or NULL when it is not known. */
const struct attribute_row *attribute_row(unsigned int code);
const struct message_row *message_row(unsigned int type);
/* The row allows a value of this many octets. */
bool attribute_length_allowed(const struct attribute_row *row, size_t length);

#endif
