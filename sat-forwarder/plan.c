/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the association file for one satellite and holds it against the feeders. */
#include "sat-forwarder/plan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Rows that no feeder can serve. Returns how many there are; so many alike are told once. */
static size_t check_feeders(const struct plan *plan, const struct config *config,
			    association_report_fn *report, void *arg)
{
	const char *path = config->association.file;
	char message[PATH_MAX + 2 * ASSOCIATION_NAME_MAX + 64];
	size_t faults = 0;

	for (size_t i = 0; i < plan->count && faults < ASSOCIATION_FAULTS_MAX; i++) {
		const struct association *row = &plan->rows[i];

		if (config_feeder(config, row->core, row->station))
			continue;
		faults++;
		if (*row->station && config_feeder(config, row->core, NULL))
			snprintf(message, sizeof(message),
				 "%s:%u: no feeder leads to core %s over station %s", path,
				 row->line, row->core, row->station);
		else
			snprintf(message, sizeof(message), "%s:%u: no feeder leads to core %s",
				 path, row->line, row->core);
		report(arg, message);
	}
	return faults;
}

int plan_load(struct plan *plan, const struct config *config, association_report_fn *report,
	      void *arg)
{
	char message[PATH_MAX + 2 * ASSOCIATION_NAME_MAX];
	const struct lab_time time = lab_time_of(&config->time);
	int err;

	memset(plan, 0, sizeof(*plan));
	if (!config->association.file)
		return 0;
	err = association_load(&plan->associations, config->association.file,
			       config->satellite.name, report, arg);
	if (err)
		return err;
	lab_time_associations(&time, &plan->associations);
	plan->rows = association_of(&plan->associations, config->satellite.name, &plan->count);
	if (!plan->count) {
		snprintf(message, sizeof(message), "%s: no association of satellite %s",
			 config->association.file, config->satellite.name);
		report(arg, message);
	}
	if (!plan->count || check_feeders(plan, config, report, arg)) {
		plan_free(plan);
		return -EINVAL;
	}
	return 0;
}

void plan_free(struct plan *plan)
{
	association_free(&plan->associations);
	memset(plan, 0, sizeof(*plan));
}

usec_t plan_end(const struct plan *plan)
{
	return plan->count ? plan->rows[plan->count - 1].until : 0;
}
