/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hold of a core; see holding.h. */
#include "holding.h"

#include "core.h"
#include "forwarding.h"
#include "guard.h"
#include "log.h"
#include "restore.h"
#include "sweep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

/* Packets that go through the daemon take their way in order, if slower than those that do not. */
#define PATIENCE USEC_PER_SEC

/* A release that is over but for stragglers. */
struct lingering {
	struct hold_queue *queue;
	struct path path;
	struct kernel_route routes[HOLDING_ROUTES];
	size_t count;
	uint64_t told; /* to the guard, of what has left */
	bool shut;     /* the guard's gate */
	usec_t until;
	usec_t patience; /* until when the gate may be shut */
	struct lingering *next;
};

/* How many packets have left the hold. */
static uint64_t gone(const struct hold_queue *queue)
{
	const struct hold_counters *counters = hold_queue_counters(queue);

	return counters->released + hold_dropped(counters);
}

int holding_pass(struct core *core, struct hold_queue *queue, const struct path *path, usec_t now)
{
	int result =
		hold_queue_release(queue, hold_device_write, &core->underlay.holding.device, now);

	guard_hold_passed(core, path, gone(queue));
	return result;
}

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

/* Nothing waits any more, and after that nothing is sent to the device. */
static void release_end(struct core *core, struct hold_queue *queue, const struct path *path,
			const struct kernel_route *routes, size_t count)
{
	guard_hold_gate(core, path, false);
	holding_pass(core, queue, path, core->underlay.holding.now);
	way_remove(core, routes, count);
	hold_queue_close(queue);
}

static void linger_end(struct core *core, struct lingering *l)
{
	LL_DELETE(core->underlay.holding.lingering, l);
	release_end(core, l->queue, &l->path, l->routes, l->count);
	free(l);
}

/*
 * Packets are behind those in the hold, and wait while these leave. When none does the device has
 * lost some; when it takes too long more comes than goes: the others wait no longer.
 */
static void linger_again(struct core *core, struct lingering *l, usec_t now)
{
	struct holding *h = &core->underlay.holding;

	if (l->told == gone(l->queue) || now >= l->patience) {
		guard_hold_gate(core, &l->path, false);
		l->shut = false;
	}
	l->told = gone(l->queue);
	l->until = now + HOLD_LINGER;
	LL_DELETE(h->lingering, l);
	LL_APPEND(h->lingering, l);
}

static void linger_over(struct core *core, struct lingering *l, usec_t now)
{
	holding_pass(core, l->queue, &l->path, now);
	if (l->shut && guard_hold_behind(core, &l->path))
		linger_again(core, l, now);
	else
		linger_end(core, l);
}

static void settle_timer(struct timer *timer, void *arg, usec_t now)
{
	struct core *core = arg;
	struct holding *h = &core->underlay.holding;

	h->now = now;
	while (h->lingering && h->lingering->until <= now)
		linger_over(core, h->lingering, now);
	if (h->lingering)
		timer_set(&core->timers, timer, h->lingering->until);
}

void holding_linger(struct core *core, struct hold_queue *queue, const struct path *path,
		    const struct kernel_route *routes, size_t count, usec_t now)
{
	struct holding *h = &core->underlay.holding;
	struct lingering *l = calloc(1, sizeof(*l));

	h->now = now;
	if (!l) {
		release_end(core, queue, path, routes, count);
		return;
	}
	l->queue = queue;
	l->path = *path;
	l->told = gone(queue);
	l->shut = true;
	for (l->count = 0; l->count < count; l->count++)
		l->routes[l->count] = routes[l->count];
	l->until = now + HOLD_LINGER;
	l->patience = now + PATIENCE;
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

/* What has come for queues that pass has gone by now. */
static void tell_gone(struct core *core)
{
	struct lingering *l;

	LL_FOREACH (core->underlay.holding.lingering, l) {
		if (l->told == gone(l->queue))
			continue;
		l->told = gone(l->queue);
		guard_hold_passed(core, &l->path, l->told);
	}
}

void holding_read(struct core *core, usec_t now)
{
	struct holding *h = &core->underlay.holding;
	int result = hold_read(h->hold, now);

	h->now = now;
	tell_gone(core);
	if (result == -EBADFD)
		restore_removed(core, h->device.name, now);
	else if (result < 0)
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

/* The device is there: what enters it is counted, and what leaves it has its own way. */
static int begin(struct core *core)
{
	int result = guard_attach(core, core->underlay.holding.device.ifindex, KERNEL_GUARD_HOLD);

	if (result == 0)
		return rules_add(core);
	log_warnx("device for held packets: %s", kernel_error(core->kernel));
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
	return result < 0 ? result : begin(core);
}

int holding_restore(struct core *core)
{
	struct holding *h = &core->underlay.holding;
	int result = hold_device_restore(&h->device);

	if (result == -EOPNOTSUPP)
		return 0;
	return result < 0 ? result : begin(core);
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
