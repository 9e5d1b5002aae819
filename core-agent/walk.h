/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A place in one of the core's tables, kept while others come and go: a long table is shown a few
 * rows at a time, between which the world goes on (control.h).
 *
 * The walk stands on the next element to be looked at. Who takes an element out of a table that is
 * walked says so first, and the walks that stand on it step on. New elements are added behind all
 * others (uthash), where a walk still comes by.
 */
#ifndef SNO_CORE_WALK_H
#define SNO_CORE_WALK_H

#include "core.h"

struct walk {
	LIST_ENTRY(walk) entry;
	void *at; /* NULL: at the end */
};

/* Stands on the first element of a table. */
void walk_begin(struct core *core, struct walk *walk, void *first);
void walk_end(struct walk *walk);

/* This element leaves its table, where `next` (NULL: none) comes after it. */
void walk_leave(struct core *core, const void *element, void *next);

#endif
