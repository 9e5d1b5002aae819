/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * By which ways packets of terminals may come, in the memory of the kernel's guard.
 *
 * The kernel reads a record while it is written: a way is made invalid before, and valid after it
 * has been written.
 */
#include "anticipation.h"
#include "binding.h"
#include "guard_internal.h"
#include "preparation.h"
#include "subscriber.h"

#include <string.h>
#include <utlist.h>

#define NSEC_PER_USEC 1000

void guard_map_address(uint8_t to[16], const struct addr *addr)
{
	memset(to, 0, 16);
	if (addr->family == AF_INET6) {
		memcpy(to, addr->bytes, 16);
	} else if (addr->family == AF_INET) {
		to[10] = to[11] = 0xff;
		memcpy(to + 12, addr->bytes, 4);
	}
}

uint32_t guard_peer_index(const struct guard *g, const struct peer *peer)
{
	static const uint8_t nobody[8];
	uint32_t free_one = GUARD_PEERS;

	for (uint32_t i = 0; i < GUARD_PEERS; i++) {
		if (!memcmp(g->common->peers[i].hint, peer->hint, sizeof(peer->hint)))
			return i;
		if (free_one == GUARD_PEERS &&
		    !memcmp(g->common->peers[i].hint, nobody, sizeof(nobody)))
			free_one = i;
	}
	if (free_one < GUARD_PEERS)
		memcpy(g->common->peers[free_one].hint, peer->hint, sizeof(peer->hint));
	return free_one;
}

static struct guard_way way_access(const struct lladdr *mac, unsigned int port)
{
	struct guard_way way = {.kind = GUARD_ACCESS, .who = port};

	memcpy(way.addr, mac->bytes, sizeof(mac->bytes));
	return way;
}

static struct guard_way way_up(const struct guard *g, const struct peer *peer)
{
	return (struct guard_way){.kind = GUARD_UP, .who = guard_peer_index(g, peer)};
}

/* What follows from a path: the terminal on its port, and the tunnel by which others reach it. */
static size_t ways_of_path(const struct guard *g, const struct path *path,
			   struct guard_way ways[PATH_WAYS])
{
	size_t count = 0;

	if (path->kind == PATH_NONE)
		return 0;
	if (path->kind == PATH_TUNNEL) {
		if (path->peer)
			ways[count++] = way_up(g, path->peer);
		return count;
	}
	if (path->port != 0)
		ways[count++] = way_access(&path->mac, path->port);
	if (path->peer) {
		ways[count] = (struct guard_way){.kind = GUARD_DOWN,
						 .who = guard_peer_index(g, path->peer),
						 .key = path->key};
		guard_map_address(ways[count++].addr, &path->outer_dst);
	}
	return count;
}

/* What follows from the binding, and from the cores that are prepared for what comes after it. */
static size_t ways_of_binding(const struct guard *g, const struct subscriber *s,
			      struct guard_way ways[GUARD_WAYS])
{
	const struct preparation *p = preparation_find(s->core, s->nai);
	const struct path path = binding_path(s);
	const struct anticipation *a;
	size_t count = 0;

	if (s->binding.state == BINDING_VISITING)
		ways[count++] = way_up(g, s->binding.peer);
	else if (s->binding.state == BINDING_HOME && path.kind == PATH_ACCESS)
		ways[count++] = way_access(&path.mac, path.port);
	if (p && p->linked && p->satellite && p->satellite->port != 0)
		ways[count++] = way_access(&p->mac, p->satellite->port);
	DL_FOREACH (s->anticipations, a)
		if (a->target && count < GUARD_WAYS)
			ways[count++] = way_up(g, a->target);
	return count;
}

static bool same_way(const struct guard_way *a, const struct guard_way *b)
{
	return a->kind == b->kind && a->who == b->who && a->key == b->key &&
	       !memcmp(a->addr, b->addr, sizeof(a->addr));
}

static bool among(const struct guard_way *way, const struct guard_way *ways, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (same_way(way, &ways[i]))
			return true;
	return false;
}

static void until(struct guard_way *way, uint64_t time)
{
	__atomic_store_n(&way->until, time, __ATOMIC_SEQ_CST);
}

/* Makes a way valid: in its own place, or in that of the one which has ended or will do so first.
 */
static void way_open(struct guard_terminal *terminal, const struct guard_way *wanted)
{
	struct guard_way *oldest = &terminal->ways[0];

	for (size_t i = 0; i < GUARD_WAYS; i++) {
		struct guard_way *way = &terminal->ways[i];

		if (way->until != 0 && same_way(way, wanted)) {
			until(way, GUARD_FOREVER);
			return;
		}
		if (way->until < oldest->until)
			oldest = way;
	}
	until(oldest, 0);
	oldest->kind = wanted->kind;
	oldest->who = wanted->who;
	oldest->key = wanted->key;
	memcpy(oldest->addr, wanted->addr, sizeof(oldest->addr));
	until(oldest, GUARD_FOREVER);
}

/* The record says what the place does; what it says no more is good for the time of a drain. */
static void place_write(const struct core *core, const struct guarded *place)
{
	struct guard_terminal *terminal = &core->guard->terminals[place->terminal];
	uint64_t drained =
		(uint64_t)(core_clock(core, 0) + core->config->timers.drain) * NSEC_PER_USEC;

	for (size_t i = 0; i < GUARD_WAYS; i++) {
		struct guard_way *way = &terminal->ways[i];

		if (way->until == GUARD_FOREVER && !among(way, place->of_path, place->path_ways) &&
		    !among(way, place->of_binding, place->binding_ways))
			until(way, drained);
	}
	for (size_t i = 0; i < place->path_ways; i++)
		way_open(terminal, &place->of_path[i]);
	for (size_t i = 0; i < place->binding_ways; i++)
		way_open(terminal, &place->of_binding[i]);
}

/* A visitor's packets to its home core may have less room than those from there. */
static uint32_t mtu_of(const struct path *path)
{
	const struct peer *home = path->kind == PATH_TUNNEL ? NULL : path->peer;
	uint32_t up = home && home->uplink ? path_mtu(home, home->uplink) : path->mtu;

	return up < path->mtu ? up : path->mtu;
}

void guard_commit(struct core *core, const struct path *path)
{
	struct guard *g = core->guard;
	struct guarded *place = g ? guard_place_find(g, path) : NULL;

	if (!place)
		return;
	place->path_ways = ways_of_path(g, path, place->of_path);
	g->terminals[place->terminal].mtu = mtu_of(path);
	place_write(core, place);
}

void guard_subscriber(const struct subscriber *s)
{
	const struct path homes = subscriber_homes(s);
	struct guard *g = s->core->guard;
	struct guarded *place = g ? guard_place_find(g, &homes) : NULL;

	if (!place)
		return;
	place->binding_ways = ways_of_binding(g, s, place->of_binding);
	place_write(s->core, place);
}
