/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control commands; see show.h. Each fills one table or a list of fields; tables that grow with the
 * number of terminals are in command_tables.c.
 */
#include "show.h"

#include "anticipation.h"
#include "binding.h"
#include "command_doctor.h"
#include "command_peers.h"
#include "command_tables.h"
#include "control_value.h"
#include "forwarding.h"
#include "guard.h"
#include "log.h"
#include "peer.h"
#include "pool.h"
#include "preparation.h"
#include "satellite.h"
#include "session.h"
#include "subscriber.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static json_t *kinds_json(uint8_t kinds)
{
	json_t *list = json_array();

	for (unsigned int kind = 1; kind <= TUNNEL_KINDS_ALL; kind <<= 1)
		if (kinds & kind)
			json_array_append_new(list, json_string(tunnel_kind_name(kind)));
	return list;
}

static int show_status(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	struct satellite *satellite, *next_satellite;
	struct peer *peer, *next_peer;
	unsigned int up = 0, connected = 0;

	(void)request;
	HASH_ITER (hh, core->peers, peer, next_peer)
		up += channel_up(peer->channel);
	HASH_ITER (hh, core->satellites, satellite, next_satellite)
		connected += satellite->connected;
	control_field(reply, "core", NULL, json_string(core->config->name));
	control_field(reply, "epoch", NULL,
		      json_sprintf("%016llx", (unsigned long long)core->epoch));
	control_field(reply, "tunnel kinds", NULL, kinds_json(core->underlay.kinds));
	control_field(reply, "outer IPv4", NULL, control_addr(&core->underlay.end4));
	control_field(reply, "outer IPv6", NULL, control_addr(&core->underlay.end6));
	control_field(reply, "peers", NULL, json_integer(HASH_COUNT(core->peers)));
	control_field(reply, "peers up", NULL, json_integer(up));
	control_field(reply, "draining", NULL, json_integer((json_int_t)drain_count(&core->drain)));
	control_field(reply, "satellites", NULL, json_integer(HASH_COUNT(core->satellites)));
	control_field(reply, "satellites connected", NULL, json_integer(connected));
	control_field(reply, "subscribers", NULL, json_integer(HASH_COUNT(core->subscribers)));
	control_field(reply, "bindings", NULL, json_integer(HASH_CNT(hh_bound, core->bound)));
	control_field(reply, "bindings away", NULL, json_integer(core->away));
	control_field(reply, "sessions", NULL, json_integer(HASH_COUNT(core->sessions)));
	control_field(reply, "prepared", NULL, json_integer(HASH_COUNT(core->preparations)));
	control_field(reply, "anticipations", NULL, json_integer(HASH_COUNT(core->anticipations)));
	control_field(reply, "changes scheduled", NULL,
		      json_integer((json_int_t)schedule_ahead(core)));
	for (int mode = MODE_BASELINE; mode <= MODE_SOFT; mode++) {
		char name[32];

		snprintf(name, sizeof(name), "handovers %s",
			 handover_mode_name((enum handover_mode)mode));
		control_field(reply, name, NULL,
			      json_integer((json_int_t)core->handovers.made[mode]));
	}
	return 0;
}

static int show_peers(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	struct peer *peer, *next;
	usec_t now = clock_now();

	control_filter(reply, request);
	control_columns(reply, "peer", "state", "endpoint", "keys:s", "round trip:ms", "tunnel",
			"visitors", NULL);
	HASH_ITER (hh, core->peers, peer, next) {
		char text[ENDPOINT_TEXT];
		usec_t age = channel_session_age(peer->channel, now);
		usec_t srtt = requests_srtt(channel_requests(peer->channel));

		control_row(reply, "s s s o o s i", peer->name,
			    peer->draining		? "draining"
			    : channel_up(peer->channel) ? "up"
							: "down",
			    endpoint_format(&peer->endpoint, text),
			    age < 0 ? json_null() : control_seconds(age),
			    srtt ? control_milliseconds(srtt) : json_null(),
			    peer->uplink ? tunnel_kind_name(peer->uplink) : "none",
			    (int)HASH_CNT(hh_visitor, peer->visitors));
	}
	return 0;
}

static int show_satellites(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	struct satellite *satellite, *next;

	control_filter(reply, request);
	control_columns(reply, "satellite", "interface", "state", "terminals", NULL);
	HASH_ITER (hh, core->satellites, satellite, next) {
		control_row(reply, "s s s i", satellite->name, satellite->interface,
			    satellite->connected ? "connected"
			    : satellite->port	 ? "no carrier"
						 : "no interface",
			    (int)satellite->terminals);
	}
	return 0;
}

static int show_pools(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	const struct {
		const char *name;
		const struct pool *pool;
	} pools[] = {{"home4", core->home4},
		     {"home6", core->home6},
		     {"care_of4", core->care_of4},
		     {"care_of6", core->care_of6}};

	control_filter(reply, request);
	control_columns(reply, "pool", "used", "size", NULL);
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		control_row(reply, "s I f", pools[i].name, (json_int_t)pool_used(pools[i].pool),
			    (double)pool_size(pools[i].pool));
	return 0;
}

static json_t *by_type(const uint64_t count[256])
{
	json_t *o = json_object();

	for (unsigned int type = 0; type < 256; type++)
		if (count[type])
			json_object_set_new(o, message_type_name(type),
					    json_integer((json_int_t)count[type]));
	return o;
}

/* Both sides' messages: the access side's and, added up, those of all peers. */
static int show_counters(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	uint64_t sent[256] = {0}, received[256] = {0};
	struct peer *peer, *next;

	control_filter(reply, request);
	HASH_ITER (hh, core->peers, peer, next) {
		const struct channel_counters *c = channel_counters(peer->channel);

		for (int type = 0; type < 256; type++) {
			sent[type] += c->sent[type];
			received[type] += c->received[type];
		}
	}
	control_columns(reply, "side", "message", "sent", "received", NULL);
	for (unsigned int type = 0; type < 256; type++) {
		if (core->counters.sent[type] || core->counters.received[type])
			control_row(reply, "s s I I", "access", message_type_name(type),
				    (json_int_t)core->counters.sent[type],
				    (json_int_t)core->counters.received[type]);
		if (sent[type] || received[type])
			control_row(reply, "s s I I", "core", message_type_name(type),
				    (json_int_t)sent[type], (json_int_t)received[type]);
	}
	for (unsigned int type = 0; type < 256; type++) {
		sent[type] += core->counters.sent[type];
		received[type] += core->counters.received[type];
	}
	control_set(reply, "sent", by_type(sent));
	control_set(reply, "received", by_type(received));
	return 0;
}

static int show_drops(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	uint64_t drops[DROP_COUNT];
	struct peer *peer, *next;

	control_filter(reply, request);
	memcpy(drops, core->counters.drops, sizeof(drops));
	HASH_ITER (hh, core->peers, peer, next)
		for (int i = 0; i < DROP_COUNT; i++)
			drops[i] += channel_counters(peer->channel)->drops[i];
	control_columns(reply, "what", "reason", "count", NULL);
	for (int i = DROP_NONE + 1; i < DROP_COUNT; i++)
		if (drops[i])
			control_row(reply, "s s I", "datagrams", drop_name(i),
				    (json_int_t)drops[i]);
	for (int i = REASON_ACCEPTED + 1; i < REASON_COUNT; i++)
		if (core->counters.refused[i])
			control_row(reply, "s s I", "registrations", reason_name(i),
				    (json_int_t)core->counters.refused[i]);
	for (int i = 0; i < GUARD_DROPS; i++)
		if (guard_drops(core, (enum guard_drop)i))
			control_row(reply, "s s I", "packets", guard_drop_name((enum guard_drop)i),
				    (json_int_t)guard_drops(core, (enum guard_drop)i));
	return 0;
}

/* An operator ends a registration; the terminal is told and registers again if it may. */
static int do_release(void *arg, const json_t *request, struct control_reply *reply)
{
	struct core *core = arg;
	const char *nai = control_argument(request, "terminal");
	struct session *s = nai ? session_find(core, nai) : NULL;
	struct subscriber *own = NULL;
	char user[SNO_NAME_MAX + 1] = "";
	int err = control_only(reply, request, "terminal", NULL);

	if (err)
		return err;
	if (!nai)
		return control_refuse(reply, -EINVAL, "name the terminal (user@realm)");
	if (strchr(nai, '@') && (size_t)(strchr(nai, '@') - nai) < sizeof(user))
		memcpy(user, nai, (size_t)(strchr(nai, '@') - nai));
	own = subscriber_find(core, user);
	if (own && strcmp(own->nai, nai) == 0 && own->binding.state != BINDING_NONE)
		binding_withdraw(own, REASON_ADMINISTRATIVE, clock_now());
	else if (s)
		session_evict(s, REASON_ADMINISTRATIVE, clock_now());
	else
		return control_refuse(reply, -ENOENT,
				      "no registration of %s here; see `terminals` and `bindings`",
				      nai);
	control_text(reply, "%s released", nai);
	return 0;
}

/* What waits for its users to go goes without them. */
static int do_flush(void *arg, const json_t *request, struct control_reply *reply)
{
	int count = control_only(reply, request, NULL);

	if (count < 0)
		return count;
	count = core_flush(arg, clock_now());
	if (count < 0)
		return control_refuse(reply, count, "nothing was changed; see the log");
	control_text(reply, "%d ended that %s drained", count, count == 1 ? "was" : "were");
	return 0;
}

const struct control_command show_commands[] = {
	{"status", show_status, "this core in a few lines"},
	{"peers", show_peers, "other cores and the channels to them"},
	{"cores", show_peers, "the same as peers"},
	{"tunnels", show_tunnels, "tunnels to peers, ends, protection, path MTU"},
	{"protection", show_protection, "what protects tunnels, its age and what it has carried"},
	{"keys", show_keys, "public keys, and how old session keys are; no secrets"},
	{"terminals", show_terminals, "terminals served here, visitors included"},
	{"visitors", show_visitors, "terminals of peers that are served here"},
	{"bindings", show_bindings, "where the home addresses of subscribers are reached"},
	{"satellites", show_satellites, "satellites and their interfaces"},
	{"pools", show_pools, "addresses in use"},
	{"handovers", show_handovers, "the last handovers of subscribers"},
	{"anticipations", show_anticipations, "cores that are prepared for where subscribers go"},
	{"counters", show_counters, "signalling messages by type"},
	{"drops", show_drops, "dropped datagrams and packets, refused registrations, by reason"},
	{"accounting", show_accounting, "what terminals have sent and received, by binding"},
	{"doctor", command_doctor, "what is wrong, and what to do"},
	{"flush", do_flush, "end at once what is drained after a reload"},
	{"release", do_release, "end a registration: {\"terminal\": NAI}"},
	{"disconnect", do_release, "the same as release"},
	{}};
