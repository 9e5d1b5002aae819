/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers: their channels, requests and tunnels; see peer.h. */
#include "peer.h"

#include "anticipation.h"
#include "binding.h"
#include "control.h"
#include "door.h"
#include "guard.h"
#include "keep.h"
#include "kernel.h"
#include "keys.h"
#include "log_event.h"
#include "pool.h"
#include "preparation.h"
#include "receive.h"
#include "release.h"
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct peer *peer_find(const struct core *core, const char *name)
{
	struct peer *peer;

	HASH_FIND_STR(core->peers, name, peer);
	return peer;
}

struct peer *peer_open(const struct core *core, const char *name)
{
	struct peer *peer = peer_find(core, name);

	return peer && peer->draining ? NULL : peer;
}

/* ---- time ---------------------------------------------------------------------------------- */

void peer_timer(struct timer *timer, void *arg, usec_t now)
{
	struct peer *peer = arg;

	timer_set(&peer->core->timers, timer, channel_tick(peer->channel, now));
	/* An echo is a request as well. */
	keep_request_id(peer->core, requests_next_id(channel_requests(peer->channel)));
}

/* Something was given to the channel: its next deadline may have come nearer. */
static void peer_wake(struct peer *peer, usec_t now)
{
	timer_set(&peer->core->timers, &peer->timer, now);
}

/* ---- requests ------------------------------------------------------------------------------ */

int64_t peer_request(struct peer *peer, struct message *m, request_done *done, uint64_t token,
		     usec_t now)
{
	int64_t id = request_send(channel_requests(peer->channel), m, done, peer->core, token, now);

	if (id < 0)
		log_warn_errno((int)-id, "%s to %s could not be sent", message_type_name(m->type),
			       peer->name);
	else
		keep_request_id(peer->core, (uint32_t)id);
	peer_wake(peer, now);
	return id;
}

void peer_request_cancel(struct peer *peer, int64_t request)
{
	request_cancel(channel_requests(peer->channel), (uint32_t)request);
}

void peers_gather(struct core *core)
{
	struct peer *peer, *next;

	HASH_ITER (hh, core->peers, peer, next)
		channel_gather(peer->channel);
}

void peers_flush(struct core *core, usec_t now)
{
	struct peer *peer, *next;

	HASH_ITER (hh, core->peers, peer, next)
		channel_flush(peer->channel, now);
}

void peer_answer(struct peer *peer, const struct message *request, struct message *answer,
		 usec_t now)
{
	int result = request_answer(channel_requests(peer->channel), request->id, answer, now);

	if (result < 0)
		log_warn_errno(-result, "%s to %s could not be sent",
			       message_type_name(answer->type), peer->name);
	peer_wake(peer, now);
}

void peer_answer_reason(struct peer *peer, const struct message *request, enum reason reason,
			usec_t now)
{
	struct message answer;

	message_init(&answer, message_answer(request->type), request->id);
	message_set_number(&answer, ATTR_REASON, reason);
	peer_answer(peer, request, &answer, now);
}

/* Who carries out which request (PROTOCOL section 3.1, place "core"). */
void peer_requested(void *context, const struct message *request, usec_t now)
{
	struct peer *peer = context;
	struct message answer;

	if (peer->draining && (request->type == MESSAGE_AUTHENTICATION ||
			       request->type == MESSAGE_PROACTIVE_AUTHENTICATION)) {
		peer_answer_reason(peer, request, REASON_ADMINISTRATIVE, now);
		return;
	}
	switch (request->type) {
	case MESSAGE_AUTHENTICATION:
		binding_authentication(peer, request, now);
		break;
	case MESSAGE_TUNNEL_REQUEST:
		binding_tunnel_request(peer, request, now);
		break;
	case MESSAGE_HANDOVER_ANNOUNCEMENT:
		binding_announced(peer, request, now);
		break;
	case MESSAGE_CORE_DISCONNECT:
		binding_disconnected(peer, request, now);
		break;
	case MESSAGE_HANDOVER_DONE:
		binding_handover_done(peer, request, now);
		break;
	case MESSAGE_PROACTIVE_AUTHENTICATION:
		preparation_requested(peer, request, now);
		break;
	case MESSAGE_RELEASE:
		/* From the home core of a visitor, or from the visited core of a subscriber. */
		if (!session_released(peer, request, now) &&
		    !preparation_released(peer, request, now))
			binding_released(peer, request, now);
		break;
	default:
		message_init(&answer, MESSAGE_ERROR, request->id);
		message_set_number(&answer, ATTR_REASON, REASON_UNSUPPORTED);
		peer_answer(peer, request, &answer, now);
		break;
	}
}

/* ---- tunnels ------------------------------------------------------------------------------- */

sa_family_t tunnel_family(enum tunnel_kind kind)
{
	return kind == TUNNEL_GRE6 || kind == TUNNEL_GPE6 ? AF_INET6 : AF_INET;
}

struct addr peer_tunnel_end(const struct peer *peer, enum tunnel_kind kind)
{
	const struct message *hello = channel_hello(peer->channel);
	bool v6 = tunnel_family(kind) == AF_INET6;

	if (!hello || !message_has(hello, v6 ? ATTR_TUNNEL_END6 : ATTR_TUNNEL_END4))
		return (struct addr){.family = AF_UNSPEC};
	return v6 ? hello->tunnel_end6 : hello->tunnel_end4;
}

uint32_t peer_tunnel_key(const struct peer *peer)
{
	const struct message *hello = channel_hello(peer->channel);

	return hello ? hello->tunnel_key : 0;
}

/* The first kind that both have, whose outer address the peer has told, with care-of addresses. */
static enum tunnel_kind common_tunnel(const struct peer *peer)
{
	static const enum tunnel_kind preference[] = {TUNNEL_GRE4, TUNNEL_GRE6, TUNNEL_GPE4,
						      TUNNEL_GPE6, TUNNEL_IPIP4};
	const struct message *hello = channel_hello(peer->channel);
	const struct core *core = peer->core;

	if (!hello)
		return 0;
	for (size_t i = 0; i < sizeof(preference) / sizeof(preference[0]); i++) {
		enum tunnel_kind kind = preference[i];
		struct addr end = peer_tunnel_end(peer, kind);
		bool v6 = tunnel_family(kind) == AF_INET6;

		if ((hello->tunnel_kinds & core->underlay.kinds & kind) && !addr_none(&end) &&
		    pool_size(v6 ? core->care_of6 : core->care_of4) > 0)
			return kind;
	}
	return 0;
}

enum reason peer_tunnel(struct peer *peer, enum tunnel_kind *kind)
{
	enum reason reason;
	struct addr remote;

	*kind = common_tunnel(peer);
	if (*kind == 0)
		return REASON_NO_COMMON_TUNNEL;
	if (peer->uplink == *kind)
		return REASON_ACCEPTED;
	reason = protection_allows(peer, *kind);
	if (reason != REASON_ACCEPTED)
		return reason;
	remote = peer_tunnel_end(peer, *kind);
	if (underlay_peer_route(peer->core, peer, *kind, &remote, peer_tunnel_key(peer)) < 0) {
		peer->uplink = 0;
		return REASON_KERNEL_REFUSED;
	}
	peer->uplink = *kind;
	return REASON_ACCEPTED;
}

/* The peer's hello is new: its visitors' uplink goes where that says, the way we choose. */
void peer_point_uplink(struct peer *peer)
{
	enum tunnel_kind kind;

	guard_peer(peer);
	peer->uplink = 0;
	switch (peer_tunnel(peer, &kind)) {
	case REASON_NO_COMMON_TUNNEL:
		log_notice("peer %s: no tunnel kind in common with care-of addresses here; its "
			   "terminals are not served",
			   peer->name);
		break;
	case REASON_NO_COMMON_PROTECTION:
		break;
	default:
		return;
	}
	underlay_peer_unroute(peer->core, peer);
}

static void peer_event(const struct peer *peer, const char *state)
{
	if (peer->core->control)
		control_event(peer->core->control, "peer",
			      json_pack("{ss ss}", "peer", peer->name, "state", state));
}

void peer_state(void *context, const struct message *hello, bool restarted, usec_t now)
{
	struct peer *peer = context;

	if (!hello) {
		log_event(LOG_LEVEL_NOTICE,
			  &(struct log_about){.event = LOG_EVENT_PEER_DOWN, .peer = peer->name},
			  "peer %s: down, nothing heard for %.1f s; forwarding goes on", peer->name,
			  (double)peer->core->config->timers.dead_peer / (double)USEC_PER_SEC);
		peer_event(peer, "down");
		return;
	}
	log_event(LOG_LEVEL_NOTICE,
		  &(struct log_about){.event = LOG_EVENT_PEER_UP, .peer = peer->name},
		  "peer %s: up%s", peer->name, restarted ? ", it has restarted" : "");
	peer_event(peer, restarted ? "restarted" : "up");
	path_mtu_watch(peer, now);
	peer_point_uplink(peer);
	if (!restarted) {
		releases_peer_up(peer, now);
		return;
	}
	releases_peer_gone(peer);
	session_home_restarted(peer, now);
	anticipation_peer_gone(peer, now);
}

/* ---- the channel --------------------------------------------------------------------------- */

int peer_transmit(void *context, const uint8_t *datagram, size_t length)
{
	const struct peer *peer = context;
	const struct core_io *io = &peer->core->io;
	const struct endpoint *to = &peer->endpoint;

	/* Only what the peer answers to this will tell whether it is there (channel.h). */
	if (peer->asked_from && datagram[0] == MESSAGE_HANDSHAKE_RESPONSE)
		to = peer->asked_from;
	return io->to_peer(io->context, peer, to, datagram, length);
}

/* Why a datagram without hint and receiver index is none of ours. */
static enum drop strange(const uint8_t *datagram, size_t length)
{
	enum message_type type;
	uint32_t id;
	enum drop drop = message_read_head(datagram, length, &type, &id);

	if (drop != DROP_NONE)
		return drop;
	return type == MESSAGE_HANDSHAKE_INITIATION || type == MESSAGE_HANDSHAKE_RESPONSE ||
			       type == MESSAGE_COOKIE_PROOF
		       ? DROP_SHORT
		       : DROP_TYPE;
}

/* Whose datagram is it? Before any cryptography, by the hint or the receiver index. */
static struct peer *peer_of_datagram(const struct core *core, const uint8_t *datagram,
				     size_t length, enum drop *drop)
{
	const struct channel *channel;
	struct peer *peer, *next;
	uint8_t hint[8];
	uint32_t index;

	if (channel_initiation_hint(datagram, length, hint)) {
		*drop = DROP_HANDSHAKE;
		HASH_ITER (hh, core->peers, peer, next)
			if (keys_equal(peer->hint, hint, sizeof(hint)))
				return peer;
		return NULL;
	}
	if (!channel_receiver_index(datagram, length, &index)) {
		*drop = strange(datagram, length);
		return NULL;
	}
	*drop = DROP_INDEX;
	channel = channel_find(index);
	if (!channel)
		return NULL;
	HASH_ITER (hh, core->peers, peer, next)
		if (peer->channel == channel)
			return peer;
	return NULL;
}

/* An initiation: with a proof of its own, or one of those that anyone may have sent. */
static enum drop peer_initiation(struct peer *peer, const struct endpoint *from,
				 const uint8_t *datagram, size_t length, usec_t now)
{
	const uint8_t *initiation = datagram;
	size_t initiation_length = length;
	bool authentic;
	enum drop drop;

	if (datagram[0] == MESSAGE_COOKIE_PROOF) {
		drop = cookie_inner(datagram, length, MESSAGE_HANDSHAKE_INITIATION, &initiation,
				    &initiation_length);
		if (drop != DROP_NONE)
			return drop;
		peer->core->counters.received[MESSAGE_COOKIE_PROOF]++;
		if (door_initiation_proven(peer, from, datagram, length, now))
			return channel_receive_proven(peer->channel, initiation, initiation_length,
						      now);
	}
	drop = door_initiation(peer->core, now);
	if (drop == DROP_NONE)
		drop = channel_receive(peer->channel, initiation, initiation_length, now,
				       &authentic);
	else
		peer->core->counters.drops[drop]++;
	if (drop == DROP_LIMIT)
		door_cookie(peer, from, initiation, initiation_length, now);
	return drop;
}

void peer_receive(struct core *core, const struct endpoint *from, const uint8_t *datagram,
		  size_t length, usec_t now)
{
	char old_text[ENDPOINT_TEXT], new_text[ENDPOINT_TEXT];
	bool authentic = false;
	enum drop drop = DROP_LONG;
	struct peer *peer = NULL;

	if (length <= SNO_DATAGRAM_MAX)
		peer = peer_of_datagram(core, datagram, length, &drop);
	if (!peer) {
		core->counters.drops[drop]++;
		return;
	}
	peer->asked_from = from;
	if (datagram[0] == MESSAGE_COOKIE_PROOF || datagram[0] == MESSAGE_HANDSHAKE_INITIATION)
		drop = peer_initiation(peer, from, datagram, length, now);
	else
		drop = channel_receive(peer->channel, datagram, length, now, &authentic);
	peer->asked_from = NULL;
	peer_wake(peer, now);
	if (drop != DROP_NONE) {
		log_remote(&peer->noise, now,
			   "dropped a datagram from %s in the name of peer %s: %s%s",
			   endpoint_format(from, new_text), peer->name, drop_name(drop),
			   drop == DROP_HANDSHAKE
				   ? " (names, public_key and psk_file must agree on both sides)"
				   : "");
		return;
	}
	if (authentic &&
	    (!addr_equal(&peer->endpoint.addr, &from->addr) || peer->endpoint.port != from->port)) {
		log_info("peer %s: moved from %s to %s", peer->name,
			 endpoint_format(&peer->endpoint, old_text),
			 endpoint_format(from, new_text));
		peer->endpoint = *from;
		receive_peers_changed(core);
	}
}

bool peer_owns_home(const struct peer *peer, const struct prefix *home)
{
	for (size_t i = 0; i < peer->home_prefix_count; i++)
		if (prefix_covers(&peer->home_prefixes[i], home))
			return true;
	return false;
}

bool peer_owns_care_of(const struct peer *peer, const struct addr *coa)
{
	for (size_t i = 0; i < peer->care_of_prefix_count; i++)
		if (prefix_contains(&peer->care_of_prefixes[i], coa))
			return true;
	return false;
}
