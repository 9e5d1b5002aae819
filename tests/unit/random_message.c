/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random messages for tests (random_message.h). Which attributes a type has comes from the codec's
 * own table, which test-protocol.c compares with PROTOCOL.
 */
#include "random_message.h"

#include "message_table.h"

#include <string.h>

uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint32_t random_below(struct random *r, uint32_t limit)
{
	return (uint32_t)(random_next(r) >> 32) % limit;
}

void random_bytes(struct random *r, void *out, size_t length)
{
	uint8_t *bytes = out;

	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)random_next(r);
}

/* A length between two, every third time one of the two. */
static size_t random_length(struct random *r, size_t from, size_t to)
{
	switch (random_below(r, 6)) {
	case 0:
		return from;
	case 1:
		return to;
	default:
		return from + random_below(r, (uint32_t)(to - from + 1));
	}
}

static void random_text(struct message *m, enum attribute a, struct random *r)
{
	static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789-._";
	char text[SNO_NAME_MAX + 1] = {0};
	size_t length = random_length(r, 1, SNO_NAME_MAX);

	for (size_t i = 0; i < length; i++)
		text[i] = characters[random_below(r, sizeof(characters) - 1)];
	message_set_text(m, a, text);
}

static void random_number(struct message *m, enum attribute a, struct random *r)
{
	const struct attribute_row *row = attribute_row(a);
	uint64_t span = row->high - row->low + 1; /* 0: all 64 bits */
	uint64_t value = random_next(r);

	if (a == ATTR_TUNNEL_KIND)
		value = UINT64_C(1) << random_below(r, 5);
	else if (a == ATTR_SUITE)
		value = UINT64_C(1) << random_below(r, 2);
	else if (value % 6 == 0)
		value = row->low;
	else if (value % 6 == 1)
		value = row->high;
	else
		value = row->low + (span ? value % span : value);
	message_set_number(m, a, value);
}

static void random_addr(struct message *m, enum attribute a, struct random *r)
{
	struct addr value = {.family = AF_INET6};

	random_bytes(r, value.bytes, sizeof(value.bytes));
	if (a == ATTR_HOA4 || a == ATTR_TUNNEL_END4 || (a == ATTR_COA && random_below(r, 2))) {
		value.family = AF_INET;
		value.bytes[0] = (uint8_t)(1 + random_below(r, 126));
	} else if (a == ATTR_LINK_LOCAL) {
		value.bytes[0] = 0xfe;
		value.bytes[1] = 0x80 | (value.bytes[1] & 0x3f);
	} else {
		value.bytes[0] = 0x20 | (value.bytes[0] & 0x1f);
	}
	message_set_addr(m, a, &value);
}

static void random_prefix(struct message *m, struct random *r)
{
	struct prefix value = {.addr.family = AF_INET6,
			       .length = (uint8_t)random_length(r, 1, 128)};

	random_bytes(r, value.addr.bytes, sizeof(value.addr.bytes));
	for (unsigned int bit = value.length; bit < 128; bit++)
		value.addr.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	message_set_prefix(m, &value);
}

void random_attribute(struct message *m, enum attribute a, size_t longest, struct random *r)
{
	const struct attribute_row *row = attribute_row(a);
	uint8_t bytes[SNO_HANDSHAKE_MAX];
	struct lladdr lladdr;

	switch (row->kind->field) {
	case FIELD_TEXT:
		random_text(m, a, r);
		break;
	case FIELD_NUMBER:
		random_number(m, a, r);
		break;
	case FIELD_ADDR:
		random_addr(m, a, r);
		break;
	case FIELD_PREFIX:
		random_prefix(m, r);
		break;
	case FIELD_LINK_LAYER:
		random_bytes(r, lladdr.bytes, sizeof(lladdr.bytes));
		lladdr.bytes[0] = (lladdr.bytes[0] & 0xfc) | 0x02;
		message_set_link_layer(m, &lladdr);
		break;
	case FIELD_OCTETS:
		random_bytes(r, bytes, row->max);
		message_set_octets(m, a, bytes);
		break;
	case FIELD_BLOB:
		random_bytes(r, bytes, sizeof(bytes));
		message_set_blob(
			m, a, bytes,
			random_length(r, row->min, longest < row->max ? longest : row->max));
	}
}

uint64_t random_present(enum message_type type, enum message_place place, bool all,
			struct random *r)
{
	const struct message_row *row = message_row(type);
	uint64_t present = row->required;

	if (place == PLACE_CORE)
		present |= row->core;
	if (all)
		return present | row->optional;
	present |= row->optional & random_next(r);
	if (present & row->together)
		present |= row->together;
	/* Without a REASON it cannot be a refusal, which may lack what acceptance requires. */
	if (!(row->required & UINT64_C(1) << ATTR_REASON) || random_below(r, 2))
		present |= row->accepted | row->accepted_any;
	return present;
}

void random_message(struct message *m, enum message_type type, uint64_t present, size_t longest,
		    struct random *r)
{
	const struct message_row *row = message_row(type);
	bool acceptable = (present & row->accepted) == row->accepted &&
			  (!row->accepted_any || present & row->accepted_any);

	/* Two octet strings of 768 would be longer than a datagram. */
	if (present & UINT64_C(1) << ATTR_SEALED && longest > 600)
		longest = 600;
	message_init(m, type, row->id ? (uint32_t)random_next(r) | 1 : 0);
	for (unsigned int a = 1; a < ATTR_COUNT; a++)
		if (present & UINT64_C(1) << a)
			random_attribute(m, a, longest, r);
	if (m->reason == REASON_ACCEPTED && !acceptable && message_has(m, ATTR_REASON))
		message_set_number(m, ATTR_REASON, 1 + random_below(r, UINT16_MAX));
}
