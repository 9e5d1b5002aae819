/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hold of a core; see holding.h. */
#include "holding.h"

#include "core.h"
#include "log.h"
#include "sweep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

/* A release that is over but for stragglers. */
struct lingering {
	struct hold_queue *queue;
	struct kernel_route routes[HOLDING_ROUTES];
	size_t count;
	usec_t until;
	struct lingering *next;
};

/* ---- the end of a release -------------------------------------------------------------------- */

static void way_remove(struct core *core, const struct kernel_route *routes, size_t count)
{
	struct kernel_change changes[HOLDING_ROUTES];

	for (size_t i = 0; i < count; i++)
		changes[i] = (struct kernel_change){
			.kind = KERNEL_CHANGE_ROUTE, .remove = true, .route = routes[i]};
	if (kernel_batch(core->kernel, changes, count) == 0)
		return;
	log_warnx("removing the way of released packets: %s", kernel_error(core->kernel));
	underlay_sweep_soon(core);
}

static void release_end(struct core *core, struct hold_queue *queue,
			const struct kernel_route *routes, size_t count)
{
	struct holding *h = &core->underlay.holding;

	hold_queue_release(queue, hold_device_write, &h->device, h->now);
	way_remove(core, routes, count);
	hold_queue_close(queue);
}

static void linger_end(struct core *core, struct lingering *l)
{
	LL_DELETE(core->underlay.holding.lingering, l);
	release_end(core, l->queue, l->routes, l->count);
	free(l);
}

static void settle_timer(struct timer *timer, void *arg, usec_t now)
{
	struct core *core = arg;
	struct holding *h = &core->underlay.holding;

	h->now = now;
	while (h->lingering && h->lingering->until <= now)
		linger_end(core, h->lingering);
	if (h->lingering)
		timer_set(&core->timers, timer, h->lingering->until);
}

void holding_linger(struct core *core, struct hold_queue *queue, const struct kernel_route *routes,
		    size_t count, usec_t now)
{
	struct holding *h = &core->underlay.holding;
	struct lingering *l = calloc(1, sizeof(*l));

	h->now = now;
	if (!l) {
		release_end(core, queue, routes, count);
		return;
	}
	l->queue = queue;
	for (l->count = 0; l->count < count; l->count++)
		l->routes[l->count] = routes[l->count];
	l->until = now + HOLD_LINGER;
	LL_APPEND(h->lingering, l);
	if (!timer_pending(&h->settle))
		timer_set(&core->timers, &h->settle, l->until);
}

void holding_settle(struct core *core, const struct prefix *destination)
{
	struct holding *h = &core->underlay.holding;
	struct hold_queue *queue = h->lingering ? hold_queue_find(h->hold, destination) : NULL;
	struct lingering *l;

	if (!queue)
		return;
	LL_SEARCH_SCALAR(h->lingering, l, queue, queue);
	if (l)
		linger_end(core, l);
}

/* ---- the device ------------------------------------------------------------------------------ */

static void expire_timer(struct timer *timer, void *arg, usec_t now)
{
	struct core *core = arg;
	struct holding *h = &core->underlay.holding;

	h->now = now;
	timer_set(&core->timers, timer, hold_expire(h->hold, now));
}

void holding_read(struct core *core, usec_t now)
{
	struct holding *h = &core->underlay.holding;
	int result = hold_read(h->hold, now);

	h->now = now;
	/* That somebody has removed the device, the kernel's monitor tells (restore.h). */
	if (result < 0 && result != -EBADFD)
		log_warn_errno(-result, "reading packets that are to be held");
	timer_set(&core->timers, &h->expire, hold_expire(h->hold, now));
}

struct kernel_rule holding_rule(sa_family_t family)
{
	struct kernel_rule rule = {.family = family,
				   .priority = KERNEL_RULE_PRIORITY_MAX,
				   .table = KERNEL_TABLE_RELEASE};

	snprintf(rule.iif, sizeof(rule.iif), "%s", HOLD_DEVICE_CORE);
	return rule;
}

static int rules_add(struct core *core)
{
	static const sa_family_t families[] = {AF_INET, AF_INET6};
	int result = 0;

	for (size_t i = 0; i < 2 && result == 0; i++) {
		const struct kernel_rule rule = holding_rule(families[i]);

		result = kernel_rule_add(core->kernel, &rule);
	}
	if (result < 0)
		log_warnx("way of released packets: %s", kernel_error(core->kernel));
	return result;
}

int holding_open(struct core *core, usec_t now)
{
	struct holding *h = &core->underlay.holding;
	int result;

	timer_init(&h->expire, expire_timer, core);
	timer_init(&h->settle, settle_timer, core);
	h->now = now;
	h->hold = hold_new(&core->config->handover.hold, hold_device_read, &h->device);
	if (!h->hold) {
		log_warnx("out of memory for the hold");
		return -ENOMEM;
	}
	result = hold_device_open(&h->device, core->kernel, HOLD_DEVICE_CORE);
	if (result == -EOPNOTSUPP) {
		log_warnx("packets cannot be held for terminals that are to come: handovers are "
			  "no better than proactive");
		return 0;
	}
	return result < 0 ? result : rules_add(core);
}

int holding_restore(struct core *core)
{
	struct holding *h = &core->underlay.holding;
	int result = hold_device_restore(&h->device);

	if (result == -EOPNOTSUPP)
		return 0;
	return result < 0 ? result : rules_add(core);
}

void holding_close(struct core *core)
{
	struct holding *h = &core->underlay.holding;

	while (h->lingering)
		linger_end(core, h->lingering);
	timer_cancel(&core->timers, &h->expire);
	timer_cancel(&core->timers, &h->settle);
	hold_free(h->hold);
	h->hold = NULL;
	hold_device_close(&h->device);
}

void holding_configure(struct core *core)
{
	struct holding *h = &core->underlay.holding;

	hold_set_limits(h->hold, &core->config->handover.hold);
	timer_set(&core->timers, &h->expire, hold_expire(h->hold, h->now));
}

bool holding_ready(const struct core *core)
{
	return core->underlay.holding.device.ifindex != 0;
}

/* ---- whose routes ---------------------------------------------------------------------------- */

bool holding_route(const struct kernel_route *route)
{
	return route->table == KERNEL_TABLE_RELEASE || (route->type == KERNEL_ROUTE_UNREACHABLE &&
							route->metric == HOLDING_FALLBACK_METRIC);
}

bool holding_claims(const struct core *core, const struct kernel_route *route)
{
	const struct hold_queue *queue = hold_queue_find(core->underlay.holding.hold, &route->dst);

	/* Until its release a path has the lower route, and from then on the way of what was held.
	 */
	return queue && hold_queue_passes(queue) == (route->table == KERNEL_TABLE_RELEASE);
}
