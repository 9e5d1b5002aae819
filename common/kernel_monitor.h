/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What others do to the kernel's network configuration (kernel_monitor.c). What holds for all of
 * kernel.h holds here.
 */
#ifndef SNO_KERNEL_MONITOR_H
#define SNO_KERNEL_MONITOR_H

#include "kernel.h"

enum kernel_event_type {
	KERNEL_EVENT_LINK, /* a link is new or has changed: look at up, carrier, master */
	KERNEL_EVENT_LINK_GONE,
	KERNEL_EVENT_ADDRESS, /* an address is new or has changed (anybody's) */
	KERNEL_EVENT_ADDRESS_GONE,
	KERNEL_EVENT_ROUTE,	     /* a route of ours was set by somebody else, or is replayed */
	KERNEL_EVENT_ROUTE_GONE,     /* a route of ours was removed by somebody else */
	KERNEL_EVENT_NEIGHBOUR,	     /* a permanent neighbour is new or has changed (anybody's) */
	KERNEL_EVENT_NEIGHBOUR_GONE, /* a neighbour is gone or is permanent no more */
	KERNEL_EVENT_RESYNC_BEGIN,   /* events were lost: the whole state follows as events ... */
	KERNEL_EVENT_RESYNC,	     /* ... and is complete: what was not replayed is gone */
};

struct kernel_event {
	enum kernel_event_type type;
	bool replay; /* part of a resynchronisation, maybe nothing new */
	union {
		struct kernel_link link;
		struct kernel_address address;
		struct kernel_route route;
		struct kernel_neighbour neighbour;
	};
};

/* What to listen to; or-ed. */
#define KERNEL_WATCH_LINKS	0x1
#define KERNEL_WATCH_ADDRESSES	0x2
#define KERNEL_WATCH_ROUTES	0x4 /* ours only */
#define KERNEL_WATCH_NEIGHBOURS 0x8

struct kernel_monitor;

typedef void (*kernel_monitor_fn)(const struct kernel_event *event, void *arg);

/*
 * Listens to changes in the namespace of k, which must outlive the monitor. What the context k
 * itself asked for is not reported for routes and neighbours. buffer is the receive buffer in bytes
 * (0: 4 MiB).
 *
 * The kernel removes the IPv4 routes of a link that goes down or away without a word: a link event
 * with up unset stands for the loss of all routes through it.
 */
int kernel_monitor_open(struct kernel_monitor **m, struct kernel *k, unsigned int watch,
			size_t buffer, kernel_monitor_fn fn, void *arg);
void kernel_monitor_close(struct kernel_monitor *m);
/* For the event loop: readable means kernel_monitor_read(). Non-blocking, close-on-exec. */
int kernel_monitor_fd(const struct kernel_monitor *m);
/*
 * Reads all that is there and calls back. When the kernel had to drop events (ENOBUFS) it
 * resynchronises at once: RESYNC_BEGIN, the watched state as it is now, RESYNC. The callback may
 * use the context k, but must neither read nor close the monitor. When the state cannot be read
 * (-EINTR) nothing is called back, and the next call tries again.
 */
int kernel_monitor_read(struct kernel_monitor *m);
/* Replays the watched state as above at will, e.g. once at start. */
int kernel_monitor_resync(struct kernel_monitor *m);

/* "link-gone", "resync" ...; kernel_text.c. */
const char *kernel_event_text(enum kernel_event_type type);

#endif
