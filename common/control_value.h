/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The project's own values as cells of control answers, the same in every daemon: a table of one
 * reads like a table of another. Each returns a new reference.
 */
#ifndef SNO_CONTROL_VALUE_H
#define SNO_CONTROL_VALUE_H

#include "addr.h"
#include "clock.h"

#include <jansson.h>

/* Durations, for columns with the units "s" and "ms". */
json_t *control_seconds(usec_t us);
json_t *control_milliseconds(usec_t us);
/* Text; null for none. */
json_t *control_addr(const struct addr *a);
json_t *control_prefix(const struct prefix *p);

#endif
