/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks across the keys of the core agent's configuration.
 *
 * Most of them are one question: does every address have one owner? All prefixes that must not
 * share an address are sorted, so that one which lies in another comes behind it, and a long list
 * of subscribers is checked in the time that sorting takes.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whose a prefix is, and where the configuration says so. */
struct claim {
	struct prefix prefix;
	const char *owner; /* "pools.home4", "alice@a.example" */
	const char *key;   /* path of its key; with list, "%s[INDEX].%s" */
	const char *list;
	size_t index;
};

struct claims {
	struct claim *items;
	size_t count, capacity;
	bool failed; /* out of memory */
};

static void claim_add(struct claims *claims, const struct claim *claim)
{
	if (claims->count == claims->capacity) {
		size_t capacity = claims->capacity ? 2 * claims->capacity : 64;
		struct claim *items = realloc(claims->items, capacity * sizeof(*items));

		if (!items) {
			claims->failed = true;
			return;
		}
		claims->items = items;
		claims->capacity = capacity;
	}
	claims->items[claims->count++] = *claim;
}

/* By address, the wider first; equal ones with pools first, then in the order of the file. */
static int claim_compare(const void *one, const void *two)
{
	const struct claim *a = one, *b = two;
	int order = addr_compare(&a->prefix.addr, &b->prefix.addr);

	if (order == 0)
		order = (a->prefix.length > b->prefix.length) -
			(a->prefix.length < b->prefix.length);
	if (order == 0)
		order = (a->list != NULL) - (b->list != NULL);
	if (order == 0)
		order = (a->index > b->index) - (a->index < b->index);
	return order;
}

static const char *claim_text(const struct claim *claim, char text[PREFIX_TEXT])
{
	if (claim->prefix.length == addr_bits(claim->prefix.addr.family))
		return addr_format(&claim->prefix.addr, text);
	return prefix_format(&claim->prefix, text);
}

static void overlap(struct conf_check *check, const struct claim *claim, const struct claim *other)
{
	char path[96], one[PREFIX_TEXT], two[PREFIX_TEXT];

	if (claim->list)
		snprintf(path, sizeof(path), "%s[%zu].%s", claim->list, claim->index, claim->key);
	else
		snprintf(path, sizeof(path), "%s", claim->key);
	conf_fault(check, path, "%s of %s overlaps %s of %s", claim_text(claim, one), claim->owner,
		   claim_text(other, two), other->owner);
}

/* Two prefixes overlap only when one lies in the other: then it follows in sorted order. */
static void claims_check(struct conf_check *check, struct claims *claims)
{
	const struct claim *widest = NULL;

	if (claims->failed)
		conf_fault(check, "core", "out of memory while checking the configuration");
	if (claims->count > 0)
		qsort(claims->items, claims->count, sizeof(*claims->items), claim_compare);
	for (size_t i = 0; i < claims->count && !claims->failed; i++) {
		const struct claim *claim = &claims->items[i];

		if (widest && prefix_covers(&widest->prefix, &claim->prefix)) {
			/* One peer may list a prefix and a part of it. */
			if (!claim->list || claim->owner != widest->owner)
				overlap(check, claim, widest);
		} else {
			widest = claim;
		}
	}
	free(claims->items);
}

static void claim_pool(struct claims *claims, const char *key, const struct prefix *prefixes,
		       size_t count)
{
	for (size_t i = 0; i < count; i++)
		claim_add(claims, &(struct claim){.prefix = prefixes[i], .owner = key, .key = key});
}

static void claim_pools(struct claims *claims, const struct pools_config *p)
{
	claim_pool(claims, "pools.home4", p->home4, p->home4_count);
	claim_pool(claims, "pools.home6", p->home6, p->home6_count);
	claim_pool(claims, "pools.care_of4", p->care_of4, p->care_of4_count);
	claim_pool(claims, "pools.care_of6", p->care_of6, p->care_of6_count);
	claim_pool(claims, "pools.delegated", p->delegated, p->delegated_count);
}

/* A home prefix of a peer steers uplink packets by their source: no two owners. */
static void check_home_prefixes(struct conf_check *check, const struct config *c)
{
	struct claims claims = {0};

	claim_pools(&claims, &c->pools);
	for (size_t i = 0; i < c->peer_count; i++)
		for (size_t n = 0; n < c->peers[i].home_prefix_count; n++)
			claim_add(&claims, &(struct claim){.prefix = c->peers[i].home_prefixes[n],
							   .owner = c->peers[i].name,
							   .key = "home_prefixes",
							   .list = "peers",
							   .index = i});
	claims_check(check, &claims);
}

/* A peer that binds our subscribers to an address of ours would have us send to ourselves. */
static void check_care_of_prefixes(struct conf_check *check, const struct config *c)
{
	struct claims own = {0};

	claim_pools(&own, &c->pools);
	for (size_t i = 0; i < c->peer_count; i++)
		for (size_t n = 0; n < c->peers[i].care_of_prefix_count; n++) {
			const struct claim theirs = {.prefix = c->peers[i].care_of_prefixes[n],
						     .owner = c->peers[i].name,
						     .key = "care_of_prefixes",
						     .list = "peers",
						     .index = i};

			for (size_t m = 0; m < own.count; m++)
				if (prefix_overlap(&theirs.prefix, &own.items[m].prefix))
					overlap(check, &theirs, &own.items[m]);
		}
	free(own.items);
}

static bool pool_holds(const struct prefix *pool, size_t count, const struct prefix *wanted)
{
	for (size_t i = 0; i < count; i++)
		if (prefix_covers(&pool[i], wanted))
			return true;
	return false;
}

/* One thing that a subscriber has for good, and the pool it must come from. */
static void check_fixed(struct conf_check *check, struct claims *claims, const struct claim *claim,
			const char *pool_name, const struct prefix *pool, size_t count)
{
	char path[64], text[PREFIX_TEXT];

	if (prefix_none(&claim->prefix))
		return;
	claim_add(claims, claim);
	if (pool_holds(pool, count, &claim->prefix))
		return;
	snprintf(path, sizeof(path), "subscribers[%zu].%s", claim->index, claim->key);
	conf_fault(check, path, "%s of %s lies in no prefix of pools.%s", claim_text(claim, text),
		   claim->owner, pool_name);
}

static void check_subscriber(struct conf_check *check, struct claims *claims,
			     const struct config *c, size_t i)
{
	const struct subscriber_config *s = &c->subscribers[i];
	const struct pools_config *p = &c->pools;
	struct claim claim = {.owner = s->nai, .list = "subscribers", .index = i};
	char path[64];

	snprintf(path, sizeof(path), "subscribers[%zu].nai", i);
	if (strcmp(strchr(s->nai, '@') + 1, c->name) != 0)
		conf_fault(check, path, "%s is not of this core's realm %s", s->nai, c->name);
	if (addr_none(&s->home4) && addr_none(&s->home6) && !p->home4_count && !p->home6_count)
		conf_fault(check, path,
			   "%s has no home address: give it one, or pools.home4 or home6", s->nai);
	claim.key = "home4";
	claim.prefix = prefix_of(&s->home4);
	check_fixed(check, claims, &claim, "home4", p->home4, p->home4_count);
	claim.key = "home6";
	claim.prefix = prefix_of(&s->home6);
	check_fixed(check, claims, &claim, "home6", p->home6, p->home6_count);
	claim.key = "prefix";
	claim.prefix = s->prefix;
	check_fixed(check, claims, &claim, "delegated", p->delegated, p->delegated_count);
	snprintf(path, sizeof(path), "subscribers[%zu].prefix", i);
	if (!prefix_none(&s->prefix) && s->prefix.length > p->delegated_length)
		conf_fault(check, path, "prefix of %s is longer than pools.delegated_length (%u)",
			   s->nai, p->delegated_length);
}

static void check_subscribers(struct conf_check *check, const struct config *c)
{
	struct claims claims = {0};

	for (size_t i = 0; i < c->subscriber_count; i++)
		check_subscriber(check, &claims, c, i);
	claims_check(check, &claims);
}

static void check_peer(struct conf_check *check, const struct config *c, size_t i)
{
	const struct peer_config *p = &c->peers[i];
	char path[64], text[ENDPOINT_TEXT];

	snprintf(path, sizeof(path), "peers[%zu].name", i);
	if (!strcmp(p->name, c->name))
		conf_fault(check, path, "%s is this core itself", c->name);
	snprintf(path, sizeof(path), "peers[%zu].public_key", i);
	/* The key is what tells from whom a handshake is. */
	for (size_t j = 0; j < i; j++)
		if (!memcmp(p->public_key, c->peers[j].public_key, CONF_KEY_BYTES))
			conf_fault(check, path, "the public key of %s is also that of %s", p->name,
				   c->peers[j].name);
	snprintf(path, sizeof(path), "peers[%zu].endpoint", i);
	for (size_t j = 0; j < i; j++)
		if (endpoint_equal(&p->endpoint, &c->peers[j].endpoint))
			conf_fault(check, path, "the endpoint of %s, %s, is also that of %s",
				   p->name, endpoint_format(&p->endpoint, text), c->peers[j].name);
}

static void check_satellites(struct conf_check *check, const struct config *c)
{
	char path[64];

	for (size_t i = 0; i < c->access.satellite_count; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(c->access.satellites[i].interface,
				    c->access.satellites[j].interface)) {
				snprintf(path, sizeof(path), "access.satellites[%zu].interface", i);
				conf_fault(check, path, "%s is already that of satellite %s",
					   c->access.satellites[i].interface,
					   c->access.satellites[j].name);
			}
}

static void check_tunnel(struct conf_check *check, const struct config *c)
{
	const struct addr *a = c->tunnel.local;

	if (c->tunnel.local_count == 2 && a[0].family == a[1].family)
		conf_fault(check, "tunnel.local", "give at most one address of each family");
	if (c->tunnel.mtu && c->tunnel.mtu < 1280)
		conf_fault(check, "tunnel.mtu", "below 1280, which IPv6 needs (RFC 8200)");
	if (c->timers.dead_peer < 2 * c->timers.keepalive)
		conf_fault(check, "timers.dead_peer", "must be at least twice timers.keepalive");
}

static void check_handover(struct conf_check *check, const struct hold_limits *hold)
{
	if (hold->total_packets < hold->packets)
		conf_fault(check, "handover.hold_total_packets",
			   "must be at least handover.hold_packets (%zu)", hold->packets);
	if (hold->total_octets < hold->octets)
		conf_fault(check, "handover.hold_total_octets",
			   "must be at least handover.hold_octets (%zu)", hold->octets);
}

void config_check(struct conf_check *check, const void *config)
{
	const struct config *c = config;

	check_tunnel(check, c);
	check_handover(check, &c->handover.hold);
	check_satellites(check, c);
	check_subscribers(check, c);
	for (size_t i = 0; i < c->peer_count; i++)
		check_peer(check, c, i);
	check_home_prefixes(check, c);
	check_care_of_prefixes(check, c);
}
