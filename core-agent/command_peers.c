/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of tunnels and keys; see command_peers.h. */
#include "command_peers.h"

#include "control_value.h"
#include "path_mtu.h"
#include "peer.h"
#include "session.h"

static const char *protection_text(const struct peer *peer)
{
	return !peer->protection.wanted	     ? "none"
	       : peer->protection.suite == 0 ? "wanted"
					     : suite_name(peer->protection.suite);
}

static json_t *key_text(uint32_t key)
{
	return key ? json_sprintf("0x%x", key) : json_null();
}

int show_tunnels(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	struct peer *peer, *next;

	control_filter(reply, request);
	control_columns(reply, "peer", "tunnel", "local", "remote", "protection", "path mtu:bytes",
			"key in", "key out", "visitors", "bindings", NULL);
	HASH_ITER (hh, core->peers, peer, next) {
		enum tunnel_kind kind = peer->uplink;
		bool v6 = kind && tunnel_family(kind) == AF_INET6;
		struct addr remote = {.family = AF_UNSPEC};

		if (kind)
			remote = peer_tunnel_end(peer, kind);
		control_row(reply, "s s o o s o o o i i", peer->name,
			    kind ? tunnel_kind_name(kind) : "none",
			    kind ? control_addr(v6 ? &core->underlay.end6 : &core->underlay.end4)
				 : json_null(),
			    control_addr(&remote), protection_text(peer),
			    kind ? json_integer(path_mtu(peer, kind)) : json_null(),
			    key_text(peer->tunnel_key), key_text(peer_tunnel_key(peer)),
			    (int)HASH_CNT(hh_visitor, peer->visitors), (int)peer->bindings);
	}
	return 0;
}

static json_t *public_text(const uint8_t key[KEY_LENGTH])
{
	char text[KEY_TEXT];

	return json_string(keys_encode(text, key));
}

int show_keys(void *arg, const json_t *request, struct control_reply *reply)
{
	static const uint8_t none[KEY_LENGTH];
	const struct core *core = arg;
	struct peer *peer, *next;
	usec_t now = clock_now();

	control_filter(reply, request);
	control_field(reply, "public key", NULL, public_text(core->keys.public));
	control_columns(reply, "peer", "public key", "psk", "session:s", "renewed at:s",
			"handshakes", "renewals", "protection", "spi in", "spi out", NULL);
	HASH_ITER (hh, core->peers, peer, next) {
		const struct channel_counters *c = channel_counters(peer->channel);
		const struct inbounds *in = &peer->protection.in;
		usec_t age = channel_session_age(peer->channel, now);

		control_row(reply, "s o b o o I I s o o", peer->name, public_text(peer->public_key),
			    !keys_equal(peer->psk, none, KEY_LENGTH),
			    age < 0 ? json_null() : control_seconds(age),
			    control_seconds(core->config->timers.rekey), (json_int_t)c->handshakes,
			    (json_int_t)c->rekeys, protection_text(peer),
			    in->count ? key_text(in->list[in->count - 1].spi) : json_null(),
			    key_text(peer->protection.out));
	}
	return 0;
}

/* ---- protection ---------------------------------------------------------------------------- */

struct association_rows {
	const struct peer *peer;
	struct control_reply *reply;
	usec_t now;
};

static json_t *time_left(usec_t until, usec_t now)
{
	return until == USEC_NEVER ? json_null() : control_seconds(until > now ? until - now : 0);
}

/* How long it is used yet: until the next session, or until the last packet can have come. */
static json_t *rest_of(const struct association_rows *rows, bool out, uint32_t spi)
{
	const struct inbounds *in = &rows->peer->protection.in;
	usec_t until = out ? channel_session_renewal(rows->peer->channel) : USEC_NEVER;

	for (size_t i = 0; i < in->count && !out; i++)
		if (in->list[i].spi == spi)
			until = in->list[i].until;
	return time_left(until, rows->now);
}

static int association_row(const struct kernel_sa *sa, void *arg)
{
	const struct association_rows *rows = arg;
	const struct underlay *u = &rows->peer->core->underlay;
	const bool out = addr_equal(&sa->src, sa->src.family == AF_INET6 ? &u->end6 : &u->end4);
	const usec_t age = clock_wall() - (usec_t)sa->added * USEC_PER_SEC;

	control_row(rows->reply, "s s s o o o I I o", rows->peer->name, out ? "out" : "in",
		    sa->cipher == KERNEL_CIPHER_AES_256_GCM ? suite_name(SUITE_AES_256_GCM)
							    : suite_name(SUITE_CHACHA20_POLY1305),
		    key_text(sa->spi), control_addr(out ? &sa->dst : &sa->src),
		    control_seconds(age > 0 ? age : 0), (json_int_t)sa->packets,
		    (json_int_t)sa->bytes, rest_of(rows, out, sa->spi));
	return 0;
}

int show_protection(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	struct peer *peer, *next;
	usec_t now = clock_now();

	control_filter(reply, request);
	control_columns(reply, "peer", "way", "protection", "spi", "end", "age:s", "packets",
			"octets", "left:s", NULL);
	HASH_ITER (hh, core->peers, peer, next) {
		struct association_rows rows = {peer, reply, now};
		uint32_t reqid = protection_reqid(peer);
		int result = 0;

		if (!peer->protection.wanted)
			control_row(reply, "s s s n n n n n n", peer->name, "both", "none");
		else
			result = kernel_sa_each(core->kernel, reqid, reqid, association_row, &rows);
		if (result < 0)
			return control_refuse(reply, result, "%s", kernel_error(core->kernel));
	}
	return 0;
}
