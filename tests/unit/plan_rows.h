/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Association files for tests of the satellite's forwarder, whose clock begins at noon. */
#ifndef SNO_TEST_PLAN_ROWS_H
#define SNO_TEST_PLAN_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#define NOON INT64_C(1785326400) /* 2026-07-29T12:00:00Z */

/*
 * Writes the rows, "FROM,UNTIL,SATELLITE,CORE,STATION", with `relays` and the column via, separated
 * by white space; from and until in seconds after noon.
 */
void plan_rows_write(const char *path, const char *rows, bool relays);

/*
 * Writes a plan of a day for ten thousand satellites in hours, beginning so many seconds after
 * noon, with these rows of one satellite more; in place of the file, at once.
 */
#define PLAN_ROWS_DAY 240000
void plan_rows_write_day(const char *path, double begin, const char *rows);

/* What this thread has used of a CPU, in microseconds: not how long it had to wait for one. */
int64_t plan_rows_used(void);

/*
 * What reading this file takes of that. Who reads such files beside an event loop must not be busy
 * there for PLAN_ROWS_SHARE of it at a time.
 */
#define PLAN_ROWS_SHARE 10
int64_t plan_rows_cost(const char *path);

#endif
