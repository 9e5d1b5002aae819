/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The responder's side of Noise IKpsk2 with a terminal; see authentication.h. */
#include "authentication.h"

#include "access.h"
#include "binding.h"
#include "keep.h"
#include "log.h"
#include "noise.h"
#include "noise_ready.h"
#include "peer.h"
#include "subscriber.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * What can be computed ahead of a subscriber's next authentication is computed when this handover
 * is over, and for one subscriber at a time, so that no message has to wait for it.
 */
#define READY_AFTER   (250 * USEC_PER_MSEC)
#define READY_BETWEEN USEC_PER_MSEC

static void ready_timer(struct timer *timer, void *arg, usec_t now)
{
	struct core *core = arg;

	if (noise_ready_work(core->ready))
		timer_set(&core->timers, timer, now + READY_BETWEEN);
}

int authentication_open(struct core *core)
{
	core->ready = noise_ready_new(&core->keys);
	timer_init(&core->ready_timer, ready_timer, core);
	return core->ready ? 0 : -ENOMEM;
}

void authentication_close(struct core *core)
{
	timer_cancel(&core->timers, &core->ready_timer);
	noise_ready_free(core->ready);
	core->ready = NULL;
}

void authentication_forget(struct core *core, const struct subscriber *subscriber)
{
	noise_ready_remove(core->ready, subscriber->public_key);
}

/* It has proved who it is, and may come back. */
static void get_ready(struct core *core, const struct subscriber *subscriber,
		      const struct message *identity, usec_t now)
{
	noise_ready_add(core->ready, subscriber->public_key);
	if (message_has(identity, ATTR_EPHEMERAL))
		noise_ready_announced(core->ready, subscriber->public_key, identity->ephemeral);
	if (noise_ready_waits(core->ready) && !timer_pending(&core->ready_timer))
		timer_set(&core->timers, &core->ready_timer, now + READY_AFTER);
}

/* Reads message 1 and finds whose it is. NULL when it is nobody's: then nothing is answered by
 * Noise. */
static struct subscriber *identify(struct core *core, struct noise *noise, uint32_t index,
				   const struct message_blob *handshake, usec_t now,
				   struct message *identity)
{
	uint8_t prologue[ACCESS_PROLOGUE_MAX], payload[SNO_HANDSHAKE_MAX];
	int prologue_length =
		access_prologue(prologue, sizeof(prologue), index, core->config->name);
	const struct noise_setup setup = {.protocol = NOISE_IK_PSK2,
					  .prologue = prologue,
					  .prologue_length = (size_t)prologue_length,
					  .local = &core->keys,
					  .ready = core->ready};
	struct subscriber *subscriber;
	size_t length;

	if (prologue_length < 0 || noise_init(noise, &setup) < 0)
		return NULL;
	if (noise_read(noise, handshake->bytes, handshake->length, payload, sizeof(payload),
		       &length) < 0 ||
	    message_read(identity, PLACE_IDENTITY, payload, length) != DROP_NONE) {
		log_remote(&core->noise, now,
			   "a discovery is not for this core's key (home_public_key there?)");
		return NULL;
	}
	subscriber = subscriber_find(core, identity->user);
	/* The static key is the proof, the name only finds it. The terminal is told neither. */
	if (!subscriber) {
		log_remote(&core->noise, now, "a terminal calls itself %s@%s: no such subscriber",
			   identity->user, core->config->name);
		return NULL;
	}
	if (!keys_equal(noise_remote_static(noise), subscriber->public_key, KEY_LENGTH)) {
		log_remote(&core->noise, now,
			   "a terminal calls itself %s: its key is not the public_key there",
			   subscriber->nai);
		return NULL;
	}
	noise_set_psk(noise, subscriber->psk);
	return subscriber;
}

static enum reason judge(struct core *core, const struct subscriber *subscriber,
			 const char *serving, const struct message *identity)
{
	if (identity->home_epoch != core->epoch || identity->counter <= subscriber->counter)
		return REASON_RESYNC;
	if (message_has(identity, ATTR_CORE) && strcmp(identity->core, serving) != 0)
		return REASON_WRONG_CORE;
	return REASON_ACCEPTED;
}

static void assignment_of(const struct core *core, const struct subscriber *subscriber,
			  const char *serving, const struct authentication *a, struct message *m)
{
	message_init(m, MESSAGE_ASSIGNMENT, 0);
	message_set_text(m, ATTR_CORE, serving);
	message_set_number(m, ATTR_HOME_EPOCH, core->epoch);
	message_set_number(m, ATTR_COUNTER, subscriber->counter);
	message_set_number(m, ATTR_REASON, a->reason);
	if (a->reason != REASON_ACCEPTED)
		return;
	message_set_number(m, ATTR_LIFETIME, a->lifetime);
	message_set_addr(m, ATTR_HOA4, &subscriber->hoa4);
	message_set_addr(m, ATTR_HOA6, &subscriber->hoa6);
	message_set_prefix(m, &subscriber->prefix);
}

/* In which ephemeral key the subscriber's next handshake will be answered. */
static void announce(const struct core *core, const struct subscriber *subscriber,
		     struct message *assignment)
{
	const uint8_t *ephemeral = noise_ready_following(core->ready, subscriber->public_key);

	if (ephemeral)
		message_set_octets(assignment, ATTR_EPHEMERAL, ephemeral);
}

/* Message 2 and, out of the finished handshake, root and access key. */
static int answer(struct noise *noise, const struct message *assignment, const char *serving,
		  struct authentication *out, uint8_t root[KEY_LENGTH])
{
	uint8_t payload[SNO_HANDSHAKE_MAX];
	struct noise_keys keys;
	size_t length = 0;
	int result = message_write(assignment, payload, sizeof(payload));

	if (result < 0)
		return result;
	result = noise_write(noise, payload, (size_t)result, out->answer.bytes,
			     sizeof(out->answer.bytes), &length);
	if (result < 0)
		return result;
	out->answer.length = (uint16_t)length;
	if (out->reason != REASON_ACCEPTED)
		return 0;
	result = noise_split(noise, &keys);
	if (result == 0) {
		access_root(root, keys.receive, keys.hash);
		result = access_key(out->access_key, root, serving, out->counter);
	}
	keys_wipe(&keys, sizeof(keys));
	return result;
}

/* What the binding is to be, should the serving core take it up. */
static void offer(struct subscriber *subscriber, struct peer *serving, const char *satellite,
		  const struct message *identity, const uint8_t root[KEY_LENGTH], usec_t now)
{
	struct offer *offer = &subscriber->offer;

	subscriber_offer(subscriber, serving, now);
	root_set(&offer->root, root);
	snprintf(offer->place.satellite, sizeof(offer->place.satellite), "%s", satellite);
	offer->place.link = (struct terminal_link){.link_layer = identity->link_layer,
						   .link_local = identity->link_local,
						   .mtu = identity->mtu};
	/* Absent it stands for predictive; so does soft as to what comes after this move. */
	subscriber->allows = message_has(identity, ATTR_MODE) ? (enum handover_mode)identity->mode
							      : MODE_PREDICTIVE;
	offer->soft = subscriber->allows == MODE_SOFT;
}

void authenticate(struct core *core, struct peer *serving, const char *satellite, uint32_t index,
		  const struct message_blob *handshake, usec_t now, struct authentication *out)
{
	const char *serving_name = serving ? serving->name : core->config->name;
	uint8_t root[KEY_LENGTH] = {0};
	struct message identity, assignment;
	struct subscriber *subscriber;
	struct noise noise = {0};

	*out = (struct authentication){.reason = REASON_AUTHENTICATION_FAILED};
	subscriber = identify(core, &noise, index, handshake, now, &identity);
	if (!subscriber)
		goto end;
	out->reason = judge(core, subscriber, serving_name, &identity);
	if (out->reason == REASON_ACCEPTED && subscriber_take_addresses(subscriber) < 0)
		out->reason = REASON_NO_HOME_ADDRESS;
	if (out->reason == REASON_ACCEPTED) {
		subscriber->counter = identity.counter;
		out->counter = identity.counter;
		out->link_layer = identity.link_layer;
		out->link_local = identity.link_local;
		out->mtu = identity.mtu;
		out->lifetime = (uint32_t)(core->config->timers.lifetime / USEC_PER_SEC);
	}
	assignment_of(core, subscriber, serving_name, out, &assignment);
	announce(core, subscriber, &assignment);
	if (answer(&noise, &assignment, serving_name, out, root) < 0) {
		out->answer.length = 0;
		out->reason = REASON_AUTHENTICATION_FAILED;
		goto end;
	}
	get_ready(core, subscriber, &identity, now);
	out->subscriber = subscriber;
	if (out->reason == REASON_ACCEPTED) {
		offer(subscriber, serving, satellite, &identity, root, now);
		keep_subscriber(subscriber);
		out->binding = subscriber->offer.number;
		out->uplink_delay = (uint32_t)binding_shorter(subscriber, serving);
	}
end:
	keys_wipe(root, sizeof(root));
	message_wipe(&identity);
	noise_wipe(&noise);
}
