/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What attributes and messages there are (PROTOCOL section 3): the heart of the codec.
 *
 * First the kinds of value, each of them four short functions; then one line for each attribute
 * and each message. The loops of message.c know no type and no code of their own.
 */
#include "message_table.h"

#include <string.h>

/* --- kinds of value ------------------------------------------------------------------------- */

static size_t fixed_length(const struct attribute_row *row, const void *field)
{
	(void)field;
	return row->max;
}

static size_t text_length(const struct attribute_row *row, const void *field)
{
	return strnlen(field, (size_t)row->max + 1);
}

static bool text_valid(const struct attribute_row *row, const void *field)
{
	(void)row;
	return message_name_valid(field);
}

static bool text_get(const struct attribute_row *row, void *field, struct cursor_in *value)
{
	size_t length = cursor_left(value);
	char *text = field;

	(void)row;
	cursor_get(value, text, length);
	text[length] = '\0';
	return strlen(text) == length;
}

static void text_put(const struct attribute_row *row, const void *field, struct cursor_out *out)
{
	cursor_put(out, field, text_length(row, field));
}

static const struct attribute_kind text = {FIELD_TEXT, text_length, text_valid, text_get, text_put};

/* A number lies in an integer of exactly the width that it has on the wire. */
static uint64_t number_load(const struct attribute_row *row, const void *field)
{
	switch (row->max) {
	case 1:
		return *(const uint8_t *)field;
	case 2:
		return *(const uint16_t *)field;
	case 4:
		return *(const uint32_t *)field;
	default:
		return *(const uint64_t *)field;
	}
}

static bool number_valid(const struct attribute_row *row, const void *field)
{
	uint64_t value = number_load(row, field);

	return value >= row->low && value <= row->high;
}

static bool number_get(const struct attribute_row *row, void *field, struct cursor_in *value)
{
	switch (row->max) {
	case 1:
		*(uint8_t *)field = cursor_get_u8(value);
		break;
	case 2:
		*(uint16_t *)field = cursor_get_u16(value);
		break;
	case 4:
		*(uint32_t *)field = cursor_get_u32(value);
		break;
	default:
		*(uint64_t *)field = cursor_get_u64(value);
	}
	return true;
}

static void number_put(const struct attribute_row *row, const void *field, struct cursor_out *out)
{
	switch (row->max) {
	case 1:
		cursor_put_u8(out, *(const uint8_t *)field);
		break;
	case 2:
		cursor_put_u16(out, *(const uint16_t *)field);
		break;
	case 4:
		cursor_put_u32(out, *(const uint32_t *)field);
		break;
	default:
		cursor_put_u64(out, *(const uint64_t *)field);
	}
}

static const struct attribute_kind number = {FIELD_NUMBER, fixed_length, number_valid, number_get,
					     number_put};

/* One bit of a set, as a number of its own. */
static bool one_bit_valid(const struct attribute_row *row, const void *field)
{
	uint64_t value = number_load(row, field);

	return number_valid(row, field) && (value & (value - 1)) == 0;
}

static const struct attribute_kind one_bit = {FIELD_NUMBER, fixed_length, one_bit_valid, number_get,
					      number_put};

static size_t address_length(const struct attribute_row *row, const void *field)
{
	const struct addr *a = field;

	(void)row;
	return addr_length(a->family);
}

/* The family is one whose length the row allows. */
static bool address_fits(const struct attribute_row *row, const struct addr *a)
{
	size_t length = addr_length(a->family);

	return length >= row->min && length <= row->max;
}

/* What a packet can be sent to across networks (RFC 6890): no group, no loopback, no link. */
static bool unicast_valid(const struct attribute_row *row, const void *field)
{
	const struct addr *a = field;

	if (!address_fits(row, a))
		return false;
	if (a->family == AF_INET)
		return a->bytes[0] != 0 && a->bytes[0] != IN_LOOPBACKNET && a->bytes[0] < 224;
	return !IN6_IS_ADDR_UNSPECIFIED(&a->v6) && !IN6_IS_ADDR_LOOPBACK(&a->v6) &&
	       !IN6_IS_ADDR_MULTICAST(&a->v6) && !IN6_IS_ADDR_LINKLOCAL(&a->v6) &&
	       !IN6_IS_ADDR_V4MAPPED(&a->v6);
}

static bool link_local_valid(const struct attribute_row *row, const void *field)
{
	return address_fits(row, field) && addr_link_local(field);
}

static bool address_get(const struct attribute_row *row, void *field, struct cursor_in *value)
{
	struct addr *a = field;
	size_t length = cursor_left(value);

	(void)row;
	a->family = length == sizeof(struct in_addr) ? AF_INET : AF_INET6;
	cursor_get(value, a->bytes, length);
	return true;
}

static void address_put(const struct attribute_row *row, const void *field, struct cursor_out *out)
{
	const struct addr *a = field;

	cursor_put(out, a->bytes, address_length(row, field));
}

static const struct attribute_kind unicast = {FIELD_ADDR, address_length, unicast_valid,
					      address_get, address_put};
static const struct attribute_kind link_local = {FIELD_ADDR, address_length, link_local_valid,
						 address_get, address_put};

static bool prefix_valid(const struct attribute_row *row, const void *field)
{
	const struct prefix *p = field;

	(void)row;
	if (p->addr.family != AF_INET6 || p->length < 1 || p->length > 128)
		return false;
	for (unsigned int bit = p->length; bit < 128; bit++)
		if (p->addr.bytes[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

static bool prefix_get(const struct attribute_row *row, void *field, struct cursor_in *value)
{
	struct prefix *p = field;

	(void)row;
	p->length = cursor_get_u8(value);
	p->addr.family = AF_INET6;
	cursor_get(value, p->addr.bytes, sizeof(struct in6_addr));
	return true;
}

static void prefix_put(const struct attribute_row *row, const void *field, struct cursor_out *out)
{
	const struct prefix *p = field;

	(void)row;
	cursor_put_u8(out, p->length);
	cursor_put(out, p->addr.bytes, sizeof(struct in6_addr));
}

static const struct attribute_kind prefix = {FIELD_PREFIX, fixed_length, prefix_valid, prefix_get,
					     prefix_put};

/* Octets as they are: keys, and with one more condition link-layer addresses. */
static bool octets_valid(const struct attribute_row *row, const void *field)
{
	(void)row;
	(void)field;
	return true;
}

static bool octets_get(const struct attribute_row *row, void *field, struct cursor_in *value)
{
	cursor_get(value, field, row->max);
	return true;
}

static void octets_put(const struct attribute_row *row, const void *field, struct cursor_out *out)
{
	cursor_put(out, field, row->max);
}

static const struct attribute_kind octets = {FIELD_OCTETS, fixed_length, octets_valid, octets_get,
					     octets_put};

/* Unicast (the group bit of IEEE 802 is 0) and not all zero. */
static bool link_layer_valid(const struct attribute_row *row, const void *field)
{
	static const struct lladdr none;
	const struct lladdr *l = field;

	(void)row;
	return !(l->bytes[0] & 1) && !lladdr_equal(l, &none);
}

static const struct attribute_kind link_layer = {FIELD_LINK_LAYER, fixed_length, link_layer_valid,
						 octets_get, octets_put};

static size_t blob_length(const struct attribute_row *row, const void *field)
{
	const struct message_blob *blob = field;

	(void)row;
	return blob->length;
}

static bool blob_valid(const struct attribute_row *row, const void *field)
{
	size_t length = blob_length(row, field);

	return length >= row->min && length <= row->max;
}

static bool blob_get(const struct attribute_row *row, void *field, struct cursor_in *value)
{
	struct message_blob *blob = field;

	(void)row;
	blob->length = (uint16_t)cursor_left(value);
	cursor_get(value, blob->bytes, blob->length);
	return true;
}

static void blob_put(const struct attribute_row *row, const void *field, struct cursor_out *out)
{
	const struct message_blob *blob = field;

	(void)row;
	cursor_put(out, blob->bytes, blob->length);
}

static const struct attribute_kind blob = {FIELD_BLOB, blob_length, blob_valid, blob_get, blob_put};

/* --- the tables ----------------------------------------------------------------------------- */

#define FIELD(field)		.offset = offsetof(struct message, field)
#define WIDTH(field)		.max = sizeof(((struct message *)0)->field), FIELD(field)
#define FIXED(field)		.min = sizeof(((struct message *)0)->field), WIDTH(field)
#define NAME(field)		.kind = &text, .min = 1, .max = SNO_NAME_MAX, FIELD(field)
#define ADDR4(field)		.kind = &unicast, .min = 4, .max = 4, FIELD(field)
#define ADDR6(field)		.kind = &unicast, .min = 16, .max = 16, FIELD(field)
#define OCTETS(field)		.kind = &octets, FIXED(field)
#define NUMBER(field, from, to) .kind = &number, FIXED(field), .low = (from), .high = (to)

/* clang-format off */

/* PROTOCOL section 3.2. */
const struct attribute_row message_attributes[ATTR_COUNT] = {
	[ATTR_CORE]              = {"CORE", NAME(core)},
	[ATTR_REALM]             = {"REALM", NAME(realm)},
	[ATTR_USER]              = {"USER", NAME(user)},
	[ATTR_EPOCH]             = {"EPOCH", NUMBER(epoch, 1, UINT64_MAX)},
	[ATTR_HOME_EPOCH]        = {"HOME_EPOCH", NUMBER(home_epoch, 0, UINT64_MAX)},
	[ATTR_COUNTER]           = {"COUNTER", NUMBER(counter, 0, UINT64_MAX)},
	[ATTR_INDEX]             = {"INDEX", NUMBER(index, 1, UINT32_MAX)},
	[ATTR_HANDSHAKE]         = {"HANDSHAKE", .kind = &blob, .min = SNO_HANDSHAKE_MIN,
				    .max = SNO_HANDSHAKE_MAX, FIELD(handshake)},
	[ATTR_SEALED]            = {"SEALED", .kind = &blob, .min = 24,
				    .max = SNO_HANDSHAKE_MAX, FIELD(sealed)},
	[ATTR_LINK_LAYER]        = {"LINK_LAYER", .kind = &link_layer, FIXED(link_layer)},
	[ATTR_LINK_LOCAL]        = {"LINK_LOCAL", .kind = &link_local, .min = 16, .max = 16,
				    FIELD(link_local)},
	[ATTR_MTU]               = {"MTU", NUMBER(mtu, 1280, UINT16_MAX)},
	[ATTR_INTERVAL]          = {"INTERVAL", NUMBER(interval, 1, UINT16_MAX)},
	[ATTR_REASON]            = {"REASON", NUMBER(reason, 0, UINT16_MAX)},
	[ATTR_LIFETIME]          = {"LIFETIME", NUMBER(lifetime, 0, UINT32_MAX)},
	[ATTR_HOA4]              = {"HOA4", ADDR4(hoa4)},
	[ATTR_HOA6]              = {"HOA6", ADDR6(hoa6)},
	[ATTR_PREFIX]            = {"PREFIX", .kind = &prefix, .min = 17, .max = 17,
				    FIELD(prefix)},
	[ATTR_ACCESS_KEY]        = {"ACCESS_KEY", OCTETS(access_key)},
	[ATTR_BINDING]           = {"BINDING", NUMBER(binding, 1, UINT64_MAX)},
	[ATTR_COA]               = {"COA", .kind = &unicast, .min = 4, .max = 16, FIELD(coa)},
	[ATTR_TUNNEL_KIND]       = {"TUNNEL_KIND", .kind = &one_bit, FIXED(tunnel_kind),
				    .low = 1, .high = TUNNEL_KINDS_ALL},
	[ATTR_TUNNEL_KINDS]      = {"TUNNEL_KINDS", NUMBER(tunnel_kinds, 1, TUNNEL_KINDS_ALL)},
	[ATTR_TUNNEL_KEY]        = {"TUNNEL_KEY", NUMBER(tunnel_key, 1, (1 << 24) - 1)},
	[ATTR_TUNNEL_END4]       = {"TUNNEL_END4", ADDR4(tunnel_end4)},
	[ATTR_TUNNEL_END6]       = {"TUNNEL_END6", ADDR6(tunnel_end6)},
	[ATTR_NEXT_SATELLITE]    = {"NEXT_SATELLITE", NAME(next_satellite)},
	[ATTR_NEXT_CORE]         = {"NEXT_CORE", NAME(next_core)},
	[ATTR_GAP]               = {"GAP", NUMBER(gap, 0, UINT32_MAX)},
	[ATTR_REGISTRATION_TIME] = {"REGISTRATION_TIME", NUMBER(registration_time, 0, UINT32_MAX)},
	[ATTR_HANDOVER_COUNTER]  = {"HANDOVER_COUNTER", NUMBER(handover_counter, 1, UINT64_MAX)},
	[ATTR_HANDOVER_KEY]      = {"HANDOVER_KEY", OCTETS(handover_key)},
	[ATTR_ARRIVAL]           = {"ARRIVAL", OCTETS(arrival)},
	[ATTR_EXPECTED]          = {"EXPECTED", NUMBER(expected, 0, UINT32_MAX)},
	[ATTR_HOLD]              = {"HOLD", NUMBER(hold, 0, 1)},
	[ATTR_UPLINK_DELAY]      = {"UPLINK_DELAY", NUMBER(uplink_delay, 0, UINT32_MAX)},
	[ATTR_MODE]              = {"MODE", NUMBER(mode, MODE_BASELINE, MODE_SOFT)},
	[ATTR_FIRST_PACKET]      = {"FIRST_PACKET", NUMBER(first_packet, 0, UINT32_MAX)},
	[ATTR_BUFFERED]          = {"BUFFERED", NUMBER(buffered, 0, UINT32_MAX)},
	[ATTR_DROPPED]           = {"DROPPED", NUMBER(dropped, 0, UINT32_MAX)},
	[ATTR_HANDOVER_TAG]      = {"HANDOVER_TAG", OCTETS(handover_tag)},
	[ATTR_HANDOVER_PROOF]    = {"HANDOVER_PROOF", OCTETS(handover_proof)},
	[ATTR_EPHEMERAL]         = {"EPHEMERAL", OCTETS(ephemeral)},
	[ATTR_SUITES]            = {"SUITES", NUMBER(suites, 1, SUITES_ALL)},
	[ATTR_SUITE]             = {"SUITE", .kind = &one_bit, FIXED(suite),
				    .low = 1, .high = SUITES_ALL},
	[ATTR_SPI]               = {"SPI", NUMBER(spi, SPI_MIN, UINT32_MAX)},
};

#define A(attribute) (UINT64_C(1) << ATTR_##attribute)

#define BOTH (PLACE_CORE | PLACE_ACCESS)

/* Where to send to, and how. */
#define TUNNEL (A(COA) | A(TUNNEL_KIND) | A(TUNNEL_KEY))
/* Protected tunnels, section 16. */
#define PROTECTION (A(SUITES) | A(SUITE) | A(SPI))
/* What makes a discovery do without the home core, section 6.1. */
#define SHORT_PROOF (A(COUNTER) | A(ARRIVAL) | A(HANDOVER_TAG) | A(HANDOVER_PROOF))

/* PROTOCOL section 3.1. */
const struct message_row message_rows[UINT8_MAX + 1] = {
	/* No attributes, hence in no place of this codec: sections 4.1, 4.2, 4.5, 5.3. */
	[MESSAGE_HANDSHAKE_INITIATION] = {"handshake initiation", .id = true},
	[MESSAGE_HANDSHAKE_RESPONSE] = {"handshake response", .id = true},
	[MESSAGE_SEALED] = {"sealed", .id = true},
	[MESSAGE_COOKIE] = {"cookie", .id = true},
	[MESSAGE_COOKIE_PROOF] = {"cookie proof", .id = true},
	[MESSAGE_BUNDLE] = {.name = "bundle"},
	[MESSAGE_HELLO] = {"hello", PLACE_HELLO,
		.required = A(CORE) | A(EPOCH) | A(TUNNEL_KINDS) | A(TUNNEL_KEY),
		.optional = A(TUNNEL_END4) | A(TUNNEL_END6) | PROTECTION,
		.together = PROTECTION},
	[MESSAGE_IDENTITY] = {"identity", PLACE_IDENTITY,
		.required = A(USER) | A(HOME_EPOCH) | A(COUNTER) | A(LINK_LAYER) | A(LINK_LOCAL) |
			    A(MTU),
		.optional = A(CORE) | A(MODE) | A(EPHEMERAL)},
	[MESSAGE_ASSIGNMENT] = {"assignment", PLACE_ASSIGNMENT,
		.required = A(CORE) | A(HOME_EPOCH) | A(COUNTER) | A(REASON),
		.optional = A(LIFETIME) | A(HOA4) | A(HOA6) | A(PREFIX) | A(EPHEMERAL),
		.accepted = A(LIFETIME), .accepted_any = A(HOA4) | A(HOA6)},
	[MESSAGE_CORE_ADVERTISEMENT] = {"core advertisement", PLACE_CLEAR,
		.required = A(CORE) | A(EPOCH) | A(INTERVAL)},
	[MESSAGE_CORE_DISCOVERY] = {"core discovery", PLACE_CLEAR, .id = true,
		.required = A(REALM) | A(HANDSHAKE),
		.optional = SHORT_PROOF | A(MODE),
		.together = SHORT_PROOF},
	[MESSAGE_REGISTRATION_DONE] = {"registration done", PLACE_CLEAR, .id = true,
		.required = A(SEALED),
		.optional = A(HANDSHAKE)},
	[MESSAGE_REGISTRATION_REJECT] = {"registration reject", PLACE_CLEAR, .id = true,
		.required = A(REASON),
		.optional = A(HANDSHAKE)},
	[MESSAGE_REGISTRATION] = {"registration", PLACE_REGISTRATION, .id = true,
		.required = A(CORE) | A(EPOCH) | A(MTU) | A(LIFETIME),
		.optional = A(COA) | A(UPLINK_DELAY) | A(MODE)},
	[MESSAGE_AUTHENTICATION] = {"authentication", PLACE_CORE, .id = true,
		.required = A(REALM) | A(INDEX) | A(HANDSHAKE),
		.optional = TUNNEL | A(NEXT_SATELLITE) | A(LINK_LAYER) | A(LINK_LOCAL),
		.together = TUNNEL},
	[MESSAGE_AUTHENTICATION_ACK] = {"authentication ACK", PLACE_CORE, .id = true,
		.required = A(REASON),
		.optional = A(USER) | A(COUNTER) | A(HANDSHAKE) | A(LINK_LAYER) | A(LINK_LOCAL) |
			    A(MTU) | A(LIFETIME) | A(HOA4) | A(HOA6) | A(PREFIX) | A(ACCESS_KEY) |
			    A(BINDING) | A(COA) | A(UPLINK_DELAY),
		.accepted = A(USER) | A(COUNTER) | A(HANDSHAKE) | A(LINK_LAYER) | A(LINK_LOCAL) |
			    A(MTU) | A(LIFETIME) | A(ACCESS_KEY) | A(BINDING),
		.accepted_any = A(HOA4) | A(HOA6)},
	[MESSAGE_TUNNEL_REQUEST] = {"CoA + tunnel request", PLACE_CORE, .id = true,
		.required = A(BINDING) | TUNNEL,
		.optional = A(COUNTER) | A(NEXT_SATELLITE) | A(ARRIVAL) | A(MODE),
		.together = A(COUNTER) | A(ARRIVAL)},
	[MESSAGE_TUNNEL_ACK] = {"tunnel ACK", PLACE_CORE, .id = true,
		.required = A(REASON) | A(BINDING),
		.optional = A(MTU)},
	[MESSAGE_CORE_DISCONNECT] = {"core disconnect", BOTH, .id = true,
		.optional = A(LINK_LAYER) | A(LINK_LOCAL) | A(MTU) | A(LIFETIME) | A(BINDING) |
			    A(NEXT_SATELLITE) | A(NEXT_CORE) | A(HANDOVER_COUNTER),
		.core = A(BINDING)},
	[MESSAGE_DISCONNECTION_ACK] = {"disconnection ACK", BOTH, .id = true,
		.required = A(REASON),
		.optional = A(NEXT_CORE) | A(UPLINK_DELAY) | A(MODE)},
	[MESSAGE_RELEASE] = {"release", BOTH, .id = true,
		.required = A(REASON),
		.optional = A(BINDING) | A(MODE),
		.core = A(BINDING)},
	[MESSAGE_RELEASE_ACK] = {"release ACK", BOTH, .id = true,
		.required = A(REASON)},
	[MESSAGE_HANDOVER_DONE] = {"handover done", BOTH, .id = true,
		.required = A(GAP) | A(REGISTRATION_TIME),
		.optional = A(BINDING) | A(MODE) | A(FIRST_PACKET) | A(BUFFERED) | A(DROPPED),
		.core = A(BINDING)},
	[MESSAGE_HANDOVER_DONE_ACK] = {"handover done ACK", BOTH, .id = true,
		.required = A(REASON)},
	[MESSAGE_PROACTIVE_AUTHENTICATION] = {"proactive authentication", PLACE_CORE, .id = true,
		.required = A(USER) | A(LIFETIME) | A(BINDING) | A(HANDOVER_KEY) | A(EXPECTED),
		.optional = A(LINK_LAYER) | A(LINK_LOCAL) | A(MTU) | A(HOA4) | A(HOA6) | A(PREFIX) |
			    A(NEXT_SATELLITE) | A(HOLD) | A(UPLINK_DELAY),
		.accepted_any = A(HOA4) | A(HOA6)},
	[MESSAGE_PROACTIVE_AUTHENTICATION_ACK] = {"proactive authentication ACK", PLACE_CORE,
		.id = true,
		.required = A(REASON),
		.optional = A(MTU) | TUNNEL | A(HOLD),
		.accepted = A(MTU) | TUNNEL},
	[MESSAGE_HANDOVER_ANNOUNCEMENT] = {"handover announcement", BOTH, .id = true,
		.required = A(HANDOVER_COUNTER) | A(EXPECTED),
		.optional = A(LINK_LAYER) | A(LINK_LOCAL) | A(MTU) | A(BINDING) |
			    A(NEXT_SATELLITE) | A(NEXT_CORE),
		.core = A(BINDING)},
	[MESSAGE_HANDOVER_ANNOUNCEMENT_ACK] = {"handover announcement ACK", BOTH, .id = true,
		.required = A(REASON),
		.optional = A(NEXT_CORE) | A(UPLINK_DELAY) | A(MODE)},
	[MESSAGE_ECHO] = {"echo", PLACE_CORE, .id = true},
	[MESSAGE_ECHO_ACK] = {"echo ACK", PLACE_CORE, .id = true,
		.required = A(REASON)},
	[MESSAGE_KEEPALIVE] = {"keepalive", .places = BOTH},
	[MESSAGE_ERROR] = {"error", BOTH, .id = true,
		.required = A(REASON)},
};

/* clang-format on */

const struct attribute_row *attribute_row(unsigned int code)
{
	return code < ATTR_COUNT && message_attributes[code].name ? &message_attributes[code]
								  : NULL;
}

const struct message_row *message_row(unsigned int type)
{
	return type <= UINT8_MAX && message_rows[type].name ? &message_rows[type] : NULL;
}

bool attribute_length_allowed(const struct attribute_row *row, size_t length)
{
	/* Of addresses that may have either family, nothing between the two. */
	if (row->kind == &unicast && length != 4 && length != 16)
		return false;
	return length >= row->min && length <= row->max;
}
