/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The path of a subscriber, and what waits on it; see lead.h. */
#include "lead.h"

#include "binding.h"
#include "holding.h"
#include "log.h"
#include "subscriber.h"

#include <errno.h>
#include <stdlib.h>

/* Nothing waits here any more for the old way to be empty. */
static void settled(struct subscriber *s)
{
	timer_cancel(&s->core->timers, &s->settle);
}

int lead_along(struct subscriber *s, const struct path *path, usec_t now,
	       struct hold_counters *held)
{
	int result;

	if (held)
		*held = (struct hold_counters){0};
	result = s->path.kind == PATH_HOLD && path->kind != PATH_HOLD
			 ? forwarding_release(s->core, &s->path, path, now, held)
			 : forwarding_set(s->core, &s->path, path);
	if (result == 0)
		settled(s);
	return result;
}

void lead_nowhere(struct subscriber *s)
{
	settled(s);
	forwarding_clear(s->core, &s->path);
}

int lead_along_after(struct subscriber *s, const struct path *path, usec_t delay, usec_t now)
{
	const struct path held = {.kind = PATH_HOLD,
				  .hoa4 = path->hoa4,
				  .hoa6 = path->hoa6,
				  .prefix = path->prefix,
				  .mtu = path->mtu};

	if (delay <= 0 || !holding_ready(s->core) || forwarding_set(s->core, &s->path, &held) < 0)
		return lead_along(s, path, now, NULL);
	/* From when nothing takes the old way any more. */
	timer_set(&s->core->timers, &s->settle, core_clock(s->core, now) + delay);
	return 0;
}

static void settle_timer(struct timer *timer, void *arg, usec_t now)
{
	struct subscriber *s = arg;
	const struct path path = binding_path(s);
	struct hold_counters held;

	(void)timer;
	if (lead_along(s, &path, now, &held) < 0)
		binding_withdraw(s, REASON_KERNEL_REFUSED, now);
	else
		handover_held(s->core, s->binding.number, &held);
}

bool lead_settles(const struct subscriber *s)
{
	return timer_pending(&s->settle);
}

void lead_settle(struct subscriber *s, usec_t now)
{
	if (!lead_settles(s))
		return;
	settled(s);
	settle_timer(&s->settle, s, now);
}

void lead_init(struct subscriber *s)
{
	timer_init(&s->settle, settle_timer, s);
}

/* Those that have nothing held can be changed all at once. */
static size_t at_once(const struct lead *leads, size_t count, struct path_change *changes)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (leads[i].subscriber->path.kind != PATH_HOLD)
			changes[n++] = (struct path_change){.installed = &leads[i].subscriber->path,
							    .wanted = leads[i].path};
	return n;
}

void lead_many(struct core *core, struct lead *leads, size_t count, usec_t now)
{
	struct path_change *changes = calloc(count + 1, sizeof(*changes));
	size_t n = changes ? at_once(leads, count, changes) : 0, at = 0;

	if (n > 0)
		forwarding_set_many(core, changes, n);
	for (size_t i = 0; i < count; i++) {
		/* at_once() has left the others as they are. */
		if (at < n && changes[at].installed == &leads[i].subscriber->path)
			leads[i].error = changes[at++].error;
		else
			leads[i].error = lead_along(leads[i].subscriber, leads[i].path, now, NULL);
	}
	free(changes);
}
