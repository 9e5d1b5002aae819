/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-message: what reading and writing a message costs.
 *
 * The yardstick is memcpy() of the same octets between the wire and a buffer of struct message's
 * size that is cleared first, which is the least that any codec with this interface must do. Both
 * are measured in turns and the fastest of the turns counts, so that a busy machine disturbs the
 * ratio little.
 */
#include <stdio.h>
#include <string.h>

#include "access.h"
#include "clock.h"
#include "keys.h"
#include "message.h"

#define TURNS	    11
#define REPEATS	    4000
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static struct message m, out;
static uint8_t wire[SNO_DATAGRAM_MAX], again[SNO_DATAGRAM_MAX];
static int length;
static enum message_place place;
static struct access_session terminal, core;
static volatile uint8_t sink;

static void nothing(void)
{
	sink = again[0];
}

static void copy(void)
{
	memset(&out, 0, sizeof(out));
	memcpy(&out, wire, (size_t)length);
	memcpy(again, wire, (size_t)length);
	sink = (uint8_t)(again[0] + ((uint8_t *)&out)[7]);
}

static void write_message(void)
{
	sink = (uint8_t)message_write(&m, again, sizeof(again));
}

static void read_message(void)
{
	sink = (uint8_t)message_read(&out, place, wire, (size_t)length);
}

/* An attacker's datagram: dropped at its very end. */
static void drop_message(void)
{
	sink = (uint8_t)message_read(&out, place, wire, (size_t)length - 1);
}

/* From message to message through a sealed datagram. */
static void seal_and_open(void)
{
	int sealed = access_seal(&terminal, &m, again, sizeof(again));

	sink = (uint8_t)access_open(&core, again, (size_t)sealed, &out);
}

static usec_t timed(void (*call)(void))
{
	usec_t start = clock_now();

	for (unsigned int i = 0; i < REPEATS; i++)
		call();
	return clock_now() - start;
}

/* One line: the operation and the yardstick in turns, less what calling costs. */
static void measure(const char *name, void (*operation)(void))
{
	usec_t ours = USEC_NEVER, base = USEC_NEVER, call = USEC_NEVER;
	double ns, base_ns;

	for (unsigned int turn = 0; turn < TURNS; turn++) {
		call = usec_min(call, timed(nothing));
		base = usec_min(base, timed(copy));
		ours = usec_min(ours, timed(operation));
	}
	ns = (double)(ours - call) * 1000 / REPEATS;
	base_ns = (double)(base - call) * 1000 / REPEATS;
	printf("%-20s %-14s %6d %10.0f %12.0f %7.1fx\n", message_type_name(m.type), name, length,
	       ns, 1e9 / ns, ns / base_ns);
}

static void addr(enum attribute a, const char *text)
{
	struct addr value;

	if (addr_parse(&value, text) == 0)
		message_set_addr(&m, a, &value);
}

static void authentication_ack(void)
{
	static const struct lladdr link_layer = {{2, 0, 0, 0, 0, 10}};
	uint8_t handshake[140] = {1};

	message_init(&m, MESSAGE_AUTHENTICATION_ACK, 1);
	message_set_text(&m, ATTR_USER, "alice");
	message_set_number(&m, ATTR_COUNTER, 2);
	message_set_blob(&m, ATTR_HANDSHAKE, handshake, sizeof(handshake));
	message_set_link_layer(&m, &link_layer);
	addr(ATTR_LINK_LOCAL, "fe80::ff:fe00:a");
	message_set_number(&m, ATTR_MTU, 1500);
	message_set_number(&m, ATTR_REASON, REASON_ACCEPTED);
	message_set_number(&m, ATTR_LIFETIME, 300);
	addr(ATTR_HOA4, "10.1.0.7");
	addr(ATTR_HOA6, "2001:db8:a::7");
	message_set_octets(&m, ATTR_ACCESS_KEY, handshake);
	message_set_number(&m, ATTR_BINDING, 1000001);
	place = PLACE_CORE;
}

static void tunnel_request(void)
{
	message_init(&m, MESSAGE_TUNNEL_REQUEST, 1);
	message_set_number(&m, ATTR_BINDING, 1000001);
	addr(ATTR_COA, "198.51.100.9");
	message_set_number(&m, ATTR_TUNNEL_KIND, TUNNEL_GRE4);
	message_set_number(&m, ATTR_TUNNEL_KEY, 4711);
	place = PLACE_CORE;
}

static void core_disconnect(void)
{
	message_init(&m, MESSAGE_CORE_DISCONNECT, 1);
	message_set_text(&m, ATTR_NEXT_SATELLITE, "s2");
	message_set_text(&m, ATTR_NEXT_CORE, "c.example");
	place = PLACE_ACCESS;
}

static void keepalive(void)
{
	message_init(&m, MESSAGE_KEEPALIVE, 0);
	place = PLACE_ACCESS;
}

int main(void)
{
	static void (*const messages[])(void) = {authentication_ack, tunnel_request,
						 core_disconnect, keepalive};
	static const struct {
		const char *name;
		void (*call)(void);
	} operations[] = {
		{"write", write_message},
		{"read", read_message},
		{"drop", drop_message},
		{"seal and open", seal_and_open},
	};
	static const uint8_t key[KEY_LENGTH];

	if (keys_init() < 0)
		return 1;
	access_session_init(&terminal, key, false);
	access_session_init(&core, key, true);
	terminal.remote_index = core.local_index = 1;
	printf("%-20s %-14s %6s %10s %12s %8s\n", "message", "operation", "octets", "ns",
	       "per second", "memcpy");
	for (size_t i = 0; i < COUNT(messages); i++) {
		messages[i]();
		length = message_write(&m, wire, sizeof(wire));
		if (length < 0 || message_read(&out, place, wire, (size_t)length) != DROP_NONE)
			return 1;
		for (size_t j = 0; j < COUNT(operations); j++)
			/* Those between cores are not for the access side. */
			if (operations[j].call != seal_and_open || place == PLACE_ACCESS)
				measure(operations[j].name, operations[j].call);
	}
	return 0;
}
