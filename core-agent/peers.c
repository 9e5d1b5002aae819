/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Peers coming and going with the configuration; see peer.h.
 *
 * A peer whose entry has changed is made anew beside the old one and takes its slot; what of rules
 * both have stays in the kernel all the time.
 */
#include "peer.h"

#include "anticipation.h"
#include "binding.h"
#include "cursor.h"
#include "guard.h"
#include "keep.h"
#include "keys.h"
#include "log_event.h"
#include "receive.h"
#include "release.h"
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- slots --------------------------------------------------------------------------------- */

/* What rules there are in the kernel, by the slot of their table. */
struct slots {
	const struct peer *peer;
	bool own[PEER_SLOTS], others[PEER_SLOTS];
};

static bool has_home_prefix(const struct peer *peer, const struct prefix *prefix)
{
	for (size_t i = 0; i < peer->home_prefix_count; i++)
		if (prefix_equal(&peer->home_prefixes[i], prefix))
			return true;
	return false;
}

static int note_rule(const struct kernel_rule *rule, void *arg)
{
	struct slots *slots = arg;
	const struct core *core = slots->peer->core;
	uint32_t slot = rule->table - KERNEL_TABLE_BASE;

	if (slot >= PEER_SLOTS)
		return 0;
	if (!strcmp(rule->iif, core->config->access.bridge) &&
	    has_home_prefix(slots->peer, &rule->from))
		slots->own[slot] = true;
	else
		slots->others[slot] = true;
	return 0;
}

static bool slot_taken(const struct peer *peers, unsigned int slot)
{
	const struct peer *peer;

	for (peer = peers; peer; peer = peer->hh.next)
		if (peer->slot == slot)
			return true;
	return false;
}

/*
 * After a restart a peer finds the table again that its rules lead to, so that its visitors' uplink
 * goes on; but never one that was another peer's. PEER_SLOTS when all are taken.
 */
static unsigned int choose_slot(const struct peer *peer, const struct peer *fresh, bool *adopted)
{
	const struct core *core = peer->core;
	struct slots slots = {.peer = peer};
	unsigned int best = PEER_SLOTS;
	bool clean = false;

	kernel_rule_each(core->kernel, note_rule, &slots);
	*adopted = false;
	for (unsigned int slot = 0; slot < PEER_SLOTS; slot++) {
		bool untouched = !slots.own[slot] && !slots.others[slot];

		if (slot_taken(core->peers, slot) || slot_taken(fresh, slot))
			continue;
		if (slots.own[slot] && !slots.others[slot]) {
			*adopted = true;
			return slot;
		}
		if (best == PEER_SLOTS || (untouched && !clean))
			best = slot;
		clean |= untouched;
	}
	return best;
}

/* ---- one peer ------------------------------------------------------------------------------ */

/* What this core says of itself to a peer. */
static void core_hello(const struct core *core, const struct peer *peer, struct message *hello)
{
	uint8_t derived[KEY_LENGTH], data[sizeof(core->epoch) + SNO_NAME_MAX];
	struct cursor_out what = cursor_out(data, sizeof(data));
	struct cursor_in key = cursor_in(derived, sizeof(derived));

	/* As long as this epoch lasts the key stays as well, whatever process it is. */
	cursor_put_u64(&what, core->epoch);
	cursor_put(&what, peer->name, strlen(peer->name));
	keys_derive(derived, core->keys.private, "sno tunnel key", data, cursor_written(&what));
	message_init(hello, MESSAGE_HELLO, 0);
	message_set_text(hello, ATTR_CORE, core->config->name);
	message_set_number(hello, ATTR_EPOCH, core->epoch);
	message_set_number(hello, ATTR_TUNNEL_KINDS, core->underlay.kinds);
	message_set_number(hello, ATTR_TUNNEL_KEY, cursor_get_u32(&key) % 0xffffff + 1);
	message_set_addr(hello, ATTR_TUNNEL_END4, &core->underlay.end4);
	message_set_addr(hello, ATTR_TUNNEL_END6, &core->underlay.end6);
	protection_describe(core, peer, hello);
}

static int copy_prefixes(struct prefix **to, size_t *count, const struct prefix *from, size_t n)
{
	struct prefix *copy = malloc((n ? n : 1) * sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (n)
		memcpy(copy, from, n * sizeof(*copy));
	free(*to);
	*to = copy;
	*count = n;
	return 0;
}

static int peer_load(struct peer *peer, const struct peer_config *config)
{
	int result;

	memcpy(peer->public_key, config->public_key, KEY_LENGTH);
	channel_hint(peer->hint, peer->public_key);
	peer->endpoint = config->endpoint;
	if (config->psk_file) {
		result = keys_read_file(config->psk_file, peer->psk);
		if (result < 0) {
			log_warnx("psk_file of peer %s: %s: %s", config->name, config->psk_file,
				  keys_file_advice(result));
			return result;
		}
	}
	result = copy_prefixes(&peer->home_prefixes, &peer->home_prefix_count,
			       config->home_prefixes, config->home_prefix_count);
	if (result == 0)
		result = copy_prefixes(&peer->care_of_prefixes, &peer->care_of_prefix_count,
				       config->care_of_prefixes, config->care_of_prefix_count);
	return result;
}

static void peer_free(struct peer *peer)
{
	timer_cancel(&peer->core->timers, &peer->timer);
	protection_peer_close(peer);
	path_mtu_close(peer);
	channel_free(peer->channel);
	free(peer->home_prefixes);
	free(peer->care_of_prefixes);
	keys_wipe(peer, sizeof(*peer));
	free(peer);
}

static struct channel *peer_channel(struct core *core, struct peer *peer)
{
	const struct config *config = core->config;
	const struct channel_ops ops = {.transmit = peer_transmit,
					.state = peer_state,
					.request = peer_requested,
					.agreed = protection_agreed,
					.heard = protection_heard,
					.context = peer};
	struct channel_timers timers = channel_timers_default;
	struct message hello;

	timers.keepalive = timers.echo = config->timers.keepalive;
	timers.dead_peer = config->timers.dead_peer;
	timers.rekey_after = config->timers.rekey;
	timers.reject_after = config->timers.rekey / 2 * 3;
	if (timers.rekey_grace > config->timers.rekey / 4)
		timers.rekey_grace = config->timers.rekey / 4;
	core_hello(core, peer, &hello);
	peer->tunnel_key = hello.tunnel_key;
	return channel_new(&core->identity, peer->public_key, peer->psk, peer->name, &hello,
			   &timers, &ops);
}

static struct peer *peer_new(struct core *core, const struct config *wanted,
			     const struct peer_config *config)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return NULL;
	peer->core = core;
	timer_init(&peer->timer, peer_timer, peer);
	path_mtu_open(peer);
	protection_peer_open(peer, protection_wanted(wanted, config));
	memcpy(peer->name, config->name, strlen(config->name) + 1);
	if (peer_load(peer, config) == 0)
		peer->channel = peer_channel(core, peer);
	if (peer->channel)
		return peer;
	log_warnx("peer %s cannot be added", config->name);
	peer_free(peer);
	return NULL;
}

/* Makes a peer with its part of the kernel; it is in no table yet. before: whom it replaces. */
static int peer_make(struct core *core, const struct config *wanted,
		     const struct peer_config *config, const struct peer *before,
		     struct peer **fresh)
{
	struct peer *peer = peer_new(core, wanted, config);
	bool adopted = true;
	int result;

	if (!peer)
		return -EINVAL;
	peer->slot = before ? before->slot : choose_slot(peer, *fresh, &adopted);
	if (peer->slot == PEER_SLOTS) {
		log_warnx("peer %s: no free place; remove peers first, in a reload of its own",
			  peer->name);
		peer_free(peer);
		return -ENOSPC;
	}
	HASH_ADD_STR(*fresh, name, peer);
	/* A tunnel that is left in the table may lead to anybody. */
	if (!adopted)
		underlay_peer_unroute(core, peer);
	result = underlay_peer_add(core, peer);
	if (result == 0)
		result = protection_peer_add(core, peer);
	return result;
}

static void peer_start(struct core *core, struct peer *peer, usec_t now)
{
	requests_go_on(channel_requests(peer->channel), core->request_floor);
	HASH_ADD_STR(core->peers, name, peer);
	guard_peer(peer);
	timer_set(&core->timers, &peer->timer, now);
}

/* ---- all peers ----------------------------------------------------------------------------- */

int peers_open(struct core *core, usec_t now)
{
	struct peers_change change;
	int result = peers_prepare(core, core->config, &change);
	struct peer *peer, *next;

	HASH_ITER (hh, change.fresh, peer, next) {
		HASH_DEL(change.fresh, peer);
		peer_start(core, peer, now);
	}
	return result;
}

void peers_close(struct core *core)
{
	struct peer *peer, *next;

	HASH_ITER (hh, core->peers, peer, next) {
		HASH_DEL(core->peers, peer);
		peer_free(peer);
	}
}

static const struct peer_config *config_of(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->peer_count; i++)
		if (!strcmp(config->peers[i].name, name))
			return &config->peers[i];
	return NULL;
}

static bool same_prefixes(const struct prefix *a, size_t a_count, const struct prefix *b,
			  size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (!prefix_equal(&a[i], &b[i]))
			return false;
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Is the secret in its file what the peer has? What cannot be read is none. */
static bool same_secret(const struct peer *peer, const struct peer_config *config)
{
	uint8_t psk[KEY_LENGTH] = {0};
	bool same;

	same = (!config->psk_file || keys_read_file(config->psk_file, psk) == 0) &&
	       keys_equal(psk, peer->psk, sizeof(psk));
	keys_wipe(psk, sizeof(psk));
	return same;
}

/* What a running channel cannot change under its feet: the peer is made anew then. */
static bool same_peer(const struct peer_config *a, const struct peer_config *b)
{
	return a && b && (a->drains || b->drains || same_text(a->psk_file, b->psk_file)) &&
	       a->protection == b->protection &&
	       !memcmp(a->public_key, b->public_key, CONF_KEY_BYTES) &&
	       endpoint_equal(&a->endpoint, &b->endpoint) &&
	       same_prefixes(a->home_prefixes, a->home_prefix_count, b->home_prefixes,
			     b->home_prefix_count) &&
	       same_prefixes(a->care_of_prefixes, a->care_of_prefix_count, b->care_of_prefixes,
			     b->care_of_prefix_count);
}

int peers_prepare(struct core *core, const struct config *wanted, struct peers_change *change)
{
	int result = protection_check(core, wanted);

	*change = (struct peers_change){0};
	for (size_t i = 0; i < wanted->peer_count && result == 0; i++) {
		const struct peer_config *config = &wanted->peers[i];
		const struct peer *is = peer_find(core, config->name);

		if (!is || !same_peer(config_of(core->config, config->name), config) ||
		    (!config->drains && !same_secret(is, config)))
			result = peer_make(core, wanted, config, is, &change->fresh);
	}
	return result;
}

void peers_abort(struct core *core, struct peers_change *change)
{
	struct peer *peer, *next;

	HASH_ITER (hh, change->fresh, peer, next) {
		HASH_DEL(change->fresh, peer);
		underlay_peer_remove(core, peer, peer_find(core, peer->name));
		peer_free(peer);
	}
}

static void peer_remove(struct core *core, struct peer *peer, struct peer *heir, usec_t now)
{
	log_event(LOG_LEVEL_NOTICE,
		  &(struct log_about){.event = LOG_EVENT_PEER_CHANGED, .peer = peer->name},
		  "peer %s: %s", peer->name, heir ? "changed" : "removed");
	session_peer_removed(peer, now);
	anticipation_peer_gone(peer, now);
	binding_peer_removed(peer, now);
	if (heir)
		releases_peer_changed(peer, heir);
	else
		releases_peer_gone(peer);
	underlay_peer_remove(core, peer, heir);
	protection_peer_remove(core, peer, heir);
	/* The tunnel to the old one is nothing that the new one has agreed to. */
	if (heir)
		underlay_peer_unroute(core, peer);
	guard_peer_gone(peer);
	HASH_DEL(core->peers, peer);
	if (requests_next_id(channel_requests(peer->channel)) > core->request_floor)
		core->request_floor = requests_next_id(channel_requests(peer->channel));
	peer_free(peer);
	keep_life(core);
}

void peers_commit(struct core *core, const struct config *wanted, struct peers_change *change,
		  usec_t now)
{
	struct peer *peer, *next, *heir;

	HASH_ITER (hh, core->peers, peer, next) {
		HASH_FIND_STR(change->fresh, peer->name, heir);
		if (heir || !config_of(wanted, peer->name))
			peer_remove(core, peer, heir, now);
	}
	HASH_ITER (hh, change->fresh, peer, next) {
		HASH_DEL(change->fresh, peer);
		peer_start(core, peer, now);
	}
	receive_peers_changed(core);
}
