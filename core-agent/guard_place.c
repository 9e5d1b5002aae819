/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places of terminals in the guard, and which addresses lead there; see guard_internal.h. */
#include "guard_internal.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- places --------------------------------------------------------------------------------- */

struct prefix guard_path_address(const struct path *path, int i)
{
	struct prefix from = i == 2 ? path->prefix : prefix_of(i == 0 ? &path->hoa4 : &path->hoa6);
	struct prefix key;

	/* Compared as bytes. */
	memset(&key, 0, sizeof(key));
	if (path->kind == PATH_NONE || prefix_none(&from))
		return key;
	key.addr.family = from.addr.family;
	memcpy(key.addr.bytes, from.addr.bytes, addr_length(from.addr.family));
	key.length = from.length;
	return key;
}

struct guarded_address *guard_address_find(const struct guard *g, const struct prefix *prefix)
{
	struct guarded_address *a;

	HASH_FIND(hh, g->addresses, prefix, sizeof(*prefix), a);
	return a;
}

struct guarded *guard_place_find(const struct guard *g, const struct path *path)
{
	for (int i = 0; i < PATH_ADDRESSES; i++) {
		const struct prefix prefix = guard_path_address(path, i);
		const struct guarded_address *a =
			prefix_none(&prefix) ? NULL : guard_address_find(g, &prefix);

		if (a)
			return a->place;
	}
	return NULL;
}

struct guarded *guard_place_at(struct guard *g, uint32_t terminal)
{
	struct guarded *place = calloc(1, sizeof(*place));

	if (!place)
		return NULL;
	place->terminal = terminal;
	g->places[terminal] = place;
	return place;
}

static struct guarded *place_new(struct guard *g)
{
	for (uint32_t i = 0; i < g->room; i++) {
		uint32_t terminal = (g->next + i) % g->room;

		if (g->places[terminal])
			continue;
		g->next = terminal + 1;
		memset(&g->terminals[terminal], 0, sizeof(g->terminals[terminal]));
		return guard_place_at(g, terminal);
	}
	return NULL;
}

static bool place_empty(const struct guarded *place)
{
	for (int i = 0; i < PLACE_ADDRESSES; i++)
		if (place->addresses[i].place)
			return false;
	return true;
}

/* A place without addresses is none. */
static void place_tidy(struct guard *g, struct guarded *place)
{
	if (!place_empty(place))
		return;
	memset(&g->terminals[place->terminal], 0, sizeof(g->terminals[place->terminal]));
	g->places[place->terminal] = NULL;
	free(place);
}

void guard_address_drop(struct guard *g, struct guarded_address *a)
{
	struct guarded *place = a->place;

	HASH_DEL(g->addresses, a);
	a->place = NULL;
	place_tidy(g, place);
}

bool guard_address_add(struct guard *g, struct guarded *place, const struct prefix *prefix)
{
	for (int i = 0; i < PLACE_ADDRESSES; i++) {
		struct guarded_address *a = &place->addresses[i];

		if (a->place)
			continue;
		a->prefix = *prefix;
		a->place = place;
		HASH_ADD(hh, g->addresses, prefix, sizeof(a->prefix), a);
		return true;
	}
	return false;
}

/* ---- paths ---------------------------------------------------------------------------------- */

/* The addresses of the path that do not lead to the place yet. */
static size_t missing(const struct guard *g, const struct path *path, const struct guarded *place,
		      struct kernel_guard_address list[PATH_ADDRESSES])
{
	size_t count = 0;

	for (int i = 0; i < PATH_ADDRESSES; i++) {
		const struct prefix prefix = guard_path_address(path, i);
		const struct guarded_address *a;

		if (prefix_none(&prefix))
			continue;
		a = guard_address_find(g, &prefix);
		if (!a || a->place != place)
			list[count++] = (struct kernel_guard_address){.prefix = prefix,
								      .terminal = place->terminal};
	}
	return count;
}

/* They do now. */
static void taken(struct guard *g, const struct kernel_guard_address *list, size_t count)
{
	struct guarded *place = g->places[list[0].terminal];

	for (size_t i = 0; i < count; i++) {
		struct guarded_address *a = guard_address_find(g, &list[i].prefix);

		if (a)
			guard_address_drop(g, a);
		guard_address_add(g, place, &list[i].prefix);
	}
}

static void refused(struct core *core, struct path_change *p, struct guarded *place)
{
	log_warnx("%s", kernel_error(core->kernel));
	p->error = -ENOSPC;
	place_tidy(core->guard, place);
}

/* One after the other, where the kernel has refused them together. */
static void reserve_each(struct core *core, struct path_change *paths, size_t count)
{
	struct guard *g = core->guard;
	struct kernel_guard_address list[PATH_ADDRESSES];

	for (size_t i = 0; i < count; i++) {
		struct guarded *place = paths[i].place;
		size_t n = place ? missing(g, paths[i].wanted, place, list) : 0;

		if (n == 0)
			continue;
		if (kernel_guard_address_set(g->kernel, list, n) == 0)
			taken(g, list, n);
		else
			refused(core, &paths[i], place);
	}
}

static struct guarded *reserve_place(struct core *core, struct path_change *p)
{
	struct guard *g = core->guard;
	struct guarded *place = guard_place_find(g, p->wanted);

	if (!place)
		place = place_new(g);
	if (place)
		return place;
	log_warnx("guard: no room for another terminal beside %u; more in pools.care_of and "
		  "subscribers make room at the next start",
		  g->room);
	p->error = -ENOSPC;
	return NULL;
}

void guard_reserve(struct core *core, struct path_change *paths, size_t count)
{
	struct guard *g = core->guard;
	struct kernel_guard_address *list =
		g ? calloc(count * PATH_ADDRESSES + 1, sizeof(*list)) : NULL;
	size_t total = 0, at = 0;

	for (size_t i = 0; i < count; i++) {
		paths[i].error = g && !list ? -ENOMEM : 0;
		paths[i].place = NULL;
	}
	for (size_t i = 0; i < count && list; i++) {
		struct path_change *p = &paths[i];

		if (p->wanted->kind == PATH_NONE)
			continue;
		p->place = reserve_place(core, p);
		if (p->place)
			total += missing(g, p->wanted, p->place, &list[total]);
	}
	if (list && total > 0 && kernel_guard_address_set(g->kernel, list, total) < 0) {
		reserve_each(core, paths, count);
		total = 0;
	}
	for (size_t i = 0; i < count && total > 0; i++) {
		size_t n = 0;

		while (at + n < total && paths[i].place &&
		       list[at + n].terminal == paths[i].place->terminal)
			n++;
		if (n > 0)
			taken(g, &list[at], n);
		at += n;
	}
	free(list);
}

void guard_forget(struct core *core, const struct path *path, const struct path *other)
{
	struct guard *g = core->guard;
	struct kernel_guard_address list[PATH_ADDRESSES];
	size_t count = 0;

	for (int i = 0; i < PATH_ADDRESSES && g; i++) {
		const struct prefix prefix = guard_path_address(path, i);
		const struct prefix kept = guard_path_address(other, i);
		struct guarded_address *a =
			prefix_none(&prefix) ? NULL : guard_address_find(g, &prefix);

		if (!a || prefix_equal(&prefix, &kept))
			continue;
		list[count++].prefix = prefix;
		guard_address_drop(g, a);
	}
	if (count > 0 && kernel_guard_address_remove(g->kernel, list, count) < 0)
		log_warnx("%s", kernel_error(core->kernel));
}
