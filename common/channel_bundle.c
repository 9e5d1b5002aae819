/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages that travel together in one sealed datagram (PROTOCOL section 4.5).
 *
 * A bundle is a way of sending: requests are repeated and answers kept one by one (request.c), and
 * each message is counted, dispatched or dropped as if it had come alone. While a gathering is
 * open, encoded messages are put one behind the other; a full bundle leaves at once, the last one
 * with the flush. A message that has found no company leaves without a bundle around it, in the
 * same octets as ever.
 */
#include <string.h>

#include "channel_internal.h"
#include "cursor.h"

#define LENGTH_LENGTH 2 /* octets before each message */

/* --- out ------------------------------------------------------------------------------------ */

void bundle_discard(struct channel *c)
{
	struct bundle *b = &c->bundle;

	keys_wipe(b->octets, b->length);
	b->length = 0;
	b->messages = 0;
}

/* The messages of a bundle that has left. */
static void count_sent(struct channel *c)
{
	struct cursor_in at = cursor_in(c->bundle.octets, c->bundle.length);

	cursor_take(&at, SNO_HEAD_LENGTH);
	while (cursor_left(&at) > 0) {
		size_t length = cursor_get_u16(&at);

		c->counters.sent[*cursor_take(&at, length)]++;
	}
}

static void bundle_send(struct channel *c)
{
	struct bundle *b = &c->bundle;
	const size_t first = SNO_HEAD_LENGTH + LENGTH_LENGTH;

	if (b->messages == 1)
		channel_seal(c, b->octets + first, b->length - first);
	else if (b->messages > 1 && channel_seal(c, b->octets, b->length) == 0)
		count_sent(c);
	bundle_discard(c);
}

int bundle_add(struct channel *c, const uint8_t *octets, size_t length)
{
	struct bundle *b = &c->bundle;
	struct cursor_out at;

	if (b->length + LENGTH_LENGTH + length > sizeof(b->octets))
		bundle_send(c);
	if (SNO_HEAD_LENGTH + LENGTH_LENGTH + length > sizeof(b->octets))
		return channel_seal(c, octets, length);
	if (b->messages == 0) {
		message_write_head(b->octets, MESSAGE_BUNDLE, 0);
		b->length = SNO_HEAD_LENGTH;
	}
	at = cursor_out(b->octets + b->length, sizeof(b->octets) - b->length);
	cursor_put_u16(&at, (uint16_t)length);
	cursor_put(&at, octets, length);
	b->length += cursor_written(&at);
	b->messages++;
	return 0;
}

void channel_gather(struct channel *c)
{
	c->bundle.depth++;
}

void channel_flush(struct channel *c, usec_t now)
{
	if (c->bundle.depth == 0 || --c->bundle.depth > 0)
		return;
	c->now = now;
	bundle_send(c);
}

/* --- in ------------------------------------------------------------------------------------- */

/* The messages behind the head. What is dropped is counted here, but for the last. */
static enum drop read_messages(struct channel *c, struct cursor_in at, usec_t now)
{
	enum drop last = cursor_left(&at) > 0 ? DROP_NONE : DROP_SHORT;

	while (cursor_left(&at) > 0) {
		size_t length = cursor_get_u16(&at);
		const uint8_t *octets = cursor_take(&at, length);
		enum drop drop = octets ? channel_read_message(c, octets, length, now) : DROP_SHORT;

		if (drop != DROP_NONE && last != DROP_NONE)
			c->counters.drops[last]++;
		if (drop != DROP_NONE)
			last = drop;
		if (!octets)
			break;
	}
	return last;
}

enum drop bundle_read(struct channel *c, const uint8_t *octets, size_t length, usec_t now)
{
	struct cursor_in at = cursor_in(octets, length);
	enum message_type type;
	uint32_t id;
	enum drop drop = message_read_head(octets, length, &type, &id);

	if (drop != DROP_NONE || type != MESSAGE_BUNDLE)
		return channel_read_message(c, octets, length, now);
	if (id != 0)
		return DROP_VALUE;
	c->counters.received[MESSAGE_BUNDLE]++;
	cursor_take(&at, SNO_HEAD_LENGTH);
	channel_gather(c);
	drop = read_messages(c, at, now);
	channel_flush(c, now);
	return drop;
}
