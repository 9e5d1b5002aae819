/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deadlines of many objects in one place: a binary heap of timers that live inside their owners.
 *
 * State machines say when they want to be woken; the event loop only ever arms one timer, for the
 * earliest. Time is passed in, so that a test can let hours pass. Setting and cancelling cost
 * O(log n), nothing is scanned.
 */
#ifndef SNO_TIMER_H
#define SNO_TIMER_H

#include "clock.h"

#include <stdbool.h>
#include <stddef.h>

struct timer;

/* Called when the timer is due; it has been taken out of the heap before and may be set again. */
typedef void timer_fn(struct timer *timer, void *arg, usec_t now);

/* Embedded in its owner, who must cancel it before it goes away. */
struct timer {
	usec_t at;
	size_t slot; /* place in the heap plus one; 0: not set */
	timer_fn *fn;
	void *arg;
};

struct timers {
	struct timer **heap;
	size_t count, capacity;
};

/* Prepares a timer that is not set. fn and arg stay as they are for its whole life. */
void timer_init(struct timer *timer, timer_fn *fn, void *arg);

/*
 * Wakes the owner at this instant, whatever was set before; USEC_NEVER cancels. 0, or -ENOMEM and
 * the timer is not set. Room once gained is kept, so setting one that was set before never fails.
 */
int timer_set(struct timers *timers, struct timer *timer, usec_t at);
void timer_cancel(struct timers *timers, struct timer *timer);
bool timer_pending(const struct timer *timer);

/* Calls all that are due at now, earliest first; returns the next instant, USEC_NEVER if none. */
usec_t timers_run(struct timers *timers, usec_t now);
/* The earliest instant that is set, USEC_NEVER if none. */
usec_t timers_next(const struct timers *timers);
/* Frees the heap; timers still set are forgotten. */
void timers_free(struct timers *timers);

#endif
