/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TUN device of a hold (hold.h): what is routed to it can be read here, and what is written
 * here comes into the kernel as if received on it.
 *
 * The device lives as long as its descriptor. When the daemon dies it vanishes, and with it the
 * routes that lead to it and the packets in it; so whoever routes a destination there has a second
 * route for it below that one, which then decides (core-agent/forwarding.c: unreachable).
 *
 * It has no address, IPv6 does not talk on it by itself, and its MTU is the largest there is: how
 * large a packet may be is said by the route that leads to it, which has the path MTU of the way
 * that the packet will take in the end.
 */
#ifndef SNO_HOLD_DEVICE_H
#define SNO_HOLD_DEVICE_H

#include "kernel.h"

#include <ev.h>

/* The usual names: one of each per network namespace. */
#define HOLD_DEVICE_CORE     "sno-buf"
#define HOLD_DEVICE_TERMINAL "sno-buf-up"

struct hold_device {
	struct kernel *kernel;
	char name[KERNEL_NAME];
	int fd;		      /* -1: not yet; it stays when the device is made again */
	unsigned int ifindex; /* 0: there is no device (somebody removed it, or it was not made) */
	struct ev_loop *loop; /* NULL: not watched */
	ev_io io;
	void (*readable)(struct hold_device *device, void *arg);
	void *arg;
};

/* Makes the device and sets it up. 0; or -errno, logged: there may be one later, by restore. */
int hold_device_open(struct hold_device *device, struct kernel *kernel, const char *name);
/*
 * Makes it again, where somebody has removed it or set it down; maybe with another index, and
 * without the routes. 0 or -errno, logged.
 */
int hold_device_restore(struct hold_device *device);
/* Somebody has removed it or set it down: it is watched no more, until hold_device_restore(). */
void hold_device_lost(struct hold_device *device);
/* Removes it, and with it the routes to it. Harmless on what is all zero. */
void hold_device_close(struct hold_device *device);

/* Calls back from the loop whenever there is something to read, until the device is closed. */
void hold_device_watch(struct hold_device *device, struct ev_loop *loop,
		       void (*readable)(struct hold_device *device, void *arg), void *arg);

/*
 * hold_read_fn and hold_write_fn; context is the struct hold_device. A device that somebody has
 * removed is -EBADFD, and lost: this may be known before the kernel's monitor tells.
 */
ssize_t hold_device_read(void *context, uint8_t *packet, size_t size);
int hold_device_write(void *context, const uint8_t *packet, size_t length);

#endif
