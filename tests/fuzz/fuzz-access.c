/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: what a network can do to a terminal and its serving core.
 *
 * The input is a script for two ends of one access session and the network between them. Each
 * operation is an octet (modulo OPERATIONS) with what it needs behind it:
 *
 *	0      the terminal seals a message           1      the core does
 *	2 i    datagram i of the terminal arrives     3 i    datagram i of the core arrives
 *	4 i p x   the same as 2 with octet p changed by exclusive or with x; 5 as 3
 *	6 n ...   n octets of the attacker's arrive at the core
 *	7 n ...   n octets of plain text, sealed by the terminal itself, arrive at the core
 *	8      the core seals a registration          9 i    registration i arrives
 *	10 i p x   registration i arrives changed
 *	11 p x   a discovery with the short proof arrives, octet p (2 octets) changed by x
 *	12 n ...   n octets of the attacker's arrive as one
 *
 *	13 i n registration i arrives, but for octets behind the first n
 *
 * A model knows what each must yield: everything authentic once, in any order, and nothing else. At
 * the start, what a caller must not ask for.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "cursor.h"
#include "handover_key.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPERATIONS     14
#define SENT_MAX       64
#define STEPS_MAX      2000 /* fewer than the window is wide, so that nothing gets too old */
#define TERMINAL_INDEX 0x11223344
#define CORE_INDEX     0xa0b0c0d0

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* What one end has sent, and which of it has been taken. */
struct direction {
	struct access_session *from, *to;
	struct sent {
		uint8_t bytes[128];
		size_t length;
		uint32_t id; /* of the message in it */
		bool taken;
	} sent[SENT_MAX];
	size_t count;
};

static struct access_session terminal, core;
static struct direction up, down;
static struct registration {
	struct message_blob sealed;
	bool taken;
} registrations[SENT_MAX];
static size_t registration_count;

/* Names that are none, too little room, a session that nobody has answered. */
static void refuse(void)
{
	static const uint8_t root[KEY_LENGTH] = {9};
	struct access_session s;
	struct message_blob sealed;
	uint8_t octets[256], key[KEY_LENGTH];
	struct message m;

	access_session_init(&s, root, true);
	require(access_prologue(octets, sizeof(octets), 1, "No Realm") == -EINVAL);
	require(access_prologue(octets, 5, 1, "a.example") == -EMSGSIZE);
	require(access_key(key, root, "No Core", 1) == -EINVAL && keys_zero(key, sizeof(key)));
	message_init(&m, MESSAGE_RELEASE, 1);
	require(access_seal(&s, &m, octets, 3) == -EMSGSIZE);
	require(access_seal(&s, &m, octets, sizeof(octets)) == -ENOTCONN);
	require(access_seal_registration(&s, &m, &sealed) == -EINVAL);
	m.type = MESSAGE_REGISTRATION;
	require(access_seal_registration(&s, &m, &sealed) == -ENOTCONN);
	s.remote_index = 1;
	require(access_seal_registration(&s, &m, &sealed) == -EINVAL);
	m.type = MESSAGE_RELEASE;
	require(access_seal(&s, &m, octets, sizeof(octets)) == -EINVAL);
	message_set_number(&m, ATTR_REASON, REASON_CORE_RESTARTED);
	require(access_seal(&s, &m, octets, SNO_HEAD_LENGTH + 8 + 3) == -EMSGSIZE);
	access_session_wipe(&s);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	require(keys_init() == 0);
	refuse();
	return 0;
}

static void restart(void)
{
	static const uint8_t key[KEY_LENGTH] = {1, 2, 3};

	access_session_init(&terminal, key, false);
	access_session_init(&core, key, true);
	terminal.local_index = core.remote_index = TERMINAL_INDEX;
	terminal.remote_index = core.local_index = CORE_INDEX;
	up = (struct direction){.from = &terminal, .to = &core};
	down = (struct direction){.from = &core, .to = &terminal};
	registration_count = 0;
}

static void dispatch(struct direction *d)
{
	struct message m;
	struct sent *s;
	int length;

	if (d->count == SENT_MAX)
		return;
	s = &d->sent[d->count++];
	s->id = (uint32_t)d->count;
	message_init(&m, MESSAGE_RELEASE, s->id);
	message_set_number(&m, ATTR_REASON, REASON_CORE_RESTARTED);
	length = access_seal(d->from, &m, s->bytes, sizeof(s->bytes));
	require(length > 0);
	s->length = (size_t)length;
	s->taken = false;
}

/* A datagram arrives that is not what anyone sent: nothing comes of it. */
static void deliver_forged(struct access_session *to, const uint8_t *bytes, size_t length)
{
	const struct access_session before = *to;
	struct message m;
	uint32_t index;

	if (access_receiver_index(bytes, length, &index))
		require(index != 0 && length >= ACCESS_OVERHEAD && bytes[0] == MESSAGE_SEALED);
	require(access_open(to, bytes, length, &m) != DROP_NONE);
	require(memcmp(to, &before, sizeof(before)) == 0);
}

static void deliver(struct direction *d, uint8_t number)
{
	struct message m;
	struct sent *s;

	if (d->count == 0)
		return;
	s = &d->sent[number % d->count];
	if (s->taken) {
		require(access_open(d->to, s->bytes, s->length, &m) == DROP_REPLAY);
		return;
	}
	require(access_open(d->to, s->bytes, s->length, &m) == DROP_NONE);
	require(m.type == MESSAGE_RELEASE && m.id == s->id);
	s->taken = true;
}

static void deliver_changed(struct direction *d, uint8_t number, uint8_t place, uint8_t change)
{
	uint8_t bytes[128];
	const struct sent *s;

	if (d->count == 0 || change == 0)
		return;
	s = &d->sent[number % d->count];
	memcpy(bytes, s->bytes, s->length);
	bytes[place % s->length] ^= change;
	deliver_forged(d->to, bytes, s->length);
}

/* Plain text of the fuzzer's, sealed with the true key: the codec decides. */
static void deliver_plain(const uint8_t *plain, size_t length)
{
	uint8_t bytes[256 + ACCESS_OVERHEAD];
	struct cursor_out c = cursor_out(bytes, sizeof(bytes));
	struct message expected, m;
	enum drop drop = message_read(&expected, PLACE_ACCESS, plain, length);
	uint8_t *sealed;

	message_write_head(cursor_reserve(&c, SNO_HEAD_LENGTH), MESSAGE_SEALED, CORE_INDEX);
	cursor_put_u64(&c, seal_counter(&terminal.tx));
	sealed = cursor_reserve(&c, length + SEAL_TAG);
	require(seal_close(&terminal.tx, bytes, SNO_HEAD_LENGTH + 8, plain, length, sealed) == 0);
	require(access_open(&core, bytes, cursor_written(&c), &m) == drop);
	require(memcmp(&m, &expected, sizeof(m)) == 0);
	deliver_forged(&core, bytes, cursor_written(&c));
}

static void send_registration(void)
{
	struct message m;
	struct registration *r;

	if (registration_count == SENT_MAX)
		return;
	r = &registrations[registration_count++];
	r->taken = false;
	message_init(&m, MESSAGE_REGISTRATION, CORE_INDEX);
	message_set_text(&m, ATTR_CORE, "b.example");
	message_set_number(&m, ATTR_EPOCH, 1);
	message_set_number(&m, ATTR_MTU, 1400);
	message_set_number(&m, ATTR_LIFETIME, 300);
	require(access_seal_registration(&core, &m, &r->sealed) == 0);
}

static void deliver_registration(uint8_t number, uint8_t place, uint8_t change)
{
	struct message_blob sealed;
	struct registration *r;
	struct message m;
	enum drop drop;

	if (registration_count == 0)
		return;
	r = &registrations[number % registration_count];
	sealed = r->sealed;
	sealed.bytes[place % sealed.length] ^= change;
	drop = access_open_registration(&terminal, &sealed, &m);
	if (change != 0) {
		require(drop == DROP_SEAL || drop == DROP_REPLAY);
		return;
	}
	require(drop == (r->taken ? DROP_REPLAY : DROP_NONE));
	r->taken = true;
}

/* Less of it than there was. */
static void deliver_cut(uint8_t number, uint8_t length)
{
	struct message_blob sealed;
	struct message m;

	if (registration_count == 0)
		return;
	sealed = registrations[number % registration_count].sealed;
	if (length >= sealed.length)
		return;
	sealed.length = length;
	require(access_open_registration(&terminal, &sealed, &m) != DROP_NONE);
}

/* The key of a move that target and terminal have, and where the terminal sends from. */
static const uint8_t move_key[KEY_LENGTH] = {4, 5, 6};
static const struct lladdr link_layer = {{2, 0, 0, 0, 0, 1}};
static const struct addr link_local = {.family = AF_INET6, .bytes = {0xfe, 0x80, [15] = 1}};

static void deliver_discovery(uint16_t place, uint8_t change)
{
	uint8_t octets[SNO_DATAGRAM_MAX] = {0}, access[2][KEY_LENGTH];
	struct message m;
	int length;

	message_init(&m, MESSAGE_CORE_DISCOVERY, TERMINAL_INDEX);
	message_set_text(&m, ATTR_REALM, "a.example");
	message_set_number(&m, ATTR_COUNTER, 7);
	message_set_blob(&m, ATTR_HANDSHAKE, octets, SNO_HANDSHAKE_MIN);
	message_set_octets(&m, ATTR_ARRIVAL, octets);
	length = handover_discovery(&m, move_key, &link_layer, &link_local, octets, sizeof(octets));
	require(length > 0);
	handover_access_key(access[0], move_key, octets, (size_t)length);
	octets[place % length] ^= change;
	require(handover_proven(move_key, octets, (size_t)length, &link_layer, &link_local) ==
		(change == 0));
	handover_access_key(access[1], move_key, octets, (size_t)length);
	require(keys_equal(access[0], access[1], KEY_LENGTH) == (change == 0));
}

/* The operand of 6, 7 and 12: a length and as many octets as there are. */
static const uint8_t *operand(struct cursor_in *c, size_t *length)
{
	*length = cursor_get_u8(c);
	if (*length > cursor_left(c))
		*length = cursor_left(c);
	return cursor_take(c, *length);
}

static void step(struct cursor_in *c)
{
	uint8_t operation = cursor_get_u8(c) % OPERATIONS, a, b;
	const uint8_t *bytes;
	size_t length;

	switch (operation) {
	case 0:
	case 1:
		dispatch(operation == 0 ? &up : &down);
		break;
	case 2:
	case 3:
		deliver(operation == 2 ? &up : &down, cursor_get_u8(c));
		break;
	case 4:
	case 5:
		a = cursor_get_u8(c);
		b = cursor_get_u8(c);
		deliver_changed(operation == 4 ? &up : &down, a, b, cursor_get_u8(c));
		break;
	case 6:
		bytes = operand(c, &length);
		if (bytes)
			deliver_forged(&core, bytes, length);
		break;
	case 7:
		bytes = operand(c, &length);
		if (bytes)
			deliver_plain(bytes, length);
		break;
	case 8:
		send_registration();
		break;
	case 9:
		deliver_registration(cursor_get_u8(c), 0, 0);
		break;
	case 10:
		a = cursor_get_u8(c);
		b = cursor_get_u8(c);
		deliver_registration(a, b, cursor_get_u8(c));
		break;
	case 11: {
		uint16_t place = cursor_get_u16(c);

		deliver_discovery(place, cursor_get_u8(c));
		break;
	}
	case 13:
		a = cursor_get_u8(c);
		deliver_cut(a, cursor_get_u8(c));
		break;
	case 12:
		bytes = operand(c, &length);
		if (bytes)
			require(!handover_proven(move_key, bytes, length, &link_layer,
						 &link_local));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor_in c = cursor_in(data, size);

	restart();
	for (unsigned int i = 0; i < STEPS_MAX && cursor_left(&c) > 0; i++)
		step(&c);
	access_session_wipe(&terminal);
	access_session_wipe(&core);
	return 0;
}
