/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The initiator's side of the access handshake. Errors leave by one label in each function, where
 * everything secret is wiped.
 */
#include "terminal-agent/discovery.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "handover_key.h"

/* Random, so that nobody can guess it and late answers do not fit; 0 is no index. */
static uint32_t new_index(void)
{
	uint32_t index;

	do
		keys_random(&index, sizeof(index));
	while (index == 0);
	return index;
}

static int start_handshake(struct discovery *d, const struct identity *identity)
{
	uint8_t prologue[ACCESS_PROLOGUE_MAX];
	int length = access_prologue(prologue, sizeof(prologue), d->index, identity->name.realm);

	if (length < 0)
		return length;
	return noise_init(&d->noise, &(struct noise_setup){.protocol = NOISE_IK_PSK2,
							   .initiator = true,
							   .prologue = prologue,
							   .prologue_length = (size_t)length,
							   .local = &identity->keys,
							   .remote = identity->home_public,
							   .psk = identity->psk,
							   .foreseen = &d->foreseen});
}

static int write_identity(const struct discovery *d, const struct identity *identity,
			  const struct discovery_facts *facts, uint8_t *out, size_t cap)
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
	if (facts->mode != MODE_PREDICTIVE)
		message_set_number(&m, ATTR_MODE, facts->mode);
	message_set_octets(&m, ATTR_EPHEMERAL, d->foreseen.following.public);
	return message_write(&m, out, cap);
}

/* The datagram with the short proof beside the handshake that m has; its octets, or -errno. */
static int write_proof(struct discovery *d, const struct discovery_facts *facts, struct message *m)
{
	uint8_t arrival[HANDOVER_ARRIVAL];
	int result = handover_key(d->handover_key, facts->root, facts->target, facts->number);

	if (result == 0)
		result = handover_arrival(arrival, facts->root, facts->target, facts->number,
					  facts->counter);
	if (result < 0)
		return result;
	message_set_number(m, ATTR_COUNTER, facts->counter);
	message_set_octets(m, ATTR_ARRIVAL, arrival);
	if (facts->mode == MODE_SOFT)
		message_set_number(m, ATTR_MODE, MODE_SOFT);
	return handover_discovery(m, d->handover_key, &facts->link_layer, &facts->link_local,
				  d->octets, sizeof(d->octets));
}

static int write_discovery(struct discovery *d, const struct identity *identity,
			   const struct discovery_facts *facts)
{
	uint8_t payload[SNO_HANDSHAKE_MAX - NOISE_OVERHEAD_IK], handshake[SNO_HANDSHAKE_MAX];
	int length = write_identity(d, identity, facts, payload, sizeof(payload));
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
	length = facts->target ? write_proof(d, facts, &m)
			       : message_write(&m, d->octets, sizeof(d->octets));
	if (length < 0)
		return length;
	d->length = (size_t)length;
	return 0;
}

/* What the facts point to may be gone when the answer comes. */
static void keep_facts(struct discovery *d, const struct discovery_facts *facts)
{
	d->facts = *facts;
	d->facts.root = NULL;
	if (facts->core) {
		snprintf(d->core, sizeof(d->core), "%s", facts->core);
		d->facts.core = d->core;
	}
	if (facts->target) {
		snprintf(d->target, sizeof(d->target), "%s", facts->target);
		d->facts.target = d->target;
	}
}

int discovery_begin(struct discovery *d, const struct identity *identity,
		    const struct discovery_facts *facts)
{
	int error;

	discovery_end(d);
	if (d->spent)
		noise_foreseen_used(&d->foreseen);
	d->spent = false;
	noise_foreseen_pairs(&d->foreseen);
	d->index = new_index();
	keep_facts(d, facts);
	error = start_handshake(d, identity);
	if (error == 0)
		error = write_discovery(d, identity, facts);
	if (error < 0) {
		discovery_end(d);
		return error;
	}
	d->live = true;
	return 0;
}

static bool same_name(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool discovery_says(const struct discovery *d, const struct discovery_facts *facts)
{
	const struct discovery_facts *said = &d->facts;

	return d->live && lladdr_equal(&said->link_layer, &facts->link_layer) &&
	       addr_equal(&said->link_local, &facts->link_local) && said->mtu == facts->mtu &&
	       said->home_epoch == facts->home_epoch && said->mode == facts->mode &&
	       same_name(said->core, facts->core) && same_name(said->target, facts->target) &&
	       (!facts->target || said->number == facts->number);
}

void discovery_sent(struct discovery *d)
{
	d->spent = true;
}

void discovery_foresee(struct discovery *d, const struct identity *identity)
{
	/* A home core whose key is none has been told about when the discovery was made. */
	noise_foreseen_work(&d->foreseen, true, &identity->keys, identity->home_public);
}

void discovery_end(struct discovery *d)
{
	keys_wipe(&d->live, sizeof(*d) - offsetof(struct discovery, live));
}

void discovery_wipe(struct discovery *d)
{
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

/* The handshake is over; of the next one this is known. */
static void take_announced(struct discovery *d, const struct message *assignment)
{
	noise_foreseen_used(&d->foreseen);
	d->spent = false;
	if (message_has(assignment, ATTR_EPHEMERAL))
		noise_foreseen_announced(&d->foreseen, assignment->ephemeral);
}

/* The access key that both the home core and the serving core must have meant. */
static enum drop start_access(struct noise *noise, uint64_t counter,
			      struct discovery_result *result)
{
	struct noise_keys keys;
	uint8_t key[KEY_LENGTH];
	enum drop drop = DROP_HANDSHAKE;

	if (noise_split(noise, &keys) < 0)
		return DROP_HANDSHAKE;
	access_root(result->root, keys.send, keys.hash);
	if (access_key(key, result->root, result->assignment.core, counter) == 0) {
		access_session_init(&result->access, key, false);
		drop = DROP_NONE;
	}
	keys_wipe(&keys, sizeof(keys));
	keys_wipe(key, sizeof(key));
	return drop;
}

/* By message 2; *core is the one that the home core has named. noise is a copy. */
static enum drop accept_handshake(const struct discovery *d, const struct message *done,
				  struct noise *noise, struct discovery_result *result,
				  const char **core)
{
	enum drop drop = read_assignment(noise, &done->handshake, &result->assignment);

	if (drop == DROP_NONE && result->assignment.reason != REASON_ACCEPTED)
		drop = DROP_HANDSHAKE;
	if (drop == DROP_NONE)
		drop = start_access(noise, d->facts.counter, result);
	result->full = true;
	*core = result->assignment.core;
	return drop;
}

/* By the key of the move, which only home core and target have. */
static enum drop accept_proof(const struct discovery *d, struct discovery_result *result,
			      const char **core)
{
	uint8_t key[KEY_LENGTH];

	if (!d->facts.target)
		return DROP_HANDSHAKE;
	handover_access_key(key, d->handover_key, d->octets, d->length);
	access_session_init(&result->access, key, false);
	keys_wipe(key, sizeof(key));
	result->number = d->facts.number;
	*core = d->target;
	return DROP_NONE;
}

enum drop discovery_accept(struct discovery *d, const struct message *done,
			   struct discovery_result *result)
{
	struct noise noise = d->noise;
	enum drop drop = DROP_INDEX;
	const char *core = NULL;

	memset(result, 0, sizeof(*result));
	if (!d->live || done->id != d->index)
		goto out;
	if (message_has(done, ATTR_HANDSHAKE))
		drop = accept_handshake(d, done, &noise, result, &core);
	else
		drop = accept_proof(d, result, &core);
	if (drop != DROP_NONE)
		goto out;
	access_session_index(&result->access, d->index);
	drop = access_open_registration(&result->access, &done->sealed, &result->registration);
	if (drop == DROP_NONE && strcmp(result->registration.core, core) != 0)
		drop = DROP_HANDSHAKE;
out:
	noise_wipe(&noise);
	if (drop == DROP_NONE) {
		if (result->full)
			take_announced(d, &result->assignment);
		discovery_end(d);
	} else {
		keys_wipe(result, sizeof(*result));
	}
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
		take_announced(d, assignment);
		discovery_end(d);
	}
out:
	noise_wipe(&noise);
	return drop;
}
