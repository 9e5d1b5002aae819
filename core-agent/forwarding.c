/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One terminal's routes, as a transaction on the kernel; see forwarding.h. */
#include "forwarding.h"

#include "core.h"
#include "guard.h"
#include "holding.h"
#include "kernel.h"
#include "log.h"
#include "underlay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What one path may occupy in the kernel: a neighbour and an fdb entry, three routes below those to
 * the hold (holding.h), and three routes.
 */
#define PATH_STATION  2
#define PATH_FALLBACK PATH_STATION
#define PATH_ROUTES   3
#define PATH_ROUTE    (PATH_FALLBACK + PATH_ROUTES)
#define PATH_OBJECTS  (PATH_ROUTE + PATH_ROUTES)

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
	if (path->kind == PATH_UNREACHABLE || !path_carries(path, dst.addr.family)) {
		route->type = KERNEL_ROUTE_UNREACHABLE;
		route->mtu = 0;
		route->mtu_lock = false;
	} else if (path->kind == PATH_ACCESS) {
		route->oif = core->underlay.bridge;
		route->gateway = lladdr_link_local(&path->mac);
		route->onlink = true;
	} else if (path->kind == PATH_HOLD) {
		route->oif = core->underlay.holding.device.ifindex;
	} else {
		route->oif = underlay_device(&core->underlay, path->tunnel);
		route->encap = (struct kernel_encap){.src = path->outer_src,
						     .dst = path->outer_dst,
						     .key = path->key,
						     .df = path->df};
	}
	return true;
}

/* What decides when the device of the hold has gone, and with it the route that leads there. */
static bool path_fallback(const struct path *path, int i, struct kernel_route *route)
{
	*route = (struct kernel_route){.dst = path_prefix(path, i),
				       .metric = HOLDING_FALLBACK_METRIC,
				       .type = KERNEL_ROUTE_UNREACHABLE};
	return path->kind == PATH_HOLD && !prefix_none(&route->dst);
}

static bool path_equal_destinations(const struct path *a, const struct path *b)
{
	return addr_equal(&a->hoa4, &b->hoa4) && addr_equal(&a->hoa6, &b->hoa6) &&
	       prefix_equal(&a->prefix, &b->prefix);
}

bool path_equal(const struct path *a, const struct path *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == PATH_NONE)
		return true;
	if (!path_equal_destinations(a, b) || a->mtu != b->mtu)
		return false;
	if (a->kind == PATH_HOLD || a->kind == PATH_UNREACHABLE)
		return true;
	if (a->kind == PATH_ACCESS)
		return lladdr_equal(&a->mac, &b->mac) && a->port == b->port;
	return a->tunnel == b->tunnel && a->key == b->key && a->df == b->df &&
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
	case PATH_HOLD:
		return "hold";
	case PATH_UNREACHABLE:
		return "unreachable";
	}
	return "?";
}

/*
 * The i-th object of a path, as the change that puts it in place; false when it has none. Routes
 * come last: they need the others. The next hop for a terminal is an address of ours for its
 * Ethernet address: no terminal can claim another one's, and the inner packet does not carry it.
 */
static bool path_object(const struct core *core, const struct path *path, int i,
			struct kernel_change *change)
{
	change->remove = false;
	if (i >= PATH_FALLBACK) {
		change->kind = KERNEL_CHANGE_ROUTE;
		return i >= PATH_ROUTE ? path_route(core, path, i - PATH_ROUTE, &change->route)
				       : path_fallback(path, i - PATH_FALLBACK, &change->route);
	}
	if (path->kind != PATH_ACCESS)
		return false;
	if (i == 0) {
		change->kind = KERNEL_CHANGE_NEIGHBOUR;
		change->neighbour = (struct kernel_neighbour){
			.ifindex = core->underlay.bridge,
			.addr = lladdr_link_local(&path->mac),
			.mac = path->mac,
		};
	} else {
		change->kind = KERNEL_CHANGE_FDB;
		change->fdb = (struct kernel_fdb){.port = path->port, .mac = path->mac};
	}
	return true;
}

/* The i-th objects of both paths have one place in the kernel: one replaces the other. */
static bool same_place(const struct path *a, const struct path *b, int i)
{
	struct prefix one, two;

	if (i < PATH_STATION)
		return a->kind == PATH_ACCESS && b->kind == PATH_ACCESS &&
		       lladdr_equal(&a->mac, &b->mac);
	if (i < PATH_ROUTE && (a->kind != PATH_HOLD || b->kind != PATH_HOLD))
		return false;
	one = path_prefix(a, (i - PATH_FALLBACK) % PATH_ROUTES);
	two = path_prefix(b, (i - PATH_FALLBACK) % PATH_ROUTES);
	return !prefix_none(&one) && prefix_equal(&one, &two);
}

/* What puts a path in place, in the order in which one object needs the other. */
static size_t plan_install(const struct core *core, const struct path *path, int first,
			   struct kernel_change *changes)
{
	size_t count = 0;

	for (int i = first; i < PATH_OBJECTS; i++)
		count += path_object(core, path, i, &changes[count]);
	return count;
}

/* What removes the objects of a path that the other one does not replace. */
static size_t plan_remove(const struct core *core, const struct path *path,
			  const struct path *other, struct kernel_change *changes)
{
	size_t count = 0;

	for (int i = PATH_OBJECTS - 1; i >= 0; i--)
		if (!same_place(path, other, i) && path_object(core, path, i, &changes[count]))
			changes[count++].remove = true;
	return count;
}

/* What takes back those of plan_install(wanted) that were done. */
static size_t plan_undo(const struct core *core, const struct path_change *p,
			const struct kernel_change *done, struct kernel_change *changes)
{
	size_t count = 0, at = p->objects;

	for (int i = PATH_OBJECTS - 1; i >= p->first; i--) {
		if (!path_object(core, p->wanted, i, &changes[count]) || done[--at].error)
			continue;
		if (same_place(p->installed, p->wanted, i))
			path_object(core, p->installed, i, &changes[count]);
		else
			changes[count].remove = true;
		count++;
	}
	return count;
}

/* Puts the kernel back to where it was before the changes of a path that was refused. */
static void undo(struct core *core, const struct path_change *p, const struct kernel_change *done)
{
	struct kernel_change changes[PATH_OBJECTS];

	if (kernel_batch(core->kernel, changes, plan_undo(core, p, done, changes)) == 0)
		return;
	log_warnx("undoing a refused change of forwarding: %s", kernel_error(core->kernel));
	underlay_sweep_soon(core);
}

/* The first of the changes that failed; NULL when none did. */
static const struct kernel_change *refusal(const struct kernel_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (changes[i].error)
			return &changes[i];
	return NULL;
}

/* The new paths, all in one request. */
static void install(struct core *core, struct path_change *paths, size_t count,
		    struct kernel_change *changes)
{
	char text[PATH_TEXT];
	size_t total = 0, at = 0;

	for (size_t i = 0; i < count; i++) {
		struct path_change *p = &paths[i];

		p->objects = p->error || path_equal(p->installed, p->wanted)
				     ? 0
				     : plan_install(core, p->wanted, p->first, &changes[total]);
		total += p->objects;
	}
	if (kernel_batch(core->kernel, changes, total) == 0)
		return;
	for (size_t i = 0; i < count; at += paths[i++].objects) {
		const struct kernel_change *failed = refusal(&changes[at], paths[i].objects);

		if (!failed)
			continue;
		paths[i].error = failed->error;
		log_warnx("path %s refused by the kernel: %s", path_text(paths[i].wanted, text),
			  kernel_change_error(core->kernel, failed));
		undo(core, &paths[i], &changes[at]);
	}
}

/* The new paths carry packets now; the rest is tidying up. */
static void tidy(struct core *core, struct path_change *paths, size_t count,
		 struct kernel_change *changes)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++) {
		struct path_change *p = &paths[i];

		if (p->error)
			continue;
		guard_commit(core, p->wanted);
		total += plan_remove(core, p->installed, p->wanted, &changes[total]);
		guard_forget(core, p->installed, p->wanted);
		*p->installed = *p->wanted;
	}
	if (kernel_batch(core->kernel, changes, total) == 0)
		return;
	log_warnx("removing an old path: %s", kernel_error(core->kernel));
	underlay_sweep_soon(core);
}

/* ---- the hold ------------------------------------------------------------------------------ */

static struct hold_queue *held_queue(const struct core *core, const struct path *path)
{
	struct hold_queue *queue = NULL;

	for (int i = 0; i < PATH_ROUTES && !queue && path->kind == PATH_HOLD; i++) {
		const struct prefix prefix = path_prefix(path, i);

		queue = hold_queue_find(core->underlay.holding.hold, &prefix);
	}
	return queue;
}

struct hold_counters forwarding_held(const struct core *core, const struct path *installed)
{
	const struct hold_queue *queue = held_queue(core, installed);

	return queue ? *hold_queue_counters(queue) : (struct hold_counters){0};
}

/* A queue for what the path will lead into the hold: it has to be there first. */
static int hold_begin(struct core *core, struct path_change *p)
{
	struct prefix destinations[HOLD_DESTINATIONS];
	int result;

	if (p->installed->kind == PATH_HOLD)
		return path_equal_destinations(p->installed, p->wanted) ? 0 : -EBUSY;
	for (int i = 0; i < PATH_ROUTES; i++)
		destinations[i] = path_prefix(p->wanted, i);
	result = holding_ready(core)
			 ? hold_queue_open(&p->queue, core->underlay.holding.hold, destinations)
			 : -ENODEV;
	if (result == 0)
		guard_hold_begin(core, p->wanted);
	if (result == 0 && p->wanted->peer)
		result = hold_queue_set_owner(p->queue, p->wanted->peer);
	if (result < 0)
		log_warn_errno(-result, "nothing can be held");
	return result;
}

/* The end of an earlier release would lead packets of the new path astray. */
static void settle(struct core *core, const struct path *path)
{
	for (int i = 0; i < PATH_ROUTES; i++) {
		const struct prefix prefix = path_prefix(path, i);

		holding_settle(core, &prefix);
	}
}

static bool leaves_hold(const struct path_change *p)
{
	return p->installed->kind == PATH_HOLD && p->wanted->kind != PATH_HOLD;
}

/* ---- release ------------------------------------------------------------------------------- */

/* The way of what comes out of the hold: as the path wants it, and nowhere else. */
static size_t plan_way(const struct core *core, const struct path *installed,
		       const struct path *wanted, struct kernel_route routes[PATH_ROUTES])
{
	size_t count = 0;

	for (int i = 0; i < PATH_ROUTES; i++) {
		const struct prefix dst = path_prefix(installed, i);

		if (prefix_none(&dst))
			continue;
		if (!same_place(installed, wanted, PATH_ROUTE + i) ||
		    !path_route(core, wanted, i, &routes[count]))
			routes[count] =
				(struct kernel_route){.dst = dst,
						      .metric = kernel_route_metric(&dst.addr),
						      .type = KERNEL_ROUTE_UNREACHABLE};
		routes[count++].table = KERNEL_TABLE_RELEASE;
	}
	return count;
}

/* Makes the way and what it needs; all of that is in `changes`. 0; or -errno, logged. */
static int way_make(struct core *core, const struct path *wanted, const struct kernel_route *routes,
		    size_t count, struct kernel_change *changes, size_t *total)
{
	int result;

	*total = 0;
	for (int i = 0; i < PATH_STATION; i++)
		*total += path_object(core, wanted, i, &changes[*total]);
	for (size_t i = 0; i < count; i++)
		changes[(*total)++] =
			(struct kernel_change){.kind = KERNEL_CHANGE_ROUTE, .route = routes[i]};
	result = kernel_batch(core->kernel, changes, *total);
	if (result < 0)
		log_warnx("way of released packets refused by the kernel: %s",
			  kernel_error(core->kernel));
	return result;
}

/* Takes all of that back. */
static void way_unmake(struct core *core, struct kernel_change *changes, size_t total)
{
	for (size_t i = 0; i < total; i++)
		changes[i].remove = true;
	if (kernel_batch(core->kernel, changes, total) < 0)
		underlay_sweep_soon(core);
}

/* What is held, and what has come to the device, goes its way. 0 or -errno, logged. */
static int pass(struct core *core, struct hold_queue *queue, const struct path *path, usec_t now)
{
	int result = holding_pass(core, queue, path, now);

	if (result < 0)
		log_warn_errno(-result, "releasing what was held");
	return result;
}

/*
 * All goes its new way, and what comes from now on takes it by itself; but not past what is in the
 * hold's device or comes to it until the routes are changed: the guard's gate is shut.
 */
static void switch_over(struct core *core, struct path_change *p, struct hold_queue *queue,
			usec_t now)
{
	struct kernel_change changes[PATH_OBJECTS];

	pass(core, queue, p->wanted, now);
	guard_hold_gate(core, p->wanted, true);
	install(core, p, 1, changes);
	if (p->error == 0)
		pass(core, queue, p->wanted, now);
}

static void release(struct core *core, struct path_change *p, usec_t now,
		    struct hold_counters *held)
{
	struct hold_queue *queue = held_queue(core, p->installed);
	struct kernel_route way[PATH_ROUTES];
	struct kernel_change changes[PATH_OBJECTS];
	size_t count = plan_way(core, p->installed, p->wanted, way), total;

	p->error = way_make(core, p->wanted, way, count, changes, &total);
	if (p->error == 0) {
		p->first = PATH_STATION;
		switch_over(core, p, queue, now);
	}
	if (held)
		*held = *hold_queue_counters(queue);
	if (p->error) {
		guard_hold_gate(core, p->wanted, false);
		hold_queue_hold(queue);
		way_unmake(core, changes, total);
		return;
	}
	tidy(core, p, 1, changes);
	holding_linger(core, queue, p->wanted, way, count, now);
}

/* ---- the change -------------------------------------------------------------------------- */

/* What the hold needs before the change; a way out of it is gone at once. */
static void begin(struct core *core, struct path_change *paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct path_change *p = &paths[i];

		p->queue = NULL;
		if (p->error)
			continue;
		settle(core, p->installed);
		settle(core, p->wanted);
		if (p->wanted->kind == PATH_HOLD)
			p->error = hold_begin(core, p);
		else if (leaves_hold(p) && p->wanted->kind == PATH_NONE)
			p->queue = held_queue(core, p->installed);
		else if (leaves_hold(p))
			release(core, p, core->underlay.holding.now, NULL);
	}
}

/* What it does not need after it: the queue of a path that was given up, or that was refused. */
static void finish(struct core *core, struct path_change *paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (paths[i].error)
			guard_forget(core, paths[i].wanted, paths[i].installed);
		if (paths[i].error || paths[i].wanted->kind == PATH_NONE)
			hold_queue_close(paths[i].queue);
	}
}

static void set(struct core *core, struct path_change *paths, size_t count,
		struct kernel_change *changes)
{
	guard_reserve(core, paths, count);
	begin(core, paths, count);
	install(core, paths, count, changes);
	tidy(core, paths, count, changes);
	finish(core, paths, count);
}

int forwarding_set(struct core *core, struct path *installed, const struct path *wanted)
{
	struct path_change path = {.installed = installed, .wanted = wanted};
	struct kernel_change changes[PATH_OBJECTS];

	set(core, &path, 1, changes);
	return path.error;
}

int forwarding_set_many(struct core *core, struct path_change *paths, size_t count)
{
	struct kernel_change *changes = calloc(count * PATH_OBJECTS + 1, sizeof(*changes));
	int first = 0;

	if (!changes)
		log_warnx("out of memory for the paths of %zu terminals", count);
	for (size_t i = 0; i < count && !changes; i++)
		paths[i].error = -ENOMEM;
	if (changes)
		set(core, paths, count, changes);
	for (size_t i = 0; i < count && first == 0; i++)
		first = paths[i].error;
	free(changes);
	return first;
}

int forwarding_release(struct core *core, struct path *installed, const struct path *wanted,
		       usec_t now, struct hold_counters *held)
{
	struct path_change p = {.installed = installed, .wanted = wanted};

	if (!leaves_hold(&p) || wanted->kind == PATH_NONE) {
		if (held)
			*held = forwarding_held(core, installed);
		return forwarding_set(core, installed, wanted);
	}
	guard_reserve(core, &p, 1);
	if (p.error == 0)
		release(core, &p, now, held);
	else if (held)
		*held = forwarding_held(core, installed);
	if (p.error)
		guard_forget(core, wanted, installed);
	return p.error;
}

int forwarding_restore(struct core *core, const struct path *installed)
{
	struct kernel_change changes[PATH_OBJECTS];
	int result = kernel_batch(core->kernel, changes, plan_install(core, installed, 0, changes));

	if (result < 0)
		log_warnx("restoring a path: %s", kernel_error(core->kernel));
	return result;
}

int forwarding_port_changed(struct core *core, struct path *installed, unsigned int port)
{
	struct path path = *installed;

	if (path.kind != PATH_ACCESS) {
		if (path.port != 0)
			installed->port = port;
		guard_commit(core, installed);
		return 0;
	}
	path.port = port;
	if (path_equal(&path, installed))
		return forwarding_restore(core, installed);
	return forwarding_set(core, installed, &path);
}

void forwarding_clear(struct core *core, struct path *installed)
{
	const struct path none = {.kind = PATH_NONE};

	forwarding_set(core, installed, &none);
}
