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

#endif
