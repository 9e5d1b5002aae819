/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One terminal's routes, as a transaction on the kernel; see forwarding.h. */
#include "forwarding.h"

#include "core.h"
#include "kernel.h"
#include "log.h"
#include "underlay.h"

#include <stdio.h>
#include <string.h>

/* What one path may occupy in the kernel: a neighbour, an fdb entry, and three routes. */
#define PATH_ROUTES 3

static struct prefix path_prefix(const struct path *path, int i)
{
	if (path->kind == PATH_NONE)
		return (struct prefix){0};
	if (i == 2)
		return path->prefix;
	return prefix_of(i == 0 ? &path->hoa4 : &path->hoa6);
}

/* ipip carries IPv4 only (RFC 2003): what it cannot carry is not reachable over it. */
static bool path_carries(const struct path *path, sa_family_t family)
{
	return path->kind != PATH_TUNNEL || path->tunnel != TUNNEL_IPIP4 || family == AF_INET;
}

/* The next hop for a terminal is an address of ours for its Ethernet address: no terminal can
 * claim another one's, and the inner packet does not carry it. */
static struct kernel_neighbour path_neighbour(const struct core *core, const struct path *path)
{
	return (struct kernel_neighbour){
		.ifindex = core->underlay.bridge,
		.addr = lladdr_link_local(&path->mac),
		.mac = path->mac,
	};
}

static struct kernel_fdb path_fdb(const struct path *path)
{
	return (struct kernel_fdb){.port = path->port, .mac = path->mac};
}

/* The route of the path's i-th destination; false when it has none. */
static bool path_route(const struct core *core, const struct path *path, int i,
		       struct kernel_route *route)
{
	struct prefix dst = path_prefix(path, i);

	if (prefix_none(&dst))
		return false;
	*route = (struct kernel_route){.dst = dst,
				       .metric = kernel_route_metric(&dst.addr),
				       .mtu = path->mtu,
				       .mtu_lock = true};
	if (!path_carries(path, dst.addr.family)) {
		route->type = KERNEL_ROUTE_UNREACHABLE;
		route->mtu = 0;
		route->mtu_lock = false;
	} else if (path->kind == PATH_ACCESS) {
		route->oif = core->underlay.bridge;
		route->gateway = lladdr_link_local(&path->mac);
		route->onlink = true;
	} else {
		route->oif = underlay_device(&core->underlay, path->tunnel);
		route->encap = (struct kernel_encap){
			.src = path->outer_src, .dst = path->outer_dst, .key = path->key};
	}
	return true;
}

bool path_equal(const struct path *a, const struct path *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == PATH_NONE)
		return true;
	if (!addr_equal(&a->hoa4, &b->hoa4) || !addr_equal(&a->hoa6, &b->hoa6) ||
	    !prefix_equal(&a->prefix, &b->prefix) || a->mtu != b->mtu)
		return false;
	if (a->kind == PATH_ACCESS)
		return lladdr_equal(&a->mac, &b->mac) && a->port == b->port;
	return a->tunnel == b->tunnel && a->key == b->key &&
	       addr_equal(&a->outer_src, &b->outer_src) && addr_equal(&a->outer_dst, &b->outer_dst);
}

const char *path_text(const struct path *path, char text[PATH_TEXT])
{
	char one[ADDR_TEXT], two[ADDR_TEXT], mac[LLADDR_TEXT];

	switch (path->kind) {
	case PATH_NONE:
		return "none";
	case PATH_ACCESS:
		snprintf(text, PATH_TEXT, "access %s port %u", lladdr_format(&path->mac, mac),
			 path->port);
		return text;
	case PATH_TUNNEL:
		snprintf(text, PATH_TEXT, "%s %s -> %s key %u", tunnel_kind_name(path->tunnel),
			 addr_format(&path->outer_src, one), addr_format(&path->outer_dst, two),
			 path->key);
		return text;
	}
	return "?";
}

static bool same_station(const struct path *a, const struct path *b)
{
	return a->kind == PATH_ACCESS && b->kind == PATH_ACCESS && lladdr_equal(&a->mac, &b->mac);
}

/* Neighbour and fdb entry for the Ethernet address: before any route needs them. */
static int station_install(struct core *core, const struct path *path)
{
	struct kernel_neighbour neighbour = path_neighbour(core, path);
	struct kernel_fdb fdb = path_fdb(path);
	int result = kernel_neighbour_replace(core->kernel, &neighbour);

	if (result < 0)
		return result;
	return kernel_fdb_replace(core->kernel, &fdb);
}

static int station_remove(struct core *core, const struct path *path)
{
	struct kernel_neighbour neighbour = path_neighbour(core, path);
	struct kernel_fdb fdb = path_fdb(path);
	int result = kernel_fdb_delete(core->kernel, &fdb);
	int second = kernel_neighbour_delete(core->kernel, &neighbour);

	return result < 0 ? result : second;
}

/* All destinations in one request. When it fails, any of them may have been set. */
static int routes_install(struct core *core, const struct path *path)
{
	struct kernel_route_change changes[PATH_ROUTES];
	size_t count = 0;

	for (int i = 0; i < PATH_ROUTES; i++)
		if (path_route(core, path, i, &changes[count].route))
			changes[count++].remove = false;
	return count > 0 ? kernel_route_batch(core->kernel, changes, count) : 0;
}

/* Removes the first `count` destinations of a path that the other one does not have. */
static int routes_remove(struct core *core, const struct path *path, const struct path *other,
			 int count)
{
	struct kernel_route route;
	int first = 0;

	for (int i = 0; i < count; i++) {
		struct prefix kept = path_prefix(other, i);
		int result;

		if (!path_route(core, path, i, &route) || prefix_equal(&route.dst, &kept))
			continue;
		result = kernel_route_delete(core->kernel, &route);
		if (result < 0 && first == 0)
			first = result;
	}
	return first;
}

/* Puts the kernel back to `installed` after up to `done` routes of `wanted` have been set. */
static void undo(struct core *core, const struct path *installed, const struct path *wanted,
		 int done)
{
	struct kernel_route route;
	int failed = 0;

	for (int i = 0; i < done; i++)
		if (path_route(core, installed, i, &route))
			failed |= kernel_route_replace(core->kernel, &route);
	failed |= routes_remove(core, wanted, installed, done);
	if (wanted->kind == PATH_ACCESS) {
		if (same_station(installed, wanted))
			failed |= station_install(core, installed);
		else
			failed |= station_remove(core, wanted);
	}
	if (failed) {
		log_warnx("undoing a refused change of forwarding: %s", kernel_error(core->kernel));
		underlay_sweep_soon(core);
	}
}

int forwarding_set(struct core *core, struct path *installed, const struct path *wanted)
{
	char reason[256], text[PATH_TEXT];
	int result = 0, done = 0;

	if (path_equal(installed, wanted))
		return 0;
	if (wanted->kind == PATH_ACCESS)
		result = station_install(core, wanted);
	if (result == 0) {
		done = PATH_ROUTES;
		result = routes_install(core, wanted);
	}
	if (result < 0) {
		snprintf(reason, sizeof(reason), "%s", kernel_error(core->kernel));
		undo(core, installed, wanted, done);
		log_warnx("path %s refused by the kernel: %s", path_text(wanted, text), reason);
		return result;
	}
	/* The new path carries packets now; the rest is tidying up. */
	result = routes_remove(core, installed, wanted, PATH_ROUTES);
	if (installed->kind == PATH_ACCESS && !same_station(installed, wanted)) {
		int second = station_remove(core, installed);

		result = result < 0 ? result : second;
	}
	*installed = *wanted;
	if (result < 0) {
		log_warnx("removing an old path: %s", kernel_error(core->kernel));
		underlay_sweep_soon(core);
	}
	return 0;
}

int forwarding_restore(struct core *core, const struct path *installed)
{
	int result = 0;

	if (installed->kind == PATH_ACCESS)
		result = station_install(core, installed);
	if (result == 0)
		result = routes_install(core, installed);
	if (result < 0)
		log_warnx("restoring a path: %s", kernel_error(core->kernel));
	return result;
}

void forwarding_clear(struct core *core, struct path *installed)
{
	const struct path none = {.kind = PATH_NONE};

	forwarding_set(core, installed, &none);
}
