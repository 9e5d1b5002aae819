/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the association file for one satellite and holds it against the feeders. */
#include "sat-forwarder/plan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Why a row cannot be executed, or NULL when it can. */
#define WHY (2 * ASSOCIATION_NAME_MAX + 64)
static const char *wrong(const struct config *config, const struct association *row, char why[WHY])
{
	if (config_feeder(config, row->core, row->station, config->relay ? NULL : row->via))
		return NULL;
	if (*row->via && !config->relay)
		snprintf(why, WHY, "no feeder leads to satellite %s", row->via);
	else if (*row->station && config_feeder(config, row->core, NULL, NULL))
		snprintf(why, WHY, "no feeder leads to core %s over station %s", row->core,
			 row->station);
	else
		snprintf(why, WHY, "no feeder leads to core %s", row->core);
	return why;
}

/* Rows that no feeder can serve. Returns how many there are; so many alike are told once. */
static size_t check_feeders(const struct plan *plan, const struct config *config,
			    association_report_fn *report, void *arg)
{
	char message[PATH_MAX + 2 * WHY], relay[ASSOCIATION_NAME_MAX + 16] = "", why[WHY];
	size_t faults = 0;

	if (config->relay)
		snprintf(relay, sizeof(relay), "relay of %s: ", config->satellite.name);
	for (size_t i = 0; i < plan->count && faults < ASSOCIATION_FAULTS_MAX; i++) {
		const struct association *row = &plan->rows[i];

		if (!wrong(config, row, why))
			continue;
		faults++;
		snprintf(message, sizeof(message), "%s:%u: %s%s", config->association.file,
			 row->line, relay, why);
		report(arg, message);
	}
	return faults;
}

/*
 * Of a relayed satellite this one executes the rows that lead over it. The way is open a little
 * before and after, so that two satellites whose clocks differ lose nothing: the relayed one
 * decides what passes, and while it sends nothing here and takes nothing from here, nothing does.
 */
static void keep_relayed(struct plan *plan, const char *via, usec_t margin)
{
	struct association *rows = plan->associations.rows;
	size_t count = 0;
	usec_t gap;

	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(rows[i].via, via) == 0)
			rows[count++] = rows[i];
	for (size_t i = 0; i <= count && count; i++) {
		gap = i && i < count ? rows[i].from - rows[i - 1].until : 2 * margin;
		if (i)
			rows[i - 1].until += usec_min(margin, gap / 2);
		if (i < count)
			rows[i].from -= usec_min(margin, gap / 2);
	}
	plan->associations.count = plan->count = count;
}

/* True when the file has a neighbour's row that leads over this satellite. */
static bool relays_anyone(const struct config *config, association_report_fn *report, void *arg)
{
	bool found = false;

	for (size_t i = 0; !found && i < config->relay_count; i++) {
		struct associations theirs;

		if (association_load(&theirs, config->association.file, config->relays[i].satellite,
				     report, arg) < 0)
			return false;
		for (size_t n = 0; !found && n < theirs.count; n++)
			found = strcmp(theirs.rows[n].via, config->satellite.name) == 0;
		association_free(&theirs);
	}
	return found;
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
	plan->rows = plan->associations.rows;
	plan->count = plan->associations.count;
	if (config->relay)
		keep_relayed(plan, config->relay, config->timers.drain);
	if (!plan->count && !config->relay && !relays_anyone(config, report, arg)) {
		snprintf(message, sizeof(message), "%s: no association of satellite %s",
			 config->association.file, config->satellite.name);
		report(arg, message);
		err = -EINVAL;
	}
	if (err || check_feeders(plan, config, report, arg)) {
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
