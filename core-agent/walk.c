/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places in tables; see walk.h. */
#include "walk.h"

void walk_begin(struct core *core, struct walk *walk, void *first)
{
	walk->at = first;
	LIST_INSERT_HEAD(&core->walks, walk, entry);
}

void walk_end(struct walk *walk)
{
	LIST_REMOVE(walk, entry);
}

void walk_leave(struct core *core, const void *element, void *next)
{
	struct walk *walk;

	LIST_FOREACH (walk, &core->walks, entry)
		if (walk->at == element)
			walk->at = next;
}
