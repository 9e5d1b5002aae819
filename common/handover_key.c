/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of one foreseen move (handover_key.h; PROTOCOL section 6.1): five derivations.
 */
#include "handover_key.h"

#include "cursor.h"

#include <errno.h>
#include <string.h>

#define NUMBER_LENGTH 8

/* The attribute at the end of a discovery with the short proof: code, length, value. */
#define PROOF_HEAD	3
#define PROOF_ATTRIBUTE (PROOF_HEAD + HANDOVER_PROOF)

/* What keys and arrivals are bound to: target || 0x00 || numbers, a count of them. */
static int derive_for_target(uint8_t out[KEY_LENGTH], const uint8_t root[KEY_LENGTH],
			     const char *label, const char *target, const uint64_t *numbers,
			     size_t count)
{
	uint8_t data[SNO_NAME_MAX + 1 + 2 * NUMBER_LENGTH];
	struct cursor_out c = cursor_out(data, sizeof(data));

	if (!message_name_valid(target))
		return -EINVAL;
	cursor_put(&c, target, strlen(target));
	cursor_put_u8(&c, 0);
	for (size_t i = 0; i < count; i++)
		cursor_put_u64(&c, numbers[i]);
	keys_derive(out, root, label, data, cursor_written(&c));
	return 0;
}

int handover_key(uint8_t key[KEY_LENGTH], const uint8_t root[KEY_LENGTH], const char *target,
		 uint64_t number)
{
	int error = derive_for_target(key, root, "sno handover", target, &number, 1);

	if (error < 0)
		keys_wipe(key, KEY_LENGTH);
	return error;
}

int handover_arrival(uint8_t arrival[HANDOVER_ARRIVAL], const uint8_t root[KEY_LENGTH],
		     const char *target, uint64_t number, uint64_t counter)
{
	const uint64_t numbers[] = {number, counter};
	uint8_t whole[KEY_LENGTH] = {0};
	int error = derive_for_target(whole, root, "sno arrival", target, numbers, 2);

	memcpy(arrival, whole, HANDOVER_ARRIVAL);
	keys_wipe(whole, sizeof(whole));
	return error;
}

void handover_tag(uint8_t tag[HANDOVER_TAG], const uint8_t key[KEY_LENGTH])
{
	uint8_t whole[KEY_LENGTH];

	keys_derive(whole, key, "sno tag", NULL, 0);
	memcpy(tag, whole, HANDOVER_TAG);
	keys_wipe(whole, sizeof(whole));
}

/* The proof of a discovery: its octets before the proof, and where it is sent from. */
static void prove(uint8_t proof[HANDOVER_PROOF], const uint8_t key[KEY_LENGTH],
		  const uint8_t *discovery, size_t length, const struct lladdr *link_layer,
		  const struct addr *link_local)
{
	uint8_t data[SNO_DATAGRAM_MAX + sizeof(link_layer->bytes) + sizeof(link_local->bytes)];
	struct cursor_out c = cursor_out(data, sizeof(data));
	uint8_t whole[KEY_LENGTH];

	cursor_put(&c, discovery, length);
	cursor_put(&c, link_layer->bytes, sizeof(link_layer->bytes));
	cursor_put(&c, link_local->bytes, sizeof(link_local->bytes));
	keys_derive(whole, key, "sno proof", data, cursor_written(&c));
	memcpy(proof, whole, HANDOVER_PROOF);
	keys_wipe(whole, sizeof(whole));
}

int handover_discovery(struct message *discovery, const uint8_t key[KEY_LENGTH],
		       const struct lladdr *link_layer, const struct addr *link_local, uint8_t *out,
		       size_t cap)
{
	static const uint8_t later[HANDOVER_PROOF];
	uint8_t tag[HANDOVER_TAG];
	int length;

	if (discovery->type != MESSAGE_CORE_DISCOVERY)
		return -EINVAL;
	handover_tag(tag, key);
	message_set_octets(discovery, ATTR_HANDOVER_TAG, tag);
	message_set_octets(discovery, ATTR_HANDOVER_PROOF, later);
	length = message_write(discovery, out, cap);
	if (length < 0)
		return length;
	prove(discovery->handover_proof, key, out, (size_t)length - PROOF_ATTRIBUTE, link_layer,
	      link_local);
	memcpy(out + length - HANDOVER_PROOF, discovery->handover_proof, HANDOVER_PROOF);
	return length;
}

/* Nothing may stand behind it: that would be covered by no proof. */
static bool ends_with_proof(const uint8_t *datagram, size_t length)
{
	static const uint8_t head[PROOF_HEAD] = {ATTR_HANDOVER_PROOF, 0, HANDOVER_PROOF};

	return length >= SNO_HEAD_LENGTH + PROOF_ATTRIBUTE &&
	       memcmp(datagram + length - PROOF_ATTRIBUTE, head, sizeof(head)) == 0;
}

bool handover_proven(const uint8_t key[KEY_LENGTH], const uint8_t *datagram, size_t length,
		     const struct lladdr *link_layer, const struct addr *link_local)
{
	uint8_t proof[HANDOVER_PROOF];
	size_t before;

	if (length > SNO_DATAGRAM_MAX || !ends_with_proof(datagram, length))
		return false;
	before = length - PROOF_ATTRIBUTE;
	prove(proof, key, datagram, before, link_layer, link_local);
	return keys_equal(proof, datagram + length - HANDOVER_PROOF, HANDOVER_PROOF);
}

const uint8_t *handover_tag_of(const uint8_t *datagram, size_t length)
{
	if (length < SNO_HEAD_LENGTH + HANDOVER_TAG + PROOF_ATTRIBUTE ||
	    !ends_with_proof(datagram, length))
		return NULL;
	return datagram + length - PROOF_ATTRIBUTE - HANDOVER_TAG;
}

void handover_access_key(uint8_t access[KEY_LENGTH], const uint8_t key[KEY_LENGTH],
			 const uint8_t *datagram, size_t length)
{
	uint8_t hash[HASH_LENGTH];

	keys_sha256(hash, datagram, length);
	keys_derive(access, key, "sno access", hash, sizeof(hash));
}
