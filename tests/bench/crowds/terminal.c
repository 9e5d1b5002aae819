/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A simulated terminal; see terminal.h. */
#include "terminal.h"

#include "cookie.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* 02:c0:00 and the number: locally administered, unicast. */
static const uint8_t vendor[3] = {0x02, 0xc0, 0x00};

struct lladdr terminal_link_layer(uint32_t number)
{
	return (struct lladdr){.bytes = {vendor[0], vendor[1], vendor[2], (uint8_t)(number >> 16),
					 (uint8_t)(number >> 8), (uint8_t)number}};
}

int64_t terminal_of(const struct lladdr *address)
{
	if (memcmp(address->bytes, vendor, sizeof(vendor)) != 0)
		return -1;
	return address->bytes[3] << 16 | address->bytes[4] << 8 | address->bytes[5];
}

void terminal_user(char user[SNO_NAME_MAX + 1], uint32_t number)
{
	snprintf(user, SNO_NAME_MAX + 1, "t%u", number);
}

void terminal_keys(struct key_pair *keys, uint32_t number, const struct terminal_setup *setup)
{
	uint32_t wire = htonl(number);

	keys_derive(keys->private, setup->seed, "crowd", &wire, sizeof(wire));
	keys_public(keys->public, keys->private);
}

void terminal_make(struct terminal *t, uint32_t number, const struct terminal_setup *setup)
{
	*t = (struct terminal){.number = number, .link_layer = terminal_link_layer(number)};
	t->link_local = lladdr_link_local(&t->link_layer);
	terminal_user(t->identity.name.user, number);
	snprintf(t->identity.name.realm, sizeof(t->identity.name.realm), "%s", setup->realm);
	terminal_keys(&t->identity.keys, number, setup);
	memcpy(t->identity.home_public, setup->home_public, KEY_LENGTH);
}

int terminal_discover(struct terminal *t, const char *core)
{
	const bool known = !keys_zero(t->root, sizeof(t->root));
	const struct discovery_facts facts = {.link_layer = t->link_layer,
					      .link_local = t->link_local,
					      .mtu = TERMINAL_MTU,
					      .core = core,
					      .home_epoch = t->home_epoch,
					      .counter = ++t->counter,
					      .mode = MODE_PREDICTIVE,
					      .target = known ? core : NULL,
					      .number = t->move + 1,
					      .root = t->root};

	return discovery_begin(&t->discovery, &t->identity, &facts);
}

/* ---- what cores say ------------------------------------------------------------------------ */

static enum terminal_event registration_done(struct terminal *t, const struct message *m)
{
	struct discovery_result result;

	if (discovery_accept(&t->discovery, m, &result) != DROP_NONE)
		return TERMINAL_NOTHING;
	access_session_wipe(&t->access);
	t->access = result.access;
	if (result.full) {
		t->hoa4 = result.assignment.hoa4;
		memcpy(t->root, result.root, sizeof(t->root));
	}
	t->move = result.number;
	t->mode = result.registration.mode ? result.registration.mode : MODE_BASELINE;
	memcpy(t->core, result.registration.core, sizeof(t->core));
	keys_wipe(&result, sizeof(result));
	return TERMINAL_REGISTERED;
}

static enum terminal_event registration_reject(struct terminal *t, const struct message *m)
{
	struct message assignment;
	bool authentic;

	if (discovery_reject(&t->discovery, m, &assignment, &authentic) != DROP_NONE || !authentic)
		return TERMINAL_NOTHING;
	if (assignment.reason == REASON_RESYNC) {
		t->home_epoch = assignment.home_epoch;
		t->counter = assignment.counter;
	}
	return TERMINAL_REFUSED;
}

static enum terminal_event sealed(struct terminal *t, const uint8_t *octets, size_t length,
				  struct terminal_answer *answer)
{
	struct message m, reply;
	bool release;
	int sealed_length;

	if (access_open(&t->access, octets, length, &m) != DROP_NONE)
		return TERMINAL_NOTHING;
	if (m.type == MESSAGE_HANDOVER_DONE_ACK)
		return TERMINAL_ANSWERED;
	if (!message_is_request(m.type))
		return TERMINAL_NOTHING;
	release = m.type == MESSAGE_RELEASE;
	message_init(&reply, release ? MESSAGE_RELEASE_ACK : MESSAGE_ERROR, m.id);
	message_set_number(&reply, ATTR_REASON, release ? REASON_ACCEPTED : REASON_UNSUPPORTED);
	sealed_length = access_seal(&t->access, &reply, answer->octets, sizeof(answer->octets));
	answer->length = sealed_length < 0 ? 0 : (size_t)sealed_length;
	return release ? TERMINAL_RELEASED : TERMINAL_ASKED;
}

/* The core has much to do: the discovery once more, with its cookie. */
static enum terminal_event cookie(const struct terminal *t, const uint8_t *octets, size_t length,
				  struct terminal_answer *answer)
{
	uint8_t given[COOKIE_LENGTH];
	int proof;

	if (!cookie_read(octets, length, t->discovery.octets, t->discovery.length, given))
		return TERMINAL_NOTHING;
	proof = cookie_prove(answer->octets, sizeof(answer->octets), NULL, given,
			     t->discovery.octets, t->discovery.length);
	answer->length = proof < 0 ? 0 : (size_t)proof;
	return TERMINAL_ASKED;
}

enum terminal_event terminal_receive(struct terminal *t, const uint8_t *octets, size_t length,
				     struct terminal_answer *answer)
{
	enum message_type type;
	struct message m;
	uint32_t id;

	answer->length = 0;
	if (message_read_head(octets, length, &type, &id) != DROP_NONE)
		return TERMINAL_NOTHING;
	if (type == MESSAGE_SEALED)
		return sealed(t, octets, length, answer);
	if (type == MESSAGE_COOKIE)
		return cookie(t, octets, length, answer);
	if (message_read(&m, PLACE_CLEAR, octets, length) != DROP_NONE)
		return TERMINAL_NOTHING;
	if (type == MESSAGE_REGISTRATION_DONE)
		return registration_done(t, &m);
	if (type == MESSAGE_REGISTRATION_REJECT)
		return registration_reject(t, &m);
	return TERMINAL_NOTHING;
}

int terminal_handover_done(struct terminal *t, usec_t gap, usec_t took, uint8_t *out, size_t cap)
{
	struct message m;

	/* The only request that it makes of this core: the same id each time. */
	message_init(&m, MESSAGE_HANDOVER_DONE, 1);
	message_set_number(&m, ATTR_GAP, (uint64_t)gap);
	message_set_number(&m, ATTR_REGISTRATION_TIME, (uint64_t)took);
	message_set_number(&m, ATTR_MODE, t->mode);
	return access_seal(&t->access, &m, out, cap);
}
