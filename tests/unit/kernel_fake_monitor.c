/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor of the kernel in memory: what is emitted is queued, and read when the test says so.
 */
#include "kernel_fake_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct kernel_monitor {
	struct kernel *k;
	unsigned int watch;
	kernel_monitor_fn fn;
	void *arg;
	int fd;
	bool overrun;
	struct kernel_event *queue;
	size_t queued;
	struct kernel_monitor *next;
};

static struct kernel_monitor *monitors;

static unsigned int event_watch(enum kernel_event_type type)
{
	switch (type) {
	case KERNEL_EVENT_LINK:
	case KERNEL_EVENT_LINK_GONE:
		return KERNEL_WATCH_LINKS;
	case KERNEL_EVENT_ADDRESS:
	case KERNEL_EVENT_ADDRESS_GONE:
		return KERNEL_WATCH_ADDRESSES;
	case KERNEL_EVENT_ROUTE:
	case KERNEL_EVENT_ROUTE_GONE:
		return KERNEL_WATCH_ROUTES;
	case KERNEL_EVENT_NEIGHBOUR:
	case KERNEL_EVENT_NEIGHBOUR_GONE:
		return KERNEL_WATCH_NEIGHBOURS;
	default:
		return ~0U;
	}
}

static void monitor_wake(const struct kernel_monitor *m)
{
	if (eventfd_write(m->fd, 1) != 0)
		abort();
}

static void monitor_queue(struct kernel_monitor *m, const struct kernel_event *event)
{
	if (!(m->watch & event_watch(event->type)))
		return;
	m->queue = fake_must(realloc(m->queue, (m->queued + 1) * sizeof(*event)));
	m->queue[m->queued++] = *event;
}

void kernel_fake_emit(const struct kernel_event *event)
{
	struct kernel_monitor *m;

	for (m = monitors; m; m = m->next) {
		monitor_queue(m, event);
		monitor_wake(m);
	}
}

void kernel_fake_overrun(void)
{
	struct kernel_monitor *m;

	for (m = monitors; m; m = m->next) {
		m->queued = 0;
		m->overrun = true;
		monitor_wake(m);
	}
}

int kernel_monitor_open(struct kernel_monitor **result, struct kernel *k, unsigned int watch,
			size_t buffer, kernel_monitor_fn fn, void *arg)
{
	struct kernel_monitor *m = fake_must(calloc(1, sizeof(*m)));

	(void)buffer;
	*m = (struct kernel_monitor){.k = k, .watch = watch, .fn = fn, .arg = arg};
	m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->fd < 0)
		abort();
	m->next = monitors;
	monitors = m;
	fake.open++;
	*result = m;
	return 0;
}

void kernel_monitor_close(struct kernel_monitor *m)
{
	struct kernel_monitor **at;

	if (!m)
		return;
	for (at = &monitors; *at && *at != m; at = &(*at)->next)
		;
	if (*at) {
		*at = m->next;
		fake.open--;
	}
	close(m->fd);
	free(m->queue);
	free(m);
}

int kernel_monitor_fd(const struct kernel_monitor *m)
{
	return m->fd;
}

/* Hands out what is queued; what callbacks cause is left for the next read. */
static void monitor_deliver(struct kernel_monitor *m)
{
	struct kernel_event *queue = m->queue;
	size_t count = m->queued, i;

	m->queue = NULL;
	m->queued = 0;
	for (i = 0; i < count; i++)
		m->fn(&queue[i], m->arg);
	free(queue);
}

int kernel_monitor_resync(struct kernel_monitor *m)
{
	struct kernel_event e = {.replay = true};
	const struct fake_object *o;
	size_t i;

	m->queued = 0;
	m->overrun = false;
	e.type = KERNEL_EVENT_RESYNC_BEGIN;
	monitor_queue(m, &e);
	for (i = 0; i < fake.count; i++) {
		o = fake.objects[i];
		memset(&e, 0, sizeof(e));
		e.replay = true;
		if (o->kind == FAKE_LINK) {
			e.type = KERNEL_EVENT_LINK;
			e.link = fake_link_seen(&o->link);
		} else if (o->kind == FAKE_ADDRESS) {
			e.type = KERNEL_EVENT_ADDRESS;
			e.address = o->address;
		} else if (o->kind == FAKE_NEIGHBOUR) {
			e.type = KERNEL_EVENT_NEIGHBOUR;
			e.neighbour = o->neighbour;
		} else if (o->kind == FAKE_ROUTE && o->route.protocol == KERNEL_PROTOCOL) {
			e.type = KERNEL_EVENT_ROUTE;
			e.route = o->route;
		} else {
			continue;
		}
		monitor_queue(m, &e);
	}
	memset(&e, 0, sizeof(e));
	e.replay = true;
	e.type = KERNEL_EVENT_RESYNC;
	monitor_queue(m, &e);
	monitor_deliver(m);
	return 0;
}

int kernel_monitor_read(struct kernel_monitor *m)
{
	eventfd_t ignored;

	(void)eventfd_read(m->fd, &ignored);
	if (m->overrun)
		return kernel_monitor_resync(m);
	monitor_deliver(m);
	return 0;
}

void fake_emit_link(const struct fake_link *link, enum kernel_event_type type)
{
	struct kernel_event e = {.type = type};

	e.link = fake_link_seen(link);
	kernel_fake_emit(&e);
}

void fake_emit_address(const struct kernel_address *address, enum kernel_event_type type)
{
	struct kernel_event e = {.type = type};

	e.address = *address;
	kernel_fake_emit(&e);
}
