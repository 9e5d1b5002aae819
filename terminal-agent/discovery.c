/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The initiator's side of the access handshake. Errors leave by one label in each function, where
 * everything secret is wiped.
 */
#include "terminal-agent/discovery.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Random, so that nobody can guess it and late answers do not fit; 0 is no index. */
static uint32_t new_index(void)
{
	uint32_t index;

	do
		keys_random(&index, sizeof(index));
	while (index == 0);
	return index;
}

static int start_handshake(struct noise *noise, const struct identity *identity, uint32_t index)
{
	uint8_t prologue[ACCESS_PROLOGUE_MAX];
	int length = access_prologue(prologue, sizeof(prologue), index, identity->name.realm);

	if (length < 0)
		return length;
	return noise_init(noise, &(struct noise_setup){.protocol = NOISE_IK_PSK2,
						       .initiator = true,
						       .prologue = prologue,
						       .prologue_length = (size_t)length,
						       .local = &identity->keys,
						       .remote = identity->home_public,
						       .psk = identity->psk});
}

static int write_identity(const struct identity *identity, const struct discovery_facts *facts,
			  uint8_t *out, size_t cap)
{
	struct message m;

	message_init(&m, MESSAGE_IDENTITY, 0);
	message_set_text(&m, ATTR_USER, identity->name.user);
	message_set_number(&m, ATTR_HOME_EPOCH, facts->home_epoch);
	message_set_number(&m, ATTR_COUNTER, facts->counter);
	message_set_link_layer(&m, &facts->link_layer);
	message_set_addr(&m, ATTR_LINK_LOCAL, &facts->link_local);
	message_set_number(&m, ATTR_MTU, facts->mtu);
	if (facts->core)
		message_set_text(&m, ATTR_CORE, facts->core);
	return message_write(&m, out, cap);
}

static int write_discovery(struct discovery *d, const struct identity *identity,
			   const struct discovery_facts *facts)
{
	uint8_t payload[SNO_HANDSHAKE_MAX - NOISE_OVERHEAD_IK], handshake[SNO_HANDSHAKE_MAX];
	int length = write_identity(identity, facts, payload, sizeof(payload));
	size_t handshake_length;
	struct message m;
	int error;

	if (length < 0)
		return length;
	error = noise_write(&d->noise, payload, (size_t)length, handshake, sizeof(handshake),
			    &handshake_length);
	if (error < 0)
		return error;
	message_init(&m, MESSAGE_CORE_DISCOVERY, d->index);
	message_set_text(&m, ATTR_REALM, identity->name.realm);
	message_set_blob(&m, ATTR_HANDSHAKE, handshake, handshake_length);
	length = message_write(&m, d->octets, sizeof(d->octets));
	if (length < 0)
		return length;
	d->length = (size_t)length;
	return 0;
}

int discovery_begin(struct discovery *d, const struct identity *identity,
		    const struct discovery_facts *facts)
{
	int error;

	discovery_end(d);
	d->index = new_index();
	d->counter = facts->counter;
	if (facts->core)
		snprintf(d->core, sizeof(d->core), "%s", facts->core);
	error = start_handshake(&d->noise, identity, d->index);
	if (error == 0)
		error = write_discovery(d, identity, facts);
	if (error < 0) {
		discovery_end(d);
		return error;
	}
	d->live = true;
	return 0;
}

void discovery_end(struct discovery *d)
{
	noise_wipe(&d->noise);
	keys_wipe(d, sizeof(*d));
}

/* Completes the handshake in *noise, which is a copy: message 2 and the assignment in it. */
static enum drop read_assignment(struct noise *noise, const struct message_blob *handshake,
				 struct message *assignment)
{
	uint8_t payload[SNO_HANDSHAKE_MAX];
	size_t length;

	if (noise_read(noise, handshake->bytes, handshake->length, payload, sizeof(payload),
		       &length) < 0)
		return DROP_HANDSHAKE;
	return message_read(assignment, PLACE_ASSIGNMENT, payload, length);
}

/* The access key that both the home core and the serving core must have meant. */
static enum drop start_access(struct noise *noise, const char *core, uint64_t counter,
			      struct access_session *access)
{
	struct noise_keys keys;
	uint8_t root[KEY_LENGTH], key[KEY_LENGTH];
	enum drop drop = DROP_HANDSHAKE;

	if (noise_split(noise, &keys) < 0)
		return DROP_HANDSHAKE;
	access_root(root, keys.send, keys.hash);
	if (access_key(key, root, core, counter) == 0) {
		access_session_init(access, key, false);
		drop = DROP_NONE;
	}
	keys_wipe(&keys, sizeof(keys));
	keys_wipe(root, sizeof(root));
	keys_wipe(key, sizeof(key));
	return drop;
}

enum drop discovery_accept(struct discovery *d, const struct message *done,
			   struct discovery_result *result)
{
	struct noise noise = d->noise;
	enum drop drop = DROP_INDEX;

	memset(result, 0, sizeof(*result));
	if (!d->live || done->id != d->index)
		goto out;
	drop = read_assignment(&noise, &done->handshake, &result->assignment);
	if (drop != DROP_NONE)
		goto out;
	drop = DROP_HANDSHAKE;
	if (result->assignment.reason != REASON_ACCEPTED)
		goto out;
	drop = start_access(&noise, result->assignment.core, d->counter, &result->access);
	if (drop != DROP_NONE)
		goto out;
	result->access.local_index = d->index;
	drop = access_open_registration(&result->access, &done->sealed, &result->registration);
	if (drop == DROP_NONE && strcmp(result->registration.core, result->assignment.core) != 0)
		drop = DROP_HANDSHAKE;
out:
	noise_wipe(&noise);
	if (drop == DROP_NONE)
		discovery_end(d);
	else
		keys_wipe(result, sizeof(*result));
	return drop;
}

enum drop discovery_reject(struct discovery *d, const struct message *reject,
			   struct message *assignment, bool *authentic)
{
	struct noise noise = d->noise;
	enum drop drop = DROP_INDEX;

	*authentic = false;
	if (!d->live || reject->id != d->index)
		goto out;
	drop = DROP_NONE;
	if (!message_has(reject, ATTR_HANDSHAKE))
		goto out;
	drop = read_assignment(&noise, &reject->handshake, assignment);
	if (drop == DROP_NONE && assignment->reason == REASON_ACCEPTED)
		drop = DROP_HANDSHAKE; /* the home core refuses nothing with "accepted" */
	if (drop == DROP_NONE) {
		*authentic = true;
		discovery_end(d);
	}
out:
	noise_wipe(&noise);
	return drop;
}
