/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control commands; see show.h. Each fills one table or a list of fields. */
#include "show.h"

#include "anticipation.h"
#include "binding.h"
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

/* How long until, or null where there is no end. */
static json_t *left(usec_t at, usec_t now)
{
	return at == USEC_NEVER ? json_null() : control_seconds(at > now ? at - now : 0);
}

static json_t *kinds_json(uint8_t kinds)
{
	json_t *list = json_array();

	for (unsigned int kind = 1; kind <= TUNNEL_KINDS_ALL; kind <<= 1)
		if (kinds & kind)
			json_array_append_new(list, json_string(tunnel_kind_name(kind)));
	return list;
}

static void counts(const struct core *core, unsigned int *bound, unsigned int *away)
{
	struct subscriber *s, *next;

	*bound = *away = 0;
	HASH_ITER (hh, core->subscribers, s, next) {
		*bound += s->binding.state != BINDING_NONE;
		*away += s->binding.state == BINDING_VISITING;
	}
}

static int show_status(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	struct satellite *satellite, *next_satellite;
	struct peer *peer, *next_peer;
	unsigned int bound, away, up = 0, connected = 0;

	(void)request;
	counts(core, &bound, &away);
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
	control_field(reply, "satellites", NULL, json_integer(HASH_COUNT(core->satellites)));
	control_field(reply, "satellites connected", NULL, json_integer(connected));
	control_field(reply, "subscribers", NULL, json_integer(HASH_COUNT(core->subscribers)));
	control_field(reply, "bindings", NULL, json_integer(bound));
	control_field(reply, "bindings away", NULL, json_integer(away));
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

	(void)request;
	control_columns(reply, "peer", "state", "endpoint", "keys:s", "round trip:ms", "tunnel",
			"visitors", NULL);
	HASH_ITER (hh, core->peers, peer, next) {
		char text[ENDPOINT_TEXT];
		usec_t age = channel_session_age(peer->channel, now);
		usec_t srtt = requests_srtt(channel_requests(peer->channel));

		control_row(reply, "s s s o o s i", peer->name,
			    channel_up(peer->channel) ? "up" : "down",
			    endpoint_format(&peer->endpoint, text),
			    age < 0 ? json_null() : control_seconds(age),
			    srtt ? control_milliseconds(srtt) : json_null(),
			    peer->uplink ? tunnel_kind_name(peer->uplink) : "none",
			    (int)HASH_CNT(hh_visitor, peer->visitors));
	}
	return 0;
}

/* Those that are to come, or were. */
static void show_expected(const struct core *core, struct control_reply *reply, usec_t now)
{
	struct preparation *p, *next;

	HASH_ITER (hh, core->preparations, p, next) {
		char mac[LLADDR_TEXT];

		control_row(reply, "s s s o o o o o o", p->nai, preparation_state_name(p->state),
			    p->satellite ? p->satellite->name : "none",
			    p->linked ? json_string(lladdr_format(&p->mac, mac)) : json_null(),
			    control_addr(&p->homes.hoa4), control_addr(&p->homes.hoa6),
			    control_prefix(&p->homes.prefix), control_addr(&p->coa),
			    left(p->deadline, now));
	}
}

static int show_terminals(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	struct session *s, *next;
	usec_t now = clock_now();

	(void)request;
	control_columns(reply, "terminal", "state", "satellite", "mac", "hoa4", "hoa6", "prefix",
			"coa", "lifetime:s", NULL);
	HASH_ITER (hh, core->sessions, s, next) {
		char mac[LLADDR_TEXT];

		control_row(reply, "s s s s o o o o o", s->nai, session_state_name(s->state),
			    s->satellite ? s->satellite->name : "none", lladdr_format(&s->mac, mac),
			    control_addr(&s->path->hoa4), control_addr(&s->path->hoa6),
			    control_prefix(&s->path->prefix), control_addr(&s->coa),
			    left(s->expires, now));
	}
	show_expected(core, reply, now);
	return 0;
}

static int show_bindings(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	struct subscriber *s, *next;
	usec_t now = clock_now();

	(void)request;
	control_columns(reply, "terminal", "state", "core", "hoa4", "hoa6", "prefix", "coa", "path",
			"since:s", "lifetime:s", NULL);
	HASH_ITER (hh, core->subscribers, s, next) {
		const struct binding *b = &s->binding;
		char text[PATH_TEXT];

		control_row(
			reply, "s s s o o o o s o o", s->nai,
			b->left ? "leaving" : binding_state_name(b->state),
			b->state == BINDING_VISITING ? b->peer->name
			: b->state == BINDING_HOME   ? core->config->name
						     : "none",
			control_addr(&s->hoa4), control_addr(&s->hoa6), control_prefix(&s->prefix),
			control_addr(&b->coa), path_text(&s->path, text),
			b->state == BINDING_NONE ? json_null() : control_seconds(now - b->since),
			left(b->expires, now));
	}
	return 0;
}

static int show_satellites(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	struct satellite *satellite, *next;

	(void)request;
	control_columns(reply, "satellite", "interface", "state", "terminals", NULL);
	HASH_ITER (hh, core->satellites, satellite, next) {
		struct session *s, *next_session;
		int terminals = 0;

		HASH_ITER (hh, core->sessions, s, next_session)
			terminals += s->satellite == satellite;
		control_row(reply, "s s s i", satellite->name, satellite->interface,
			    satellite->connected ? "connected"
			    : satellite->port	 ? "no carrier"
						 : "no interface",
			    terminals);
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

	(void)request;
	control_columns(reply, "pool", "used", "size", NULL);
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		control_row(reply, "s I f", pools[i].name, (json_int_t)pool_used(pools[i].pool),
			    (double)pool_size(pools[i].pool));
	return 0;
}

static json_t *milliseconds(int64_t us)
{
	return us < 0 ? json_null() : control_milliseconds(us);
}

static json_t *packets(int64_t count)
{
	return count < 0 ? json_null() : json_integer(count);
}

static int show_handovers(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	const struct handover *h;
	usec_t since_1970 = clock_wall() - clock_now();

	(void)request;
	control_columns(reply, "time:time", "terminal", "from", "to", "mode", "gap:ms",
			"registration:ms", "switch:ms", "first packet:ms", "buffered", "dropped",
			NULL);
	for (size_t i = 0; (h = handover_kept(&core->handovers, i)); i++)
		control_row(reply, "f s s s s o o o o o o", (double)(since_1970 + h->at) / 1e6,
			    h->nai, *h->from ? h->from : "none", h->to, handover_mode_name(h->mode),
			    milliseconds(h->gap), milliseconds(h->registration),
			    milliseconds(h->switching), milliseconds(h->first_packet),
			    packets(handover_buffered(h)), packets(handover_dropped(h)));
	return 0;
}

static int show_anticipations(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	struct anticipation *a, *next;
	usec_t now = clock_now();

	(void)request;
	control_columns(reply, "terminal", "core", "satellite", "move", "mode", "state", "path",
			"left:s", NULL);
	HASH_ITER (hh, core->anticipations, a, next) {
		char text[PATH_TEXT];

		control_row(reply, "s s s I s s s o", a->subscriber->nai, anticipation_target(a),
			    *a->place.satellite ? a->place.satellite : "unknown",
			    (json_int_t)a->number, handover_mode_name(a->mode),
			    a->leads   ? "leads"
			    : a->ready ? "ready"
				       : "asked",
			    path_text(&a->path, text), left(a->timer.at, now));
	}
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

	(void)request;
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

	(void)request;
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

static void account_row(struct control_reply *reply, const struct core *core, const char *nai,
			const char *home, const char *serving, const struct account *account,
			const struct path *path)
{
	struct guard_traffic traffic;

	if (accounting_look(core, account, path, &traffic))
		control_row(reply, "s s s o I I I I", nai, home, serving,
			    control_seconds(clock_now() - account->since),
			    (json_int_t)traffic.up.packets, (json_int_t)traffic.up.octets,
			    (json_int_t)traffic.down.packets, (json_int_t)traffic.down.octets);
}

static int show_accounting(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct core *core = arg;
	struct subscriber *subscriber, *next_subscriber;
	struct session *s, *next;

	(void)request;
	control_columns(reply, "terminal", "home", "core", "since:s", "up packets", "up octets",
			"down packets", "down octets", NULL);
	HASH_ITER (hh, core->subscribers, subscriber, next_subscriber) {
		const struct path homes = subscriber_homes(subscriber);
		const struct peer *serving = binding_serving(subscriber);

		account_row(reply, core, subscriber->nai, core->config->name,
			    serving ? serving->name : core->config->name,
			    &subscriber->binding.account, &homes);
	}
	HASH_ITER (hh, core->sessions, s, next)
		if (s->home)
			account_row(reply, core, s->nai, s->home->name, core->config->name,
				    &s->account, s->path);
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

int show_snapshot(void *arg, const json_t *request, struct control_reply *reply)
{
	return show_bindings(arg, request, reply);
}

const struct control_command show_commands[] = {
	{"status", show_status, "this core in a few lines"},
	{"peers", show_peers, "other cores and the channels to them"},
	{"terminals", show_terminals, "terminals served here, visitors included"},
	{"bindings", show_bindings, "where the home addresses of subscribers are reached"},
	{"satellites", show_satellites, "satellites and their interfaces"},
	{"pools", show_pools, "addresses in use"},
	{"handovers", show_handovers, "the last handovers of subscribers"},
	{"anticipations", show_anticipations, "cores that are prepared for where subscribers go"},
	{"counters", show_counters, "signalling messages by type"},
	{"drops", show_drops, "dropped datagrams and packets, refused registrations, by reason"},
	{"accounting", show_accounting, "what terminals have sent and received, by binding"},
	{"release", do_release, "end a registration: {\"terminal\": NAI}"},
	{}};
