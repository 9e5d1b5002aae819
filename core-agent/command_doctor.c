/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this core finds of itself, its peers and satellites; see doctor.h. */
#include "command_doctor.h"

#include <stdio.h>
#include <string.h>

#include "control_value.h"
#include "doctor.h"
#include "kernel.h"
#include "path_mtu.h"
#include "peer.h"
#include "pool.h"
#include "satellite.h"

static void look_at_keys(const struct core *core, struct control_reply *reply)
{
	doctor_key_file(reply, "own key", core->config->private_key_file, core->keys.private);
	for (size_t i = 0; i < core->file.peer_count; i++) {
		const struct peer_config *config = &core->file.peers[i];
		const struct peer *peer = peer_find(core, config->name);
		char check[SNO_NAME_MAX + 32];

		if (!config->psk_file || !peer)
			continue;
		snprintf(check, sizeof(check), "key with %s", config->name);
		doctor_key_file(reply, check, config->psk_file, peer->psk);
	}
}

/* Somebody may have taken back what the core has set at its start. */
static void look_at_forwarding(const struct core *core, struct control_reply *reply)
{
	char four[8] = "", six[8] = "";

	kernel_sysctl_get(core->kernel, "net/ipv4", NULL, "ip_forward", four, sizeof(four));
	kernel_sysctl_get(core->kernel, "net/ipv6/conf", "all", "forwarding", six, sizeof(six));
	if (strcmp(four, "1") != 0 || strcmp(six, "1") != 0)
		doctor_row(reply, "forwarding", DOCTOR_WRONG,
			   "sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1, and "
			   "find who has switched it off",
			   "off: IPv4 %s, IPv6 %s", four, six);
	else
		doctor_row(reply, "forwarding", DOCTOR_GOOD, NULL, "on");
}

static void look_at_kernel(const struct core *core, struct control_reply *reply)
{
	char kinds[80] = "";
	size_t n = 0;

	for (unsigned int kind = 1; kind <= TUNNEL_KINDS_ALL; kind <<= 1)
		if (core->underlay.kinds & kind)
			n += (size_t)snprintf(kinds + n, sizeof(kinds) - n, " %s",
					      tunnel_kind_name(kind));
	doctor_row(reply, "tunnels", DOCTOR_GOOD, NULL, "offered:%s", kinds);
	if (core->guard)
		doctor_row(reply, "guard", DOCTOR_GOOD, NULL, "packets are checked");
	else
		doctor_row(reply, "guard", DOCTOR_WARNING,
			   "set core.guard = true, unless something else checks sources",
			   "off: terminals and peers may send from any address");
}

/* The path to a peer that is up. */
static void look_at_path(const struct peer *peer, const char *check, struct control_reply *reply)
{
	const struct core *core = peer->core;
	enum tunnel_kind kind = peer->uplink;
	bool v6 = tunnel_family(kind) == AF_INET6;
	unsigned int outer = v6 ? peer->path_mtu.outer6 : peer->path_mtu.outer4,
		     wanted = core->config->tunnel.mtu ? core->config->tunnel.mtu
			      : v6		       ? 1360
						       : 1400,
		     is = path_mtu(peer, kind);

	if (is < wanted)
		doctor_row(reply, check, DOCTOR_WARNING,
			   "have the network between the cores take longer packets; until then "
			   "terminals send shorter ones",
			   "path MTU %u inside %s, %u would be possible; the underlay takes %u", is,
			   tunnel_kind_name(kind), wanted, outer);
	else
		doctor_row(reply, check, DOCTOR_GOOD, NULL,
			   "up, round trip %.1f ms, path MTU %u inside %s",
			   (double)channel_rtt(peer->channel) / 1e3, is, tunnel_kind_name(kind));
}

static void look_at_silence(const struct peer *peer, const char *check, struct control_reply *reply)
{
	const struct channel_counters *c = channel_counters(peer->channel);
	char endpoint[ENDPOINT_TEXT];

	endpoint_format(&peer->endpoint, endpoint);
	if (c->unsent_datagrams && c->unsent_datagrams == c->sent_datagrams + c->unsent_datagrams)
		doctor_row(reply, check, DOCTOR_WRONG,
			   "see that this host has a route there and an address to send from",
			   "down: nothing can be sent to %s", endpoint);
	else if (c->received_datagrams == 0)
		doctor_row(reply, check, DOCTOR_WRONG,
			   "see that it runs, that UDP passes both ways, that its entry for us has "
			   "our endpoint, and that each has the other's public key (snoctl keys): "
			   "it does not answer whom it does not know",
			   "down: no answer from %s", endpoint);
	else
		doctor_row(reply, check, DOCTOR_WRONG,
			   "see its log: is it running, does it have our public key (snoctl keys) "
			   "and the same psk, and is its public_key here right?",
			   "down: %s was heard before, or says what we cannot read", endpoint);
}

static void look_at_peers(const struct core *core, struct control_reply *reply)
{
	const struct peer *peer;

	for (peer = core->peers; peer; peer = peer->hh.next) {
		char check[SNO_NAME_MAX + 16];

		snprintf(check, sizeof(check), "peer %s", peer->name);
		if (peer->draining)
			doctor_row(reply, check, DOCTOR_WARNING,
				   "wait, or end its bindings at once: snoctl flush",
				   "removed from the configuration, drained");
		else if (!channel_up(peer->channel))
			look_at_silence(peer, check, reply);
		else if (!peer->uplink)
			doctor_row(reply, check, DOCTOR_WRONG,
				   "see the log: tunnel.kind and protection have to fit on both "
				   "sides",
				   "up, but without a tunnel that both can use");
		else
			look_at_path(peer, check, reply);
	}
	if (!core->peers)
		doctor_row(reply, "peers", DOCTOR_WARNING, "add peers to the configuration",
			   "there are none: nobody can visit or be visited");
}

static void look_at_satellites(const struct core *core, struct control_reply *reply)
{
	const struct satellite *satellite;
	unsigned int connected = 0;

	for (satellite = core->satellites; satellite; satellite = satellite->hh.next) {
		char check[SNO_NAME_MAX + 16];

		snprintf(check, sizeof(check), "satellite %s", satellite->name);
		connected += satellite->connected;
		if (!satellite->port)
			doctor_row(reply, check, DOCTOR_WARNING,
				   "make the interface, or correct access.satellites",
				   "there is no interface %s", satellite->interface);
		else if (!satellite->connected)
			doctor_row(reply, check, DOCTOR_WARNING,
				   "look at the line to its ground station: ip link show",
				   "%s has no carrier or is down", satellite->interface);
		else
			doctor_row(reply, check, DOCTOR_GOOD, NULL, "%s has a carrier",
				   satellite->interface);
	}
	if (!connected)
		doctor_row(reply, "satellites", DOCTOR_WRONG,
			   "see above, or add some to access.satellites",
			   "none is connected: no terminal can be served");
}

static void look_at_pool(const char *name, const struct pool *pool, struct control_reply *reply)
{
	char check[32];
	double used = (double)pool_used(pool), size = (double)pool_size(pool);

	if (size == 0)
		return;
	snprintf(check, sizeof(check), "pool %s", name);
	if (used > size * 0.9)
		doctor_row(reply, check, used >= size ? DOCTOR_WRONG : DOCTOR_WARNING,
			   "add a prefix below pools, and reload",
			   "%.10g of %.10g addresses in use", used, size);
	else
		doctor_row(reply, check, DOCTOR_GOOD, NULL, "%.10g of %.10g addresses in use", used,
			   size);
}

static void look_at_pools(const struct core *core, struct control_reply *reply)
{
	look_at_pool("home4", core->home4, reply);
	look_at_pool("home6", core->home6, reply);
	look_at_pool("care_of4", core->care_of4, reply);
	look_at_pool("care_of6", core->care_of6, reply);
	if (core->peers && pool_size(core->care_of4) == 0 && pool_size(core->care_of6) == 0)
		doctor_row(reply, "pools", DOCTOR_WARNING,
			   "add pools.care_of4 or pools.care_of6, and reload",
			   "no care-of addresses: nobody can visit");
}

static void look_at_schedule(const struct core *core, struct control_reply *reply)
{
	const char *path = core->config->handover.schedule;

	if (!path)
		return;
	if (core->schedule.refused)
		doctor_row(reply, "schedule", DOCTOR_WRONG,
			   "see the log for what is wrong with it, and mend the file; it is read "
			   "by itself",
			   "%s: refused, %s", path,
			   core->schedule.content.associations.count ? "the one before is in force"
								     : "none is in force");
	else if (schedule_ahead(core) == 0)
		doctor_row(reply, "schedule", DOCTOR_WARNING,
			   "put a newer file there (sno-plan associate); it is read by itself",
			   "%s: no change is ahead", path);
	else
		doctor_row(reply, "schedule", DOCTOR_GOOD, NULL, "%s: %zu changes ahead", path,
			   (size_t)schedule_ahead(core));
}

int command_doctor(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;

	control_filter(reply, request);
	doctor_begin(reply);
	look_at_keys(core, reply);
	look_at_kernel(core, reply);
	look_at_forwarding(core, reply);
	look_at_peers(core, reply);
	look_at_satellites(core, reply);
	look_at_pools(core, reply);
	look_at_schedule(core, reply);
	return 0;
}
