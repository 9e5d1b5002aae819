/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Restoring the kernel's state; see restore.h. */
#include "restore.h"

#include "forwarding.h"
#include "log.h"
#include "preparation.h"
#include "satellite.h"
#include "session.h"
#include "subscriber.h"

#define RESTORE_DELAY (100 * USEC_PER_MSEC) /* more events of the same cause are under way */
#define RESTORE_RETRY (10 * USEC_PER_SEC)

static bool device_of_ours(const struct core *core, unsigned int ifindex)
{
	const struct underlay *u = &core->underlay;

	if (ifindex == u->bridge || ifindex == u->holding.device.ifindex)
		return true;
	for (int k = 0; k < KERNEL_TUNNELS; k++)
		if (u->device[k] != 0 && u->device[k] == ifindex)
			return true;
	return false;
}

/* 0, or the first -errno; everything else has been tried too. */
static int restore_paths(struct core *core)
{
	struct subscriber *subscriber, *next_subscriber;
	struct session *session, *next_session;
	struct preparation *preparation, *next_preparation;
	int first = 0, result;

	HASH_ITER (hh, core->subscribers, subscriber, next_subscriber) {
		result = forwarding_restore(core, &subscriber->path);
		if (first == 0)
			first = result;
	}
	HASH_ITER (hh, core->sessions, session, next_session) {
		if (!session->home)
			continue;
		result = forwarding_restore(core, &session->own_path);
		if (first == 0)
			first = result;
	}
	HASH_ITER (hh, core->preparations, preparation, next_preparation) {
		result = forwarding_restore(core, &preparation->path);
		if (first == 0)
			first = result;
	}
	return first;
}

void restore_timer(struct timer *timer, void *arg, usec_t now)
{
	struct core *core = arg;
	int result = underlay_restore(core), paths;

	satellites_restore(core, now);
	paths = restore_paths(core);
	if (result < 0 || paths < 0) {
		timer_set(&core->timers, timer, now + RESTORE_RETRY);
		return;
	}
	core->underlay.broken = false;
	log_notice("devices and routes are in place again");
}

static void restore_soon(struct core *core, const char *device, const char *what, usec_t now)
{
	struct timer *timer = &core->underlay.restore;

	if (!core->underlay.broken)
		log_warnx("somebody has %s %s; putting it back", what, device);
	core->underlay.broken = true;
	if (!timer_pending(timer))
		timer_set(&core->timers, timer, now + RESTORE_DELAY);
}

void restore_removed(struct core *core, const char *device, usec_t now)
{
	restore_soon(core, device, "removed", now);
}

void restore_event(struct core *core, const struct kernel_event *event, usec_t now)
{
	const struct kernel_link *link = &event->link;
	bool gone = event->type == KERNEL_EVENT_LINK_GONE;

	if (!gone && event->type != KERNEL_EVENT_LINK)
		return;
	if (!device_of_ours(core, link->ifindex))
		satellite_link(core, link, gone, now);
	else if (gone || !link->up)
		restore_soon(core, link->name, gone ? "removed" : "shut down", now);
}
