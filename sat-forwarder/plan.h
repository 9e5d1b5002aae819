/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan of this satellite: its rows of the association file, each known to lead to a feeder.
 */
#ifndef SNO_SAT_PLAN_H
#define SNO_SAT_PLAN_H

#include "association.h"
#include "reloading.h"
#include "sat-forwarder/config.h"

/* An association file with the rows of all satellites. */
struct plan_file {
	char *path;
	struct file_state seen; /* when it was begun to be read */
	struct associations all;
};
/* To be read, beside the loop or at once. NULL: out of memory. */
struct plan_file *plan_file_new(const char *path);
/* NULL is none. */
void plan_file_free(struct plan_file *file);
extern const struct reloading_kind plan_file_kind;

/* Zeroed, it is the plan that says nothing. */
struct plan {
	struct associations associations;
	const struct association *rows;
	size_t count;
};

/*
 * Reads the configuration's association file, if it has one; else *file is NULL. 0, or -errno with
 * everything reported and nothing to free.
 */
int plan_file_load(struct plan_file **file, const struct config *config,
		   association_report_fn *report, void *arg);

/*
 * Takes the plan of this satellite out of its configuration's file (NULL: it has none). A row that
 * no feeder can serve is a fault, and so is a file that has no row of it. For a relay
 * (config_relay()) only rows that lead over this satellite count, and there may be none. 0, or
 * -errno with everything reported and nothing to free.
 */
int plan_take(struct plan *plan, const struct config *config, const struct plan_file *file,
	      association_report_fn *report, void *arg);
void plan_free(struct plan *plan);

/* The end of its last association; 0 when there is none. */
usec_t plan_end(const struct plan *plan);

#endif
