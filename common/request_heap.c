/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outstanding requests in the order of their timers: a binary heap.
 *
 * A crowd that changes core leaves thousands of requests outstanding at once, each with a back-off
 * of its own, and most end long before their timer. Each entry knows its slot, so ending one costs
 * a logarithm as starting one does, and nothing ever walks over all of them.
 */
#include <errno.h>
#include <stdlib.h>

#include "request_internal.h"

static void put(struct heap *h, size_t slot, struct outstanding *o)
{
	h->entries[slot] = o;
	o->slot = slot;
}

/* Moves the entry at slot towards the root until its parent is due no later. */
static void sift_up(struct heap *h, size_t slot)
{
	struct outstanding *o = h->entries[slot];

	while (slot > 0) {
		size_t parent = (slot - 1) / 2;

		if (h->entries[parent]->due <= o->due)
			break;
		put(h, slot, h->entries[parent]);
		slot = parent;
	}
	put(h, slot, o);
}

/* Moves the entry at slot towards the leaves until no child is due earlier. */
static void sift_down(struct heap *h, size_t slot)
{
	struct outstanding *o = h->entries[slot];

	for (;;) {
		size_t child = 2 * slot + 1;

		if (child >= h->count)
			break;
		if (child + 1 < h->count && h->entries[child + 1]->due < h->entries[child]->due)
			child++;
		if (o->due <= h->entries[child]->due)
			break;
		put(h, slot, h->entries[child]);
		slot = child;
	}
	put(h, slot, o);
}

int heap_reserve(struct heap *h)
{
	size_t capacity = h->capacity ? 2 * h->capacity : 32;
	struct outstanding **entries;

	if (h->count < h->capacity)
		return 0;
	entries = reallocarray(h->entries, capacity, sizeof(struct outstanding *));
	if (!entries)
		return -ENOMEM;
	h->entries = entries;
	h->capacity = capacity;
	return 0;
}

void heap_push(struct heap *h, struct outstanding *o)
{
	put(h, h->count, o);
	sift_up(h, h->count++);
}

void heap_remove(struct heap *h, struct outstanding *o)
{
	size_t slot = o->slot;
	struct outstanding *last = h->entries[--h->count];

	if (last == o)
		return;
	put(h, slot, last);
	sift_up(h, slot);
	sift_down(h, last->slot);
}

void heap_postpone(struct heap *h, struct outstanding *o)
{
	sift_down(h, o->slot);
}

struct outstanding *heap_first(const struct heap *h)
{
	return h->count > 0 ? h->entries[0] : NULL;
}

void heap_free(struct heap *h)
{
	free(h->entries);
	*h = (struct heap){0};
}
