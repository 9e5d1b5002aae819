/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * otto's world with a schedule (otto.h): it begins at noon, by the wall clock, with an association
 * file in the world's folder.
 */
#ifndef SNO_TEST_PLANNED_H
#define SNO_TEST_PLANNED_H

#include "otto.h"

/* The configuration's pools, and the group handover with that file and more. */
#define PLANNED_WITH(MORE) WORLD_POOLS " handover = { schedule = \"$DIR/plan\"; " MORE " };"

/* One association of a satellite; seconds after noon. */
struct row {
	int from, until;
	const char *satellite, *core;
};

/* Rows as the two arguments of planned_world() and planned_write(). */
#define PLAN(...)                                                                                  \
	(const struct row[]){__VA_ARGS__},                                                         \
		sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row)

struct world *planned_world(const struct row *rows, size_t count);
void planned_free(struct world *w);

/* The file, until the next call. */
const char *planned_path(const struct world *w);
/* Writes it as a planner would: beside it, and then in its place. */
void planned_write(const struct world *w, const struct row *rows, size_t count);
/* Noon comes now: for a world without a plan. */
void planned_noon(struct world *w);
/* Until so many seconds after noon. */
void planned_run(struct world *w, double seconds);

#endif
