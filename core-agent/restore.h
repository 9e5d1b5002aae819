/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts back what somebody else has taken out of the kernel with one of our devices.
 *
 * A link that goes down or away loses its routes and neighbours, IPv4 routes without a word. The
 * bridge and the tunnel devices are this daemon's, so it makes them again, and what hung on them.
 */
#ifndef SNO_CORE_RESTORE_H
#define SNO_CORE_RESTORE_H

#include "core.h"
#include "kernel_monitor.h"

/* An event of the kernel's monitor; satellites' ports are looked after here, too. */
void restore_event(struct core *core, const struct kernel_event *event, usec_t now);

/* Somebody has removed a device of ours, of which the monitor has not told yet. */
void restore_removed(struct core *core, const char *device, usec_t now);

/* The timer of a restoration that is due; its argument is the core. */
timer_fn restore_timer;

#endif
