/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the uplink (uplink.h) needs of the kernel to have packets wait: the hold's device, to which
 * routes lead meanwhile, and the gate (kernel_gate.h) on it and on the links, by which none gets
 * past those that wait.
 */
#ifndef SNO_TERMINAL_HOLDING_H
#define SNO_TERMINAL_HOLDING_H

#include "hold_device.h"
#include "kernel.h"
#include "kernel_gate.h"
#include "terminal-agent/config.h"
#include "terminal-agent/uplink.h"

#include <ev.h>

struct holding {
	struct kernel *kernel;
	struct uplink *uplink;
	struct hold_device device;
	struct hold *hold;	  /* NULL: nothing can be held */
	struct kernel_gate *gate; /* NULL: this kernel has none */
	usec_t due;		  /* when the device is made, while there is none */
};

/* Loads the gate; without one, which is logged, packets may be overtaken. All outlives it. */
void holding_open(struct holding *h, struct kernel *kernel, struct uplink *uplink);
/* Who is called when packets have come to the device, and from which loop. */
struct holding_reader {
	struct ev_loop *loop;
	void (*readable)(struct hold_device *device, void *arg);
	void *arg;
};
/*
 * The limits of the configuration, and the device where its mode needs one. Without it, which is
 * logged, the terminal works as in the other modes, until holding_tick() has made it.
 */
void holding_configure(struct holding *h, const struct config *config,
		       const struct holding_reader *reader, usec_t now);
/* Looks whether somebody has removed the device, or set it down, or made room for it. */
void holding_event(struct holding *h, const struct kernel_event *event);
/*
 * Makes the device, if it is lost or was refused; and when that fails, which is logged, after a
 * while once more, without which the terminal works until then. Returns the next instant,
 * USEC_NEVER if none.
 */
usec_t holding_tick(struct holding *h, usec_t now);
/* The gate on a link, before that is used; and none any more. Failures are logged. */
void holding_watch_link(struct holding *h, unsigned int ifindex);
void holding_leave_link(struct holding *h, unsigned int ifindex);
/* What is held is lost. Harmless for one that was never opened and is all zero. */
void holding_close(struct holding *h);

#endif
