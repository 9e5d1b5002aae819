/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is, what was done and how long it took; see figures.h. */
#include "core-agent/figures.h"

#include <string.h>

#include "core-agent/anticipation.h"
#include "core-agent/core.h"
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/preparation.h"
#include "core-agent/satellite.h"
#include "core-agent/session.h"
#include "core-agent/subscriber.h"
#include "families.h"
#include "metrics.h"

static void write_tables(const struct core *core, FILE *out)
{
	struct satellite *satellite, *next;
	unsigned int connected = 0;

	HASH_ITER (hh, core->satellites, satellite, next)
		connected += satellite->connected;
	family_build(out, "core-agent");
	family_single(out, "sno_subscribers", "gauge", "Subscribers that are configured.",
		      HASH_COUNT(core->subscribers));
	family_single(out, "sno_bindings", "gauge",
		      "Subscribers that are registered, here or elsewhere.",
		      HASH_CNT(hh_bound, core->bound));
	family_single(out, "sno_terminals", "gauge",
		      "Terminals that are served here, visitors included.",
		      HASH_COUNT(core->sessions));
	family_single(out, "sno_preparations", "gauge", "Terminals that are expected here.",
		      HASH_COUNT(core->preparations));
	family_single(out, "sno_anticipations", "gauge",
		      "Cores that are prepared for where subscribers go.",
		      HASH_COUNT(core->anticipations));
	family_single(out, "sno_satellites", "gauge",
		      "Satellites that may be associated with this core.",
		      HASH_COUNT(core->satellites));
	family_single(out, "sno_satellites_connected", "gauge", "Satellites that are.", connected);
}

/* One sample for each peer. */
static void write_peers(const struct core *core, FILE *out)
{
	struct peer *peer, *next;

	metrics_family(out, "sno_peer_up", "gauge", "1 while the channel to the peer is up.");
	HASH_ITER (hh, core->peers, peer, next)
		metrics_number(out, channel_up(peer->channel), "sno_peer_up", "peer", peer->name,
			       NULL);
	metrics_family(out, "sno_peer_round_trip_seconds", "gauge",
		       "Smoothed round trip of requests to the peer.");
	HASH_ITER (hh, core->peers, peer, next)
		metrics_number(out,
			       (double)requests_srtt(channel_requests(peer->channel)) /
				       (double)USEC_PER_SEC,
			       "sno_peer_round_trip_seconds", "peer", peer->name, NULL);
	metrics_family(out, "sno_peer_visitors", "gauge", "Its subscribers that are served here.");
	HASH_ITER (hh, core->peers, peer, next)
		metrics_number(out, HASH_CNT(hh_visitor, peer->visitors), "sno_peer_visitors",
			       "peer", peer->name, NULL);
}

static void write_pools(const struct core *core, FILE *out)
{
	const struct {
		const char *name;
		const struct pool *pool;
	} pools[] = {{"home4", core->home4},
		     {"home6", core->home6},
		     {"care_of4", core->care_of4},
		     {"care_of6", core->care_of6}};

	metrics_family(out, "sno_pool_addresses", "gauge", "Addresses of a pool.");
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		metrics_number(out, (double)pool_size(pools[i].pool), "sno_pool_addresses", "pool",
			       pools[i].name, NULL);
	metrics_family(out, "sno_pool_addresses_used", "gauge", "Those that are in use.");
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		metrics_number(out, (double)pool_used(pools[i].pool), "sno_pool_addresses_used",
			       "pool", pools[i].name, NULL);
}

struct sums {
	uint64_t sent[256], received[256], drops[DROP_COUNT];
};

/* Over all peers. */
static void add_channels(const struct core *core, struct sums *sums)
{
	struct peer *peer, *next;

	memset(sums, 0, sizeof(*sums));
	memcpy(sums->drops, core->counters.drops, sizeof(sums->drops));
	HASH_ITER (hh, core->peers, peer, next) {
		const struct channel_counters *c = channel_counters(peer->channel);

		for (int type = 0; type < 256; type++) {
			sums->sent[type] += c->sent[type];
			sums->received[type] += c->received[type];
		}
		for (int i = 0; i < DROP_COUNT; i++)
			sums->drops[i] += c->drops[i];
	}
}

static void write_signalling(const struct core *core, FILE *out)
{
	struct sums sums;
	const struct family_messages sides[] = {
		{"access", core->counters.sent, core->counters.received},
		{"core", sums.sent, sums.received}};

	add_channels(core, &sums);
	family_messages(out, sides, sizeof(sides) / sizeof(sides[0]));
	family_drops(out, sums.drops);
	metrics_family(out, "sno_registrations_refused_total", "counter",
		       "Registrations refused here, by reason.");
	for (int i = REASON_ACCEPTED + 1; i < REASON_COUNT; i++)
		metrics_number(out, (double)core->counters.refused[i],
			       "sno_registrations_refused_total", "reason", reason_name(i), NULL);
}

static void write_handovers(const struct core *core, FILE *out)
{
	static const struct {
		const char *name, *help;
	} parts[HANDOVER_PARTS] = {
		[HANDOVER_GAP] = {"sno_handover_gap_seconds", "Time without a link."},
		[HANDOVER_REGISTRATION] = {"sno_handover_registration_seconds",
					   "From the first discovery to registration done."},
		[HANDOVER_SWITCHING] = {"sno_handover_switch_seconds",
					"From when this core was told to when the home addresses "
					"led to the new place."},
		[HANDOVER_FIRST_PACKET] = {"sno_handover_first_packet_seconds",
					   "From the new link to the first packet on it."},
	};

	metrics_family(out, "sno_handovers_total", "counter", "Handovers of subscribers, by mode.");
	for (int mode = MODE_BASELINE; mode <= MODE_SOFT; mode++)
		metrics_number(out, (double)core->handovers.made[mode], "sno_handovers_total",
			       "mode", handover_mode_name((enum handover_mode)mode), NULL);
	for (int part = 0; part < HANDOVER_PARTS; part++) {
		metrics_family(out, parts[part].name, "histogram", parts[part].help);
		for (int mode = MODE_BASELINE; mode <= MODE_SOFT; mode++)
			metrics_histogram(out, &core->handovers.parts[mode][part], parts[part].name,
					  "mode", handover_mode_name((enum handover_mode)mode),
					  NULL);
	}
}

void figures_write(void *arg, FILE *out)
{
	const struct core *core = arg;

	write_tables(core, out);
	write_peers(core, out);
	write_pools(core, out);
	write_signalling(core, out);
	family_hold(out, core->underlay.holding.hold);
	write_handovers(core, out);
}
