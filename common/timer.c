/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A binary heap of deadlines; see timer.h. */
#include "timer.h"

#include <errno.h>
#include <stdlib.h>

void timer_init(struct timer *timer, timer_fn *fn, void *arg)
{
	*timer = (struct timer){.at = USEC_NEVER, .fn = fn, .arg = arg};
}

bool timer_pending(const struct timer *timer)
{
	return timer->slot > 0;
}

static void heap_place(struct timers *t, size_t i, struct timer *timer)
{
	t->heap[i] = timer;
	timer->slot = i + 1;
}

static void heap_up(struct timers *t, size_t i)
{
	struct timer *timer = t->heap[i];

	while (i > 0 && t->heap[(i - 1) / 2]->at > timer->at) {
		heap_place(t, i, t->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_place(t, i, timer);
}

static void heap_down(struct timers *t, size_t i)
{
	struct timer *timer = t->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < t->count && t->heap[child + 1]->at < t->heap[child]->at)
			child++;
		if (child >= t->count || t->heap[child]->at >= timer->at)
			break;
		heap_place(t, i, t->heap[child]);
		i = child;
	}
	heap_place(t, i, timer);
}

void timer_cancel(struct timers *timers, struct timer *timer)
{
	struct timer *last;
	size_t i;

	if (timer->slot == 0)
		return;
	i = timer->slot - 1;
	timer->slot = 0;
	timer->at = USEC_NEVER;
	last = timers->heap[--timers->count];
	if (last == timer)
		return;
	heap_place(timers, i, last);
	heap_up(timers, i);
	heap_down(timers, last->slot - 1);
}

static int heap_grow(struct timers *t)
{
	size_t capacity = t->capacity ? t->capacity * 2 : 64;
	struct timer **heap = realloc(t->heap, capacity * sizeof(*heap));

	if (!heap)
		return -ENOMEM;
	t->heap = heap;
	t->capacity = capacity;
	return 0;
}

int timer_set(struct timers *timers, struct timer *timer, usec_t at)
{
	timer_cancel(timers, timer);
	if (at == USEC_NEVER)
		return 0;
	if (timers->count == timers->capacity && heap_grow(timers) < 0)
		return -ENOMEM;
	timer->at = at;
	heap_place(timers, timers->count, timer);
	heap_up(timers, timers->count++);
	return 0;
}

usec_t timers_next(const struct timers *timers)
{
	return timers->count ? timers->heap[0]->at : USEC_NEVER;
}

usec_t timers_run(struct timers *timers, usec_t now)
{
	/*
	 * As many as are set now, and no more: a timer that sets itself to "now" again must not
	 * keep the loop from reading its sockets.
	 */
	size_t rounds = timers->count;

	while (rounds-- > 0 && timers_next(timers) <= now) {
		struct timer *timer = timers->heap[0];

		timer_cancel(timers, timer);
		timer->fn(timer, timer->arg, now);
	}
	return timers_next(timers);
}

void timers_free(struct timers *timers)
{
	for (size_t i = 0; i < timers->count; i++)
		timers->heap[i]->slot = 0;
	free(timers->heap);
	*timers = (struct timers){0};
}
