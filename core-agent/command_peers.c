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
			"key in", "key out", "visitors", NULL);
	HASH_ITER (hh, core->peers, peer, next) {
		enum tunnel_kind kind = peer->uplink;
		bool v6 = kind && tunnel_family(kind) == AF_INET6;
		struct addr remote = {.family = AF_UNSPEC};

		if (kind)
			remote = peer_tunnel_end(peer, kind);
		control_row(reply, "s s o o s o o o i", peer->name,
			    kind ? tunnel_kind_name(kind) : "none",
			    kind ? control_addr(v6 ? &core->underlay.end6 : &core->underlay.end4)
				 : json_null(),
			    control_addr(&remote), protection_text(peer),
			    kind ? json_integer(path_mtu(peer, kind)) : json_null(),
			    key_text(peer->tunnel_key), key_text(peer_tunnel_key(peer)),
			    (int)HASH_CNT(hh_visitor, peer->visitors));
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
