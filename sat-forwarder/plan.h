/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan of this satellite: its rows of the association file, each known to lead to a feeder.
 */
#ifndef SNO_SAT_PLAN_H
#define SNO_SAT_PLAN_H

#include "association.h"
#include "sat-forwarder/config.h"

/* Zeroed, it is the plan that says nothing. */
struct plan {
	struct associations associations;
	const struct association *rows;
	size_t count;
};

/*
 * Reads the configuration's association file, if it has one. Besides what makes the file wrong by
 * itself, a row of this satellite that no feeder can serve is a fault, and so is a file that has no
 * row of it. For a relay (config_relay()) only rows that lead over this satellite count, and there
 * may be none. 0, or -errno with everything reported and nothing to free.
 */
int plan_load(struct plan *plan, const struct config *config, association_report_fn *report,
	      void *arg);
void plan_free(struct plan *plan);

/* The end of its last association; 0 when there is none. */
usec_t plan_end(const struct plan *plan);

#endif
