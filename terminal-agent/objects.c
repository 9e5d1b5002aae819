/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One switch per question about an object, and the transaction over them. What a handover changes,
 * the gateway's neighbour and all default routes, goes to the kernel in one batch.
 */
#include "terminal-agent/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

int objects_add(struct objects *o, const struct object *object)
{
	if (o->count == o->capacity) {
		size_t capacity = o->capacity ? 2 * o->capacity : 16;
		struct object *list = reallocarray(o->list, capacity, sizeof(*list));

		if (!list)
			return -ENOMEM;
		o->list = list;
		o->capacity = capacity;
	}
	o->list[o->count++] = *object;
	return 0;
}

int objects_add_address(struct objects *o, const struct kernel_address *address)
{
	return objects_add(o, &(struct object){.kind = OBJECT_ADDRESS, .address = *address});
}

int objects_add_neighbour(struct objects *o, const struct kernel_neighbour *neighbour)
{
	return objects_add(o, &(struct object){.kind = OBJECT_NEIGHBOUR, .neighbour = *neighbour});
}

int objects_add_route(struct objects *o, const struct kernel_route *route)
{
	return objects_add(o, &(struct object){.kind = OBJECT_ROUTE, .route = *route});
}

int objects_add_rule(struct objects *o, const struct kernel_rule *rule)
{
	return objects_add(o, &(struct object){.kind = OBJECT_RULE, .rule = *rule});
}

void objects_free(struct objects *o)
{
	free(o->list);
	*o = (struct objects){0};
}

/* ---- one object ------------------------------------------------------------------------ */

static bool prefix_same(const struct prefix *a, const struct prefix *b)
{
	return a->length == b->length && addr_equal(&a->addr, &b->addr);
}

static bool key_equal(const struct object *a, const struct object *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case OBJECT_ADDRESS:
		return a->address.ifindex == b->address.ifindex &&
		       a->address.length == b->address.length &&
		       addr_equal(&a->address.addr, &b->address.addr);
	case OBJECT_NEIGHBOUR:
		return a->neighbour.ifindex == b->neighbour.ifindex &&
		       addr_equal(&a->neighbour.addr, &b->neighbour.addr);
	case OBJECT_ROUTE:
		return prefix_same(&a->route.dst, &b->route.dst) &&
		       a->route.table == b->route.table && a->route.metric == b->route.metric;
	case OBJECT_RULE:
		return a->rule.family == b->rule.family && a->rule.priority == b->rule.priority &&
		       a->rule.table == b->rule.table && strcmp(a->rule.iif, b->rule.iif) == 0 &&
		       prefix_same(&a->rule.from, &b->rule.from) &&
		       prefix_same(&a->rule.to, &b->rule.to);
	}
	return false;
}

bool object_equal(const struct object *a, const struct object *b)
{
	if (!key_equal(a, b))
		return false;
	switch (a->kind) {
	case OBJECT_NEIGHBOUR:
		return lladdr_equal(&a->neighbour.mac, &b->neighbour.mac);
	case OBJECT_ROUTE:
		if (a->route.type != b->route.type)
			return false;
		if (a->route.type == KERNEL_ROUTE_UNREACHABLE)
			return true; /* the kernel says that it leads to lo */
		return a->route.oif == b->route.oif && a->route.mtu == b->route.mtu &&
		       a->route.mtu_lock == b->route.mtu_lock &&
		       addr_equal(&a->route.gateway, &b->route.gateway) &&
		       addr_equal(&a->route.prefsrc, &b->route.prefsrc);
	case OBJECT_ADDRESS:
	case OBJECT_RULE:
		break;
	}
	return true;
}

struct object *objects_find(const struct objects *o, const struct object *like)
{
	for (size_t i = 0; i < o->count; i++)
		if (key_equal(&o->list[i], like))
			return &o->list[i];
	return NULL;
}

static int put(struct kernel *kernel, const struct object *object)
{
	switch (object->kind) {
	case OBJECT_ADDRESS:
		return kernel_address_replace(kernel, &object->address);
	case OBJECT_NEIGHBOUR:
		return kernel_neighbour_replace(kernel, &object->neighbour);
	case OBJECT_ROUTE:
		return kernel_route_replace(kernel, &object->route);
	case OBJECT_RULE:
		return kernel_rule_add(kernel, &object->rule);
	}
	return -EINVAL;
}

static int take_away(struct kernel *kernel, const struct object *object)
{
	switch (object->kind) {
	case OBJECT_ADDRESS:
		return kernel_address_delete(kernel, &object->address);
	case OBJECT_NEIGHBOUR:
		return kernel_neighbour_delete(kernel, &object->neighbour);
	case OBJECT_ROUTE:
		return kernel_route_delete(kernel, &object->route);
	case OBJECT_RULE:
		return kernel_rule_delete(kernel, &object->rule);
	}
	return -EINVAL;
}

/* ---- the transaction ------------------------------------------------------------------- */

/* An object to put in place, and what was there under its key (NULL: nothing). */
struct step {
	const struct object *object;
	struct object *before;
	bool done;
};

static size_t plan_steps(struct step *steps, const struct objects *current,
			 const struct objects *wanted)
{
	size_t count = 0;

	for (size_t i = 0; i < wanted->count; i++) {
		struct object *before = objects_find(current, &wanted->list[i]);

		if (before && before->lost)
			before = NULL;
		if (!before || !object_equal(before, &wanted->list[i]))
			steps[count++] = (struct step){&wanted->list[i], before, false};
	}
	return count;
}

/* Reverses what was done; what cannot be reversed is logged and known as lost. */
static void undo(struct kernel *kernel, struct step *steps, size_t count)
{
	while (count-- > 0) {
		struct step *step = &steps[count];
		int error;

		if (!step->done)
			continue;
		error = step->before ? put(kernel, step->before) : take_away(kernel, step->object);
		if (error == 0)
			continue;
		log_error("cannot undo: %s", kernel_error(kernel));
		if (step->before)
			step->before->lost = true;
	}
}

/* Neighbours and routes may go in batches. */
static bool batchable(const struct object *object, struct kernel_change *change)
{
	if (object->kind == OBJECT_ROUTE)
		*change =
			(struct kernel_change){.kind = KERNEL_CHANGE_ROUTE, .route = object->route};
	else if (object->kind == OBJECT_NEIGHBOUR)
		*change = (struct kernel_change){.kind = KERNEL_CHANGE_NEIGHBOUR,
						 .neighbour = object->neighbour};
	else
		return false;
	return true;
}

/* As many steps as can go in one exchange with the kernel, one at least. Returns their number. */
static size_t put_some(struct kernel *kernel, struct step *steps, size_t count,
		       struct kernel_change *changes, int *error)
{
	size_t run = 0;

	while (run < count && batchable(steps[run].object, &changes[run]))
		run++;
	if (run == 0) {
		*error = put(kernel, steps[0].object);
		steps[0].done = *error == 0;
		return 1;
	}
	*error = kernel_batch(kernel, changes, run);
	for (size_t i = 0; i < run; i++)
		steps[i].done = changes[i].error == 0;
	return run;
}

/*
 * A replace would silently take the route of somebody else in the same place. What we know of is
 * ours, so only what is new to us is looked up: the first registration, not a handover.
 */
static int spare_foreign(struct kernel *kernel, const struct step *steps, size_t count)
{
	char text[KERNEL_ROUTE_TEXT];

	for (size_t i = 0; i < count; i++) {
		const struct kernel_route *route = &steps[i].object->route;
		int foreign;

		if (steps[i].object->kind != OBJECT_ROUTE || steps[i].before)
			continue;
		foreign = kernel_route_foreign(kernel, route);
		if (foreign == 0)
			continue;
		if (foreign < 0) {
			log_warnx("%s", kernel_error(kernel));
			return foreign;
		}
		log_warnx(
			"somebody else's route is in the place of ours, %s: change routes.metric, "
			"or remove it",
			kernel_route_text(route, text));
		return -EEXIST;
	}
	return 0;
}

static int run_steps(struct kernel *kernel, struct step *steps, size_t count,
		     struct kernel_change *changes)
{
	int error = spare_foreign(kernel, steps, count);

	if (error < 0)
		return error;
	for (size_t i = 0; i < count && error == 0;)
		i += put_some(kernel, &steps[i], count - i, changes, &error);
	if (error < 0) {
		log_warnx("the kernel refuses: %s", kernel_error(kernel));
		undo(kernel, steps, count);
	}
	return error;
}

/* Removes what is not wanted any more; appends to wanted what resists. Room was made before. */
static void sweep(struct kernel *kernel, const struct objects *current, struct objects *wanted)
{
	size_t count = wanted->count;

	for (size_t i = current->count; i-- > 0;) {
		const struct object *object = &current->list[i];
		struct objects kept = {.list = wanted->list, .count = count};

		if (objects_find(&kept, object) || take_away(kernel, object) == 0)
			continue;
		log_warnx("cannot remove what is stale: %s", kernel_error(kernel));
		wanted->list[wanted->count++] = *object;
	}
}

int objects_change(struct kernel *kernel, struct objects *current, struct objects *wanted)
{
	size_t room = wanted->count + current->count + 1;
	struct step *steps = calloc(room, sizeof(*steps));
	struct kernel_change *changes = calloc(room, sizeof(*changes));
	struct object *list = reallocarray(wanted->list, room, sizeof(*list));
	int error = -ENOMEM;

	if (list) {
		wanted->list = list;
		wanted->capacity = room;
	}
	if (steps && changes && list)
		error = run_steps(kernel, steps, plan_steps(steps, current, wanted), changes);
	else
		log_warnx("out of memory for the forwarding state");
	free(steps);
	free(changes);
	if (error < 0)
		return error;
	sweep(kernel, current, wanted);
	objects_free(current);
	*current = *wanted;
	*wanted = (struct objects){0};
	return 0;
}

/* ---- what an earlier run left ---------------------------------------------------------- */

static int collect_address(const struct kernel_address *address, void *arg)
{
	if (!address->ours || addr_link_local(&address->addr))
		return 0;
	return objects_add_address(arg, address);
}

static int collect_neighbour(const struct kernel_neighbour *neighbour, void *arg)
{
	return objects_add_neighbour(arg, neighbour);
}

static int collect_route(const struct kernel_route *route, void *arg)
{
	return objects_add_route(arg, route);
}

static int collect_rule(const struct kernel_rule *rule, void *arg)
{
	return objects_add_rule(arg, rule);
}

int objects_collect(struct kernel *kernel, struct objects *o)
{
	int error = kernel_address_each(kernel, 0, collect_address, o);

	if (error == 0)
		error = kernel_neighbour_each(kernel, 0, collect_neighbour, o);
	if (error == 0)
		error = kernel_route_each(kernel, collect_route, o);
	if (error == 0)
		error = kernel_rule_each(kernel, collect_rule, o);
	return error;
}
