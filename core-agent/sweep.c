/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nobody claims any more; see sweep.h. */
#include "sweep.h"

#include "core.h"
#include "forwarding.h"
#include "guard.h"
#include "kernel.h"
#include "log.h"
#include "peer.h"
#include "preparation.h"
#include "satellite.h"
#include "session.h"
#include "subscriber.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A destination that a path claims, or an Ethernet address that one is reached by. */
struct claim {
	struct {
		struct prefix prefix;
		struct lladdr mac;
	} key;
	UT_hash_handle hh;
};

struct sweeping {
	struct core *core;
	struct claim *claims;
	unsigned int removed;
	int result;
};

static struct claim *claim_find(struct claim *claims, const struct claim *wanted)
{
	struct claim *claim;

	HASH_FIND(hh, claims, &wanted->key, sizeof(wanted->key), claim);
	return claim;
}

/* Keys are compared as bytes: built field by field in zeroed memory. */
static void key_prefix(struct claim *claim, const struct prefix *prefix)
{
	memset(claim, 0, sizeof(*claim));
	claim->key.prefix.addr.family = prefix->addr.family;
	memcpy(claim->key.prefix.addr.bytes, prefix->addr.bytes, addr_length(prefix->addr.family));
	claim->key.prefix.length = prefix->length;
}

static void key_station(struct claim *claim, const struct lladdr *mac)
{
	memset(claim, 0, sizeof(*claim));
	claim->key.mac = *mac;
}

static void claim_add(struct sweeping *sw, const struct claim *wanted)
{
	struct claim *claim;

	if (claim_find(sw->claims, wanted))
		return;
	claim = malloc(sizeof(*claim));
	if (!claim) {
		sw->result = -ENOMEM;
		return;
	}
	*claim = *wanted;
	HASH_ADD(hh, sw->claims, key, sizeof(claim->key), claim);
}

static void claims_free(struct claim **claims)
{
	struct claim *claim, *next;

	HASH_ITER (hh, *claims, claim, next) {
		HASH_DEL(*claims, claim);
		free(claim);
	}
}

static void claim_path(struct sweeping *sw, const struct path *path)
{
	const struct prefix hoa4 = prefix_of(&path->hoa4), hoa6 = prefix_of(&path->hoa6);
	const struct prefix *prefixes[] = {&hoa4, &hoa6, &path->prefix};
	struct claim claim;

	if (path->kind == PATH_NONE)
		return;
	for (size_t i = 0; i < 3; i++) {
		if (prefix_none(prefixes[i]))
			continue;
		key_prefix(&claim, prefixes[i]);
		claim_add(sw, &claim);
	}
	if (path->kind == PATH_ACCESS) {
		key_station(&claim, &path->mac);
		claim_add(sw, &claim);
	}
}

static void claim_prefixes(struct sweeping *sw, const struct prefix *prefixes, size_t count)
{
	struct claim claim;

	for (size_t i = 0; i < count; i++) {
		key_prefix(&claim, &prefixes[i]);
		claim_add(sw, &claim);
	}
}

static void claim_all(struct sweeping *sw)
{
	const struct pools_config *pools = &sw->core->config->pools;
	struct subscriber *subscriber, *next_subscriber;
	struct session *session, *next_session;
	struct preparation *preparation, *next_preparation;

	claim_prefixes(sw, pools->home4, pools->home4_count);
	claim_prefixes(sw, pools->home6, pools->home6_count);
	claim_prefixes(sw, pools->care_of4, pools->care_of4_count);
	claim_prefixes(sw, pools->care_of6, pools->care_of6_count);
	claim_prefixes(sw, pools->delegated, pools->delegated_count);
	HASH_ITER (hh, sw->core->subscribers, subscriber, next_subscriber)
		claim_path(sw, &subscriber->path);
	HASH_ITER (hh, sw->core->sessions, session, next_session)
		if (session->home)
			claim_path(sw, &session->own_path);
	HASH_ITER (hh, sw->core->preparations, preparation, next_preparation)
		claim_path(sw, &preparation->path);
}

static void swept(struct sweeping *sw, int result)
{
	if (result == 0) {
		sw->removed++;
		return;
	}
	log_warnx("sweeping: %s", kernel_error(sw->core->kernel));
	if (sw->result == 0)
		sw->result = result;
}

static const struct peer *peer_of_table(const struct core *core, uint32_t table)
{
	struct peer *peer, *next;

	HASH_ITER (hh, core->peers, peer, next)
		if (underlay_table(peer) == table)
			return peer;
	return NULL;
}

static bool in_home_pool(const struct core *core, const struct prefix *dst)
{
	const struct pools_config *p = &core->config->pools;

	for (size_t i = 0; i < p->home6_count; i++)
		if (prefix_covers(&p->home6[i], dst))
			return true;
	for (size_t i = 0; i < p->delegated_count; i++)
		if (prefix_covers(&p->delegated[i], dst))
			return true;
	return false;
}

/* The path of a terminal that is to come to us (PATH_UNREACHABLE). */
static bool of_a_visitor(const struct core *core, const struct kernel_route *route)
{
	struct peer *peer, *next;

	if (route->metric != kernel_route_metric(&route->dst.addr))
		return false;
	HASH_ITER (hh, core->peers, peer, next)
		if (peer_owns_home(peer, &route->dst))
			return true;
	return false;
}

/*
 * Could this core have made it? Other daemons of this package on this host mark their routes in the
 * same way, and theirs lead neither to the bridge nor into a tunnel, nor have they our tables.
 */
static bool of_a_core(const struct core *core, const struct kernel_route *route)
{
	const struct underlay *u = &core->underlay;

	if (route->type == KERNEL_ROUTE_LOCAL || holding_route(route))
		return true;
	if (route->table >= KERNEL_TABLE_BASE && route->table < KERNEL_TABLE_BASE + PEER_SLOTS)
		return true;
	if (route->type == KERNEL_ROUTE_UNREACHABLE)
		return route->metric == UNDERLAY_POOL_METRIC || in_home_pool(core, &route->dst) ||
		       of_a_visitor(core, route);
	if (route->oif == u->bridge || (route->oif && route->oif == u->holding.device.ifindex))
		return true;
	for (int k = 0; k < KERNEL_TUNNELS; k++)
		if (u->device[k] != 0 && route->oif == u->device[k])
			return true;
	return !addr_none(&route->encap.dst);
}

static int sweep_route(const struct kernel_route *route, void *arg)
{
	struct sweeping *sw = arg;
	struct claim claim;
	bool claimed;

	if (route->table == KERNEL_TABLE_CLEAR) {
		if (!protection_claims_route(sw->core, route))
			swept(sw, kernel_route_delete(sw->core->kernel, route));
		return 0;
	}
	key_prefix(&claim, &route->dst);
	claimed = holding_route(route) ? holding_claims(sw->core, route)
				       : claim_find(sw->claims, &claim) != NULL;
	if (claimed || peer_of_table(sw->core, route->table) || !of_a_core(sw->core, route))
		return 0;
	swept(sw, kernel_route_delete(sw->core->kernel, route));
	return 0;
}

static int sweep_rule(const struct kernel_rule *rule, void *arg)
{
	struct sweeping *sw = arg;
	const struct peer *peer = peer_of_table(sw->core, rule->table);

	if (rule->table == KERNEL_TABLE_RELEASE && !strcmp(rule->iif, HOLD_DEVICE_CORE))
		return 0;
	if (rule->table == KERNEL_TABLE_CLEAR && protection_claims_rule(sw->core, rule))
		return 0;
	if (peer && !strcmp(rule->iif, sw->core->config->access.bridge))
		for (size_t i = 0; i < peer->home_prefix_count; i++)
			if (prefix_equal(&peer->home_prefixes[i], &rule->from))
				return 0;
	swept(sw, kernel_rule_delete(sw->core->kernel, rule));
	return 0;
}

static int sweep_neighbour(const struct kernel_neighbour *neighbour, void *arg)
{
	struct sweeping *sw = arg;
	struct claim claim;

	key_station(&claim, &neighbour->mac);
	if (!claim_find(sw->claims, &claim))
		swept(sw, kernel_neighbour_delete(sw->core->kernel, neighbour));
	return 0;
}

/* Bridge entries bear no mark; those on satellites' ports are ours, others' ports are not. */
static int sweep_fdb(const struct kernel_fdb *fdb, void *arg)
{
	struct sweeping *sw = arg;
	struct claim claim;

	key_station(&claim, &fdb->mac);
	if (!claim_find(sw->claims, &claim) && satellite_by_port(sw->core, fdb->port))
		swept(sw, kernel_fdb_delete(sw->core->kernel, fdb));
	return 0;
}

static bool claims_prefix(const struct prefix *prefix, void *arg)
{
	const struct sweeping *sw = arg;
	struct claim claim;

	key_prefix(&claim, prefix);
	return claim_find(sw->claims, &claim) != NULL;
}

int sweep_rules(struct core *core)
{
	struct sweeping sw = {.core = core};
	int result = kernel_rule_each(core->kernel, sweep_rule, &sw);

	return sw.result < 0 ? sw.result : result;
}

int sweep(struct core *core)
{
	struct sweeping sw = {.core = core};
	unsigned int bridge = core->underlay.bridge;
	int result;

	claim_all(&sw);
	/* With an incomplete list nothing may be removed. */
	result = sw.result;
	if (result == 0)
		result = kernel_route_each(core->kernel, sweep_route, &sw);
	if (result == 0)
		result = kernel_rule_each(core->kernel, sweep_rule, &sw);
	if (result == 0)
		result = kernel_neighbour_each(core->kernel, bridge, sweep_neighbour, &sw);
	if (result == 0)
		result = kernel_fdb_each(core->kernel, bridge, sweep_fdb, &sw);
	if (result == 0)
		result = protection_restore(core);
	if (result == 0)
		result = guard_sweep(core, claims_prefix, &sw);
	if (sw.result == 0)
		sw.result = result;
	claims_free(&sw.claims);
	if (sw.removed)
		log_notice("removed %u kernel entries that nobody uses any more", sw.removed);
	return sw.result;
}
