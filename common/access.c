/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys and sealing of the access side (access.h; PROTOCOL sections 5.3, 5.4 and 6).
 *
 * The sealed datagram and SEALED of registration done are the same thing, counter and ciphertext,
 * under different associated data; one pair of functions at the bottom does both, from one
 * counter per direction. Plain text lives on the stack here and is wiped.
 */
#include "access.h"

#include "cursor.h"
#include "keylog.h"

#include <errno.h>
#include <string.h>

#define COUNTER_LENGTH 8

static const char prologue_text[] = "sno/1 access";

int access_prologue(uint8_t *out, size_t cap, uint32_t index, const char *realm)
{
	struct cursor_out c = cursor_out(out, cap);

	if (!message_name_valid(realm))
		return -EINVAL;
	cursor_put(&c, prologue_text, sizeof(prologue_text) - 1);
	cursor_put_u32(&c, index);
	cursor_put(&c, realm, strlen(realm));
	return c.failed ? -EMSGSIZE : (int)cursor_written(&c);
}

void access_root(uint8_t root[KEY_LENGTH], const uint8_t k1[KEY_LENGTH],
		 const uint8_t h[HASH_LENGTH])
{
	keys_derive(root, k1, "sno root", h, HASH_LENGTH);
}

int access_key(uint8_t key[KEY_LENGTH], const uint8_t root[KEY_LENGTH], const char *core,
	       uint64_t counter)
{
	uint8_t data[SNO_NAME_MAX + 1 + COUNTER_LENGTH];
	struct cursor_out c = cursor_out(data, sizeof(data));

	if (!message_name_valid(core)) {
		keys_wipe(key, KEY_LENGTH);
		return -EINVAL;
	}
	cursor_put(&c, core, strlen(core));
	cursor_put_u8(&c, 0);
	cursor_put_u64(&c, counter);
	keys_derive(key, root, "sno access", data, cursor_written(&c));
	return 0;
}

void access_session_init(struct access_session *s, const uint8_t key[KEY_LENGTH], bool core_side)
{
	uint8_t up[KEY_LENGTH], down[KEY_LENGTH];

	keys_derive(up, key, "sno up", NULL, 0);
	keys_derive(down, key, "sno down", NULL, 0);
	seal_tx_init(&s->tx, core_side ? down : up);
	seal_rx_init(&s->rx, core_side ? up : down);
	s->local_index = 0;
	s->remote_index = 0;
	keys_wipe(up, sizeof(up));
	keys_wipe(down, sizeof(down));
}

void access_session_index(struct access_session *s, uint32_t local_index)
{
	s->local_index = local_index;
	keylog_sealed(local_index, s->rx.key);
}

void access_session_wipe(struct access_session *s)
{
	keys_wipe(s, sizeof(*s));
}

/* Appends the ciphertext of the message under the next counter; the counter is already there. */
static int seal_message(struct access_session *s, const struct message *m, const uint8_t *ad,
			size_t ad_length, struct cursor_out *c)
{
	uint8_t plain[SNO_DATAGRAM_MAX];
	int length = message_write(m, plain, sizeof(plain));
	uint8_t *out = NULL;
	int error;

	if (length > 0)
		out = cursor_reserve(c, (size_t)length + SEAL_TAG);
	if (length < 0)
		error = length;
	else if (!out)
		error = -EMSGSIZE;
	else
		error = seal_close(&s->tx, ad, ad_length, plain, (size_t)length, out);
	keys_wipe(plain, sizeof(plain));
	return error;
}

/* The reverse: what is left of c, no more than a datagram, is ciphertext under this counter. */
static enum drop open_message(struct access_session *s, uint64_t counter, const uint8_t *ad,
			      size_t ad_length, struct cursor_in *c, enum message_place place,
			      struct message *out)
{
	uint8_t plain[SNO_DATAGRAM_MAX];
	size_t length = cursor_left(c);
	const uint8_t *sealed = cursor_take(c, length);
	enum drop drop;

	if (!sealed || length < SEAL_TAG)
		return DROP_SHORT;
	switch (seal_open(&s->rx, counter, ad, ad_length, sealed, length, plain)) {
	case 0:
		drop = message_read(out, place, plain, length - SEAL_TAG);
		break;
	case -EBADMSG:
		drop = DROP_SEAL;
		break;
	default: /* seen before, behind the window, or beyond what any sender may use */
		drop = DROP_REPLAY;
	}
	keys_wipe(plain, sizeof(plain));
	return drop;
}

int access_seal(struct access_session *s, const struct message *m, uint8_t *out, size_t cap)
{
	struct cursor_out c = cursor_out(out, cap < SNO_DATAGRAM_MAX ? cap : SNO_DATAGRAM_MAX);
	uint8_t *head = cursor_reserve(&c, SNO_HEAD_LENGTH);
	int error;

	cursor_put_u64(&c, seal_counter(&s->tx));
	if (c.failed)
		return -EMSGSIZE;
	if (s->remote_index == 0)
		return -ENOTCONN;
	message_write_head(head, MESSAGE_SEALED, s->remote_index);
	error = seal_message(s, m, out, SNO_HEAD_LENGTH + COUNTER_LENGTH, &c);
	return error < 0 ? error : (int)cursor_written(&c);
}

static enum drop open_datagram(struct access_session *s, const uint8_t *datagram, size_t length,
			       struct message *out)
{
	struct cursor_in c = cursor_in(datagram, length);
	enum message_type type;
	uint32_t index;
	uint64_t counter;
	enum drop drop = message_read_head(datagram, length, &type, &index);

	if (drop != DROP_NONE)
		return drop;
	if (type != MESSAGE_SEALED)
		return DROP_TYPE;
	cursor_take(&c, SNO_HEAD_LENGTH);
	counter = cursor_get_u64(&c);
	if (c.failed || cursor_left(&c) < SEAL_TAG)
		return DROP_SHORT;
	if (index != s->local_index || index == 0)
		return DROP_INDEX;
	return open_message(s, counter, datagram, SNO_HEAD_LENGTH + COUNTER_LENGTH, &c,
			    PLACE_ACCESS, out);
}

enum drop access_open(struct access_session *s, const uint8_t *datagram, size_t length,
		      struct message *out)
{
	enum drop drop = open_datagram(s, datagram, length, out);

	if (drop != DROP_NONE)
		message_wipe(out);
	return drop;
}

int access_seal_registration(struct access_session *s, const struct message *registration,
			     struct message_blob *sealed)
{
	struct cursor_out c = cursor_out(sealed->bytes, sizeof(sealed->bytes));
	uint8_t head[SNO_HEAD_LENGTH];
	int error;

	sealed->length = 0;
	if (registration->type != MESSAGE_REGISTRATION)
		return -EINVAL;
	if (s->remote_index == 0)
		return -ENOTCONN;
	message_write_head(head, MESSAGE_REGISTRATION_DONE, s->remote_index);
	cursor_put_u64(&c, seal_counter(&s->tx));
	error = seal_message(s, registration, head, sizeof(head), &c);
	if (error < 0)
		return error;
	sealed->length = (uint16_t)cursor_written(&c);
	return 0;
}

enum drop access_open_registration(struct access_session *s, const struct message_blob *sealed,
				   struct message *out)
{
	struct cursor_in c = cursor_in(sealed->bytes, sealed->length);
	uint64_t counter = cursor_get_u64(&c);
	uint8_t head[SNO_HEAD_LENGTH];
	enum drop drop = DROP_LENGTH;

	message_write_head(head, MESSAGE_REGISTRATION_DONE, s->local_index);
	if (sealed->length <= sizeof(sealed->bytes))
		drop = open_message(s, counter, head, sizeof(head), &c, PLACE_REGISTRATION, out);
	if (drop == DROP_NONE)
		s->remote_index = out->id;
	else
		message_wipe(out);
	return drop;
}

bool access_receiver_index(const uint8_t *datagram, size_t length, uint32_t *index)
{
	enum message_type type;
	uint32_t id;

	if (message_read_head(datagram, length, &type, &id) != DROP_NONE || type != MESSAGE_SEALED)
		return false;
	if (length < ACCESS_OVERHEAD || id == 0)
		return false;
	*index = id;
	return true;
}
