/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is configured no more and still used; see drain.h. */
#include "drain.h"

#include "anticipation.h"
#include "binding.h"
#include "care_of.h"
#include "core.h"
#include "log_event.h"
#include "peer.h"
#include "preparation.h"
#include "registration.h"
#include "release.h"
#include "session.h"
#include "subscriber.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY (5 * USEC_PER_SEC)

static const sa_family_t families[2] = {AF_INET, AF_INET6};

/* ---- in use, or in the way ------------------------------------------------------------------ */

static bool peer_used(const struct peer *peer)
{
	return peer->visitors || peer->bindings > 0 || releases_under_way(peer);
}

static bool overlap(const struct prefix *a, const struct prefix *b)
{
	return prefix_contains(a, &b->addr) || prefix_contains(b, &a->addr);
}

static bool overlaps(const struct prefix *prefix, const struct prefix *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (overlap(prefix, &list[i]))
			return true;
	return false;
}

/* Is the prefix something else in the file's configuration? */
static bool taken(const struct config *file, const struct prefix *prefix, bool own_care_of)
{
	const struct pools_config *p = &file->pools;

	for (size_t i = 0; i < file->peer_count; i++) {
		const struct peer_config *peer = &file->peers[i];

		if (overlaps(prefix, peer->home_prefixes, peer->home_prefix_count) ||
		    overlaps(prefix, peer->care_of_prefixes, peer->care_of_prefix_count))
			return true;
	}
	return overlaps(prefix, p->home4, p->home4_count) ||
	       overlaps(prefix, p->home6, p->home6_count) ||
	       overlaps(prefix, p->delegated, p->delegated_count) ||
	       (!own_care_of && (overlaps(prefix, p->care_of4, p->care_of4_count) ||
				 overlaps(prefix, p->care_of6, p->care_of6_count)));
}

static bool peer_in_the_way(const struct config *file, const struct peer_config *peer)
{
	for (size_t i = 0; i < file->peer_count; i++)
		if (!memcmp(file->peers[i].public_key, peer->public_key, CONF_KEY_BYTES))
			return true;
	for (size_t i = 0; i < peer->home_prefix_count; i++)
		if (taken(file, &peer->home_prefixes[i], false))
			return true;
	for (size_t i = 0; i < peer->care_of_prefix_count; i++)
		if (taken(file, &peer->care_of_prefixes[i], false))
			return true;
	return false;
}

/* ---- keeping -------------------------------------------------------------------------------- */

static bool has_peer(const struct config *file, const char *name)
{
	for (size_t i = 0; i < file->peer_count; i++)
		if (!strcmp(file->peers[i].name, name))
			return true;
	return false;
}

static bool has_prefix(const struct prefix *list, size_t count, const struct prefix *prefix)
{
	for (size_t i = 0; i < count; i++)
		if (prefix_equal(&list[i], prefix))
			return true;
	return false;
}

/* A list from malloc of two after each other; NULL without memory. */
static void *joined(const void *a, size_t a_count, const void *b, size_t b_count, size_t size)
{
	char *list = calloc(a_count + b_count + 1, size);

	if (list && a_count)
		memcpy(list, a, a_count * size);
	if (list && b_count)
		memcpy(list + a_count * size, b, b_count * size);
	return list;
}

/* A copy that owns what it points to; what is missing of it shows as false. */
static bool peer_copy(struct peer_config *to, const struct peer_config *from)
{
	*to = *from;
	to->drains = true;
	to->name = strdup(from->name);
	to->psk_file = NULL; /* has been read */
	to->home_prefixes = joined(from->home_prefixes, from->home_prefix_count, NULL, 0,
				   sizeof(struct prefix));
	to->care_of_prefixes = joined(from->care_of_prefixes, from->care_of_prefix_count, NULL, 0,
				      sizeof(struct prefix));
	return to->name && to->home_prefixes && to->care_of_prefixes;
}

static int keep_peers(const struct core *core, const struct config *file, struct drain *drain)
{
	const struct config *is = core->config;

	drain->peers = calloc(is->peer_count + 1, sizeof(*drain->peers));
	if (!drain->peers)
		return -ENOMEM;
	for (size_t i = 0; i < is->peer_count && !core->cuts; i++) {
		const struct peer_config *config = &is->peers[i];
		const struct peer *peer = peer_find(core, config->name);

		if (has_peer(file, config->name) || !peer || !peer_used(peer))
			continue;
		if (peer_in_the_way(file, config) ||
		    file->peer_count + drain->peer_count >= PEER_SLOTS) {
			log_warnx("peer %s: removed while in use, and in the way of what comes "
				  "instead: its bindings end now",
				  config->name);
			continue;
		}
		if (!peer_copy(&drain->peers[drain->peer_count++], config))
			return -ENOMEM;
	}
	return 0;
}

static int keep_care_of(const struct core *core, const struct config *file, struct drain *drain,
			int which)
{
	const struct pools_config *is = &core->config->pools, *next = &file->pools;
	const struct prefix *old = which ? is->care_of6 : is->care_of4,
			    *new = which ? next->care_of6 : next->care_of4;
	size_t old_count = which ? is->care_of6_count : is->care_of4_count,
	       new_count = which ? next->care_of6_count : next->care_of4_count;
	const struct pool *pool = care_of_pool(core, families[which]);

	drain->care_of[which] = calloc(old_count + 1, sizeof(struct prefix));
	if (!drain->care_of[which])
		return -ENOMEM;
	for (size_t i = 0; i < old_count && !core->cuts; i++)
		if (!has_prefix(new, new_count, &old[i]) && !taken(file, &old[i], true) &&
		    pool_uses(pool, &old[i], new, new_count))
			drain->care_of[which][drain->care_of_count[which]++] = old[i];
	drain->all_care_of[which] = joined(new, new_count, drain->care_of[which],
					   drain->care_of_count[which], sizeof(struct prefix));
	return drain->all_care_of[which] ? 0 : -ENOMEM;
}

int drain_merge(const struct core *core, const struct config *file, struct drain *drain,
		struct config *merged)
{
	int result;

	*drain = (struct drain){0};
	*merged = *file;
	result = keep_peers(core, file, drain);
	for (int which = 0; which < 2 && result == 0; which++)
		result = keep_care_of(core, file, drain, which);
	if (result == 0)
		drain->all_peers = joined(file->peers, file->peer_count, drain->peers,
					  drain->peer_count, sizeof(struct peer_config));
	if (!drain->all_peers) {
		drain_free(drain);
		return -ENOMEM;
	}
	merged->peers = drain->all_peers;
	merged->peer_count += drain->peer_count;
	merged->pools.care_of4 = drain->all_care_of[0];
	merged->pools.care_of4_count += drain->care_of_count[0];
	merged->pools.care_of6 = drain->all_care_of[1];
	merged->pools.care_of6_count += drain->care_of_count[1];
	return 0;
}

void drain_free(struct drain *drain)
{
	for (size_t i = 0; i < drain->peer_count; i++) {
		free(drain->peers[i].name);
		free(drain->peers[i].home_prefixes);
		free(drain->peers[i].care_of_prefixes);
	}
	free(drain->peers);
	free(drain->all_peers);
	for (int which = 0; which < 2; which++) {
		free(drain->care_of[which]);
		free(drain->all_care_of[which]);
	}
	*drain = (struct drain){0};
}

/* ---- being drained -------------------------------------------------------------------------- */

static bool drained(const struct drain *drain, const char *name)
{
	for (size_t i = 0; i < drain->peer_count; i++)
		if (!strcmp(drain->peers[i].name, name))
			return true;
	return false;
}

static void peer_begin(struct peer *peer, usec_t now)
{
	struct subscriber *s, *next;

	log_event(LOG_LEVEL_NOTICE,
		  &(struct log_about){.event = LOG_EVENT_PEER_CHANGED, .peer = peer->name},
		  "peer %s: removed, drained of what uses it", peer->name);
	peer->draining = true;
	registration_peer_removed(peer, now);
	preparation_peer_gone(peer, "peer removed");
	anticipation_peer_gone(peer, now);
	HASH_ITER (hh, peer->core->subscribers, s, next)
		if (s->offer.to == peer)
			subscriber_offer_end(s);
}

void drain_begin(struct core *core, usec_t now)
{
	struct peer *peer, *next;

	HASH_ITER (hh, core->peers, peer, next) {
		bool is = drained(&core->drain, peer->name);

		if (is && !peer->draining)
			peer_begin(peer, now);
		else if (!is && peer->draining)
			log_event(LOG_LEVEL_NOTICE,
				  &(struct log_about){.event = LOG_EVENT_PEER_CHANGED,
						      .peer = peer->name},
				  "peer %s: configured again", peer->name);
		peer->draining = is;
	}
	if (drain_count(&core->drain) > 0)
		timer_set(&core->timers, &core->drain_timer, now + LOOK_EVERY);
	else
		timer_cancel(&core->timers, &core->drain_timer);
}

bool drain_covers(const struct core *core, const struct addr *coa)
{
	int which = coa->family == AF_INET6;

	for (size_t i = 0; i < core->drain.care_of_count[which]; i++)
		if (prefix_contains(&core->drain.care_of[which][i], coa))
			return true;
	return false;
}

size_t drain_count(const struct drain *drain)
{
	return drain->peer_count + drain->care_of_count[0] + drain->care_of_count[1];
}

/* Is there anything that could go? */
static bool out_of_use(const struct core *core)
{
	const struct drain *drain = &core->drain;

	for (size_t i = 0; i < drain->peer_count; i++) {
		const struct peer *peer = peer_find(core, drain->peers[i].name);

		if (!peer || !peer_used(peer))
			return true;
	}
	for (int which = 0; which < 2; which++)
		for (size_t i = 0; i < drain->care_of_count[which]; i++)
			if (!pool_uses(care_of_pool(core, families[which]),
				       &drain->care_of[which][i], NULL, 0))
				return true;
	return false;
}

void drain_timer(struct timer *timer, void *arg, usec_t now)
{
	struct core *core = arg;

	timer_set(&core->timers, timer, now + LOOK_EVERY);
	if (out_of_use(core))
		core_reconfigure(core, &core->file, now);
}
